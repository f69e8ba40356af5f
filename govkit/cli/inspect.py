"""``govkit show`` and ``govkit checks``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import govkit as gk
from govkit.cli import options, screen

if TYPE_CHECKING:
    from govkit.report.terminal import Seen


class State(StrEnum):
    """How something is judged."""

    passed = "pass"
    failed = "fail"
    inconclusive = "inconclusive"
    missing = "missing"
    error = "error"
    unsupported = "unsupported"
    not_applicable = "not_applicable"


def show(
    folder: Annotated[Path, typer.Argument(help="The bundle.")],
    check: Annotated[str | None, typer.Option("--check", help="Only what this check found.")] = None,
    state: Annotated[State | None, typer.Option("--state", help="Only what is judged like this.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every row of each section.")] = False,
    json: options.Json = False,
) -> None:
    """Print verdict, open points, findings and gaps of a bundle. Reading proves nothing; `govkit verify` does."""
    asked = bool(check or state or all)
    if json and asked:
        raise gk.UsageError("--json prints everything; leave --check, --state and --all out")
    bundle = gk.read_bundle(folder)
    seen = None if json else _seen(bundle, must=asked)
    if seen is None:
        screen.show_bundle(bundle, json=json)
        return
    from govkit.report import terminal

    if check is not None and check not in seen.checks():
        from govkit.documents import nearest

        raise gk.UsageError(f"{folder}: says nothing of a check {check!r}{nearest(check, tuple(seen.checks()))}")
    wish = terminal.Wish(check=check or "", state=state or "", all=all, width=screen.width())
    screen.put(list(terminal.lines(seen, wish)))


def _seen(bundle: gk.Bundle, *, must: bool) -> Seen | None:
    """The bundle with its policy; None where that is none of this version, and nothing that needs it was asked for."""
    from govkit.pipeline.verification import policy_and_audit
    from govkit.report.read import Judgement
    from govkit.report.terminal import Seen

    try:
        policy, audit = policy_and_audit(bundle.path)
    except gk.UsageError as error:
        if must:
            raise
        print(screen.plain(f"govkit: {error}; shown without limits and advice"), file=sys.stderr)
        return None
    run = bundle.run
    return Seen(
        Judgement(findings=bundle.findings, verdict=bundle.verdict, policy=policy),
        name=audit.name or (run.name if run else "") or bundle.name,
        base=str(run.base.id.value or "") if run else "",
        passes=bundle.passes,
        place=str(bundle.path),
    )


def checks(
    name: Annotated[str | None, typer.Argument(help="One check, in detail.")] = None, json: options.Json = False
) -> None:
    """List the checks, or describe one: its parameters, its metrics, what it needs."""
    known = gk.catalog()
    if name is not None and name not in known:
        from govkit.documents import nearest

        raise gk.UsageError(f"no check is called {name!r}{nearest(name, tuple(known))}")
    described = [gk.describe(known[each]) for each in ([name] if name else sorted(known))]
    screen.show_checks(described, detail=name is not None, json=json)
