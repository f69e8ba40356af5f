"""Balanced accuracy: the mean of the recalls of the classes."""

from __future__ import annotations

from typing import Any

from govkit.lazy import np
from govkit.stats.clusters import Design, by_class, in_clusters
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import counts, fractions
from govkit.stats.paired import paired_lows
from govkit.stats.proportions import clopper_pearson
from govkit.stats.two_groups import difference_low


def macro_recall(successes: Any, totals: Any, *, design: Design | None = None) -> Estimate:
    """Mean recall over ``K`` classes, in [0, 1]; bounds average exact bounds at a ``K``-th of the error.

    Args:
        successes: Rows of each class that were predicted right, ``(K,)``.
        totals: Rows of each class, ``(K,)``.
        design: Of the recall of each class, where rows lie in clusters.

    Raises:
        ValueError: If a class has no rows.
    """
    x, n = fractions(successes, totals, at_least=1)
    alphas = np.array(ALPHAS) / x.size
    lows, highs = in_clusters(design, x / n, clopper_pearson(x[:, None], n[:, None], alphas), alphas)
    value, ends = float(np.mean(x / n)), (lows.mean(axis=0), highs.mean(axis=0))
    return assemble(value, int(n.sum()), *ends, within=(0.0, 1.0), **by_class("Clopper-Pearson", design))


def macro_recall_difference(b: Any, c: Any, totals: Any, *, design: Design | None = None) -> Estimate:
    """Difference of two mean recalls on the same rows, in [-1, 1]; bounds average paired bounds, the error split.

    Args:
        b: Rows of each class where only the first is right, ``(K,)``.
        c: Rows of each class where only the second is right, ``(K,)``.
        totals: Rows of each class, ``(K,)``.
        design: Of the paired difference in each class, where rows lie in clusters.

    Raises:
        ValueError: If a class has no rows, or fewer than ``b + c``.
    """
    first, second = counts("b", b), counts("c", c)
    if first.shape != second.shape:
        raise ValueError(f"b has {first.size} classes and c {second.size}; expected as many")
    _, n = fractions(first + second, totals, at_least=1)
    alphas = np.array(ALPHAS) / n.size
    plain = paired_lows(first, second, n, alphas), -paired_lows(second, first, n, alphas)
    lows, highs = in_clusters(design, (first - second) / n, plain, alphas)
    value, ends = float(np.mean((first - second) / n)), (lows.mean(axis=0), highs.mean(axis=0))
    return assemble(value, int(n.sum()), *ends, within=(-1.0, 1.0), **by_class("corrected Tango", design))


def macro_recall_change(x: Any, n: Any, y: Any, m: Any, *, design: Design | None = None) -> Estimate:
    """Mean recall in one sample less that in another, in [-1, 1]; bounds average those of two groups, the error split.

    Args:
        x: Rows of each class that were predicted right in the first sample, ``(K,)``.
        n: Rows of each class in the first sample, ``(K,)``.
        y: As ``x``, in the second sample.
        m: As ``n``, in the second sample.
        design: Of the difference in each class, where rows lie in clusters.

    Raises:
        ValueError: If a class has no rows in a sample.
    """
    from scipy.special import ndtri

    (x, n), (y, m) = fractions(x, n, at_least=1), fractions(y, m, at_least=1)
    if x.shape != y.shape:
        raise ValueError(f"the first sample has {x.size} classes and the second {y.size}; expected as many")
    alphas = np.array(ALPHAS) / x.size
    z, table = -ndtri(alphas), (x[:, None], n[:, None], y[:, None], m[:, None])
    plain = difference_low(*table, z=z), -difference_low(*table[2:], *table[:2], z=z)
    lows, highs = in_clusters(design, x / n - y / m, plain, alphas)
    value, rows = float(np.mean(x / n - y / m)), int(n.sum() + m.sum())
    ends = lows.mean(axis=0), highs.mean(axis=0)
    return assemble(value, rows, *ends, within=(-1.0, 1.0), **by_class("corrected Miettinen-Nurminen", design))
