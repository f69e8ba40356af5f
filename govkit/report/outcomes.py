"""Sections about what was measured: performance, fairness, calibration, the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from govkit.core import Measurement
from govkit.report import words
from govkit.report.blocks import Block, Cell, Code, Column, Lines, Section, Table
from govkit.report.changed import changed
from govkit.report.charts import MOST_GROUPS, SIDES, Chart
from govkit.report.escape import NAME, short
from govkit.report.model import DIAGRAM, GROUP_DIFFERENCES, GROUP_RATES, Report
from govkit.report.numbers import NONE, interval, rows, value, with_interval

FIRST_ROWS = 18
"""Rows of a table in the body of the report; the annex holds every finding."""
ALL_ROWS = "all rows"
LATER = ("overfit", "flips", "found_parts")
"""Checks whose tables follow how good the answers are."""
PRINTED_ROWS = 40
"""Rows of an annex table that a printed page shows."""


def section(key: str, blocks: Iterable[Block]) -> Section | None:
    """A section with its words from the catalog, or None where it has no content."""
    found = tuple(blocks)
    says = words.catalog()["sections"][key]
    return Section(key, says["title"], says["lead"], found) if found else None


def measured(report: Report, charts: tuple[Chart, ...]) -> list[Section | None]:
    """All sections of this module, in the order of the report."""
    return [
        section("change", changed(report, charts)),
        section("performance", _by_check(_performance(report))),
        section("fairness", _fairness(report, charts)),
        section("calibration", _calibration(report, charts)),
        section("data", _by_check(report.family("data"))),
        section("robustness", _by_check(report.family("robustness"))),
        section("other", _by_check(report.family("other"))),
    ]


def listing(found: Iterable[Measurement], caption: str, *, first: int = 0, print_rows: int = 0) -> Iterable[Block]:
    """Tables with a line for each measurement, numbers apart from words; ``first`` > 0 cuts them and says so."""
    everything = tuple(found)
    numbers = tuple(m for m in everything if _is_number(m))
    said = tuple(m for m in everything if not _is_number(m))
    if numbers:
        shown = numbers[:first] if first else numbers
        yield _numbers(shown, caption, print_rows=print_rows, cut=len(shown) < len(numbers))
    if said:
        shown = said[:first] if first else said
        columns = (Column("What was looked at", 38), Column("Found", 62))
        rows_ = tuple((_described(m), _word(m)) for m in shown)
        heading = f"{caption}, in words" if numbers else caption
        yield Table(heading, columns, rows_, print_rows, len(shown) < len(said))


def _numbers(shown: tuple[Measurement, ...], caption: str, *, print_rows: int, cut: bool) -> Table:
    """Numbers; a column in which every line would say the same usual thing is left out."""
    whose = any(m.of != "candidate" or m.compared_with for m in shown)
    where = any(_where(m) != ALL_ROWS for m in shown)
    trust = any(m.trust for m in shown)
    chosen: list[tuple[bool, Column, Callable[[Measurement], Cell]]] = [
        (True, Column("Measure", 27), lambda m: (words.metric(m.name),)),
        (whose, Column("Whose", 19), lambda m: (words.whose(m),)),
        (where, Column("Rows", 20), lambda m: (_where(m),)),
        (True, Column("Value", 10, right=True), value),
        (True, Column("Interval", 18, right=True), interval),
        (True, Column("n", 8, right=True), rows),
        (trust, Column("Attack result", 15), _trust),
    ]
    kept = [(column, made) for keep, column, made in chosen if keep]
    lines = tuple(tuple(made(m) for _, made in kept) for m in shown)
    return Table(caption, tuple(column for column, _ in kept), lines, print_rows, cut)


def _is_number(found: Measurement) -> bool:
    return isinstance(found.value, int | float) and not isinstance(found.value, bool)


def _where(found: Measurement) -> str:
    role = f"{words.word('roles', found.data.role)}, " if found.data and found.data.role != "test" else ""
    return f"{role}{words.part(found.part)}"


def _trust(found: Measurement) -> Cell:
    return (words.mark("trust", found.trust),) if found.trust else NONE


def _described(found: Measurement) -> Cell:
    """What a word is about: its measure and, beneath it, whose and which rows where that is not the usual."""
    usual = found.of == "candidate" and found.compared_with is None
    about = [] if usual else [words.whose(found)]
    about += [] if _where(found) == ALL_ROWS else [_where(found)]
    name = words.metric(found.name)
    return (name, Lines(((", ".join(about),),))) if about else (name,)


def _word(found: Measurement) -> Cell:
    said = words.word("values", found.value) if isinstance(found.value, str) else None
    shown: Cell = (short(said),) if said and said != found.value and len(said) < NAME else value(found)
    return (*shown, " ", *_trust(found)) if found.trust else shown


def _listed(found: Iterable[Measurement], caption: str) -> Iterable[Block]:
    return listing(found, caption, first=FIRST_ROWS)


def _by_check(found: Iterable[Measurement]) -> Iterable[Block]:
    """A table a check, so that none of them crowds out another."""
    checks: dict[str, list[Measurement]] = {}
    for m in found:
        checks.setdefault(m.check, []).append(m)
    for check, own in checks.items():
        yield from _listed(own, short(words.word("checks", check), NAME))


def _pictures(charts: tuple[Chart, ...], kind: str, about: str | None = None) -> Iterable[Block]:
    return (c.picture for c in charts if c.kind == kind and about in (None, c.about))


def _performance(report: Report) -> Iterable[Measurement]:
    """Of this model, and of the trivial answer on all rows; its rivals stand beside it where the transfer is told."""
    columns = set(report.group_columns)
    own = (m for m in report.family("performance") if m.compared_with is None and not columns & set(m.part))
    shown = (m for m in own if m.of == "candidate" or (m.of == "trivial" and not m.part))
    return sorted(shown, key=lambda m: LATER.index(m.check) + 1 if m.check in LATER else 0)


def _fairness(report: Report, charts: tuple[Chart, ...]) -> Iterable[Block]:
    drawn = set()
    for column, groups in report.group_columns.items():
        yield from _pictures(charts, "groups", column)
        for names, caption in ((GROUP_RATES, "Rates by group"), (GROUP_DIFFERENCES, "Differences to everybody else")):
            lines = tuple(_group(report, names, column, group) for group in groups[:MOST_GROUPS])
            yield Table(f"{caption}: {short(column, NAME)}", _rate_columns(names), lines, cut=len(groups) > MOST_GROUPS)
        drawn.add(column)
    names = (*GROUP_RATES, *GROUP_DIFFERENCES)
    rest = [m for m in report.measurements if _about_groups(m, drawn) and not (m.name in names and _one_group(m))]
    rest.sort(key=lambda m: "*" not in m.part.values())
    yield from _listed(rest, "Further measures by group")


def _about_groups(found: Measurement, columns: set[str]) -> bool:
    inside = words.family(found.check) == "fairness" or bool(columns & set(found.part))
    told = found.name in DIAGRAM or found.name.endswith("_origin")
    return inside and not told and found.of == "candidate" and found.compared_with is None


def _one_group(found: Measurement) -> bool:
    return found.of == "candidate" and len(found.part) == 1 and "*" not in found.part.values()


def _rate_columns(names: tuple[str, ...]) -> tuple[Column, ...]:
    titles = [words.metric(name).split(",")[0] for name in names]
    return (Column("Group", 22), Column("n", 9, right=True), *(Column(title, 23, right=True) for title in titles))


def _group(report: Report, names: tuple[str, ...], column: str, group: str) -> tuple[Cell, ...]:
    found = [report.find(name, part={column: group}) for name in names]
    first = next((m for m in found if m), None)
    return ((short(group, NAME),), rows(first), *(with_interval(m) for m in found))


def _calibration(report: Report, charts: tuple[Chart, ...]) -> Iterable[Block]:
    columns = set(report.group_columns)
    plain = [m for m in report.family("calibration") if m.name not in DIAGRAM and not columns & set(m.part)]
    own = (m for m in plain if m.of == "candidate" and m.compared_with is None)
    yield from _listed(own, "Measures of calibration")
    yield from _pictures(charts, "reliability")
    lines = tuple(_bin(of, *pair) for of in SIDES for pair in report.bins(of))
    if lines:
        heads = (Column("Whose", 16), Column("Bin", 22), Column("Stated probability", 20, right=True))
        tails = (
            Column("Observed share", 18, right=True),
            Column("Interval", 24, right=True),
            Column("n", 10, right=True),
        )
        yield Table("Bins of the reliability diagram", (*heads, *tails), lines)


def _bin(of: str, stated: Measurement, observed: Measurement) -> tuple[Cell, ...]:
    name = short(observed.part.get("bin", words.part(observed.part)), NAME)
    shown = (value(stated), value(observed), interval(observed), rows(observed))
    return ((words.word("of", of),), (Code(name),), *shown)
