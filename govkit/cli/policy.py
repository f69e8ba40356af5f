"""``govkit policy``."""

from __future__ import annotations

from typing import Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

app = typer.Typer(help="Policies: rules as files.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(help="Name of a shipped policy, or path of a file.")]


@app.command("lint")
def lint(name: Name, json: options.Json = False) -> None:
    """Check a policy before it is used. Exit 1 when something was found that is wrong."""
    problems = gk.lint_policy(gk.load_policy(name), gk.catalog())
    screen.show_problems(problems, json=json)
    raise typer.Exit(1 if any(problem.level == "error" for problem in problems) else 0)


@app.command("show")
def show(name: Name, json: options.Json = False) -> None:
    """Print a policy with everything it inherits: each control, its limit, and who says so."""
    screen.show_policy(gk.resolve_policy(name), json=json)


@app.command("list")
def packs(json: options.Json = False) -> None:
    """List the policies that ship with govkit."""
    screen.show_packs(gk.packs(), json=json)
