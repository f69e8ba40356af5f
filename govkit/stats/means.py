"""Means of numbers: t for the reader; for the judge t moved outwards by the skewness of the data.

Losses are skewed, and the plain t bound on the side of the long tail then misses several times too often at strict
levels. The first term of the Edgeworth expansion of t (Hall 1992, "On the removal of skewness by transformation")
moves that side out by ``(2 z^2 + 1)/6`` times the skewness of the mean; the other side is left alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import numbers, same_length


@dataclass(frozen=True)
class _Moments:
    """Of an estimated mean: its value, variance, third central moment, and degrees of freedom."""

    value: float
    variance: float
    third: float
    freedom: float


def mean(x: Any) -> Estimate:
    """Mean of independent values ``(n,)``, n >= 2.

    Raises:
        ValueError: If there are fewer than two values, or one is not finite.
    """
    values = numbers("x", x, at_least=2)
    return _estimate(_moments(values), values.size, "Student t")


def mean_difference(a: Any, b: Any) -> Estimate:
    """Mean of ``a - b`` row by row, both ``(n,)`` on the same rows, n >= 2.

    Raises:
        ValueError: If the lengths differ, or there are fewer than two rows.
    """
    first, second = numbers("a", a, at_least=2), numbers("b", b, at_least=2)
    same_length(a=first, b=second)
    return _estimate(_moments(first - second), first.size, "paired Student t")


def mean_change(a: Any, b: Any) -> Estimate:
    """Mean of ``a`` less mean of ``b``, two independent samples of at least two values (Welch 1947).

    Raises:
        ValueError: If either has fewer than two values.
    """
    first, second = numbers("a", a, at_least=2), numbers("b", b, at_least=2)
    one, two = _moments(first), _moments(second)
    variance = one.variance + two.variance
    spent = one.variance**2 / one.freedom + two.variance**2 / two.freedom
    freedom = variance**2 / spent if spent > 0 else one.freedom + two.freedom
    moments = _Moments(one.value - two.value, variance, one.third - two.third, freedom)
    return _estimate(moments, first.size + second.size, "Welch t")


def _moments(x: Array) -> _Moments:
    import numpy as np

    n, centre = x.size, float(np.mean(x))
    away = x - centre
    return _Moments(centre, float(away @ away) / (n - 1) / n, float(np.mean(away**3)) / n**2, n - 1)


def _estimate(moments: _Moments, n: int, method: str) -> Estimate:
    import numpy as np
    from scipy.special import stdtrit

    se = math.sqrt(moments.variance)
    t = -stdtrit(moments.freedom, np.array(ALPHAS))
    half = se * t
    skewness = moments.third / se**3 if se**3 > 0 else 0.0
    move = se * (2 * t * t + 1) / 6
    lows = moments.value - half - move * max(0.0, -skewness)
    highs = moments.value + half + move * max(0.0, skewness)
    reader = se * float(-stdtrit(moments.freedom, 0.025))
    ends = (moments.value - reader, moments.value + reader)
    return assemble(moments.value, n, lows, highs, method=method, interval=ends)
