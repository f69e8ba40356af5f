"""What the transfer changed: the models side by side, the parts that lost, where gaps between groups come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from govkit.core import Measurement, Of
from govkit.report import words
from govkit.report.blocks import Block, Cell, Column, Table, Text
from govkit.report.charts import CHANGED, SIDES, Chart
from govkit.report.escape import NAME, short
from govkit.report.model import Report
from govkit.report.numbers import NONE, points, rows, value, with_interval

MOST_PARTS = 12
"""Rows of a table of parts in the body of the report."""

TELLING = ("introduced", "amplified", "grown", "reduced", "inherited", "cannot tell", "none")
"""Origins of a gap, what the tuning did first."""


def changed(report: Report, charts: tuple[Chart, ...]) -> Iterable[Block]:
    """Everything that compares this model with its base and the model in service."""
    yield from (chart.picture for chart in charts if chart.kind == "change")
    yield from _models(report)
    yield from _parts(report)
    yield from _found(report)
    yield from _origins(report)


def _models(report: Report) -> Iterable[Block]:
    whole = [
        m
        for m in report.measurements
        if not m.part and (report.find(m.name, of="base") or report.find(m.name, of="incumbent"))
    ]
    names = list(dict.fromkeys(m.name for m in whole if m.compared_with or m.name in CHANGED))
    # What the figure shows stands first in its table, too.
    names.sort(key=lambda name: CHANGED.index(name) if name in CHANGED else len(CHANGED))
    if not names:
        return
    sides: list[Of] = [of for of in SIDES if any(report.find(name, of=of) for name in names)]
    others = [of for of in sides if of != "candidate"]
    columns = (Column("Measure", 24), *(Column(words.word("of", of), 11, right=True) for of in sides))
    this = words.word("of", "candidate")
    wide = (Column(f"{this} − {words.word('of', of)}", 25, right=True) for of in others)
    caption = "The same measure for each model; paired differences with intervals"
    yield Table(caption, (*columns, *wide), tuple(_sides(report, name, sides, others) for name in names))


def _sides(report: Report, name: str, sides: Sequence[Of], others: Sequence[Of]) -> tuple[Cell, ...]:
    return (
        (words.metric(name),),
        *(value(report.find(name, of=of)) for of in sides),
        *(with_interval(report.find(name, compared_with=of)) for of in others),
    )


def _parts(report: Report) -> Iterable[Block]:
    """Paired differences on declared parts, those that got worse most first."""
    compared = [m for m in report.measurements if m.compared_with and m.part and m.better and "found" not in m.part]
    numbers = [m for m in compared if m.of == "candidate" and not isinstance(m.value, bool | str)]
    numbers.sort(key=lambda m: float(m.value) if m.better == "higher" else -float(m.value))
    if numbers:
        columns = (Column("Measure", 30), Column("Beside", 20), Column("Rows", 22), Column("Change", 20, right=True),
                   Column("n", 8, right=True))  # fmt: skip
        lines = tuple(
            ((words.metric(m.name),), (words.word("of", m.compared_with or ""),), (words.part(m.part),),
             with_interval(m), rows(m))
            for m in numbers[:MOST_PARTS]
        )  # fmt: skip
        caption = "Changes on groups and declared parts, what got worse first"
        yield Table(caption, columns, lines, cut=len(numbers) > MOST_PARTS)


def _found(report: Report) -> Iterable[Block]:
    """Parts that nobody declared; and where none was found, how large a drop would have been seen."""
    says = words.catalog()["found"]
    for rival in ("base", "incumbent"):
        count = report.find("found_parts", compared_with=rival)
        if count is None:
            continue
        other = words.word("of", rival)
        drops = [m for m in report.measurements if m.name == "found_drop" and m.compared_with == rival]
        if drops:
            columns = (Column("Rows", 55), Column(f"accuracy, this model − {other}", 35, right=True),
                       Column("n", 10, right=True))  # fmt: skip
            lines = tuple(((short(m.part["found"], NAME),), with_interval(m), rows(m)) for m in drops[:MOST_PARTS])
            yield Text((says["some"].format(other=other),), loud=True)
            caption = f"Parts that nobody declared, beside {other}; the surest first"
            yield Table(caption, columns, lines, cut=len(drops) > MOST_PARTS)
        else:
            yield Text((says["none"].format(other=other), " ", *_visible(report, rival)))


def _visible(report: Report, rival: Of) -> Cell:
    """What the search would have seen."""
    says, visible = words.catalog()["found"], report.find("visible_drop", compared_with=rival)
    if visible is None or isinstance(visible.value, str):
        return (says["blind"],)
    before, after = says["visible"].split("{points}")
    return (before, points(float(visible.value)), after)


def _origins(report: Report) -> Iterable[Block]:
    """For each gap a word against the base and one against the labels."""
    found = [m for m in report.measurements if m.name.endswith("_origin") and not m.name.endswith("_label_origin")]
    if not found:
        return
    found.sort(key=lambda m: TELLING.index(str(m.value)) if m.value in TELLING else len(TELLING))
    columns = (Column("Group", 24), Column("Gap to everybody else in", 28), Column("Beside its base", 24),
               Column("Beside the labels", 24))  # fmt: skip
    lines = tuple(
        ((words.part(m.part),), (words.metric(m.name.removesuffix("_origin")),), _word(m),
         _word(report.find(m.name.replace("_origin", "_label_origin"), part=m.part)))
        for m in found
    )  # fmt: skip
    yield Table("Where the gaps between groups come from", columns, lines[:MOST_PARTS], cut=len(lines) > MOST_PARTS)


def _word(found: Measurement | None) -> Cell:
    return NONE if found is None else (words.word("origins", str(found.value)),)
