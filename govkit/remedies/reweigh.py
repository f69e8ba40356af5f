"""Reweighing: a layer on the candidate's log-odds, fitted as if label and group were independent.

Weights by Kamiran and Calders 2012, "Data preprocessing techniques for classification without discrimination".
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from govkit.core import Predictions
from govkit.core.case import Array
from govkit.errors import DataError
from govkit.lazy import np, pd
from govkit.remedies.rows import Remedy, Rows, chosen, few_rows, must_be, refuse_unknown_groups

Scale = Mapping[str, tuple[float, float]]


def reweigh(rows: Rows) -> Remedy:
    """A logistic layer on log-odds and numeric inputs, each row weighing what aif360's ``Reweighing`` says.

    The layer does not see the group. It has scikit-learn's usual penalty, on standardized columns.

    Raises:
        UsageError: More than two classes, too few rows, no groups, or a group with one class only.
    """
    from sklearn.linear_model import LogisticRegression

    must_be(rows, binary=True, groups=True)
    true, weights = (rows.labels == rows.positive).astype(int), _weights(rows)
    columns = _columns(rows)
    scale = {name: _scale(column) for name, column in columns.items()}
    fitted = LogisticRegression(max_iter=1000).fit(_standardized(columns, scale), true, sample_weight=weights)
    weight, offset = fitted.coef_[0], float(fitted.intercept_[0])
    if not weight[0] > 0:
        raise DataError("data.calibration: the layer turns the candidate's order around; the rows do not fit it")
    numbers = {
        "weights": _by_cell(rows, weights),
        "intercept": offset,
        "coefficients": {
            name: {"mean": scale[name][0], "deviation": scale[name][1], "weight": float(value)}
            for name, value in zip(scale, weight, strict=True)
        },
    }
    used = ", ".join(list(scale)[1:])
    remarks = (
        f"The layer reads the candidate's log-odds and {used}; it does not read the group."
        if used
        else "The layer reads the candidate's log-odds alone, so it keeps everybody's order and moves one cut for all "
        "groups alike; numeric columns.input would give it more to go by.",
    )

    def apply(other: Rows) -> Predictions:
        refuse_unknown_groups(rows, other)
        return _layered(other, scale, weight, offset)

    return Remedy("reweighing", numbers, (*remarks, *few_rows(rows)), apply)


def _weights(rows: Rows) -> Array:
    """Share expected if label and group were independent over the share found, ``(n,)``."""
    with _quiet():
        from aif360.sklearn.preprocessing import Reweighing

        people = pd.DataFrame({"group": rows.groups}, index=pd.Index(rows.groups, name="group"))
        return Reweighing("group").fit_transform(people, pd.Series(rows.labels, index=people.index))[1]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without aif360's advice on its optional parts; without a handler the first message would install one."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeHandler(handler)


def _columns(rows: Rows) -> dict[str, Array]:
    """Log-odds of the positive class, then the numeric inputs."""
    from scipy.special import logit

    eps = np.finfo(np.float64).eps
    return {"log-odds of the candidate": logit(np.clip(rows.score, eps, 1 - eps)), **rows.inputs}


def _scale(column: Array) -> tuple[float, float]:
    """Mean and standard deviation of the values that are there; 1 where nothing varies."""
    there = column[np.isfinite(column)]
    return (float(there.mean()), float(there.std()) or 1.0) if there.size else (0.0, 1.0)


def _standardized(columns: Mapping[str, Array], scale: Scale) -> Array:
    """Columns ``(n, d)`` of mean 0 and deviation 1 on the calibration rows; a missing value is the mean."""
    absent = sorted(set(scale) - set(columns))
    if absent:
        raise DataError(
            f"the column {absent[0]!r} is not numeric in all data; make it so, or leave it out of columns.input"
        )
    made = [(columns[name] - mean) / deviation for name, (mean, deviation) in scale.items()]
    return np.nan_to_num(np.column_stack(made), nan=0.0, posinf=0.0, neginf=0.0)


def _by_cell(rows: Rows, weights: Array) -> list[dict[str, object]]:
    """The weight of each group and class."""
    groups: Array = rows.groups
    cells = sorted(set(zip(groups.tolist(), rows.labels.tolist(), weights.tolist(), strict=True)))
    return [{"group": group, "class": label, "weight": weight} for group, label, weight in cells]


def _layered(rows: Rows, scale: Scale, weight: Array, offset: float) -> Predictions:
    from scipy.special import expit

    score = expit(_standardized(_columns(rows), scale) @ weight + offset)
    made = np.empty((len(score), 2))
    made[:, rows.positive], made[:, 1 - rows.positive] = score, 1 - score
    return chosen(rows, made)
