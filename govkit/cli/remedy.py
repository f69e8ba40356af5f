"""``govkit remedy``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import govkit as gk
from govkit.cli import options, screen
from govkit.errors import UsageError

What = Annotated[Literal["calibrate", "threshold", "reweigh", "harden", "soup"], typer.Argument(help="The remedy.")]
AuditFile = Annotated[
    Path, typer.Argument(help="Audit file of the candidate; it names data.calibration, for harden data.train.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the new candidate to make; it must not exist.")]
Method = Annotated[
    Literal["temperature", "isotonic", "pgd", "free", "trades"] | None,
    typer.Option(
        "--method",
        help="Of calibrate: temperature (one number, the default) or isotonic (steps). Of harden: pgd (the worst input "
        "found, the default), free (one gradient for weights and inputs) or trades (near the clean answer).",
    ),
]
Group = Annotated[
    str | None, typer.Option("--group", help="Of threshold and reweigh: the column, one of columns.groups.")
]
Constraint = Annotated[
    str | None, typer.Option("--constraint", help="Of threshold: what becomes equal; equalized_odds if not given.")
]
Eps = Annotated[
    float | None,
    typer.Option("--eps", help="Of harden: largest change, as a share of the input range (8/255 for images)."),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", help="Of harden: updates per training row; 12, for texts 3, more where rows are few."),
]
Before = Annotated[
    Path | None, typer.Option("--before", help="Your bundle of the candidate, instead of measuring it again.")
]
BaseWeight = Annotated[
    float | None,
    typer.Option("--base-weight", help="Of soup: weight of the base, up to 1; else chosen on data.calibration."),
]


def remedy(
    what: What,
    audit_file: AuditFile,
    out: Out,
    method: Method = None,
    group: Group = None,
    constraint: Constraint = None,
    eps: Eps = None,
    epochs: Epochs = None,
    base_weight: BaseWeight = None,
    before: Before = None,
    policy: options.Policy = None,
    key: options.MaybeKey = None,
    password_file: options.PasswordFile = None,
    seed: options.Seed = None,
    as_of: options.AsOf = None,
    json: options.Json = False,
) -> None:
    """Make a new candidate, audit it by the same policy, and show both side by side.

    calibrate, threshold and reweigh change answers; no model is trained. calibrate: stated probabilities match what
    happens. threshold: decide by thresholds of each group. reweigh: a layer fitted as if label and group were
    independent. Each is fitted on data.calibration alone, which holds no test rows.

    harden and soup make new weights (OUT/model); those of the candidate stay as they are. harden: train on data.train
    against changes that are made to mislead. soup: mix the weights with those of the base.

    Exits as `govkit audit` of the new candidate; a failure of the old one that is no longer measured still counts.
    """
    how, trained = _named(what, method)
    secret = None if key is None else options.late_passphrase(password_file)
    with screen.progress() as tell:
        made = gk.remedy(
            audit_file, how, out=out, group=group, constraint=constraint,
            eps=eps, epochs=epochs, method=trained, base_weight=base_weight, before=before,
            policy=policy, key=key, password=secret, seed=seed, as_of=options.moment(as_of), progress=tell,
        )  # fmt: skip
    screen.show_remedy(made, json=json)
    raise typer.Exit(made.exit_code)


def _named(what: str, method: str | None) -> tuple[Any, Any]:
    """The remedy as the library names it, and the method of training."""
    methods = {"calibrate": ("temperature", "isotonic"), "harden": ("pgd", "free", "trades")}.get(what, ())
    if method is not None and method not in methods:
        if not methods:
            raise UsageError(f"--method {method}: only calibrate and harden have methods; found the remedy {what}")
        raise UsageError(f"--method {method}: of {what} expected one of {', '.join(methods)}")
    return (method or "temperature", None) if what == "calibrate" else (what, method)
