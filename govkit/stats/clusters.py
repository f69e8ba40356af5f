"""Rows that belong together: which they are, what they are worth, and the bounds that hold for them.

Rows of one person, site or conversation are alike, so that many of them say less than as many rows of their own. Every
estimate here is, to first order, a mean of what its clusters add to it; clusters are independent and bounded, and
``unseen`` bounds such a mean. Nothing is assumed of what rows of a cluster share, and a cluster that was not seen may
be as bad as can be: with few clusters, bounds are wide.

Clusters of one row each leave every bound as it is for independent rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import ALPHAS, Estimate, assemble, quantiles
from govkit.stats.unseen import Points, shifts

METHOD = "Gaffke, clusters"


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
        given = np.asarray(values)
        held = given if part is None else given * np.asarray(part)
        if held.ndim == 1:
            return np.bincount(self.codes, held, self.count)
        return np.stack([np.bincount(self.codes, row, self.count) for row in held])

    def rows(self) -> Array:
        """Rows of each cluster, ``(C,)``, float64."""
        return np.bincount(self.codes, minlength=self.count).astype(np.float64)

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
    array = np.asarray(keys)
    if array.ndim != 1 or not array.size:
        raise ValueError(f"keys has shape {array.shape}; expected one key for each of at least one row")
    found, codes = np.unique(array, return_inverse=True)
    return Clusters(codes, found.size)


@dataclass(frozen=True)
class Design:
    """What clusters do to ``k`` estimates.

    Attributes:
        effect: Variance of the estimate over that of as many independent rows, 1 or more, ``(k,)``.
        freedom: Degrees of freedom of the effect; infinite where every cluster has one row, ``(k,)``.
        clusters: Clusters that hold rows of the estimate, ``(k,)``.
        points: What clusters add to each estimate, a list of ``k`` for each way in which rows belong together.
    """

    effect: Array
    freedom: Array
    clusters: Array
    points: tuple[list[Points], ...]

    def bounds(self, values: Any, plain: Sequence[Array], alphas: Array) -> tuple[Array, Array]:
        """Lower and upper bounds that hold for rows in clusters; they are nowhere closer than those of rows alone.

        Args:
            values: The estimates ``(k,)``.
            plain: Their lower and upper bounds if rows were independent, each ``(k, levels)``.
            alphas: One-sided errors ``(levels,)`` or ``(k, levels)``.
        """
        shared = ~np.isinf(self.freedom)
        value, z = np.asarray(values, dtype=np.float64)[shared, None], quantiles(np.asarray(alphas))
        z = np.broadcast_to(z, (shared.size, z.shape[-1]))[shared]
        lows, highs = (np.array(each, dtype=np.float64) for each in plain)
        if shared.any():
            down, up = (self._shifts(shared, z, side) for side in (0, 1))
            lows[shared], highs[shared] = np.minimum(lows[shared], value - down), np.maximum(highs[shared], value + up)
        return lows, highs

    def _shifts(self, shared: Array, z: Array, side: int) -> Array:
        """Ways that cross add their variances, and so their squared shifts (Cameron, Gelbach and Miller 2011)."""
        total = np.zeros(z.shape)
        for way in self.points:
            total += shifts([each for each, counts in zip(way, shared, strict=True) if counts], z, side=side) ** 2
        return np.sqrt(total)


def joined(designs: Sequence[Design]) -> Design:
    """Designs of some estimates each as one of all of them, in this order."""
    return Design(
        effect=np.concatenate([each.effect for each in designs]),
        freedom=np.concatenate([each.freedom for each in designs]),
        clusters=np.concatenate([each.clusters for each in designs]),
        points=tuple(
            [part for each in ways for part in each] for ways in zip(*(each.points for each in designs), strict=True)
        ),
    )


def crossed(designs: Sequence[Design]) -> Design:
    """The design of rows that belong together in several ways at once, from above, given that of each way.

    The variances of the ways add, and that of the rows alone, which each of them counts, is taken off the effect.
    """
    return Design(
        effect=np.sum([each.effect for each in designs], axis=0) - (len(designs) - 1),
        freedom=np.min([each.freedom for each in designs], axis=0),
        clusters=np.min([each.clusters for each in designs], axis=0),
        points=tuple(way for each in designs for way in each.points),
    )


def in_clusters(
    design: Design | None, values: Any, plain: tuple[Array, Array], alphas: Any = ALPHAS
) -> tuple[Array, Array]:
    """Bounds of ``k`` estimates as :meth:`Design.bounds` gives them; those of independent rows without a design."""
    return plain if design is None else design.bounds(values, plain, alphas)


def respecting(estimate: Estimate, design: Design | None, within: tuple[float, float]) -> Estimate:
    """An estimate of independent rows, with bounds that hold for rows in clusters."""
    if design is None:
        return estimate
    clusters = int(design.clusters[0])
    if np.isinf(design.freedom[0]):
        return replace(estimate, clusters=clusters)
    plain = [np.array([[getattr(bound, side) for bound in estimate.bounds]]) for side in ("low", "high")]
    lows, highs = design.bounds([estimate.value], plain, np.array(ALPHAS))
    ends = lows[0], highs[0]
    return assemble(estimate.value, estimate.n, *ends, method=METHOD, within=within, clusters=clusters)


def readers(plain: str, interval: Callable[..., Any], design: Design | None, *counts: Array) -> list[Any]:
    """Method, number of clusters, and interval where it has a formula of its own; in clusters it has none."""
    size = counts[0].size
    held = [None] * size if design is None else design.clusters.tolist()
    apart = np.ones(size, dtype=bool) if design is None else np.isinf(design.freedom)
    return [
        {"clusters": many, "method": plain, "interval": interval(*table)}
        if alone
        else {"clusters": many, "method": METHOD}
        for table, alone, many in zip(
            zip(*(c.tolist() for c in counts), strict=True), apart.tolist(), held, strict=True
        )
    ]


def by_class(plain: str, design: Design | None) -> dict[str, Any]:
    """Method and clusters of a mean over classes, each with bounds of its own."""
    if design is None or np.isinf(design.freedom).all():
        return {"method": f"{plain}, a class", "clusters": None if design is None else int(design.clusters.max())}
    return {"method": f"{METHOD}, a class", "clusters": int(design.clusters.max())}


def design_from(sides: Sequence[tuple[Array, Array]], alone: float, found: Callable[[Array, Array], Points]) -> Design:
    """The design of one estimate.

    Args:
        sides: Of each group that is compared: what its rows in each cluster add to the estimate, and how many they are,
            each ``(C,)``.
        alone: Variance of the estimate if rows were independent; 0 where nothing varies.
        found: Makes points of the clusters that are held, truths ``(C,)``, and of the sum of what they add, ``(C,)``.
    """
    held = sum(rows for _, rows in sides)
    some, single = held > 0, float(held.max()) <= 1
    pull = sum(part for part, _ in sides)
    count = int(some.sum())
    if single:
        return Design(np.ones(1), np.array([np.inf]), np.array([count]), ([found(some, pull)],))
    # Less a cluster's own pull on the mean: unbiased where rows are independent (Bell and McCaffrey 2002, CR2).
    leaning = sum(part / np.sqrt(np.maximum(1 - rows / rows.sum(), 1e-12)) for part, rows in sides)[some]
    spread = float(leaning @ leaning)
    worst = float(held @ held) / float(held.sum())
    effect = min(max(spread / alone, 1.0), max(worst, 1.0)) if alone > 0 else worst
    # Satterthwaite: clusters of very unequal size, or a few that add nearly everything, are worth fewer.
    alike = (effect - 1) / max(worst - 1, 1e-9)
    meant = held[some] * (1 + min(alike, 1.0) * np.maximum(held[some] - 1, 0))
    freedom = float(meant.sum() ** 2 / (meant @ meant)) - len(sides)
    peaked = float(np.sum(leaning**4)) / spread**2 if spread > 0 else 1.0
    freedom = max(min(freedom, 2 / max(peaked - 1 / count, 1e-9)), 0.0) if alone > 0 else 0.0
    return Design(np.array([effect]), np.array([freedom]), np.array([count]), ([found(some, pull)],))


def part_of(rows: Array) -> float:
    """Part of the rows that a cluster not seen may hold: that of the cluster of a row at random (Kish 1965)."""
    return float(rows @ rows) / float(rows.sum()) ** 2
