from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from case_fixture import bound, make_case, pick, run_check

from govkit import stats
from govkit.checks._fairness import RATES, RateName, metrics_of
from govkit.checks._group_rates import group_rates, joined
from govkit.checks.outcomes.bias import DEFAULT, bias
from govkit.core import LEVELS, Bound, Gap, Interval, Measurement
from govkit.core.columns import Columns
from govkit.data import CountTable, read_dataset
from govkit.errors import UsageError
from govkit.stats import Estimate

# Eight women and twelve men. Women: 4 positive rows of which 2 are selected, 4 others of which 1 is.
# Men: 6 positive rows of which 5 are selected, 6 others of which 3 are.
SEX = ["f"] * 8 + ["m"] * 12
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0] + [1] * 6 + [0] * 6)
ANSWERS = np.array([1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0])
BASE = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0, 0, 0])


@pytest.fixture(scope="module")
def found():
    case = make_case(LABELS, ANSWERS, base=BASE, groups={"sex": SEX})
    return run_check(bias, case, min_rows=1, rates=list(RATES))


@pytest.mark.parametrize(
    ("name", "women", "men"),
    [
        ("selection_rate", (3, 8), (8, 12)),
        ("true_positive_rate", (2, 4), (5, 6)),
        ("false_positive_rate", (1, 4), (3, 6)),
        ("false_negative_rate", (2, 4), (1, 6)),
        ("accuracy", (5, 8), (8, 12)),
        ("true_negative_rate", (3, 4), (3, 6)),
        ("positive_predictive_value", (2, 3), (5, 8)),
        ("negative_predictive_value", (3, 5), (3, 4)),
        ("false_discovery_rate", (1, 3), (3, 8)),
        ("false_omission_rate", (2, 5), (1, 4)),
        ("error_rate", (3, 8), (4, 12)),
    ],
)
def test_rates_of_a_group_and_less_the_rest(found, name, women, men):
    for group, (x, n), (y, m) in (("f", women, men), ("m", men, women)):
        rate = pick(found, name, part={"sex": group})
        assert (rate.value, rate.n) == (x / n, n)
        gap = pick(found, f"{name}_difference", part={"sex": group})
        assert gap.value == pytest.approx(x / n - y / m)
        assert gap.n == n + m
        if name.endswith(("selection_rate", "false_positive_rate", "error_rate")):
            assert pick(found, f"{name}_ratio", part={"sex": group}).value == pytest.approx((x / n) / (y / m))
        low, high = bound(gap, 0.95)
        assert low < gap.value < high


def test_the_ratio_is_that_to_the_rest(found):
    assert pick(found, "selection_rate_ratio", part={"sex": "f"}).value == pytest.approx((3 / 8) / (8 / 12))
    assert pick(found, "selection_rate_ratio", part={"sex": "m"}).value == pytest.approx((8 / 12) / (3 / 8))
    assert pick(found, "selection_rate_ratio", part={"sex": "m"}).unit == "ratio"


def test_spreads_over_all_groups(found):
    every = {"sex": "*"}

    def value(name):
        return pick(found, name, part=every).value

    assert value("demographic_parity_difference") == pytest.approx(8 / 12 - 3 / 8)
    assert value("demographic_parity_ratio") == pytest.approx((3 / 8) / (8 / 12))
    assert value("equal_opportunity_ratio") == pytest.approx((2 / 4) / (5 / 6))
    assert value("predictive_parity_difference") == pytest.approx(2 / 3 - 5 / 8)
    assert value("error_rate_parity_ratio") == pytest.approx((4 / 12) / (3 / 8))
    # The true positive rates lie further apart (1/3) than the false positive rates (1/4), and have the larger ratio.
    assert value("equalized_odds_difference") == pytest.approx(5 / 6 - 2 / 4)
    assert value("equalized_odds_ratio") == pytest.approx((1 / 4) / (3 / 6))
    assert pick(found, "equalized_odds_difference", part=every).n == 20


