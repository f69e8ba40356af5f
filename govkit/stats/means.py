"""Means of numbers: t for the reader; for the judge t moved outwards by skewness and by what was not seen.

Losses are skewed, and the plain t bound on the side of the long tail then misses several times too often at strict
levels. The first term of the Edgeworth expansion of t (Hall 1992, "On the removal of skewness by transformation")
moves that side out by ``(2 z^2 + 1)/6`` times the skewness of the mean; the other side is left alone.

That helps only where the tail shows in the sample. The rare large losses of a model that is nearly always right often
do not, so half of the error goes to rows that were not seen: a share of up to ``1 - alpha**(1/n)`` of all rows shows up
in none of ``n`` rows, and each of them may lie at the end of the range of a row's value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Clusters, respecting
from govkit.stats.designs import mean_change_design, mean_design
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import numbers, same_length

Range = tuple[float, float]

UNSEEN = 0.5
"""Share of the error that is spent on rows that were not seen; the rest is spent on t."""


@dataclass(frozen=True)
class _Moments:
    """Of an estimated mean: its value, variance, third central moment, and degrees of freedom."""

    value: float
    variance: float
    third: float
    freedom: float


def mean(x: Any, *, low: float, high: float, clusters: Clusters | None = None) -> Estimate:
    """Mean of independent values ``(n,)``, n >= 2.

    Args:
        x: Values, each in ``[low, high]``.
        low: Smallest possible value of a row, seen or not.
        high: Largest possible value of a row.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If there are fewer than two values, or one is not finite or lies outside the range.
    """
    values = numbers("x", x, at_least=2)
    reach = _reach(values, "x", (low, high), parts=1)
    found = _estimate(_moments(values), values.size, reach, within=(low, high), method="Student t")
    design = None if clusters is None else mean_design(values, clusters, low=low, high=high)
    return respecting(found, design, (low, high))


def mean_difference(a: Any, b: Any, *, low: float, high: float, clusters: Clusters | None = None) -> Estimate:
    """Mean of ``a - b`` row by row, both ``(n,)`` on the same rows, n >= 2.

    Args:
        a: First values.
        b: Second values.
        low: Smallest possible difference of a row, seen or not.
        high: Largest possible difference of a row.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If the lengths differ, there are fewer than two rows, or a difference lies outside the range.
    """
    first, second = numbers("a", a, at_least=2), numbers("b", b, at_least=2)
    same_length(a=first, b=second)
    apart = first - second
    reach = _reach(apart, "a - b", (low, high), parts=1)
    found = _estimate(_moments(apart), apart.size, reach, within=(low, high), method="paired Student t")
    design = None if clusters is None else mean_design(apart, clusters, low=low, high=high)
    return respecting(found, design, (low, high))


def mean_change(a: Any, b: Any, *, low: float, high: float, clusters: Clusters | None = None) -> Estimate:
    """Mean of ``a`` less mean of ``b``, two independent samples of at least two values (Welch 1947).

    Args:
        a: Values of the first sample, each in ``[low, high]``.
        b: Values of the second sample, each in ``[low, high]``.
        low: Smallest possible value of a row, seen or not.
        high: Largest possible value of a row.
        clusters: Of the rows of the first sample and, behind them, of the second.

    Raises:
        ValueError: If either has fewer than two values, or one lies outside the range.
    """
    first, second = numbers("a", a, at_least=2), numbers("b", b, at_least=2)
    one, two = _moments(first), _moments(second)
    variance = one.variance + two.variance
    spent = one.variance**2 / one.freedom + two.variance**2 / two.freedom
    freedom = variance**2 / spent if spent > 0 else one.freedom + two.freedom
    moments = _Moments(one.value - two.value, variance, one.third - two.third, freedom)
    (drop_a, rise_a), (drop_b, rise_b) = (
        _reach(values, name, (low, high), parts=2) for values, name in ((first, "a"), (second, "b"))
    )
    reach, within = (drop_a + rise_b, rise_a + drop_b), (low - high, high - low)
    found = _estimate(moments, first.size + second.size, reach, within=within, method="Welch t")
    design = None if clusters is None else mean_change_design(first, second, clusters, low=low, high=high)
    return respecting(found, design, within)


def _moments(x: Array) -> _Moments:
    n, centre = x.size, float(np.mean(x))
    away = x - centre
    square = away * away
    return _Moments(centre, float(square.sum()) / (n - 1) / n, float(square @ away) / n / n**2, n - 1)


def _reach(x: Array, name: str, ends: Range, *, parts: int) -> tuple[Array, Array]:
    """How far rows that were not seen could move a mean down and up, at ``LEVELS``, with ``parts`` sharing the error.

    Raises:
        ValueError: If a value lies outside the range.
    """
    low, high = ends
    outside = (x < low) | (x > high)
    if outside.any():
        raise ValueError(f"{name} lies outside [{low}, {high}] in row {int(np.argmax(outside))}")
    unseen = 1 - (UNSEEN / parts * np.array(ALPHAS)) ** (1 / x.size)
    centre = float(np.mean(x))
    return unseen * (centre - low), unseen * (high - centre)


def _estimate(moments: _Moments, n: int, reach: tuple[Array, Array], *, within: Range, method: str) -> Estimate:
    from scipy.special import stdtrit

    se = math.sqrt(moments.variance)
    t = -stdtrit(moments.freedom, (1 - UNSEEN) * np.array(ALPHAS))
    half = se * t
    skewness = moments.third / se**3 if se**3 > 0 else 0.0
    move = se * (2 * t * t + 1) / 6
    lows = moments.value - half - move * max(0.0, -skewness) - reach[0]
    highs = moments.value + half + move * max(0.0, skewness) + reach[1]
    reader = se * float(-stdtrit(moments.freedom, 0.025))
    ends = (moments.value - reader, moments.value + reader)
    return assemble(moments.value, n, lows, highs, method=method, within=within, interval=ends)
