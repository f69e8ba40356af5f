"""Rows that belong together: what they are worth, and how surely that is known.

Rows of one person, site or conversation are alike, so that many of them say less than as many rows of their own. The
bounds of counts stay what they are, on effective counts (Rao and Scott 1992): successes and rows are divided by the
design effect, the variance of the estimate from cluster totals over that of independent rows. The effect is itself an
estimate from few clusters, so that Student's t with Satterthwaite's degrees of freedom takes the place of the normal
quantile (Bell and McCaffrey 2002). Where events are so rare that the totals do not tell the effect, the freedom goes
to 0 and the worst effect rules: rows of a cluster that are all alike.

Clusters of one row each have effect 1 and no limit on the freedom; then every bound is that of independent rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.stats.inputs import numbers, same_length

MOST_FREEDOM = 1e9
"""Above it t is the normal distribution."""

LEAST = 1e-250
"""A smaller error than this asks for the worst effect instead."""

Side = tuple[Any, Any]
"""Successes and rows by part and cluster, each ``(k, C)``."""


@dataclass(frozen=True)
class Clusters:
    """Which cluster each row belongs to.

    Attributes:
        codes: Number of the cluster of each row, ``(n,)``, from 0.
        count: Number of clusters.
    """

    codes: Array
    count: int

    def sums(self, values: Any, part: Any = None) -> Array:
        """Total of values in each cluster, of all rows or of a part.

        Args:
            values: Numbers or truths ``(n,)``, or one set of them for each of ``k`` parts, ``(k, n)``.
            part: Truths ``(n,)`` or ``(k, n)``: which rows count.

        Returns:
            ``(C,)`` or ``(k, C)``, float64.
        """
        import numpy as np

        given = np.asarray(values)
        held = given if part is None else given * np.asarray(part)
        if held.ndim == 1:
            return np.bincount(self.codes, held, self.count)
        return np.stack([np.bincount(self.codes, row, self.count) for row in held])

    def __getitem__(self, rows: Any) -> Clusters:
        """The clusters of some of the rows, numbered anew."""
        return clusters_of(self.codes[rows])


def clusters_of(keys: Any) -> Clusters:
    """Number the clusters of rows by their key.

    Args:
        keys: Key of each row, anything that sorts, ``(n,)``.

    Raises:
        ValueError: If there are no rows.
    """
    import numpy as np

    array = np.asarray(keys)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"keys has shape {array.shape}; expected one key for each of at least one row")
    found, codes = np.unique(array, return_inverse=True)
    return Clusters(codes, found.size)


@dataclass(frozen=True)
class Design:
    """What clusters do to ``k`` estimates, each array ``(k,)``.

    Attributes:
        effect: Variance of the estimate over that of as many independent rows, from 1 to ``worst``.
        freedom: Degrees of freedom of the effect; 0 where nothing can be said of it, infinite where it is sure.
        worst: The effect if the rows of a cluster were all alike.
        clusters: Clusters that hold rows of the estimate.
    """

    effect: Array
    freedom: Array
    worst: Array
    clusters: Array

    def __getitem__(self, parts: Any) -> Design:
        """The design of some of the estimates; an index keeps the axis."""
        import numpy as np

        fields = self.effect, self.freedom, self.worst, self.clusters
        return Design(*(np.atleast_1d(each[parts]) for each in fields))


def crossed(*designs: Design) -> Design:
    """The design of rows that belong together in several ways at once, from above.

    The variances of the ways add, and that of the rows alone, which each of them counts, is taken off (Cameron, Gelbach
    and Miller 2011; what pairs of rows share in two ways is not taken off).

    Args:
        designs: Of the same estimates, one for each way.
    """
    import numpy as np

    if not designs:
        raise ValueError("no design; expected at least one")
    more = len(designs) - 1
    return Design(
        effect=np.sum([each.effect for each in designs], axis=0) - more,
        freedom=np.min([each.freedom for each in designs], axis=0),
        worst=np.sum([each.worst for each in designs], axis=0) - more,
        clusters=np.min([each.clusters for each in designs], axis=0),
    )


def share_design(events: Any, rows: Any) -> Design:
    """The design of shares.

    Args:
        events: Successes by part and cluster, ``(k, C)``; ``(C,)`` for one part.
        rows: Rows, same shape; a cluster may hold none of a part.

    Raises:
        ValueError: If the shapes differ, or there are more successes than rows somewhere.
    """
    x, n = _sides((events, rows))
    total = n.sum(axis=1, keepdims=True)
    share = x.sum(axis=1, keepdims=True) / total
    alone = (share * (1 - share) * total)[:, 0]
    return _design([(x - share * n, n / total)], [n], alone, (n * n).sum(axis=1) / total[:, 0])


def difference_design(first: Side, second: Side, *, ratio: Any = 1.0) -> Design:
    """The design of differences of two shares, whose groups may lie in the same clusters or in clusters of their own.

    Args:
        first: Successes and rows of the first groups, each ``(k, C)``, or ``(C,)`` for one pair.
        second: The same of the second groups, over the same clusters.
        ratio: Factor of the second share, ``(k,)``: the ratio itself gives the design of a ratio of shares.

    Raises:
        ValueError: If the shapes differ, or there are more successes than rows somewhere.
    """
    import numpy as np

    (x, n), (y, m) = _sides(first), _sides(second)
    factor = np.broadcast_to(np.asarray(ratio, dtype=np.float64), len(x))[:, None]
    sides, alone, pulls = [], np.zeros(len(x)), []
    for events, rows, weight in ((x, n, 1.0), (y, m, -factor)):
        total = rows.sum(axis=1, keepdims=True)
        share = events.sum(axis=1, keepdims=True) / total
        sides.append((weight * (events - share * rows) / total, rows / total))
        alone += (weight * weight * share * (1 - share) / total)[:, 0]
        pulls.append(rows / total)
    (own, other), even = pulls, 1 / n.sum(axis=1) + 1 / m.sum(axis=1)
    worst = [((own + other) ** 2).sum(axis=1) / even]
    worst += [(n * n).sum(axis=1) / n.sum(axis=1), (m * m).sum(axis=1) / m.sum(axis=1)]
    return _design(sides, [n, m], alone, np.max(worst, axis=0))


def paired_design(wins: Any, losses: Any, rows: Any) -> Design:
    """The design of paired differences ``(wins - losses) / rows``.

    Args:
        wins: Rows where only the first is right, by part and cluster, ``(k, C)``, or ``(C,)`` for one part.
        losses: Rows where only the second is right, same shape.
        rows: All rows, same shape.

    Raises:
        ValueError: If the shapes differ, or more rows are won or lost than there are.
    """
    won, n = _sides((wins, rows))
    lost, _ = _sides((losses, rows))
    total, apart = n.sum(axis=1, keepdims=True), won - lost
    change = apart.sum(axis=1, keepdims=True) / total
    alone = ((won + lost).sum(axis=1, keepdims=True) - change * change * total)[:, 0]
    return _design([(apart - change * n, n / total)], [n], alone, (n * n).sum(axis=1) / total[:, 0])


def design_of(values: Any, clusters: Clusters) -> Design:
    """The design of a mean of numbers, or of anything that a sum over rows of its influence describes.

    Args:
        values: Value, or influence, of each row, ``(n,)``.
        clusters: The clusters of the rows.

    Raises:
        ValueError: If the lengths differ.
    """
    import numpy as np

    x = numbers("values", values)
    same_length(values=x, clusters=clusters.codes)
    away = x - x.mean()
    rows = np.bincount(clusters.codes, minlength=clusters.count).astype(np.float64)[None]
    sums, worst = clusters.sums(away)[None], (rows * rows).sum(axis=1) / x.size
    return _design([(sums, rows / x.size)], [rows], np.array([away @ away]), worst)


def on_effective(
    bounds: Callable[[Any, Array], Array], design: Design | None, alphas: Array, *, axes: int = 1
) -> Array:
    """Lower bounds that hold for rows in clusters, from those of independent rows.

    Two lower bounds hold: that of the estimated effect by t, and that of the worst effect; the larger one is given.

    Args:
        bounds: Takes the effect, which divides counts, and one-sided errors; gives lower bounds ``(..., k, levels)``.
        design: The design of the ``k`` estimates; None for independent rows.
        alphas: One-sided errors ``(levels,)`` or ``(k, levels)``.

    Returns:
        As ``bounds`` gives.
    """
    import numpy as np
    from scipy.special import ndtr, stdtrit

    if design is None:
        return bounds(1.0, alphas)
    effect, freedom, worst = (each[:, None] for each in (design.effect, design.freedom, design.worst))
    surest = bounds(worst, alphas + 0 * worst)
    known = np.minimum(np.maximum(freedom, 0.1), MOST_FREEDOM)
    smaller = np.where(freedom > MOST_FREEDOM, alphas, ndtr(stdtrit(known, alphas)))
    told = (freedom > 0) & (smaller > LEAST)
    estimated = bounds(effect, np.where(told, smaller, alphas))
    return np.where(told, np.maximum(surest, estimated), surest)


def readers(plain: str, robust: str, interval: Callable[..., Any], design: Design | None, *counts: Array) -> list[Any]:
    """Method, and interval where it has a formula of its own, of ``k`` estimates; rows in clusters have none."""
    import numpy as np

    apart = np.ones(counts[0].size, dtype=bool) if design is None else np.isinf(design.freedom)
    held = [None] * counts[0].size if design is None else design.clusters.tolist()
    tables = zip(*(column.tolist() for column in counts), strict=True)
    return [
        {"clusters": many, **({"method": plain, "interval": interval(*table)} if alone else {"method": method})}
        for table, alone, many, method in zip(
            tables, apart.tolist(), held, [f"{robust}, in clusters"] * len(held), strict=True
        )
    ]


def _sides(side: Side) -> tuple[Array, Array]:
    """Counts and rows by part and cluster, checked, each ``(k, C)``."""
    import numpy as np

    events, rows = (np.atleast_2d(np.asarray(each, dtype=np.float64)) for each in side)
    if events.shape != rows.shape:
        raise ValueError(f"counts have shape {events.shape} and rows {rows.shape}; expected the same")
    if np.any(events < 0) or np.any(events > rows):
        raise ValueError("a cluster holds more counts than rows")
    if not np.all(rows.sum(axis=1) > 0):
        raise ValueError("a part has no rows; a share needs at least one")
    return events, rows


def _design(sides: Sequence[tuple[Array, Array]], rows: Sequence[Array], alone: Array, worst: Array) -> Design:
    """Effect and freedom from the cluster totals of what each row adds to an estimate.

    Args:
        sides: Of each group that is compared: totals ``(k, C)``, and the share of its rows in each cluster.
        rows: Rows of each side, ``(k, C)``.
        alone: Sum of squares of what rows add, ``(k,)``; 0 where nothing varies.
        worst: Largest possible effect ``(k,)``.
    """
    import numpy as np

    held = sum(rows)
    count = (held > 0).sum(axis=1)
    # Less a cluster's own pull on the mean: unbiased for independent rows (Bell and McCaffrey's CR2).
    total = sum(part / np.sqrt(np.maximum(1 - share, 1e-12)) for part, share in sides)
    square = total * total
    spread, tiny = square.sum(axis=1), alone <= 1e-12 * np.maximum(worst, 1)
    effect = np.clip(spread / np.where(tiny, 1, alone), 1, worst)
    alike = np.divide(effect - 1, worst - 1, out=np.zeros_like(effect), where=worst > 1)
    meant = held * (1 + alike[:, None] * np.maximum(held - 1, 0))
    freedom = meant.sum(axis=1) ** 2 / (meant * meant).sum(axis=1) - len(sides)
    # The totals themselves may be few large ones beside many small: their fourth moment says how sure the second is.
    peaked = (square * square).sum(axis=1) / np.where(spread > 0, spread, 1) ** 2
    freedom = np.minimum(freedom, 2 / np.maximum(peaked - 1 / np.maximum(count, 1), 1e-9))
    single = np.max(held, axis=1) <= 1
    freedom = np.where(tiny | (count < 3), 0.0, np.maximum(freedom, 0))
    return Design(
        np.where(single, 1.0, np.where(tiny, worst, effect)),
        np.where(single, np.inf, freedom),
        np.where(single, 1.0, worst),
        count,
    )
