"""Finds the files that ship with govkit, in a wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def load(kind: str, name: str) -> Any:
    """The content of a shipped YAML file; it is our own, so that libyaml may read it, in a tenth of the time.

    Raises:
        GovkitError: The installation is broken.
    """
    import yaml

    text = (find(kind) / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
