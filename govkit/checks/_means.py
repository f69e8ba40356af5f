"""A truth or a number for each row: its mean, of each model and as paired differences, in all rows and in each part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from govkit import stats
from govkit.checks._cells import by_part
from govkit.checks._clusters import clusters_in, paired_design, share_design
from govkit.checks._shared import measured, missing, parts_of
from govkit.core import Dataset, Finding, Of
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import Estimate

Ends = tuple[float, float] | None

ANYWHERE = 1e300
"""Stands for a range that nobody declared; the bounds that it gives say nothing and are left out."""

TOO_FEW = "A mean with an interval needs two rows."


def shares(name: str, right: Mapping[Of, Array], data: Dataset, *, whole: bool = False) -> Iterator[Finding]:
    """Share of rows that each model has right, and of the candidate less that of each other on the same rows.

    Args:
        name: The metric.
        right: Model -> truths ``(n,)``. Without the candidate there are no differences.
        data: The rows.
        whole: Leave out groups and declared parts.
    """
    cells = 2 ** len(right)
    cell = sum(given.astype(np.int64) << bit for bit, given in enumerate(right.values()))
    parts, held = by_part(data, np.asarray(cell), cells)
    if whole:
        parts, held = parts[:1], held[:1]
    rows = held.sum(axis=1)
    own = {of: (np.arange(cells) >> bit & 1).astype(bool) for bit, of in enumerate(right)}
    for of, true in own.items():
        design = share_design(data, right[of], whole=whole)
        for part, estimate in zip(parts, stats.proportions(held @ true, rows, design=design), strict=True):
            yield measured(name, estimate, data, of=of, part=part)
    for rival, second in own.items():
        if rival == "candidate" or "candidate" not in own:
            continue
        first = own["candidate"]
        design = paired_design(data, right["candidate"], right[rival], whole=whole)
        estimates = stats.paired_differences(held @ (first & ~second), held @ (~first & second), rows, design=design)
        for part, estimate in zip(parts, estimates, strict=True):
            yield measured(name, estimate, data, compared_with=rival, part=part)


def means(name: str, values: Mapping[Of, Array], data: Dataset, ends: Ends) -> Iterator[Finding]:
    """Mean of each model's values, and of the candidate's less each other's on the same rows.

    Args:
        name: The metric.
        values: Model -> one number a row ``(n,)``; the candidate is among them.
        data: The rows.
        ends: Smallest and largest possible number, seen or not; None if nobody knows, and then there are no bounds.
    """
    apart = None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])
    all_rows: tuple[dict[str, str], Array] = {}, np.ones(len(data), dtype=bool)
    for part, rows in (all_rows, *parts_of(data)):
        own = {of: given[rows] for of, given in values.items()}
        first, some = own["candidate"], clusters_in(data, rows)
        if len(first) < 2:
            yield missing(name, "too few rows", TOO_FEW, data=data, part=part)
            continue
        for of, given in own.items():
            yield measured(name, bounded(partial(stats.mean, clusters=some), (given,), ends), data, of=of, part=part)
            if of != "candidate":
                estimate = bounded(partial(stats.mean_difference, clusters=some), (first, given), apart)
                yield measured(name, estimate, data, compared_with=of, part=part)


def bounded(estimate: Callable[..., Estimate], samples: tuple[Array, ...], ends: Ends) -> Estimate:
    """An estimate from rows within a range; without bounds where nobody knows the range."""
    if ends is not None:
        return estimate(*samples, low=ends[0], high=ends[1])
    return replace(estimate(*samples, low=-ANYWHERE, high=ANYWHERE), bounds=())
