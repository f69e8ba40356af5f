"""Days that differ: what a reference says of how their true values wander, and of the season.

The true value of a day is taken to be the usual one plus an effect that wanders: ``a[t] = r a[t-1] + e[t]``, normal,
with autocorrelation ``r`` from one look to the next. A short reference tells little of ``r``, so no estimate of it is
used: each ``r`` that the reference does not speak against comes with the largest spread that it allows, and a change is
only told where all of them are too unlikely (the infimum of e-processes is one for all of them together; Ramdas et al.
2023, Statistical Science 38:576). What an effect leaves behind is predicted by the filter of Kalman (1960, Journal of
Basic Engineering 82:35).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.inputs import counts as whole, numbers

CORRELATIONS = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Autocorrelations of day effects that are weighed."""

ASSUMED = 0.8
"""Highest autocorrelation that is taken to be possible unless the reference says otherwise."""

UNLIKELY = 3.0
"""Twice the logarithm of a likelihood ratio from which on the reference speaks against a value: simulated."""

CLEARLY = 1.0
"""The same, from which on an autocorrelation above ``ASSUMED`` is taken to be possible."""

SPREADS = 40
"""Spreads that are tried, from a 25th of that of the days to five times it."""

FEWEST_DAYS = 60
"""Days below which too little is known of how they differ."""

YEAR = 365.25
SPAN = 360
"""Days from the first to the last from which on a reference spans the year, if half of them have rows."""


class Days(NamedTuple):
    """How days may differ: the standard deviation of their true values, and its autocorrelation."""

    sd: float = 0.0
    correlation: float = 0.0

    @property
    def inflation(self) -> float:
        """Variance of the mean of many days over that of as many independent ones."""
        return (1 + self.correlation) / (1 - self.correlation)


class Trace(NamedTuple):
    """What the looks so far say of the effect of the next day: its mean, not below 0, and its variance; any shape."""

    mean: Any
    variance: Any


def followed(apart: Any, noise: Any, trace: Trace, days: Any) -> tuple[Any, Trace]:
    """One look later.

    A value that lies on the safe side of a limit leaves no prediction: it says nothing of values at the limit.

    Args:
        apart: How far the look lies beyond the limit of what is no change.
        noise: Variance of the look by its rows alone.
        trace: Before it.
        days: Standard deviation and autocorrelation of day effects.

    Returns:
        The share of a lasting change that goes on to show beyond what is predicted, and the trace after the look.
    """
    sd, r = days
    gain = trace.variance / (trace.variance + noise)
    kept = (1 - r) / (1 - r + r * gain)
    mean = np.maximum(0.0, r * (trace.mean + gain * (apart - trace.mean)))
    return kept, Trace(mean, r * r * trace.variance * (1 - gain) + sd * sd * (1 - r * r))


def possible_days(values: Any, rows: Any, *, variance: float = 1.0, season: bool = False) -> tuple[Days, ...]:
    """How days may differ, as far as those of a reference say.

    Args:
        values: Mean, or share, of each day of the reference in the order of time ``(days,)``; at least 60.
        rows: Rows of each day ``(days,)``.
        variance: Variance of one row in the same units squared: ``rank_variance`` for mid-ranks, ``p(1-p)`` for shares.
        season: Whether a season was taken off the values.

    Returns:
        For each autocorrelation that the days do not speak against, the largest standard deviation that they allow.
        Above ``ASSUMED`` only where the days are more likely so.

    Raises:
        ValueError: If there are fewer than 60 days, or one is without rows.
    """
    means, sizes = numbers("values", values, at_least=FEWEST_DAYS), whole("rows", rows)
    if means.size != sizes.size or np.any(sizes == 0):
        raise ValueError("expected as many values as rows, and no day without rows")
    # A share of 0 or 1 has no chance in it; the filter divides by it.
    spreads = largest_spreads(means, np.maximum(variance / sizes, 1e-12), lost=3 if season else 1)
    return tuple(Days(float(sd), r) for r, sd in zip(CORRELATIONS, spreads, strict=True) if sd >= 0)


def largest_spreads(means: Array, noise: Array, *, lost: int = 1) -> Array:
    """Largest standard deviation at each of ``CORRELATIONS``, ``(..., r)``, -1 where none is likely."""
    scale = np.concatenate([[0.0], np.geomspace(0.04, 5, SPREADS)])
    sd = np.std(means, axis=-1, ddof=lost)[..., None, None] * scale
    unlikely = _unlikelihood(means, noise, sd, np.array(CORRELATIONS)[:, None])
    assumed = np.array(CORRELATIONS) <= ASSUMED
    least = unlikely[..., assumed, :].min(axis=(-2, -1))
    beyond = unlikely[..., ~assumed, :].min(axis=(-2, -1)) < least - CLEARLY
    likely = unlikely <= (np.minimum(least, unlikely.min(axis=(-2, -1))) + UNLIKELY)[..., None, None]
    likely &= assumed[:, None] | beyond[..., None, None]
    return np.where(likely, sd, -1.0).max(axis=-1)


def _unlikelihood(means: Array, noise: Array, sd: Array, r: Array) -> Array:
    """Minus twice the restricted log-likelihood of day effects around an unknown mean, ``(..., r, sd)``."""
    shape = np.broadcast_shapes(sd.shape, (*means.shape[:-1], *r.shape[:1], 1))
    own, one, variance = np.zeros(shape), np.zeros(shape), np.broadcast_to(sd * sd, shape)
    sums = np.zeros((4, *shape))
    for at in range(means.shape[-1]):
        spread = variance + noise[..., at, None, None]
        gain = variance / spread
        new, left = means[..., at, None, None] - own, 1 - one
        sums += new * new / spread, new * left / spread, left * left / spread, np.log(spread)
        own, one = r * (own + gain * new), r * (one + gain * left)
        variance = r * r * variance * (1 - gain) + sd * sd * (1 - r * r)
    return np.asarray(sums[3] + np.log(sums[2]) + sums[0] - sums[1] ** 2 / sums[2])


def spans_a_year(days: Any) -> bool:
    """Whether these days, ordinal ``(days,)``, tell the season."""
    span = max(days) - min(days) + 1
    return bool(span >= SPAN and 2 * len(days) >= span)


def season_of(values: Any, days: Any) -> tuple[float, float]:
    """The wave of a year in the values of days, by least squares: its sine and its cosine.

    Args:
        values: Of each day ``(days,)``.
        days: Their ordinals ``(days,)``.
    """
    angle = 2 * math.pi * np.asarray(days, dtype=float) / YEAR
    wave = np.stack([np.ones(angle.size), np.sin(angle), np.cos(angle)], axis=1)
    found = np.linalg.lstsq(wave, np.asarray(values, dtype=float), rcond=None)[0]
    return float(found[1]), float(found[2])


def seasonal(season: tuple[float, float], day: Any) -> Any:
    """The wave on some days, by their ordinals."""
    angle = 2 * math.pi * np.asarray(day, dtype=float) / YEAR
    return season[0] * np.sin(angle) + season[1] * np.cos(angle)
