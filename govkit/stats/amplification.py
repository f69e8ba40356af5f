"""How a gap between a group and the rest differs between two models on the same rows."""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import same_length, truths
from govkit.stats.paired import paired_lows

FEWEST = 20
"""Below this number of rows on a side the squares may not be added; the error is split over the sides instead."""

STRICT = 0.01


def gap_change(event_a: Any, event_b: Any, in_group: Any, eligible: Any) -> Estimate:
    """Signed gap (group less rest) under model ``a``, less the same gap under model ``b``, in [-2, 2].

    Inside each side the two models are paired, row by row; the two sides are independent. The corrected Tango bounds
    of the sides are joined by the square-and-add rule (Zou and Donner 2008). A normal bound on the paired
    contributions misses up to 80 times too often where an event is rare.

    Args:
        event_a: Did the event (selected, wrong, ...) happen under ``a``? Truths ``(n,)``.
        event_b: The same under ``b``.
        in_group: Rows of the group; all others are the rest.
        eligible: Rows of the denominator: all of them for selection rates, the true positives' rows for a true
            positive rate.

    Raises:
        ValueError: If the lengths differ, or the group or the rest has no eligible row.
    """
    a, b = truths("event_a", event_a), truths("event_b", event_b)
    group, counted = truths("in_group", in_group), truths("eligible", eligible)
    same_length(event_a=a, event_b=b, in_group=group, eligible=counted)
    inside, outside = _table(a, b, group & counted), _table(a, b, ~group & counted)
    for name, table in (("group", inside), ("rest", outside)):
        if table[2] == 0:
            raise ValueError(f"the {name} has no eligible row; its rate is undefined")
    change = _change(inside) - _change(outside)
    few = min(inside[2], outside[2]) < FEWEST
    low = _low(inside, outside, few=few)
    high = -_low(_swapped(inside), _swapped(outside), few=few)
    rows = inside[2] + outside[2]
    method = "corrected Tango, " + ("error split" if few else "square-and-add")
    return assemble(change, rows, low, high, method=method, within=(-2.0, 2.0))


def _table(a: Array, b: Array, rows: Array) -> tuple[int, int, int]:
    """Rows with the event only under ``a``, only under ``b``, and all rows."""
    return int((a & ~b & rows).sum()), int((~a & b & rows).sum()), int(rows.sum())


def _swapped(table: tuple[int, int, int]) -> tuple[int, int, int]:
    return table[1], table[0], table[2]


def _change(table: tuple[int, int, int]) -> float:
    return (table[0] - table[1]) / table[2]


def _low(inside: tuple[int, int, int], outside: tuple[int, int, int], *, few: bool) -> Array:
    """Lower bounds of the change inside less the change outside, at ``LEVELS``."""
    import numpy as np

    # At strict levels the square-and-add rule misses up to twice too often, so it gets half the error there.
    alphas = np.array(ALPHAS)
    alpha = np.where(few | (alphas < STRICT), alphas / 2, alphas)
    # The upper bound of the rest is the negative lower bound of its swapped table.
    sides = [np.array(column) for column in zip(inside, _swapped(outside), strict=True)]
    first, second = paired_lows(sides[0], sides[1], sides[2], alpha)
    if few:
        return np.asarray(first + second)
    here, there = _change(inside), _change(outside)
    return here - there - np.hypot(here - first, -second - there)
