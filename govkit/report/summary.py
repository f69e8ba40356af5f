"""The summary for a pull request or a job of continuous integration."""

from __future__ import annotations

from govkit.report import text, words
from govkit.report.blocks import Code, Column, Table
from govkit.report.cover import Cover
from govkit.report.escape import brief, markdown, short
from govkit.report.judged import state
from govkit.report.model import Report

MOST_RULINGS = 25


def summary(report: Report, shown: Cover) -> str:
    """Verdict, open points, what was not measured, and how to verify, as Markdown."""
    lines = [f"## {markdown(shown.model)}: {shown.stamp}", markdown(shown.says)]
    if not shown.enforced:
        lines.append(f"**{words.catalog()['not_enforced']}.** {words.catalog()['not_enforced_says']}")
    lines.append(", ".join(f"{number.text} {name}" for number, name in shown.counts))
    if report.open_points:
        lines += ["### Open points", text.table(_open(report))]
    if shown.unmeasured:
        lines += ["### Not measured", "\n".join(f"- {markdown(item)}" for item in shown.unmeasured)]
        if shown.more_unmeasured:
            lines.append("The report lists the others.")
    digests = "\n".join(f"- {name}: `{digest}`" for name, digest in shown.digests)
    lines += ["### Evidence", digests, f"Verify: `{shown.verify}`"]
    return "\n\n".join(lines) + "\n"


def _open(report: Report) -> Table:
    columns = (
        Column("State", 12),
        Column("Control", 12),
        Column("Asked", 24),
        Column("Found", 28),
        Column("What to do", 24),
    )
    shown = report.open_points[:MOST_RULINGS]
    rows = tuple(
        (
            state(entry),
            (Code(entry.ruling.control),),
            (short(entry.ruling.title, 160),),
            (brief(entry.ruling.reason, 300),),
            (short(entry.advice, 200),),
        )
        for entry in shown
    )
    return Table("Sorted by weight", columns, rows, cut=len(report.open_points) > len(shown))
