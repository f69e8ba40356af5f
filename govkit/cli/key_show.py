"""What is in a file of keys: a trust file, a key file, a certificate. Nothing secret is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import govkit as gk
from govkit.cli import options, screen

if TYPE_CHECKING:
    from govkit.evidence import Trust

NONE = "–"


def show(file: Path, password_file: Path | None, *, json: bool) -> None:
    """Tell what a file holds.

    Raises:
        UsageError: It cannot be read, is none of these, or the passphrase of a key file is wrong.
    """
    from govkit import evidence

    head = _head(file)
    if b"PRIVATE KEY-----" in head:
        _tell(_of_key(file, options.passphrase(password_file)), json=json)
    elif b"-----BEGIN CERTIFICATE-----" in head and b"govkit.trust/" not in head:
        _tell(_of_certificate(file, head), json=json)
    elif json:
        screen.put_json(evidence.read_trust(file).model_dump(mode="json", by_alias=True, exclude_none=True))
    else:
        _table(evidence.read_trust(file))


def moment(time: datetime | None) -> str:
    """UTC time to the second; a dash for none."""
    return NONE if time is None else time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(time: datetime) -> str:
    """UTC date."""
    return moment(time)[:10]


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(64 * 2**10)
    except OSError as error:
        raise gk.UsageError(f"{file}: cannot be read ({error.strerror})") from None


def _of_key(file: Path, password: bytes) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = gk.load_key(file, password)
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {"id": key.id, "public_key": pem.decode("ascii")}


def _of_certificate(file: Path, pem: bytes) -> dict[str, Any]:
    import hashlib

    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from cryptography.x509 import load_pem_x509_certificate

    try:
        found = load_pem_x509_certificate(pem)
        spki = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except ValueError:
        raise gk.UsageError(f"{file}: the certificate cannot be read") from None
    return {
        "fingerprint_sha256": found.fingerprint(SHA256()).hex(":").upper(),
        "subject": found.subject.rfc4514_string(),
        "key": hashlib.sha256(spki).hexdigest(),
    }


def _tell(facts: dict[str, Any], *, json: bool) -> None:
    if json:
        screen.put_json(facts)
        return
    for name, value in facts.items():
        first, *more = str(value).splitlines()
        screen.say(f"{name}: {first}" if not more else f"{name}:")
        for line in [first, *more] if more else []:
            screen.say(line)


def _table(trust: Trust) -> None:
    rows = [("name", "id", "from", "to", "revoked", "may sign", "signs as")]
    rows += [
        (
            key.name,
            key.id[:16],
            day(key.not_before),
            day(key.not_after),
            moment(key.revoked_at) + (f" ({key.reason})" if key.reason else ""),
            " ".join(key.roles),
            ", ".join(key.signs_as) or NONE,
        )
        for key in trust.keys
    ]
    shown = [[screen.plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        screen.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for authority in trust.timestamp_authorities:
        screen.say(f"times are believed from: {authority.name}")
