"""From entries to rulings: the state of every part, and of every control.

Order of states of a control with several parts, worst first: fail, error, missing, unsupported, inconclusive, pass. A
failure seen on one part is not hidden by another part that could not be measured, and only all parts together pass.
What follows is the strictest consequence over the parts, so that a mild ``on_fail`` cannot soften a missing part.
"""

from __future__ import annotations

from collections.abc import Sequence

from govkit.core import Control, Measurement, Requirement, Ruling, State
from govkit.core.limit import bound_for, distance
from govkit.core.policy import RANK
from govkit.core.verdict import PartRuling
from govkit.core.words import Disposition
from govkit.policy import sentences
from govkit.policy.limits import clears, p_value, strictest_beyond
from govkit.policy.matching import Entry, Matched

WORST_FIRST: tuple[State, ...] = (
    "fail",
    "error",
    "missing",
    "unsupported",
    "inconclusive",
    "pass",
    "not_applicable",
)

SPOKEN_PARTS = 3
"""How many parts the reason of a control spells out; all of them stand in ``Ruling.parts``."""


def entry_p(entry: Entry, require: Requirement) -> float:
    """p-value of an entry: 1 where nothing was measured, 0 where a word is wrong, else from the stored bounds."""
    measurement = entry.measurement
    if measurement is None:
        return 1.0
    if require.equals is not None:
        return 1.0 if measurement.value == "unknown" or _equal(measurement.value, require.equals) else 0.0
    return p_value(measurement, require) if measurement.is_number else 1.0


def decide(entry: Entry, control: Control, *, confidence: float, rejected: bool) -> tuple[State, str]:
    """State of one part, and the sentence for it.

    Args:
        entry: The part.
        control: The control, which has a limit.
        confidence: One-sided level at which a number passes.
        rejected: Holm's procedure found the part beyond the limit.
    """
    measurement, require = entry.measurement, control.require
    if entry.state is not None or measurement is None or require is None:
        return entry.state or "missing", entry.reason
    if measurement.value == "unknown":
        return "missing", f"{measurement.name} is unknown; unknown never counts as met"
    if require.equals is not None:
        return _word(measurement, require)
    if not measurement.is_number:
        return "error", f"{sentences.found(measurement)} is no number; {sentences.limit(require)}"
    if any(bound.low > bound.high for bound in measurement.bounds):
        return "error", f"{sentences.found(measurement)} has a bound whose low end lies above its high end"
    if len({bound.level for bound in measurement.bounds}) < len(measurement.bounds):
        return "error", f"{sentences.found(measurement)} has two bounds at one level"
    return _number(measurement, require, confidence=confidence, rejected=rejected)


def _word(measurement: Measurement, require: Requirement) -> tuple[State, str]:
    sentence = sentences.worded(measurement, require)
    if measurement.is_number:
        return "error", f"{sentences.found(measurement)} is no word; {sentences.limit(require)}"
    if not _equal(measurement.value, require.equals):
        return "fail", sentence
    return _trusted(measurement, sentence)


def _number(measurement: Measurement, require: Requirement, *, confidence: float, rejected: bool) -> tuple[State, str]:
    value = float(measurement.value)
    worst = strictest_beyond(measurement, require)
    if rejected and worst is not None:
        return "fail", sentences.failed(measurement, require, worst)
    bound = bound_for(measurement, confidence)
    if bound is None:
        level = sentences.percent(confidence)
        sentence = f"{sentences.found(measurement)} carries no bound at {level} confidence or stricter"
        return "inconclusive", f"{sentence}; {sentences.limit(require)}; {sentences.rows(measurement)}"
    if clears(value, bound, require):
        return _trusted(measurement, sentences.passed(measurement, require, bound))
    return "inconclusive", sentences.undecided(measurement, require, bound).strip()


