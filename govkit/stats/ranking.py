"""The area under the ROC curve, of one model and of two models on the same rows.

Variances are DeLong's (1988), by midranks (Sun and Xu 2014). Normal bounds on them miss far too often with few rows
on one side or an area near 1, so the bounds that gate use Student's t with Satterthwaite's degrees of freedom, move
outwards by the skewness, and are never closer than what rows that were not seen could change: with ``k`` rows on the
smaller side, a share of up to ``1 - alpha**(1/k)`` of them may rank quite otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Clusters, Design, design_from, part_of, respecting
from govkit.stats.estimate import ALPHAS, QUANTILES, READER, Estimate, assemble
from govkit.stats.inputs import numbers, same_length, truths
from govkit.stats.unseen import Points, points

EDGE = 1e-9


@dataclass(frozen=True)
class Placements:
    """For each row, the share of the other class that it is ranked right against.

    Attributes:
        positives: Share of negatives below each positive, ``(k,)``; ties count a half.
        negatives: Share of positives above each negative, ``(m,)``.
        clusters: Cluster of each positive ``(k,)`` and of each negative ``(m,)``, where rows belong together.
    """

    positives: Array
    negatives: Array
    clusters: tuple[Array, Array] | None = None

    @property
    def area(self) -> float:
        """Mean placement: the area under the curve (or a difference of two)."""
        return float(self.positives.mean())

    def __sub__(self, other: Placements) -> Placements:
        return Placements(self.positives - other.positives, self.negatives - other.negatives, self.clusters)


@dataclass(frozen=True)
class _Spread:
    """Variance, standardized skewness and degrees of freedom of a mean placement."""

    variance: float
    skewness: float
    freedom: float


def placements(scores: Any, positive: Any, *, clusters: Clusters | None = None) -> Placements:
    """Rank both classes against each other.

    Args:
        scores: Score of each row, higher means more likely positive, ``(n,)``.
        positive: Truths ``(n,)``.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If a score is not finite, the lengths differ, or a class has no row.
    """
    s, y = numbers("scores", scores), truths("positive", positive)
    same_length(scores=s, positive=y)
    above, below = s[y], s[~y]
    k, m = above.size, below.size
    if k == 0 or m == 0:
        raise ValueError(f"{k} positive and {m} negative rows; a ranking needs at least one of each")
    ranks = _midranks(s)
    codes = None if clusters is None else (clusters.codes[y], clusters.codes[~y])
    return Placements((ranks[y] - _midranks(above)) / m, 1 - (ranks[~y] - _midranks(below)) / k, codes)


def _midranks(values: Array) -> Array:
    """Ranks from 1; values that tie share their mean rank."""
    _, which, held = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(held) - (held - 1) / 2)[which]


def delong(placed: Placements) -> float:
    """DeLong's variance of the mean placement; 0 for a class of one row counts as no variance from it."""
    return _spread(placed).variance


def auc(scores: Any, positive: Any, *, clusters: Clusters | None = None) -> Estimate:
    """Area under the ROC curve, in [0, 1]; 0.5 is chance.

    Args:
        scores: Score of each row, higher means more likely positive, ``(n,)``.
        positive: Truths ``(n,)``.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If a score is not finite, the lengths differ, or a class has no row.
    """
    return auc_of(placements(scores, positive, clusters=clusters))


def auc_of(placed: Placements) -> Estimate:
    """Area under the ROC curve of rows that were ranked before."""
    area, spread, unseen = placed.area, _spread(placed), _unseen(placed)
    lows, highs = area * (1 - unseen), 1 - (1 - area) * (1 - unseen)
    reader = None
    if EDGE < area < 1 - EDGE and spread.variance > 0:
        logit, slope = np.log(area / (1 - area)), 1 / (area * (1 - area))
        error = np.sqrt(spread.variance)
        # On the logit scale the curvature of the scale adds to the skewness of the area.
        curvature = (2 * area - 1) * slope * error / 2
        low, high = _t_ends(spread, curvature)
        lows = np.minimum(lows, _expit(logit + slope * error * low))
        highs = np.maximum(highs, _expit(logit + slope * error * high))
        half = QUANTILES[READER] * slope * error
        reader = (float(_expit(logit - half)), float(_expit(logit + half)))
    n = placed.positives.size + placed.negatives.size
    found = assemble(area, n, lows, highs, method="DeLong, logit", within=(0.0, 1.0), interval=reader)
    return respecting(found, _design(placed, (area, 1 - area)), (0.0, 1.0))


