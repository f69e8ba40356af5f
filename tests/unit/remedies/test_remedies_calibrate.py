"""Temperature and isotonic calibration: by hand, beside scikit-learn, in simulation, and what they refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logit, softmax

import govkit.stats as gs
from govkit.errors import DataError
from govkit.remedies import Rows, effects, isotonic, temperature


def rows(probabilities: np.ndarray, labels: np.ndarray, **more) -> Rows:
    probabilities = np.column_stack([1 - probabilities, probabilities]) if probabilities.ndim == 1 else probabilities
    return Rows(np.asarray(labels, dtype=np.int64), probabilities.argmax(axis=1), probabilities, positive=1, **more)


def frac(a: float, n: int = 1000) -> np.ndarray:
    return np.arange(1, n + 1) * a % 1.0


def four_classes() -> Rows:
    """Formulas, no generator: logits 1.5 times too large, labels drawn from softmax(0.6 z)."""
    z = 1.5 * (6 * np.column_stack([frac(a) for a in (0.8191725134, 0.6710436067, 0.5497004779, 0.4503015775)]) - 3)
    labels = (frac(0.7548776662466927)[:, None] > softmax(0.6 * z, axis=1).cumsum(axis=1)).sum(axis=1)
    return rows(softmax(z, axis=1), labels)


def overconfident(n: int, seed: int, sharp: float = 1 / 0.6) -> Rows:
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, n)
    return rows(expit(sharp * z), rng.random(n) < expit(z))


def ece15(given: Rows, probabilities: np.ndarray) -> float:
    answer = probabilities.argmax(axis=1)
    return gs.ece(probabilities.max(axis=1), answer == given.labels, 15)


def test_the_published_anchor():
    given = four_classes()
    assert ece15(given, given.probabilities) == pytest.approx(0.133141304891, abs=1e-9)
    made = temperature(given)
    assert 1 / made.numbers["temperature"] == pytest.approx(0.594669843, abs=1e-8)
    assert made.numbers["nll_before"] == pytest.approx(0.944584312132, abs=1e-11)
    assert made.numbers["nll_after"] == pytest.approx(0.857046956434, abs=1e-11)
    assert ece15(given, made.apply(given).probabilities) == pytest.approx(0.053669365262, abs=1e-8)


def test_as_scikit_learn_scales():
    from sklearn.calibration import _TemperatureScaling

    given = four_classes()
    theirs = _TemperatureScaling().fit(np.log(given.probabilities), given.labels)
    assert 1 / temperature(given).numbers["temperature"] == pytest.approx(theirs.beta_, abs=1e-6)


def test_two_statements_by_hand():
    """Everybody is stated 0.9 for the answer given and three of four are right: T is logit(0.9) / logit(0.75)."""
    labels = np.tile([1, 1, 1, 0], 10)
    made = temperature(rows(np.full(40, 0.9), labels))
    assert made.numbers["temperature"] == pytest.approx(logit(0.9) / logit(0.75))
    assert made.apply(rows(np.array([0.9, 0.1]), [0, 0])).probabilities[:, 1] == pytest.approx([0.75, 0.25])


def test_the_interval_ends_where_the_likelihood_has_fallen_far_enough():
    given = four_classes()
    numbers = temperature(given).numbers

    def deviance(t: float) -> float:
        return -2 * log_softmax(np.log(given.probabilities) / t, axis=1)[np.arange(1000), given.labels].sum()

    for end in ("low", "high"):
        fall = deviance(numbers["interval"][end]) - deviance(numbers["temperature"])
        assert fall == pytest.approx(3.841458820694124, abs=1e-6)


def test_the_interval_covers_the_temperature():
    """Nominal 95 %: of 400 draws at most 34 may miss (a chance of 0.1 % at 5 %)."""
    for n, sharp in ((100, 1.0), (300, 1 / 0.6)):
        missed = 0
        for seed in range(400):
            interval = temperature(overconfident(n, seed, sharp)).numbers["interval"]
            missed += not interval["low"] <= sharp <= interval["high"]
        assert missed <= 34


def test_overconfidence_comes_within_the_limit_and_answers_stay():
    made, test = temperature(overconfident(3000, 0)), overconfident(20000, 1)
    after = made.apply(test)
    before = gs.calibration(test.score, test.labels == 1)
    now = gs.calibration(after.probabilities[:, 1], test.labels == 1)
    assert before.bounds[1].low > 0.05 > now.bounds[1].high
    assert (after.labels == test.predicted).all()
    assert after.probabilities.sum(axis=1) == pytest.approx(1)


def test_a_calibrated_model_is_left_as_it_is():
    numbers = temperature(overconfident(3000, 5, sharp=1.0)).numbers
    assert numbers["interval"]["low"] <= 1 <= numbers["interval"]["high"]
    assert numbers["temperature"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("right", [True, False])
def test_a_temperature_at_its_bound_is_refused(right: bool):
    """A model that is never wrong would grow ever surer; one that is as good as turned round ever less sure."""
    labels = np.arange(60) % 2
    with pytest.raises(DataError, match="no temperature"):
        temperature(rows(np.where((labels == 1) == right, 0.8, 0.2), labels))


@pytest.mark.parametrize("fit", [temperature, isotonic])
def test_few_rows_are_refused(fit):
    with pytest.raises(DataError, match="at least 20"):
        fit(overconfident(19, 0))


@pytest.mark.parametrize("fit", [temperature, isotonic])
def test_rows_of_one_class_are_refused(fit):
    with pytest.raises(DataError, match="all rows are of one class"):
        fit(rows(np.tile([0.3, 0.7], (50, 1)), np.ones(50, dtype=int)))


def test_certain_statements_stay_finite():
    given = overconfident(200, 3)
    given.probabilities[0] = [0.0, 1.0]
    given.labels[0] = 0
    made = temperature(given)
    assert np.isfinite(made.numbers["nll_before"])
    assert np.isfinite(made.apply(given).probabilities).all()


@pytest.mark.parametrize("given", [four_classes(), overconfident(500, 2)], ids=["four classes", "two classes"])
def test_isotonic_is_that_of_scikit_learn(given: Rows):
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator

    class HandedThrough(ClassifierMixin, BaseEstimator):
        classes_ = np.arange(given.probabilities.shape[1])

        def fit(self, *_):
            return self

        def __sklearn_is_fitted__(self):
            return True

        def predict(self, x):
            return x.argmax(axis=1)

        def predict_proba(self, x):
            return x

    theirs = CalibratedClassifierCV(FrozenEstimator(HandedThrough()), method="isotonic")
    theirs.fit(given.probabilities, given.labels)
    made = isotonic(given).apply(given)
    assert made.probabilities == pytest.approx(theirs.predict_proba(given.probabilities), abs=1e-9)


def test_isotonic_by_hand():
    """Stated 0.2, 0.4 and 0.8, ten rows each, true 3, 1 and 9 times: the first two are pooled to 0.2."""
    stated = np.repeat([0.2, 0.4, 0.8], 10)
    labels = np.concatenate([np.arange(10) < true for true in (3, 1, 9)]).astype(int)
    after = isotonic(rows(stated, labels)).apply(rows(np.array([0.2, 0.3, 0.4, 0.6, 0.8, 0.99]), np.zeros(6)))
    assert after.probabilities[:, 1] == pytest.approx([0.2, 0.2, 0.2, 0.55, 0.9, 0.9])
    assert after.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_numbers_are_plain():
    for made in (temperature(four_classes()), isotonic(four_classes()), isotonic(overconfident(100, 0))):
        assert json.loads(json.dumps(made.numbers, allow_nan=False)) == made.numbers


def test_effects_of_a_temperature():
    """Only the calibration error moves, and it moves to the better side for everybody and both groups."""
    test = overconfident(4000, 1)
    after = temperature(overconfident(3000, 0)).apply(test)
    half = np.arange(4000) < 2000
    found = list(effects(test, after, {("side", "a"): half, ("side", "b"): ~half}, seed=0))
    assert {(e.metric, *e.part.values()) for e in found if e.before != e.after} == {
        ("calibration_error",),
        ("calibration_error", "a"),
        ("calibration_error", "b"),
    }
    assert not any(each.worse for each in found)
    assert next(e for e in found if e.metric == "calibration_error").beyond_chance
