"""Distances between two samples of one column: how far the current rows lie from the reference.

Observed distances are above 0 by chance alone, the more so the smaller the samples. Each function takes off that
noise. The first Wasserstein distance and total variation are norms, so closed forms bound them and no permutation is
needed. Population stability and Jensen-Shannon are no norms: they are shown, never gated.

No sample bounds the spread of a heavy tail, so the Wasserstein distance is that of values clipped to the middle of the
reference (``middle``): clipped values have all moments, and their number means the same for every form of column.
``tests/bench/drift.py`` counts how often the bounds miss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import ALPHAS, UNBOUNDED, Estimate, assemble
from govkit.stats.inputs import counts, numbers

BINS = 4096
TAIL = 256
SAMPLE = 1 << 16
"""Values taken from each sorted sample to place the bins."""

OUTER = 0.01
"""Share of the reference on either side whose values count as at its edge."""

FREQUENT = 5
"""Expected rows from which on the count of a category is about normal."""

UNBIASED = math.sqrt(2 / math.pi)  # mean of |Z| for a standard normal Z


@dataclass(frozen=True)
class Shift:
    """A distance as observed.

    Attributes:
        raw: The distance of the two samples.
        noise: What chance would add to it on average, were the samples alike.
        deviation: Its standard deviation.
        skew: Third cumulant of its error over its variance, at worst.
        unit: Standard deviation of the unit, as a share of it.
        excess: What chance adds to it where the samples are as far apart as they look; None if as if they were alike.
        method: Formula of the bounds.
        most: Largest possible distance.
    """

    raw: float
    noise: float
    deviation: float
    skew: float = 0.0
    unit: float = 0.0
    excess: float | None = None
    method: str = "closed form, Wasserstein-1"
    most: float = UNBOUNDED

    @property
    def value(self) -> float:
        """The distance less what chance adds to it."""
        return max(0.0, self.raw - (self.noise if self.excess is None else self.excess))

    def bounds(self, error: Any, columns: int = 1) -> tuple[Array, Array]:
        """Lower bounds, each at a ``columns``-th of the error, and upper bounds at all of it, shapes of ``error``.

        The lower bound takes the noise off, the upper bound does not: the raw distance already errs upwards.
        """
        from scipy.special import ndtri

        apart, whole = (-ndtri(np.asarray(each)) for each in (np.asarray(error) / columns, error))
        # Distance and unit may err together in whatever way, so their errors add up.
        low, high = (
            z * (self.deviation + self.raw * self.unit) + np.maximum(z * z - 1, 0) / 6 * self.skew
            for z in (apart, whole)
        )
        return self.raw - self.noise - low, self.raw + high

    def estimate(self, n: int) -> Estimate:
        """The distance of ``n`` rows with its bounds."""
        lows, highs = self.bounds(ALPHAS)
        return assemble(self.value, n, lows, highs, method=self.method, within=(0.0, self.most))


def middle(values: Any, *, more: int = 0) -> tuple[float, float]:
    """Ends of the middle of a reference: all but the hundredth of its values on either side; equal if it is constant.

    Args:
        values: Sorted, ``(n,)``.
        more: Values on either side that are taken in beyond that.
    """
    outer = max(0, int(OUTER * len(values)) - more)
    return float(values[outer]), float(values[len(values) - 1 - outer])


def wasserstein(reference: Any, current: Any) -> Estimate:
    """First Wasserstein distance in standard deviations of the reference, 0 or more, less its noise.

    Values beyond the ``middle`` of the reference count as at its edge, in the distance and in the standard deviation.
    For a normal column both hardly change by that; a column that moves away altogether is then at most about 5 apart.
    The bounds hold the error of the standard deviation and of the edges, and the skew of both samples (first Edgeworth
    term, Johnson 1978, JASA 73:536).

    Args:
        reference: Values ``(n,)``.
        current: Values ``(m,)``.

    Raises:
        ValueError: If a value is not finite, a sample has fewer than two, or the middle of the reference is constant.
    """
    return wasserstein_shift(reference, current).estimate(len(reference) + len(current))


def wasserstein_shift(reference: Any, current: Any) -> Shift:
    """What ``wasserstein`` rests on."""
    named = (("reference", reference), ("current", current))
    first, second = (np.sort(numbers(name, values, at_least=2)) for name, values in named)
    ends = middle(first)
    if not ends[0] < ends[1]:
        raise ValueError("the reference is constant, so its standard deviation is 0; use total_variation instead")
    # The edges err too, in a heavy tail more than all else: as much as if they were wider by one error of their rank.
    wider = middle(first, more=math.ceil(math.sqrt(OUTER * first.size + 1)))
    # Squares of very small or large numbers leave the range of floats; a power of two scales without rounding.
    scale = math.ldexp(1.0, math.frexp(max(map(abs, ends)))[1])
    inner, outer, other = (np.clip(*part) / scale for part in ((first, *ends), (first, *wider), (second, *ends)))
    centre, sd = float(np.mean(inner)), float(np.std(inner))
    astray = float(np.std(outer)) / sd - 1
    return _wasserstein((inner - centre) / sd, (other - centre) / sd, max(0.0, astray))


def _wasserstein(first: Array, second: Array, astray: float = 0.0) -> Shift:
    """Of sorted values, from the mean of the first in its standard deviations, which may be wrong by ``astray``."""
    n, m = first.size, second.size
    position, p, q = _binned(first, second)
    f, g = np.cumsum(p)[:-1], np.cumsum(q)[:-1]
    step, gap = np.maximum(np.diff(position), 0), np.abs(f - g)
    f, g = np.clip(f, 0, 1), np.clip(g, 0, 1)
    error = np.sqrt(f * (1 - f) / n + g * (1 - g) / m)
    raw = float(gap @ step)
    other = float(np.var(second))
    # A few values may by chance lie close together; if the samples are alike, the other tells how far they spread.
    alike = (n + m * other) / (n + m) * (1 / n + 1 / m)
    variance = max(1 / n + other / m, alike)
    third, fourth, third_too = p @ position**3, p @ position**4, q @ (position - q @ position) ** 3
    unit = math.hypot(math.sqrt(max(0.0, float(fourth) - 1) / (4 * n)), astray)
    skew = (abs(float(third)) / n**2 + abs(float(third_too)) / m**2) / variance
    noise, excess = UNBIASED * float(error @ step), float(_excess(gap, error) @ step)
    return Shift(raw, noise, math.sqrt(variance), skew=skew, unit=unit, excess=excess)


def _binned(first: Array, second: Array) -> tuple[Array, Array, Array]:
    """Mean of each bin, and the share of each sorted sample in it; about ``BINS`` bins, none empty."""
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


def _excess(gap: Array, error: Array) -> Array:
    """What chance adds to each difference on average: next to nothing where the samples lie surely apart.

    Where they are alike, a difference of shares is normal around 0 and this averages to ``UNBIASED`` times its error.
    """
    sure = np.divide(gap, error, out=np.full(gap.shape, np.inf), where=error > 0)
    return np.asarray(2 * UNBIASED * error * np.exp(-1.5 * np.minimum(sure, 9) ** 2))


def total_variation(counts_reference: Any, counts_current: Any) -> Estimate:
    """Total variation distance of two tables of counts, in [0, 1], less its noise.

    Args:
        counts_reference: Rows of each category, ``(K,)``.
        counts_current: The same categories, ``(K,)``.

    Raises:
        ValueError: If a table is empty or the lengths differ.
    """
    n, m = _shares(counts_reference, counts_current)[2:]
    return variation_shift(counts_reference, counts_current).estimate(n + m)


def farthest(shifts: Sequence[Shift], n: int) -> Estimate:
    """The largest of the distances of several columns, each of its own kind.

    Low: the largest lower bound, each at a ``K``-th of the error. High: the largest upper bound, not split, since one
    column holds the truth.

    Args:
        shifts: Of each of ``K`` columns, K >= 1.
        n: Rows.
    """
    lows, highs = zip(*(shift.bounds(ALPHAS, columns=len(shifts)) for shift in shifts), strict=True)
    value = max(shift.value for shift in shifts)
    within = (0.0, UNBOUNDED)
    return assemble(
        value, n, np.max(lows, axis=0), np.max(highs, axis=0), method="closed form, farthest", within=within
    )


def variation_shift(counts_reference: Any, counts_current: Any) -> Shift:
    """What ``total_variation`` rests on."""
    p, q, n, m = _shares(counts_reference, counts_current)
    pooled = (n * p + m * q) / (n + m)
    apart = np.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    alike = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    noise = UNBIASED / 2 * max(float(apart.sum()), float(alike.sum()))
    raw, deviation = float(np.abs(p - q).sum()) / 2, math.sqrt(1 / n + 1 / m) / 2
    # Counts of a rare category are far from normal, so the noise of all is taken off there.
    rare = pooled * min(n, m) < FREQUENT
    excess = (UNBIASED / 2 * np.maximum(apart, alike)[rare].sum()) + _excess(np.abs(p - q), apart)[~rare].sum() / 2
    return Shift(raw, noise, deviation, excess=float(excess), method="closed form, total variation", most=1.0)


def jensen_shannon(counts_reference: Any, counts_current: Any) -> float:
    """Jensen-Shannon divergence in nats less its noise, 0 or more; it has no bounds, so it never gates.

    Raises:
        ValueError: If a table is empty or the lengths differ.
    """
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
