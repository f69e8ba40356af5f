"""The calibration errors of two models, compared.

Near 0 the root of a squared error is rough and folded: it can only err upwards, and an estimate plus or minus a
multiple of its standard error misses up to 80 times too often. Two tests of a trial difference stand in for it, and
which of them is used depends on the trial alone, so that no error has to be split between them.

Far from 0 the bounds of the two errors are joined by the square-and-add rule (Zou and Donner 2008), with their
correlation where both answer the same rows; and where one error cannot be told from 0, it counts as 0 in the bound
that this widens. Near 0, and on rows of their own, that joins two worst cases; there the squared errors are compared,
whose difference is smooth and has the sign of the difference. How far it should lie from 0 under a trial depends on the
sizes of both errors, taken from their confidence ranges at a tenth of the error (Berger and Boos 1994); its variance is
that at the trial's likeliest sizes. On the same rows square-and-add is the sharper of the two throughout.
"""

from __future__ import annotations

import math
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.calibration_errors import Squared, bounds, squared_error
from govkit.stats.estimate import ALPHAS, QUANTILES, READER, Estimate, assemble
from govkit.stats.inputs import same_length, stated
from govkit.stats.inversion import first_uncleared

DRAWS = 200
NEAR = 1.0
"""Trial differences up to so many noise scales are tested on the squared scale."""

NUISANCE = 0.1
"""Share of the error that is spent on the range of the sizes that the two errors may have."""


def calibration_difference(
    conf_a: Any, correct_a: Any, conf_b: Any, correct_b: Any, *, paired: bool, seed: int
) -> Estimate:
    """Calibration error of ``a`` less that of ``b``, in [-1, 1].

    Args:
        conf_a: Stated probabilities of ``a``, ``(n,)`` in [0, 1].
        correct_a: What happened, truths ``(n,)``.
        conf_b: Stated probabilities of ``b``, ``(m,)``.
        correct_b: What happened, truths ``(m,)``.
        paired: Whether both answer the same rows in the same order; then ``m = n``.
        seed: Seed of the bootstrap of the correlation; without pairs nothing is drawn.

    Raises:
        ValueError: If a side has fewer than two rows, a probability lies outside [0, 1], or paired lengths differ.
    """
    first, second = stated(conf_a, correct_a, at_least=2), stated(conf_b, correct_b, at_least=2)
    if paired:
        same_length(conf_a=first[0], conf_b=second[0])
    a, b = squared_error(*first), squared_error(*second)
    correlation = _correlation((a, *first), (b, *second), seed) if paired else 0.0
    lows, highs = _join(a, b, correlation, np.array(QUANTILES))
    if not paired:
        lows, highs = _sharper(a, b, lows), -_sharper(b, a, -highs)
    change, rows = _root(a) - _root(b), first[0].size
    n = rows if paired else rows + second[0].size
    return assemble(
        change,
        n,
        lows,
        highs,
        method="debiased L2, square-and-add" + ("" if paired else " and squared scale"),
        within=(-1.0, 1.0),
    )


def _root(squared: Squared) -> float:
    return math.sqrt(max(0.0, squared.value))


def _join(a: Squared, b: Squared, correlation: float, z: Array) -> tuple[Array, Array]:
    """Bounds of the difference from the bounds of its two sides, at ``LEVELS``."""
    (low_a, high_a), (low_b, high_b) = bounds(a, z), bounds(b, z)
    at_a, at_b = _root(a), _root(b)

    def reach(one: Array, other: Array) -> Array:
        return np.sqrt(np.maximum(one * one + other * other - 2 * correlation * one * other, 0))

    lows = at_a - at_b - reach(np.maximum(at_a - low_a, 0), high_b - at_b)
    highs = at_a - at_b + reach(high_a - at_a, np.maximum(at_b - low_b, 0))
    # What cannot be told from 0 at 0.975 counts as 0 at looser levels too: just above 0 the rule still errs.
    none_a, none_b = ((low == 0) | (low[READER] == 0) for low in (low_a, low_b))
    return np.where(none_a, np.minimum(lows, -high_b), lows), np.where(none_b, np.maximum(highs, high_a), highs)


