from __future__ import annotations

import math

import numpy as np
import pytest

import govkit.stats as gs


def test_paired_difference_has_the_plain_value():
    found = gs.paired_difference(12, 4, 100)
    assert found.value == 0.08
    assert found.n == 100
    assert found.interval.method == "corrected Tango"


def test_paired_bound_solves_the_corrected_score_equation():
    b, c, n, z = 12, 4, 100, 1.6448536269514722
    d = gs.paired_difference(b, c, n).bounds[1].low
    beta, gamma = -b - c + (2 * n - b + c) * d, -c * d * (1 - d)
    q = (math.sqrt(beta**2 - 8 * n * gamma) - beta) / (4 * n)
    delta = 2 * q + d
    v, k3 = delta - d * d, d - 3 * d * delta + 2 * d**3
    statistic = b - c - n * d - (0.75 + 3 / n) - (z * z - 1) / 6 * max(0, k3 / v)
    assert statistic == pytest.approx(z * math.sqrt(n * v), abs=1e-8)


def test_below_seven_rows_the_bounds_are_products_of_exact_ones():
    found = gs.paired_difference(3, 0, 5)
    assert found.interval.method == "product of exact bounds"
    # By hand at 0.95: split low 0.04**(1/3); all discordant share high at 0.005: 3 of 5.
    split = 0.04 ** (1 / 3)
    assert 2 * split - 1 < 0
    assert found.bounds[1].low < 0 < found.bounds[1].high <= 1


def test_identical_answers_still_leave_room_for_a_difference():
    found = gs.paired_difference(0, 0, 50)
    assert found.value == 0
    assert found.bounds[1].low == pytest.approx(-found.bounds[1].high)
    assert found.bounds[1].high > 0.04


def test_with_all_four_counts_the_reader_gets_the_interval_of_newcombe():
    """12 against 4 of 100 rows, by hand: shares 0.82 and 0.74, phi = (70 * 14 - 12 * 4 - 50) / root of margins."""
    found, plain = gs.paired_difference(12, 4, 100, both=70), gs.paired_difference(12, 4, 100)
    (low_1, high_1), (low_2, high_2) = ((i.low, i.high) for i in (gs.proportion(x, 100).interval for x in (82, 74)))
    phi = (70 * 14 - 12 * 4 - 50) / math.sqrt(82 * 18 * 74 * 26)
    one, two = 0.82 - low_1, high_2 - 0.74
    assert found.interval.low == pytest.approx(0.08 - math.sqrt(one**2 - 2 * phi * one * two + two**2), abs=1e-12)
    one, two = high_1 - 0.82, 0.74 - low_2
    assert found.interval.high == pytest.approx(0.08 + math.sqrt(one**2 - 2 * phi * one * two + two**2), abs=1e-12)
    assert found.interval.method == "Newcombe, paired"
    assert found.bounds == plain.bounds


@pytest.mark.parametrize("table", [(0, 0, 9, 10), (0, 0, 0, 10), (0, 0, 10, 10), (10, 0, 0, 10), (5, 5, 0, 10)])
def test_newcombe_of_answers_that_never_vary_is_still_an_interval(table):
    b, c, both, n = table
    found = gs.paired_difference(b, c, n, both=both)
    assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1


def test_flips_balance_the_change():
    rng = np.random.default_rng(0)
    old, new = rng.random(300) < 0.8, rng.random(300) < 0.7
    found = gs.flips(old, new)
    assert found.positive.value - found.negative.value == pytest.approx(new.mean() - old.mean())
    assert found.change.value == pytest.approx(new.mean() - old.mean())
    assert found.p_value == gs.mcnemar_exact(int((~old & new).sum()), int((old & ~new).sum()))


def test_no_discordant_row_is_no_evidence():
    assert gs.mcnemar_exact(0, 0) == 1.0


def test_more_rows_right_under_both_than_there_are_is_refused():
    with pytest.raises(ValueError, match="at most 10"):
        gs.paired_difference(4, 4, 10, both=3)
    with pytest.raises(ValueError, match="group 1 has more successes"):
        gs.paired_differences([1, 4], [1, 4], [10, 10], both=[3, 3])


@pytest.mark.parametrize(
    ("table", "message"), [((0, 0, 0), "0; a share"), ((3, 3, 5), "at most 5"), ((-1, 0, 5), "a count")]
)
def test_paired_difference_refuses_what_is_no_table(table, message):
    with pytest.raises(ValueError, match=message):
        gs.paired_difference(*table)


def gap_of(event: np.ndarray, group: np.ndarray, rows: np.ndarray) -> float:
    return event[group & rows].mean() - event[~group & rows].mean()


@pytest.mark.parametrize("share", [0.5, 0.03])
def test_gap_change_is_the_difference_of_two_signed_gaps(share):
    rng = np.random.default_rng(1)
    a, b, rows = rng.random(400) < 0.4, rng.random(400) < 0.3, rng.random(400) < 0.9
    group = rng.random(400) < share
    found = gs.gap_change(a, b, group, rows)
    assert found.value == pytest.approx(gap_of(a, group, rows) - gap_of(b, group, rows))
    assert found.n == rows.sum()
    assert ("split" in found.interval.method) == ((group & rows).sum() < 20)


def test_gap_change_of_equal_models_is_zero_and_not_certain():
    event, group = np.arange(100) % 3 == 0, np.arange(100) % 2 == 0
    found = gs.gap_change(event, event, group, np.ones(100, bool))
    assert found.value == 0
    assert found.bounds[1].low < -0.05 < 0.05 < found.bounds[1].high


def test_gap_change_swaps_sign_with_the_models_and_with_the_group():
    rng = np.random.default_rng(2)
    a, b, group = rng.random(200) < 0.4, rng.random(200) < 0.3, rng.random(200) < 0.4
    rows = np.ones(200, bool)
    found = gs.gap_change(a, b, group, rows)
    for other in (gs.gap_change(b, a, group, rows), gs.gap_change(a, b, ~group, rows)):
        assert other.value == pytest.approx(-found.value)
        assert [x.low for x in other.bounds] == pytest.approx([-x.high for x in found.bounds])


@pytest.mark.parametrize(("group", "message"), [([1, 1], "the rest has no"), ([0, 0], "the group has no")])
def test_gap_change_needs_rows_on_both_sides(group, message):
    with pytest.raises(ValueError, match=message):
        gs.gap_change([1, 0], [1, 0], group, [1, 1])
