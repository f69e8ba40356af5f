from __future__ import annotations

import logging
import sys

import numpy as np
import pytest
from case_fixture import bound, make_case, pick, run_check

from govkit.checks import _fairness
from govkit.checks.outcomes.bias import bias, larger
from govkit.core import LEVELS, Bound, Gap, Interval, Measurement
from govkit.stats import Estimate

# Eight women and twelve men. Women: 4 positive rows of which 2 are selected, 4 others of which 1 is.
# Men: 6 positive rows of which 5 are selected, 6 others of which 3 are.
SEX = ["f"] * 8 + ["m"] * 12
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0] + [1] * 6 + [0] * 6)
ANSWERS = np.array([1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0])
BASE = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0])


@pytest.fixture(scope="module")
def found():
    return run_check(bias, make_case(LABELS, ANSWERS, base=BASE, groups={"sex": SEX}))


@pytest.mark.parametrize(
    ("name", "women", "men"),
    [
        ("selection_rate", (3, 8), (8, 12)),
        ("true_positive_rate", (2, 4), (5, 6)),
        ("false_positive_rate", (1, 4), (3, 6)),
        ("false_negative_rate", (2, 4), (1, 6)),
        ("accuracy", (5, 8), (8, 12)),
    ],
)
def test_rates_of_a_group_and_less_the_rest(found, name, women, men):
    for group, (x, n), (y, m) in (("f", women, men), ("m", men, women)):
        rate = pick(found, name, part={"sex": group})
        assert (rate.value, rate.n) == (x / n, n)
        gap = pick(found, f"{name}_difference", part={"sex": group})
        assert gap.value == pytest.approx(x / n - y / m)
        assert gap.n == n + m
        low, high = bound(gap, 0.95)
        assert low < gap.value < high


def test_the_ratio_is_that_to_the_rest(found):
    assert pick(found, "selection_rate_ratio", part={"sex": "f"}).value == pytest.approx((3 / 8) / (8 / 12))
    assert pick(found, "selection_rate_ratio", part={"sex": "m"}).value == pytest.approx((8 / 12) / (3 / 8))
    assert pick(found, "selection_rate_ratio", part={"sex": "m"}).unit == "ratio"


def test_spreads_over_all_groups(found):
    every = {"sex": "*"}
    assert pick(found, "demographic_parity_difference", part=every).value == pytest.approx(8 / 12 - 3 / 8)
    assert pick(found, "demographic_parity_ratio", part=every).value == pytest.approx((3 / 8) / (8 / 12))
    # The true positive rates lie further apart (1/3) than the false positive rates (1/4).
    assert pick(found, "equalized_odds_difference", part=every).value == pytest.approx(5 / 6 - 2 / 4)
    assert pick(found, "equalized_odds_difference", part=every).n == 20


def test_the_labels_have_gaps_of_their_own(found):
    assert pick(found, "selection_rate", of="labels", part={"sex": "f"}).value == 0.5
    assert pick(found, "selection_rate_difference", of="labels", part={"sex": "f"}).value == 0.0
    assert pick(found, "demographic_parity_difference", of="labels", part={"sex": "*"}).value == 0.0


def test_a_gap_is_compared_with_that_of_the_base(found):
    # The base selects 4 women of 8 and 7 men of 12.
    grown = pick(found, "selection_rate_difference", compared_with="base", part={"sex": "f"})
    assert grown.value == pytest.approx((3 / 8 - 8 / 12) - (4 / 8 - 7 / 12))
    tpr = pick(found, "true_positive_rate_difference", compared_with="base", part={"sex": "f"})
    assert tpr.value == pytest.approx((2 / 4 - 5 / 6) - (3 / 4 - 5 / 6))
    assert tpr.n == 10
    for name in ("false_positive_rate", "false_negative_rate", "accuracy"):
        pick(found, f"{name}_difference", compared_with="base", part={"sex": "m"})


def test_without_a_base_nothing_is_compared_with_it():
    found = run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}))
    compared = [finding for finding in found if finding.compared_with or finding.of == "base"]
    assert {(item.kind, item.name, item.reason) for item in compared} == {
        ("gap", f"{name}_difference", "no data") for name in _fairness.RATES
    }


def test_without_groups_the_check_is_a_gap():
    (gap,) = run_check(bias, make_case(LABELS, ANSWERS))
    assert (gap.name, gap.reason) == ("*", "no data")


def test_a_group_without_the_denominator_is_a_gap_and_its_other_rates_stay():
    # "x" has rows of the positive class only.
    found = run_check(
        bias, make_case([1, 1, 1, 0, 1, 0], [1, 0, 1, 0, 1, 1], groups={"g": ["x", "x", "y", "y", "z", "z"]})
    )
    missing = {
        (item.name, tuple(item.part.items())): item.reason for item in found if isinstance(item, Gap) and item.part
    }
    assert missing == {
        ("false_positive_rate", (("g", "x"),)): "too few rows",
        ("false_positive_rate_difference", (("g", "x"),)): "too few rows",
        ("equalized_odds_difference", (("g", "*"),)): "too few rows",
    }
    assert pick(found, "true_positive_rate", part={"g": "x"}).value == 0.5
    assert pick(found, "demographic_parity_difference", part={"g": "*"}).value == 0.5


def test_one_group_alone_has_rates_and_no_gaps():
    found = run_check(bias, make_case([1, 0], [1, 0], base=[1, 1], groups={"g": ["x", "x"]}))
    assert {item.name for item in found if isinstance(item, Measurement)} == set(_fairness.RATES)
    assert {item.reason for item in found if isinstance(item, Gap)} == {"too few rows"}
    assert "demographic_parity_ratio" in {item.name for item in found if isinstance(item, Gap)}


