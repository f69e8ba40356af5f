"""``govkit verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen


def verify(
    folder: Annotated[Path, typer.Argument(help="The bundle.")],
    model: Annotated[Path, typer.Option("--model", help="Folder or file of the model or predictions to be used.")],
    trust: Annotated[Path, typer.Option("--trust", help="Your trust file: which keys may sign what.")],
    policy: Annotated[str | None, typer.Option("--policy", help="Demand that this policy was judged by.")] = None,
    as_of: options.AsOf = None,
    json: options.Json = False,
) -> None:
    """Check signatures and digests, then judge again.

    Exit 4: evidence does not verify. Else as `govkit audit`: 0 passed, 1 blocked, 3 a person must decide.
    """
    proof = gk.verify(folder, model=model, trust=trust, policy=policy, as_of=options.moment(as_of))
    screen.show_verification(proof, folder, json=json)
    raise typer.Exit(proof.verdict.exit_code)
