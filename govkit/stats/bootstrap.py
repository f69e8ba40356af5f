"""The bootstrap, for numbers that have no formula of their own: an interval for the reader and no bounds.

A percentile interval is honest near its middle and not at strict levels, so nothing here carries bounds that gate
(Efron and Tibshirani 1993, "An introduction to the bootstrap", sections 13 and 14).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from govkit.core import Interval
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import Estimate
from govkit.stats.inputs import counts as checked_counts

Statistic = Callable[[Array], Array]


class Undefined(ValueError):
    """The statistic has no value on these rows."""


DRAWS = 2000
MOST_NUMBERS = 20_000_000
"""Most numbers drawn for one interval; a larger table gets fewer draws."""

FEWEST_DRAWS = 200
BAGS = 2000
"""Most clusters that are drawn apart; more are first thrown together at random, which keeps the variance of sums."""


def multinomial(counts: Any, statistic: Statistic, *, seed: int, draws: int = DRAWS) -> Estimate:
    """A function of a table of counts, its rows drawn anew.

    Args:
        counts: Rows in each cell ``(c,)``.
        statistic: ``(draws, c)`` counts -> ``(draws,)`` numbers; NaN where a table leaves it undefined.
        seed: Seed of the draws.
        draws: Number of draws.

    Raises:
        ValueError: If the counts hold no rows; ``Undefined`` if the statistic has no value on them.
    """
    table = checked_counts("counts", counts)
    n = int(table.sum())
    if n == 0:
        raise ValueError("counts hold no rows; there is nothing to draw from")
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, table / n, size=_affordable(draws, table.size)).astype(np.float64)
    return _estimate(table[None].astype(np.float64), drawn, n, statistic, method="multinomial bootstrap, percentile")


def clustered(sums: Any, statistic: Statistic, *, seed: int, draws: int = DRAWS) -> Estimate:
    """A function of sums over independent clusters, the clusters drawn anew.

    A row with several labels is a cluster, since its labels are not independent; so is a row of numbers.

    Args:
        sums: What each cluster adds to each of ``m`` sums, ``(n, m)``.
        statistic: ``(draws, m)`` sums -> ``(draws,)`` numbers; NaN where they leave it undefined.
        seed: Seed of the draws, and of the bags that more than ``BAGS`` clusters are thrown into.
        draws: Number of draws.

    Raises:
        ValueError: If there are no clusters; ``Undefined`` if the statistic has no value on all of them.
    """
    added = np.asarray(sums)
    if added.ndim != 2 or added.size == 0:
        raise ValueError(f"sums has shape {added.shape}; expected a row for each cluster and a column for each sum")
    n, rng = len(added), np.random.default_rng(seed)
    bags = min(n, BAGS)
    bag = rng.permutation(n) % bags if n > bags else np.arange(n)
    held = np.stack([np.bincount(bag, column.astype(np.float64), bags) for column in added.T], axis=1)
    # Draw by draw, how often each bag comes up.
    draws = _affordable(draws, bags)
    drawn = rng.integers(bags, size=(draws, bags)) + bags * np.arange(draws)[:, None]
    weights = np.bincount(drawn.ravel(), minlength=draws * bags).reshape(draws, bags).astype(np.float64)
    total = held.sum(axis=0, keepdims=True)
    return _estimate(total, weights @ held, n, statistic, method="clustered bootstrap, percentile")


def _affordable(draws: int, width: int) -> int:
    return min(draws, max(FEWEST_DRAWS, MOST_NUMBERS // width))


def _estimate(seen: Array, drawn: Array, n: int, statistic: Statistic, *, method: str) -> Estimate:
    value = float(statistic(seen)[0])
    if not np.isfinite(value):
        raise Undefined("the statistic has no value on these rows; expected a finite number")
    low, high = np.nanquantile(statistic(drawn), [0.025, 0.975])
    interval = Interval(level=0.95, low=float(min(low, value)), high=float(max(high, value)), method=method)
    return Estimate(value, n, interval, ())
