"""Finds the files that ship with govkit, in a wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

from govkit.errors import GovkitError

_PACKAGE = Path(__file__).parent


def find(kind: str) -> Path:
    """Folder of the shipped files of one kind.

    Args:
        kind: ``"policies"``, ``"policies/standards"`` or ``"templates"``.

    Raises:
        GovkitError: The installation is broken.
    """
    checkout = {"templates": "model_cards/templates"}.get(kind, kind)
    for folder in (_PACKAGE / "_resources" / kind, _PACKAGE.parent / checkout):
        if folder.is_dir():
            return folder
    raise GovkitError(f"the installation lacks its folder {kind!r}: install govkit again")
