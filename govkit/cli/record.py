"""``govkit record``: run a training script under observation, or repeat a recorded run."""

from __future__ import annotations

import gc
import logging
import signal
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

import govkit as gk
from govkit.cli import options, screen

ROLES = get_args(gk.Role)
_COLLECTION = gc.get_threshold()


def record(
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- SCRIPT [ARGUMENTS]", help="The script and its arguments.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Record to write, RUN.json in a folder of its own.")] = Path(
        "run/run.json"
    ),
    base: Annotated[Path | None, typer.Option("--base", help="The base; if not given, what the script loads.")] = None,
    data: Annotated[
        list[str] | None, typer.Option("--data", help="ROLE=PATH of a data set that the script reads.")
    ] = None,
    roots: Annotated[list[Path] | None, typer.Option("--root", help="Watch every file opened in this folder.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that did not finish.")] = False,
    replay: Annotated[Path | None, typer.Option("--replay", help="Repeat this run and compare the weights.")] = None,
    json: options.Json = False,
) -> None:
    """Run a training script, unchanged, and record what it was made of; passes on the script's exit code.

    Exit 1 as well where the script ended with 0 and a part of the record was lost, or a replay has other weights.
    """
    if replay is not None:
        found = gk.replay(replay)
        screen.show_replay(found, json=json)
        raise typer.Exit(1 if found.answer == "different" else 0)
    if not command:
        raise gk.UsageError(
            "no script: write it after --, as in  govkit record -o runs/a/run.json -- train.py --epochs 2"
        )
    if out.name != "run.json":
        raise gk.UsageError(f"{out}: a record is called run.json; name it as FOLDER/run.json")
    _as_python()
    code = gk.record_script(
        command[0],
        command[1:],
        out=out.parent,
        base=base,
        data=_roles(data or ()),
        data_roots=roots or (),
        resume=resume,
    )
    raise typer.Exit(code)


def _as_python() -> None:
    """Undo what the command line sets for itself: the script finds what Python itself would give it."""
    gc.set_threshold(*_COLLECTION)
    logging.getLogger().handlers.clear()
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def _roles(said: list[str] | tuple[str, ...]) -> dict[str, gk.Role]:
    found: dict[str, gk.Role] = {}
    for each in said:
        role, equals, path = each.partition("=")
        if not equals or role not in ROLES:
            raise gk.UsageError(f"--data {each}: expected ROLE=PATH with a role of {', '.join(ROLES)}")
        found[path] = cast("gk.Role", role)
    return found
