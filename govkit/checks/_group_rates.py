"""Rates of groups, gaps and spreads as estimates with bounds, from plain counts."""

from __future__ import annotations

from collections.abc import Callable, Collection

from govkit import stats
from govkit.checks._fairness import ODDS, PARITIES, RATES, RATIOS
from govkit.core import LEVELS, Bound, Interval
from govkit.core.case import Array
from govkit.data.counts import CELLS, CountTable
from govkit.lazy import np
from govkit.stats import Design, Estimate
from govkit.stats.estimate import READER

Estimates = dict[str, list[Estimate | None]]

MOST_PAIRED = 40
"""Groups whose pairs are all compared; the work grows with their square."""


def group_rates(table: CountTable, rates: Collection[str] = tuple(RATES)) -> Estimates:
    """Rates of every group with their bounds, and less (and over) the same rate of everybody else.

    Args:
        table: Counts of K groups, for example one of :func:`govkit.data.count_table`.
        rates: Names out of ``RATES``.

    Returns:
        ``NAME``, ``NAME_difference`` and, for those in ``RATIOS``, ``NAME_ratio`` -> an estimate for each group, in
        the order of ``table.names``; None where a denominator is 0.

    References:
        Miettinen and Nurminen 1985 (bounds of differences and ratios, corrected), Clopper and Pearson 1934.
    """
    names = list(rates)
    events, rows = _counted(table.counts, names)
    other, rest = _rest(events), _rest(rows)
    divides = (rows > 0) & (rest > 0) & (other > 0) & np.isin(names, RATIOS)[:, None]
    held = None if table.rows is None else _Sums(names, *table.rows)
    alone = _each(stats.proportions, rows > 0, events, rows, design=None if held is None else held.share)
    found: Estimates = dict(zip(names, alone, strict=True))
    found |= _gaps(table.counts, names, held=held)
    quotients = _each(stats.ratios, divides, events, rows, other, rest, design=None if held is None else held.ratio)
    found |= {f"{name}_ratio": each for name, each in zip(names, quotients, strict=True) if name in RATIOS}
    if set(ODDS) <= set(names):
        pairs = zip(*(found[f"{name}_difference"] for name in ODDS), strict=True)
        found["average_odds_difference"] = [_average(*pair) for pair in pairs]
    return found


