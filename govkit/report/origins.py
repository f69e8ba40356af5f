"""Sections about where the model comes from: scope, lineage, licenses."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from govkit.core import Component, Fact, LicenseRecord, Measurement, Run
from govkit.report import words
from govkit.report.blocks import Block, Bullets, Cell, Code, Column, Facts, Section, Table, Text, row
from govkit.report.charts import Chart
from govkit.report.escape import short
from govkit.report.model import Report
from govkit.report.numbers import plain
from govkit.report.outcomes import listing, section
from govkit.report.said import said
from govkit.report.words import absent, caption

MOST_STEPS = 30
"""Steps of the training history that the report shows."""
_HISTORY = ("step", "epoch", "loss", "eval_loss", "eval_accuracy", "learning_rate", "grad_norm")


def origins(report: Report, charts: tuple[Chart, ...] = ()) -> list[Section | None]:
    """Scope with lineage, and license evidence."""
    pictures = {chart.kind: (chart.picture,) for chart in charts}
    return [
        section("scope", _scope(report, pictures.get("lineage", ()))),
        section("license", (*pictures.get("licenses", ()), *_license(report))),
    ]


def _scope(report: Report, pictures: Iterable[Block]) -> Iterable[Block]:
    yield Facts((*named(report).rows, *intended(report).rows))
    if report.sources.run is None:
        yield Text((absent("run"),), loud=True)
    else:
        yield from pictures
        yield from _lineage(report)
    yield from reached(report)


def named(report: Report) -> Facts:
    """What was audited."""
    says = words.catalog()["facts"]
    return Facts(((says["model"], (short(report.name),)), (says["artifact"], (Code(report.sources.verdict.subject),))))


def intended(report: Report) -> Facts:
    """What it is for, what it is not for, and how much depends on it."""
    use, says = report.sources.audit.use, words.catalog()["facts"]
    tier = f"{words.word('tiers', report.sources.policy.tier)}. {short(said(report.sources.policy.tier_rationale))}"
    lines: list[tuple[str, Cell]] = [
        (says["purpose"], (short(use.purpose) or absent("purpose"),)),
        (says["intended"], (", ".join(words.word("intents", i) for i in use.intent) or absent("intended"),)),
        (says["excluded"], ("; ".join(short(text) for text in use.excluded) or absent("excluded"),)),
        *([(says["conditions"], (" ".join(short(text, 400) for text in use.conditions),))] if use.conditions else []),
        (says["tier"], (tier.strip(" ."),)),
    ]
    return Facts(tuple(lines))


def reached(report: Report, among: Callable[[Measurement], bool] = lambda _: True) -> Iterable[Block]:
    """What the audit could reach, and whether the model is what its record says."""
    found = (m for m in report.family("scope") if m.name != "classes" or m.value)  # a regression has none
    yield from listing(filter(among, found), caption("reached"))


def _lineage(report: Report) -> Iterable[Block]:
    run = report.sources.run
    if run is None:
        return
    yield Text((words.catalog()["seen_says"],))
    shares = {"part": 15, "name": 25, "revision": 20, "row_count": 11, "license": 29}
    columns = words.columns(shares, right=("row_count",))
    parts = (run.base, *run.data)
    yield Table(caption("sources"), columns, tuple(_component(part) for part in parts))
    noted = words.catalog()["facts"]["note"]
    notes = [(noted.format(part=words.word("roles", part.role), name=said(name.replace("_", " "))), _fact(fact))
             for part in parts for name, fact in sorted(part.notes.items())]  # fmt: skip
    if notes:
        yield _facts_table(caption("notes"), tuple(notes))
    digests = tuple((f"{words.word('roles', part.role)}", _fact(part.digest)) for part in parts)
    yield _facts_table(caption("digests"), digests)
    for title, facts in (
        *((caption("more_on").format(part=_named(part)), part.details) for part in parts),
        (caption("tokenizer"), run.tokenizer),
        (caption("splits"), run.splits),
        (caption("tuning"), run.method),
        (caption("hyperparameters"), run.hyperparameters),
        (caption("seeds"), run.seeds | {"seed": run.seed}),
        (caption("cost"), run.cost),
        (caption("code"), run.code),
    ):
        if facts:
            yield _facts_table(title, tuple(line for name, fact in sorted(facts.items()) for line in _flat(name, fact)))
    yield from _history(run.history)
    yield from _sightings(run)


def _sightings(run: Run) -> Iterable[Block]:
    """What speaks against the record, files that the run was seen to read, and how it may have read more."""
    if run.problems:
        yield Text((words.catalog()["told"]["against_record"],), loud=True)
        yield Bullets(tuple((short(f"{said(problem.kind)}: {said(problem.what)}"),) for problem in run.problems))
    if run.reads:
        columns = words.columns({"file": 46, "seen_by": 18, "bytes": 36})
        shown = tuple(
            row(Code(short(read.path, 120)), ", ".join(map(said, read.channels)), Code(read.sha256 or absent("file")))
            for read in run.reads[:MOST_STEPS]
        )
        yield Table(caption("reads"), columns, shown, cut=len(run.reads) > MOST_STEPS)
    if run.channels:
        lines = tuple((said(name), (short(said(state)),)) for name, state in sorted(run.channels.items()))
        yield _facts_table(caption("channels"), lines)


def _flat(name: str, fact: Fact) -> list[tuple[str, Cell]]:
    """Lines of a fact; one that holds several named values gives a line for each."""
    title = said(name.replace("_", " "))
    if not isinstance(fact.value, dict):
        return [(title, _fact(fact))]
    return [(f"{title}: {key}", _fact(Fact(value=value, seen=fact.seen))) for key, value in sorted(fact.value.items())]


def _history(history: tuple[dict[str, float], ...]) -> Iterable[Block]:
    """Losses by step, in a table; a long record is shown by its first steps."""
    steps = tuple(step for step in history if any(name.endswith("loss") and name != "train_loss" for name in step))
    names = [n for n in _HISTORY if any(n in step for step in steps)]
    if not steps:
        return
    columns = tuple(Column(words.word("history", name), 20, right=True) for name in names)
    shown = tuple(tuple(plain(step.get(name)) for name in names) for step in steps[:MOST_STEPS])
    yield Table(caption("losses"), columns, shown, cut=len(steps) > MOST_STEPS)


def _facts_table(title: str, lines: tuple[tuple[str, Cell], ...]) -> Table:
    columns = words.columns({"what": 24, "value": 76})
    return Table(title, columns, tuple(row(short(name), cell) for name, cell in lines))


def _component(part: Component) -> tuple[Cell, ...]:
    record = part.license
    license_: Cell = (record.expression or "", " ", words.mark("license_states", record.state))
    return row(words.word("roles", part.role), _fact(part.id), _fact(part.revision), plain(part.rows.value), license_)


def _fact(fact: Fact) -> Cell:
    """A value and how it is known."""
    shown = () if fact.value is None else (*plain(fact.value), " ")
    why = (f": {short(said(fact.why))}",) if fact.why and fact.value is None else ()
    return (*shown, words.mark("seen", fact.seen), *why)


def _license(report: Report) -> Iterable[Block]:
    run = report.sources.run
    parts = [(_named(part), part.license) for part in (run.base, *run.data)] if run else []
    conflicts: dict[str, list[str]] = {}
    for name, record in parts:
        if record.state == "conflict":
            conflicts.setdefault(short(said(record.reason)), []).append(name)
    for reason, names in conflicts.items():
        says = words.catalog()["told"]["conflict"]
        yield Text((says.format(names="; ".join(names), reason=reason[:1].upper() + reason[1:]),), loud=True)
    for name, record in parts:
        yield _evidence(name, record)
    if report.sources.audit.licenses:
        yield Bullets(tuple(_declared(lic.of, lic.id, lic.expression) for lic in report.sources.audit.licenses))
    yield from listing(report.family("license"), caption("licenses"))


def _named(part: Component) -> str:
    return f"{words.word('roles', part.role)}, {short(str(part.id.value or absent('name')), 80)}"


def _declared(of: str, name: str, expression: str | None) -> Cell:
    says = words.catalog()["told"]["declared_unknown" if expression is None else "declared"]
    license_ = Code(short(expression or ""))
    return words.filled(says, of=words.word("declared_of", of), name=short(name), license=license_)


def _evidence(name: str, record: LicenseRecord) -> Table:
    columns = words.columns({"seen_in": 22, "where": 40, "it_says": 38})
    state = words.mark("license_states", record.state)
    lines = (
        row(said(item.source), Code(short(item.where, 120)), item.expression or absent("recognized"))
        for item in record.evidence
    )
    shown: Cell = (record.expression or absent("license"), " ", state)
    concluded = row(words.catalog()["facts"]["conclusion"], short(said(record.reason)), shown)
    return Table(caption("license").format(part=name, state=state.text), columns, (*lines, concluded))
