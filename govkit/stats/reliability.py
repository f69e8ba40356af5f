"""What happened beside what was stated: expected calibration error, reliability bins, and a test of consistency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.stats.estimate import Estimate
from govkit.stats.inputs import stated
from govkit.stats.proportions import proportion

DRAWN_AT_ONCE = 4_000_000
"""Random numbers held in memory at a time."""


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
    import numpy as np

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
    import numpy as np

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


def consistency_test(confidence: Any, correct: Any, seed: int, draws: int = 199) -> float:
    """p-value that the stated probabilities are right, by redrawing what happened from them.

    The statistic is the largest cumulated gap between what was stated and what happened, rows in the order of the
    stated probability (Broecker and Smith 2007; Gupta 2021).

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        seed: Seed of the draws.
        draws: Number of draws; the smallest p-value is ``1 / (draws + 1)``.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    import numpy as np

    f, y = stated(confidence, correct)
    order = np.argsort(f, kind="stable")
    f, y = f[order], y[order]
    # Rows that state the same enter together, so that their order does not matter.
    last = np.flatnonzero(np.diff(f, append=2.0) > 0)

    def largest_gap(outcome: Array) -> Array:
        return np.abs(np.cumsum(outcome - f, axis=-1)[..., last]).max(axis=-1)

    observed = float(largest_gap(y))
    rng = np.random.default_rng(seed)
    at_once = max(1, DRAWN_AT_ONCE // f.size)
    beyond = 0
    for start in range(0, draws, at_once):
        outcome = rng.random((min(at_once, draws - start), f.size)) < f
        # Sums of the same numbers in another order differ in the last digits: a tie counts as beyond.
        beyond += int((largest_gap(outcome) >= observed - 1e-9).sum())
    return (beyond + 1) / (draws + 1)


def _bin(f: Array, bins: int) -> Array:
    import numpy as np

    if bins < 1:
        raise ValueError(f"bins is {bins}; expected 1 or more")
    edges = np.arange(bins + 1) / bins
    return np.minimum(np.searchsorted(edges, f, side="right") - 1, bins - 1)


def _edge(k: int, bins: int) -> str:
    """An edge with as many decimals as the bins need: 0.8 of ten bins, 0.85 of twenty, 0.867 of fifteen."""
    decimals = next((d for d in (1, 2) if 10**d % bins == 0), 3)
    return f"{k / bins:.{decimals}f}"
