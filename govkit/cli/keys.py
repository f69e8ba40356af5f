"""``govkit keys``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

app = typer.Typer(help="Signing keys.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def root() -> None:
    """Signing keys."""


@app.command("new")
def new(
    out: Annotated[Path, typer.Option("--out", help="Folder for audit.key and trust.yaml.")],
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")] = "govkit",
    password_file: options.PasswordFile = None,
) -> None:
    """Make a signing key: audit.key (encrypted) and trust.yaml (public, for those who verify)."""
    from govkit.pipeline import clock

    gk.new_key(out, password=options.passphrase(password_file, confirm=True), name=name, as_of=clock.now())
    screen.say(f"{out / 'audit.key'}  signs; keep it and its passphrase secret")
    screen.say(f"{out / 'trust.yaml'}  verifies; give it to those who check your bundles")
