"""The calibration error: how far stated probabilities lie from what happened, root mean square over bins.

The squared error of a bin is above 0 by chance alone; the debiased estimator takes that off (Kumar, Liang and Ma
2019). Its bounds do not use an estimated standard error, which fails near 0, but invert a test whose variance and
skewness are those at the limit tried.

Bins understate the error, since gaps of both signs inside a bin cancel. The upper bound, which a pass rests on, is
therefore that of finer bins of ``FINE`` rows where these are more: they split the others, so that their error is no
smaller. A curve that waves within them still hides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import QUANTILES, Estimate, assemble
from govkit.stats.inputs import stated
from govkit.stats.inversion import first_uncleared

MOST_BINS, FINE = 15, 80
"""Bins of the estimate and of the lower bound at most; rows in a bin of the upper bound."""


@dataclass(frozen=True)
class Squared:
    """Debiased squared calibration error, and the bins it came from.

    Attributes:
        value: The estimate; may be below 0.
        noise: Share of rows times variance of the observed share, for each bin; from above.
        typical: The noise of the bins in which the error lies, from above where there is little error.
        which: Bin of each row, ``(n,)``.
    """

    value: float
    noise: Array
    typical: float
    which: Array


def calibration(confidence: Any, correct: Any) -> Estimate:
    """Debiased calibration error, in [0, 1]: root mean square gap over 5 to 15 bins of equal mass.

    The upper bounds are those of as many bins of 80 rows as there are, where these are more than 15.

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1], n >= 2.
        correct: What happened, truths ``(n,)``.

    Raises:
        ValueError: If there are fewer than two rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct, at_least=2)
    squared, z = squared_error(f, y), np.array(QUANTILES)
    lows, highs = bounds(squared, z)
    if f.size // FINE > MOST_BINS:
        highs = np.maximum(highs, bounds(squared_error(f, y, bins=f.size // FINE), z)[1])
    value = math.sqrt(max(0.0, squared.value))
    return assemble(value, f.size, lows, highs, method="debiased L2, score inversion", within=(0.0, 1.0))


def squared_error(f: Array, y: Array, *, bins: int | None = None) -> Squared:
    """Debiased squared error of checked columns; 5 to 15 ``bins`` if not given."""
    which = _equal_mass(f, min(MOST_BINS, max(5, f.size // 20), f.size // 2) if bins is None else bins)
    rows = np.bincount(which)
    true = np.bincount(which, weights=y)
    share, gap = true / rows, np.bincount(which, weights=y - f) / rows
    weight = rows / f.size
    # A bin of one row (left over between ties) tells nothing about its own noise and is given no error.
    unbiased = np.where(rows > 1, gap**2 - share * (1 - share) / np.maximum(rows - 1, 1), 0.0)
    smoothed = (true + 1) / (rows + 2)
    meant = np.bincount(which, weights=f) / rows
    # A share of few rows may lie near 0 or 1 by chance; what is stated tells how far shares spread if it is right.
    spread = np.maximum(smoothed * (1 - smoothed), meant * (1 - meant))
    noise = weight * spread / np.sqrt(rows * np.maximum(rows - 1, 1))
    error, chance = weight * np.maximum(unbiased, 0), math.sqrt(2 * float(noise @ noise))
    # An error as small as chance may lie in any bin; a larger one lies where it was seen.
    typical = (float(error @ noise) + chance * float(noise.max())) / (float(error.sum()) + chance)
    return Squared(float(weight @ unbiased), noise, typical, which)


def _equal_mass(f: Array, bins: int) -> Array:
    """Bin of each row: about as many rows a bin, rows that state the same in one bin, no bin empty.

    Where an edge would fall among rows that state the same, they get a bin of their own: beside others, above or below,
    their gap could be taken back.
    """
    order = np.sort(f)
    stops = np.cumsum([part.size for part in np.array_split(order, bins)])[:-1]
    # Each stop itself, or both ends of the rows that state the same around it.
    firsts = np.append(np.searchsorted(order, order[stops], "left"), np.searchsorted(order, order[stops - 1], "right"))
    inner = np.unique(firsts[(firsts > 0) & (firsts < f.size)])
    which = np.searchsorted((order[inner - 1] + order[inner]) / 2, f, side="left")
    return (np.cumsum(np.bincount(which) > 0) - 1)[which]


def bounds(squared: Squared, z: Array) -> tuple[Array, Array]:
    """Lower and upper bounds of the error, not squared, at normal quantiles ``z``."""
    theta, noise = squared.value, squared.noise
    widest, two, three = float(noise.max()), 2 * float(noise @ noise), 8 * float((noise**3).sum())
    skew = ((z * z - 1) / 6)[:, None]
    z = z[:, None]

    def too_low(tau: Array) -> Array:
        v, k = two + 4 * tau * widest, three + 24 * tau * widest**2
        return np.asarray(theta - tau - skew * k / v > z * np.sqrt(v))

    def low_enough(tau: Array) -> Array:
        # An estimate below 0 is chance: it rules out no more than an estimate of 0 does.
        return ~(tau - max(0.0, theta) > z * np.sqrt(two + 4 * tau * widest))

    top = np.ones(z.shape[0])
    floor = np.where(too_low(np.zeros((1, 1)))[:, 0], first_uncleared(too_low, 0 * top, top), 0.0)
    ceiling = np.minimum(first_uncleared(low_enough, 0 * top, top) + 1e-12, 1.0)
    return np.sqrt(floor), np.sqrt(ceiling)
