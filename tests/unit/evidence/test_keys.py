from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import evidence_bundle
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509 import load_pem_x509_certificate
from evidence_bundle import NOW

from govkit.errors import UsageError
from govkit.evidence import (
    SigningKey,
    load_key,
    new_key,
    read_trust,
    refuse_secrets,
    seal,
    throwaway_key,
    trust_of,
    write_trust,
)
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


@pytest.mark.parametrize("name", ["audit.key", "audit.crt", "trust.yaml"])
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


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("none.key", ".", "pipe"):
        with pytest.raises(UsageError, match="cannot be read"):
            load_key(tmp_path / name, PASSWORD)


def pem(private: Any, *, password: bytes | None = PASSWORD, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    return private.private_bytes(Encoding.PEM, form, BestAvailableEncryption(password) if password else NoEncryption())


def private_file(folder: Path, content: bytes) -> Path:
    path = folder / "audit.key"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), "an RSA key of 2,048 bits"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "a key on the curve P-384"),
        (lambda: ec.generate_private_key(ec.SECP256K1()), "a key on the curve secp256k1"),
        (ed25519.Ed25519PrivateKey.generate, "a key of the kind Ed25519"),
    ],
    ids=["rsa", "p-384", "secp256k1", "ed25519"],
)
def test_another_kind_of_key_is_named(tmp_path: Path, make: Callable[[], Any], found: str) -> None:
    private = make()
    path = private_file(tmp_path, pem(private))
    with pytest.raises(UsageError, match=f"found {found}; expected a key on the curve P-256: .*govkit keys new"):
        load_key(path, PASSWORD)
    path = private_file(tmp_path, pem(private, password=None))
    with pytest.raises(UsageError, match=f"found {found} that is not encrypted"):
        load_key(path, PASSWORD)


def test_an_unencrypted_key_is_told_how_to_become_one(tmp_path: Path) -> None:
    path = private_file(tmp_path, pem(ec.generate_private_key(ec.SECP256R1()), password=None))
    with pytest.raises(UsageError, match=r"not encrypted; .*openssl pkcs8 -topk8"):
        load_key(path, PASSWORD)
    command = ["openssl", "pkcs8", "-topk8", "-in", path, "-out", tmp_path / "new.key", "-passout", "pass:secret"]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "new.key").chmod(0o600)
    load_key(tmp_path / "new.key", b"secret")


def test_other_forms_are_named(tmp_path: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    cases = {
        "in an older form": pem(private, form=PrivateFormat.TraditionalOpenSSL),
        "only a public key": public,
        "holds no key": b"hello",
        "larger than": b"#" * 70_000,
    }
    for message, content in cases.items():
        with pytest.raises(UsageError, match=f"{message}.*expected an encrypted PKCS#8 key"):
            load_key(private_file(tmp_path, content), PASSWORD)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    path = tmp_path / "audit.key"
    path.chmod(mode)
    with pytest.raises(UsageError, match=rf"permissions {mode:03o}\).*chmod 600 {path}"):
        load_key(path, PASSWORD)
    path.chmod(0o400)
    load_key(path, PASSWORD)


def test_a_link_is_as_good_as_its_target(tmp_path: Path) -> None:
    made = new_key(tmp_path / "kept", password=PASSWORD, name="Ada", as_of=NOW)
    (tmp_path / "link.key").symlink_to(tmp_path / "kept" / "audit.key")
    assert load_key(tmp_path / "link.key", PASSWORD).id == made.id
    (tmp_path / "kept" / "audit.key").chmod(0o644)
    with pytest.raises(UsageError, match=f"chmod 600 {tmp_path}/kept/audit.key"):
        load_key(tmp_path / "link.key", PASSWORD)


def test_the_certificate_is_that_of_the_key(tmp_path: Path) -> None:
    made = new_key(tmp_path, password=PASSWORD, name="Ada", as_of=NOW)
    found = load_pem_x509_certificate((tmp_path / "audit.crt").read_bytes())
    assert found.public_key() == made.private.public_key()
    assert b"PRIVATE" not in (tmp_path / "audit.crt").read_bytes()


# Secrets among what is given away


@pytest.mark.parametrize("place", ["bundle", "model", "model/deep"])
@pytest.mark.parametrize("password", [PASSWORD, None])
def test_a_key_is_never_sealed_in(tmp_path: Path, place: str, password: bytes | None) -> None:
    small = evidence_bundle.make(tmp_path / "first")
    small.path("release").unlink()
    folder = small.folder if place == "bundle" else small.model.parent / place
    folder.mkdir(exist_ok=True)
    (folder / "innocent.txt").write_bytes(b"notes\n" + pem(ec.generate_private_key(ec.SECP256R1()), password=password))
    with pytest.raises(UsageError, match=r"innocent\.txt' holds a private key"):
        seal(small.folder, model=small.model, outcome="PASS", key=small.key, as_of=NOW)
    assert not small.path("release").exists()


def test_public_keys_and_large_files_are_no_secrets(tmp_path: Path) -> None:
    new_key(tmp_path / "keys", password=PASSWORD, name="Ada", as_of=NOW)
    large = tmp_path / "large.bin"
    large.write_bytes(b"-----BEGIN PRIVATE KEY-----" + bytes(2**16))
    public = [tmp_path / "keys" / name for name in ("audit.crt", "trust.yaml")]
    refuse_secrets((path.name, path) for path in (*public, large))
    with pytest.raises(UsageError, match=r"'x' holds a private key"):
        refuse_secrets([("x", tmp_path / "keys" / "audit.key")])
    with pytest.raises(UsageError, match="cannot be read"):
        refuse_secrets([("x", tmp_path / "none")])


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


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"file/keys: cannot be written \(Not a directory\)"):
        new_key(tmp_path / "file/keys", password=PASSWORD, name="Ada", as_of=NOW)
