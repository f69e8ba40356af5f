"""Opens the folders of signed waivers and attestations that people hand to a judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from govkit import evidence
from govkit.errors import EvidenceError, UsageError
from govkit.pipeline import clock
from govkit.pipeline.locking import open_lock


def open_people(
    *,
    waivers: Path | str | None = None,
    attestations: Path | str | None = None,
    lock: Path | str | None = None,
    trust: Path | str | evidence.Trust | None = None,
    as_of: str | None = None,
    key: evidence.SigningKey | None = None,
) -> evidence.People:
    """Verify every statement of two folders, and only then read it. No folder, no statements.

    A statement about another model is none of the errors: judging leaves it out and says so.

    Args:
        waivers: Folder of signed waivers.
        attestations: Folder of signed attestations.
        lock: Lock that policy and data must have.
        trust: Which people may waive, attest and lock; a trust file of the judge's own.
        as_of: UTC time to take as now; keys must be valid then.
        key: Key that will sign findings and verdict; no waiver may be signed by it.

    Raises:
        UsageError: The folders come without a trust file or the reverse, or something in them does not verify.
    """
    folders: dict[evidence.Sort, Path | str | None] = {"waivers": waivers, "attestations": attestations}
    asked = {sort: Path(folder) for sort, folder in folders.items() if folder is not None}
    moment = as_of or clock.now()
    held = None if lock is None else open_lock(lock, trust=trust, as_of=moment)
    if not asked and (trust is None or held is not None):
        return evidence.People(lock=held)
    if trust is None:
        raise UsageError(f"{', '.join(asked)}: they need a trust file (--trust), which says whose are believed")
    if not asked:
        raise UsageError("a trust file is for waivers, attestations or a lock, and none of them is named")
    store = trust if isinstance(trust, evidence.Trust) else evidence.read_trust(Path(trust))
    signed: list[evidence.Signed] = []
    try:
        for sort, folder in asked.items():
            signed += evidence.open_folder(folder, sort, trust=store, as_of=moment)
        return replace(evidence.collect(signed, keys=[] if key is None else [key.id], trust=store), lock=held)
    except EvidenceError as error:
        raise UsageError(f"{', '.join(map(str, asked.values()))}: {error}") from None
