"""Rotates and revokes keys in trust files, by the clock."""

from __future__ import annotations

from pathlib import Path

from govkit import evidence
from govkit.evidence import Accepted, Rotated, TrustedKey
from govkit.pipeline import clock
from govkit.pipeline.folder import whole_folder


def rotate_key(
    key: evidence.SigningKey,
    *,
    trust: Path | str | evidence.Trust,
    out: Path | str,
    password: bytes,
    overlap_days: int = evidence.OVERLAP_DAYS,
    as_of: str | None = None,
) -> Rotated:
    """Make the key that follows another one, and let the old one say so.

    Args:
        key: The old key.
        trust: A trust file that holds it.
        out: New folder for ``audit.key``, ``audit.crt``, ``trust.yaml`` and ``rotation.sigstore.json``, the file for
            those who believe the old key.
        password: Passphrase of the new key.
        overlap_days: Days for which both are believed.
        as_of: UTC time to take as now.

    Raises:
        UsageError: The trust file does not believe the old key now, ``out`` exists, or the passphrase cannot be used.
    """
    store = evidence.read_trust(trust)
    with whole_folder(Path(out)) as draft:
        made = evidence.rotate_key(key, store, as_of=clock.deciding_time(as_of), overlap_days=overlap_days)
        more = {evidence.ROTATION_FILE: made.statement}
        evidence.write_key(draft, made.key, password=password, trust=made.trust, more=more)
    return made


def accept_rotation(statement: Path | str, *, trust: Path | str, as_of: str | None = None) -> Accepted:
    """Believe the key that follows one that a trust file believes; the trust file is replaced.

    Args:
        statement: What the old key signed.
        trust: Your trust file.
        as_of: UTC time to take as now.

    Raises:
        EvidenceError: It does not verify, or asks for what is not the old key's.
        UsageError: The trust file cannot be read or replaced.
    """
    store = evidence.read_trust(trust)
    raw = evidence.read_bytes(Path(statement), file=str(statement))
    accepted = evidence.accept_rotation(raw, store, as_of=clock.deciding_time(as_of), file=str(statement))
    evidence.replace_trust(Path(trust), accepted.trust)
    return accepted


def revoke_key(which: str, *, trust: Path | str, at: str | None = None, reason: str = "") -> TrustedKey:
    """Believe a key no longer; the trust file is replaced.

    Args:
        which: Id of the key or its first eight digits or more, or the name of its holder if it is one key's only.
        trust: Your trust file.
        at: UTC time from which on it is not believed; an earlier revocation stays as it is. Without it, now.
        reason: Why, for people.

    Returns:
        The key, as it stands in the trust file now.

    Raises:
        UsageError: There is no such key or there are several, or the trust file cannot be read or replaced.
    """
    changed, key = evidence.revoke_key(evidence.read_trust(trust), which, at=clock.deciding_time(at), reason=reason)
    evidence.replace_trust(Path(trust), changed)
    return key
