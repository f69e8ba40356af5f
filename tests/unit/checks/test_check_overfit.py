from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check

from govkit.checks.outcomes.overfit import overfit

TRAIN = {"labels": [0, 0, 1, 1], "probs": [0.1, 0.2, 0.9, 0.8], "base": [0.1, 0.6, 0.9, 0.8]}


def test_the_gap_is_training_less_test():
    # All four training rows right, three of four test rows; the base 3 of 4 and 2 of 4.
    case = make_case([0, 0, 1, 1], [0.1, 0.3, 0.9, 0.4], base=[0.6, 0.3, 0.9, 0.4], train=TRAIN)
    found = run_check(overfit, case)
    gap = pick(found, "accuracy_gap")
    assert (gap.value, gap.n, gap.better) == (0.25, 8, "lower")
    assert pick(found, "accuracy_gap", of="base").value == 0.25
    assert pick(found, "accuracy_gap", compared_with="base").value == 0.0
    train, test = -np.log([0.9, 0.8, 0.9, 0.8]).mean(), -np.log([0.9, 0.7, 0.9, 0.4]).mean()
    assert pick(found, "log_loss_gap").value == pytest.approx(test - train)
    base = -np.log([0.4, 0.7, 0.9, 0.4]).mean() + np.log([0.9, 0.4, 0.9, 0.8]).mean()
    assert pick(found, "log_loss_gap", of="base").value == pytest.approx(base)
    assert pick(found, "log_loss_gap", compared_with="base").value == pytest.approx(test - train - base)


def test_without_training_data_there_is_one_gap():
    (gap,) = run_check(overfit, make_case([0, 1], [0.1, 0.9]))
    assert (gap.name, gap.reason) == ("*", "no data")


def test_without_answers_to_the_training_rows_there_is_one_gap():
    (gap,) = run_check(overfit, make_case([0, 1], [0.1, 0.9], train={"labels": [0, 1]}))
    assert (gap.name, gap.reason) == ("*", "no data")


def test_labels_without_probabilities_have_no_loss():
    found = run_check(overfit, make_case([0, 1], [0, 1], base=[0.1, 0.9], train={**TRAIN, "probs": [0, 0, 1, 1]}))
    assert gaps(found)["log_loss_gap", "candidate", None].reason == "unsupported"
    assert pick(found, "accuracy_gap").value == 0.0
    assert not [finding for finding in found if finding.name == "log_loss_gap" and finding.compared_with]


def test_two_rows_do_not_pass_a_limit_on_the_log_loss():
    train = {"labels": [0, 1], "probs": [0.0, 1.0], "base": [0.0, 1.0]}
    found = run_check(overfit, make_case([0, 1], [0.0, 1.0], base=[0.0, 1.0], train=train))
    assert bound(pick(found, "log_loss_gap"), 0.95)[1] > 25
    assert bound(pick(found, "log_loss_gap", compared_with="base"), 0.95)[1] > 25


def test_one_row_has_no_bounds_for_a_mean():
    found = run_check(overfit, make_case([1], [0.9], train=TRAIN))
    assert gaps(found)["log_loss_gap", "candidate", None].reason == "too few rows"


def answers(rng: np.random.Generator, labels: np.ndarray, share: float) -> np.ndarray:
    return np.where(rng.random(labels.size) < share, labels, 1 - labels)


def test_power_a_memorized_training_set_is_found_and_an_honest_model_is_not_accused():
    found = accused = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        train, test = rng.integers(0, 2, 1000), rng.integers(0, 2, 1000)
        for share in (0.99, 0.85):
            fitted = {"labels": train, "probs": answers(rng, train, share), "base": answers(rng, train, 0.8)}
            case = make_case(test, answers(rng, test, 0.85), base=answers(rng, test, 0.8), train=fitted)
            gap = pick(run_check(overfit, case), "accuracy_gap")
            grown = pick(run_check(overfit, case), "accuracy_gap", compared_with="base")
            if share == 0.99:
                found += bound(gap, 0.999)[0] > 0.05 and bound(grown, 0.95)[0] > 0.05
            else:
                accused += bound(gap, 0.999)[0] > 0.05
    assert found >= 18
    assert accused == 0


def test_without_a_base_each_comparison_is_a_gap():
    rows = np.arange(40) % 2
    found = run_check(overfit, make_case(rows, rows, train={"labels": rows, "probs": rows}))
    about = {item.name: item for item in found if item.compared_with == "base"}
    assert {name: item.reason for name, item in about.items()} == {"accuracy_gap": "no data", "log_loss_gap": "no data"}
