from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from evidence_bundle import NOW

from govkit.errors import UsageError
from govkit.evidence import SigningKey, load_key, new_key, read_trust, throwaway_key, trust_of, write_trust
from govkit.evidence.keys import ORDER

PASSWORD = b"correct horse battery staple"


def test_a_key_is_made_read_and_trusted(tmp_path: Path) -> None:
    made = new_key(tmp_path / "keys", password=PASSWORD, name="Ada", as_of=NOW, roles=["audit", "gate"])
    loaded = load_key(tmp_path / "keys/audit.key", PASSWORD)
    assert loaded.id == made.id
    assert loaded.sign(b"x") == made.sign(b"x")
    trusted = read_trust(tmp_path / "keys/trust.yaml").find(made.id)
    assert trusted is not None
    assert (trusted.name, trusted.roles) == ("Ada", ("audit", "gate"))
    assert trusted.public.public_numbers() == made.private.public_key().public_numbers()


def test_the_key_file_is_private_and_encrypted(tmp_path: Path) -> None:
    new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    path = tmp_path / "audit.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert "PRIVATE" not in (tmp_path / "trust.yaml").read_text()


@pytest.mark.parametrize("name", ["audit.key", "trust.yaml"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(UsageError, match=name):
        new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "audit.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="already exists"):
        new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"password": b""}, "passphrase is empty"),
        ({"password": b"x" * 5000}, "too long"),
        ({"name": ""}, "name"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"as_of": "today"}, "as_of"),
        ({"as_of": "2026-11-24T12:00:00"}, "zone"),
    ],
)
def test_a_bad_request_writes_nothing(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    options = {"password": PASSWORD, "name": "Ada", "as_of": NOW, **changes}
    with pytest.raises(UsageError, match=message):
        new_key(tmp_path / "keys", **options)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("password", [b"wrong horse", b"", None])
def test_a_wrong_passphrase_is_never_repeated(tmp_path: Path, password: bytes | None) -> None:
    new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    with pytest.raises(UsageError, match="passphrase") as caught:
        load_key(tmp_path / "audit.key", password)
    assert "horse" not in str(caught.value)
    assert "horse" not in repr(caught.value)


def test_other_key_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    private = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UsageError, match="encrypted PKCS#8"):
        load_key(path, PASSWORD)
    for other in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD)))
        with pytest.raises(UsageError, match="P-256"):
            load_key(path, PASSWORD)
    with pytest.raises(UsageError, match="cannot be read"):
        load_key(tmp_path / "none.key", PASSWORD)
    with pytest.raises(UsageError, match="cannot be read"):
        load_key(tmp_path, PASSWORD)


def test_a_key_does_not_print_its_secret() -> None:
    key = throwaway_key("Ada", NOW)
    assert format(key.private.private_numbers().private_value, "d") not in repr(key)
    assert "private" not in repr(key)


def test_a_key_from_a_file_has_no_trust_of_its_own(tmp_path: Path) -> None:
    new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    with pytest.raises(UsageError, match=r"trust\.yaml"):
        trust_of(load_key(tmp_path / "audit.key", PASSWORD))


@pytest.mark.parametrize("name", ["Zoë", 'a: "b"\n- c', "\u202eevil", "null", "1e3", "|", "#", " "])
def test_trust_survives_its_file(tmp_path: Path, name: str) -> None:
    trust = trust_of(throwaway_key(name, NOW))
    write_trust(tmp_path / "trust.yaml", trust)
    assert read_trust(tmp_path / "trust.yaml") == trust


# RFC 6979, A.2.5: ECDSA, 256 bits, with SHA-256.
PRIVATE = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
VECTORS = [
    (
        b"sample",
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    (
        b"test",
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
]


@pytest.mark.parametrize(("message", "r", "s"), VECTORS)
def test_signatures_are_those_of_rfc_6979_with_low_s(message: bytes, r: int, s: int) -> None:
    key = SigningKey("", "", "", ec.derive_private_key(PRIVATE, ec.SECP256R1()))
    assert decode_dss_signature(key.sign(message)) == (r, min(s, ORDER - s))
