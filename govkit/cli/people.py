"""``govkit waiver`` and ``govkit attestation``: what people sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

waiver = typer.Typer(help="Waivers: one control, one model, for a while.", no_args_is_help=True, rich_markup_mode=None)
attestation = typer.Typer(help="Signed statements of people.", no_args_is_help=True, rich_markup_mode=None)

Model = Annotated[Path, typer.Option("--model", help="Folder or file of the model or predictions.")]
Form = Annotated[Path, typer.Argument(help="The form, filled in.")]
FormOut = Annotated[Path, typer.Option("--out", help="Form to write, YAML; it must not exist.")]
Trust = Annotated[Path, typer.Option("--trust", help="Trust file that holds the key and its roles.")]


@waiver.command("new")
def new_waiver(
    control: Annotated[str, typer.Argument(help="Id of the control.")],
    owner: Annotated[str, typer.Option("--owner", help="Who asks for it and does what it promises.")],
    out: FormOut,
    model: Annotated[Path | None, typer.Option("--model", help="The model, where there is no bundle yet.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle of the model; fills in the ceiling.")] = None,
    as_of: options.AsOf = None,
) -> None:
    """Write the form of a waiver."""
    screen.refuse_existing(out)
    moment = options.moment(as_of)
    text = gk.draft_waiver(control, owner=owner, model=model, bundle=bundle, as_of=moment)
    out.write_text(text, encoding="utf-8")
    screen.say(f"{out}  to be filled in; then `govkit waiver sign`")


@waiver.command("sign")
def sign_waiver(
    form: Form,
    key: options.Key,
    trust: Trust,
    out: options.StatementOut,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Bundle of the model: refuse a waiver that would not hold there.")
    ] = None,
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
) -> None:
    """Check a waiver and sign it with the key of its approver."""
    screen.refuse_statement(out)
    signer = gk.load_key(key, options.passphrase(password_file))
    screen.write_statement(
        out, gk.sign_waiver(form, key=signer, trust=trust, bundle=bundle, as_of=options.moment(as_of))
    )


@attestation.command("new")
def new_attestation(
    kind: Annotated[str, typer.Argument(help="What is stated, for example independent_review.")],
    model: Model,
    out: FormOut,
    as_of: options.AsOf = None,
) -> None:
    """Write the form of an attestation, with its questions."""
    screen.refuse_existing(out)
    out.write_text(gk.draft_attestation(kind, model=model, as_of=options.moment(as_of)), encoding="utf-8")
    screen.say(f"{out}  to be filled in; then `govkit attestation sign`")


@attestation.command("sign")
def sign_attestation(
    form: Form,
    key: options.Key,
    trust: Trust,
    out: options.StatementOut,
    password_file: options.PasswordFile = None,
    as_of: options.AsOf = None,
) -> None:
    """Check an attestation and sign it with the key of its signer."""
    screen.refuse_statement(out)
    signer = gk.load_key(key, options.passphrase(password_file))
    screen.write_statement(out, gk.sign_attestation(form, key=signer, trust=trust, as_of=options.moment(as_of)))
