"""The logo that an audit file names: looked at before work begins, and kept in the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from govkit import report
from govkit.core import Audit
from govkit.errors import AuditError, UsageError


def read_logo(audit: Audit, root: Path) -> dict[str, bytes]:
    """Name in the bundle -> bytes of the logo; empty where none is asked for.

    Args:
        audit: The audit file.
        root: Folder from which its paths start.

    Raises:
        AuditError: The file cannot be read, or may do more than be seen.
    """
    if audit.brand is None or audit.brand.logo is None or audit.brand.logo_file is None:
        return {}
    path = root / audit.brand.logo
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise AuditError(f"brand.logo: {path} cannot be read ({error.strerror}); name an SVG or PNG file") from None
    try:
        report.check_logo(raw, path.name)
    except UsageError as error:
        raise AuditError(f"brand.logo: {error}") from None
    return {audit.brand.logo_file: raw}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files by their names in a bundle."""
    for name, raw in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(raw)
