"""Flips beyond those of two models of these accuracies whose errors have nothing to do with each other."""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import counts
from govkit.stats.proportions import clopper_pearson
from govkit.stats.two_groups import difference_low

APART, RATES = 0.7, 0.1
"""Parts of the error that go to the difference of the two error rates, and to each of three ends: both of the old
model's error rate, the upper one of the new model's."""


def excess_flips(lost: Any, kept: Any, missed: Any, won: Any) -> list[Estimate]:
    """Share of rows lost, less the share that would be lost were the two models' errors independent, in [-1/4, 1/4].

    With the error rate ``w`` of the old model the excess is ``w (1 - w)`` times a difference of two error rates of the
    new one: where the old model is right, less where it is wrong. That difference is one of two separate groups
    (corrected Miettinen and Nurminen 1985), ``w`` a share (Clopper and Pearson 1934). With the error rate ``e`` of the
    new model it is also at most ``e w`` and at least ``-min(e, w)``, which decides where errors are rare. By the union
    bound no end misses more often than stated. The excess is the negative covariance of being right; the share
    expected is that of the relative negative flip rate (Yan et al. 2021, "Positive-congruent training").

    Args:
        lost: Rows that the old model has right and the new one wrong, ``(k,)``.
        kept: Rows that both have right.
        missed: Rows that both have wrong.
        won: Rows that the old model has wrong and the new one right.

    Raises:
        ValueError: If the lengths differ, a count is negative, or a table has no rows.
    """
    named = {"lost": lost, "kept": kept, "missed": missed, "won": won}
    b, a, d, c = (counts(name, part, at_least=0) for name, part in named.items())
    right, wrong = a + b, c + d
    n = right + wrong
    if np.any(n == 0):
        raise ValueError("a table has no rows; its excess of flips is undefined")
    low, high = _apart(b, right, d, wrong)
    alpha = RATES * np.array(ALPHAS)
    (least, w), e = (clopper_pearson(part[:, None], n[:, None], alpha) for part in (wrong, b + d))
    small, large = _products(least, w)
    lows = np.maximum(low * np.where(low < 0, large, small), -np.minimum(e[1], w))
    highs = np.minimum(high * np.where(high > 0, large, small), e[1] * w)
    values = b / n - right / n * (b + d) / n
    method = "corrected Miettinen-Nurminen times Clopper-Pearson, error split"
    return [
        assemble(value, rows, one, two, method=method, within=(-0.25, 0.25))
        for value, rows, one, two in zip(values, n, lows, highs, strict=True)
    ]


def _apart(x: Array, n: Array, y: Array, m: Array) -> tuple[Array, Array]:
    """Bounds of ``x/n - y/m`` at ``APART`` of each error, ``(k, levels)``; −1 and 1 where a side has no rows."""
    from scipy.special import ndtri

    z = -ndtri(APART * np.array(ALPHAS))
    some, rows = ((n > 0) & (m > 0))[:, None], [np.maximum(part, 1)[:, None] for part in (n, m)]
    first, second = (np.where(some, part[:, None], 0) for part in (x, y))
    low = difference_low(first, rows[0], second, rows[1], z=z)
    high = -difference_low(second, rows[1], first, rows[0], z=z)
    return np.where(some, low, -1.0), np.where(some, high, 1.0)


def _products(low: Array, high: Array) -> tuple[Array, Array]:
    """Least and largest ``w (1 - w)`` for ``w`` between two ends, ``(k, levels)`` each."""
    ends = low * (1 - low), high * (1 - high)
    return np.minimum(*ends), np.where((low < 0.5) & (high > 0.5), 0.25, np.maximum(*ends))
