"""How good is the top of a ranking: average precision, and precision among the first rows; intervals for the reader."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from govkit.core import Interval
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.bootstrap import multinomial
from govkit.stats.estimate import ALPHAS, QUANTILES, READER, Estimate
from govkit.stats.inputs import numbers, same_length, truths

EDGE = 1e-12
"""What rounding leaves of nothing."""

CELLS = 200
"""Most distinct scores that are drawn apart; more are first joined with their neighbors."""


def average_precision(scores: Any, positive: Any) -> Estimate:
    """Mean over the positive rows of the precision down to each, in (0, 1]; rows that tie are reached together.

    The interval is normal on the logit scale, its variance the infinitesimal jackknife, the limit of a bootstrap with
    ever more draws (Efron 1982, "The jackknife, the bootstrap and other resampling plans", section 6).

    Args:
        scores: Score of each row, higher means more likely positive, ``(n,)``.
        positive: Truths ``(n,)``.

    Raises:
        ValueError: If a score is not finite, the lengths differ, or no row is positive.
    """
    value, pulls = _average_precision(scores, positive)
    error = float(np.sqrt(pulls @ pulls))
    if error > EDGE and value < 1 - EDGE:
        half = QUANTILES[READER] * error / (value * (1 - value))
        at = math.log(value / (1 - value))
        low, high = (1 / (1 + math.exp(-end)) for end in (at - half, at + half))
    else:
        # Rows that were not seen may rank quite otherwise.
        unseen = 1 - ALPHAS[READER] ** (1 / int(np.sum(positive)))
        low, high = value * (1 - unseen), 1 - (1 - value) * (1 - unseen)
    return Estimate(value, pulls.size, Interval(level=0.95, low=low, high=high, method="infinitesimal jackknife"), ())


def average_precision_difference(scores_a: Any, scores_b: Any, positive: Any) -> Estimate:
    """Average precision of ``a`` less that of ``b`` on the same rows, in [-1, 1]; arguments as of the single ones."""
    (first, pulls_a), (second, pulls_b) = _average_precision(scores_a, positive), _average_precision(scores_b, positive)
    same_length(scores_a=pulls_a, scores_b=pulls_b)
    value, half = first - second, QUANTILES[READER] * float(np.sqrt(np.sum((pulls_a - pulls_b) ** 2)))
    interval = Interval(level=0.95, low=value - half, high=value + half, method="paired infinitesimal jackknife")
    return Estimate(value, pulls_a.size, interval, ())


def _average_precision(scores: Any, positive: Any) -> tuple[float, Array]:
    """Average precision, and how much more weight on each row would move it, ``(n,)``."""
    s, y = numbers("scores", scores), truths("positive", positive)
    same_length(scores=s, positive=y)
    k = int(y.sum())
    if k == 0:
        raise ValueError("no row is positive; expected at least one")
    _, level = np.unique(-s, return_inverse=True)
    positives, rows = np.bincount(level, y), np.bincount(level)
    reached = np.cumsum(rows)
    precision = np.cumsum(positives) / reached
    value = float(positives @ precision) / k
    # More weight on a row raises or lowers the precision at its score and at every lower one.
    below = np.cumsum((positives / reached)[::-1])[::-1]
    lowered = np.cumsum((positives * precision / reached)[::-1])[::-1]
    pulls = y * (precision + below - value)[level] - lowered[level]
    return value, pulls / k


def precision_at_top(scores: Any, positive: Any, *, top: float, seed: int) -> Estimate:
    """Share of positives among the first ``top`` of the rows, in [0, 1]; of rows that tie at the end, a fair part.

    Args:
        scores: Score of each row, higher means more likely positive, ``(n,)``.
        positive: Truths ``(n,)``.
        top: Share of the rows, in (0, 1]; the number of rows is rounded up.
        seed: Seed of the draws behind the interval.

    Raises:
        ValueError: If a score is not finite, the lengths differ, or ``top`` is out of range.
    """
    s, y = numbers("scores", scores), truths("positive", positive)
    same_length(scores=s, positive=y)
    if not 0 < top <= 1:
        raise ValueError(f"top is {top}; expected a share in (0, 1]")
    first = max(1, math.ceil(round(top * s.size, 6)))
    _, level, rows = np.unique(-s, return_inverse=True, return_counts=True)
    value = float(_at_top(np.bincount(2 * level + y, minlength=2 * rows.size)[None], first)[0])
    if rows.size > CELLS:
        level = ((np.cumsum(rows) - rows / 2) * CELLS / s.size).astype(np.int64)[level]
    table = np.bincount(2 * level + y, minlength=2 * int(level.max()) + 2)
    found = multinomial(table, lambda counts: _at_top(counts, first), seed=seed)
    low, high = min(found.interval.low, value), max(found.interval.high, value)
    return replace(found, value=value, interval=found.interval.model_copy(update={"low": low, "high": high}))


def _at_top(counts: Array, first: int) -> Array:
    """Share of positives in the first rows; counts of negatives and positives by turns, best first, ``(..., 2c)``."""
    positives, rows = counts[..., 1::2], counts[..., ::2] + counts[..., 1::2]
    taken = np.clip(first - (np.cumsum(rows, axis=-1) - rows), 0, rows)
    return np.asarray(np.sum(taken * positives / np.maximum(rows, 1), axis=-1) / first)
