"""Signing keys: ECDSA on P-256, kept as encrypted PKCS#8. No message ever holds a passphrase."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from govkit.errors import UsageError
from govkit.evidence import moment
from govkit.evidence.certificate import certificate_of
from govkit.evidence.key_files import read_private
from govkit.evidence.trust import ROLES, SignerRole, Trust, TrustedKey, key_id, write_trust

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEY_FILE = "audit.key"
CERTIFICATE_FILE = "audit.crt"
TRUST_FILE = "trust.yaml"
DAYS = 730
"""Days for which a new key is believed, unless its trust file is edited."""


@dataclass(frozen=True)
class SigningKey:
    """A private key.

    Attributes:
        id: Hex SHA-256 of the DER SubjectPublicKeyInfo.
        name: Who holds it; empty for a key from a file, whose name stands in the trust file.
        since: When it was made, ISO 8601; empty for a key from a file.
        private: The key itself.
    """

    id: str
    name: str
    since: str
    private: EllipticCurvePrivateKey = field(repr=False)

    def sign(self, data: bytes) -> bytes:
        """DER signature of ECDSA P-256 with SHA-256; the same bytes each time (RFC 6979), with low s."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA256

        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return encode_dss_signature(r, min(s, ORDER - s))


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group of P-256. (r, s) and (r, ORDER − s) both verify; only the lower s is accepted here."""


def throwaway_key(name: str, as_of: str) -> SigningKey:
    """A new key that lives in memory only.

    Args:
        name: Who holds it.
        as_of: UTC time to take as now.

    Raises:
        UsageError: ``as_of`` is no time.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(key_id(private.public_key()), name, moment.write(moment.read(as_of)), private)


def trust_of(key: SigningKey, *, roles: Sequence[SignerRole] = ROLES, signs_as: Sequence[str] = ()) -> Trust:
    """A trust store that believes one new key.

    Args:
        key: A key that was just made; of a key from a file, the trust file speaks.
        roles: What it may sign.
        signs_as: As what its holder may sign attestations.

    Raises:
        UsageError: The key came from a file, has no name, or is given no roles.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    if not key.since:
        raise UsageError(f"the trust of a key from a file stands in its {TRUST_FILE}: read that instead")
    start = moment.read(key.since)
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    try:
        entry = TrustedKey(
            id=key.id,
            name=key.name,
            public_key=pem,
            roles=tuple(roles),
            signs_as=tuple(signs_as),
            not_before=start,
            not_after=start + timedelta(days=DAYS),
        )
    except ValidationError as error:
        item = error.errors()[0]
        raise UsageError(f"the key cannot be trusted like this: {item['loc'][0]}: {item['msg']}") from None
    return Trust(keys=(entry,))


def new_key(
    folder: Path,
    *,
    password: bytes,
    name: str,
    as_of: str,
    roles: Sequence[SignerRole] = ROLES,
    signs_as: Sequence[str] = (),
) -> SigningKey:
    """Make a key: ``audit.key`` (encrypted PKCS#8, readable by its owner only), ``audit.crt`` and ``trust.yaml``.

    Args:
        folder: Where the three files go; made if it is missing.
        password: Passphrase of the key file.
        name: Who holds the key.
        as_of: UTC time to take as now.
        roles: What it may sign.
        signs_as: As what its holder may sign attestations.

    Raises:
        UsageError: One of the files exists, the folder cannot be written, or the passphrase cannot be used.
    """
    key = throwaway_key(name, as_of)
    write_key(folder, key, password=password, trust=trust_of(key, roles=roles, signs_as=signs_as))
    return key


def write_key(
    folder: Path, key: SigningKey, *, password: bytes, trust: Trust, more: Mapping[str, bytes] | None = None
) -> None:
    """Write ``audit.key``, ``audit.crt`` and ``trust.yaml``.

    Args:
        folder: Where they go; made if it is missing.
        key: The new key.
        password: Passphrase of the key file.
        trust: A trust file that believes it.
        more: Name -> content of files that go with them.

    Raises:
        UsageError: One of the files exists, the folder cannot be written, or the passphrase cannot be used.
    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate

    secret = _encrypted(key, password)
    certificate = load_der_x509_certificate(certificate_of(key)).public_bytes(Encoding.PEM)
    public = {CERTIFICATE_FILE: certificate, **(more or {})}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in (folder / name for name in (KEY_FILE, TRUST_FILE, *public)):
            if path.exists() or path.is_symlink():
                raise UsageError(f"{path}: already exists; a key is never overwritten, name another folder")
        with os.fdopen(os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secret)
        for name, content in public.items():
            (folder / name).write_bytes(content)
        write_trust(folder / TRUST_FILE, trust)
    except OSError as error:
        raise UsageError(f"{error.filename or folder}: cannot be written ({error.strerror})") from None


def _encrypted(key: SigningKey, password: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    if not password:
        raise UsageError("the passphrase is empty; a signing key is never stored in the open")
    try:
        return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    except ValueError:
        raise UsageError("the passphrase is too long; use at most 1,000 bytes") from None


def load_key(path: Path, password: bytes | None) -> SigningKey:
    """Read a key file.

    Raises:
        UsageError: As ``read_private``.
    """
    private = read_private(path, password)
    return SigningKey(key_id(private.public_key()), "", "", private)