def test_the_worst_group_has_the_lowest_rate_of_a_good_and_the_highest_of_an_ill(found):
    worst = {
        name: pick(found, f"{name}_worst_group", part={"sex": "*"}).value
        for name in ("demographic_parity", "predictive_parity", "false_positive_rate_parity", "error_rate_parity")
    }
    assert list(worst.values()) == ["f", "m", "m", "f"]
    assert pick(found, "error_rate_parity_worst_group", part={"sex": "*"}).n == 8


def test_average_odds_of_a_group_against_the_rest(found):
    mean = pick(found, "average_odds_difference", part={"sex": "f"})
    assert mean.value == pytest.approx(((2 / 4 - 5 / 6) + (1 / 4 - 3 / 6)) / 2)
    assert (mean.n, len(mean.bounds)) == (20, len(LEVELS))
    size = pick(found, "average_abs_odds_difference", part={"sex": "f"})
    assert (size.value, size.bounds) == (pytest.approx((1 / 3 + 1 / 4) / 2), ())


def test_differential_fairness_by_hand(found):
    """Smoothed shares selected: 3.5/9 and 8.5/13; with the label: 4.5/9 and 6.5/13, which are equal."""
    ratio = max(np.log((8.5 / 13) / (3.5 / 9)), np.log((5.5 / 9) / (4.5 / 13)))
    assert pick(found, "differential_fairness", part={"sex": "*"}).value == pytest.approx(ratio)
    assert pick(found, "differential_fairness_bias_amplification", part={"sex": "*"}).value == pytest.approx(ratio)


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
    for name in RATES:
        change = pick(found, f"{name}_difference", compared_with="base", part={"sex": "m"}).value
        gaps = [pick(found, f"{name}_difference", of=of, part={"sex": "m"}).value for of in ("candidate", "base")]
        assert change == pytest.approx(gaps[0] - gaps[1]), name


def test_without_a_base_nothing_is_compared_with_it():
    found = run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}))
    compared = [finding for finding in found if finding.compared_with or finding.of == "base"]
    assert {(item.kind, item.name, item.reason) for item in compared} == {
        ("gap", f"{name}_difference", "no data") for name in DEFAULT
    }


def test_without_groups_the_check_is_a_gap():
    (gap,) = run_check(bias, make_case(LABELS, ANSWERS))
    assert (gap.name, gap.reason) == ("*", "no data")


def test_a_group_without_the_denominator_is_a_gap_and_its_other_rates_stay():
    # "x" has rows of the positive class only.
    case = make_case([1, 1, 1, 0, 1, 0], [1, 0, 1, 0, 1, 1], groups={"g": ["x", "x", "y", "y", "z", "z"]})
    found = run_check(bias, case, min_rows=1, rates=list(DEFAULT[:5]))
    missing = {
        (item.name, item.of, item.part["g"]): item.reason for item in found if isinstance(item, Gap) and item.part
    }
    assert missing == dict.fromkeys(
        [
            ("false_positive_rate", "candidate", "x"),
            ("false_positive_rate_difference", "candidate", "x"),
            ("false_positive_rate_ratio", "candidate", "x"),
            ("average_odds_difference", "candidate", "x"),
            ("average_abs_odds_difference", "candidate", "x"),
            # Among the others no row was wrongly selected, or none was missed.
            ("false_positive_rate_ratio", "candidate", "z"),
            ("false_negative_rate_ratio", "candidate", "x"),
        ],
        "too few rows",
    )
    assert pick(found, "true_positive_rate", part={"g": "x"}).value == 0.5
    # The spread is that of the two groups that have rows of the other class.
    assert pick(found, "false_positive_rate_parity_difference", part={"g": "*"}).value == 1.0


