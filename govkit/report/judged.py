"""Sections about the judgement: register, coverage, risks, gaps, method, and the limits of the report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from govkit.core import Bound, Gap, Requirement
from govkit.core.limit import bound_for
from govkit.core.verdict import BY_FILE, PartRuling, ResidualRisk
from govkit.report import anchors, words
from govkit.report.blocks import Block, Bullets, Cell, Code, Facts, Grid, Lines, Mark, Section, Table, row
from govkit.report.charts import Chart
from govkit.report.cover import MOST_NOTICES, NOTICE
from govkit.report.escape import LONGEST, NAME, brief, sentences, short
from govkit.report.model import CURVE, Entry, Report
from govkit.report.numbers import NONE, ends, is_difference, number, percent, plain, rows, value
from govkit.report.outcomes import PRINTED_ROWS, listing, section
from govkit.report.people import people
from govkit.report.said import said
from govkit.report.saying import in_words, judged_number, worst_first


def judged(report: Report, charts: tuple[Chart, ...] = ()) -> list[Section | None]:
    """All sections of this module, in the order of the report."""
    return [
        section("register", _register(report)),
        section("people", people(report)),
        section("coverage", _coverage(report)),
        section("risks", (*(c.picture for c in charts if c.kind == "risks"), *_risks(report))),
        section("gaps", _gaps(report)),
        section("method", _method(report)),
        section("limits", _limits(report)),
        section("findings", _findings(report)),
    ]


def limit(required: Requirement | None) -> Cell:
    """What a control requires, in words."""
    if required is None:
        return NONE
    says = words.catalog()["joins"]
    if required.equals is not None:
        return words.filled(says["must_be"], value=plain(required.equals))
    edges = (("at_least", required.min), ("at_most", required.max))
    return words.both(*(words.filled(says[key], value=number(edge)) for key, edge in edges if edge is not None))


def state(entry: Entry) -> Cell:
    """The state of a ruling, and whether an exception covers it."""
    return words.state(entry.ruling.state, waived=entry.ruling.waived)


def _register(report: Report) -> Iterable[Block]:
    columns = words.columns({"control": 10, "asked": 30, "state": 14, "found_beside": 46})
    lines = tuple(_ruling(entry, report) for entry in report.entries)
    yield Table(words.catalog()["rulings_says"], columns, lines, about=anchors.rulings(report))
    if rest := tuple(_notices(report)):
        yield Bullets(rest)


def _notices(report: Report) -> Iterable[Cell]:
    """What the verdict says beside its rulings and page one does not; what it says of waivers stands with them."""
    for place, text in enumerate(map(said, report.sources.verdict.notices)):
        shown = place < MOST_NOTICES and sentences(text, NOTICE) == short(text)
        if not shown and not report.sources.verdict.notices[place].startswith("waiver "):
            yield (short(text),)


def _ruling(entry: Entry, report: Report) -> tuple[Cell, ...]:
    ruling, control = entry.ruling, entry.control
    required = limit(control.require) if control else NONE
    title = sentences(said(ruling.title), 160)
    asked: Cell = (title,) if required == NONE else (title, ": ", *required)
    if entry.open:
        asked = (*asked, Lines(((sentences(entry.next_step, 300),),)))
    weight = words.catalog()["told"]["severity_then" if entry.open else "severity"].format(
        severity=words.mark("severities", ruling.severity).text,
        follows=words.word("dispositions", ruling.disposition),
    )
    shown = (*state(entry), " ", Mark("below", "", weight))
    return row(Code(ruling.control), asked, shown, _found(entry, report))


def _found(entry: Entry, report: Report) -> Cell:
    """An open point in plain words, then its parts with their bounds."""
    parts = tuple(line for part in worst_first(entry, report) if (line := _part(part, entry, report)))
    settled = entry.ruling.state == "not_applicable"
    told = (sentences(said(entry.ruling.reason), 200),) if settled else in_words(entry, report)
    return (*told, Lines(parts)) if parts else told


def _part(part: PartRuling, entry: Entry, report: Report) -> Cell | None:
    """``sex: Female: −0.234 (bounds at 95 %: −0.263 to −0.205); n 3,251``; None for a part without a number."""
    found = judged_number(part, report)
    if found is None or entry.control is None or found.name != entry.control.metric:
        return None
    bound = bound_for(found, report.confidence(entry.control))
    mark, signed = words.mark("states", part.state), is_difference(found)
    return words.filled(
        words.catalog()["told"]["part_bounds" if bound else "part"],
        shape=mark.shape,
        part=words.part(found.part),
        value=value(found),
        bounds=_between(bound, signed=signed) if bound else (),
        rows=rows(found),
    )


def _between(bound: Bound, *, signed: bool) -> Cell:
    """The bounds that judge, with their level; an exact count has none."""
    between = ends(bound.low, bound.high, signed=signed)
    if bound.low == bound.high:
        return between
    return words.filled(words.catalog()["told"]["bounds"], level=percent(bound.level), ends=between)


def _coverage(report: Report) -> Iterable[Block]:
    standard = words.rmf()
    says = words.catalog()["cells"]
    by_category: dict[str, list[tuple[str, str, str]]] = {}
    open_cells = []
    for cell in report.sources.verdict.coverage.cells:
        name = short(cell.id, NAME)
        letter = says[cell.state]["letter"] + ("*" if cell.partly else "")
        by_category.setdefault(name.rsplit(".", 1)[0], []).append((name, letter, cell.state))
        if cell.state == "open":
            open_cells.append(name)
    if not by_category:
        return
    categories: dict[str, str] = standard["categories"]
    lines = tuple((f"{name}: {said(categories.get(name, ''))}", tuple(cells)) for name, cells in by_category.items())
    legend = tuple((entry["letter"], key, entry["text"]) for key, entry in says.items())
    yield Grid(words.caption("coverage").format(partly=words.catalog()["partly"]), lines, legend)
    if open_cells:
        columns = words.columns({"open": 18, "asks": 82})
        asks = {name: said(str(row["paraphrase"])) for name, row in standard["cells"].items()}
        yield Table(words.caption("open_cells"), columns, tuple(row(Code(n), asks.get(n, "")) for n in open_cells))


def _risks(report: Report) -> Iterable[Block]:
    columns = words.columns({"risk": 14, "could_happen": 30, "before": 11, "after": 11, "why": 34})
    lines = tuple(
        row(Code(risk.id), short(said(risk.description)),
            *(words.mark("levels", level) for level in (risk.inherent, risk.residual)), _why(risk))
        for risk in report.sources.verdict.risks
    )  # fmt: skip
    if lines:
        yield Table(words.caption("risks"), columns, lines)


def _why(risk: ResidualRisk) -> str:
    """Why a risk is lower or not, as the verdict has it, with words for states and for a level that stays."""
    says = words.catalog()
    why = short(said(risk.reason))
    for state, entry in says["states"].items():
        why = re.sub(rf"\b{state}\b", entry["text"], why)
    why = re.sub(r"(while .*, .*) fails$", r"\1 fail", why)
    lowered = re.match(r"likelihood lowered by (\d+) of", risk.reason)
    if lowered and risk.inherent == risk.residual:
        steps, *states = why.partition(";")
        stays = says["risk_stays"]
        why = "".join((stays["none"] if lowered[1] == "0" else f"{steps}{stays['level']}", *states))
    if not risk.measured and "not measured" not in risk.reason:
        why = f"{why.rstrip('.')}. {says['plain']['not_measured']}"
    return why[:1].upper() + why[1:]


def _gaps(report: Report) -> Iterable[Block]:
    known = tuple(
        row(short(said(own.risk)), short(said(own.reason)), short(said(own.owner)) or "–", str(own.review_by or "–"))
        for own in report.sources.policy.not_measured
    )
    if known:
        columns = words.columns({"not_measured": 30, "why": 40, "owner": 16, "review_by": 14})
        yield Table(words.caption("not_measured"), columns, known)
    if report.gaps:
        columns = words.columns({"check": 18, "measure": 20, "whose_rows": 22, "why": 40})
        found, lines = anchors.findings(report), tuple(_gap(gap) for gap in report.gaps)
        about = tuple(found[id(gap)] for gap in report.gaps)
        yield Table(words.caption("gaps"), columns, lines, PRINTED_ROWS, about=about)


def _gap(gap: Gap) -> tuple[Cell, ...]:
    name = str(words.catalog()["told"]["all_measures"]) if gap.name == "*" else words.metric(gap.name, gap.check)
    about = f"{words.word('of', gap.of)}, {words.part(gap.part)}"
    told = words.catalog()["joins"]["why"]
    why = told.format(reason=words.word("reasons", gap.reason), detail=short(said(gap.detail), 300)).strip()
    return row(Code(short(gap.check, 80)), name, about, why)


def _method(report: Report) -> Iterable[Block]:
    sources, says = report.sources, words.catalog()["facts"]
    tool = {"name": "govkit", "version": words.absent("fact"), **(sources.measured.get("tool") or {})}
    passes = sources.measured.get("passes") or {}
    lines: list[tuple[str, Cell]] = [
        (says["tool"], (f"{tool['name']} ", Code(short(str(tool["version"]))))),
        (says["seed"], plain(sources.measured.get("seed"))),
        (says["policy"], (short(sources.policy.id), " ", Code(sources.policy.version), " ",
                          Code(sources.verdict.policy))),
        (says["confidence"], words.filled(says["one_sided"], level=percent(sources.policy.decision.confidence))),
        (says["fixed"], (_fixed(sources.verdict.notices),)),
        (says["tests"], (said(sources.selfcheck.sentence) if sources.selfcheck else words.absent("shown"),)),
        (says["findings"], (Code(sources.findings_digest),)),
        (says["measurements"], (number(sources.verdict.coverage.findings),)),
        (says["gaps"], (number(sources.verdict.coverage.gaps),)),
    ]  # fmt: skip
    lines += [(says["passes"].format(kind=words.word("passes", name)), plain(count))
              for name, count in sorted(passes.items())]  # fmt: skip
    yield Facts(tuple(lines))
    yield Bullets(tuple((text,) for text in words.catalog()["methods_says"]))
    methods: dict[str, dict[str, None]] = {}
    for found in report.measurements:
        if found.interval:
            methods.setdefault(found.interval.method, {})[words.metric(found.name, found.check)] = None
    if methods:
        columns = words.columns({"method": 38, "measures": 62})
        lines_ = tuple(row(short(said(method)), brief("; ".join(own), LONGEST)) for method, own in methods.items())
        yield Table(words.caption("methods"), columns, lines_)
    if sources.run and sources.run.environment:
        columns = words.columns({"environment": 34, "version": 66})
        facts = sorted(sources.run.environment.items())
        lines_ = tuple(row(short(said(name)), _version(fact.value)) for name, fact in facts)
        yield Table(words.caption("versions"), columns, lines_)


def _fixed(notices: Iterable[str]) -> str:
    """Who locked the limits and when, as the verdict has it."""
    told = (text.partition(": ")[2] for text in notices if text.startswith("limits fixed before results: "))
    return sentences(said(next(told, "")), 200) or words.absent("shown")


def _version(found: Any) -> Cell:
    """A value of the environment; of several packages each on a line."""
    if not isinstance(found, dict):
        return plain(found)
    lines = ((f"{short(name, NAME)} ", Code(short(str(version), NAME))) for name, version in found.items())
    return (Lines(tuple(lines)),)


def _findings(report: Report) -> Iterable[Block]:
    found = (m for m in report.measurements if m.name != CURVE)
    return listing(found, words.caption("measurements"), print_rows=PRINTED_ROWS, about=anchors.findings(report))


def _limits(report: Report) -> Iterable[Block]:
    """What no report can say, and of this one how its findings came if nobody vouches for that."""
    came = [said(BY_FILE)] if BY_FILE in report.sources.verdict.notices else []
    yield Bullets(tuple((text,) for text in (*came, *words.catalog()["limits"])))
