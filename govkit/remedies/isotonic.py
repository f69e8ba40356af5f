"""Isotonic calibration: the frequency at each stated probability, made monotone (Zadrozny and Elkan 2002)."""

from __future__ import annotations

from govkit.core import Predictions
from govkit.core.case import Array
from govkit.lazy import np
from govkit.remedies.rows import Remedy, Rows, chosen, must_be

WANTED = 1000
"""Rows below which the steps follow chance more than the model."""


def isotonic(rows: Rows) -> Remedy:
    """A non-decreasing map of each class's probability, one class against the rest; then rows are scaled to sum to 1.

    With two classes only the positive one is mapped. Answers follow the new probabilities.

    Raises:
        UsageError: Too few rows.
    """
    must_be(rows)
    k = rows.probabilities.shape[1]
    mapped = [rows.positive] if k == 2 else list(range(k))
    knots = {index: _knots(rows.probabilities[:, index], rows.labels == index) for index in mapped}
    numbers = {
        "maps": [{"class": index, "stated": x.tolist(), "observed": y.tolist()} for index, (x, y) in knots.items()]
    }
    remarks = [f"{sum(len(x) for x, _ in knots.values())} steps were fitted on {len(rows.labels)} calibration rows."]
    if len(rows.labels) < WANTED:
        remarks.append(f"Below {WANTED} rows isotonic calibration follows chance; temperature scaling has one number.")
    return Remedy("isotonic calibration", numbers, tuple(remarks), lambda other: _mapped(other, knots))


def _knots(stated: Array, true: Array) -> tuple[Array, Array]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(stated, true.astype(float))
    return fitted.X_thresholds_, fitted.y_thresholds_


def _mapped(rows: Rows, knots: dict[int, tuple[Array, Array]]) -> Predictions:
    made = np.empty_like(rows.probabilities)
    for index, (x, y) in knots.items():
        made[:, index] = np.interp(rows.probabilities[:, index], x, y)
    if len(knots) == 1:
        made[:, 1 - rows.positive] = 1 - made[:, rows.positive]
    total = made.sum(axis=1, keepdims=True)
    # Where no class was ever seen at such probabilities, all are equally likely.
    return chosen(rows, np.where(total > 0, made / np.where(total > 0, total, 1), 1 / made.shape[1]))
