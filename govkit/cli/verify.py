"""``govkit verify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, proof

MaxAge = Annotated[int | None, typer.Option("--max-age", help="Refuse a verdict that is older, in days.", min=0)]
LogMaxAge = Annotated[
    int | None, typer.Option("--log-max-age", help="Refuse a log whose last entry is older, in days.", min=0)
]
Documents = Annotated[
    bool, typer.Option("--documents", help="Write every document anew from the statements, and compare.")
]


def verify(
    folder: Annotated[Path, typer.Argument(help="The bundle, or a report.pdf that came alone.")],
    trust: Annotated[Path, typer.Option("--trust", help="Your trust file: which keys may sign what.")],
    model: Annotated[
        Path | None, typer.Option("--model", help="Folder or file of the model or predictions to be used.")
    ] = None,
    policy: Annotated[str | None, typer.Option("--policy", help="Demand that this policy was judged by.")] = None,
    log: Annotated[
        Path | None, typer.Option("--log", help="Release log: refuse what is not in it or was taken back.")
    ] = None,
    minimum_sequence: Annotated[
        int | None, typer.Option("--minimum-sequence", help="Refuse releases with a lower number.", min=1)
    ] = None,
    max_age: MaxAge = None,
    log_max_age: LogMaxAge = None,
    documents: Documents = False,
    as_of: options.AsOf = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what is proved and what is not.")] = False,
    json: options.Json = False,
) -> None:
    """Check signatures and digests, then judge again.

    Exit 4: evidence does not verify. Else as `govkit audit`: 0 passed, 1 blocked, 3 a person must decide.
    """
    moment = options.moment(as_of)
    with proof.refusals(json=json):
        if folder.suffix.lower() == ".pdf" and not folder.is_dir():
            asked = {
                "--model": model, "--log": log, "--minimum-sequence": minimum_sequence,
                "--max-age": max_age, "--log-max-age": log_max_age, "--explain": explain or None,
                "--documents": documents or None,
            }  # fmt: skip
            _refuse_unanswered([option for option, value in asked.items() if value is not None])
            report = gk.verify_pdf(folder, trust=trust, policy=policy, as_of=moment)
            raise typer.Exit(proof.show_pdf(report, folder, json=json))
        if model is None:
            raise gk.UsageError("--model is missing: name the folder or file that is about to be used")
        found = gk.verify(
            folder, model=model, trust=trust, policy=policy, as_of=moment,
            minimum_sequence=minimum_sequence, max_age_days=max_age, log=log,
            log_max_age_days=log_max_age, written_anew=documents,
        )  # fmt: skip
        proof.show(found, folder, explain=explain, json=json)
        raise typer.Exit(found.verdict.exit_code)


def _refuse_unanswered(asked: Sequence[str]) -> None:
    """Nobody may think that something was checked which a report alone cannot answer."""
    if asked:
        raise gk.UsageError(f"{', '.join(asked)}: a report alone cannot answer that; verify its bundle instead")
