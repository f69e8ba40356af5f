"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

import govkit as gk

Key = Annotated[Path, typer.Option("--key", help="Signing key, as `govkit keys new` writes it.")]
MaybeKey = Annotated[Path | None, typer.Option("--key", help="Signing key; without it a throw-away key signs.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help="File with the key's passphrase; else GOVKIT_KEY_PASSWORD, else a prompt."),
]
Policy = Annotated[str | None, typer.Option("--policy", help="Name or path of a policy, instead of the audit file's.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed, instead of the audit file's.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Take this date or UTC time as now.")]
Language = Annotated[
    str, typer.Option("--language", help="Language of the page, by the code of its catalog, such as es.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the facts as JSON on stdout.")]
Evaluate = Annotated[
    bool, typer.Option("--evaluate", help="Do not enforce: mark everything, and answer 0 where the gate would block.")
]

Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Folder of your own, to measure again only what changed; not for a hostile machine."),
]

Waivers = Annotated[Path | None, typer.Option("--waivers", help="Folder of signed waivers; needs --trust.")]
Attestations = Annotated[
    Path | None, typer.Option("--attestations", help="Folder of signed attestations; needs --trust.")
]
PeopleTrust = Annotated[
    Path | None,
    typer.Option("--trust", help="Your trust file: who may waive, attest, lock and measure."),
]
Lock = Annotated[
    Path | None, typer.Option("--lock", help="Lock that policy and data must have, else exit 2; needs --trust.")
]
StatementOut = Annotated[Path, typer.Option("--out", help="Statement to write: FOLDER/NAME.sigstore.json.")]


def passphrase(file: Path | None, *, confirm: bool = False) -> bytes:
    """The key's passphrase: from a file, from GOVKIT_KEY_PASSWORD, or asked for; never an argument."""
    if file is not None:
        try:
            return file.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise gk.UsageError(f"{file}: cannot be read ({error.strerror})") from None
    if "GOVKIT_KEY_PASSWORD" in os.environ:
        return os.environ["GOVKIT_KEY_PASSWORD"].encode()
    if sys.stdin is None or not sys.stdin.isatty():
        raise gk.UsageError("no passphrase: use --password-file or GOVKIT_KEY_PASSWORD where nobody can type")
    try:
        return str(typer.prompt("Passphrase of the key", hide_input=True, confirmation_prompt=confirm)).encode()
    except typer.Abort:
        raise gk.UsageError("no passphrase was typed") from None


def late_passphrase(file: Path | None) -> bytes | Path:
    """The same for a key that is opened later: a file is read then."""
    return passphrase(None) if file is None else file


def moment(text: str | None) -> str | None:
    """A time from the command line in the stored form; said aloud, since all that is decided depends on it."""
    from govkit.pipeline import clock

    if text is None:
        return None
    found = clock.parse(text)
    print(f"taken as now: {found} (--as-of), not the time of this machine", file=sys.stderr)
    return found
