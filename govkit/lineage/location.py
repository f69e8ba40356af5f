"""Where base and model lie on this machine: beside the record, never in it, since a record is signed and given away."""

from __future__ import annotations

from pathlib import Path

from govkit import manifest
from govkit.core import Fact, Run
from govkit.errors import UsageError

BASE, MODEL = "base.path", "model.path"


def remember(out: Path, name: str, place: Path) -> None:
    """Write a place beside the record."""
    (out / name).write_text(f"{place.resolve()}\n", encoding="utf-8")


def base_folder(record: Path, run: Run) -> Path:
    """Folder or file of the base that a run was tuned from, the same bytes as then.

    Args:
        record: The ``run.json``.
        run: What it says.

    Raises:
        UsageError: It is not known here, gone, or no longer what was recorded.
    """
    advice = "name it in the audit file: base: {model: FOLDER, head: probe}"
    return _found(record.parent / BASE, "base", run.base.digest, advice=advice)


def still_there(record: Path, run: Run) -> Path | None:
    """The base of a run, where it can be found and is the same as then."""
    try:
        return base_folder(record, run)
    except UsageError:
        return None


def model_folder(record: Path, run: Run) -> Path:
    """Folder or file of the tuned model: ``model`` beside the record, or where the script saved it.

    Raises:
        UsageError: It is not known here, gone, or no longer what was recorded.
    """
    beside = record.parent / "model"
    if beside.exists():
        return beside
    advice = "name it in the audit file: subject: {model: FOLDER}"
    return _found(record.parent / MODEL, "model", run.artifact, advice=advice)


def _found(file: Path, what: str, digest: Fact, *, advice: str) -> Path:
    try:
        place = Path(file.read_text(encoding="utf-8").strip())
    except OSError:
        raise UsageError(f"{file}: missing, so the {what} cannot be found; {advice}") from None
    if not place.exists():
        raise UsageError(f"{place}: the {what} is no longer there; {advice}")
    if manifest.artifact_digest(place, strict=False) != digest.value:
        raise UsageError(f"{place}: its files are not those that the record names as the {what}; {advice}")
    return place
