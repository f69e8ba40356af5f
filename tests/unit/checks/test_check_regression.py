from __future__ import annotations

import math

import numpy as np
import pytest
from case_fixture import bound, gaps, pick, run_check
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error
from task_fixture import task_case

from govkit.checks.outcomes.regression import COMPARED, regression

TRUTH = [1.0, 2.0, 3.0, 4.0]
GIVEN = [1.0, 3.0, 5.0, 3.0]  # off by 0, 1, 2 and -1
RANGE = {"range": (0.0, 10.0)}


def case_of(labels=TRUTH, candidate=GIVEN, *, column=RANGE, **options):
    return task_case(
        "regression", labels, {"candidate": candidate, **options.pop("others", {})}, column=column, **options
    )


def test_errors_by_hand():
    sex = {"sex": ["f", "f", "m", "m"]}
    found = run_check(regression, case_of(groups=sex, others={"base": [2.0, 2.0, 3.0, 4.0], "trivial": [2.5] * 4}))
    assert pick(found, "mean_absolute_error").value == 1.0
    assert pick(found, "mean_squared_error").value == 1.5
    assert pick(found, "root_mean_squared_error").value == pytest.approx(math.sqrt(1.5))
    assert pick(found, "mean_error").value == 0.5
    assert pick(found, "r2").value == pytest.approx(1 - 6 / 5)
    assert pick(found, "mean_absolute_error", compared_with="base").value == 0.75
    assert pick(found, "mean_absolute_error", compared_with="trivial").value == 0.0
    assert pick(found, "mean_absolute_error", part={"sex": "m"}).value == 1.5
    assert pick(found, "mean_error", part={"sex": "m"}).value == 0.5
    assert pick(found, "mean_absolute_error_gap", part={"sex": "m"}).value == 1.0
    assert pick(found, "mean_absolute_error", compared_with="base", part={"sex": "f"}).value == 0.0
    assert pick(found, "mean_absolute_error").better == "lower"
    assert pick(found, "mean_error").better is None


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_those_of_scikit_learn_and_scipy(seed):
    rng = np.random.default_rng(seed)
    truth = rng.gamma(2, 2, 80).round(1)
    one, two = truth + rng.normal(0, 1, 80).round(1), truth + rng.normal(1, 2, 80)
    found = run_check(regression, case_of(truth, one, others={"incumbent": two}, column={}))
    for name, reference in (
        ("mean_absolute_error", mean_absolute_error),
        ("mean_squared_error", mean_squared_error),
        ("root_mean_squared_error", root_mean_squared_error),
        ("r2", r2_score),
        ("spearman", lambda truth, given: spearmanr(truth, given).statistic),
    ):
        assert pick(found, name).value == pytest.approx(reference(truth, one)), name
        assert pick(found, name, of="incumbent").value == pytest.approx(reference(truth, two)), name
        if name in COMPARED:
            change = pick(found, name, compared_with="incumbent").value
            assert change == pytest.approx(reference(truth, one) - reference(truth, two)), name


def test_bounds_need_a_declared_range():
    name = "mean_absolute_error"
    for column, bounded in ((RANGE, True), ({}, False), ({"range": None}, False), ({"range": (0.0, 4.5)}, False)):
        found = run_check(regression, case_of(column=column))
        assert bool(pick(found, name).bounds) is bounded
        assert bool(pick(found, "root_mean_squared_error").bounds) is bounded
        assert pick(found, name).interval is not None
    assert "columns.range" in regression.metrics[name].what
    # With four rows next to nothing is known, and no more than that the mean lies in the range.
    low, high = bound(pick(run_check(regression, case_of()), name), 0.9999)
    assert low < 0.1
    assert high > 9


def test_r2_and_spearman_have_an_interval_and_no_bounds():
    rng = np.random.default_rng(0)
    truth = rng.random(200)
    found = run_check(regression, case_of(truth, truth + rng.normal(0, 0.1, 200)))
    for name in ("r2", "spearman"):
        item = pick(found, name)
        assert item.bounds == ()
        assert item.interval.low < item.value < item.interval.high < 1
    assert (pick(found, "r2").seed, pick(found, "spearman").seed) == ("0", "")


def test_the_shifted_rows_stand_beside_the_test_rows():
    found = run_check(regression, case_of(shifted=([1.0, 2.0, 3.0], {"candidate": [4.0, 4.0, 4.0]})))
    assert pick(found, "mean_absolute_error_change", role="shifted").value == 1.0
    without = run_check(regression, case_of(shifted=([1.0, 2.0, 3.0], {})))
    assert gaps(without)["mean_absolute_error_change", "candidate", None].reason == "no data"


def test_what_is_missing_is_a_gap():
    found = run_check(regression, case_of(candidate=[2.0, 2.0, 2.0, 2.0], labels=[2.0, 2.0, 2.0, 3.0]))
    missing = gaps(found)
    assert missing["spearman", "candidate", None].reason == "too few rows"
    assert missing["mean_absolute_error_change", "candidate", None].reason == "no data"
    assert {missing[name, "candidate", rival].reason for name in COMPARED for rival in ("base", "incumbent")} == {
        "no data"
    }
    assert (
        gaps(run_check(regression, case_of([2.0, 2.0], [1.0, 3.0])))["r2", "candidate", None].reason == "too few rows"
    )
    one = gaps(run_check(regression, case_of([2.0], [1.0])))
    assert one["mean_absolute_error", "candidate", None].reason == "too few rows"
    (gap,) = run_check(regression, task_case("regression", TRUTH, {}))
    assert (gap.name, gap.reason) == ("*", "no data")
    assert run_check(regression, task_case("ordinal", [0, 1], {"candidate": [0, 1]})) == []


def test_power_a_group_that_is_served_worse_is_found_and_equal_groups_are_not_accused():
    found = accused = 0
    for seed in range(15):
        rng = np.random.default_rng(seed)
        truth, group = rng.uniform(0, 10, 2000), np.where(np.arange(2000) < 600, "a", "b")
        for spread in (1.5, 1.0):
            given = np.clip(truth + rng.normal(0, np.where(group == "a", spread, 1.0)), 0, 10)
            gap = pick(
                run_check(regression, case_of(truth, given, groups={"group": group})),
                "mean_absolute_error_gap",
                part={"group": "a"},
            )
            if spread > 1:
                found += bound(gap, 0.999)[0] > 0.1
            else:
                accused += bound(gap, 0.999)[0] > 0
    assert found >= 14
    assert accused == 0
