"""Balanced accuracy: the mean of the recalls of the classes."""

from __future__ import annotations

from typing import Any

from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import counts, fractions
from govkit.stats.paired import paired_lows
from govkit.stats.proportions import clopper_pearson
from govkit.stats.two_groups import difference_low


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


def macro_recall_change(x: Any, n: Any, y: Any, m: Any) -> Estimate:
    """Mean recall in one sample less that in another, in [-1, 1]; bounds average those of two groups, the error split.

    Args:
        x: Rows of each class that were predicted right in the first sample, ``(K,)``.
        n: Rows of each class in the first sample, ``(K,)``.
        y: As ``x``, in the second sample.
        m: As ``n``, in the second sample.

    Raises:
        ValueError: If a class has no rows in a sample.
    """
    import numpy as np
    from scipy.special import ndtri

    (x, n), (y, m) = fractions(x, n, at_least=1), fractions(y, m, at_least=1)
    if x.shape != y.shape:
        raise ValueError(f"the first sample has {x.size} classes and the second {y.size}; expected as many")
    z = -ndtri(np.array(ALPHAS) / x.size)
    table = x[:, None], n[:, None], y[:, None], m[:, None]
    lows = difference_low(*table, z=z).mean(axis=0)
    highs = -difference_low(*table[2:], *table[:2], z=z).mean(axis=0)
    value, rows = float(np.mean(x / n - y / m)), int(n.sum() + m.sum())
    return assemble(value, rows, lows, highs, method="corrected Miettinen-Nurminen, a class", within=(-1.0, 1.0))
