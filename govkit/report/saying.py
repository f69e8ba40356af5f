"""Rulings in plain sentences, for a reader without statistics. The words stand in the catalog, under ``plain``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from govkit.core import Bound, Gap, Measurement, Requirement
from govkit.core.limit import beyond, bound_for, distance
from govkit.core.verdict import PartRuling
from govkit.report import words
from govkit.report.blocks import Cell, Num
from govkit.report.escape import NAME, sentences, short
from govkit.report.model import Entry, Rulings
from govkit.report.numbers import UNBOUNDED, number, out_of, points, size, whole_of
from govkit.report.said import said

LONGEST = 200
"""Characters of a reason that is repeated as the verdict has it."""

WORST_FIRST = ("fail", "error", "missing", "unsupported", "inconclusive", "pass", "not_applicable")

JUDGED = ("pass", "fail", "inconclusive")

MOST_FACTS = 6
"""Facts that a record lacks, named in a sentence."""

DIFFERENCES = {"share": "difference", "difference": "moved", "number": "apart"}
"""How a value of a kind is told where it is compared with that of another model."""

UNMEASURED = ("no data", "no extra", "not run", "too few rows", "unsupported", "crashed")
"""Words before a reason that say that nothing was measured."""

_NAME = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")


def worst_first(entry: Entry, report: Rulings) -> list[PartRuling]:
    """Parts of a ruling: what fails first, then what lies farthest beyond the limit, then the smaller value.

    Of two groups each is as far from the other: the one that gets less is told.
    """
    require = entry.control.require if entry.control else None

    def weight(part: PartRuling) -> tuple[int, float, float]:
        found = judged_number(part, report)
        far = round(distance(found, require), 9) if found and require else 0.0
        return WORST_FIRST.index(part.state), -far, float(found.value) if found else 0.0

    return sorted(entry.ruling.parts, key=weight)


@dataclass(frozen=True)
class Voice:
    """How numbers are told.

    Attributes:
        says: Sentences with holes.
        share: The form of a share.
        sure: Whether it is said in the same breath how sure it is.
    """

    says: dict[str, Any]
    share: Callable[[float], Num]
    sure: bool = True


def exactly() -> Voice:
    """Percentages and percentage points."""
    return Voice(words.catalog()["plain"], points)


def everyday(found: Measurement, require: Requirement) -> Voice:
    """Shares as people say them, of a whole in which the value and its limits differ if they do."""
    shares = [float(each) for each in (found.value, require.min, require.max) if isinstance(each, int | float)]
    says = {**words.catalog()["plain"], **words.catalog()["profiles"]["owner"]["plain"]}
    return Voice(says, partial(out_of, whole=whole_of(shares)), sure=False)


def in_words(entry: Entry, report: Rulings, *, everyday_numbers: bool = False) -> Cell:
    """One or two sentences: what was found beside what was asked, or what was not measured, and of which rows."""
    parts = worst_first(entry, report)
    control = entry.control
    if not parts or control is None:
        kind = control.attest.kind if control and control.attest else ""
        return (_repeated(entry.ruling.reason).replace(kind, said(kind.replace("_", " "))),)
    worst = parts[0]
    found = judged_number(worst, report)
    if found is not None and found.name == control.metric and control.require and worst.state in JUDGED:
        voice = everyday(found, control.require) if everyday_numbers else exactly()
        return _judged(found, control.require, worst.state, report.confidence(control), voice)
    told = _told(worst, entry, report)
    alike = len(parts) > 1 and len({(part.state, part.reason) for part in parts}) == 1
    if alike or not worst.part:
        return told
    return words.filled(
        words.catalog()["joins"]["for_count"], place=words.place(worst.part), told=_begun(told, str.lower)
    )


def _told(worst: PartRuling, entry: Entry, report: Rulings) -> Cell:
    """A part that rests on no number."""
    says, other = words.catalog()["plain"], entry.control.compared_with if entry.control else None
    found = report.sources.findings[worst.finding] if worst.finding >= 0 else None
    if isinstance(found, Gap):
        detail = found.detail or words.word("reasons", found.reason)
        return (f"{says['not_measured']} {_unnamed(sentences(said(detail), LONGEST))}",)
    if isinstance(found, Measurement) and worst.state == "missing":
        return (
            says["unknown"].get(found.name) or says["not_known"].format(metric=words.metric(found.name, found.check)),
        )
    if isinstance(found, Measurement) and worst.state in JUDGED:
        return (_worded(found, worst.state), *_lacking(found, report))
    if worst.state == "missing":
        return (says["no_comparison"].format(other=words.word("of", other)) if other else says["no_measurement"],)
    return (_repeated(worst.reason or entry.ruling.reason),)


def _worded(found: Measurement, state: str) -> str:
    """A word or a truth that was judged."""
    says, named = words.catalog()["plain"], str(found.value).lower()
    value = words.word("values", named)
    told = (says["conflict"] if named == "conflict" else says["not_met"]).get(found.name) if state == "fail" else None
    return str((told or says["word"]).format(metric=words.metric(found.name, found.check), value=value))


def _lacking(found: Measurement, report: Rulings) -> Cell:
    """By name what a record lacks that was found to be incomplete."""
    if found.name != "complete" or found.value is not False:
        return ()
    facts = [m.value for m in report.measurements if (m.check, m.name) == (found.check, "unknown_fact")]
    named = list(dict.fromkeys(_fact(str(fact)) for fact in facts))
    names = "; ".join([*named[:MOST_FACTS], *(["…"] if len(named) > MOST_FACTS else [])])
    return (" " + words.catalog()["plain"]["lacks"].format(names=names),) if named else ()


def _fact(name: str) -> str:
    """A fact of the record for a reader: ``train.1.license`` is the license of the training rows."""
    head, _, rest = short(name, NAME).partition(".")
    steps = [said(step.replace("_", " ")) for step in rest.split(".") if step and not step.isdigit()]
    owner = words.word("roles", head)
    return str(words.catalog()["joins"]["of_the"].format(facts=", ".join(steps), owner=owner)) if steps else owner


def _judged(
    found: Measurement, require: Requirement, state: str, confidence: float, voice: Voice | None = None
) -> Cell:
    """A number beside the limit, and whether it settles it."""
    voice = voice or exactly()
    says, beside = voice.says, _limit(found, require, voice)
    first = _compared(found, voice)
    if found.part:
        # A colon keeps the name of a group apart from the count that follows it.
        lead = words.catalog()["joins"]["for_count" if _kind(found) == "count" else "for"]
        first = words.filled(lead, place=words.place(found.part), told=first)
    second = _begun(beside, str.upper) if says["between"].startswith(".") else beside
    sentence = _begun((*first, says["between"], *second, "."), str.upper)
    if state == "pass" and voice.sure and found.name in says["on_pass"]:
        return (*sentence, f" {says['on_pass'][found.name]}")
    if state != "inconclusive" or not voice.sure:
        return sentence
    if found.trust not in (None, "trusted"):
        return (*sentence, f" {says['suspect']}")
    return (*sentence, f" {says['among_all' if _wholly_beyond(found, require, confidence) else 'unsettled']}")


def _wholly_beyond(found: Measurement, require: Requirement, confidence: float) -> bool:
    """Whether all that the reader's interval, or the bounds that judge, allow lies beyond the limit."""
    shown, bound = found.interval, bound_for(found, confidence)
    ranges = [bound] if bound else []
    ranges += [Bound(level=shown.level, low=shown.low, high=shown.high)] if shown else []
    return any(beyond(each, require) for each in ranges)


