"""Sections about where the model comes from: scope, lineage, licenses."""

from __future__ import annotations

from collections.abc import Iterable

from govkit.core import Component, Fact, LicenseRecord, Run
from govkit.report import words
from govkit.report.blocks import Block, Bullets, Cell, Code, Column, Facts, Section, Table, Text
from govkit.report.charts import Chart
from govkit.report.escape import short
from govkit.report.model import Report
from govkit.report.numbers import NONE, plain
from govkit.report.outcomes import listing, section

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
    use = report.sources.audit.use
    lines: list[tuple[str, Cell]] = [
        ("Model", (short(report.name),)),
        ("Artifact", (Code(report.sources.verdict.subject),)),
        ("Purpose", (short(use.purpose) or "not declared",)),
        ("Intended for", (", ".join(words.word("intents", i) for i in use.intent) or "not declared",)),
        ("Excluded", ("; ".join(short(text) for text in use.excluded) or "nothing was declared as excluded",)),
        *([("To be known", (" ".join(short(text, 400) for text in use.conditions),))] if use.conditions else []),
        ("Tier", (f"{report.sources.policy.tier}. {short(report.sources.policy.tier_rationale)}".strip(" ."),)),
    ]
    yield Facts(tuple(lines))
    if report.sources.run is None:
        yield Text(("No record of the fine-tuning run is part of this bundle: lineage is unknown.",), loud=True)
    else:
        yield from pictures
        yield from _lineage(report)
    reached = (m for m in report.family("scope") if m.name != "classes" or m.value)  # a regression has none
    yield from listing(reached, "What the audit could reach")


def _lineage(report: Report) -> Iterable[Block]:
    run = report.sources.run
    if run is None:
        return
    yield Text((words.catalog()["seen_says"],))
    columns = (Column("Part", 15), Column("Name", 25), Column("Revision", 20), Column("Rows", 11, right=True),
               Column("License", 29))  # fmt: skip
    parts = (run.base, *run.data)
    yield Table("Base and data sources", columns, tuple(_component(part) for part in parts))
    notes = [(f"{words.word('roles', part.role)}, {name.replace('_', ' ')}", _fact(fact))
             for part in parts for name, fact in sorted(part.notes.items())]  # fmt: skip
    if notes:
        yield _facts_table("Notes on base and data", tuple(notes))
    digests = tuple((f"{words.word('roles', part.role)}", _fact(part.digest)) for part in parts)
    yield _facts_table("Digests of base and data", digests)
    for title, facts in (
        *((f"More on {_named(part)}", part.details) for part in parts),
        ("Tokenizer", run.tokenizer),
        ("Splits", run.splits),
        ("Method of fine-tuning", run.method),
        ("Hyper-parameters", run.hyperparameters),
        ("Seeds and determinism", run.seeds | {"seed": run.seed}),
        ("Cost", run.cost),
        ("Code", run.code),
    ):
        if facts:
            yield _facts_table(title, tuple(line for name, fact in sorted(facts.items()) for line in _flat(name, fact)))
    yield from _history(run.history)
    yield from _sightings(run)


def _sightings(run: Run) -> Iterable[Block]:
    """What speaks against the record, files that the run was seen to read, and how it may have read more."""
    if run.problems:
        yield Text(("What was seen of the run speaks against its record:",), loud=True)
        yield Bullets(tuple((short(f"{problem.kind}: {problem.what}"),) for problem in run.problems))
    if run.reads:
        columns = (Column("File", 46), Column("Seen by", 18), Column("Bytes", 36))
        shown = tuple(
            ((Code(short(read.path, 120)),), (", ".join(read.channels),), (Code(read.sha256 or "gone"),))
            for read in run.reads[:MOST_STEPS]
        )
        yield Table("Files that the run was seen to read", columns, shown, cut=len(run.reads) > MOST_STEPS)
    if run.channels:
        lines = tuple((name, (short(state),)) for name, state in sorted(run.channels.items()))
        yield _facts_table("Channels of reading; that nothing else was read is never claimed", lines)


