"""Which findings of two bundles answer the same question, and what follows from both answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from govkit.core import Finding, Gap, Measurement
from govkit.core.words import PART_KEYS
from govkit.report.comparing.model import Answer, Basis, Question, Side
from govkit.report.model import DIAGRAM

Key = tuple[Any, ...]

BESIDE_BASE = frozenset({"base_contamination", "base_exposure", "memory_signal", "shift_floor", "weight_sweep"})
"""Checks all of whose numbers are about the base too, whoever they are of."""

_OPPOSITE: dict[Answer, Answer] = {"better": "worse", "worse": "better"}


def _rivals(a: Side, b: Side) -> dict[str, str]:
    """Models that stand beside the candidates and are not known to be the same in both bundles, and why."""
    pairs = {} if a.findings == b.findings else {"base": (a.base, b.base), "incumbent": (a.incumbent, b.incumbent)}
    return {
        name: f"{'unknown' if None in pair else 'other'} {name}"
        for name, pair in pairs.items()
        if None in pair or pair[0] != pair[1]
    }


def questions(a: tuple[Finding, ...], b: tuple[Finding, ...], *, sides: tuple[Side, Side]) -> tuple[Question, ...]:
    """Every measured question of either bundle with its answer, sorted by what is asked."""
    rivals, paired_a, paired_b = _rivals(*sides), _paired(a, sides), _paired(b, sides[::-1])
    gaps_a, gaps_b, kept = gaps_by_place(a), gaps_by_place(b), _kept(b)
    found = []
    for one, two in _matched(_asked(a, paired_a), _asked(b, paired_b)):
        asked = _both(one, two, rivals) if one and two else _one(one, two, gaps_a, gaps_b)
        found.append(_with_pair(asked, paired_a, paired_b, lost=two is None and one is not None and _lost(one, kept)))
    return tuple(sorted(found, key=lambda each: repr(_loose(each.about))))


def judge(a: Measurement, b: Measurement) -> tuple[Answer, Basis, str]:
    """What follows for the second number beside the first, from what both findings hold and nothing else."""
    if a.seed and b.seed and a.seed != b.seed:
        return "not comparable", "", "other seed"
    if a.value == b.value and a.is_number == b.is_number:
        return "unchanged", "", ""
    if not (_has_side(a) and _has_side(b)) or a.better != b.better:
        return "changed", "", ""
    if {a.trust, b.trust} - {None, "trusted"}:
        return "undecided", "", "not believed"
    return _apart(a, b)


def _has_side(found: Measurement) -> bool:
    """Whether it is a number of this model with a better side. A p-value says how sure, not how much."""
    told = found.is_number and found.of == "candidate" and found.better is not None
    return told and not found.name.endswith(("_p", "_p_adjusted"))


def _apart(a: Measurement, b: Measurement) -> tuple[Answer, Basis, str]:
    """Whether two intervals lie apart, and on which side."""
    one, two = a.interval, b.interval
    if one is None or two is None:
        return "undecided", "", "no interval"
    if one.level != two.level:
        return "not comparable", "", "other level"
    if one.low <= two.high and two.low <= one.high:
        return "undecided", "", "overlap"
    basis: Basis = "counted" if one.low == one.high and two.low == two.high else "intervals"
    return ("better" if (two.low > one.high) == (b.better == "higher") else "worse"), basis, ""


def read_difference(found: Measurement) -> tuple[Answer, str]:
    """What a paired difference says of the model that it is of."""
    shown = found.interval
    if found.trust not in (None, "trusted"):
        return "undecided", "not believed"
    if shown is None or found.better is None:
        return "undecided", "no interval"
    if shown.low == shown.high == 0:
        return "unchanged", ""
    if shown.low <= 0 <= shown.high:
        return "undecided", "chance"
    return ("better" if (shown.low > 0) == (found.better == "higher") else "worse"), ""


def _both(a: Measurement, b: Measurement, rivals: Mapping[str, str]) -> Question:
    if _rows(a) != _rows(b):
        return Question(a, b, "not comparable", reason="other rows")
    if a.params != b.params:
        return Question(a, b, "not comparable", reason="other parameters")
    if other := next((why for name, why in rivals.items() if _beside(b, name)), ""):
        return Question(a, b, "not comparable", reason=other)
    answer, basis, reason = judge(a, b)
    return Question(a, b, answer, basis, reason)


def _one(a: Measurement | None, b: Measurement | None, gaps_a: dict[Key, Gap], gaps_b: dict[Key, Gap]) -> Question:
    """Measured in one bundle only: the other has a gap there, or nothing."""
    if a is not None:
        gap = _gap_at(gaps_b, a)
        return Question(a, gap, "not comparable", reason="gap in b" if gap else "only in a")
    if b is None:
        raise ValueError("a question without a finding")
    gap = _gap_at(gaps_a, b)
    return Question(gap, b, "not comparable", reason="gap in a" if gap else "only in b")


def _with_pair(
    asked: Question, paired_a: dict[Key, Measurement], paired_b: dict[Key, Measurement], *, lost: bool
) -> Question:
    """The question, answered by the paired difference of a bundle that holds one between these two models."""
    mine = paired_b.pop(_exact(asked.b), None) if isinstance(asked.b, Measurement) else None
    theirs = paired_a.pop(_exact(asked.a), None) if isinstance(asked.a, Measurement) else None
    paired = mine or theirs
    if paired is None:
        return replace(asked, lost=lost)
    if mine is not None and theirs is not None and read_difference(theirs)[0] != _turned(read_difference(mine)[0]):
        return replace(asked, answer="undecided", reason="contradiction", paired=mine, paired_in="b")
    answer, reason = read_difference(paired)
    answer = answer if mine else _turned(answer)
    return replace(asked, answer=answer, basis="paired", reason=reason, paired=paired, paired_in="b" if mine else "a")


def _turned(answer: Answer) -> Answer:
    return _OPPOSITE.get(answer, answer)


def _paired(findings: Iterable[Finding], sides: tuple[Side, Side]) -> dict[Key, Measurement]:
    """Paired differences of one bundle to the model of the other, by the question that they answer."""
    own, other = sides
    if own.incumbent is None or own.incumbent != other.artifact:
        return {}
    numbers = [each for each in findings if isinstance(each, Measurement) and each.of == "candidate"]
    alone = {_exact(each) for each in numbers if each.compared_with is None and _has_side(each)}
    # What a search among the differences found stands beside the other model, too, and is no difference itself.
    beside = {_exact(each, without_rival=True): each for each in numbers if each.compared_with == "incumbent"}
    return {key: each for key, each in beside.items() if key in alone and each.is_number}


def _asked(findings: Iterable[Finding], paired: dict[Key, Measurement]) -> list[Measurement]:
    """The measurements that are compared: no places in a diagram, and no difference that answers another question."""
    answering = {id(each) for each in paired.values()}
    numbers = (each for each in findings if isinstance(each, Measurement) and each.name not in DIAGRAM)
    return [each for each in numbers if id(each) not in answering]


def _matched(a: list[Measurement], b: list[Measurement]) -> Iterator[tuple[Measurement | None, Measurement | None]]:
    """Pairs that ask the very same, then those that differ in rows or parameters, then what stands alone."""
    first, second = _by_question(a), _by_question(b)
    rest: dict[Key, tuple[list[Measurement], list[Measurement]]] = {}
    for key in dict.fromkeys((*first, *second)):
        pairs, left, right = _paired_off(first.get(key, []), second.get(key, []))
        yield from pairs
        kept = rest.setdefault(key[:6], ([], []))
        kept[0].extend(left)
        kept[1].extend(right)
    for left, right in rest.values():
        yield from zip_longest(sorted(left, key=_order), sorted(right, key=_order))


def _paired_off(
    a: list[Measurement], b: list[Measurement]
) -> tuple[list[tuple[Measurement | None, Measurement | None]], list[Measurement], list[Measurement]]:
    """Equal values first, so that the order in which a list was written changes nothing."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])], [], []
    left, right = sorted(a, key=_order), sorted(b, key=_order)
    pairs: list[tuple[Measurement | None, Measurement | None]] = []
    for each in list(left):
        twin = next((other for other in right if other.value == each.value), None)
        if twin is not None:
            pairs.append((each, twin))
            left.remove(each)
            right.remove(twin)
    count = min(len(left), len(right))
    return [*pairs, *zip(left[:count], right[:count], strict=True)], left[count:], right[count:]


