"""Distances between two samples of one column: how far the current rows lie from the reference.

Observed distances are above 0 by chance alone, the more so the smaller the samples. Each function takes off that
noise. The first Wasserstein distance and total variation are norms, so closed forms bound them and no permutation is
needed. Population stability and Jensen-Shannon are no norms: they are shown, never gated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.stats.estimate import QUANTILES, UNBOUNDED, Estimate, assemble
from govkit.stats.inputs import counts, numbers

BINS = 4096
TAIL = 256
SAMPLE = 1 << 16
"""Values taken from each sorted sample to place the bins."""

UNBIASED = math.sqrt(2 / math.pi)  # mean of |Z| for a standard normal Z


@dataclass(frozen=True)
class Shift:
    """A raw distance, what of it chance explains on average, and its standard deviation."""

    raw: float
    noise: float
    deviation: float


def wasserstein(reference: Any, current: Any) -> Estimate:
    """First Wasserstein distance in standard deviations of the reference, 0 or more, less its noise.

    The lower bound takes the noise off, the upper bound does not: the raw distance already errs upwards.

    Args:
        reference: Values ``(n,)``.
        current: Values ``(m,)``.

    Raises:
        ValueError: If a value is not finite, a sample has fewer than two, or the reference is constant.
    """
    first, second = numbers("reference", reference, at_least=2), numbers("current", current, at_least=2)
    shift = _wasserstein(first, second)
    return _estimate(shift, first.size + second.size, (0.0, UNBOUNDED), "closed form, Wasserstein-1")


def _wasserstein(reference: Array, current: Array) -> Shift:
    import numpy as np

    sd = float(np.std(reference))
    if not sd > 0:
        raise ValueError("the reference is constant, so its standard deviation is 0; use total_variation instead")
    n, m = reference.size, current.size
    centre = np.mean(reference)  # keeps the sums inside the bins exact for values far from 0
    position, p, q = _binned(np.sort(reference - centre), np.sort(current - centre))
    f, g = np.cumsum(p)[:-1], np.cumsum(q)[:-1]
    step = np.maximum(np.diff(position), 0) / sd
    raw = float(np.abs(f - g) @ step)
    f, g = np.clip(f, 0, 1), np.clip(g, 0, 1)
    noise = UNBIASED * float(np.sqrt(f * (1 - f) / n + g * (1 - g) / m) @ step)
    one, two = sd * sd, float(np.var(current))
    # A few values may by chance lie close together; if the samples are alike, the other tells how far they spread.
    alike = (n * one + m * two) / (n + m) * (1 / n + 1 / m)
    return Shift(raw, noise, math.sqrt(max(one / n + two / m, alike)) / sd)


def _binned(first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Mean of each bin, and the share of each sorted sample in it; about ``BINS`` bins, none empty."""
    import numpy as np

    pooled = np.concatenate([part[:: max(1, part.size // SAMPLE)] for part in (first, second)])
    inner = np.unique(pooled)
    if inner.size > BINS:
        inner = np.quantile(pooled, np.arange(1, BINS) / BINS, method="inverted_cdf")
        # In a long tail a bin is wide and would hide a difference, so the outermost values get bins of their own.
        tails = [part[ends] for part in (first, second) for ends in (slice(TAIL), slice(-TAIL, None))]
        inner = np.unique(np.concatenate([inner, *tails]))
    ends = np.concatenate([inner, [np.inf]])
    upto = [np.searchsorted(part, ends, side="right") for part in (first, second)]
    number = [np.diff(part, prepend=0) for part in upto]
    total = number[0] + number[1]
    held = total > 0
    sums = [
        np.diff(np.concatenate([[0.0], np.cumsum(part)])[stop], prepend=0.0)
        for part, stop in zip((first, second), upto, strict=True)
    ]
    return (sums[0] + sums[1])[held] / total[held], number[0][held] / first.size, number[1][held] / second.size


def total_variation(counts_reference: Any, counts_current: Any) -> Estimate:
    """Total variation distance of two tables of counts, in [0, 1], less its noise.

    Args:
        counts_reference: Rows of each category, ``(K,)``.
        counts_current: The same categories, ``(K,)``.

    Raises:
        ValueError: If a table is empty or the lengths differ.
    """
    p, q, n, m = _shares(counts_reference, counts_current)
    shift = _total_variation(p, q, n, m)
    return _estimate(shift, n + m, (0.0, 1.0), "closed form, total variation")


def _total_variation(p: Array, q: Array, n: int, m: int) -> Shift:
    import numpy as np

    pooled = (n * p + m * q) / (n + m)
    apart = float(np.sqrt(p * (1 - p) / n + q * (1 - q) / m).sum())
    alike = float(np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)).sum())
    noise = UNBIASED / 2 * max(apart, alike)
    return Shift(float(np.abs(p - q).sum()) / 2, noise, math.sqrt(1 / n + 1 / m) / 2)


def jensen_shannon(counts_reference: Any, counts_current: Any) -> float:
    """Jensen-Shannon divergence in nats less its noise, 0 or more; it has no bounds, so it never gates.

    Raises:
        ValueError: If a table is empty or the lengths differ.
    """
    import numpy as np
    from scipy.special import rel_entr

    p, q, n, m = _shares(counts_reference, counts_current)
    middle = (p + q) / 2
    divergence = float(rel_entr(p, middle).sum() + rel_entr(q, middle).sum()) / 2
    occupied = int(np.count_nonzero(middle))
    return max(0.0, divergence - (occupied - 1) * (1 / n + 1 / m) / 8)


def population_stability(counts_ref: Any, counts_cur: Any) -> tuple[float, float]:
    """Population stability index and the value that chance alone gives it on average.

    Half a row is added to every category, so that an empty one stays finite.

    Returns:
        The index, and its noise floor ``(K - 1)(1/n + 1/m)``. An index below the floor is no sign of a shift.

    Raises:
        ValueError: If a table is empty or the lengths differ.
    """
    import numpy as np

    p, q, n, m = _shares(counts_ref, counts_cur)
    p, q = ((share * rows + 0.5) / (rows + 0.5 * p.size) for share, rows in ((p, n), (q, m)))
    return float((p - q) @ np.log(p / q)), (p.size - 1) * (1 / n + 1 / m)


def _shares(reference: Any, current: Any) -> tuple[Array, Array, int, int]:
    first, second = counts("counts_reference", reference), counts("counts_current", current)
    if first.shape != second.shape:
        raise ValueError(f"the reference has {first.size} categories and the current table {second.size}")
    n, m = int(first.sum()), int(second.sum())
    if n == 0 or m == 0:
        raise ValueError(f"the reference has {n} rows and the current table {m}; each needs at least one")
    return first / n, second / m, n, m


def _estimate(shift: Shift, n: int, within: tuple[float, float], method: str) -> Estimate:
    import numpy as np

    z = np.array(QUANTILES)
    shown = max(0.0, shift.raw - shift.noise)
    lows = shift.raw - shift.noise - z * shift.deviation
    highs = shift.raw + z * shift.deviation
    return assemble(shown, n, lows, highs, method=method, within=within)
