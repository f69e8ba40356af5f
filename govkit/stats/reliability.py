"""What happened beside what was stated: expected calibration error, reliability bins, and a test of consistency."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import Estimate
from govkit.stats.inputs import stated
from govkit.stats.proportions import proportion

DRAWN_AT_ONCE = 4_000_000
"""Random numbers held in memory at a time."""

EXACT = 20_000
"""Rows up to which the consistency test draws every outcome."""

BLOCKS = 500
"""Shares of the rows, and of [0, 1], that more rows are drawn in."""


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose stated probability lies in one interval.

    Attributes:
        label: The interval, for example ``"0.8-0.9"``.
        n: Rows.
        confidence: Mean stated probability.
        observed: Share that came true.
    """

    label: str
    n: int
    confidence: float
    observed: Estimate


def ece(confidence: Any, correct: Any, bins: int = 15) -> float:
    """Expected calibration error over bins of equal width (Naeini 2015, Guo 2017), in [0, 1].

    It is biased upwards on few rows, even for a perfect model: compare it with published values, never gate on it.

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        bins: Number of bins, half-open ``[low, high)``; the last holds 1.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct)
    gaps = np.bincount(_bin(f, bins), weights=y - f, minlength=bins)
    return float(np.abs(gaps).sum() / f.size)


def reliability_bins(confidence: Any, correct: Any, bins: int = 10) -> list[ReliabilityBin]:
    """The points of a reliability diagram, bins without rows left out.

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        bins: Number of bins of equal width.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct)
    which = _bin(f, bins)
    rows = np.bincount(which, minlength=bins)
    true = np.bincount(which, weights=y, minlength=bins)
    sums = np.bincount(which, weights=f, minlength=bins)
    return [
        ReliabilityBin(
            label=f"{_edge(k, bins)}-{_edge(k + 1, bins)}",
            n=int(rows[k]),
            confidence=float(sums[k] / rows[k]),
            observed=proportion(int(true[k]), int(rows[k])),
        )
        for k in np.flatnonzero(rows).tolist()
    ]


def cumulated_gap(confidence: Any, correct: Any) -> float:
    """Largest cumulated gap between what was stated and what happened, as a share of all rows, in [0, 1].

    Rows enter in the order of the stated probability: no bins, but errors of opposite signs cancel (Gupta 2021,
    "Calibration of neural networks using splines": the KS error).

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct)
    order = np.argsort(f)
    gaps = np.cumsum(y[order] - f[order])
    return float(np.abs(gaps[_last(f[order])]).max() / f.size)


def consistency_test(confidence: Any, correct: Any, seed: int, draws: int = 199) -> float:
    """p-value that the stated probabilities are right, by redrawing what happened from them.

    The statistic is the largest cumulated gap, in the order of the stated probability and in that of certainty
    (Broecker and Smith 2007, "Increasing the reliability of reliability diagrams"). Up to ``EXACT`` rows each outcome
    is drawn. More rows are drawn as sums over blocks that state nearly the same, and the gap is looked at where blocks
    end, observed and drawn alike. Such a sum is taken for binomial at the mean of what its rows state, which spreads a
    trifle more than the truth (Hoeffding 1956): on the safe side.

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        seed: Seed of the draws.
        draws: Number of draws; the smallest p-value is ``1 / (draws + 1)``.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct)
    order = np.argsort(f)
    f, y, rows = f[order], y[order].astype(np.float64), np.ones(f.size, np.int64)
    if f.size > EXACT:
        starts = _block_starts(f)
        rows = np.diff(starts, append=f.size)
        f, y = np.minimum(np.add.reduceat(f, starts) / rows, 1), np.add.reduceat(y, starts)
    largest_gap = _largest_gap(f, rows)
    observed, rng, beyond = float(largest_gap(y)), np.random.default_rng(seed), 0
    at_once = max(1, DRAWN_AT_ONCE // f.size)
    for start in range(0, draws, at_once):
        shape = (min(at_once, draws - start), f.size)
        outcome = rng.random(shape) < f if rows.max() == 1 else rng.binomial(rows, f, shape)
        # Sums of the same numbers in another order differ in the last digits: a tie counts as beyond.
        beyond += int((largest_gap(outcome) >= observed - 1e-9).sum())
    return (beyond + 1) / (draws + 1)


def _largest_gap(f: Array, rows: Array) -> Callable[[Array], Array]:
    """Largest cumulated gap, as a function of outcomes ``(..., k)`` of blocks of ``rows`` that state ``f``, ascending.

    Once in the order of ``f``; once from the least certain to the most certain, gaps counted away from one half: there
    a model that is too certain on both sides errs in one direction all along, where in the order of ``f`` the gaps of
    one side take back those of the other.
    """
    folded = np.argsort(np.abs(f - 0.5), kind="stable")
    away, last, last_folded = np.where(f < 0.5, -1.0, 1.0), _last(f), _last(f[folded])

    def largest_gap(outcome: Array) -> Array:
        gaps = outcome - rows * f
        ascending = np.abs(np.cumsum(gaps, axis=-1)[..., last]).max(axis=-1)
        outwards = np.abs(np.cumsum((gaps * away)[..., folded], axis=-1)[..., last_folded]).max(axis=-1)
        return np.maximum(ascending, outwards)

    return largest_gap


def _last(f: Array) -> Array:
    """Last of the rows that state the same, which stand together: they enter at once, in whatever order they came."""
    return np.flatnonzero(np.diff(f, append=2.0) != 0)


def _block_starts(f: Array) -> Array:
    """First row of each block of sorted rows: neither many rows nor a wide range of probabilities in one block."""
    last = _last(f)
    by_rows, by_value = last * BLOCKS // f.size, (f[last] * BLOCKS).astype(np.int64)
    ends = last[(np.diff(by_rows, append=-1) != 0) | (np.diff(by_value, append=-1) != 0)]
    return np.concatenate([[0], ends[:-1] + 1])


def _bin(f: Array, bins: int) -> Array:
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected 1 or more")
    edges = np.arange(bins + 1) / bins
    return np.minimum(np.searchsorted(edges, f, side="right") - 1, bins - 1)


def _edge(k: int, bins: int) -> str:
    """An edge with as many decimals as the bins need: 0.8 of ten bins, 0.85 of twenty, 0.867 of fifteen."""
    decimals = next((d for d in (1, 2) if 10**d % bins == 0), 3)
    return f"{k / bins:.{decimals}f}"