class _Sums:
    """Events and denominators of rates by cluster, where rows belong together: designs by rate and group.

    Attributes:
        counts: Rows of each group and cell in each cluster, ``(K, 5, C)`` with the first two in one axis, sparse.
    """

    def __init__(self, names: list[str], codes: Array, cells: Array, clusters: Array) -> None:
        from scipy.sparse import coo_array

        place = codes.astype(np.int64) * len(CELLS) + cells
        self.counts = coo_array((np.ones(len(codes)), (place, clusters))).tocsr()
        self.names = names

    def sides(self, rate: int, group: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Events and rows of a group in each cluster, and those of everybody else, ``(C,)`` each."""
        counted, places = RATES[self.names[rate]], np.arange(self.counts.shape[0])
        held = []
        for part in (counted.events, counted.among):
            among, inside = np.isin(places % len(CELLS), part), places // len(CELLS) == group
            held.append([self.counts.T @ (among & side).astype(np.float64) for side in (inside, ~inside)])
        (own, others), (rows, rest) = held
        return (own, rows), (others, rest)

    def groups(self, rate: int, kept: Array) -> tuple[Array, Array]:
        """Events and rows of some groups in each cluster, each ``(K, C)``."""
        own = [self.sides(rate, int(group))[0] for group in kept.nonzero()[0]]
        return np.stack([each[0] for each in own]), np.stack([each[1] for each in own])

    def share(self, rate: int, group: int) -> Design:
        return stats.share_design(*self.sides(rate, group)[0])

    def difference(self, rate: int, group: int) -> Design:
        return stats.difference_design(*self.sides(rate, group))

    def ratio(self, rate: int, group: int) -> Design:
        own, others = self.sides(rate, group)
        shares = [events.sum() / rows.sum() for events, rows in (own, others)]
        return stats.difference_design(own, others, ratio=shares[0] / shares[1])


def _counted(counts: Array, names: list[str]) -> tuple[Array, Array]:
    """Events and denominators of each of R rates in each of K groups, each ``(R, K)``."""
    pairs = np.array([RATES[name].counted(counts) for name in names])
    return pairs[:, 0], pairs[:, 1]


def _rest(part: Array) -> Array:
    """The same of everybody outside each group, ``(R, K)``."""
    return part.sum(axis=1, keepdims=True) - part


def _gaps(counts: Array, names: list[str], *, held: _Sums | None = None, turned: bool = False) -> Estimates:
    """Rates of each group less those of everybody else; ``turned``: the other way round."""
    events, rows = _counted(counts, names)
    own, others = (events, rows), (_rest(events), _rest(rows))
    sides = (*others, *own) if turned else (*own, *others)
    found = _each(
        stats.differences, (rows > 0) & (others[1] > 0), *sides, design=None if held is None else held.difference
    )
    return {f"{name}_difference": each for name, each in zip(names, found, strict=True)}


def _each(
    estimates: Callable[..., list[Estimate]],
    where: Array,
    *columns: Array,
    design: Callable[[int, int], Design] | None = None,
) -> list[list[Estimate | None]]:
    """Estimates by rate and group, all at once; None where there is none. Arrays are ``(R, K)``."""
    more = {} if design is None or not where.any() else {"design": stats.joined([design(*at) for at in _places(where)])}
    found = iter(estimates(*(column[where] for column in columns), **more) if where.any() else ())
    return [[next(found) if each else None for each in row] for row in where]


def _places(where: Array) -> list[tuple[int, int]]:
    """Rate and group of what is true, in the order in which a mask takes them."""
    return [(int(rate), int(group)) for rate, group in zip(*where.nonzero(), strict=True)]


def spreads(table: CountTable, rates: Collection[str], *, min_rows: int) -> dict[str, Estimate | None]:
    """Largest rate less the smallest and smallest over largest, over the groups with ``min_rows`` below the line.

    None where fewer than two groups have them, more than ``MOST_PAIRED``, or, for a ratio, where no group has an event.
    """
    found: dict[str, Estimate | None] = {}
    held = None if table.rows is None else _Sums(list(rates), *table.rows)
    for at, name in enumerate(rates):
        events, rows = RATES[name].counted(table.counts)
        kept = rows >= max(min_rows, 1)
        events, rows, paired = events[kept], rows[kept], 2 <= kept.sum() <= MOST_PAIRED
        by_cluster = held.groups(at, kept) if held is not None and paired else None
        found[f"{PARITIES[name]}_difference"] = stats.spread(events, rows, by_cluster=by_cluster) if paired else None
        ratio = stats.spread_ratio(events, rows, by_cluster=by_cluster) if paired and events.any() else None
        found[f"{PARITIES[name]}_ratio"] = ratio
    if set(ODDS) <= set(rates):
        for kind, join, split in (("difference", max, ("low",)), ("ratio", min, ("high",))):
            one, two = (found[f"{PARITIES[name]}_{kind}"] for name in ODDS)
            both = joined(one, two, join, within=(0, 1), split=split) if one and two else None
            found[f"equalized_odds_{kind}"] = both
    return found


def changes(joint: Array, rates: Collection[str]) -> Estimates:
    """Gap of each group to everybody else under one model, less the same gap under another.

    Rows are paired where both models share the denominator. A predictive value has another denominator for each model:
    its two gaps are bounded apart, with half of the error each.

    Args:
        joint: Rows by group, cell of the one and cell of the other, int64 ``(K, 5, 5)``.
        rates: Names out of ``RATES``.

    Returns:
        ``NAME_difference`` -> an estimate for each group, None where a denominator is 0.
    """
    paired, apart = ([name for name in rates if RATES[name].paired == shared] for shared in (True, False))
    found: Estimates = {}
    if paired:
        crossed = np.array([RATES[name].crossed(joint) for name in paired])
        inside = crossed[..., 1, 0], crossed[..., 0, 1], crossed.sum(axis=(2, 3))
        outside = tuple(map(_rest, inside))
        both = (inside[2] > 0) & (outside[2] > 0)
        moved = _each(lambda *sides: stats.gap_changes(sides[:3], sides[3:]), both, *inside, *outside)
        found = {f"{name}_difference": each for name, each in zip(paired, moved, strict=True)}
    if apart:
        one, two = _gaps(joint.sum(axis=2), apart), _gaps(joint.sum(axis=1), apart, turned=True)
        found |= {name: [_sum(*pair) for pair in zip(one[name], two[name], strict=True)] for name in one}
    return found


def _sum(one: Estimate | None, two: Estimate | None) -> Estimate | None:
    if one is None or two is None:
        return None
    return joined(one, two, lambda a, b: a + b, within=(-2, 2))


def _average(one: Estimate | None, two: Estimate | None) -> Estimate | None:
    if one is None or two is None:
        return None
    return joined(one, two, lambda a, b: (a + b) / 2, within=(-1, 1))


STRICTER = tuple(
    next((at for at, other in enumerate(LEVELS) if 1 - other <= (1 - level) / 2 + 1e-12), None) for level in LEVELS
)
"""Index of the loosest stored level with at most half the error of each level; None where none is strict enough."""


def joined(
    one: Estimate,
    two: Estimate,
    join: Callable[[float, float], float],
    *,
    within: tuple[float, float],
    split: tuple[str, ...] = ("low", "high"),
) -> Estimate:
    """A quantity made of two estimated ones, each on rows of its own.

    Each of the two gets half of the error (Bonferroni), except on a side that is not in ``split``: the larger of two
    lies below its own upper bound, whichever it is.

    Args:
        one: The one.
        two: The other.
        join: Makes one number of both; non-decreasing in each.
        within: Possible range.
        split: Sides on which the error is divided.
    """
    ends = {}
    for side, possible in zip(("low", "high"), within, strict=True):
        places = STRICTER if side in split else range(len(LEVELS))
        pairs = [
            None if at is None else (getattr(one.bounds[at], side), getattr(two.bounds[at], side)) for at in places
        ]
        ends[side] = [possible if pair is None else join(*pair) for pair in pairs]
    bounds = tuple(
        Bound(level=level, low=low, high=high)
        for level, low, high in zip(LEVELS, ends["low"], ends["high"], strict=True)
    )
    method = f"two joined: {one.interval.method}"
    interval = Interval(level=0.95, low=bounds[READER].low, high=bounds[READER].high, method=method)
    clusters = None if one.clusters is None or two.clusters is None else max(one.clusters, two.clusters)
    return Estimate(join(one.value, two.value), one.n + two.n, interval, bounds, clusters)
