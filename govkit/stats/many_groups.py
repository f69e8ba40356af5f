"""Shares of several groups: the largest less the smallest, and the smallest over the largest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import METHOD as CLUSTERED
from govkit.stats.designs import Side, difference_design
from govkit.stats.estimate import ALPHAS, QUANTILES, Estimate, assemble
from govkit.stats.inputs import fractions
from govkit.stats.inversion import SECTIONS
from govkit.stats.two_groups import METHOD, difference_low, ratio_low, reciprocal

ROUGH = 2
"""Rounds of the search that tells which pairs matter."""


def spread(successes: Any, totals: Any, *, by_cluster: Side | None = None) -> Estimate:
    """Largest share less smallest share over ``K`` groups, in [0, 1].

    Low: the largest lower bound over the ordered pairs, each at a ``K(K-1)``-th of the error. High: the largest upper
    bound over the pairs, not split, since one pair holds the truth. The value is biased upwards by noise; gate a group
    against the rest where that is possible.

    Args:
        successes: Count of each group, ``(K,)``, K >= 2.
        totals: Rows of each group, ``(K,)``.
        by_cluster: The same counts by group and cluster, each ``(K, C)``, where rows lie in clusters.

    Raises:
        ValueError: If a group is empty, or there are fewer than two.
    """
    x, n = fractions(successes, totals)
    pair = _pairs(x, n)
    lows = _over(difference_low, pair, _split_quantiles(x.size), sign=1)
    # The upper bound of one pair is the negative lower bound of the same pair, swapped.
    highs = -_over(difference_low, pair, np.array(QUANTILES), sign=-1)
    return _found(x, n, (lows, highs), by_cluster, ratio=False)


def spread_ratio(successes: Any, totals: Any, *, by_cluster: Side | None = None) -> Estimate:
    """Smallest share over largest share of ``K`` groups, in [0, 1].

    It is the smallest ratio over the ordered pairs. High: the smallest upper bound, each at a ``K(K-1)``-th of the
    error. Low: the smallest lower bound, not split.

    Args:
        successes: Count of each group, ``(K,)``, K >= 2.
        totals: Rows of each group, ``(K,)``.
        by_cluster: The same counts by group and cluster, each ``(K, C)``, where rows lie in clusters.

    Raises:
        ValueError: If a group is empty, there are fewer than two, or no group has a success.
    """
    x, n = fractions(successes, totals)
    if not x.any():
        raise ValueError("no group has a success; the ratio of their shares is undefined")
    pair = _pairs(x, n)
    lows = _over(ratio_low, pair, np.array(QUANTILES), sign=-1)
    highs = reciprocal(_over(ratio_low, pair, _split_quantiles(x.size), sign=1))
    return _found(x, n, (lows, highs), by_cluster, ratio=True)


def _found(x: Array, n: Array, ends: tuple[Array, Array], by_cluster: Side | None, *, ratio: bool) -> Estimate:
    share = x / n
    value = float(share.min() / share.max() if ratio else share.max() - share.min())
    found = assemble(value, int(n.sum()), *ends, method=f"{METHOD}, over pairs", within=(0.0, 1.0))
    return found if by_cluster is None else _in_clusters(found, share, by_cluster, ratio=ratio)


def _in_clusters(found: Estimate, share: Array, by_cluster: Side, *, ratio: bool) -> Estimate:
    """As without clusters: one side is the extreme bound over pairs, the error split; the other is not split."""
    x, n = (np.asarray(each, dtype=np.float64) for each in by_cluster)
    if (n.sum(axis=0) <= 1).all():
        return found
    kept = np.array([(a, b) for a, b in np.argwhere(~np.eye(share.size, dtype=bool)) if not ratio or share[b] > 0])
    one, other = kept.T
    value = share[one] / share[other] if ratio else share[one] - share[other]
    design = difference_design((x[one], n[one]), (x[other], n[other]), ratio=value if ratio else None)
    nothing = np.full((len(kept), len(ALPHAS)), np.inf), np.full((len(kept), len(ALPHAS)), -np.inf)
    split, whole = (
        design.bounds(value, nothing, each)
        for each in (np.array(ALPHAS) / share.size / (share.size - 1), np.array(ALPHAS))
    )
    pick = np.min if ratio else np.max
    low, high = (whole[0], split[1]) if ratio else (split[0], whole[1])
    plain = [np.array([getattr(bound, side) for bound in found.bounds]) for side in ("low", "high")]
    lows, highs = np.minimum(pick(low, axis=0), plain[0]), np.maximum(pick(high, axis=0), plain[1])
    count = int((n.sum(axis=0) > 0).sum())
    return assemble(
        found.value, found.n, lows, highs, method=f"{CLUSTERED}, over pairs", within=(0.0, 1.0), clusters=count
    )


def _pairs(x: Array, n: Array) -> tuple[Array, Array, Array, Array]:
    """Counts of every ordered pair of groups, each ``(K(K-1), 1)``."""
    first, second = np.nonzero(~np.eye(x.size, dtype=bool))
    return x[first, None], n[first, None], x[second, None], n[second, None]


def _over(low: Callable[..., Array], pair: tuple[Array, ...], z: Array, *, sign: int) -> Array:
    """Largest (``sign`` 1) or smallest (-1) lower bound over the pairs, ``(9,)``.

    A rough search first: only pairs that it leaves in reach of the extreme one are searched to the last digit.
    """
    rough = low(*pair, z=z, rounds=ROUGH)
    # Ratios are searched as r / (1 + r), from 0 to 1; differences from -1 to 1.
    rough, width = (rough / (1 + rough), 1) if low is ratio_low else (rough, 2)
    reach = width / SECTIONS**ROUGH + 1e-12
    near = (sign * rough >= (sign * rough).max(axis=0) - reach).any(axis=1)
    bounds = low(*(part[near] for part in pair), z=z)
    return np.asarray(sign * (sign * bounds).max(axis=0))


def _split_quantiles(groups: int) -> Array:
    """Normal quantiles at ``LEVELS`` with the error split over all ordered pairs."""
    from scipy.special import ndtri

    return -ndtri(np.array(ALPHAS) / (groups * (groups - 1)))
