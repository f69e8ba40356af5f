"""What people sign: each statement is verified before it is read, and speaks for whoever holds the key."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from evidence_bundle import NOW

from govkit import evidence, manifest
from govkit.core import Attestation, Waiver
from govkit.errors import EvidenceError, UsageError

MODEL = "sha256:" + "a" * 64
YEAR = "2029-01-01T00:00:00Z"


class Everybody:
    """Keys of a CI job, an approver and a validator, and the trust file that holds all three."""

    def __init__(self) -> None:
        self.ci = evidence.throwaway_key("CI", NOW)
        self.risk = evidence.throwaway_key("M. Risk", NOW)
        self.validator = evidence.throwaway_key("V. Validator", NOW)
        self.trust = evidence.join_trust(
            (
                evidence.trust_of(self.ci),
                evidence.trust_of(self.risk, roles=["waive"]),
                evidence.trust_of(self.validator, roles=["attest"], signs_as=["validator", "teacher"]),
            )
        )


@pytest.fixture(scope="module")
def everybody() -> Everybody:
    return Everybody()


def waiver(**changes: Any) -> Waiver:
    fields = {
        "id": "W-1",
        "control": "A-1",
        "model": MODEL,
        "owner": "T. Trainer",
        "approver": "M. Risk",
        "reason": "A person reads each letter until January.",
        "ceiling": 0.5,
        "created": "2026-11-20",
        "expires": "2026-12-20",
    }
    return Waiver.model_validate({**fields, **changes})


def attestation(**changes: Any) -> Attestation:
    fields = {
        "kind": "independent_review",
        "model": MODEL,
        "signer": "V. Validator",
        "role": "validator",
        "answers": {"scope": "All of it."},
        "signed_at": "2026-11-20",
    }
    return Attestation.model_validate({**fields, **changes})


def code_of(call: Callable[[], Any]) -> str:
    with pytest.raises(EvidenceError) as caught:
        call()
    assert caught.value.file
    return caught.value.code


def opened(raw: bytes, everybody: Everybody, file: str = "waivers/W-1.sigstore.json", **options: Any) -> Any:
    return evidence.open_signed(raw, file, **{"trust": everybody.trust, "as_of": NOW, **options})


def test_what_is_signed_is_read_back(everybody: Everybody) -> None:
    one = opened(evidence.sign_record(waiver(), everybody.risk), everybody)
    assert (one.record, one.signer.name) == (waiver(), "M. Risk")
    stated = evidence.sign_record(attestation(), everybody.validator)
    two = opened(stated, everybody, "attestations/review.sigstore.json")
    assert (two.record, two.raw) == (attestation(), stated)


@pytest.mark.parametrize(
    ("record", "signer", "file", "code"),
    [
        (waiver(approver="M. Riskk"), "risk", "waivers/a.sigstore.json", "WRONG_NAME"),
        (waiver(approver="m. risk"), "risk", "waivers/a.sigstore.json", "WRONG_NAME"),
        (waiver(approver="CI"), "ci", "waivers/a.sigstore.json", "KEY_ROLE"),
        (waiver(approver="V. Validator"), "validator", "waivers/a.sigstore.json", "KEY_ROLE"),
        (waiver(), "risk", "attestations/a.sigstore.json", "KEY_ROLE"),
        (attestation(signer="M. Risk"), "validator", "attestations/a.sigstore.json", "WRONG_NAME"),
        (attestation(role="owner"), "validator", "attestations/a.sigstore.json", "WRONG_ROLE"),
        (attestation(role="Validator"), "validator", "attestations/a.sigstore.json", "WRONG_ROLE"),
        (attestation(), "validator", "waivers/a.sigstore.json", "KEY_ROLE"),
        (waiver(), "risk", "waivers/a.json", "EXTRA_FILE"),
        (waiver(), "risk", "waivers/.sigstore.json", "EXTRA_FILE"),
        (waiver(), "risk", "waivers/b/a.sigstore.json", "EXTRA_FILE"),
        (waiver(), "risk", "a.sigstore.json", "EXTRA_FILE"),
    ],
)
def test_nobody_speaks_for_another_or_in_another_role(
    everybody: Everybody, record: Any, signer: str, file: str, code: str
) -> None:
    raw = evidence.sign_record(record, getattr(everybody, signer))
    assert code_of(lambda: opened(raw, everybody, file)) == code


def test_a_role_may_be_left_open(everybody: Everybody) -> None:
    raw = evidence.sign_record(attestation(role=""), everybody.validator)
    assert opened(raw, everybody, "attestations/a.sigstore.json").record.role == ""


def test_a_key_that_may_do_both_still_signs_one_kind_at_a_time(everybody: Everybody) -> None:
    trust = evidence.trust_of(everybody.risk, roles=["waive", "attest"])
    raw = evidence.sign_record(attestation(signer="M. Risk", role=""), everybody.risk)
    assert code_of(lambda: opened(raw, everybody, trust=trust)) == "PREDICATE_TYPE"


def test_the_subject_is_the_model_that_the_record_names(everybody: Everybody) -> None:
    plain = waiver().model_dump(mode="json", by_alias=True)
    for subjects in ([("model", "sha256:" + "b" * 64)], [("other", MODEL)], [("model", MODEL), ("more", MODEL)]):
        raw = evidence.sign(evidence.type_of("waiver"), plain, subjects, everybody.risk)
        assert code_of(lambda raw=raw: opened(raw, everybody)) == "WRONG_SUBJECT"


@pytest.mark.parametrize(
    "changes", [{"more": 1}, {"reason": "short"}, {"ceiling": "high"}, {"expires": "tomorrow"}, {"model": "m"}]
)
def test_a_signed_record_that_is_none_is_refused(everybody: Everybody, changes: dict[str, Any]) -> None:
    plain = {**waiver().model_dump(mode="json", by_alias=True), **changes}
    raw = evidence.sign(evidence.type_of("waiver"), plain, [("model", MODEL)], everybody.risk)
    assert code_of(lambda: opened(raw, everybody)) == "BAD_STATEMENT"


@pytest.mark.parametrize(
    ("as_of", "code"), [(YEAR, "KEY_PERIOD"), ("2026-11-24T11:59:59Z", "KEY_PERIOD"), (NOW, "KEY_REVOKED")]
)
def test_a_key_that_is_not_valid_now_waives_nothing(everybody: Everybody, as_of: str, code: str) -> None:
    trust = everybody.trust
    if code == "KEY_REVOKED":
        keys = [key.model_copy(update={"revoked_at": key.not_before}) for key in trust.keys]
        trust = trust.model_copy(update={"keys": tuple(keys)})
    raw = evidence.sign_record(waiver(), everybody.risk)
    assert code_of(lambda: opened(raw, everybody, trust=trust, as_of=as_of)) == code


def test_a_stranger_waives_nothing(everybody: Everybody) -> None:
    raw = evidence.sign_record(waiver(), evidence.throwaway_key("M. Risk", NOW))
    assert code_of(lambda: opened(raw, everybody)) == "UNKNOWN_KEY"


def test_every_byte_of_a_waiver_counts(everybody: Everybody) -> None:
    raw = evidence.sign_record(waiver(), everybody.risk)
    for place in range(0, len(raw), 7):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(EvidenceError):
            opened(changed, everybody)


# Folders


@pytest.fixture
def folder(tmp_path: Path, everybody: Everybody) -> Path:
    for name in ("b", "a"):
        (tmp_path / f"{name}.sigstore.json").write_bytes(evidence.sign_record(waiver(id=name), everybody.risk))
    return tmp_path


def test_a_folder_is_read_by_name(folder: Path, everybody: Everybody) -> None:
    signed = evidence.open_folder(folder, "waivers", trust=everybody.trust, as_of=NOW)
    assert [each.file for each in signed] == ["waivers/a.sigstore.json", "waivers/b.sigstore.json"]
    people = evidence.collect(signed, keys=[everybody.ci.id], trust=everybody.trust)
    assert ([each.id for each in people.waivers], people.attestations) == (["a", "b"], ())
    assert people.digests() == {"waivers": sorted(each.payload_sha256 for each in signed), "attestations": []}


def _text(path: Path) -> None:
    (path / "notes.txt").write_text("x")


def _hidden(path: Path) -> None:
    (path / ".gitkeep").touch()


def _empty_folder(path: Path) -> None:
    (path / "old").mkdir()


def _folder(path: Path) -> None:
    (path / "old.sigstore.json").mkdir()
    (path / "old.sigstore.json" / "a.sigstore.json").write_bytes((path / "a.sigstore.json").read_bytes())


def _link(path: Path) -> None:
    (path / "c.sigstore.json").symlink_to(path / "a.sigstore.json")


def _second_name(path: Path) -> None:
    (path / "c.sigstore.json").hardlink_to(path / "a.sigstore.json")


def _pipe(path: Path) -> None:
    os.mkfifo(path / "c.sigstore.json")


def _unsigned(path: Path) -> None:
    (path / "c.sigstore.json").write_text(waiver().model_dump_json())


def _empty(path: Path) -> None:
    (path / "c.sigstore.json").touch()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_text, "EXTRA_FILE"),
        (_hidden, "EXTRA_FILE"),
        (_empty_folder, "EXTRA_FILE"),
        (_folder, "EXTRA_FILE"),
        (_link, "SYMLINK"),
        (_second_name, "HARDLINK"),
        (_pipe, "SPECIAL"),
        (_unsigned, "UNSIGNED_FIELD"),
        (_empty, "BAD_JSON"),
    ],
)
def test_nothing_else_may_lie_in_the_folder(
    folder: Path, everybody: Everybody, spoil: Callable[[Path], None], code: str
) -> None:
    spoil(folder)
    assert code_of(lambda: evidence.open_folder(folder, "waivers", trust=everybody.trust, as_of=NOW)) == code


def test_a_folder_that_is_none_is_bad_usage(folder: Path, everybody: Everybody) -> None:
    for path in (folder / "none", folder / "a.sigstore.json"):
        with pytest.raises(UsageError, match="no such folder"):
            evidence.open_folder(path, "waivers", trust=everybody.trust, as_of=NOW)


def test_one_statement_does_not_count_twice(folder: Path, everybody: Everybody) -> None:
    (folder / "c.sigstore.json").write_bytes((folder / "a.sigstore.json").read_bytes())
    signed = evidence.open_folder(folder, "waivers", trust=everybody.trust, as_of=NOW)
    assert code_of(lambda: evidence.collect(signed, keys=[], trust=everybody.trust)) == "TWICE"


@pytest.mark.parametrize("name", ["M. Risk", "m.  RISK"])
def test_four_eyes_are_those_of_two_people(folder: Path, everybody: Everybody, name: str) -> None:
    signed = evidence.open_folder(folder, "waivers", trust=everybody.trust, as_of=NOW)
    own = everybody.risk.id
    assert code_of(lambda: evidence.collect(signed, keys=[own], trust=everybody.trust)) == "FOUR_EYES"
    second = evidence.throwaway_key(name, NOW)
    both = evidence.join_trust((everybody.trust, evidence.trust_of(second)))
    assert code_of(lambda: evidence.collect(signed, keys=[second.id], trust=both)) == "FOUR_EYES"


# Bundles


class Waived:
    """A sealed bundle with a waiver and an attestation, and the tools of a forger who holds the key of the release."""

    def __init__(self, root: Path, everybody: Everybody) -> None:
        self.everybody = everybody
        self.model = tools.write_files(root / "model", tools.MODEL)
        self.folder = tools.write_files(root / "bundle", tools.FILES)
        self.artifact = manifest.artifact_digest(self.model)
        self.waiver = evidence.sign_record(waiver(model=self.artifact), everybody.risk)
        stated = evidence.sign_record(attestation(model=self.artifact), everybody.validator)
        people = evidence.collect(
            (
                opened(stated, everybody, "attestations/review.sigstore.json"),
                opened(self.waiver, everybody),
            ),
            keys=[everybody.ci.id],
            trust=everybody.trust,
        )
        people.write(self.folder)
        findings, verdict = tools.predicates(self.artifact)
        evidence.attest(
            self.folder,
            subject_name="small",
            subject_digest=self.artifact,
            findings=findings,
            verdict={**verdict, **people.digests()},
            run=None,
            key=everybody.ci,
        )
        self.path = self.folder / "waivers" / "W-1.sigstore.json"

    def seal(self) -> None:
        evidence.seal(self.folder, model=self.model, outcome="PASS", key=self.everybody.ci, as_of=NOW)

    def check(self, **options: Any) -> evidence.Evidence:
        return evidence.check_signatures(
            self.folder, **{"model": self.model, "trust": self.everybody.trust, "as_of": NOW, **options}
        )

    def code(self, **options: Any) -> str:
        return code_of(lambda: self.check(**options))

    def reseal(self) -> None:
        """Bind whatever the folder holds now."""
        tools.Small(self.folder, self.model, self.everybody.ci, self.everybody.trust).reseal()


@pytest.fixture
def waived(tmp_path: Path, everybody: Everybody) -> Waived:
    return Waived(tmp_path, everybody)


@pytest.fixture
def sealed(waived: Waived) -> Waived:
    waived.seal()
    return waived


def test_a_bundle_gives_its_statements_back_with_their_signers(sealed: Waived) -> None:
    proof = sealed.check()
    assert proof.people.waivers == (waiver(model=sealed.artifact),)
    assert proof.people.attestations == (attestation(model=sealed.artifact),)
    assert proof.signers["waivers/W-1.sigstore.json"] == "M. Risk"
    assert sealed.path.read_bytes() == sealed.waiver
    assert proof.verdict["waivers"] == proof.people.digests()["waivers"] != []


def test_a_waiver_that_was_changed_removed_added_or_renamed_after_the_seal_is_seen(sealed: Waived) -> None:
    raw = sealed.path.read_bytes()
    sealed.path.write_bytes(raw.replace(b"A", b"B", 1))
    assert sealed.code() == "BOUND_FILE"
    sealed.path.unlink()
    assert sealed.code() == "MISSING_FILE"
    sealed.path.write_bytes(raw)
    sealed.path.with_name("W-2.sigstore.json").write_bytes(raw)
    assert sealed.code() == "EXTRA_FILE"
    sealed.path.unlink()
    assert sealed.code() in ("EXTRA_FILE", "MISSING_FILE")


def test_whoever_seals_again_cannot_take_add_or_swap_a_waiver(sealed: Waived) -> None:
    other = evidence.sign_record(waiver(model=sealed.artifact, id="W-9", ceiling=0.1), sealed.everybody.risk)
    sealed.path.write_bytes(other)
    sealed.reseal()
    assert sealed.code() == "INPUTS_MISMATCH"
    sealed.path.unlink()
    sealed.reseal()
    assert sealed.code() == "INPUTS_MISMATCH"
    sealed.path.write_bytes(sealed.waiver)
    sealed.path.with_name("W-9.sigstore.json").write_bytes(other)
    sealed.reseal()
    assert sealed.code() == "INPUTS_MISMATCH"
    sealed.path.with_name("W-9.sigstore.json").unlink()
    (sealed.folder / "attestations" / "review.sigstore.json").unlink()
    sealed.reseal()
    assert sealed.code() == "INPUTS_MISMATCH"


@pytest.mark.parametrize("name", ["notes.txt", "deep/W-2.sigstore.json"])
def test_a_stranger_among_the_waivers_is_refused_though_it_was_sealed(sealed: Waived, name: str) -> None:
    path = sealed.path.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sealed.waiver)
    sealed.reseal()
    assert sealed.code() == "EXTRA_FILE"


def test_the_verifier_believes_its_own_trust_file(sealed: Waived) -> None:
    only_ci = evidence.trust_of(sealed.everybody.ci)
    assert sealed.code(trust=only_ci) == "UNKNOWN_KEY"
    keys = [key.model_copy(update={"signs_as": ()}) for key in sealed.everybody.trust.keys]
    assert sealed.code(trust=evidence.Trust(keys=tuple(keys))) == "WRONG_ROLE"
    renamed = [key.model_copy(update={"name": key.name.upper()}) for key in sealed.everybody.trust.keys]
    assert sealed.code(trust=evidence.Trust(keys=tuple(renamed))) == "WRONG_NAME"


def test_the_verifier_sees_that_the_judge_waived(sealed: Waived) -> None:
    keys = [
        key.model_copy(update={"name": "m. risk"}) if key.id == sealed.everybody.ci.id else key
        for key in sealed.everybody.trust.keys
    ]
    assert sealed.code(trust=evidence.Trust(keys=tuple(keys))) == "FOUR_EYES"


def test_nobody_seals_other_statements_than_the_verdict_names(waived: Waived) -> None:
    waived.path.unlink()
    with pytest.raises(UsageError, match="other waivers or attestations"):
        waived.seal()
