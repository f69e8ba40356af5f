"""``govkit ancestry``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen


def ancestry(
    candidate: Annotated[Path, typer.Argument(help="Folder or file of the model.")],
    base: Annotated[Path, typer.Argument(help="Folder or file of the possible base.")],
    json: options.Json = False,
) -> None:
    """Say whether a model is derived from a possible base, shares its origin, is not derived, or cannot be told."""
    screen.show_ancestry(gk.compare_weights(candidate, base), json=json)
