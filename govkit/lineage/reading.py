"""Read the record of a run."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from govkit.core import Run
from govkit.errors import UsageError


def read_run(path: str | Path) -> Run:
    """Read a ``run.json``.

    Args:
        path: The file, or the folder that holds it.

    Raises:
        UsageError: It does not exist or is no valid record; names the file and the key.
    """
    file = Path(path)
    file = file / "run.json" if file.is_dir() else file
    try:
        text = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{file}: cannot be read ({error.strerror}); expected a run.json written by record()"
        ) from None
    try:
        return Run.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise UsageError(f"{file}: {key}: {first['msg']}{more}; expected a record of the form govkit.run/v1") from None