def _flat(name: str, fact: Fact) -> list[tuple[str, Cell]]:
    """Lines of a fact; one that holds several named values gives a line for each."""
    title = name.replace("_", " ")
    if not isinstance(fact.value, dict):
        return [(title, _fact(fact))]
    return [(f"{title}: {key}", _fact(Fact(value=value, seen=fact.seen))) for key, value in sorted(fact.value.items())]


def _history(history: tuple[dict[str, float], ...]) -> Iterable[Block]:
    """Losses by step, in a table; a long record is shown by its first steps."""
    steps = tuple(step for step in history if any(name.endswith("loss") and name != "train_loss" for name in step))
    names = [n for n in _HISTORY if any(n in step for step in steps)]
    if not steps:
        return
    columns = tuple(Column(name.replace("_", " "), 20, right=True) for name in names)
    shown = tuple(tuple(plain(step.get(name)) for name in names) for step in steps[:MOST_STEPS])
    yield Table("Losses during training", columns, shown, cut=len(steps) > MOST_STEPS)


def _facts_table(caption: str, lines: tuple[tuple[str, Cell], ...]) -> Table:
    columns = (Column("What", 24), Column("Value", 76))
    return Table(caption, columns, tuple(((short(name),), cell) for name, cell in lines))


def _component(part: Component) -> tuple[Cell, ...]:
    record = part.license
    license_: Cell = (record.expression or "", " ", words.mark("license_states", record.state))
    return (
        (words.word("roles", part.role),),
        _fact(part.id),
        _fact(part.revision),
        NONE if part.rows.value is None else plain(part.rows.value),
        license_,
    )


def _fact(fact: Fact) -> Cell:
    """A value and how it is known."""
    shown = () if fact.value is None else (*plain(fact.value), " ")
    why = (f": {short(fact.why)}",) if fact.why and fact.value is None else ()
    return (*shown, words.mark("seen", fact.seen), *why)


def _license(report: Report) -> Iterable[Block]:
    run = report.sources.run
    parts = [(_named(part), part.license) for part in (run.base, *run.data)] if run else []
    conflicts: dict[str, list[str]] = {}
    for name, record in parts:
        if record.state == "conflict":
            conflicts.setdefault(short(record.reason), []).append(name)
    for reason, names in conflicts.items():
        yield Text((f"License in conflict: {'; '.join(names)}. {reason[:1].upper()}{reason[1:]}",), loud=True)
    for name, record in parts:
        yield _evidence(name, record)
    if report.sources.audit.licenses:
        yield Bullets(tuple(_declared(lic.of, lic.id, lic.expression) for lic in report.sources.audit.licenses))
    yield from listing(report.family("license"), "What follows from the licenses")


def _named(part: Component) -> str:
    return f"{words.word('roles', part.role)}, {short(str(part.id.value or 'without a name'), 80)}"


def _declared(of: str, name: str, expression: str | None) -> Cell:
    if expression is None:
        return (f"Declared in the audit file for the {of}, {short(name)}: license unknown",)
    return (f"Declared in the audit file for the {of}, {short(name)}: ", Code(short(expression)))


def _evidence(name: str, record: LicenseRecord) -> Table:
    columns = (Column("Seen in", 22), Column("Where", 40), Column("It says", 38))
    state = words.mark("license_states", record.state).text
    lines = tuple(
        ((item.source,), (Code(short(item.where, 120)),), (item.expression or "not recognized",))
        for item in record.evidence
    )
    concluded: tuple[Cell, ...] = (
        ("Conclusion",),
        (short(record.reason),),
        (record.expression or "none", " ", words.mark("license_states", record.state)),
    )
    return Table(f"License evidence: {name} ({state})", columns, (*lines, concluded))