def test_a_ratio_to_nobody_is_a_gap():
    found = run_check(bias, make_case([1, 0, 1, 0], [1, 1, 0, 0], groups={"g": ["x", "x", "y", "y"]}))
    gap = next(item for item in found if isinstance(item, Gap) and item.name == "selection_rate_ratio")
    assert (gap.part, gap.reason) == ({"g": "x"}, "too few rows")
    assert pick(found, "selection_rate_ratio", part={"g": "y"}).value == 0.0


def test_intersections_are_measured_where_asked():
    groups = {"sex": ["f", "f", "m", "m"] * 3, "age": ["old", "young"] * 6}
    labels, answers = [1, 0, 1, 0, 0, 1] * 2, [1, 1, 0, 0, 0, 1] * 2
    case = make_case(labels, answers, groups=groups)
    plain, crossed = run_check(bias, case), run_check(bias, case, intersections=True)
    assert {tuple(item.part) for item in plain if item.part} == {("sex",), ("age",)}
    rate = pick(crossed, "selection_rate", part={"sex": "f", "age": "old"})
    assert (rate.value, rate.n) == (1 / 3, 3)  # of rows 0, 4 and 8 the first is selected
    pick(crossed, "demographic_parity_difference", part={"sex": "*", "age": "*"})


def test_with_many_classes_one_stands_against_all_others():
    labels, answers = [0, 1, 2, 2, 1, 0], [0, 2, 2, 1, 1, 1]
    found = run_check(bias, make_case(labels, answers, groups={"g": ["x"] * 3 + ["y"] * 3}, positive=2))
    assert pick(found, "selection_rate", part={"g": "x"}).value == pytest.approx(2 / 3)
    assert pick(found, "true_positive_rate", part={"g": "x"}).value == 1.0
    assert pick(found, "false_positive_rate", part={"g": "x"}).value == 0.5
    # Row 5 is neither selected nor of the positive class, and wrong all the same.
    assert pick(found, "accuracy", part={"g": "y"}).value == pytest.approx(1 / 3)


def test_a_library_that_disagrees_with_the_counts_stops_the_check(monkeypatch, caplog):
    from fairlearn import metrics

    monkeypatch.setattr(metrics, "false_positive_rate", metrics.true_positive_rate)
    with caplog.at_level(logging.CRITICAL, logger="govkit.checks"):
        (gap,) = run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}))
    assert (gap.name, gap.reason) == ("*", "crashed")
    assert gap.detail.startswith("LibrariesDisagree: fairlearn, false_positive_rate of 'f'")


@pytest.mark.parametrize("name", ["fairlearn", "aif360.datasets"])
def test_a_library_that_is_not_installed_is_no_extra(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    (gap,) = run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}))
    assert (gap.name, gap.reason) == ("*", "no extra")
    assert "govkit[audit]" in gap.detail


def test_the_libraries_leave_no_handler_and_no_filter_behind():
    root = logging.getLogger()
    before = list(root.handlers), list(root.filters)
    run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}))
    assert (root.handlers, root.filters) == before


def estimate(value: float, half: float, n: int = 10) -> Estimate:
    bounds = tuple(Bound(level=level, low=value - half * level, high=value + half * level) for level in LEVELS)
    return Estimate(value, n, Interval(level=0.95, low=0.0, high=1.0, method="m"), bounds)


def test_the_larger_of_two_halves_the_error_below_and_not_above():
    both = larger(estimate(0.5, 0.1), estimate(0.4, 0.3))
    assert (both.value, both.n) == (0.5, 20)
    at = {item.level: item for item in both.bounds}
    assert at[0.95].low == pytest.approx(0.5 - 0.1 * 0.975)
    assert at[0.95].high == pytest.approx(0.4 + 0.3 * 0.95)
    assert at[0.9999].low == 0.0


def planted(seed: int, gap: float) -> list:
    """Four groups of 400 rows; the first is selected less often, whatever the label."""
    rng = np.random.default_rng(seed)
    group = np.repeat(["a", "b", "c", "d"], 400)
    labels = rng.integers(0, 2, 1600)
    answers = (rng.random(1600) < np.where(group == "a", 0.5 - gap, 0.5)).astype(int)
    return run_check(bias, make_case(labels, answers, groups={"g": group}))


def test_power_a_gap_of_a_quarter_is_found_at_the_level_of_holm_and_equal_treatment_is_not_accused():
    # Four groups times five rates: 20 slices in one family, whose first step needs 0.9975 and so 0.999.
    found = accused = 0
    for seed in range(6):
        gap = pick(planted(seed, 0.25), "selection_rate_difference", part={"g": "a"})
        found += bound(gap, 0.999)[1] < -0.10
        for item in planted(100 + seed, 0.0):
            if item.kind == "measurement" and item.name.endswith("_difference") and item.part != {"g": "*"}:
                low, high = bound(item, 0.999)
                accused += low > 0.10 or high < -0.10
    assert found == 6
    assert accused == 0


def test_many_groups_are_set_against_the_rest_and_not_against_each_other():
    groups = [f"g{row % 50}" for row in range(400)]
    found = run_check(
        bias, make_case([row % 2 for row in range(400)], [row % 3 % 2 for row in range(400)], groups={"g": groups})
    )
    spreads = [item for item in found if item.part == {"g": "*"}]
    assert {item.reason for item in spreads} == {"unsupported"}
    assert (
        len(
            [
                item
                for item in found
                if item.name == "selection_rate_difference" and item.of == "candidate" and item.part
            ]
        )
        == 50
    )
