"""Sections about what was measured: performance, fairness, calibration, the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import zip_longest

from govkit.core import Measurement
from govkit.report import words
from govkit.report.blocks import About, Block, Cell, Code, Column, Lines, Link, Section, Table, Text
from govkit.report.changed import changed
from govkit.report.charts import SIDES, Chart
from govkit.report.charts.views import ERROR_DIFFERENCES, ERRORS, MOST_GROUPS, MOST_LABELS, View, failed, labels, views
from govkit.report.escape import NAME, short
from govkit.report.model import DIAGRAM, GROUP_DIFFERENCES, GROUP_RATES, Report
from govkit.report.numbers import NONE, interval, number, rows, value, with_interval
from govkit.report.said import said

FIRST_ROWS = 18
"""Rows of a table in the body of the report; the annex holds every finding."""
FURTHER_ROWS = 8
"""Rows of further measures by the groups of one column."""
GROUP_TABLES = (
    (GROUP_RATES, "rates"),
    (ERRORS, "errors"),
    (GROUP_DIFFERENCES, "differences"),
    (ERROR_DIFFERENCES, "differences"),
)
"""Measures of a table, and the key of its caption."""
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
        section("data", (*_pictures(charts, "drift"), *_by_check(report.family("data")), *_page_on_drift(report))),
        section("robustness", (*_pictures(charts, "budget"), *_by_check(report.family("robustness")))),
        section("other", _by_check(report.family("other"))),
    ]


def listing(
    found: Iterable[Measurement],
    caption: str,
    *,
    first: int = 0,
    print_rows: int = 0,
    about: Mapping[int, About] | None = None,
) -> Iterable[Block]:
    """Tables with a line for each measurement, numbers apart from words; ``first`` > 0 cuts them and says so.

    ``about`` tells by the identity of a measurement what its row is about.
    """
    # What is said of all rows comes first where a table is cut, so that no list of parts pushes it out.
    everything = tuple(sorted(found, key=lambda m: bool(m.part)) if first else found)
    numbers = tuple(m for m in everything if m.is_number)
    told = tuple(m for m in everything if not m.is_number)
    if numbers:
        shown = numbers[:first] if first else numbers
        made = _numbers(shown, caption, print_rows=print_rows, cut=len(shown) < len(numbers))
        yield replace(made, about=_about(shown, about))
    if told:
        shown = told[:first] if first else told
        columns = words.columns({"looked_at": 38, "found": 62})
        rows_ = tuple((_described(m), _word(m)) for m in shown)
        heading = words.caption("in_words").format(caption=caption) if numbers else caption
        yield Table(heading, columns, rows_, print_rows, len(shown) < len(told), _about(shown, about))


def _about(shown: Iterable[Measurement], about: Mapping[int, About] | None) -> tuple[About, ...]:
    return tuple(about[id(m)] for m in shown) if about else ()


def _numbers(shown: tuple[Measurement, ...], caption: str, *, print_rows: int, cut: bool) -> Table:
    """Numbers; a column in which every line would say the same usual thing is left out."""
    whose = any(m.of != "candidate" or m.compared_with for m in shown)
    where = any(_where(m) != words.part({}) for m in shown)
    trust = any(m.trust for m in shown)
    chosen: dict[str, tuple[bool, int, Callable[[Measurement], Cell]]] = {
        "measure": (True, 27, lambda m: (words.metric(m.name, m.check),)),
        "whose": (whose, 19, lambda m: (words.whose(m),)),
        "rows": (where, 20, lambda m: (_where(m),)),
        "value": (True, 10, value),
        "interval": (True, 18, interval),
        "n": (True, 8, rows),
        "attack_result": (trust, 15, _trust),
    }
    kept = {key: (share, made) for key, (keep, share, made) in chosen.items() if keep}
    lines = tuple(tuple(made(m) for _, made in kept.values()) for m in shown)
    columns = words.columns({key: share for key, (share, _) in kept.items()}, right=("value", "interval", "n"))
    return Table(caption, columns, lines, print_rows, cut)


def _where(found: Measurement) -> str:
    shown = words.part(found.part)
    if found.data is None or found.data.role == "test":
        return shown
    role = words.word("roles", found.data.role)
    return str(words.catalog()["joins"]["in_role"].format(role=role, rows=shown))


def _trust(found: Measurement) -> Cell:
    return (words.mark("trust", found.trust),) if found.trust else NONE


def _described(found: Measurement) -> Cell:
    """What a word is about: its measure and, beneath it, whose and which rows where that is not the usual."""
    usual = found.of == "candidate" and found.compared_with is None
    about = [] if usual else [words.whose(found)]
    about += [] if _where(found) == words.part({}) else [_where(found)]
    name = words.metric(found.name, found.check)
    return (name, Lines(((", ".join(about),),))) if about else (name,)


def _word(found: Measurement) -> Cell:
    shown = value(found)
    if isinstance(found.value, str):
        known, told = words.word("values", found.value), said(found.value, found.check)
        told = known if known != found.value and len(known) < NAME else told
        shown = (short(told),) if told != found.value else shown
    return (*shown, " ", *_trust(found)) if found.trust else shown


def _page_on_drift(report: Report) -> Iterable[Block]:
    """Where evidently's page is, and what it shows."""
    page, asked = report.sources.drift_report, report.sources.audit.drift_report
    if page is not None and asked is not None:
        before, between, after = words.catalog()["drift_report_says"]
        yield Text((Link(page), before, number(asked.rows), between, number(report.sources.audit.seed), after))


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
    columns, whole = _columns(views(report)), {"label"} if labels(report) else set()
    own = (m for m in report.family("performance") if m.compared_with is None and not columns & set(m.part))
    shown = (m for m in own if m.of == "candidate" or (m.of == "trivial" and set(m.part) <= whole))
    # Within a check all rows stand before their parts, which would else crowd them out.
    later = {check: place for place, check in enumerate(LATER, start=1)}
    return sorted(_in_turn(shown), key=lambda m: (later.get(m.check, 0), not set(m.part) <= whole))


