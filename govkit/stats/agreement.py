"""How well answers agree with truths: numbers that are functions of sums over rows, as the bootstrap draws them.

Each takes arrays whose last axis is named below and keeps the axes before it, so that one call serves all draws. Where
a denominator is 0 the number is NaN.
"""

from __future__ import annotations

import math
from typing import Any

from govkit.core import Interval
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import QUANTILES, READER, Estimate
from govkit.stats.inputs import numbers, same_length

ROUNDING = 1e-12
"""Part of a sum of squares below which what is left of it is rounding."""


def share(part: Array, whole: Array) -> Array:
    """``part / whole``, NaN where ``whole`` is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole != 0)


def precisions(hits: Array, truths: Array, answered: Array) -> Array:
    """Precision of each class ``(..., K)``, 0 for one that occurs and is never answered (as in scikit-learn).

    Args:
        hits: Rows of the class that got it as answer.
        truths: Rows of the class.
        answered: Rows that got the class as answer.
    """
    return np.where((answered == 0) & (truths > 0), 0.0, share(hits, answered))


def f_scores(hits: Array, truths: Array, answered: Array) -> Array:
    """F1 of each class ``(..., K)``: the harmonic mean of precision and recall; arguments as of ``precisions``."""
    return share(2 * hits, truths + answered)


def matthews(hits: Array, truths: Array, answered: Array) -> Array:
    """Matthews correlation of ``K`` classes ``(...)``, in [-1, 1] (Gorodkin 2004); arguments as of ``precisions``."""
    hits, truths, answered = (np.asarray(part, dtype=np.float64) for part in (hits, truths, answered))
    n = truths.sum(axis=-1)
    together = n * hits.sum(axis=-1) - (truths * answered).sum(axis=-1)
    apart = (n * n - (truths**2).sum(axis=-1)) * (n * n - (answered**2).sum(axis=-1))
    return share(together, np.sqrt(apart))


def quadratic_kappa(sums: Array) -> Array:
    """Cohen's kappa with quadratic weights ``(...)``, at most 1 (Cohen 1968).

    Args:
        sums: Rows, rank of the truth, of the answer, their squares, and their product, each summed: ``(..., 6)``.
    """
    n, t, a, tt, aa, ta = np.moveaxis(sums, -1, 0)
    return 1 - share(tt + aa - 2 * ta, tt + aa - 2 * share(t * a, n))


def determination(sums: Array) -> Array:
    """R2, the share of the truth's variance that the answers explain ``(...)``, at most 1.

    Args:
        sums: Rows, truth, its square, and squared error, each summed: ``(..., 4)``.
    """
    n, t, tt, ee = np.moveaxis(sums, -1, 0)
    away = tt - share(t * t, n)
    # Truths that are all the same differ from their mean by rounding alone, and that is no variance.
    return 1 - share(ee, np.where(away > ROUNDING * tt, away, 0.0))


def rank_correlation(a: Any, b: Any) -> Estimate:
    """Spearman's correlation of two columns ``(n,)``, in [-1, 1]; an interval for the reader and no bounds.

    The interval is Fisher's, with the standard error of Bonett and Wright (2000, "Sample size requirements for
    estimating Pearson, Kendall and Spearman correlations").

    Raises:
        ValueError: If there are fewer than four rows, or a column is constant.
    """
    from scipy.stats import rankdata

    first, second = numbers("a", a, at_least=4), numbers("b", b, at_least=4)
    same_length(a=first, b=second)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        raise ValueError("a column is constant; expected numbers that can be put in an order")
    value = float(np.clip(np.corrcoef(rankdata(first), rankdata(second))[0, 1], -1, 1))
    half = QUANTILES[READER] * math.sqrt((1 + value * value / 2) / (first.size - 3))
    at = np.arctanh(np.clip(value, -1 + 1e-12, 1 - 1e-12))
    low, high = (float(end) for end in np.tanh([at - half, at + half]))
    ends = {"low": min(low, value), "high": max(high, value)}
    return Estimate(value, first.size, Interval(level=0.95, method="Fisher z, Bonett-Wright", **ends), ())
