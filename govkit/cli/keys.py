"""``govkit keys``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import govkit as gk
from govkit.cli import options, screen

if TYPE_CHECKING:
    from govkit.evidence import SignerRole

app = typer.Typer(help="Signing keys.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def root() -> None:
    """Signing keys."""


@app.command("new")
def new(
    out: Annotated[Path, typer.Option("--out", help="Folder for audit.key and trust.yaml.")],
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")] = "govkit",
    role: Annotated[
        list[str],
        typer.Option(
            "--role", help="What it may sign, once for each: train, audit, gate, release, lock; waive, attest."
        ),
    ] = [],  # noqa: B006 -- typer makes a new list of it
    signs_as: Annotated[
        list[str], typer.Option("--signs-as", help="As what its holder may attest, for example validator.")
    ] = [],  # noqa: B006 -- see above
    password_file: options.PasswordFile = None,
) -> None:
    """Make a signing key: audit.key (encrypted) and trust.yaml (public, for those who verify).

    Without --role it may sign all that a program makes, and nothing that only a person can say: waive, attest.
    """
    from govkit.evidence import ROLES
    from govkit.pipeline import clock

    gk.new_key(
        out,
        password=options.passphrase(password_file, confirm=True),
        name=name,
        as_of=clock.now(),
        roles=cast("Sequence[SignerRole]", role) or ROLES,
        signs_as=signs_as,
    )
    screen.say(f"{out / 'audit.key'}  signs; keep it and its passphrase secret")
    screen.say(f"{out / 'trust.yaml'}  verifies; give it to those who check your bundles")


@app.command("join")
def join(
    files: Annotated[list[Path], typer.Argument(help="Trust files of several people.")],
    out: Annotated[Path, typer.Option("--out", help="Trust file to write; it must not exist.")],
) -> None:
    """Join trust files: whoever judges or verifies believes all of these keys, each for its own roles."""
    from govkit import evidence

    screen.refuse_existing(out)
    joined = evidence.join_trust(evidence.read_trust(path) for path in files)
    evidence.write_trust(out, joined)
    screen.say(f"{len(joined.keys)} keys: {out}")