def reach(found: Measurement, confidence: float, voice: Voice | None = None) -> Cell:
    """From where to where the value may truly lie; nothing for a count, or where no bounds go that far."""
    voice = voice or exactly()
    bound, says = bound_for(found, confidence), voice.says
    if bound is None or bound.low == bound.high or _kind(found) not in says["ends"]:
        return ()
    low, high = (None if abs(end) > UNBOUNDED else _end(found, end, voice) for end in (bound.low, bound.high))
    which = "between" if low and high else "from" if low else "up_to" if high else "nowhere"
    return words.filled(says["reach"][which], n=number(found.n), low=low or (), high=high or ())


def _end(found: Measurement, value: float, voice: Voice) -> Cell:
    """An end of a range, in the measure of the value: ``2.5 points lower``."""
    return _by_sign(voice.says["ends"][_kind(found)], value, voice)


def _by_sign(templates: str | dict[str, str], value: float, voice: Voice) -> Cell:
    """A number in the words of its side of zero, or in the only ones that there are."""
    sign = "zero" if value == 0 else "below" if value < 0 else "above"
    template = templates if isinstance(templates, str) else templates[sign]
    return words.filled(template, points=voice.share(value), value=number(value), size=size(value))


def _entry(found: Measurement) -> dict[str, str]:
    name = found.name
    own = words.catalog()["plain"]["metrics"].get(name)
    fallback = {
        "kind": "share" if found.unit == "share" else "number",
        "says": words.catalog()["joins"]["the"].format(metric=words.metric(name, found.check)),
    }
    return dict(own or fallback)


