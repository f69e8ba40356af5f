"""A comparison as sections of tables, for every output alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, cast

from govkit.core import Finding, Gap
from govkit.report import words
from govkit.report.blocks import Block, Cell, Code, Column, Facts, Mark, Section, Table, Text, joined, row
from govkit.report.charts import CHANGED
from govkit.report.comparing.model import ANSWERS, Comparison, FactChange, GapChange, Question, RulingChange, Side
from govkit.report.escape import NAME, brief, short
from govkit.report.numbers import NONE, number, plain, with_interval
from govkit.report.said import said

Row = tuple[Cell, ...]
Item = TypeVar("Item")

_GAPS = {"check": 18, "measure": 22, "where": 22, "gap": 16, "reason": 22}
"""Columns of the table of gaps, and their shares of the width."""

LONGEST = 100
"""Characters of a free text in a table."""


def sections(found: Comparison, *, most: int | None = None) -> tuple[Section, ...]:
    """Everything that changed, the gravest first.

    Args:
        found: The comparison.
        most: Rows of each table at most; what is left out is counted.
    """
    told = {
        "summary": _summary(found),
        "worse": _answered(found, "worse", most),
        "rulings": _rulings(found.rulings, most),
        "better": _answered(found, "better", most),
        "undecided": _answered(found, "undecided", most),
        "not comparable": (*_reasons(found), *_answered(found, "not comparable", most)),
        "changed": _answered(found, "changed", most),
        "gaps": _table("gaps", _GAPS, found.gaps, _gap, most),
        **{topic: _facts(found.facts, topic, most) for topic in ("people", "lineage", "environment")},
    }
    says = _says()["sections"]
    return tuple(
        Section(key.replace(" ", "-"), says[key]["title"], says[key]["lead"], tuple(blocks))
        for key, blocks in told.items()
        if blocks
    )


def doubt(found: Comparison) -> str:
    """What was not verified, in a sentence; empty where both bundles were."""
    says = _says()
    unseen = [name for name, side in (("A", found.a), ("B", found.b)) if side.signers is None]
    if not unseen:
        return ""
    sides = says["both"] if len(unseen) == 2 else says["one"].format(side=unseen[0])
    return f"{says['not_verified']}. {says['not_verified_says'].format(sides=sides)}"


def names(found: Comparison) -> str:
    """What A is and what B is."""
    return str(_says()["sides"].format(a=brief(found.a.name, NAME), b=brief(found.b.name, NAME)))


def _says() -> dict[str, Any]:
    return cast("dict[str, Any]", words.catalog()["compare"])


def _mark(kind: str, key: str) -> Mark:
    entry = _says()[kind][key]
    return Mark(entry["kind"], entry["shape"], entry["text"])


def _summary(found: Comparison) -> tuple[Block, ...]:
    says = _says()
    heads, beside, second = says["columns"], _beside(found), _about(found.b)
    columns = (Column("", 16), Column(heads["beside"], 16), Column(heads["a"], 34), Column(heads["b"], 34))
    lines = tuple(
        ((says["side"][key],), beside.get(key, ("",)), value, second[key]) for key, value in _about(found.a).items()
    )
    blocks: list[Block] = [Table(says["captions"]["summary"], columns, lines), Facts(tuple(_glance(found)))]
    if found.nothing_changed:
        blocks.append(Text((says["nothing"],), loud=True))
    if not found.same_policy:
        blocks.append(Text((says["policy_diff"],)))
    return tuple(blocks)


def _about(side: Side) -> dict[str, Cell]:
    says = _says()
    outcome = words.catalog()["outcomes"][side.outcome]["stamp"]
    by = ", ".join(dict.fromkeys(short(name, NAME) for name in (side.signers or {}).values()))
    read = says["not_verified"] if side.signers is None else says["verified"].format(by=by)
    return {
        "name": (brief(side.name, NAME),),
        "outcome": (outcome if side.enforced else f"{outcome}, {says['not_enforced']}",),
        "policy": (Code(brief(side.policy, NAME)),),
        "as_of": (Code(side.as_of),),
        "artifact": (Code(brief(side.artifact, 80)),),
        "findings": (Code(side.findings),),
        "read": (read,),
    }


def _beside(found: Comparison) -> dict[str, Cell]:
    """What B is beside A, where that can be said in a word."""
    told = {True: _says()["same"], False: _says()["other"]}
    return {
        "outcome": (_mark("turns", found.outcome),),
        "policy": (told[found.same_policy],),
        "artifact": (told[found.same_model],),
    }


def _glance(found: Comparison) -> Iterable[tuple[str, Cell]]:
    says = _says()
    heads = says["facts"]
    told = {True: says["same"], False: says["other_rows"]}
    rows = [
        f"{words.word('roles', role)}: {told[alike] if alike is not None else _why_unknown(found, role)}"
        for role, alike in found.same_rows.items()
    ]
    yield heads["rows"], ("; ".join(rows) or says["none"],)
    counts = ((number(found.counts[answer]), f" {says['answers'][answer]['text']}") for answer in ANSWERS)
    yield heads["counts"], joined(counts, "; ")
    if found.lost:
        yield heads["lost"], (number(found.lost),)


def _why_unknown(found: Comparison, role: str) -> str:
    """Rows that only one bundle has, or that one of them gives no digest of."""
    both = role in found.a.data and role in found.b.data
    return str(words.absent("fact") if both else _says()["one_side"])


def _answered(found: Comparison, answer: str, most: int | None) -> tuple[Block, ...]:
    asked = sorted((each for each in found.questions if each.answer == answer), key=_rank)
    shares = {"measure": 26, "where": 22, "a": 16, "b": 16, "why": 20}
    return _table(answer, shares, asked, _question, most, right=("a", "b"))


def _rank(asked: Question) -> tuple[bool, bool, bool, int]:
    """What is lost first, then this model, all rows before parts, and what reports show first before the rest."""
    about = asked.about
    place = CHANGED.index(about.name) if about.name in CHANGED else len(CHANGED)
    return not asked.lost, about.of != "candidate", bool(about.part), place


def _table(
    key: str,
    shares: dict[str, int],
    items: Sequence[Item],
    made: Callable[[Item], Row],
    most: int | None = None,
    *,
    right: Sequence[str] = (),
) -> tuple[Block, ...]:
    """A table, and how many rows it leaves out; nothing where there are no rows."""
    if not items:
        return ()
    shown = items if most is None else items[:most]
    says, left = _says(), len(items) - len(shown)
    columns = words.columns(shares, right=right, titles=says["columns"])
    table = (Table(says["captions"][key], columns, tuple(map(made, shown))),) if shown else ()
    return (*table, Text((number(left), says["more" if left > 1 else "one_more"]))) if left else table


def _question(asked: Question) -> Row:
    about, says = asked.about, _says()
    where = f"{words.whose(about)}, {words.part(about.part)}"
    if about.data is not None and about.data.role != "test":
        where += f", {words.word('roles', about.data.role)}"
    named: Cell = (f"{brief(words.metric(about.name, about.check), LONGEST)} (", Code(brief(about.check, NAME)), ")")
    why: Cell = (says["reasons"].get(asked.reason) or says["basis"].get(asked.basis) or "",)
    if asked.paired is not None:
        why = (*why, f"; {says['less'][asked.paired_in]}: ", *with_interval(asked.paired))
    if asked.lost:
        why = (*why, " ", _mark("turns", "no longer measured"))
    return row(named, where, _value(asked.a), _value(asked.b), why)


def _value(found: Finding | None) -> Cell:
    if isinstance(found, Gap):
        return (words.word("reasons", found.reason),)
    if found is None or found.is_number:
        return with_interval(found)
    return (brief(found.value, LONGEST),) if isinstance(found.value, str) else plain(found.value)


def _reasons(found: Comparison) -> tuple[Block, ...]:
    """How many questions cannot be compared for each reason."""
    says, counts = _says()["reasons"], tuple(found.reasons.items())
    shares = {"reason": 80, "numbers": 20}
    return _table("reasons", shares, counts, lambda each: ((says[each[0]],), (number(each[1]),)), right=("numbers",))


def _rulings(changes: Sequence[RulingChange], most: int | None) -> tuple[Block, ...]:
    order = list(_says()["turns"])
    ranked = sorted(changes, key=lambda change: order.index(change.turn))
    return _table("rulings", {"control": 12, "asked": 36, "a": 14, "b": 14, "turn": 24}, ranked, _ruling, most)


def _ruling(change: RulingChange) -> Row:
    sides = ((change.a, change.waived_a), (change.b, change.waived_b))
    states = (NONE if state is None else words.state(state, waived=waived) for state, waived in sides)
    title = brief(said(change.title), LONGEST)
    return row(Code(brief(change.control, NAME)), title, *states, _mark("turns", change.turn))


def _gap(change: GapChange) -> Row:
    gap = change.gap
    name = words.word("checks", gap.check) if gap.name == "*" else words.metric(gap.name, gap.check)
    reasons = [words.word("reasons", each.reason) for each in (change.a, change.b) if each is not None]
    where, moved = f"{words.word('of', gap.of)}, {words.part(gap.part)}", _says()["moved"][change.moved]
    return row(Code(brief(gap.check, NAME)), brief(name, LONGEST), where, moved, " → ".join(reasons))


def _facts(changes: Sequence[FactChange], topic: str, most: int | None) -> tuple[Block, ...]:
    def made(change: FactChange) -> Row:
        return row(short(said(change.what), LONGEST), _side_of(change.a), _side_of(change.b))

    own = [change for change in changes if change.topic == topic]
    return _table(topic, {"fact": 30, "a": 35, "b": 35}, own, made, most)


def _side_of(value: Any) -> Cell:
    return (Code(short(value, LONGEST)),) if isinstance(value, str) and value[:7] == "sha256:" else plain(value)
