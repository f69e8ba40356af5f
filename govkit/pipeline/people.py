"""Opens what people sign and hand to a judge: folders of waivers and attestations, and a lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from govkit import evidence
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline import clock


def open_people(
    *,
    waivers: Path | str | None = None,
    attestations: Path | str | None = None,
    lock: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    as_of: str | None = None,
    key: evidence.SigningKey | None = None,
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

    Raises:
        UsageError: They come without a trust file or the reverse, or something does not verify.
    """
    given = {"lock": lock, "waivers": waivers, "attestations": attestations}
    named = {what: Path(place) for what, place in given.items() if place is not None}
    if trust is None and named:
        raise UsageError(f"{', '.join(named)}: they need a trust file (--trust), which says whose are believed")
    if trust is None:
        return evidence.People()
    if not named:
        raise UsageError("a trust file is for waivers, attestations or a lock, and none of them is named")
    store, moment = evidence.read_trust(trust), as_of or clock.now()
    try:
        raw = None if lock is None else evidence.read_bytes(Path(lock), file=str(lock))
        held = None if raw is None else evidence.open_lock(raw, trust=store, as_of=moment)
        folders = [(sort, named[sort]) for sort in evidence.SORTS if sort in named]
        signed = [
            each for sort, place in folders for each in evidence.open_folder(place, sort, trust=store, as_of=moment)
        ]
        return replace(evidence.collect(signed, keys=[] if key is None else [key.id], trust=store), lock=held)
    except EvidenceError as error:
        raise UsageError(f"{', '.join(map(str, named.values()))}: {error}") from None
