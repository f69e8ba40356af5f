"""``govkit keys``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import govkit as gk
from govkit.cli import key_show, options, screen

if TYPE_CHECKING:
    from govkit.evidence import SignerRole

app = typer.Typer(help="Signing keys.", no_args_is_help=True, rich_markup_mode=None)

Trust = Annotated[Path, typer.Option("--trust", help="Trust file; it is replaced by one with the change.")]


@app.callback()
def root() -> None:
    """Signing keys."""


@app.command("new")
def new(
    out: Annotated[Path, typer.Option("--out", help="Folder for audit.key, audit.crt and trust.yaml.")],
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")] = "govkit",
    role: Annotated[
        list[str],
        typer.Option(
            "--role",
            help="What it may sign, once for each: train, audit, gate, release, lock, report; waive, attest, "
            "countersign.",
        ),
    ] = [],  # noqa: B006 -- typer makes a new list of it
    signs_as: Annotated[
        list[str], typer.Option("--signs-as", help="As what its holder may attest, for example validator.")
    ] = [],  # noqa: B006 -- see above
    password_file: options.PasswordFile = None,
) -> None:
    """Make a signing key: audit.key (encrypted), audit.crt and trust.yaml (public, for those who verify).

    Without --role it may sign all that a program makes, and nothing that only a person can say: waive, attest,
    countersign.
    """
    from govkit.evidence import ROLES
    from govkit.pipeline import clock

    gk.new_key(
        out,
        password=options.passphrase(password_file, confirm=True),
        name=name,
        as_of=clock.written_time(),
        roles=cast("Sequence[SignerRole]", role) or ROLES,
        signs_as=signs_as,
    )
    _say_new(out)


@app.command("show")
def show(
    file: Annotated[Path, typer.Argument(help="A trust file, a key file or its certificate.")],
    password_file: options.PasswordFile = None,
    json: options.Json = False,
) -> None:
    """Say whom a trust file believes, or which key is in a file. Nothing secret is shown."""
    key_show.show(file, password_file, json=json)


@app.command("rotate")
def rotate(
    key: options.Key,
    trust: Annotated[Path, typer.Option("--trust", help="Trust file that holds the key; it is not changed.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to make, for the new key and its files.")],
    days_overlap: Annotated[int, typer.Option("--days-overlap", help="Days for which both are believed.")] = 30,
    password_file: options.PasswordFile = None,
    new_password_file: Annotated[
        Path | None, typer.Option("--new-password-file", help="File with the new key's passphrase; else as the old's.")
    ] = None,
) -> None:
    """Make the key that follows another one: same name, same roles; the old key signs that it does."""
    password = options.passphrase(password_file)
    following = password if new_password_file is None else options.passphrase(new_password_file)
    old = gk.load_key(key, password)
    made = gk.rotate_key(old, trust=trust, out=out, password=following, overlap_days=days_overlap)
    _say_new(out)
    screen.say(f"{out / 'rotation.sigstore.json'}  for those who believe the old key: `govkit keys accept`")
    screen.say(f"the old key {old.id[:16]} ends {key_show.day(made.until)}; the new one is {made.key.id[:16]}")


@app.command("accept")
def accept(
    statement: Annotated[Path, typer.Argument(help="rotation.sigstore.json, signed by a key that you believe.")],
    trust: Trust,
    as_of: options.AsOf = None,
) -> None:
    """Believe the key that follows one which you believe, for no more than that one."""
    found = gk.accept_rotation(statement, trust=trust, as_of=options.moment(as_of))
    new, old = found.new, found.old
    screen.say(f"{new.name}: {new.id[:16]} follows {old.id[:16]}, which ends {key_show.day(old.not_after)}")
    screen.say(f"it may sign: {', '.join((*new.roles, *new.signs_as))}; until {key_show.day(new.not_after)}")
    if found.refused:
        screen.say(f"not granted, the old key does not have it: {', '.join(found.refused)}")


@app.command("revoke")
def revoke(
    which: Annotated[str, typer.Argument(help="The key: first 8 digits or more of its id, or its holder's name.")],
    trust: Trust,
    at: Annotated[str | None, typer.Option("--at", help="Date or UTC time from which on; else now.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, for people.")] = "",
) -> None:
    """Believe a key no longer. An earlier revocation stays as it is."""
    from govkit import evidence

    key = gk.revoke_key(which, trust=trust, at=options.moment(at), reason=reason)
    since = key_show.moment(key.revoked_at)
    screen.say(f"{key.name} {key.id[:16]} is revoked since {since}" + (f" ({key.reason})" if key.reason else ""))
    screen.say(
        f"whoever verifies with this file from then on refuses all that it ever signed as {', '.join(key.roles)}, "
        "also what is older"
    )
    screen.say(f"what must stay valid: sign it again with another key; give {trust} to all who verify")
    others = [each.id[:16] for each in evidence.read_trust(trust).keys if each.name == key.name and not each.revoked_at]
    if others:
        screen.say(f"still believed as {key.name}: {', '.join(others)}; who stole a key can have rotated it to another")


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


def _say_new(out: Path) -> None:
    screen.say(f"{out / 'audit.key'}  signs; keep it and its passphrase secret")
    screen.say(f"{out / 'trust.yaml'}  verifies; give it to those who check your bundles")
    screen.say(f"{out / 'audit.crt'}  for readers of PDF that are to know your signature")
