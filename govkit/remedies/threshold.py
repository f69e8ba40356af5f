"""Thresholds by group: decisions that meet a fairness constraint at the least loss of accuracy (Hardt et al. 2016)."""

from __future__ import annotations

from typing import Any

from govkit.core import Predictions
from govkit.errors import UsageError
from govkit.lazy import np
from govkit.remedies.rows import Remedy, Rows, few_rows, must_be, refuse_unknown_groups

CONSTRAINTS = (
    "demographic_parity",
    "equalized_odds",
    "true_positive_rate_parity",
    "false_positive_rate_parity",
    "true_negative_rate_parity",
    "false_negative_rate_parity",
)
"""What may have to be equal between groups, as fairlearn calls it."""


def threshold(rows: Rows, *, constraint: str = "equalized_odds", seed: int = 0) -> Remedy:
    """Thresholds on the positive class's probability, for each group, mixed at random where one alone cannot do it.

    By ``fairlearn.postprocessing.ThresholdOptimizer``. The answers are labels: a decision states no probability.

    Raises:
        UsageError: More than two classes, too few rows, no groups, a group with one class only, an unknown constraint.
    """
    from fairlearn.postprocessing import ThresholdOptimizer

    if constraint not in CONSTRAINTS:
        raise UsageError(f"--constraint {constraint}: expected one of {', '.join(CONSTRAINTS)}")
    must_be(rows, binary=True, groups=True)
    optimizer = ThresholdOptimizer(
        estimator=_handed_through(),
        constraints=constraint,
        objective="accuracy_score",
        prefit=True,
        predict_method="predict",
    ).fit(rows.score[:, None], (rows.labels == rows.positive).astype(int), sensitive_features=rows.groups)
    mixes = {str(name): _plain(mix) for name, mix in optimizer.interpolated_thresholder_.interpolation_dict.items()}
    remarks = (
        "The group of a person must be known when it is decided, and decides: whether the law allows that is for a "
        "person to say.",
        f"Between two thresholds the decision is drawn at random (seed {seed}): asked again, the same person may be "
        "answered otherwise.",
        "The answers are labels, so whatever needs probabilities is no longer measured.",
    )
    numbers = {"constraint": constraint, "objective": "accuracy_score", "seed": seed, "groups": mixes}
    name = f"thresholds by group, {constraint}"
    return Remedy(name, numbers, (*remarks, *few_rows(rows)), lambda other: _decide(rows, other, optimizer, seed))


def _handed_through() -> Any:
    """An estimator that predicts what it is given: fairlearn asks a model, and the scores are there already."""
    from sklearn.linear_model import LinearRegression

    through = LinearRegression()
    through.coef_, through.intercept_ = np.ones(1), 0.0
    return through


def _plain(mix: Any) -> dict[str, Any]:
    """Thresholds of one group and how often each decides, from fairlearn's ``interpolation_dict``."""
    found: dict[str, Any] = {
        "thresholds": [f"{rule.operator} {float(rule.threshold)!r}" for rule in (mix.operation0, mix.operation1)],
        "shares": [float(mix.p0), float(mix.p1)],
    }
    if "p_ignore" in mix:
        found |= {"ignored": float(mix.p_ignore), "then": float(mix.prediction_constant)}
    return found


def _decide(fitted: Rows, rows: Rows, optimizer: Any, seed: int) -> Predictions:
    refuse_unknown_groups(fitted, rows)
    selected = optimizer.predict(rows.score[:, None], sensitive_features=rows.groups, random_state=seed % 2**32)
    return Predictions(np.where(selected == 1, rows.positive, 1 - rows.positive).astype(np.int64))
