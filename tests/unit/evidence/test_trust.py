from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from evidence_bundle import NOW

from govkit.errors import UsageError
from govkit.evidence import join_trust, read_trust, throwaway_key, trust_of, write_trust
from govkit.evidence.trust import key_id

KEY = throwaway_key("Ada", NOW)


@pytest.fixture
def text(tmp_path: Path) -> str:
    write_trust(tmp_path / "whole.yaml", trust_of(KEY))
    return (tmp_path / "whole.yaml").read_text()


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "trust.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_trust(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_duplicate_key_is_refused(tmp_path: Path, text: str) -> None:
    message = refused(tmp_path, text.replace("  name: Ada", "  name: Ada\n  name: Eve"))
    assert "'name' stands twice" in message


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("name: Ada", "nmae: Ada", "keys.1.nmae: unknown key 'nmae' (did you mean 'name'?)"),
        ("name: Ada\n", "\n", ":3: keys.1.name: is required and absent"),
        ("govkit.trust/v1", "govkit.trust/v2", ":1: schema: found 'govkit.trust/v2'; expected govkit.trust/v1"),
        ("ecdsa-p256-sha256", "ecdsa-p256-sha1", "keys.1.algorithm"),
        ("- gate", "- king", "keys.1.roles.3: found 'king'; expected train, audit, gate, release"),
        ("2026-11-24T12:00:00Z", "2026-11-24T12:00:00", "keys.1.not_before"),
        ("'2026-11-24T12:00:00Z'", "1795000000", "keys.1.not_before: expected a time"),
        ("2026-11-24", "2036-11-24", "not_after is not later"),
        (KEY.id, "a" * 64, "id is not the SHA-256 of public_key"),
        (KEY.id, KEY.id.upper(), "keys.1.id"),
        ("BEGIN PUBLIC KEY", "BEGIN CERTIFICATE", "not the PEM text"),
        ("keys:\n", "keys: []\nother:\n", ":2: keys: "),
    ],
    ids=[str(number) for number in range(12)],
)
def test_a_wrong_entry_is_named(tmp_path: Path, text: str, old: str, new: str, key: str) -> None:
    assert old in text
    assert key in refused(tmp_path, text.replace(old, new))


def test_unquoted_times_are_times(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text(text.replace("'2026-11-24T12:00:00Z'", "2026-11-24T13:00:00+01:00"))
    assert read_trust(path) == trust_of(KEY)


def test_one_key_cannot_count_as_two(tmp_path: Path, text: str) -> None:
    entry = text[text.index("- ") :]
    assert "stands twice" in refused(tmp_path, text + entry)
    assert "id is not the SHA-256" in refused(tmp_path, text + entry.replace(KEY.id, "b" * 64))


def test_a_key_on_another_curve_is_refused(tmp_path: Path, text: str) -> None:
    public = ec.generate_private_key(ec.SECP384R1()).public_key()
    plain = yaml.safe_load(text)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    plain["keys"][0].update(public_key=pem, id=key_id(public))
    assert "P-256" in refused(tmp_path, yaml.safe_dump(plain))


@pytest.mark.parametrize("bad", ["", "5", "- a", "a: [", "a: &x 1\nb: *x\n", "? [a]\n: 1\n", "\ta: 1", "a: 2026-13-45"])
def test_other_files_are_refused(tmp_path: Path, bad: str) -> None:
    assert refused(tmp_path, bad)


def test_a_private_key_given_as_trust_is_not_shown(tmp_path: Path) -> None:
    assert "AAAASECRET" not in refused(tmp_path, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAASECRET\n")


def test_missing_large_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read .*govkit keys new"):
        read_trust(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="found a folder"):
        read_trust(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9")
    with pytest.raises(UsageError, match="UTF-8"):
        read_trust(tmp_path / "latin.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match="larger"):
        read_trust(tmp_path / "large.yaml")


# People


def test_a_key_that_signs_as_nothing_says_nothing_of_it(text: str) -> None:
    assert "signs_as" not in text


def test_what_a_person_may_sign_as_is_read_back(tmp_path: Path) -> None:
    trust = trust_of(KEY, roles=["attest"], signs_as=["validator"])
    write_trust(tmp_path / "trust.yaml", trust)
    assert read_trust(tmp_path / "trust.yaml") == trust
    assert trust.keys[0].signs_as == ("validator",)


def test_trust_files_join_and_no_key_stands_in_two(tmp_path: Path) -> None:
    one, two = trust_of(KEY), trust_of(throwaway_key("Eve", NOW), roles=["waive"])
    joined = join_trust((one, two))
    assert joined.keys == (*one.keys, *two.keys)
    write_trust(tmp_path / "trust.yaml", joined)
    assert read_trust(tmp_path / "trust.yaml") == joined
    with pytest.raises(UsageError, match="stands twice"):
        join_trust((joined, two))


def test_a_program_does_not_speak_for_people() -> None:
    assert not {"waive", "attest"} & {*trust_of(KEY).keys[0].roles}
    with pytest.raises(UsageError, match="roles"):
        trust_of(KEY, roles=["king"])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="signs_as"):
        trust_of(KEY, signs_as=[""])
