"""``govkit license``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Option

import govkit as gk
from govkit.cli import license_screen, options

app = typer.Typer(help="Licenses: found, composed, explained.", no_args_is_help=True, rich_markup_mode=None)


@app.command("check")
def check(
    paths: Annotated[list[Path], typer.Argument(help="Folders or files, a run.json, or an audit.yaml.")],
    *,
    intent: Annotated[list[str] | None, Option(help="internal, hosted, distribute, commercial; none is all.")] = None,
    declared: Annotated[str | None, Option(help="License that the model is to carry.")] = None,
    data: Annotated[list[Path] | None, Option(help="Training data: a folder or a file.")] = None,
    data_stance: Annotated[str | None, Option(help="Its license: strict, notice (default) or ignore.")] = None,
    data_stance_reason: Annotated[str | None, Option(help="Why it is ignored; needed with ignore.")] = None,
    package: Annotated[str | None, Option(help="Installed package that the paths came in.")] = None,
    model: Annotated[Path | None, Option(help="Folder to be shared: look there for what duties ask.")] = None,
    name: Annotated[str | None, Option(help="Name under which it is shared; else that of the folder.")] = None,
    json: options.Json = False,
) -> None:
    """Find the licenses and say whether they allow the use. Exit 0 allowed; 1 denied, unknown, or a duty not met.

    Unknown is never fine: a license that nobody could establish answers 1, and the reasons say which.
    """
    use: dict[str, Any] = {"intent": intent, "data_stance": data_stance, "data_stance_reason": data_stance_reason}
    about: dict[str, Any] = {"package": package, "declared": declared, "model": model, "name": name}
    found = gk.check_licenses(paths, data=data or (), **about, **use)
    license_screen.show_licenses(found, json=json)
    raise typer.Exit(0 if found.allowed else 1)


@app.command("explain")
def explain(
    name: Annotated[str, typer.Argument(help="A license, a hub's tag, or a folder or file.")],
    json: options.Json = False,
) -> None:
    """Print what a license allows and asks, what satisfies each duty, where it says so, and when that was checked."""
    license_screen.show_license(gk.explain_license(name), json=json)
