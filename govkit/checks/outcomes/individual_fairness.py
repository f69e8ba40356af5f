"""Individual fairness: are rows that look alike answered alike, and are the benefits of the answers spread evenly?

The measures are those of aif360 under the same names. The indices of inequality depend on counts alone and are taken of
all rows; consistency compares a row with its nearest neighbors, on a sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from govkit.checks._shared import READS_TEST, answers, missing, stated
from govkit.core import Case, Dataset, Finding, Interval, Metric, check
from govkit.core.case import Array
from govkit.data.counts import CELLS, cells_of, count_codes
from govkit.lazy import np

BENEFITS = (1, 0, 2, 1, 1)
"""What a row gets, by cell of the count table: 0 where the positive answer was due and did not come, 2 where it came
and was not due, else 1 (Speicher et al. 2018, section 3)."""

DRAWS = 1000
MOST_COLUMNS = 64
"""Columns up to which a tree finds the neighbors of 5,000 rows in a few seconds."""

_INDICES = {
    "generalized_entropy_index": "Generalized entropy index of the benefits of the answers; 0 is even.",
    "theil_index": "Theil index of the benefits of the answers; 0 is even.",
    "coefficient_of_variation": "Coefficient of variation of the benefits of the answers; 0 is even.",
}
METRICS = {
    "consistency": Metric.share(
        "One less the mean distance of an answer to the mean answer of its nearest neighbors.", better="higher"
    ),
    **{name: Metric(what, better="lower", unit="index", low=0) for name, what in _INDICES.items()},
    **{
        f"between_group_{name}": Metric(
            f"{what.split(';')[0]}, where each row gets the mean of its group.", better="lower", unit="index", low=0
        )
        for name, what in _INDICES.items()
    },
}


@check("individual_fairness", crosswalk="check.bias", metrics=METRICS, reads=READS_TEST)
def individual_fairness(
    case: Case,
    *,
    neighbors: PositiveInt = 5,
    sample: Annotated[int, Field(ge=10)] = 5_000,
    alpha: Annotated[float, Field(gt=1, le=10)] = 2.0,
) -> Iterator[Finding]:
    """Consistency of the answers among neighbors, and inequality of their benefits, in all and between groups.

    Neighbors are near in the numeric columns of the inputs as they stand, or in the features of the frozen base where
    the inputs are no table. A group is set against everybody else, and all groups of a column against each other. None
    of these has bounds: no limit rests on them. The interval of the indices is a bootstrap of the counts.

    Args:
        case: The case.
        neighbors: Neighbors of a row, the row itself among them, as in aif360.
        sample: Rows drawn for consistency.
        alpha: Weight of large benefits in the generalized entropy index.

    References:
        Zemel, Wu, Swersky, Pitassi and Dwork 2013 (consistency); Speicher et al. 2018 (indices).
    """
    data = case.data["test"]
    given = {of: predictions.labels for of, predictions in answers(case).items()}
    for of, labels in given.items():
        cells = cells_of(data.labels, labels, case.positive)
        yield from _inequality(data, cells, alpha=alpha, seed=case.seed, where={"of": of})
        yield from _between(data, cells, alpha=alpha, where={"of": of})
    sides = {of: labels == case.positive for of, labels in {**given, "labels": data.labels}.items()}
    yield from _consistency(case, sides, neighbors=neighbors, sample=sample)


def indices(benefits: Array, weights: Array, alpha: float = 2.0) -> dict[str, Array]:
    """Indices of inequality, each of the shape of the leading axes.

    Args:
        benefits: Benefit of each kind of row, ``(..., m)``.
        weights: Rows of each kind, ``(..., m)``.
        alpha: Weight of large benefits in the generalized entropy index, > 1.

    Returns:
        By name; NaN where nobody has a benefit.
    """
    from scipy.special import xlogy

    rows = weights.sum(axis=-1)
    mean = (weights * benefits).sum(axis=-1) / rows
    share = benefits / np.where(mean > 0, mean, np.nan)[..., None]

    def entropy(order: float) -> Array:
        return (weights * (share**order - 1)).sum(axis=-1) / (rows * order * (order - 1))

    return {
        "generalized_entropy_index": entropy(alpha),
        "theil_index": (weights * xlogy(share, share)).sum(axis=-1) / rows,
        "coefficient_of_variation": np.sqrt(np.maximum(2 * entropy(2.0), 0)),
    }


def _inequality(data: Dataset, cells: Array, *, alpha: float, seed: int, where: Mapping[str, Any]) -> Iterator[Finding]:
    """Indices of all rows, with an interval for the reader."""
    benefits, counts = np.array(BENEFITS), np.bincount(cells, minlength=len(CELLS))
    if not (benefits * counts).any():
        for name in _INDICES:
            yield missing(name, "too few rows", "Nobody has a benefit; its spread is undefined.", data=data, **where)
        return
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), DRAWS)
    spread = indices(benefits, drawn, alpha)
    for name, value in indices(benefits, counts, alpha).items():
        low, high = np.nanquantile(spread[name], [0.025, 0.975])
        ends = {"low": float(min(low, value)), "high": float(max(high, value))}
        interval = Interval(level=0.95, method="percentile bootstrap of the counts", **ends)
        found = stated(name, value, len(data), data, seed=str(seed), **where)
        yield found.model_copy(update={"interval": interval})


def _between(data: Dataset, cells: Array, *, alpha: float, where: Mapping[str, Any]) -> Iterator[Finding]:
    """Indices of a world in which every row gets the mean benefit of its group.

    They have no interval: they are 0 without a difference, and every sample lies above that.
    """
    for column, coded in data.groups.items():
        counts = count_codes(coded.codes, cells, (len(coded.names), len(CELLS)))
        rows, benefits = counts.sum(axis=1), counts @ np.array(BENEFITS)
        sides = np.stack([rows, rows.sum() - rows], axis=1), np.stack([benefits, benefits.sum() - benefits], axis=1)
        worlds = {"*": (rows, benefits)} | dict(zip(coded.names, zip(*sides, strict=True), strict=True))
        for group, (weights, total) in worlds.items():
            part = {column: group}
            found = indices(total / np.maximum(weights, 1), weights, alpha)
            for name, value in found.items():
                metric = f"between_group_{name}"
                if len(rows) > 1 and value == value:
                    yield stated(metric, max(value, 0.0), len(data), data, part=part, **where)
                else:
                    detail = "It needs two groups, and somebody who has a benefit."
                    yield missing(metric, "too few rows", detail, data=data, part=part, **where)


def _consistency(case: Case, sides: Mapping[Any, Array], *, neighbors: int, sample: int) -> Iterator[Finding]:
    data = case.data["test"]
    features = _features(case, data)
    if features is None:
        detail = (
            "Neighbors need numeric input columns or, for other inputs, a base with a head on it (base: head: probe)."
        )
        yield missing("consistency", "no data", detail, data=data)
        return
    rows = np.flatnonzero(np.isfinite(features).all(axis=1))
    if len(rows) > sample:
        rows = np.sort(np.random.default_rng(case.seed).choice(rows, sample, replace=False))
    if len(rows) <= neighbors:
        detail = f"{len(rows)} rows without a missing number; {neighbors} neighbors need more."
        yield missing("consistency", "too few rows", detail, data=data)
        return
    near = nearest(features[rows], neighbors)
    for of, selected in sides.items():
        own = selected[rows].astype(np.float64)
        value = 1 - np.abs(own - own[near].mean(axis=1)).mean()
        yield stated("consistency", value, len(rows), data, of=of, seed=str(case.seed))


def _features(case: Case, data: Dataset) -> Array | None:
    """Features ``(n, d)`` in which rows are near or far; None where there are none."""
    if not hasattr(data.inputs, "select_dtypes"):
        return case.embed(data.role)
    numbers = data.inputs.select_dtypes(["number", "bool"]).to_numpy(dtype=np.float64)
    return numbers if numbers.shape[1] else None


def nearest(features: Array, neighbors: int) -> Array:
    """Indices of the nearest rows, each row itself among them, ``(n, neighbors)``, by Euclidean distance."""
    from sklearn.neighbors import NearestNeighbors

    # The search of aif360, for among equally near rows another chooses others; it is too slow in many dimensions.
    algorithm = "ball_tree" if features.shape[1] <= MOST_COLUMNS else "brute"
    search = NearestNeighbors(n_neighbors=neighbors, algorithm=algorithm).fit(features)
    return search.kneighbors(features, return_distance=False)
