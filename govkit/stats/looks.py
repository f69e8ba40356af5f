"""What one look shows, against a reference small enough to be stored: the values that the sequential tests read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from govkit.lazy import np
from govkit.stats.inputs import counts as whole, numbers
from govkit.stats.sequential import Look

BINS = 256
FREQUENT = 0.01
"""Share of the reference from which on a category is watched by itself."""


def rank_bins(values: Any, *, bins: int = BINS) -> tuple[list[float], list[int]]:
    """A column as upper ends of bins and rows in each, about as many rows in one as in another; equal values share one.

    Args:
        values: Reference ``(n,)``, finite.
        bins: Most bins.

    Returns:
        Rising edges ``(k,)``, each a value of the reference, and counts ``(k,)``, none 0.
    """
    column = np.sort(numbers("values", values))
    edges = np.unique(np.quantile(column, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    below = np.searchsorted(column, edges, side="right")
    return edges.tolist(), np.diff(below, prepend=0).tolist()


def rank_shift(values: Any, edges: Any, counts: Any = None) -> float:
    """How far the mean mid-rank of some rows among those of the reference lies from the middle.

    A row's mid-rank is the share of the reference below it plus half the share that is level with it: 1 above all of
    the reference. Neither skew nor heavy tails matter to it.

    Args:
        values: Rows of the look ``(n,)``, finite.
        edges: The reference: sorted values ``(m,)``, or the edges from ``rank_bins``.
        counts: Counts from ``rank_bins``; rows in one bin count as level. None if ``edges`` are all values.

    Returns:
        In standard deviations of a mid-rank, 1/sqrt(12): 0 for the reference itself, within 1.74 of it.
    """
    column, cuts = np.sort(numbers("values", values)), numbers("edges", edges)
    if counts is None:
        twice = np.searchsorted(cuts, column, side="left") + np.searchsorted(cuts, column, side="right")
        return float((twice.mean() / (2 * cuts.size) - 0.5) * math.sqrt(12))
    size = whole("counts", counts)
    if size.size != cuts.size:
        raise ValueError(f"edges has {cuts.size} bins and counts {size.size}; expected as many")
    middle = np.append((np.cumsum(size) - size / 2) / size.sum(), 1.0)
    # Sorted rows need one search for an edge, not one for a row.
    inside = np.diff(np.searchsorted(column, cuts, side="right"), prepend=0, append=column.size)
    return float((inside @ middle / column.size - 0.5) * math.sqrt(12))


def rank_variance(counts: Any) -> float:
    """Variance of the mid-ranks of a reference with ties, in units of 1/12: 1 without ties, 0 for a constant.

    Args:
        counts: Rows of each value, or of each bin, ``(k,)``.
    """
    size = whole("counts", counts)
    return float(1 - np.sum((size / size.sum()) ** 3))


def category_looks(seen: Mapping[str, int], reference: Mapping[str, int]) -> dict[str | None, Look]:
    """Rows of each category that was frequent in the reference (1 % or more); under None those of new categories.

    Watch each by a ``RateStream``: the frequent ones in both directions from their count in the reference, the new ones
    upwards from ``unseen_share``.

    Args:
        seen: Rows of each category in the look.
        reference: Rows of each category in the reference, every one.
    """
    rows, all_rows = sum(seen.values()), sum(reference.values())
    names = sorted(name for name, size in reference.items() if size >= FREQUENT * all_rows)
    new = sum(size for name, size in seen.items() if name not in reference)
    return {None: Look(new, rows), **{name: Look(seen.get(name, 0), rows) for name in names}}


def unseen_share(counts: Any) -> tuple[float, float]:
    """Share of rows to come whose category the reference lacks, as count and rows for a ``RateStream``.

    Estimated by the rows that are alone in their category (Good 1953, Biometrika 40:237). Both are made smaller by as
    much as the estimate varies more than a share would (Esty 1983, Annals of Statistics 11:905).

    Args:
        counts: Rows of each category of the reference ``(k,)``.
    """
    size = whole("counts", counts)
    rows, once, twice = int(size.sum()), int(np.sum(size == 1)), int(np.sum(size == 2))
    chance = once * (1 - once / rows)
    design = (chance + 2 * twice) / chance if chance else 1.0
    return once / design, rows / design
