"""What GitHub Actions reads of a step: annotations among its output, and the page of the job.

Other places see no difference. The forms are those of the runner (actions/runner, ``ActionCommand.cs``): a line that
begins with ``::`` is a command, so what is quoted from a bundle is printed while commands are stopped.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import govkit as gk
from govkit.cli import screen

MOST = 10
"""Annotations of one kind that GitHub shows of a step."""

LONGEST = 500
"""Characters of an annotation."""

KIND = {"block": "error", "review": "warning", "warn": "notice", "ignore": "notice"}
SEVERITIES = ("critical", "high", "medium", "low", "info")


def show_bundle(bundle: gk.Bundle, *, json: bool) -> None:
    """Show a bundle; on GitHub also annotate its open rulings and append its summary to the page of the job."""
    with nullcontext() if json else _quoted():  # stdout stays JSON
        screen.show_bundle(bundle, json=json)
    if _on_github():
        _annotate(bundle.verdict, to_stderr=json)
        _summarize(bundle.path / "summary.md")


def show_verdict(verdict: gk.Verdict) -> None:
    """Show a verdict; on GitHub also annotate its open rulings."""
    with _quoted():
        screen.show_verdict(verdict)
    if _on_github():
        _annotate(verdict)


def _on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def _quoted() -> Iterator[None]:
    """On GitHub nothing that is printed inside is a command; nobody can guess the word that ends it."""
    if not _on_github():
        yield
        return
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", flush=True)
    try:
        yield
    finally:
        print(f"::{word}::", flush=True)


def commands(verdict: gk.Verdict) -> list[str]:
    """A line for each open ruling, the most severe first; of each kind at most ``MOST``, the last counts the rest."""
    kinds: dict[str, list[gk.Ruling]] = {"error": [], "warning": [], "notice": []}
    for ruling in verdict.rulings:
        if ruling.state not in ("pass", "not_applicable"):
            kinds["notice" if ruling.waived else KIND[ruling.disposition]].append(ruling)
    mark = "" if verdict.enforced else " (not enforced)"
    lines = []
    for kind, rulings in kinds.items():
        rulings.sort(key=lambda ruling: SEVERITIES.index(ruling.severity))
        shown = rulings if len(rulings) <= MOST else rulings[: MOST - 1]
        lines += [_command(kind, _title(ruling) + mark, f"{ruling.title}: {ruling.reason}") for ruling in shown]
        if left := len(rulings) - len(shown):
            lines.append(_command(kind, f"govkit: {left} more{mark}", "summary.md and report.html list all of them."))
    return lines


def _title(ruling: gk.Ruling) -> str:
    waived = ", waived" if ruling.waived else ""
    return f"govkit {ruling.control}: {ruling.state.replace('_', ' ')}{waived}, severity {ruling.severity}"


def _command(kind: str, title: str, message: str) -> str:
    name = _escape(title, 100).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={name}::{_escape(message, LONGEST)}"


def _escape(text: str, longest: int) -> str:
    shown = screen.plain(text)
    cut = shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
    return cut.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _annotate(verdict: gk.Verdict, *, to_stderr: bool = False) -> None:
    for line in commands(verdict):
        print(line, file=sys.stderr if to_stderr else sys.stdout)


def _summarize(summary: Path) -> None:
    """Append a summary to the page of the job; where that cannot be written, the audit still stands."""
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        return
    try:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(summary.read_text(encoding="utf-8") + "\n")
    except OSError as error:
        print(f"govkit: GITHUB_STEP_SUMMARY cannot be written ({error.strerror})", file=sys.stderr)
