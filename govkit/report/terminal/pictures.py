"""Small pictures in a line of text: an interval beside its limit, the heights of several values. They only draw."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Axis: TypeAlias = tuple[float, float]

HEIGHTS = "▁▂▃▄▅▆▇█"
NOTHING = "·"
"""Where there is no value."""


def axis(values: Iterable[float]) -> Axis:
    """From the lowest to the highest of them."""
    known = [value for value in values if math.isfinite(value)]
    return (min(known), max(known)) if known else (0.0, 0.0)


def interval(value: float, ends: Axis | None, limits: Sequence[float], shown: Axis, *, width: int = 15) -> str:
    """A value with its interval on an axis, and the limits beside it: ``──┤━━●━━├──│``.

    Args:
        value: The value.
        ends: Low and high end, infinite where it ends nowhere; None for a value without an interval.
        limits: The limits of the policy.
        shown: The axis, which rows that are compared share.
        width: Characters.

    Returns:
        The picture, empty where all there is to be seen is one point.
    """
    if not shown[0] < shown[1]:
        return ""
    drawn = ["─"] * width
    if ends is not None:
        low, high = (_place(end, shown, width) for end in ends)
        drawn[low : high + 1] = ["━"] * (high + 1 - low)
        drawn[low] = "┤" if math.isfinite(ends[0]) else "━"
        drawn[high] = "├" if math.isfinite(ends[1]) else "━"
    drawn[_place(value, shown, width)] = "●"
    for limit in limits:
        at = _place(limit, shown, width)
        drawn[at] = {"─": "│", "│": "│", "●": "◉", "◉": "◉"}.get(drawn[at], "╋")
    return "".join(drawn)


def _place(value: float, shown: Axis, width: int) -> int:
    share = _share(value, shown)
    return round(share * (width - 1))


def _share(value: float, shown: Axis) -> float:
    """Where a value stands between the ends of an axis, from 0 to 1; in the middle of one without a length."""
    low, high = shown
    if not low < high:
        return 0.5
    # Halves, so that the difference of two very large numbers stays a number.
    return min(1.0, max(0.0, (value / 2 - low / 2) / (high / 2 - low / 2)))


def heights(values: Sequence[float | None]) -> str:
    """A column a value, from the lowest to the highest; all alike in the middle, a dot where there is none."""
    shown = axis(value for value in values if value is not None)
    return "".join(NOTHING if value is None else HEIGHTS[round(_share(value, shown) * 7)] for value in values)