def _trusted(measurement: Measurement, sentence: str) -> tuple[State, str]:
    """Pass, unless the attack behind the number cannot be believed."""
    if measurement.trust in (None, "trusted"):
        return "pass", sentence
    return "inconclusive", f"{sentence}. The attack is {measurement.trust}, so its number cannot pass"


def _equal(value: object, wanted: object) -> bool:
    return type(value) is type(wanted) and value == wanted


def disposition(control: Control, state: State) -> Disposition:
    """What follows from a state.

    A state without a measurement leads to review at least wherever a failure, an open question or another such state
    would: neither taking evidence away nor spoiling it may open the gate.
    """
    if state in ("pass", "not_applicable"):
        return "ignore"
    if state == "fail":
        return control.on_fail
    if state == "inconclusive":
        return control.on_inconclusive
    own: dict[State, Disposition] = {
        "missing": control.on_missing,
        "error": control.on_error,
        "unsupported": control.on_unsupported,
    }
    gated = RANK["review"] <= max(RANK[each] for each in (control.on_fail, control.on_inconclusive, *own.values()))
    return "review" if gated and RANK[own[state]] < RANK["review"] else own[state]


def ruling(control: Control, states: Sequence[tuple[Entry, State, str]], matched: Matched) -> Ruling:
    """The ruling on a control with a check, from the states of its parts; there is at least one."""
    parts = tuple(
        PartRuling(part=dict(entry.part), state=state, finding=entry.index, reason=reason)
        for entry, state, reason in states
    )
    found = {part.state for part in parts}
    follows = [disposition(control, state) for state in found]
    if any(state == "inconclusive" and entry.measurement is None for entry, state, _ in states):
        # An open question that rests on no measurement is no milder than none at all would be: a person looks.
        follows.append(min("review", disposition(control, "missing"), key=RANK.__getitem__))
    return Ruling(
        control=control.id,
        title=control.title,
        check=control.check,
        metric=control.metric,
        state=min(found, key=WORST_FIRST.index),
        severity=control.severity,
        disposition=max(follows, key=RANK.__getitem__),
        reason=_reason(_worst_first(states, control), matched.left_out),
        parts=parts,
    )


def without_parts(control: Control, state: State, reason: str) -> Ruling:
    """The ruling on a control that rests on no finding."""
    return Ruling(
        control=control.id,
        title=control.title,
        check=control.check,
        metric=control.metric,
        state=state,
        severity=control.severity,
        disposition=disposition(control, state),
        reason=reason,
    )


def _worst_first(states: Sequence[tuple[Entry, State, str]], control: Control) -> list[tuple[Entry, State, str]]:
    """Parts by their state; of those in one state the number farthest beyond the limit comes first."""
    return sorted(
        states, key=lambda each: (WORST_FIRST.index(each[1]), -distance(each[0].measurement, control.require))
    )


def _reason(states: Sequence[tuple[Entry, State, str]], left_out: Sequence[str]) -> str:
    """The worst parts in words; parts with the same sentence share it."""
    by_reason: dict[str, list[str]] = {}
    for entry, _, reason in states:
        by_reason.setdefault(reason.rstrip("."), []).append(sentences.part_name(dict(entry.part)))
    if len(states) == 1 and not states[0][0].part:
        said = list(by_reason)
    else:
        spoken = list(by_reason.items())[:SPOKEN_PARTS]
        said = [f"{_listed(names)}: {reason}" for reason, names in spoken]
        rest = len(states) - sum(len(names) for _, names in spoken)
        said += [f"and {rest} more {'part' if rest == 1 else 'parts'}"] if rest else []
    if left_out:
        said.append(f"left out for their size: {_listed(left_out)}")
    return " | ".join(said) + "."


def _listed(names: Sequence[str]) -> str:
    shown = "; ".join(names[:SPOKEN_PARTS])
    return f"{shown} and {len(names) - SPOKEN_PARTS} more" if len(names) > SPOKEN_PARTS else shown
