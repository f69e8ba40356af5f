"""Read the record of a run."""

from __future__ import annotations

from pathlib import Path

from govkit.core import Run
from govkit.core.plain import MAX_STATEMENT
from govkit.documents import read_json
from govkit.errors import UsageError


def read_run(path: str | Path) -> Run:
    """Read a ``run.json``, as ``record()`` writes it.

    Args:
        path: The file, or the folder that holds it.

    Raises:
        UsageError: It does not exist or is no valid record; names the file and the key.
    """
    file = Path(path)
    file = file / "run.json" if file.is_dir() else file
    return read_json(file, Run, error=UsageError, max_bytes=MAX_STATEMENT)
