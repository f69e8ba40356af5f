"""Opens what is signed and handed to a judge: folders of waivers and attestations, a lock, and who measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from govkit import evidence
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline import clock
from govkit.pipeline.files import measured_beside


def open_people(
    *,
    waivers: Path | str | None = None,
    attestations: Path | str | None = None,
    lock: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    as_of: str | None = None,
    key: evidence.SigningKey | None = None,
    findings: Path | str | None = None,
    key_ids: Sequence[str] = (),
) -> evidence.People:
    """Verify every statement of two folders and a lock, and only then read it. What is not named is not there.

    A statement about another model is none of the errors: judging leaves it out and says so.

    Args:
        waivers: Folder of signed waivers.
        attestations: Folder of signed attestations.
        lock: Lock that policy and data must have.
        trust: Which people may waive, attest and lock; a trust file of the judge's own.
        as_of: UTC time to take as now; keys must be valid then.
        key: Key that will sign findings and verdict; no waiver may be signed by it.
        findings: Findings that are judged; what a measurer signed of them lies beside. Where the trust file names who
            may measure, it must.
        key_ids: The same by its number, where it is not opened yet.

    Raises:
        UsageError: They come without a trust file or the reverse, or something does not verify.
    """
    given = {"lock": lock, "waivers": waivers, "attestations": attestations}
    named = {what: Path(place) for what, place in given.items() if place is not None}
    if trust is None and named:
        raise UsageError(f"{', '.join(named)}: they need a trust file (--trust), which says whose are believed")
    if trust is None:
        return evidence.People()
    store, moment = evidence.read_trust(trust), clock.deciding_time(as_of)
    measured = None if findings is None else _measured(Path(findings), store, as_of=moment)
    if not named and measured is None:
        raise UsageError("a trust file is for waivers, attestations, a lock or a measurer's signature; none is there")
    try:
        raw = None if lock is None else evidence.read_bytes(Path(lock), file=str(lock))
        held = None if raw is None else evidence.open_lock(raw, trust=store, as_of=moment)
        folders = [(sort, named[sort]) for sort in evidence.SORTS if sort in named]
        signed = [
            each for sort, place in folders for each in evidence.open_folder(place, sort, trust=store, as_of=moment)
        ]
        return replace(
            evidence.collect(signed, keys=[*key_ids, *([] if key is None else [key.id])], trust=store),
            lock=held,
            measured=measured,
        )
    except EvidenceError as error:
        raise UsageError(f"{', '.join(map(str, named.values()))}: {error}") from None


def _measured(findings: Path, trust: evidence.Trust, *, as_of: str) -> evidence.HeldMeasured | None:
    """What a measurer signed of findings, which are held to it where they are judged."""
    place = measured_beside(findings)
    if place.exists():
        try:
            return evidence.open_measured(
                evidence.read_bytes(place, file=str(place)), trust=trust, as_of=as_of, file=str(place)
            )
        except EvidenceError as error:
            raise UsageError(str(error)) from None
    if evidence.names_measurer(trust):
        raise UsageError(
            f"{findings}: the trust file names who may measure, and {place.name} is not beside it; measure with --key"
        )
    return None
