"""Regression: how far from the truth are numbers, for whom, and which way?

The error of a row has no end unless the range of the numbers is declared (``columns.range``): one row that was not
seen could then move any mean by any amount, and no bound that gates is honest. So bounds are given where the range is
declared and every truth and answer lies in it; elsewhere there is an interval for the reader alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from govkit import stats
from govkit.checks._drawn import NO_LIMIT, drawn
from govkit.checks._means import TOO_FEW, Ends, bounded, means
from govkit.checks._shared import MODELS, answers, groups_of, measured, missing, unrivaled
from govkit.core import Case, Dataset, Finding, Metric, Of, Role, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import Estimate
from govkit.stats.agreement import determination, rank_correlation
from govkit.stats.bootstrap import clustered

UNIT = "units of the label"
RANGE = "A limit on it needs columns.range in the audit file, with every truth and answer inside."
METRICS = {
    "mean_absolute_error": Metric(f"Mean distance of answer and truth. {RANGE}", better="lower", unit=UNIT, low=0),
    "mean_squared_error": Metric(
        f"Mean square of the distance of answer and truth. {RANGE}", better="lower", unit="squared units", low=0
    ),
    "root_mean_squared_error": Metric(
        f"Root of the mean squared error; far answers weigh more. {RANGE}", better="lower", unit=UNIT, low=0
    ),
    "mean_error": Metric(f"Mean of answer less truth: above 0, answers are too high. {RANGE}", unit=UNIT),
    "r2": Metric(
        f"Share of the truth's variance that the answers explain; 0 is as good as its mean. {NO_LIMIT}",
        "higher",
        high=1,
    ),
    "spearman": Metric(
        f"Correlation of the ranks of answers and truths. {NO_LIMIT}", "higher", unit="correlation", low=-1, high=1
    ),
    "mean_absolute_error_gap": Metric(
        f"Mean absolute error of a group less that of everybody else. {RANGE}", better="lower", unit=UNIT
    ),
    "mean_absolute_error_change": Metric(
        f"Mean absolute error on the shifted data less that on the test data. {RANGE}", better="lower", unit=UNIT
    ),
}
COMPARED = ("mean_absolute_error", "mean_squared_error", "mean_error", "r2")
ROLES: tuple[Role, ...] = ("test", "shifted")


@check(
    "regression",
    crosswalk="check.performance",
    metrics=METRICS,
    tasks={"regression"},
    reads=tuple((of, role) for of in MODELS for role in ROLES),
)
def regression(case: Case) -> Iterator[Finding]:
    """Mean errors in all rows and in each part, gaps between groups, R2 and Spearman, and the change under shift.

    Of the candidate, the base, the incumbent and the trivial answer (the mean of the labels); means and R2
    also as paired differences.

    References:
        scikit-learn, ``mean_absolute_error``, ``mean_squared_error``, ``root_mean_squared_error``, ``r2_score``;
        scipy, ``spearmanr``.
    """
    data, errors = case.data["test"], _errors(case, "test")
    if "candidate" not in errors:
        yield missing("*", "no data", "There are no predictions of the candidate on the test data.", data=data)
        return
    width = _width(case)
    either, one, squared = (None,) * 3 if width is None else ((-width, width), (0.0, width), (0.0, width**2))
    far = {of: abs(error) for of, error in errors.items()}
    squares = {of: error**2 for of, error in errors.items()}
    yield from means("mean_absolute_error", far, data, one)
    yield from means("mean_squared_error", squares, data, squared)
    yield from means("mean_error", errors, data, either)
    yield from _roots(squares, data, squared)
    yield from _orders(case, squares)
    yield from _group_gaps(far, data, one)
    yield from _changes(case, far, one)
    for rival in (of for of in MODELS if of not in errors):
        yield from unrivaled(rival, COMPARED, data)


def _errors(case: Case, role: Role) -> dict[Of, Array]:
    """Answer less truth of each row ``(n,)``, by model."""
    truth = case.data[role].labels
    return {of: given.labels - truth for of, given in answers(case, role, (*MODELS, "trivial")).items()}


def _width(case: Case) -> float | None:
    """Width of the declared range; None where there is none, or a truth or answer lies outside."""
    declared = case.column.get("range")
    if declared is None:
        return None
    low, high = map(float, declared)
    roles = [role for role in ROLES if role in case.data]
    columns = [given.labels for role in roles for given in answers(case, role).values()]
    columns += [case.data[role].labels for role in roles]
    return high - low if all(low <= column.min() and column.max() <= high for column in columns) else None


def _roots(squares: Mapping[Of, Array], data: Dataset, ends: Ends) -> Iterator[Finding]:
    name = "root_mean_squared_error"
    for of, given in squares.items():
        if len(given) < 2:
            yield missing(name, "too few rows", TOO_FEW, data=data, of=of)
        else:
            yield measured(name, _root(bounded(stats.mean, (given,), ends)), data, of=of)


def _root(of: Estimate) -> Estimate:
    """The estimate of a square, as one of its root, which rises with it."""

    def root(value: float) -> float:
        return math.sqrt(max(0.0, value))

    def ends(item: Any) -> dict[str, float]:
        return {"low": root(item.low), "high": root(item.high)}

    bounds = tuple(item.model_copy(update=ends(item)) for item in of.bounds)
    return replace(of, value=root(of.value), interval=of.interval.model_copy(update=ends(of.interval)), bounds=bounds)


def _orders(case: Case, squares: Mapping[Of, Array]) -> Iterator[Finding]:
    """R2 and Spearman's correlation of each model, and differences of R2."""
    data = case.data["test"]
    for of in (of for of in MODELS if of in squares):
        yield _r2(case, (squares[of],), of=of)
        if of != "candidate":
            yield _r2(case, (squares["candidate"], squares[of]), compared_with=of)
        given = answers(case, "test", (of,))[of].labels
        if len(data) < 4 or data.labels.min() == data.labels.max() or given.min() == given.max():
            detail = "Ranks need four rows, and truths and answers that are not all the same."
            yield missing("spearman", "too few rows", detail, data=data, of=of)
        else:
            yield measured("spearman", rank_correlation(given, data.labels), data, of=of)


