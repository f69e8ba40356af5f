"""The risk-coverage curve: hand examples, an enumeration of all orders, and bounds that miss no more than they say."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from benches import load_bench
from hypothesis import given, strategies as st
from scipy.stats import binom

from govkit.stats.selective import OF_ERROR, PLACES, _curve, answered, coverage_within, risk_area, risk_area_difference

ROWS = st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.75, 0.9, 1.0]), st.booleans()), min_size=2, max_size=6)


def area_in_order(wrong) -> float:
    return float(np.mean(np.cumsum(wrong) / np.arange(1, len(wrong) + 1)))


def test_the_area_of_four_rows_by_hand():
    """The surest is right; of two equal ones one is wrong; the last is wrong: errors 0, 1/4, 1/3 and 2/4."""
    assert risk_area([0.9, 0.8, 0.8, 0.6], [1, 1, 0, 0]).value == pytest.approx((0 + 1 / 4 + 1 / 3 + 1 / 2) / 4)


@given(ROWS)
def test_the_area_is_the_mean_over_all_orders_of_equally_sure_rows(rows):
    confidence, correct = map(np.array, zip(*rows, strict=True))
    orders = [order for order in permutations(range(len(rows))) if (np.diff(confidence[list(order)]) <= 0).all()]
    expected = np.mean([area_in_order(~correct[list(order)]) for order in orders])
    assert risk_area(confidence, correct).value == pytest.approx(expected)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, chance):
    other = list(rows)
    chance.shuffle(other)
    one, two = (list(map(np.array, zip(*given, strict=True))) for given in (rows, other))
    assert risk_area(*one).value == pytest.approx(risk_area(*two).value)
    assert coverage_within(*one, 0.2) == coverage_within(*two, 0.2)
    for coverage in (0.3, 0.5, 1.0):
        assert sorted(one[0][answered(one[0], coverage)]) == sorted(two[0][answered(two[0], coverage)])


def test_an_order_that_says_nothing_gives_the_error_rate():
    correct = np.arange(200) % 5 > 0
    assert risk_area(np.full(200, 0.8), correct).value == pytest.approx(0.2)
    # Every row then says what it says of a mean.
    assert _curve(np.full(200, 0.8), correct).influence == pytest.approx((~correct).astype(float))


def test_the_influence_is_what_a_little_more_weight_on_a_row_changes():
    """Doubling every row changes no area; one copy more moves it by influence over rows, but for smaller terms."""
    rng = np.random.default_rng(3)
    confidence, correct = rng.uniform(0.5, 1, 400), rng.random(400) < 0.8
    curve = _curve(confidence, correct)
    for row in (0, 57, 399):
        more = risk_area(np.append(confidence, confidence[row]), np.append(correct, correct[row])).value
        assert 401 * (more - curve.area) == pytest.approx(curve.influence[row] - curve.area, abs=0.03)


def test_the_surest_rows_with_all_that_equal_the_last_are_answered():
    assert answered([0.9, 0.6, 0.8, 0.8], 0.5).tolist() == [True, False, True, True]
    assert answered([0.9, 0.6, 0.8, 0.7], 0.5).tolist() == [True, False, True, False]
    assert answered(np.linspace(0, 1, 10), 0.7).sum() == 7
    assert answered([0.5], 0.1).tolist() == [True]


def test_the_coverage_within_a_limit_by_hand():
    """Ten rows, the seventh and the tenth surest wrong: six rows hold no error, nine hold one in nine."""
    confidence, correct = np.linspace(1, 0.55, 10), np.array([1, 1, 1, 1, 1, 1, 0, 1, 1, 0])
    assert coverage_within(confidence, correct, 0.05).value == 0.6
    assert coverage_within(confidence, correct, 1 / 9).value == 0.9
    assert coverage_within(confidence, correct, 0.2).value == 1.0
    assert coverage_within(confidence, correct, 0.05).bounds[1].low == 0.0


def test_the_promised_coverage_rests_on_exact_binomial_bounds():
    """600 rows without an error: all of them fit below 5 %, and nothing but the coverage of all rows is promised."""
    found = coverage_within(np.linspace(0.6, 1, 600), np.ones(600, dtype=bool), 0.05)
    low = next(bound.low for bound in found.bounds if bound.level == 0.95)
    assert found.value == 1.0
    assert binom.sf(599, 600, low) == pytest.approx(0.05 * (1 - OF_ERROR) / PLACES)


def test_hopeless_rows_are_bounded_from_above():
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.5, 1, 4000)
    found = coverage_within(confidence, rng.random(4000) < 0.7, 0.1)
    assert found.value < 0.1
    assert found.bounds[1].high < 0.15
    sure = coverage_within(confidence, rng.random(4000) < np.where(confidence > 0.75, 0.99, 0.6), 0.1)
    assert 0.4 < sure.bounds[1].low <= sure.value <= sure.bounds[1].high < 0.8


def test_a_difference_of_a_model_to_itself_is_zero_and_other_lengths_are_refused():
    side = (np.linspace(0.5, 1, 50), np.arange(50) % 7 > 0)
    assert risk_area_difference(side, side).value == 0
    with pytest.raises(ValueError, match="has"):
        risk_area_difference(side, (side[0][:-1], side[1][:-1]))


@pytest.mark.parametrize("wrong", [([1.2, 0.5], [1, 0]), ([0.5], [1]), ([0.5, 0.5], [1, 2])])
def test_what_is_no_probability_or_no_truth_is_refused(wrong):
    with pytest.raises(ValueError, match=r"confidence|correct"):
        risk_area(*wrong)


def test_the_bounds_miss_no_more_often_than_they_say():
    """A short version of ``tests/bench/shift.py``; three standard errors are left for chance."""
    bench = load_bench("shift")
    for name in ("area", "difference", "coverage"):
        for rates in bench.misses(name, n=150, draws=40, seed=11).values():
            assert rates[:2].max() <= 1 + 3 * np.sqrt(0.05 / 40) / 0.05
