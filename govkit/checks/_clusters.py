"""Rows that belong together: the one place where checks hand clusters to the estimators.

Whatever does not go this way has no bounds where rows share clusters: ``measure`` takes them away (``withheld``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from govkit import stats
from govkit.checks._shared import measured, parts_of
from govkit.core import Case, Dataset, Finding, Gap, Measurement, Metric
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import Clusters, Design
from govkit.stats.clusters import joined

EXACT = "exact count"
UNSURE = "cannot tell"
"""The word of a metric that rests on bounds, where there are none."""


def clusters_in(data: Dataset, rows: Any = None) -> Clusters | None:
    """Clusters of the rows, or of some of them; None where each of the data set has its own, or none are declared.

    Args:
        data: The data set.
        rows: Truths ``(n,)``, indices or a slice.
    """
    if data.cluster is None or not _shared(data):
        return None
    codes = data.cluster if rows is None else data.cluster[rows]
    return stats.clusters_of(codes) if len(codes) else None


def _shared(data: Dataset) -> bool:
    # Codes run from 0 without a hole, so that the largest says whether any is there twice.
    return data.cluster is not None and int(data.cluster.max(initial=-1)) + 1 < len(data)


def both_in(one: Dataset, other: Dataset) -> Clusters | None:
    """Clusters of the rows of one data set and, behind them, of another; those of different sets are different.

    A cluster that lies in both sets is two: that widens a difference of them, and never narrows it, where the rows of a
    cluster are alike.
    """
    if not (_shared(one) or _shared(other)):
        return None
    codes = [np.arange(len(each)) if each.cluster is None else each.cluster for each in (one, other)]
    return stats.clusters_of(np.concatenate([codes[0], codes[1] + len(one)]))


def designs(data: Dataset, design: Callable[[Clusters, Array], Design], *, whole: bool = False) -> Design | None:
    """Design of an estimate in all rows and in each group and declared part, in the order of ``by_part`` of the cells.

    Args:
        data: The rows.
        design: Of some rows, from their clusters and their truths ``(n,)``.
        whole: Leave out groups and declared parts.
    """
    clusters = clusters_in(data)
    if clusters is None:
        return None
    parts = () if whole else (rows for _, rows in parts_of(data))
    return joined([design(clusters, np.ones(len(data), dtype=bool)), *(design(clusters[at], at) for at in parts)])


def share_design(data: Dataset, true: Array, *, whole: bool = False) -> Design | None:
    """Design of a share of truths ``(n,)`` in all rows and in each part."""
    return designs(data, lambda some, at: share_of(some, true[at]), whole=whole)


def paired_design(data: Dataset, first: Array, second: Array, *, whole: bool = False) -> Design | None:
    """Design of the difference of two shares of the same rows, in all rows and in each part."""
    return designs(data, lambda some, at: paired_of(some, first[at], second[at]), whole=whole)


def designs_of(
    clusters: Clusters | None, present: Array, labels: Array, design: Callable[[Clusters, Array], Design]
) -> Design | None:
    """Design of an estimate in each class that has rows: ``present`` is a truth for each of ``K`` classes."""
    if clusters is None:
        return None
    classes = (labels == index for index in present.nonzero()[0])
    return joined([design(clusters[at], at) for at in classes])


def share_of(clusters: Clusters, events: Array) -> Design:
    """Design of a share: truths of the rows of these clusters ``(n,)``."""
    return stats.share_design(clusters.sums(events), clusters.sums(events | True))


def paired_of(clusters: Clusters, first: Array, second: Array) -> Design:
    """Design of the difference of two shares of the same rows."""
    won, lost, rows = (clusters.sums(each) for each in (first & ~second, ~first & second, first | True))
    return stats.paired_design(won, lost, rows)


def share(name: str, true: Array, data: Dataset, *, at: Any = None, **where: Any) -> Measurement:
    """Share of rows for which it is true ``(m,)``, as a finding; ``at`` says which rows of the data set they are."""
    clusters = clusters_in(data, at)
    design = None if clusters is None else share_of(clusters, true)
    return measured(name, stats.proportion(int(true.sum()), len(true), design=design), data, **where)


def paired(name: str, first: Array, second: Array, data: Dataset, *, at: Any = None, **where: Any) -> Measurement:
    """Share of rows that the first has right less that of the second, truths ``(m,)`` of the same rows."""
    clusters = clusters_in(data, at)
    design = None if clusters is None else paired_of(clusters, first, second)
    won, lost = int((first & ~second).sum()), int((~first & second).sum())
    return measured(name, stats.paired_difference(won, lost, len(first), design=design), data, **where)


def shares_inside(true: Array, inside: Array, data: Dataset) -> stats.Estimate:
    """Share of truths ``(n,)`` among some rows less that among the others, which may share their clusters."""
    return _difference(true, inside, clusters_in(data))


def shares_apart(one: Array, other: Array, sides: tuple[Dataset, Dataset]) -> stats.Estimate:
    """Share of truths ``(n,)`` in one data set less that of ``(m,)`` in another."""
    return _difference(np.concatenate([one, other]), np.arange(len(one) + len(other)) < len(one), both_in(*sides))


def _difference(true: Array, inside: Array, clusters: Clusters | None) -> stats.Estimate:
    sides = [(true & rows, rows) for rows in (inside, ~inside)]
    counts = [int(column.sum()) for side in sides for column in side]
    held = None if clusters is None else [tuple(map(clusters.sums, side)) for side in sides]
    return stats.difference(*counts, design=None if held is None else stats.difference_design(*held))


def withheld(finding: Measurement, metric: Metric, case: Case) -> Finding:
    """A finding as it may be believed: bounds that ignore the clusters of a case are too narrow, and are taken away.

    A number with bounds becomes a gap, a word that rests on them ``cannot tell``; an interval for the reader goes.
    """
    if finding.clusters is not None or finding.data is None or not any(map(_shared, case.data.values())):
        return finding
    if UNSURE in metric.words:
        return finding.model_copy(update={"value": UNSURE})
    if finding.interval is None or finding.interval.method == EXACT:
        return finding
    if not finding.bounds:
        return finding.model_copy(update={"interval": None})
    detail = f"It is {finding.value:.6g}, and its bounds would take rows that belong together for independent ones."
    where = {key: getattr(finding, key) for key in ("name", "of", "compared_with", "part", "data")}
    return Gap(reason="unsupported", detail=detail, **where)
