"""What a bundle does not hold, and whether its documents say so: gaps, what the policy leaves out, open controls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from page_reader import Row, rows_of
from true_documents import printed
from true_values import Truth, catalog

FREE = ("pass", "not_applicable")
PRINTED = 40
"""Gaps that a printed page shows before it says where the others stand."""


def untold(bundle: Path, pages: Iterable[Path]) -> list[str]:
    """What report.html, report.pdf or a further page with a section of gaps keeps from its reader; and wrong counts."""
    truth = Truth.of(bundle)
    gaps = [each for each in truth.findings if each["kind"] == "gap"]
    rows = rows_of(bundle / "report.html")
    lost = [] if len(gaps) == truth.verdict["coverage"]["gaps"] else ["the verdict counts other gaps"]
    for place in (bundle / "report.html", *pages):
        lost += [f"{place.parent.name}/{place.name}: {each}" for each in unlisted(truth, rows_of(place))]
    lost += [f"report.html: {each}" for each in _unopened(truth, rows)]
    return lost + [f"report.pdf: {each}" for each in _unprinted(truth, rows, bundle)]


def _squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def unlisted(truth: Truth, rows: Sequence[Row]) -> list[str]:
    """Gaps, and what the policy does not measure, without a line of their own among the gaps of a page."""
    gaps = [each for each in truth.findings if each["kind"] == "gap"]
    lines = [_squeezed(row.text) for row in rows if row.tag == "tr" and row.chapter == "gaps" and row.text]
    lost = []
    for wanted in [*map(_gap, gaps), *((each["risk"], each["reason"]) for each in truth.policy["not_measured"])]:
        place = next((at for at, line in enumerate(lines) if all(_squeezed(word) in line for word in wanted)), None)
        lost += [" | ".join(wanted)] if place is None else []
        if place is not None:
            lines.pop(place)
    # What is left are the heads of the two tables.
    return lost + lines[2 if gaps and truth.policy["not_measured"] else 1 :]


def _gap(gap: dict[str, Any]) -> tuple[str, ...]:
    """What a line has to say of a gap: check, measure, whose, which rows, and why."""
    words = catalog()
    name = () if gap["name"] == "*" else (words["metrics"].get(gap["name"]) or gap["name"].replace("_", " "),)
    part = (f"{column}: {'all groups' if value == '*' else value}" for column, value in gap["part"].items())
    return (gap["check"], *name, words["of"][gap["of"]], *part, words["reasons"][gap["reason"]], gap["detail"][:250])


def _unopened(truth: Truth, rows: Sequence[Row]) -> list[str]:
    """Controls without their state in the register, and notices of the verdict that stand nowhere."""
    register = [row.text.split() for row in rows if row.tag == "tr" and row.chapter == "register"]
    states = {line[0]: " ".join(line) for line in register if line}
    words, text = catalog()["states"], "\n".join(row.text for row in rows)
    rulings = truth.verdict["rulings"]
    lost = [each["control"] for each in rulings if words[each["state"]]["text"] not in states.get(each["control"], "")]
    return lost + [notice for notice in truth.verdict["notices"] if " ".join(notice.split()) not in text]


def _unprinted(truth: Truth, rows: Sequence[Row], bundle: Path) -> list[str]:
    """Lines about gaps, controls and notices that the page has for print and the file lacks; or a cut that it hides."""
    text = _squeezed("".join(printed(bundle / "report.pdf")))
    own = [row for row in rows if row.text and row.tag in ("tr", "li") and row.chapter in ("gaps", "register")]
    lost = [
        row.text for row in own if row.media != "screen" and not all(_squeezed(each) in text for each in _cells(row))
    ]
    gaps = sum(each["kind"] == "gap" for each in truth.findings)
    cut = [row for row in own if row.media == "screen" and row.tag == "tr"]
    lost += [] if len(cut) == max(0, gaps - PRINTED) else [f"{len(cut)} gaps are cut, of {gaps}"]
    says = _squeezed(catalog()["print_cut"]) in text
    lost += ["the cut is not said"] if cut and not says else []
    return lost + [each["control"] for each in truth.verdict["rulings"] if each["control"] not in text]


def _cells(row: Row) -> Iterable[str]:
    return ("".join(text for _, text in cell) for cell in row.cells)
