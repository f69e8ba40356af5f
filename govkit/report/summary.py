"""The summary for a pull request or a job of continuous integration: short, an open point a line."""

from __future__ import annotations

from govkit.core.verdict import BY_FILE
from govkit.report import text, words
from govkit.report.blocks import Cell, Code
from govkit.report.cover import Cover
from govkit.report.escape import brief, markdown
from govkit.report.judged import state
from govkit.report.model import Entry, Report
from govkit.report.people import in_lines
from govkit.report.said import said
from govkit.report.saying import in_words

MOST_RULINGS = 12


def summary(report: Report, shown: Cover) -> str:
    """Verdict, open points, what was not measured, and how to verify, as Markdown of about forty lines."""
    lines = [f"## {markdown(shown.model)}: {shown.stamp}", markdown(shown.says)]
    if shown.standing:
        lines.append(f"**{markdown(shown.standing.title)}.** {markdown(shown.standing.says)}")
    if not shown.enforced:
        lines.append(f"**{words.catalog()['not_enforced']}.** {words.catalog()['not_enforced_says']}")
    lines.append(", ".join(f"{number.text} {name}" for number, name in shown.counts))
    if BY_FILE in report.sources.verdict.notices:
        lines.append(markdown(said(BY_FILE)))
    if report.open_points:
        lines += ["### Open points", "\n".join(_open(report))]
    if signed := in_lines(report):
        lines += [f"### {words.catalog()['sections']['people']['title']}", "\n".join(signed)]
    if shown.unmeasured:
        more = ["- The report lists the others."] if shown.more_unmeasured else []
        lines += ["### Not measured", "\n".join([*(f"- {markdown(item)}" for item in shown.unmeasured), *more])]
    digests = [f"- {name}: `{digest}`" for name, digest in shown.digests]
    lines += ["### Evidence", "\n".join([*digests, f"- Verify: `{shown.verify}`"])]
    return "\n\n".join(lines) + "\n"


def _open(report: Report) -> list[str]:
    """A line for each of the most important open points."""
    lines = [f"- {text.cell(_point(entry, report))}" for entry in report.open_points[:MOST_RULINGS]]
    return (
        [*lines, "- More points are open; the report lists them."] if len(report.open_points) > MOST_RULINGS else lines
    )


def _point(entry: Entry, report: Report) -> Cell:
    title = brief(entry.ruling.title or entry.ruling.control, 120).rstrip(".")
    return (*state(entry), " ", Code(entry.ruling.control), f" {title}. ", *in_words(entry, report))