def _by_question(found: Iterable[Measurement]) -> dict[Key, list[Measurement]]:
    grouped: dict[Key, list[Measurement]] = {}
    for each in found:
        grouped.setdefault(_exact(each), []).append(each)
    return grouped


def _order(found: Measurement) -> tuple[str, str, str]:
    return json.dumps(found.params, sort_keys=True), _rows(found), json.dumps(found.value)


def _loose(found: Finding, *, without_rival: bool = False) -> Key:
    role = found.data.role if found.data else ""
    beside = "" if without_rival else found.compared_with or ""
    return (found.check, found.name, found.of, beside, tuple(sorted(found.part.items())), role)


def _exact(found: Finding, *, without_rival: bool = False) -> Key:
    asked = json.dumps(found.params, sort_keys=True) if found.params else ""
    return (*_loose(found, without_rival=without_rival), asked, _rows(found))


def _rows(found: Finding) -> str:
    return found.data.digest if found.data else ""


def _beside(found: Finding, name: str) -> bool:
    """Whether a finding is about this other model, alone or beside the candidate."""
    told = name in (found.of, found.compared_with) or found.name.endswith(f"_vs_{name}")
    return told or (name == "base" and found.check in BESIDE_BASE)


def gaps_by_place(findings: Iterable[Finding]) -> dict[Key, Gap]:
    """The gaps by what was asked."""
    return {_place(each): each for each in findings if isinstance(each, Gap)}


def _place(found: Finding) -> Key:
    return (found.check, found.name, found.of, found.compared_with, tuple(sorted(found.part.items())))


def _gap_at(gaps: dict[Key, Gap], found: Measurement) -> Gap | None:
    """The gap that stands where a measurement might: of the part, of all rows, of the whole check."""
    check, name, of, beside, part = _place(found)
    tried = [(named, of, beside, where) for named in (name, "*") for where in (part, ())]
    return next((gaps[check, *key] for key in (*tried, ("*", "candidate", None, ())) if (check, *key) in gaps), None)


def _kept(findings: Iterable[Finding]) -> set[Key]:
    """What a bundle measured at all: checks, and whose values."""
    return {(each.check, each.of, each.compared_with) for each in findings if isinstance(each, Measurement)}


def _lost(found: Measurement, kept: set[Key]) -> bool:
    """Whether it is lost. A part that a search found, or a word, may be gone because there is none any more."""
    told = found.is_number and not PART_KEYS & set(found.part)
    return told or (found.check, found.of, found.compared_with) not in kept
