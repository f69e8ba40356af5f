"""The outcomes, on the rows, against scikit-learn, fairlearn and aif360."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pandas as pd
import pytest
from case_fixture import make_case, pick, run_check
from fairlearn import metrics as fairlearn
from scipy.stats import binomtest
from sklearn import metrics as sklearn

from govkit.checks.outcomes.bias import bias
from govkit.checks.outcomes.calibration import calibration
from govkit.checks.outcomes.flips import flips
from govkit.checks.outcomes.overfit import overfit
from govkit.checks.outcomes.performance import performance

ROWS = 900
RNG = np.random.default_rng(20)


def answers(labels: np.ndarray, classes: int, strength: float) -> np.ndarray:
    """Probabilities ``(n, k)`` that lean to the label."""
    logits = RNG.normal(0, 1, (labels.size, classes)) + strength * np.eye(classes)[labels]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


@pytest.fixture(scope="module", params=[2, 4], ids=["two classes", "four classes"])
def models(request):
    labels = RNG.integers(0, request.param, ROWS)
    return labels, answers(labels, request.param, 1.5), answers(labels, request.param, 1.0)


def test_performance_is_that_of_scikit_learn(models):
    labels, one, two = models
    found = run_check(performance, make_case(labels, one, base=two))
    scores = (one[:, 1], two[:, 1]) if one.shape[1] == 2 else (one, two)
    for of, given, score in (("candidate", one, scores[0]), ("base", two, scores[1])):
        wanted = {
            "accuracy": sklearn.accuracy_score(labels, given.argmax(1)),
            "balanced_accuracy": sklearn.balanced_accuracy_score(labels, given.argmax(1)),
            "log_loss": sklearn.log_loss(labels, given),
            "roc_auc": sklearn.roc_auc_score(labels, score, multi_class="ovr"),
        }
        for name, value in wanted.items():
            assert pick(found, name, of=of).value == pytest.approx(value, abs=1e-12), name
    for name in ("accuracy", "balanced_accuracy", "log_loss"):
        change = pick(found, name, compared_with="base").value
        assert change == pytest.approx(pick(found, name).value - pick(found, name, of="base").value, abs=1e-12)


def test_certain_answers_lose_as_much_as_in_scikit_learn():
    certain = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    found = run_check(performance, make_case([0, 1, 1], certain))
    assert pick(found, "log_loss").value == pytest.approx(sklearn.log_loss([0, 1, 1], certain))


def test_the_brier_score_is_that_of_scikit_learn(models):
    labels, one, _ = models
    brier = pick(run_check(calibration, make_case(labels, one)), "brier").value
    score = one[:, 1] if one.shape[1] == 2 else one
    assert brier == pytest.approx(sklearn.brier_score_loss(labels, score, labels=range(one.shape[1])))


def test_overfit_gaps_are_differences_of_scikit_learn_scores(models):
    labels, one, two = models
    half = ROWS // 2
    case = make_case(labels[half:], one[half:], base=two[half:], train={"labels": labels[:half], "probs": one[:half]})
    found = run_check(overfit, case)
    train, test = slice(None, half), slice(half, None)
    scores = [sklearn.accuracy_score(labels[rows], one[rows].argmax(1)) for rows in (train, test)]
    losses = [sklearn.log_loss(labels[rows], one[rows]) for rows in (train, test)]
    assert pick(found, "accuracy_gap").value == pytest.approx(scores[0] - scores[1])
    assert pick(found, "log_loss_gap").value == pytest.approx(losses[1] - losses[0])


def test_the_flips_are_tested_like_a_coin_in_scipy(models):
    labels, one, two = models
    new, old = one.argmax(1) == labels, two.argmax(1) == labels
    found = run_check(flips, make_case(labels, one, base=two))
    lost, won = int((old & ~new).sum()), int((new & ~old).sum())
    assert pick(found, "mcnemar_p", compared_with="base").value == pytest.approx(binomtest(lost, lost + won).pvalue)
    assert pick(found, "negative_flip_rate_vs_base").value == lost / ROWS


@pytest.fixture(scope="module")
def grouped():
    """Two classes, three groups of different size, rows and findings."""
    labels = RNG.integers(0, 2, ROWS)
    group = RNG.choice(["a", "b", "c"], ROWS, p=[0.6, 0.3, 0.1])
    given = np.where(RNG.random(ROWS) < np.where(group == "a", 0.8, 0.65), labels, 1 - labels)
    return labels, given, group, run_check(bias, make_case(labels, given, groups={"g": group}))


def test_bias_is_that_of_fairlearn_on_the_rows(grouped):
    labels, given, group, found = grouped
    functions = {
        "selection_rate": fairlearn.selection_rate,
        "true_positive_rate": fairlearn.true_positive_rate,
        "false_positive_rate": fairlearn.false_positive_rate,
        "false_negative_rate": fairlearn.false_negative_rate,
        "accuracy": sklearn.accuracy_score,
    }
    frame = fairlearn.MetricFrame(metrics=functions, y_true=labels, y_pred=given, sensitive_features=group)
    for name in functions:
        for key in "abc":
            assert pick(found, name, part={"g": key}).value == pytest.approx(frame.by_group[name][key], abs=1e-12)
    for name in ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"):
        value = getattr(fairlearn, name)(labels, given, sensitive_features=group)
        assert pick(found, name, part={"g": "*"}).value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("key", ["a", "b", "c"])
def test_gaps_to_the_rest_are_those_of_aif360_on_the_rows(grouped, key):
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aif360.datasets import BinaryLabelDataset
        from aif360.metrics import ClassificationMetric

        labels, given, group, found = grouped
        frame = pd.DataFrame({"g": (group == key).astype(float), "y": labels.astype(float)})
        truth = BinaryLabelDataset(df=frame, label_names=["y"], protected_attribute_names=["g"])
        answer = truth.copy()
        answer.labels = given.astype(float)[:, None]
        metric = ClassificationMetric(truth, answer, [{"g": 1.0}], [{"g": 0.0}])
    logging.disable(logging.NOTSET)
    wanted = {
        "selection_rate_difference": metric.statistical_parity_difference(),
        "selection_rate_ratio": metric.disparate_impact(),
        "true_positive_rate_difference": metric.equal_opportunity_difference(),
        "false_positive_rate_difference": metric.false_positive_rate_difference(),
        "false_negative_rate_difference": metric.false_negative_rate_difference(),
        "accuracy_difference": metric.accuracy(privileged=False) - metric.accuracy(privileged=True),
    }
    for name, value in wanted.items():
        assert pick(found, name, part={"g": key}).value == pytest.approx(value, abs=1e-12), name
