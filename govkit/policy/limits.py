"""Limits: when a number passes, when it fails, and Holm's procedure over a family.

A control passes on a part when the one-sided bound at the confidence of the policy clears the limit. It must do so on
every part; that needs no correction (intersection-union test, Berger 1982). It fails on a part when Holm's procedure
(Holm 1979, Scandinavian Journal of Statistics 6, 65-70) rejects "the truth is within the limit" over the whole family;
the stored levels stand in for p-values from above, so the rate of false failures stays below the level.

No family may be so large that the strictest stored level, 0.9999, cannot reject: what lies beyond the limit even there
always fails. Up to (1 − confidence) / 0.0001 entries, half as many where there are two limits, Holm's procedure says
the same. In a larger family the chance of any false failure is at most entries × 0.0001, twice that with two limits.
"""

from __future__ import annotations

from collections.abc import Sequence

from govkit.core import LEVELS, Bound, Measurement, Requirement
from govkit.core.limit import SLACK, beyond
from govkit.core.words import LABEL
from govkit.policy.matching import Entry
from govkit.policy.sentences import is_exact


def clears(value: float, bound: Bound, require: Requirement) -> bool:
    """True where value and bound both satisfy every limit."""
    above = require.min is None or min(value, bound.low) >= require.min
    below = require.max is None or max(value, bound.high) <= require.max
    return above and below


def strictest_beyond(measurement: Measurement, require: Requirement) -> Bound | None:
    """The bound at the strictest level that still lies wholly beyond the limit."""
    found = [bound for bound in measurement.bounds if beyond(bound, require)]
    return max(found, key=lambda bound: bound.level, default=None)


def p_value(measurement: Measurement, require: Requirement) -> float:
    """A p-value, from above, for "the truth is within the limit": 1 − the strictest level beyond it, else 1.

    An exact count beyond its limit has p = 0, and so has a number beyond it at the strictest level that is stored:
    nothing stricter could be asked of it, however large the family. Where there are two limits the failure may lie on
    either side, and the p-value is doubled.
    """
    bound = strictest_beyond(measurement, require)
    if bound is None:
        return 1.0
    if is_exact(measurement) or bound.level >= LEVELS[-1] - SLACK:
        return 0.0
    sides = 2 if require.min is not None and require.max is not None else 1
    return min(1.0, sides * (1.0 - bound.level))


def hypotheses(entries: Sequence[Entry], require: Requirement) -> list[int]:
    """Place of the first entry that asks the same question, for each entry.

    Of two groups, each less the other, "the gap lies in [−D, D]" is one hypothesis, whichever group is named first. It
    enters Holm's procedure once where the check says so, the column has these two groups and no more, and the numbers
    agree: values and bounds are those of the other with the sign turned.
    """
    places = list(range(len(entries)))
    if require.min is None or require.max is None or abs(require.min + require.max) > SLACK:
        return places
    columns: dict[tuple[object, ...], list[int]] = {}
    for place, entry in enumerate(entries):
        key = tuple(item if item[0] == LABEL else item[0] for item in entry.part)
        columns.setdefault(key, []).append(place)
    for pair in columns.values():
        if len(pair) == 2 and _mirrored(*(entries[place].measurement for place in pair)):
            places[pair[1]] = pair[0]
    return places


def _mirrored(one: Measurement | None, two: Measurement | None) -> bool:
    if one is None or two is None or not (one.mirrored and two.mirrored and one.is_number and two.is_number):
        return False
    sums = [float(one.value) + float(two.value)]
    for first, second in zip(one.bounds, two.bounds, strict=False):
        sums += [first.level - second.level, first.low + second.high, first.high + second.low]
    return len(one.bounds) == len(two.bounds) and all(abs(each) <= SLACK for each in sums)


def holm(p_values: Sequence[float], alpha: float) -> tuple[bool, ...]:
    """Holm's step-down procedure: which hypotheses are rejected with familywise error at most ``alpha``."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    rejected = [False] * len(p_values)
    for step, index in enumerate(order):
        if p_values[index] * (len(order) - step) > alpha + SLACK:
            break
        rejected[index] = True
    return tuple(rejected)