def _columns(seen: Iterable[View]) -> set[str]:
    return {view.column for view in seen}


def _fairness(report: Report, charts: tuple[Chart, ...]) -> Iterable[Block]:
    """A figure and tables for each column of groups, then what else was measured, a table a column."""
    seen, failing = views(report), failed(report)
    rest = _further(report, seen)
    declared = report.sources.audit.columns
    if rest and not seen and not (declared and declared.groups):
        yield Text((words.catalog()["no_groups"],))
    for view in seen:
        yield from _pictures(charts, "groups", view.about)
        for names, caption in GROUP_TABLES:
            yield from _by_group(report, view, names, words.caption(caption))
    if seen and len(labels(report)) > MOST_LABELS:
        yield Text((words.catalog()["more_labels"],))

    def weight(m: Measurement) -> tuple[bool, bool]:
        # What fails a control may not be cut away, and a measure of all groups says more than one of a single group.
        return (id(m) not in failing, "*" not in m.part.values())

    for column, found in rest.items():
        told = sorted(_in_turn(sorted(found, key=weight)), key=weight)
        caption = words.caption("further_by" if column else "further").format(column=short(column, NAME))
        yield from listing(told, caption, first=FURTHER_ROWS if column else FIRST_ROWS)


def _further(report: Report, seen: tuple[View, ...]) -> dict[str, list[Measurement]]:
    """What is said of groups beside the tables of each view, by column; under ``""`` what is of none or of several."""
    tabled = {
        id(report.find(name, part=view.part(group)))
        for view in seen
        for group in view.groups
        for names, _ in GROUP_TABLES
        for name in names
    }
    columns, rest = _columns(seen), dict[str, list[Measurement]]()
    for m in report.measurements:
        about = columns & set(m.part)
        if _about_groups(m, columns) and id(m) not in tabled:
            rest.setdefault(about.pop() if len(about) == 1 else "", []).append(m)
    return rest


def _in_turn(found: Iterable[Measurement]) -> list[Measurement]:
    """The first of each label, then the second of each, so that none of them crowds out another."""
    own: dict[str, list[Measurement]] = {}
    for m in found:
        own.setdefault(m.part.get("label", ""), []).append(m)
    return [m for turn in zip_longest(*own.values()) for m in turn if m is not None]


def _about_groups(found: Measurement, columns: set[str]) -> bool:
    family = words.family(found.check)
    inside = family == "fairness" or (family != "scope" and bool(columns & set(found.part)))
    told = found.name in DIAGRAM or found.name.endswith("_origin")
    return inside and not told and found.of == "candidate" and found.compared_with is None


def _by_group(report: Report, view: View, names: tuple[str, ...], caption: str) -> Iterable[Block]:
    found = {name: tuple(report.find(name, part=view.part(group)) for group in view.groups) for name in names}
    kept = {name: own for name, own in found.items() if any(own)}
    if not kept:
        return
    titles = (words.metric(name).split(",")[0] for name in kept)
    first = words.columns({"group": 22, "n": 9}, right=("n",))
    columns = (*first, *(Column(title, 23, right=True) for title in titles))
    lines = tuple(
        ((short(group, NAME),), rows(next(filter(None, own), None)), *map(with_interval, own))
        for group, *own in zip(view.groups, *kept.values(), strict=True)
    )
    cut = len(lines) > MOST_GROUPS
    yield Table(words.caption("about").format(caption=caption, about=view.about), columns, lines[:MOST_GROUPS], cut=cut)


def _calibration(report: Report, charts: tuple[Chart, ...]) -> Iterable[Block]:
    grouped = _columns(views(report))
    plain = [m for m in report.family("calibration") if m.name not in DIAGRAM and not grouped & set(m.part)]
    own = (m for m in plain if m.of == "candidate" and m.compared_with is None)
    yield from _listed(_in_turn(own), words.caption("calibration"))
    yield from _pictures(charts, "reliability")
    known = labels(report)
    lines = tuple(
        _bin(label, of, *pair)
        for label in known or ("",)
        for of in SIDES
        for pair in report.bins(of)
        if not label or pair[1].part.get("label") == label
    )
    if lines:
        shares = {"whose": 16, "bin": 22, "stated": 20, "observed": 18, "interval": 24, "n": 10}
        columns = words.columns({"label": 16, **shares} if known else shares, right=[*shares][2:])
        yield Table(words.caption("bins"), columns, lines, PRINTED_ROWS if known else 0)


def _bin(label: str, of: str, stated: Measurement, observed: Measurement) -> tuple[Cell, ...]:
    name = short(observed.part.get("bin", words.part(observed.part)), NAME)
    shown = (value(stated), value(observed), interval(observed), rows(observed))
    whose = ((short(label, NAME),),) if label else ()
    return (*whose, (words.word("of", of),), (Code(name),), *shown)
