"""What each estimate is made of, cluster by cluster: linear in the clusters, with the worst that one of them can add.

Counts come as totals by part and cluster, ``(k, C)``, or ``(C,)`` for one part (:meth:`Clusters.sums`); a cluster may
hold no row of a part.
"""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Clusters, Design, design_from, joined, part_of
from govkit.stats.inputs import numbers, same_length
from govkit.stats.unseen import Points, points

Side = tuple[Any, Any]
"""Successes and rows by part and cluster."""


def share_design(events: Any, rows: Any) -> Design:
    """The design of shares.

    Args:
        events: Successes ``(k, C)``.
        rows: Rows ``(k, C)``.

    Raises:
        ValueError: If the shapes differ, a part has no rows, or there are more successes than rows.
    """
    return joined([_mean(x, n, float(x.sum() * (1 - x.sum() / n.sum())), (0.0, 1.0)) for x, n in _sides(events, rows)])


def paired_design(wins: Any, losses: Any, rows: Any) -> Design:
    """The design of paired differences ``(wins - losses) / rows``.

    Args:
        wins: Rows where only the first is right, ``(k, C)``.
        losses: Rows where only the second is right, ``(k, C)``.
        rows: All rows, ``(k, C)``.

    Raises:
        ValueError: If the shapes differ, a part has no rows, or more are won and lost than there are.
    """
    _sides(np.add(wins, losses), rows)
    found = []
    for (won, n), (lost, _) in zip(_sides(wins, rows), _sides(losses, rows), strict=True):
        apart, total = won - lost, float((won + lost).sum())
        found.append(_mean(apart, n, total - float(apart.sum()) ** 2 / float(n.sum()), (-1.0, 1.0)))
    return joined(found)


def mean_design(values: Any, clusters: Clusters, *, low: float, high: float) -> Design:
    """The design of a mean of numbers between ``low`` and ``high``, one a row ``(n,)``.

    Raises:
        ValueError: If the lengths differ.
    """
    x = numbers("values", values)
    same_length(values=x, clusters=clusters.codes)
    away = x - x.mean()
    return _mean(clusters.sums(x), clusters.rows(), float(away @ away), (low, high))


def design_of(values: Any, clusters: Clusters) -> Design:
    """As ``mean_design``, of numbers whose range is what was seen: what clusters do to their mean."""
    x = numbers("values", values)
    return mean_design(x, clusters, low=float(x.min()), high=float(x.max()))


def _mean(totals: Array, rows: Array, squares: float, ends: tuple[float, float]) -> Design:
    """Design of a mean from totals ``(C,)``, the sum of squares around it, and the ends of its range."""
    n, part = float(rows.sum()), part_of(rows)
    value = float(totals.sum()) / n

    def found(some: Array, pull: Array) -> Points:
        lost = part * (value - ends[0]), part * (ends[1] - value)
        return points(pull[some], rows[some] / n, lost, (part, part))

    return design_from([((totals - value * rows) / n, rows)], squares / n / n, found)


def difference_design(first: Side, second: Side, *, ratio: Any = None) -> Design:
    """The design of differences of two shares, whose groups may lie in the same clusters or in clusters of their own.

    Args:
        first: Successes and rows of the first groups, each ``(k, C)``.
        second: The same of the second groups, over the same clusters.
        ratio: The ratio of the shares ``(k,)``, to get the design of ratios instead; the second shares are not 0.

    Raises:
        ValueError: If the shapes differ, a group has no rows, or there are more successes than rows.
    """
    pairs = list(zip(_sides(*first), _sides(*second), strict=True))
    if ratio is not None:
        factors = np.broadcast_to(np.asarray(ratio, dtype=np.float64), len(pairs)).tolist()
        return joined([_ratio(*pair, factor) for pair, factor in zip(pairs, factors, strict=True)])
    return joined([_change(*((x, n, _binary(x, n), (0.0, 1.0)) for x, n in pair)) for pair in pairs])


