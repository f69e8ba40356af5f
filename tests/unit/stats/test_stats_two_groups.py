from __future__ import annotations

import math

import numpy as np
import pytest

import govkit.stats as gs
from govkit.core import LEVELS
from govkit.stats.estimate import UNBOUNDED
from govkit.stats.two_groups import _constrained


def ends(estimate: gs.Estimate, level: float) -> tuple[float, float]:
    bound = next(b for b in estimate.bounds if b.level == level)
    return bound.low, bound.high


def test_difference_has_the_plain_value_and_all_levels():
    found = gs.difference(56, 70, 48, 80)
    assert found.value == 56 / 70 - 48 / 80
    assert found.n == 150
    assert tuple(b.level for b in found.bounds) == LEVELS
    assert (found.interval.low, found.interval.high) == pytest.approx((0.052431, 0.333873), abs=5e-7)
    assert (found.interval.level, found.interval.method) == (0.95, "Newcombe")
    low, high = ends(found, 0.975)
    assert low < found.interval.low < found.interval.high < high


def test_difference_bound_solves_the_corrected_score_equation():
    """At the bound, written out by hand from the formula, the statistic equals the quantile."""
    x, n, y, m, z = 56, 70, 48, 80, 1.6448536269514722
    low, _ = ends(gs.difference(x, n, y, m), 0.95)
    r1, r2 = (float(r) for r in _constrained(x / n, y / m, np.float64(m / n), np.float64(low)))
    v = (r1 * (1 - r1) / n + r2 * (1 - r2) / m) * (n + m) / (n + m - 1)
    k3 = r1 * (1 - r1) * (1 - 2 * r1) / n**2 - r2 * (1 - r2) * (1 - 2 * r2) / m**2
    statistic = x / n - y / m - low - 0.5 / min(n, m) - (z * z - 1) / 6 * max(0, k3 / v)
    assert statistic == pytest.approx(z * math.sqrt(v), abs=1e-10)


def test_constrained_shares_are_the_most_likely_ones():
    x, n, y, m, gap = 7, 30, 2, 50, 0.08
    r1, r2 = (float(r) for r in _constrained(x / n, y / m, np.float64(m / n), np.float64(gap)))
    grid = np.linspace(gap + 1e-6, 1 - 1e-6, 200_001)
    likelihood = x * np.log(grid) + (n - x) * np.log1p(-grid) + y * np.log(grid - gap) + (m - y) * np.log1p(gap - grid)
    assert r1 - r2 == pytest.approx(gap, abs=1e-12)
    assert r1 == pytest.approx(grid[np.argmax(likelihood)], abs=1e-5)


def test_no_difference_seen_in_few_rows_settles_nothing():
    low, high = ends(gs.difference(2, 4, 2, 4), 0.9999)
    assert low < -0.8
    assert high > 0.8


def test_wholly_apart_groups_are_apart_for_sure():
    low, _ = ends(gs.difference(200, 200, 0, 200), 0.9999)
    assert low > 0.85


def test_absolute_difference_is_symmetric_and_pays_for_both_sides():
    there, back = gs.absolute_difference(50, 100, 30, 100), gs.absolute_difference(30, 100, 50, 100)
    assert there == back
    assert there.value == pytest.approx(0.2)
    signed = gs.difference(50, 100, 30, 100)
    for two, one in zip(there.bounds, signed.bounds, strict=True):
        assert two.low <= max(0.0, one.low)
        assert two.high == pytest.approx(max(one.high, -one.low))
    # Half the error on each side: the low bound at 0.95 is the signed one at 0.975.
    assert ends(there, 0.95)[0] == pytest.approx(ends(signed, 0.975)[0], abs=1e-9)


def test_absolute_difference_of_equal_shares_starts_at_zero():
    found = gs.absolute_difference(30, 100, 30, 100)
    assert found.value == 0
    assert all(b.low == 0 and b.high > 0 for b in found.bounds)


def test_ratio_has_the_plain_value():
    found = gs.ratio(30, 100, 40, 80)
    assert found.value == (30 / 100) / (40 / 80)
    assert found.interval.low < found.value < found.interval.high


def test_ratio_without_an_upper_bound_says_so_in_a_finite_number():
    found = gs.ratio(5, 50, 1, 5)
    assert ends(found, 0.9999)[1] == UNBOUNDED
    assert math.isfinite(found.bounds[-1].high)


def test_ratio_of_nothing_to_something_is_zero():
    found = gs.ratio(0, 50, 20, 50)
    assert found.value == 0
    assert found.bounds[0].low == 0
    assert 0 < found.bounds[0].high < 0.5


@pytest.mark.parametrize(("call", "table"), [(gs.difference, (0, 0, 1, 2)), (gs.ratio, (1, 2, 0, 0))])
def test_an_empty_group_is_refused(call, table):
    with pytest.raises(ValueError, match="number of rows is 0"):
        call(*table)


def test_a_ratio_to_no_success_is_refused():
    with pytest.raises(ValueError, match="0 successes in 9 rows"):
        gs.ratio(1, 2, 0, 9)


def test_spread_is_largest_less_smallest_and_takes_the_pairs_into_account():
    found = gs.spread([10, 20, 45], [50, 50, 60])
    assert found.value == 45 / 60 - 10 / 50
    assert found.n == 160
    pair = gs.difference(45, 60, 10, 50)
    assert found.bounds[0].low < pair.bounds[0].low
    assert found.bounds[0].high == pytest.approx(pair.bounds[0].high, abs=1e-9)


def test_two_groups_spread_like_their_absolute_difference():
    found, pair = gs.spread([10, 20], [50, 50]), gs.absolute_difference(20, 50, 10, 50)
    assert [b.low for b in found.bounds] == pytest.approx([b.low for b in pair.bounds], abs=1e-9)
    assert [b.high for b in found.bounds] == pytest.approx([b.high for b in pair.bounds], abs=1e-9)


def test_spread_ratio_is_smallest_over_largest():
    found = gs.spread_ratio([10, 20, 45], [50, 50, 60])
    assert found.value == (10 / 50) / (45 / 60)
    assert found.bounds[0].low == pytest.approx(gs.ratio(10, 50, 45, 60).bounds[0].low, abs=1e-9)
    assert found.bounds[0].high > gs.ratio(10, 50, 45, 60).bounds[0].high
    assert all(0 <= b.low <= b.high <= 1 for b in found.bounds)


def test_spread_ratio_with_an_unselected_group_is_zero():
    assert gs.spread_ratio([0, 20], [50, 50]).value == 0


def test_spread_ratio_of_no_success_at_all_is_refused():
    with pytest.raises(ValueError, match="no group has a success"):
        gs.spread_ratio([0, 0], [5, 5])


@pytest.mark.parametrize(
    ("successes", "totals", "message"),
    [
        ([1], [2], "at least 2"),
        ([1, 1], [2, 0], "group 1 has no rows"),
        ([1, 3], [2, 2], "group 1 has more successes"),
        ([1, 1, 1], [2, 2], "expected as many"),
    ],
)
def test_spread_refuses_what_is_no_table(successes, totals, message):
    with pytest.raises(ValueError, match=message):
        gs.spread(successes, totals)
