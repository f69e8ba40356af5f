"""``govkit data``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import govkit as gk
from govkit.cli import screen

app = typer.Typer(help="Data: what to expect of them.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def data() -> None:
    """Data: what to expect of them."""


@app.command("suggest")
def suggest(
    audit_file: Annotated[Path, typer.Argument(help="Audit file; it names data.train and the columns.")],
    out: Annotated[Path, typer.Option("--out", help="Suite to write; it must not exist.")] = Path("suite.json"),
) -> None:
    """Write a suite of great-expectations that the training data meet, for `quality` in the audit file.

    It asks for types, missing cells, ranges with some slack, lengths of texts, classes and categories, and unique ids.
    Of the data it holds the names of columns and classes, the categories of text columns with at most 50, and rounded
    ends of ranges. Values are left out where one of them looks like personal data; names of people have no form to be
    known by, so read it before you share it. Read it anyway: it says what was, not what should be.

    Exit 0 written; 2 no training data, or they cannot be read.
    """
    screen.refuse_existing(out)
    suite = gk.suggest_suite(audit_file, out=out)
    screen.say(f"{len(suite['expectations'])} expectations: {out}")