def _r2(case: Case, squares: tuple[Array, ...], **whose: Of) -> Finding:
    data = case.data["test"]
    away = data.labels - data.labels.mean()
    sums = np.stack((np.ones(len(data)), away, away**2, *squares), axis=1)
    scores = [partial(_r2_of, column) for column in range(3, 3 + len(squares))]
    undefined = "All truths are the same; there is no variance to explain."
    return drawn("r2", scores, partial(clustered, sums), case, data, undefined=undefined, **whose)


def _r2_of(column: int, sums: Array) -> Array:
    return determination(sums[..., [0, 1, 2, column]])


def _group_gaps(far: Mapping[Of, Array], data: Dataset, ends: Ends) -> Iterator[Finding]:
    for part, rows in groups_of(data):
        for of in (of for of in MODELS if of in far):
            samples = far[of][rows], far[of][~rows]
            yield _apart("mean_absolute_error_gap", samples, ends, data, of=of, part=part)


def _changes(case: Case, far: Mapping[Of, Array], ends: Ends) -> Iterator[Finding]:
    name = "mean_absolute_error_change"
    if "shifted" not in case.data:
        yield missing(name, "no data", "There are no shifted data (data.shifted in the audit file).")
        return
    shifted = _errors(case, "shifted")
    for of in (of for of in MODELS if of in far):
        if of in shifted:
            yield _apart(name, (abs(shifted[of]), far[of]), ends, case.data["shifted"], of=of)
        else:
            detail = f"The {of} has no answers to the shifted data; store them beside its rows."
            yield missing(name, "no data", detail, data=case.data["shifted"], of=of)


def _apart(name: str, samples: tuple[Array, Array], ends: Ends, data: Dataset, **where: Any) -> Finding:
    """Mean of one sample less that of another."""
    if min(map(len, samples)) < 2:
        return missing(name, "too few rows", f"{TOO_FEW} Each side has to have them.", data=data, **where)
    return measured(name, bounded(stats.mean_change, samples, ends), data, **where)