def test_a_small_group_is_reported_and_drives_no_spread():
    """One row alone had set the spread to 0.5 and named itself the worst."""
    labels, answers = np.tile([1, 1, 0, 0], 21), np.tile([1, 0, 1, 0], 21)
    groups = ["x"] * 40 + ["y"] * 43 + ["z"]
    found = run_check(bias, make_case(labels, answers, groups={"g": groups}))
    small = pick(found, "selection_rate", part={"g": "z"})
    assert (small.value, small.n) == (0.0, 1)
    assert bound(small, 0.95) == (0.0, pytest.approx(0.95))
    parity = pick(found, "demographic_parity_difference", part={"g": "*"})
    assert (parity.value, parity.n) == (pytest.approx(22 / 43 - 0.5), 83)
    assert pick(found, "demographic_parity_worst_group", part={"g": "*"}).value == "x"
    assert pick(found, "small_groups", of="labels", part={"g": "*"}).value == 1
    assert pick(found, "differential_fairness", part={"g": "*"}).n == 83
    # Twenty rows of the positive class are too few for a spread of the true positive rate.
    gap = next(item for item in found if item.name == "equal_opportunity_difference")
    assert (gap.kind, gap.reason) == ("gap", "too few rows")


def test_rows_without_a_value_are_a_group_of_their_own(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("label,sex\n" + "yes,f\nno,\nyes,m\nno, \n" * 3, encoding="utf-8")
    data = read_dataset(path, role="test", columns=Columns(label="label", groups=("sex",)), modality="unknown")
    case = replace(make_case(data.labels, data.labels), data={"test": data})
    found = run_check(bias, case)
    rate = pick(found, "selection_rate", part={"sex": "(missing)"})
    assert (rate.value, rate.n) == (0.0, 6)
    assert pick(found, "selection_rate_difference", part={"sex": "(missing)"}).value == -1.0


def test_one_group_alone_has_rates_and_no_gaps():
    found = run_check(bias, make_case([1, 0], [1, 0], base=[1, 1], groups={"g": ["x", "x"]}))
    names = {item.name for item in found if isinstance(item, Measurement)}
    assert names == {*DEFAULT, "small_groups"}
    assert {item.reason for item in found if isinstance(item, Gap)} == {"too few rows"}
    assert "demographic_parity_ratio" in {item.name for item in found if isinstance(item, Gap)}


def test_every_rate_can_be_asked_for_and_an_unknown_one_cannot():
    assert set(get_args(RateName)) == set(RATES)
    found = run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}), rates=["false_omission_rate"])
    names = {item.name for item in found if item.of == "candidate" and item.part == {"sex": "f"}}
    ours = {"false_omission_rate", "false_omission_rate_difference", "false_omission_rate_ratio"}
    assert names == {*ours, "average_abs_odds_difference"}
    with pytest.raises(UsageError, match="rates"):
        run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}), rates=["recall"])


def test_a_ratio_to_nobody_is_a_gap():
    found = run_check(bias, make_case([1, 0, 1, 0], [1, 1, 0, 0], groups={"g": ["x", "x", "y", "y"]}))
    gap = next(item for item in found if isinstance(item, Gap) and item.name == "selection_rate_ratio")
    assert (gap.part, gap.reason) == ({"g": "x"}, "too few rows")
    assert pick(found, "selection_rate_ratio", part={"g": "y"}).value == 0.0


def test_intersections_are_measured_where_asked():
    groups = {"sex": ["f", "f", "m", "m"] * 3, "age": ["old", "young"] * 6}
    labels, answers = [1, 0, 1, 0, 0, 1] * 2, [1, 1, 0, 0, 0, 1] * 2
    case = make_case(labels, answers, groups=groups)
    plain, crossed = run_check(bias, case), run_check(bias, case, intersections=True, min_rows=3)
    assert {tuple(item.part) for item in plain if item.part} == {("sex",), ("age",)}
    rate = pick(crossed, "selection_rate", part={"sex": "f", "age": "old"})
    assert (rate.value, rate.n) == (1 / 3, 3)  # of rows 0, 4 and 8 the first is selected
    pick(crossed, "demographic_parity_difference", part={"sex": "*", "age": "*"})


