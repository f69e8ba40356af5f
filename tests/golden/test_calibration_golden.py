"""Independently computed values, through the checks, of rows that are given by a formula.

The rows need no random generator: fractions of multiples of irrational numbers. Computed with relplot 1.0.3,
uncertainty-calibration 0.1.4, netcal 1.4.0, torchmetrics 1.9.0 and scikit-learn 1.9.1. In the first rows the gap has
one sign everywhere, so that any binning gives the same error; the second cross the diagonal; the third have four
classes.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import numpy as np
import pytest
from case_fixture import make_case, pick, run_check

import govkit.stats as gs
from govkit.checks.outcomes.calibration import calibration
from govkit.checks.outcomes.performance import performance
from govkit.stats.ranking import delong, placements

ROW = np.arange(1, 1001)
EVEN, DRAWN = ROW * 0.6180339887498949 % 1, ROW * 0.7548776662466927 % 1
STEPS = (0.8191725134, 0.6710436067, 0.5497004779, 0.4503015775)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def underconfident() -> tuple[np.ndarray, np.ndarray]:
    return EVEN, DRAWN < EVEN**1.5


def overconfident() -> tuple[np.ndarray, np.ndarray]:
    f = np.clip(EVEN, 1e-6, 1 - 1e-6)
    return f, 1 / (1 + np.exp(-0.5 * np.log(f / (1 - f)))) > DRAWN


def four_classes() -> tuple[np.ndarray, np.ndarray]:
    z = 1.5 * (6 * (ROW[:, None] * np.array(STEPS) % 1) - 3)
    return softmax(z), (DRAWN[:, None] > np.cumsum(softmax(0.6 * z), axis=1)).sum(axis=1)


ROWS = {"under": underconfident(), "over": overconfident(), "four": four_classes()}


@pytest.fixture(scope="module")
def found():
    cases = {name: make_case(labels.astype(int), stated) for name, (stated, labels) in ROWS.items()}
    return {name: run_check(calibration, case) + run_check(performance, case) for name, case in cases.items()}


@pytest.mark.parametrize(
    ("rows", "name", "value"),
    [
        ("under", "ece", 0.103011369322),
        ("under", "calibration_error", 0.098061840640),
        ("under", "brier", 0.163963825257),
        ("under", "log_loss", 0.495866781427),
        ("under", "roc_auc", 0.853749723256),
        ("under", "mean_gap", 0.103011369322),
        ("over", "ece", 0.091891526871),
        ("over", "calibration_error", 0.082377255192),
        ("over", "brier", 0.221129521686),
        ("over", "log_loss", 0.649223044848),
        ("over", "roc_auc", 0.724399590393),
        ("four", "ece", 0.133141304891),
        ("four", "calibration_error", 0.148995504798),
        ("four", "class_calibration_error", 0.082840324892),
        ("four", "brier", 0.515229490233),
        ("four", "log_loss", 0.944584312132),
        ("four", "accuracy", 0.631),
        ("four", "mean_gap", 0.759041975289 - 0.631),
    ],
)
def test_values_are_those_of_the_libraries(found, rows, name, value):
    assert pick(found[rows], name).value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(("rows", "value"), [("under", 0.103034463974), ("over", 0.047064976306)])
def test_the_cumulated_gap_is_the_reference_and_to_the_last_digit_the_exact_sum(found, rows, value):
    """The reference holds to 1e-8 only: exact fractions give the value of the check."""
    stated, true = ROWS[rows]
    order = np.argsort(stated)
    sums = accumulate(Fraction(int(y)) - Fraction(float(f)) for f, y in zip(stated[order], true[order], strict=True))
    gap = pick(found[rows], "cumulated_gap").value
    assert gap == pytest.approx(float(max(map(abs, sums)) / len(stated)), abs=1e-13)
    assert gap == pytest.approx(value, abs=1e-8)


@pytest.mark.parametrize(
    ("rows", "value"), [("under", 0.103011369322), ("over", 0.087979900005), ("four", 0.129641678816)]
)
def test_expected_calibration_error_in_ten_bins(rows, value):
    stated, labels = ROWS[rows]
    found = run_check(calibration, make_case(labels.astype(int), stated), bins=10)
    assert pick(found, "ece").value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("label", "value"), list(enumerate([0.075556900748, 0.080761096679, 0.100306240242, 0.071815986338]))
)
def test_the_error_of_each_class_is_that_of_uncertainty_calibration(found, label, value):
    error = pick(found["four"], "class_calibration_error", part={"class": f"class {label}"})
    assert error.value == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("rows", "value"), [("under", 0.102853943986), ("over", 0.086143237474), ("four", 0.128322013331)]
)
def test_the_smooth_error_is_that_of_relplot(found, rows, value):
    """To 1e-3: relplot halves its bandwidth ten times and gives the two ends of [0, 1] too much weight."""
    assert pick(found[rows], "smooth_calibration_error").value == pytest.approx(value, abs=1e-3)


def test_the_smooth_error_at_a_given_bandwidth_is_that_of_relplot():
    assert gs.smooth_calibration_error(*underconfident(), bandwidth=0.05) == pytest.approx(0.102750677604, abs=1e-3)


def test_a_gap_of_one_sign_is_the_same_however_it_is_smoothed(found):
    gap = pick(found["under"], "mean_gap").value
    assert pick(found["under"], "smooth_calibration_error").value == pytest.approx(gap, abs=1e-9)


def test_the_standard_error_of_the_area_is_delongs(found):
    error = delong(placements(*overconfident())) ** 0.5
    assert error == pytest.approx(0.015808155712, abs=1e-9)
    area = pick(found["over"], "roc_auc")
    assert (area.value - 1.96 * error, area.value + 1.96 * error) == pytest.approx((0.693416, 0.755383), abs=2e-6)
