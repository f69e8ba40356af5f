"""Sections about the judgement: register, coverage, risks, gaps, method, and the limits of the report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from govkit.core import Bound, Gap, Measurement, Requirement
from govkit.core.limit import bound_for
from govkit.core.verdict import PartRuling, ResidualRisk
from govkit.report import anchors, words
from govkit.report.blocks import Block, Bullets, Cell, Code, Column, Facts, Grid, Lines, Mark, Section, Table
from govkit.report.charts import Chart
from govkit.report.escape import LONGEST, NAME, brief, sentences, short
from govkit.report.model import CURVE, Entry, Report
from govkit.report.numbers import NONE, ends, is_difference, number, percent, plain, rows, value
from govkit.report.outcomes import PRINTED_ROWS, listing, section
from govkit.report.people import people
from govkit.report.saying import in_words, worst_first


def judged(report: Report, charts: tuple[Chart, ...] = ()) -> list[Section | None]:
    """All sections of this module, in the order of the report."""
    return [
        section("register", _register(report)),
        section("people", people(report)),
        section("coverage", _coverage(report)),
        section("risks", (*(c.picture for c in charts if c.kind == "risks"), *_risks(report))),
        section("gaps", _gaps(report)),
        section("method", _method(report)),
        section("limits", _limits()),
        section("findings", _findings(report)),
    ]


def limit(required: Requirement | None) -> Cell:
    """What a control requires, in words."""
    if required is None:
        return NONE
    if required.equals is not None:
        return ("must be ", *plain(required.equals))
    edges: list[Cell] = []
    if required.min is not None:
        edges.append(("at least ", number(required.min)))
    if required.max is not None:
        edges.append(("at most ", number(required.max)))
    return (*edges[0], " and ", *edges[1]) if len(edges) > 1 else edges[0]


def state(entry: Entry) -> Cell:
    """The state of a ruling, and whether an exception covers it."""
    shown = words.mark("states", entry.ruling.state)
    return (shown, " ", words.mark("states", "waived")) if entry.ruling.waived else (shown,)


def _register(report: Report) -> Iterable[Block]:
    columns = (Column("Control", 10), Column("Asked, and what to do", 30), Column("State", 14),
               Column("Found beside required", 46))  # fmt: skip
    lines = tuple(_ruling(entry, report) for entry in report.entries)
    yield Table(words.catalog()["rulings_says"], columns, lines, about=anchors.rulings(report))


def _ruling(entry: Entry, report: Report) -> tuple[Cell, ...]:
    ruling, control = entry.ruling, entry.control
    required = limit(control.require) if control else NONE
    title = sentences(ruling.title, 160)
    asked: Cell = (title,) if required == NONE else (title, ": ", *required)
    if entry.open:
        asked = (*asked, Lines(((sentences(entry.next_step, 300),),)))
    follows = words.word("dispositions", ruling.disposition)
    weight = f"severity {ruling.severity}, {follows}" if entry.open else f"severity {ruling.severity}"
    shown = (*state(entry), " ", Mark("below", "", weight))
    return ((Code(ruling.control),), asked, shown, _found(entry, report))


def _found(entry: Entry, report: Report) -> Cell:
    """An open point in plain words, then its parts with their bounds."""
    parts = tuple(line for part in worst_first(entry, report) if (line := _part(part, entry, report)))
    settled = entry.ruling.state == "not_applicable"
    said = (sentences(entry.ruling.reason, 200),) if settled else in_words(entry, report)
    return (*said, Lines(parts)) if parts else said


def _part(part: PartRuling, entry: Entry, report: Report) -> Cell | None:
    """``sex: Female: −0.234 (bounds at 95 %: −0.263 to −0.205); n 3,251``; None for a part without a number."""
    found = report.sources.findings[part.finding] if part.finding >= 0 else None
    if not isinstance(found, Measurement) or entry.control is None or found.name != entry.control.metric:
        return None
    if isinstance(found.value, bool | str):
        return None
    bound = bound_for(found, report.confidence(entry.control))
    mark, signed = words.mark("states", part.state), is_difference(found)
    shape = f"{mark.shape} {words.part(found.part)}: "
    return (shape, *value(found), *(_between(bound, signed=signed) if bound else ()), "; n ", *rows(found))


def _between(bound: Bound, *, signed: bool) -> Cell:
    """The bounds that judge, with their level; an exact count has none."""
    between = ends(bound.low, bound.high, signed=signed)
    level: Cell = () if bound.low == bound.high else ("bounds at ", percent(bound.level), " %: ")
    return (" (", *level, *between, ")")


def _coverage(report: Report) -> Iterable[Block]:
    standard = words.rmf()
    says = words.catalog()["cells"]
    by_category: dict[str, list[tuple[str, str, str]]] = {}
    open_cells = []
    for cell in report.sources.verdict.coverage.cells:
        letter = says[cell.state]["letter"] + ("*" if cell.partly else "")
        by_category.setdefault(cell.id.rsplit(".", 1)[0], []).append((cell.id, letter, cell.state))
        if cell.state == "open":
            open_cells.append(cell.id)
    if not by_category:
        return
    categories: dict[str, str] = standard["categories"]
    lines = tuple((f"{name}: {categories.get(name, '')}", tuple(cells)) for name, cells in by_category.items())
    legend = tuple((entry["letter"], key, entry["text"]) for key, entry in says.items())
    yield Grid("State of each subcategory. " + words.catalog()["partly"], lines, legend)
    if open_cells:
        columns = (Column("Open", 18), Column("What it asks (paraphrase)", 82))
        asks = {name: str(row["paraphrase"]) for name, row in standard["cells"].items()}
        yield Table("Open: nothing in this bundle speaks to these", columns,
                    tuple(((Code(name),), (asks.get(name, ""),)) for name in open_cells))  # fmt: skip


def _risks(report: Report) -> Iterable[Block]:
    columns = (Column("Risk", 14), Column("What could happen", 30), Column("Before", 11), Column("After", 11),
               Column("Why", 34))  # fmt: skip
    lines = tuple(
        (
            (Code(risk.id),),
            (short(risk.description),),
            (words.mark("levels", risk.inherent),),
            (words.mark("levels", risk.residual),),
            (_why(risk),),
        )
        for risk in report.sources.verdict.risks
    )
    if lines:
        yield Table("Risks before and after the controls", columns, lines)


def _why(risk: ResidualRisk) -> str:
    """Why a risk is lower or not, as the verdict has it, with words for states and for a level that stays."""
    why = short(risk.reason)
    for state, says in words.catalog()["states"].items():
        why = re.sub(rf"\b{state}\b", says["text"], why)
    why = re.sub(r"(while .*, .*) fails$", r"\1 fail", why)
    says = words.catalog()["risk_stays"]
    if risk.inherent == risk.residual and (lowered := re.match(r"likelihood lowered by (\d+) of[^;]*", why)):
        why = (says["none"] if lowered[1] == "0" else f"{lowered[0]}{says['level']}") + why[lowered.end() :]
    if not risk.measured and "not measured" not in why.lower():
        why = f"{why.rstrip('.')}. {words.catalog()['plain']['not_measured']}"
    return why[:1].upper() + why[1:]


def _gaps(report: Report) -> Iterable[Block]:
    known = tuple(
        ((short(item.risk),), (short(item.reason),), (short(item.owner) or "–",), (str(item.review_by or "–"),))
        for item in report.sources.policy.not_measured
    )
    if known:
        columns = (
            Column("Known and not measured", 30),
            Column("Why", 40),
            Column("Owner", 16),
            Column("Review by", 14),
        )
        yield Table("Known to the policy, not measured by this audit", columns, known)
    if report.gaps:
        columns = (Column("Check", 18), Column("Measure", 20), Column("Whose, which rows", 22), Column("Why", 40))
        found, lines = anchors.findings(report), tuple(_gap(gap) for gap in report.gaps)
        about = tuple(found[id(gap)] for gap in report.gaps)
        yield Table("Asked for and not measured", columns, lines, PRINTED_ROWS, about=about)


def _gap(gap: Gap) -> tuple[Cell, ...]:
    name = "all of its measures" if gap.name == "*" else words.metric(gap.name)
    about = f"{words.word('of', gap.of)}, {words.part(gap.part)}"
    why = f"{words.word('reasons', gap.reason)}. {short(gap.detail, 300)}".strip()
    return ((Code(short(gap.check, 80)),), (name,), (about,), (why,))


def _method(report: Report) -> Iterable[Block]:
    sources = report.sources
    tool = sources.measured.get("tool") or {}
    passes = sources.measured.get("passes") or {}
    lines: list[tuple[str, Cell]] = [
        ("Tool", (f"{tool.get('name', 'govkit')} ", Code(short(str(tool.get("version", "unknown")))))),
        ("Seed", plain(sources.measured.get("seed"))),
        ("Policy", (short(sources.policy.id), " ", Code(sources.policy.version), " ", Code(sources.verdict.policy))),
        ("Confidence of a limit", (percent(sources.policy.decision.confidence), " %, one-sided")),
        ("Limits fixed before results", (_fixed(sources.verdict.notices),)),
        ("Testing of the tests", (sources.selfcheck.sentence if sources.selfcheck else "not shown",)),
        ("Findings statement", (Code(sources.findings_digest),)),
        ("Measurements", (number(sources.verdict.coverage.findings),)),
        ("Gaps", (number(sources.verdict.coverage.gaps),)),
    ]
    lines += [(f"Model passes, {name.replace('_', ' ')}", plain(count)) for name, count in sorted(passes.items())]
    yield Facts(tuple(lines))
    yield Bullets(tuple((text,) for text in words.catalog()["methods_says"]))
    methods: dict[str, dict[str, None]] = {}
    for found in report.measurements:
        if found.interval:
            methods.setdefault(found.interval.method, {})[words.metric(found.name)] = None
    if methods:
        columns = (Column("How the interval was computed", 38), Column("Measures", 62))
        lines_ = tuple(((short(method),), (brief("; ".join(names), LONGEST),)) for method, names in methods.items())
        yield Table("Methods", columns, lines_)
    if sources.run and sources.run.environment:
        columns = (Column("Environment of the run", 34), Column("Version or value", 66))
        facts = sorted(sources.run.environment.items())
        yield Table("Versions", columns, tuple(((short(k),), _version(fact.value)) for k, fact in facts))


def _fixed(notices: Iterable[str]) -> str:
    """Who locked the limits and when, as the verdict has it."""
    said = (text.partition(": ")[2] for text in notices if text.startswith("limits fixed before results: "))
    return sentences(next(said, "not shown"), 200)


def _version(found: Any) -> Cell:
    """A value of the environment; of several packages each on a line."""
    if not isinstance(found, dict):
        return plain(found)
    return (
        Lines(tuple((f"{short(name, NAME)} ", Code(short(str(version), NAME))) for name, version in found.items())),
    )


def _findings(report: Report) -> Iterable[Block]:
    found = (m for m in report.measurements if m.name != CURVE)
    return listing(found, "All measurements", print_rows=PRINTED_ROWS, about=anchors.findings(report))


def _limits() -> Iterable[Block]:
    yield Bullets(tuple((text,) for text in words.catalog()["limits"]))
