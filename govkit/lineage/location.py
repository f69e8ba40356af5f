"""Where the base lies on this machine: beside the record, never in it, since a record is signed and given away."""

from __future__ import annotations

from pathlib import Path

from govkit import manifest
from govkit.core import Run
from govkit.errors import UsageError

NAME = "base.path"


def remember(out: Path, base: Path) -> None:
    """Write the folder of the base beside the record."""
    (out / NAME).write_text(f"{base.resolve()}\n", encoding="utf-8")


def base_folder(record: Path, run: Run) -> Path:
    """Folder of the base that a run was tuned from, the same bytes as then.

    Args:
        record: The ``run.json``.
        run: What it says.

    Raises:
        UsageError: The folder is not known here, gone, or no longer what was recorded.
    """
    advice = "name it in the audit file: base: {model: FOLDER, head: probe}"
    try:
        folder = Path((record.parent / NAME).read_text(encoding="utf-8").strip())
    except OSError:
        raise UsageError(f"{record.parent / NAME}: missing, so the base cannot be found; {advice}") from None
    if not folder.is_dir():
        raise UsageError(f"{folder}: the base is no longer there; {advice}")
    if manifest.artifact_digest(folder, strict=False) != run.base.digest.value:
        raise UsageError(f"{folder}: its files are not those that {record} names as the base; {advice}")
    return folder