def test_more_crossed_groups_than_can_be_judged_are_a_gap():
    rng = np.random.default_rng(0)
    groups = {name: rng.integers(0, 20, 2_000) for name in "ab"}
    labels, answers = rng.integers(0, 2, (2, 2_000))
    found = run_check(bias, make_case(labels, answers, groups=groups), intersections=True, rates=["accuracy"])
    (gap,) = [item for item in found if item.part == {"a": "*", "b": "*"}]
    assert (gap.kind, gap.name, gap.reason) == ("gap", "*", "unsupported")
    assert pick(found, "accuracy", part={"a": "7"}).n > 50


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


def test_weights_have_values_and_no_bounds():
    table = CountTable(("a", "b"), np.array([[0.5, 1, 1, 0.25, 0], [1, 2, 3, 4, 0]]))
    assert metrics_of(table)["true_positive_rate"][0] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="no count"):
        group_rates(table)


def test_the_libraries_leave_no_handler_and_no_filter_behind():
    root = logging.getLogger()
    before = list(root.handlers), list(root.filters)
    run_check(bias, make_case(LABELS, ANSWERS, groups={"sex": SEX}))
    assert (root.handlers, root.filters) == before


def estimate(value: float, half: float, n: int = 10) -> Estimate:
    bounds = tuple(Bound(level=level, low=value - half * level, high=value + half * level) for level in LEVELS)
    return Estimate(value, n, Interval(level=0.95, low=0.0, high=1.0, method="m"), bounds)


def test_two_joined_share_the_error_where_both_can_miss():
    both = joined(estimate(0.5, 0.1), estimate(0.4, 0.3), max, within=(0, 1), split=("low",))
    assert (both.value, both.n) == (0.5, 20)
    at = {item.level: item for item in both.bounds}
    assert at[0.95].low == pytest.approx(0.5 - 0.1 * 0.975)
    assert at[0.95].high == pytest.approx(0.4 + 0.3 * 0.95)
    assert at[0.9999].low == 0.0
    less = joined(estimate(0.5, 0.1), estimate(0.4, 0.3), min, within=(0, 1), split=("high",))
    at = {item.level: item for item in less.bounds}
    assert (less.value, at[0.9999].high) == (0.4, 1.0)
    assert at[0.95].low == pytest.approx(0.4 - 0.3 * 0.95)
    assert at[0.95].high == pytest.approx(0.5 + 0.1 * 0.975)


def test_the_bounds_of_a_mean_of_two_gaps_miss_no_more_often_than_they_say():
    """At the one level that 4,000 draws can judge; ``tests/bench/fairness.py`` looks at more."""
    rng, draws, missed = np.random.default_rng(7), 4_000, np.zeros(2)
    sizes, shares = (30, 50, 20, 40), (0.3, 0.5, 0.1, 0.2)
    counted = [(rng.binomial(n, p, draws), np.full(draws, n)) for n, p in zip(sizes, shares, strict=True)]
    gaps = zip(stats.differences(*counted[0], *counted[1]), stats.differences(*counted[2], *counted[3]), strict=True)
    for one, two in gaps:
        bounds = joined(one, two, lambda a, b: (a + b) / 2, within=(-1, 1)).bounds[LEVELS.index(0.9)]
        missed += bounds.low > -0.15 + 1e-9, bounds.high < -0.15 - 1e-9
    assert (missed / draws <= 1.05 * 0.1).all()


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
            if item.kind == "measurement" and item.name.endswith("rate_difference") and item.part != {"g": "*"}:
                low, high = bound(item, 0.999)
                accused += low > 0.10 or high < -0.10
    assert found == 6
    assert accused == 0


def test_many_groups_are_set_against_the_rest_and_not_against_each_other():
    groups = [f"g{row % 50}" for row in range(400)]
    found = run_check(
        bias, make_case([row % 2 for row in range(400)], [row % 3 % 2 for row in range(400)], groups={"g": groups})
    )
    spreads = [
        item for item in found if item.part == {"g": "*"} and item.name.endswith(("_parity_ratio", "odds_ratio"))
    ]
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