def _sharper(a: Squared, b: Squared, lows: Array) -> Array:
    """Lower bounds of the error of ``a`` less that of ``b``: near 0 those of the squared scale, else ``lows``."""
    from scipy.special import ndtri

    near = NEAR * (_spread(a) + _spread(b)) ** 0.25
    spent = NUISANCE * np.array(ALPHAS)
    (low_a, high_a), (low_b, high_b) = (
        (low[:, None], high[:, None]) for low, high in (bounds(side, -ndtri(spent / 2)) for side in (a, b))
    )
    z = -ndtri(np.array(ALPHAS) - spent)[:, None]
    change, total = a.value - max(0.0, b.value), max(0.0, a.value) + max(0.0, b.value)

    def too_low(trial: Array) -> Array:
        least = np.maximum(0.0, -trial)
        # The size of the error of b that leaves the least room below the change that was seen, and the likeliest one.
        most, fewest = np.minimum(high_b, high_a - trial), np.maximum(low_b, low_a - trial)
        worst = np.maximum(least, np.where(trial > 0, most, fewest))
        size = np.maximum(least, (np.sqrt(np.maximum(2 * total - trial**2, 0)) - trial) / 2)
        v, w = _variance(a, (size + trial) ** 2), _variance(b, size**2)
        skew = (z * z - 1) / 6 * _third(a, (size + trial) ** 2) / (v + w)
        return np.asarray(change - trial * (2 * worst + trial) - skew > z * np.sqrt(v + w))

    found = first_uncleared(too_low, np.full(lows.shape, -near), np.full(lows.shape, near))
    beyond = (lows < -near) | (found > near * (1 - 1e-9))
    return np.where(beyond, lows, found)


def _spread(squared: Squared) -> float:
    """Variance of a squared error that is truly 0."""
    return 2 * float(squared.noise @ squared.noise)


def _variance(squared: Squared, tau: Array) -> Array:
    """Variance of a squared error that is truly ``tau``."""
    return _spread(squared) + 4 * tau * squared.typical


def _third(squared: Squared, tau: Array) -> Array:
    """Third cumulant of a squared error that is truly ``tau``, from above."""
    return 8 * float((squared.noise**3).sum()) + 24 * tau * float(squared.noise.max()) ** 2


def _correlation(a: tuple[Squared, Array, Array], b: tuple[Squared, Array, Array], seed: int) -> float:
    """Correlation of the two squared errors, from below, by a bootstrap over the cells that rows fall into.

    A row counts only through its bins and outcomes, so that a draw is one multinomial over the occupied cells,
    whatever the number of rows. Taken at its lower 95 % bound: too high a correlation would narrow the result.
    """
    bins = int(b[0].which.max()) + 1
    key = ((a[0].which * bins + b[0].which) * 2 + a[2]) * 2 + b[2]
    cell, which, held = np.unique(key, return_inverse=True, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(key.size, held / key.size, size=DRAWS).astype(np.float64)
    sides = (
        (cell // 4 // bins, cell // 2 % 2, a[1]),
        (cell // 4 % bins, cell % 2, b[1]),
    )
    one, two = (_redrawn(draws, where, true, np.bincount(which, weights=f) / held) for where, true, f in sides)
    if one.std() == 0 or two.std() == 0:
        return 0.0
    rho = float(np.corrcoef(one, two)[0, 1])
    return min(1.0, max(0.0, rho - 1.645 * (1 - rho * rho) / math.sqrt(DRAWS)))


def _redrawn(draws: Array, where: Array, true: Array, confidence: Array) -> Array:
    """Debiased squared error of each draw ``(draws,)``; cells have a bin, an outcome and a mean confidence."""
    member = np.zeros((where.size, int(where.max()) + 1))
    member[np.arange(where.size), where] = 1
    rows = draws @ member
    some = np.maximum(rows, 1)
    share = draws @ (member * true[:, None]) / some
    gap = draws @ (member * (true - confidence)[:, None]) / some
    unbiased = np.where(rows > 1, gap**2 - share * (1 - share) / np.maximum(rows - 1, 1), 0.0)
    return (rows * unbiased).sum(axis=1) / rows.sum(axis=1)
