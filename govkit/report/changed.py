"""What the transfer changed: the models side by side, the parts that lost, where gaps between groups come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from govkit.core import Measurement, Of
from govkit.report import words
from govkit.report.blocks import Block, Cell, Column, Table, Text
from govkit.report.charts import CHANGED, RIVALS, SIDES, Chart
from govkit.report.escape import NAME, short
from govkit.report.model import Report
from govkit.report.numbers import NONE, points, rows, value, with_interval
from govkit.report.said import said

MOST_PARTS = 12
"""Rows of a table of parts in the body of the report."""

TELLING = ("introduced", "amplified", "grown", "reduced", "beyond the data", "inherited", "in the data",
           "cannot tell", "none")  # fmt: skip
"""Origins of a gap, what the tuning did first and what says nothing last."""

SQUARED = "mean_squared_error"
"""Not ranked among the parts: a square beside plain distances would always stand first."""


def changed(report: Report, charts: tuple[Chart, ...]) -> Iterable[Block]:
    """Everything that compares this model with its base and the model in service."""
    if not any(_on_test(m) and {m.of, m.compared_with} & set(RIVALS) for m in report.measurements):
        yield Text((words.catalog()["no_rival"],))
    yield from (chart.picture for chart in charts if chart.kind in ("change", "flips"))
    yield from _models(report)
    yield from _parts(report)
    yield from _found(report)
    yield from _origins(report)


def _on_test(found: Measurement) -> bool:
    return found.data is not None and found.data.role == "test"


def _models(report: Report) -> Iterable[Block]:
    whole = [m for m in report.measurements if not m.part]
    known: dict[tuple[str, str, Of, Of | None], Measurement] = {}
    for m in filter(_on_test, whole):
        known.setdefault((m.check, m.name, m.of, m.compared_with), m)
    wanted = ((m.check, m.name) for m in whole if m.compared_with or m.name in CHANGED)
    asked = [each for each in dict.fromkeys(wanted) if any((*each, of, None) in known for of in RIVALS)]
    # What the figure shows stands first in its table, too.
    asked.sort(key=lambda each: CHANGED.index(each[1]) if each[1] in CHANGED else len(CHANGED))
    if not asked:
        return
    sides: list[Of] = [of for of in SIDES if any((*each, of, None) in known for each in asked)]
    others = [of for of in sides if of != "candidate"]
    columns = (*words.columns({"measure": 24}), *(Column(words.word("of", of), 11, right=True) for of in sides))
    this, less = words.word("of", "candidate"), words.catalog()["joins"]["less"]
    wide = (Column(less.format(of=this, other=words.word("of", of)), 25, right=True) for of in others)
    lines = tuple(
        (
            (words.metric(name, check),),
            *(value(known.get((check, name, of, None))) for of in sides),
            *(with_interval(known.get((check, name, "candidate", of))) for of in others),
        )
        for check, name in asked
    )
    yield Table(words.caption("models"), (*columns, *wide), lines)


def _parts(report: Report) -> Iterable[Block]:
    """Paired differences on declared parts, those that got worse most first."""
    compared = [m for m in report.measurements if m.compared_with in RIVALS and m.of == "candidate" and m.part]
    ranked = [m for m in compared if m.better and m.name != SQUARED and "found" not in m.part]
    numbers = [m for m in ranked if m.is_number]
    numbers.sort(key=lambda m: float(m.value) if m.better == "higher" else -float(m.value))
    if numbers:
        shares = {"measure": 22, "beside": 17, "rows": 22, "change": 31, "n": 8}
        columns = words.columns(shares, right=("change", "n"))
        lines = tuple(
            ((words.metric(m.name, m.check),), (words.word("of", m.compared_with or ""),), (words.part(m.part),),
             with_interval(m), rows(m))
            for m in numbers[:MOST_PARTS]
        )  # fmt: skip
        caption = words.caption("parts")
        yield Table(caption, columns, lines, cut=len(numbers) > MOST_PARTS)


def _found(report: Report) -> Iterable[Block]:
    """Parts that nobody declared; and where none was found, how large a drop would have been seen."""
    says, declared = words.catalog()["found"], _declared(report)
    for rival in RIVALS:
        searches = [m for m in report.measurements if m.name == "found_parts" and m.compared_with == rival]
        drops = [m for m in report.measurements if m.name == "found_drop" and m.compared_with == rival]
        unnamed = [m for m in drops if m.part["found"] not in declared]
        other = words.word("of", rival)
        if unnamed:
            yield Text((says["some"].format(other=other),), loud=True)
            yield _drops(unnamed, other)
            left_out = (" ", says["left_out"]) if len(unnamed) < len(drops) else ()
            yield Text((says["interval"], *left_out))
        elif drops:
            yield Text((says["known"].format(other=other),), loud=True)
        elif searches:
            yield Text((says["none"].format(other=other), " ", *_visible(report, searches)))


def _drops(drops: Sequence[Measurement], other: str) -> Table:
    apart = words.catalog()["columns"]["accuracy_less"].format(of=words.word("of", "candidate"), other=other)
    first, last = words.columns({"rows": 55, "n": 10}, right=("n",))
    columns = (first, Column(apart, 35, right=True), last)
    lines = tuple(((_rows_found(m.part),), with_interval(m), rows(m)) for m in drops[:MOST_PARTS])
    caption = words.caption("found_parts").format(other=other)
    return Table(caption, columns, lines, cut=len(drops) > MOST_PARTS)


def _rows_found(part: dict[str, str]) -> str:
    """``place = east``, after the label where there are several."""
    rest = {column: value for column, value in part.items() if column != "found"}
    name = short(said(part["found"], "found"), NAME)
    return f"{words.part(rest)}, {name}" if rest else name


def _declared(report: Report) -> set[str]:
    """Names that the search gives to the groups and parts that the audit file declares."""
    columns = report.sources.audit.columns
    declared = {*columns.groups, *columns.parts} if columns else set()
    parts = (item for m in report.measurements for item in m.part.items())
    return {f"{column} = {value}" for column, value in parts if column in declared}


def _visible(report: Report, searches: Sequence[Measurement]) -> Cell:
    """What the search would have seen; of several labels, in each of them."""
    says = words.catalog()["found"]
    seen = [report.find("visible_drop", compared_with=m.compared_with, part=m.part) for m in searches]
    sizes = [float(m.value) for m in seen if m is not None and not isinstance(m.value, str)]
    if len(sizes) < len(searches):
        return (says["blind"],)
    return words.filled(says["visible"], points=points(max(sizes)))


def _origins(report: Report) -> Iterable[Block]:
    """For each gap a word against the base and one against the labels, those first that say something."""
    gaps: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Measurement]] = {}
    for m in report.measurements:
        if m.name.endswith("_origin"):
            beside = "labels" if m.name.endswith("_label_origin") else "base"
            name = m.name.removesuffix("_origin").removesuffix("_label")
            gaps.setdefault((name, tuple(sorted(m.part.items()))), {})[beside] = m
    if not gaps:
        return
    told = sorted(gaps.items(), key=lambda gap: min(map(_telling, gap[1].values())))
    columns = words.columns({"group": 24, "gap_in": 28, "beside_base": 24, "beside_labels": 24})
    lines = tuple(
        ((words.part(dict(part)),), (words.metric(name),), _word(own.get("base")), _word(own.get("labels")))
        for (name, part), own in told[:MOST_PARTS]
    )
    yield Table(words.caption("gap_origins"), columns, lines, cut=len(told) > MOST_PARTS)


def _telling(found: Measurement) -> int:
    return TELLING.index(str(found.value)) if found.value in TELLING else len(TELLING)


def _word(found: Measurement | None) -> Cell:
    return NONE if found is None else (words.word("origins", str(found.value)),)
