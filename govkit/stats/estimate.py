"""An estimate: a value, an interval for the reader, and one-sided bounds for the judge."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from statistics import NormalDist

from govkit.core import LEVELS, Bound, Interval
from govkit.core.case import Array
from govkit.lazy import np

ALPHAS = tuple(round(1 - level, 12) for level in LEVELS)
"""Error of each one-sided level in ``LEVELS``."""

QUANTILES = tuple(-NormalDist().inv_cdf(alpha) for alpha in ALPHAS)
"""Normal quantile of each one-sided level in ``LEVELS``."""

READER = LEVELS.index(0.975)
"""Index of the one-sided level whose two bounds make the two-sided 95 % interval."""

UNBOUNDED = sys.float_info.max
"""Stands for "no finite bound" where infinity may not be recorded: the upper bound of a ratio, for example."""


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty.

    Attributes:
        value: What was observed (after removing a known bias where the function says so).
        n: Rows that carry it.
        interval: Two-sided 95 % interval, for the reader.
        bounds: One-sided bounds at ``core.LEVELS``, for the judge; they nest and they enclose the value.
        clusters: Clusters that the rows lie in, where the bounds respect them.
    """

    value: float
    n: int
    interval: Interval
    bounds: tuple[Bound, ...]
    clusters: int | None = None


def quantiles(alphas: Array) -> Array:
    """Normal quantiles of one-sided errors, those of ``ALPHAS`` to the last digit as in ``QUANTILES``."""
    from scipy.special import ndtri

    z = -ndtri(alphas)
    return np.where(alphas == np.array(ALPHAS), QUANTILES, z) if alphas.shape[-1:] == (len(ALPHAS),) else z


def assemble(
    value: float,
    n: int,
    lows: Array,
    highs: Array,
    *,
    method: str,
    within: tuple[float, float] = (-UNBOUNDED, UNBOUNDED),
    interval: tuple[float, float] | None = None,
    clusters: int | None = None,
) -> Estimate:
    """Put an estimate together; every adjustment made here can only widen a bound inside the possible range.

    Args:
        value: The estimate.
        n: Rows.
        lows: Lower bounds at ``LEVELS``, shape ``(9,)``.
        highs: Upper bounds at ``LEVELS``, shape ``(9,)``.
        method: Formula of the interval.
        within: Possible range of the quantity.
        interval: Ends of the reader's interval where it has a formula of its own; else the bounds at 0.975.
        clusters: Clusters that the rows lie in, where the bounds respect them.
    """
    # Rounding in an inversion may cross the value or a looser level by the last digit.
    low = np.minimum.accumulate(np.minimum(np.clip(lows, *within), value))
    high = np.maximum.accumulate(np.maximum(np.clip(highs, *within), value))
    ends = (low[READER], high[READER]) if interval is None else interval
    return Estimate(
        value=float(value),
        n=int(n),
        interval=Interval(
            level=0.95,
            low=float(min(max(ends[0], within[0]), value)),
            high=float(max(min(ends[1], within[1]), value)),
            method=method,
        ),
        bounds=tuple(
            Bound(level=level, low=float(a), high=float(b)) for level, a, b in zip(LEVELS, low, high, strict=True)
        ),
        clusters=clusters,
    )