def _kind(found: Measurement) -> str:
    kind = _entry(found)["kind"]
    if found.compared_with is None:
        return kind
    return DIFFERENCES.get(kind, kind)


def _compared(found: Measurement, voice: Voice) -> Cell:
    """What was found, for example ``the accuracy is 2.1 points lower than that of its base``."""
    value, says = float(found.value), voice.says
    entry = {**_entry(found), **says["metrics"].get(found.name, {})}
    holes: dict[str, Any] = {
        "says": entry["says"],
        "value": number(found.value) if isinstance(found.value, int | float) else "",
        "size": size(value),
        "points": voice.share(value),
        "side": says["lower" if value < 0 else "higher"],
        "than": entry.get("than", ""),
    }
    if found.compared_with is not None:
        holes["than"] = says["than"][found.compared_with]
        holes["other"] = words.word("of", found.compared_with)
    kind = _kind(found)
    told = says["equal"].get(kind) if value == 0 else None
    one = entry.get("one") if kind == "count" and value == 1 else None
    return words.filled(told or one or says["kinds"][kind], **holes)


def _limit(found: Measurement, require: Requirement, voice: Voice) -> Cell:
    """The limit, in the same measure as the value."""
    says, kind = voice.says["limits"], _kind(found)
    alike = require.min is not None and require.max is not None and require.min == -require.max
    if require.max is not None and alike and kind in ("difference", "moved"):
        return words.filled(says["both"], points=voice.share(require.max))
    shown = [
        _by_sign(says[kind][end], int(edge) if kind == "count" and edge == int(edge) else edge, voice)
        for end, edge in (("min", require.min), ("max", require.max))
        if edge is not None
    ]
    return words.both(*shown)


def _begun(cell: Cell, case: Callable[[str], str]) -> Cell:
    """The cell with a capital letter at its start, or with a small one, for after a colon."""
    first, *rest = [piece for piece in cell if piece != ""]
    return (case(first[:1]) + first[1:], *rest) if isinstance(first, str) else (first, *rest)


def _repeated(reason: str) -> str:
    """What the verdict says, with words for the names of metrics."""
    first = reason.split(" | ")[0]
    known, _, detail = first.partition(": ")
    if known in UNMEASURED and detail:
        text = _unnamed(sentences(f"{known}: {said(detail)}", LONGEST))
        return f"{words.catalog()['plain']['not_measured']} {text.removeprefix(f'{known}: ')}"
    text = _unnamed(sentences(said(first), LONGEST))
    return text[:1].upper() + text[1:]


def _unnamed(text: str) -> str:
    """Text in which names of metrics are words."""
    known = words.catalog()["metrics"]
    return _NAME.sub(lambda match: str(known.get(match.group(), match.group())), text)


def judged_number(part: PartRuling, report: Rulings) -> Measurement | None:
    """The measurement that a part rests on, where it is a number."""
    found = report.sources.findings[part.finding] if part.finding >= 0 else None
    return found if isinstance(found, Measurement) and not isinstance(found.value, bool | str) else None
