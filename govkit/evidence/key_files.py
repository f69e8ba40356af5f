"""Private keys in files: read one that is kept as it must be, and refuse to publish one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from govkit.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

MAX_BYTES = 64 * 2**10
"""No key file is larger. So whatever is larger holds no key of ours, and need not be searched for one."""

MARK = b"PRIVATE KEY-----"
"""How the first line of every private key in PEM text ends."""

_NEW = "make one with 'govkit keys new'"


def read_private(path: Path, password: bytes | None) -> EllipticCurvePrivateKey:
    """The key of a key file.

    Args:
        path: The file; a link to it will do.
        password: Its passphrase.

    Raises:
        UsageError: It is missing, can be read by others, is no encrypted PKCS#8 key on P-256, or the passphrase is
            missing or wrong.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = _read(path)
    _refuse_other_forms(path, pem)
    if not password:
        raise UsageError(f"{path}: the key is encrypted and no passphrase was given")
    private = _decrypt(pem, password)
    if private is None:
        raise UsageError(f"{path}: the passphrase is wrong, or the file is damaged")
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise UsageError(f"{path}: found {_kind(private)}; expected a key on the curve P-256: {_NEW}")
    return private


def refuse_secrets(files: Iterable[tuple[str, Path]]) -> None:
    """Refuse private keys among files that are about to be given away.

    Args:
        files: ``(name, path)`` of each: the name that the message calls it by, and where it lies. Only small files
            are read; none of them may be a link.

    Raises:
        UsageError: One of them holds a private key, encrypted or not, or cannot be read.
    """
    for name, path in files:
        try:
            found = path.stat().st_size <= MAX_BYTES and MARK in path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
        if found:
            raise UsageError(f"{name!r} holds a private key, and would be given away with the rest; move it elsewhere")


def _read(path: Path) -> bytes:
    """The bytes of a key file. What is judged is the open file, so that no other one can take its place meanwhile."""
    try:
        # Without waiting: a pipe in its place would never answer.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise UsageError(f"{path}: the signing key cannot be read (it is no plain file)")
            if mode & 0o077:
                found = f"others than its owner can use this key (permissions {stat.S_IMODE(mode):03o})"
                raise UsageError(f"{path}: {found}: chmod 600 {path.resolve()}")
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: the signing key cannot be read ({error.strerror}); see 'govkit keys new'") from None


def _refuse_other_forms(path: Path, pem: bytes) -> None:
    """Whatever is no encrypted PKCS#8 text is told from it by what it is, and what to do about it."""
    expected = "expected an encrypted PKCS#8 key in PEM text, as 'govkit keys new' writes it"
    if len(pem) > MAX_BYTES:
        raise UsageError(f"{path}: larger than {MAX_BYTES:,} bytes; {expected}")
    if b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in pem:
        return
    if MARK not in pem:
        public = b"PUBLIC KEY-----" in pem or b"CERTIFICATE-----" in pem
        raise UsageError(f"{path}: {'holds only a public key' if public else 'holds no key'}; {expected}")
    private = _decrypt(pem, None)
    if private is None:
        raise UsageError(f"{path}: found a private key in an older form; {expected}")
    remedy = "encrypt one on P-256 with 'openssl pkcs8 -topk8 -in OLD -out NEW', or " + _NEW
    raise UsageError(f"{path}: found {_kind(private)} that is not encrypted; {remedy}")


def _decrypt(pem: bytes, password: bytes | None) -> PrivateKeyTypes | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _kind(private: PrivateKeyTypes) -> str:
    """What a key is, in words."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(private, rsa.RSAPrivateKey):
        return f"an RSA key of {private.key_size:,} bits"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        curve = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        return f"a key on the curve {curve.get(private.curve.name, private.curve.name)}"
    return f"a key of the kind {type(private).__name__.removesuffix('PrivateKey').lstrip('_')}"
