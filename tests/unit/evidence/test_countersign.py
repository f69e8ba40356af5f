"""Countersignatures: who may sign a verdict beside the pipeline, and how many eyes a tier asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from evidence_bundle import NOW

from govkit import evidence
from govkit.errors import EvidenceError, UsageError
from govkit.evidence import Countersignature, Countersigned

MODEL, VERDICT = "sha256:" + "1" * 64, "sha256:" + "2" * 64
NAMES = {"ci": "CI", "ann": "Ann", "bob": "Bob", "bob2": "bob ", "ci2": "ＣＩ"}
KEYS = {who: evidence.throwaway_key(name, NOW) for who, name in NAMES.items()}
BOTH = ("auditor", "approver")
TRUST = evidence.join_trust(
    evidence.trust_of(key, roles=evidence.ROLES if who == "ci" else ("countersign",), signs_as=BOTH)
    for who, key in KEYS.items()
)
FILE = "countersignatures/x.sigstore.json"


def signed(who: str, role: str, **changes: Any) -> bytes:
    said = {"name": NAMES[who], "role": role, "model": MODEL, "verdict": VERDICT, "outcome": "PASS", "as_of": NOW}
    return evidence.sign_countersignature(Countersignature.model_validate({**said, **changes}), KEYS[who])


def opened(raw: bytes, file: str = FILE, trust: evidence.Trust = TRUST) -> Countersigned:
    about = {"verdict": VERDICT, "artifact": MODEL, "outcome": "PASS"}
    return evidence.open_countersignature(raw, file, trust=trust, as_of=NOW, **about)


def code(call: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        call()
    return caught.value.code


def demanded(tier: str, people: Sequence[tuple[str, str]]) -> None:
    found = [opened(signed(who, role), f"countersignatures/{n}.sigstore.json") for n, (who, role) in enumerate(people)]
    evidence.check_demanded(found, tier=tier, keys=[KEYS["ci"].id], trust=TRUST)


def test_a_countersignature_says_who_signed_which_verdict_as_what() -> None:
    found = opened(signed("ann", "auditor"))
    assert (found.record.name, found.record.role, found.signer.name) == ("Ann", "auditor", "Ann")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (lambda: signed("ann", "auditor", verdict=MODEL), "WRONG_SUBJECT"),
        (lambda: signed("ann", "auditor", model=VERDICT), "WRONG_SUBJECT"),
        (lambda: signed("ann", "auditor", outcome="BLOCK"), "WRONG_SUBJECT"),
        (lambda: signed("ann", "auditor", as_of="2099-01-01T00:00:00Z"), "FUTURE"),
        (lambda: signed("ann", "auditor", as_of="2026-99-99T00:00:00Z"), "BAD_STATEMENT"),
        (lambda: signed("ann", "auditor", name="Bob"), "WRONG_NAME"),
        (lambda: signed("ci", "auditor"), "KEY_ROLE"),
        (lambda: evidence.sign("urn:govkit:waiver:v1", {}, [("model", MODEL)], KEYS["ann"]), "PREDICATE_TYPE"),
    ],
)
def test_what_is_no_countersignature_of_this_verdict_is_refused(raw: Any, expected: str) -> None:
    assert code(lambda: opened(raw())) == expected


def test_nobody_signs_as_what_the_trust_file_does_not_know_them() -> None:
    reader = evidence.trust_of(KEYS["ann"], roles=("countersign",), signs_as=("reader",))
    assert code(lambda: opened(signed("ann", "auditor"), trust=reader)) == "WRONG_ROLE"


@pytest.mark.parametrize(
    "file", ["countersignatures/x.json", "countersignatures/.sigstore.json", "countersignatures/a/x.sigstore.json"]
)
def test_nothing_else_lies_in_the_folder(file: str) -> None:
    assert code(lambda: opened(signed("ann", "auditor"), file)) == "EXTRA_FILE"


@pytest.mark.parametrize(
    ("tier", "people", "expected"),
    [
        ("low", [], None),
        ("medium", [], "COUNTERSIGN_MISSING"),
        ("medium", [("ann", "auditor")], "COUNTERSIGN_MISSING"),
        ("medium", [("ann", "approver")], None),
        ("high", [("ann", "approver")], "COUNTERSIGN_MISSING"),
        ("high", [("ann", "auditor"), ("bob", "approver")], None),
        ("high", [("ann", "auditor"), ("ann", "approver")], "FOUR_EYES"),
        ("high", [("bob", "auditor"), ("bob2", "approver")], "FOUR_EYES"),
        ("low", [("ci2", "approver")], "FOUR_EYES"),
    ],
)
def test_each_tier_asks_for_its_people_and_each_is_another(
    tier: str, people: list[tuple[str, str]], expected: str | None
) -> None:
    if expected is None:
        demanded(tier, people)
    else:
        assert code(lambda: demanded(tier, people)) == expected


def test_one_key_under_two_ids_is_no_second_person() -> None:
    entry = evidence.trust_of(KEYS["ann"], roles=("countersign",)).keys[0]
    with pytest.raises(UsageError, match="a key stands twice"):
        evidence.join_trust([TRUST, evidence.Trust(keys=(entry,))])
    with pytest.raises(ValueError, match="id is not the SHA-256"):
        evidence.TrustedKey.model_validate({**entry.model_dump(), "id": "0" * 64})
