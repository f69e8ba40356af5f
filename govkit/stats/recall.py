"""Balanced accuracy: the mean of the recalls of the classes."""

from __future__ import annotations

from typing import Any

from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import counts, fractions
from govkit.stats.paired import paired_lows
from govkit.stats.proportions import clopper_pearson


def macro_recall(successes: Any, totals: Any) -> Estimate:
    """Mean recall over ``K`` classes, in [0, 1]; bounds average exact bounds at a ``K``-th of the error.

    Args:
        successes: Rows of each class that were predicted right, ``(K,)``.
        totals: Rows of each class, ``(K,)``.

    Raises:
        ValueError: If a class has no rows.
    """
    import numpy as np

    x, n = fractions(successes, totals, at_least=1)
    lows, highs = clopper_pearson(x[:, None], n[:, None], np.array(ALPHAS) / x.size)
    value = float(np.mean(x / n))
    method = "Clopper-Pearson, a class"
    return assemble(value, int(n.sum()), lows.mean(axis=0), highs.mean(axis=0), method=method, within=(0.0, 1.0))


def macro_recall_difference(b: Any, c: Any, totals: Any) -> Estimate:
    """Difference of two mean recalls on the same rows, in [-1, 1]; bounds average paired bounds, the error split.

    Args:
        b: Rows of each class where only the first is right, ``(K,)``.
        c: Rows of each class where only the second is right, ``(K,)``.
        totals: Rows of each class, ``(K,)``.

    Raises:
        ValueError: If a class has no rows, or fewer than ``b + c``.
    """
    import numpy as np

    first, second = counts("b", b), counts("c", c)
    if first.shape != second.shape:
        raise ValueError(f"b has {first.size} classes and c {second.size}; expected as many")
    _, n = fractions(first + second, totals, at_least=1)
    alphas = np.array(ALPHAS) / n.size
    lows = np.mean(paired_lows(first, second, n, alphas), axis=0)
    highs = np.mean(-paired_lows(second, first, n, alphas), axis=0)
    value = float(np.mean((first - second) / n))
    return assemble(value, int(n.sum()), lows, highs, method="corrected Tango, a class", within=(-1.0, 1.0))
