"""One share: Wilson for the reader, Clopper-Pearson for the judge."""

from __future__ import annotations

import math
from bisect import bisect_left
from statistics import NormalDist
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Design, in_clusters, readers
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import fraction, fractions

MOST_ROWS = 10**12


def clopper_pearson(x: Array, n: Array, alpha: Array) -> tuple[Array, Array]:
    """One-sided exact bounds of a share, each with error at most ``alpha`` (Clopper and Pearson 1934).

    Args:
        x: Successes; a fractional number is accepted.
        n: Rows, > 0.
        alpha: Error of each side, in (0, 1). All three broadcast.
    """
    from scipy.special import betainccinv, betaincinv

    x, n, alpha = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in (x, n, alpha)))
    none, every = x <= 0, x >= n
    low = np.where(none, 0.0, betaincinv(np.where(none, 1.0, x), n - x + 1, alpha))
    high = np.where(every, 1.0, betainccinv(x + 1, np.where(every, 1.0, n - x), alpha))
    return low, high


def wilson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Two-sided score interval of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = x / n, 1 + z * z / n
    middle = (share + z * z / (2 * n)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def proportion(x: int, n: int, *, design: Design | None = None) -> Estimate:
    """A share ``x/n``, in [0, 1].

    Raises:
        ValueError: If ``n`` is 0 or ``x`` is not in 0..n.
    """
    return proportions(*([value] for value in fraction(x, n)), design=design)[0]


def proportions(successes: Any, totals: Any, *, design: Design | None = None) -> list[Estimate]:
    """One share for each of ``k`` pairs of counts, all at once; same estimates as from ``proportion``.

    Args:
        successes: Counts ``(k,)``.
        totals: Rows ``(k,)``.
        design: Of these shares, where their rows lie in clusters.

    Raises:
        ValueError: If a total is 0, or has more successes than rows.
    """
    x, n = fractions(successes, totals, at_least=0)
    lows, highs = in_clusters(design, x / n, clopper_pearson(x[:, None], n[:, None], np.array(ALPHAS)))
    return [
        assemble(a / rows, rows, low, high, within=(0.0, 1.0), **reader)
        for a, rows, low, high, reader in zip(
            x.tolist(), n.tolist(), lows, highs, readers("Wilson", wilson, design, x, n), strict=True
        )
    ]


def rows_needed(value: float, limit: float, level: float = 0.95) -> int | None:
    """Rows at which a share seen at ``value`` would lie beyond ``limit``, by its exact bound at ``level``.

    Args:
        value: Share in [0, 1].
        limit: Limit in [0, 1].
        level: One-sided level in (0, 1).

    Returns:
        The number of rows; None where the two are equal or no number below 10**12 would do.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not (0 <= value <= 1 and 0 <= limit <= 1 and 0 < level < 1):
        raise ValueError(f"value {value}, limit {limit} and level {level} must lie in [0, 1]")
    above = value > limit
    if value == limit:
        return None

    def settled(rows: int) -> bool:
        low, high = clopper_pearson(value * rows, rows, 1 - level)
        return bool(low > limit) if above else bool(high < limit)

    high = 1
    while not settled(high):
        high *= 2
        if high > MOST_ROWS:
            return None
    return bisect_left(range(high), x=True, lo=high // 2 + 1, key=settled)
