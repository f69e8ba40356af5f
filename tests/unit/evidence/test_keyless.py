"""Keyless countersignatures, under a Sigstore on this machine and under the roots of the public one; no network."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle as tools
import pytest
from sigstore_house import House

from govkit.errors import EvidenceError, UsageError
from govkit.evidence.keyless import Keyless, check_keyless, sign_keyless
from govkit.evidence.statement import payload_of

WHO, ISSUER = "https://example.org/workflows/release.yml@refs/heads/main", "https://issuer.example.org"
VERDICT = "urn:govkit:verdict:v1"


@pytest.fixture(scope="module")
def house() -> House:
    return House()


@pytest.fixture(scope="module")
def root(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house.write_root(tmp_path_factory.mktemp("house") / "trusted_root.json")


@pytest.fixture(scope="module")
def statement(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tools.make(tmp_path_factory.mktemp("small")).path("verdict").read_bytes()


@pytest.fixture(scope="module")
def raw(house: House, statement: bytes) -> bytes:
    return house.sign(payload_of(statement, file="verdict"), identity=WHO, issuer=ISSUER)


def check(raw: bytes, root: Path | None, **changes: Any) -> Keyless:
    options = {"identity": WHO, "issuer": ISSUER, "predicate_type": VERDICT, **changes}
    return check_keyless(raw, file="cosigned.sigstore.json", trusted_root=root, **options)


def code(raw: bytes, root: Path | None, **changes: Any) -> str:
    with pytest.raises(EvidenceError, match=r"cosigned\.sigstore\.json") as caught:
        check(raw, root, **changes)
    return caught.value.code


def test_a_countersignature_is_under_the_very_statement(raw: bytes, root: Path, statement: bytes) -> None:
    found = check(raw, root)
    payload = payload_of(statement, file="verdict")
    assert found.payload_sha256 == "sha256:" + tools.sha256(payload)
    assert found.predicate == json.loads(payload)["predicate"]
    assert (found.identity, found.issuer, found.subjects[0][0]) == (WHO, ISSUER, "small")


@pytest.mark.parametrize(
    "changes", [{"identity": "https://example.org/other"}, {"issuer": "https://other.example.org"}]
)
def test_somebody_else_is_not_believed(raw: bytes, root: Path, changes: dict[str, str]) -> None:
    assert code(raw, root, **changes) == "KEYLESS_IDENTITY"


@pytest.mark.parametrize("changes", [{"identity": ""}, {"issuer": ""}])
def test_nobody_in_particular_is_nobody(raw: bytes, root: Path, changes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="name both"):
        check(raw, root, **changes)


def test_another_house_is_not_believed(raw: bytes, tmp_path: Path) -> None:
    assert code(raw, House().write_root(tmp_path / "root.json")) == "KEYLESS_UNVERIFIED"
    assert code(raw, None) == "KEYLESS_UNVERIFIED"  # by the roots of the public Sigstore


def test_a_signature_after_the_certificate_ended_is_refused(house: House, root: Path, statement: bytes) -> None:
    late = house.sign(payload_of(statement, file="verdict"), identity=WHO, issuer=ISSUER, minutes=11)
    assert code(late, root) == "KEYLESS_UNVERIFIED"


def test_the_statement_must_be_the_expected_one(house: House, raw: bytes, root: Path, statement: bytes) -> None:
    assert code(raw, root, predicate_type="urn:govkit:release:v1") == "PREDICATE_TYPE"
    payload = payload_of(statement, file="verdict")
    spaced = json.dumps(json.loads(payload), indent=1).encode()
    assert code(house.sign(spaced, identity=WHO, issuer=ISSUER), root) == "NOT_CANONICAL"
    assert code(house.sign(payload, identity=WHO, issuer=ISSUER, kind="text/plain"), root) == "PAYLOAD_TYPE"


def changed(raw: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    outer = json.loads(raw)
    change(outer)
    return json.dumps(outer).encode()


def other_payload(outer: dict[str, Any]) -> None:
    payload = base64.b64decode(outer["dsseEnvelope"]["payload"]).replace(b"small", b"smell")
    outer["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()


def later_entry(outer: dict[str, Any]) -> None:
    outer["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1795521700"


def other_root(outer: dict[str, Any]) -> None:
    proof = outer["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["rootHash"] = base64.b64encode(bytes(32)).decode()


def no_entry(outer: dict[str, Any]) -> None:
    outer["verificationMaterial"]["tlogEntries"] = []


def no_certificate(outer: dict[str, Any]) -> None:
    del outer["verificationMaterial"]["certificate"]


def broken_certificate(outer: dict[str, Any]) -> None:
    outer["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (other_payload, "KEYLESS_UNVERIFIED"),
        (later_entry, "KEYLESS_UNVERIFIED"),
        (other_root, "KEYLESS_UNVERIFIED"),
        (no_entry, "KEYLESS_BUNDLE"),
        (no_certificate, "KEYLESS_BUNDLE"),
        (broken_certificate, "KEYLESS_BUNDLE"),
    ],
)
def test_a_changed_file_is_refused(
    raw: bytes, root: Path, change: Callable[[dict[str, Any]], None], expected: str
) -> None:
    assert code(changed(raw, change), root) == expected


@pytest.mark.parametrize(
    ("bad", "expected"),
    [(b"", "BAD_JSON"), (b"[]", "KEYLESS_BUNDLE"), (b"{}", "KEYLESS_BUNDLE"), (b'{"a":1,"a":2}', "DUP_KEY")],
)
def test_other_files_are_refused(root: Path, bad: bytes, expected: str) -> None:
    assert code(bad, root) == expected


@pytest.mark.parametrize("public", [True, False])
def test_a_statement_signed_with_a_key_is_no_keyless_one(statement: bytes, root: Path, *, public: bool) -> None:
    assert code(statement, None if public else root) == "KEYLESS_CERTIFICATE"


def test_a_trusted_root_is_a_file_of_a_sigstore(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "root.json").write_text("{}")
    for name in ("root.json", "none.json"):
        with pytest.raises(UsageError, match=f"{name}: no trusted root"):
            check(raw, tmp_path / name)


def test_signing_wants_a_statement_and_a_token(statement: bytes) -> None:
    with pytest.raises(EvidenceError, match="BAD_JSON"):
        sign_keyless(b"", "token", file="verdict")
    with pytest.raises(UsageError, match="identity token") as caught:
        sign_keyless(statement, "my-secret-token", file="verdict")
    assert "secret" not in str(caught.value)