def gap_change_design(inside: tuple[Any, Any, Any], outside: tuple[Any, Any, Any]) -> Design:
    """The design of changes of gaps: arguments as of ``gap_changes``, each ``(k, C)``.

    Raises:
        ValueError: If the shapes differ, a side has no rows, or more of them change than there are.
    """
    found = []
    sides = [list(zip(_sides(a, n), _sides(b, n), strict=True)) for a, b, n in (inside, outside)]
    for pair in zip(*sides, strict=True):
        parts = []
        for (a, n), (b, _) in pair:
            apart, total = a - b, float(n.sum())
            variance = (float((a + b).sum()) - float(apart.sum()) ** 2 / total) / total**2
            parts.append((apart, n, variance, (-1.0, 1.0)))
        found.append(_change(*parts))
    _sides(np.add(*inside[:2]), inside[2])
    return joined(found)


def mean_change_design(a: Any, b: Any, clusters: Clusters, *, low: float, high: float) -> Design:
    """The design of a mean of the first sample less that of the second, between ``low`` and ``high`` each.

    Args:
        a: Values ``(n,)``.
        b: Values ``(m,)``.
        clusters: Of the rows of the first and, behind them, the second, ``(n + m,)``.
        low: Smallest possible value.
        high: Largest possible value.

    Raises:
        ValueError: If the lengths differ.
    """
    both = np.concatenate([numbers("a", a), numbers("b", b)])
    same_length(values=both, clusters=clusters.codes)
    own = np.arange(both.size) < np.size(a)
    parts = []
    for rows in (own, ~own):
        variance = float(both[rows].var()) / int(rows.sum())
        parts.append((clusters.sums(both, rows), clusters.sums(rows), variance, (low, high)))
    return _change(*parts)


Sample = tuple[Array, Array, float, tuple[float, float]]
"""Totals and rows by cluster, variance of the mean if rows were independent, ends of the range of a row."""


def _change(first: Sample, second: Sample) -> Design:
    """Design of a difference of two means."""
    (x, n, one, (low, high)), (y, m, two, (least, most)) = first, second
    size, other = float(n.sum()), float(m.sum())
    mean, rest = float(x.sum()) / size, float(y.sum()) / other
    part, counterpart = part_of(n), part_of(m)

    def found(some: Array, pull: Array) -> Points:
        down = part * (mean - low) + counterpart * (most - rest)
        up = part * (high - mean) + counterpart * (rest - least)
        mass = (n[some] / size + m[some] / other) / 2
        return points(pull[some], mass, (down, up), ((part + counterpart) / 2,) * 2)

    sides = ((x - mean * n) / size, n), (-(y - rest * m) / other, m)
    return design_from(sides, one + two, found)


def _ratio(first: tuple[Array, Array], second: tuple[Array, Array], ratio: float) -> Design:
    """Design of a ratio: of ``x/n - r y/m``, which is 0 at the truth, as a function of ``r``."""
    (x, n), (y, m) = first, second
    size, other = float(n.sum()), float(m.sum())
    share, base = float(x.sum()) / size, float(y.sum()) / other
    part, counterpart = part_of(n), part_of(m)

    def found(some: Array, pull: Array) -> Points:
        down = part * share + ratio * counterpart * (1 - base)
        up = part * (1 - share) + ratio * counterpart * base
        return points(pull[some], y[some] / other, (down, up), (counterpart, 0.0))

    sides = ((x - share * n) / size, n), (-ratio * (y - base * m) / other, m)
    return design_from(sides, _binary(x, n) + ratio * ratio * _binary(y, m), found)


def _binary(x: Array, n: Array) -> float:
    """Variance of a share of independent rows."""
    total = float(n.sum())
    share = float(x.sum()) / total
    return share * (1 - share) / total


def _sides(events: Any, rows: Any) -> list[tuple[Array, Array]]:
    """Counts and rows of each part by cluster, checked, each ``(C,)``."""
    x, n = (np.atleast_2d(np.asarray(each, dtype=np.float64)) for each in (events, rows))
    if x.shape != n.shape:
        raise ValueError(f"counts have shape {x.shape} and rows {n.shape}; expected the same")
    if np.any(x < 0) or np.any(x > n):
        raise ValueError("a cluster holds more counts than rows")
    if not np.all(n.sum(axis=1) > 0):
        raise ValueError("a part has no rows; expected at least one")
    return list(zip(x, n, strict=True))
