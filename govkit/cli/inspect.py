"""``govkit show`` and ``govkit checks``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen


def show(folder: Annotated[Path, typer.Argument(help="The bundle.")], json: options.Json = False) -> None:
    """Print verdict, coverage and findings of a bundle. Reading proves nothing; `govkit verify` does."""
    screen.show_bundle(gk.read_bundle(folder), json=json)


def checks(
    name: Annotated[str | None, typer.Argument(help="One check, in detail.")] = None, json: options.Json = False
) -> None:
    """List the checks, or describe one: its parameters, its metrics, what it needs."""
    known = gk.catalog()
    if name is not None and name not in known:
        from govkit.documents import nearest

        raise gk.UsageError(f"no check is called {name!r}{nearest(name, tuple(known))}")
    described = [gk.describe(known[each]) for each in ([name] if name else sorted(known))]
    screen.show_checks(described, detail=name is not None, json=json)
