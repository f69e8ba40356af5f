"""``govkit remedy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

import govkit as gk
from govkit.cli import options, screen
from govkit.errors import UsageError


def remedy(
    what: Annotated[Literal["calibrate", "threshold", "reweigh"], typer.Argument(help="The remedy.")],
    audit_file: Annotated[Path, typer.Argument(help="Audit file of the candidate; it names data.calibration.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new candidate to make; it must not exist.")],
    method: Annotated[
        Literal["temperature", "isotonic"] | None,
        typer.Option("--method", help="Of calibrate: temperature (one number, the default) or isotonic (steps)."),
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="Of threshold and reweigh: the column, one of columns.groups.")
    ] = None,
    constraint: Annotated[
        str | None,
        typer.Option("--constraint", help="Of threshold: what becomes equal; equalized_odds if not given."),
    ] = None,
    policy: options.Policy = None,
    key: options.MaybeKey = None,
    password_file: options.PasswordFile = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed, instead of the audit file's.")] = None,
    as_of: options.AsOf = None,
    json: options.Json = False,
) -> None:
    """Make a new candidate, audit it by the same policy, and show both side by side. No model is trained.

    calibrate: stated probabilities match what happens. threshold: decide by thresholds of each group. reweigh: a layer
    fitted as if label and group were independent. Each is fitted on data.calibration alone, which holds no test rows.

    Exits as `govkit audit` of the new candidate; a failure of the old one that is no longer measured still counts.
    """
    if method is not None and what != "calibrate":
        raise UsageError(f"--method {method}: only calibrate has methods; found the remedy {what}")
    secret = None if key is None else options.passphrase(password_file)
    how = method or "temperature" if what == "calibrate" else what
    with screen.progress() as tell:
        made = gk.remedy(
            audit_file, how, out=out, group=group, constraint=constraint,
            policy=policy, key=key, password=secret, seed=seed, as_of=options.moment(as_of), progress=tell,
        )  # fmt: skip
    screen.show_remedy(made, json=json)
    raise typer.Exit(made.exit_code)
