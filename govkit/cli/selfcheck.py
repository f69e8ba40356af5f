"""``govkit selfcheck``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

if TYPE_CHECKING:
    from govkit.core.selfcheck import Trial


def selfcheck(
    out: Annotated[Path | None, typer.Option("--out", help="Record to write, for audit --selfcheck.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the faults.")] = 0,
    only: Annotated[list[str] | None, typer.Option("--only", help="A fault to plant, instead of all.")] = None,
    json: options.Json = False,
) -> None:
    """Plant faults in small cases and see whether their checks find them, and leave the clean twins alone.

    Exit 0 when every fault was found and no clean twin was accused, 1 otherwise, 2 bad input.
    """
    if out is not None:
        screen.refuse_existing(out)
    with screen.progress() as tell:
        record = gk.plant_faults(seed=seed, only=only or (), progress=tell)
    if out is not None:
        out.write_bytes(gk.selfcheck_bytes(record))
    if json:
        screen.say(gk.selfcheck_bytes(record).decode().strip())
    else:
        for trial in record.trials:
            screen.say(_line(trial))
        screen.say(f"{'ok' if record.ok else 'NOT OK'}: {record.sentence}")
    raise typer.Exit(0 if record.ok else 1)


CLEAN = {False: "not accused", True: "ACCUSED", None: "NOT MEASURED"}


def _line(trial: Trial) -> str:
    found = "found" if trial.found else "MISSED"
    clean = f"clean twin {CLEAN[trial.clean_accused]}: {trial.clean_value}"
    return f"{'✓' if trial.ok else '✗'} planted: {trial.planted} – {found} by {trial.check}: {trial.value} – {clean}"
