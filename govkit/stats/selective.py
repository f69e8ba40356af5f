"""A model that may leave rows unanswered: how often it errs on the rows of which it is surest.

Rows that are equally sure have no order. Wherever one is needed they are taken in all orders at once, in the mean, so
that nothing depends on the order of the rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import same_length, stated
from govkit.stats.proportions import clopper_pearson

PLACES = 10
"""Coverages, evenly spaced up to all rows, one of which may be promised; each costs a part of the error."""

FINE = 20
"""Coverages at which the error is bounded from below; between two of them only a weaker bound holds."""

OF_ERROR = 0.8
"""Share of the error of a promise that is spent on the rate of wrong answers; the rest is spent on the coverage."""


@dataclass(frozen=True)
class _Curve:
    """A risk-coverage curve.

    Attributes:
        errors: Expected errors among the k surest rows, for k = 1 to n, ``(n,)``.
        influence: What each row says of the area, ``(n,)``; its mean is the area.
        last: For k = 1 to n, the last of the rows that are as sure as the k-th, counted from 1, ``(n,)``.
    """

    errors: Array
    influence: Array
    last: Array

    @property
    def area(self) -> float:
        """Mean error over all coverages."""
        return float(self.influence.mean())

    def places(self, count: int) -> tuple[Array, Array]:
        """Up to so many coverages, evenly spaced up to all rows: rows answered there, and wrong answers among them."""
        n = self.errors.size
        rows = np.unique(self.last[np.ceil(n * np.arange(1, count + 1) / count - 1e-9).astype(int).clip(1) - 1])
        return rows, np.rint(self.errors[rows - 1])

    def reach(self) -> tuple[Array, Array]:
        """How far rows that were not seen could move the area down and up, at ``LEVELS``.

        The worst of them are surer than all others: all right, or all wrong.
        """
        n = self.errors.size
        unseen = 1 - np.array(ALPHAS) ** (1 / n)
        more = n * unseen / (1 - unseen)
        # Row k then stands at k + more, so that a coverage weighs 1 / (k + more) on the errors up to it.
        weight = 1 / (np.arange(1, n + 1) + more[:, None])
        right = weight @ self.errors / (n + more)
        wrong = right + more * (1 + weight.sum(axis=1)) / (n + more)
        return np.maximum(self.area - right, 0), np.maximum(wrong - self.area, 0)


def _curve(confidence: Any, correct: Any) -> _Curve:
    f, y = stated(confidence, correct, at_least=2)
    _, which, held = np.unique(-f, return_inverse=True, return_counts=True)
    k = np.arange(1, f.size + 1)
    # Equally sure rows share the mean of what each place among them would give.
    share = np.bincount(which, ~y) / held
    mean_error = np.repeat(share, held)
    starts = np.cumsum(held) - held
    from_here = np.cumsum((1 / k)[::-1])[::-1]
    weight = np.add.reduceat(from_here, starts) / held
    shifted = np.add.reduceat(np.cumsum((mean_error / k)[::-1])[::-1], starts) / held
    influence = ~y * weight[which] - shifted[which] + float((~y).mean())
    return _Curve(np.cumsum(mean_error), influence, np.repeat(np.cumsum(held), held))


def risk_area(confidence: Any, correct: Any) -> Estimate:
    """Area under the risk-coverage curve (AURC): the error rate on the surest rows, in the mean over all coverages.

    In [0, 1], lower is better; an order by chance gives the error rate itself. Bounds are Student's t on the influence
    of each row, moved out by its skewness, joined with what rows that were not seen could change.

    Args:
        confidence: Stated probability of each answer ``(n,)``, n >= 2.
        correct: Whether it was right, truths ``(n,)``.

    Raises:
        ValueError: A probability lies outside [0, 1], the lengths differ, or there are fewer than two rows.

    References:
        Geifman, Uziel and El-Yaniv 2019, "Bias-reduced uncertainty estimation for deep neural classifiers".
    """
    curve = _curve(confidence, correct)
    return _around(curve.influence, curve.reach(), low=0.0, method="Student t on the influence")


def risk_area_difference(first: tuple[Any, Any], second: tuple[Any, Any]) -> Estimate:
    """Area under the risk-coverage curve of the first model less that of the second, on the same rows.

    Args:
        first: Confidence and correctness of its answers, as ``risk_area`` takes them.
        second: The same of the other model, row by row.

    Raises:
        ValueError: As ``risk_area``, or the rows are not as many.
    """
    one, two = _curve(*first), _curve(*second)
    same_length(first=one.influence, second=two.influence)
    (drop_a, rise_a), (drop_b, rise_b) = one.reach(), two.reach()
    reach = drop_a + rise_b, rise_a + drop_b
    return _around(one.influence - two.influence, reach, low=-1.0, method="paired Student t on the influence")


def _around(influence: Array, reach: tuple[Array, Array], *, low: float, method: str) -> Estimate:
    """Bounds by t, moved out by the skewness, joined as independent errors are with what rows not seen could change."""
    from scipy.special import stdtrit

    n, value = influence.size, float(influence.mean())
    away = influence - value
    error = math.sqrt(float(away @ away) / (n - 1) / n)
    skewness = float((away * away) @ away) / n**3 / error**3 if error > 1e-12 else 0.0
    t = -stdtrit(n - 1, np.array(ALPHAS))
    move = (2 * t * t + 1) / 6 * skewness
    # The few surest rows weigh the most, so that t alone misses up to half as often again as it says.
    lows = value - np.hypot(error * (t - np.minimum(move, 0)), reach[0])
    highs = value + np.hypot(error * (t + np.maximum(move, 0)), reach[1])
    # The plain interval of t misses far too often where few answers are wrong; the reader gets the bounds.
    return assemble(value, n, lows, highs, method=method, within=(low, 1.0))


def answered(confidence: Any, coverage: float) -> Array:
    """Which rows are answered where that share is to be, truths ``(n,)``: the surest, and all as sure as the last."""
    f = np.asarray(confidence, dtype=np.float64)
    k = min(max(int(np.ceil(coverage * f.size - 1e-9)), 1), f.size)
    return np.asarray(f >= np.partition(f, f.size - k)[f.size - k])


def coverage_within(confidence: Any, correct: Any, limit: float) -> Estimate:
    """Largest share of the rows, the surest ones, among which at most ``limit`` of the answers are wrong.

    The lower bound is a promise: above some confidence the model errs at no more than ``limit`` and answers at least
    that share of all rows. It is the largest of ``PLACES`` coverages at which exact bounds of both, at a level
    that is shared among all of them, allow it; the upper bound is the smallest above which no coverage can.

    Args:
        confidence: Stated probability of each answer ``(n,)``, n >= 2.
        correct: Whether it was right, truths ``(n,)``.
        limit: Largest error rate, in (0, 1).

    Raises:
        ValueError: A probability lies outside [0, 1], the lengths differ, or there are fewer than two rows.

    References:
        Geifman and El-Yaniv 2017, "Selective classification for deep neural networks": a binomial bound with a
        correction for the number of thresholds looked at.
    """
    curve = _curve(confidence, correct)
    n = curve.errors.size
    whole = np.unique(curve.last)
    kept = whole[curve.errors[whole - 1] <= limit * whole + 1e-9]
    value = float(kept.max(initial=0)) / n
    lows, highs = _lows(*curve.places(PLACES), n, limit), _highs(*curve.places(FINE), n, limit)
    return assemble(value, n, lows, highs, method="exact, all coverages at once", within=(0.0, 1.0))


def _lows(places: Array, wrong: Array, n: int, limit: float) -> Array:
    """Lower bounds of the coverage at ``LEVELS``; each place has two that may miss, of its error and its coverage."""
    each = np.array(ALPHAS)[:, None] / places.size
    most_wrong = clopper_pearson(wrong, places, OF_ERROR * each)[1]
    least = clopper_pearson(places, n, (1 - OF_ERROR) * each)[0]
    return np.max(least, axis=1, where=most_wrong <= limit, initial=0.0)


def _highs(places: Array, wrong: Array, n: int, limit: float) -> Array:
    """Upper bounds of the coverage at ``LEVELS``; each place has three that may miss, of its coverage on both sides."""
    each = np.array(ALPHAS)[:, None] / (3 * places.size)
    (least, most), least_wrong = clopper_pearson(places, n, each), clopper_pearson(wrong, places, each)[0]
    # Errors only add up: between two places the rate is at least the errors of the first over the rows of the second.
    following = np.concatenate([most[:, 1:], np.ones_like(most[:, :1])], axis=1)
    hopeless = least_wrong * least > limit * following
    open_to = np.where(hopeless, -1, np.arange(places.size)).max(axis=1) + 1
    return np.where(open_to < places.size, most[np.arange(len(most)), open_to % places.size], 1.0)