def auc_difference(scores_a: Any, scores_b: Any, positive: Any, *, clusters: Clusters | None = None) -> Estimate:
    """Area of ``a`` less area of ``b`` on the same rows, in [-1, 1].

    Args:
        scores_a: Scores of the first model ``(n,)``.
        scores_b: Scores of the second ``(n,)``.
        positive: Truths ``(n,)``.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If a score is not finite, the lengths differ, or a class has no row.
    """
    first, second = (placements(scores, positive, clusters=clusters) for scores in (scores_a, scores_b))
    return auc_difference_of(first, second)


def auc_difference_of(first: Placements, second: Placements) -> Estimate:
    """Area of the first ranking less area of the second, of the same rows in the same order."""
    placed = first - second
    spread, unseen = _spread(placed), _unseen(placed)
    error = np.sqrt(spread.variance)
    low, high = _t_ends(spread, 0.0)
    change = placed.area
    # A row that was not seen can at most fall to the bottom under a, or under b.
    drop, rise = max(first.area, 1 - second.area), max(1 - first.area, second.area)
    lows = np.minimum(change + error * low, change - drop * unseen)
    highs = np.maximum(change + error * high, change + rise * unseen)
    half = QUANTILES[READER] * error
    reader = (float(change - half), float(change + half)) if error > 0 else None
    n = placed.positives.size + placed.negatives.size
    found = assemble(change, n, lows, highs, method="paired DeLong", within=(-1.0, 1.0), interval=reader)
    return respecting(found, _design(placed, (1 + change, 1 - change)), (-1.0, 1.0))


def _design(placed: Placements, lost: tuple[float, float]) -> Design | None:
    """The design of a mean placement (Obuchowski 1997: DeLong's components, summed by cluster).

    Args:
        placed: The placements.
        lost: How far a row not seen may lie below the mean placement, and above it.
    """
    if placed.clusters is None:
        return None
    sides, count = [], 1 + max(int(codes.max()) for codes in placed.clusters)
    for codes, values in zip(placed.clusters, (placed.positives, placed.negatives), strict=True):
        away = np.bincount(codes, values - placed.area, count) / values.size
        sides.append((away, np.bincount(codes, minlength=count).astype(np.float64)))
    part = sum(part_of(rows) for _, rows in sides)

    def found(some: Array, pull: Array) -> Points:
        mass = sum(rows[some] / rows.sum() for _, rows in sides) / 2
        return points(pull[some], np.asarray(mass), (part * lost[0], part * lost[1]), (part / 2, part / 2))

    return design_from(sides, delong(placed), found)


def _spread(placed: Placements) -> _Spread:
    parts = []
    for values in (placed.positives, placed.negatives):
        n, away = values.size, values - values.mean()
        square = away * away
        variance = float(square.sum()) / max(n - 1, 1) / n
        parts.append((variance, float(square @ away) / n**3, max(n - 1, 1)))
    (v1, k1, f1), (v2, k2, f2) = parts
    variance = v1 + v2
    if variance <= EDGE**2:
        return _Spread(0.0, 0.0, min(f1, f2))
    freedom = variance**2 / (v1 * v1 / f1 + v2 * v2 / f2)
    return _Spread(variance, (k1 + k2) / variance**1.5, freedom)


def _t_ends(spread: _Spread, curvature: float) -> tuple[Array, Array]:
    """Ends at ``LEVELS`` in standard errors: t, moved outwards on the side that the skewness makes long."""
    from scipy.special import stdtrit

    t = -stdtrit(spread.freedom, np.array(ALPHAS))
    move = (2 * t * t + 1) / 6 * spread.skewness + t * t * curvature
    return -t + np.minimum(0, move), t + np.maximum(0, move)


def _unseen(placed: Placements) -> Array:
    """Largest share of rows that may behave otherwise and not show up, at ``LEVELS``."""
    return 1 - np.array(ALPHAS) ** (1 / min(placed.positives.size, placed.negatives.size))


def _expit(logit: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(logit, -700, 700)))
