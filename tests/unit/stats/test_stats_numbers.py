from __future__ import annotations

import math

import numpy as np
import pytest

import govkit.stats as gs
from govkit.stats.drift import BINS, middle, wasserstein_shift
from govkit.stats.estimate import assemble


def test_proportion_encloses_and_counts():
    found = gs.proportion(57, 100)
    assert (found.value, found.n, found.interval.method) == (0.57, 100, "Wilson")


@pytest.mark.parametrize("x", [0, 30])
def test_proportion_at_the_edge_is_certain_on_one_side_only(x):
    found = gs.proportion(x, 30)
    loose = found.bounds[1].high if x == 0 else 1 - found.bounds[1].low
    assert loose == pytest.approx(1 - 0.05 ** (1 / 30))


@pytest.mark.parametrize(
    ("x", "n", "message"), [(1, 0, "0; a share"), (3, 2, "at most 2"), (0.5, 2, "whole number"), (-1, 2, "a count")]
)
def test_proportion_refuses_what_is_no_count(x, n, message):
    with pytest.raises(ValueError, match=message):
        gs.proportion(x, n)


def test_rows_needed_settle_and_one_fewer_do_not():
    rows = gs.rows_needed(0.93, 0.9, 0.95)
    assert rows is not None
    from govkit.stats.proportions import clopper_pearson

    assert clopper_pearson(0.93 * rows, rows, 0.05)[0] > 0.9
    assert clopper_pearson(0.93 * (rows - 1), rows - 1, 0.05)[0] <= 0.9


def test_rows_needed_below_a_limit_and_never():
    assert gs.rows_needed(0.0, 0.05, 0.95) == 59  # the rule of three: 0.95**59 < 0.05
    assert gs.rows_needed(0.9, 0.9) is None
    with pytest.raises(ValueError, match="must lie"):
        gs.rows_needed(1.2, 0.9)


def test_mean_bounds_move_out_on_the_side_of_the_long_tail_only():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=50)
    found, mirrored = gs.mean(x, low=0, high=20), gs.mean(-x, low=-20, high=0)
    one, two, three = x.var(ddof=1) / 50, 0.0125 ** (1 / 50), np.mean((x - x.mean()) ** 3) / 50**2
    t = 2.3124  # of 49 degrees of freedom, at half of the error of 0.975
    low, high = x.mean() - t * one**0.5, x.mean() + t * one**0.5 + (2 * t * t + 1) / 6 * three / one
    assert found.bounds[2].low == pytest.approx(low - (1 - two) * x.mean(), abs=1e-4)
    assert found.bounds[2].high == pytest.approx(high + (1 - two) * (20 - x.mean()), abs=1e-4)
    assert [b.low for b in mirrored.bounds] == pytest.approx([-b.high for b in found.bounds])


def test_mean_difference_pairs_rows():
    a, b = np.array([1.0, 2, 3, 5]), np.array([0.5, 1, 2.5, 4])
    found = gs.mean_difference(a, b, low=-5, high=5)
    assert found.bounds == gs.mean(a - b, low=-5, high=5).bounds
    assert found.value == 0.75


def test_means_of_too_little_are_refused():
    ends = {"low": 0, "high": 2}
    for call in (
        lambda: gs.mean([1.0], **ends),
        lambda: gs.mean_difference([1.0], [2.0], **ends),
        lambda: gs.mean_change([1], [1, 2], **ends),
    ):
        with pytest.raises(ValueError, match="at least 2"):
            call()
    with pytest.raises(ValueError, match="a has 3, b has 2"):
        gs.mean_difference([1, 2, 3], [1, 2], **ends)
    with pytest.raises(ValueError, match="not finite in row 1"):
        gs.mean([1, math.inf], **ends)
    with pytest.raises(ValueError, match=r"x lies outside \[0, 2\] in row 1"):
        gs.mean([1, 3], **ends)


def test_rows_that_were_not_seen_may_lie_at_the_end_of_the_range():
    found = gs.mean([0.0, 0.0], low=0, high=1)
    assert found.interval.high == 0
    assert [b.high for b in found.bounds] == pytest.approx([1 - ((1 - b.level) / 2) ** 0.5 for b in found.bounds])
    same = gs.mean_difference(np.ones(50), np.ones(50), low=-1, high=1).bounds[-1]
    assert (same.low, same.high) == pytest.approx((-(1 - 0.00005 ** (1 / 50)), 1 - 0.00005 ** (1 / 50)))
    change = gs.mean_change([1.0, 1.0], [3.0, 3.0, 3.0], low=0, high=4).bounds[1]
    two, three = 1 - 0.0125 ** (1 / 2), 1 - 0.0125 ** (1 / 3)
    assert change.low == pytest.approx(-2 - two * 1 - three * 1)
    assert change.high == pytest.approx(-2 + two * 3 + three * 3)


def test_macro_recall_by_hand():
    found = gs.macro_recall([5, 10], [10, 10])
    assert found.value == 0.75
    # Each class at half the error, averaged; the full class has the closed form.
    low_full = 0.025 ** (1 / 10)
    low_half = next(b.low for b in gs.proportion(5, 10).bounds if b.level == 0.975)
    assert found.bounds[1].low == pytest.approx((low_full + low_half) / 2)


def test_macro_recall_difference_averages_paired_bounds_at_split_error():
    found = gs.macro_recall_difference([3, 5], [1, 2], [40, 60])
    assert found.value == pytest.approx((2 / 40 + 3 / 60) / 2)
    lows = [next(b.low for b in gs.paired_difference(*t).bounds if b.level == 0.975) for t in ((3, 1, 40), (5, 2, 60))]
    assert found.bounds[1].low == pytest.approx(sum(lows) / 2, abs=1e-9)


def test_macro_recall_difference_mixes_small_and_large_classes():
    found = gs.macro_recall_difference([1, 5], [0, 2], [3, 60])
    assert found.bounds[-1].low > -1
    with pytest.raises(ValueError, match="expected as many"):
        gs.macro_recall_difference([1], [1, 2], [5, 5])
    with pytest.raises(ValueError, match="group 0 has no rows"):
        gs.macro_recall_difference([1], [1], [0])


def test_wasserstein_of_a_pure_shift_is_the_shift():
    x = np.random.default_rng(0).normal(size=20_000)
    assert wasserstein_shift(x, x + 0.5 * x.std()).raw == pytest.approx(0.5, abs=5e-3)
    found = gs.wasserstein(x, x + 0.5 * x.std())
    assert found.bounds[-1].low > 0.4
    assert found.value < 0.5


def test_wasserstein_of_equal_samples_is_zero_and_passes_a_limit_with_enough_rows():
    x = np.random.default_rng(0).normal(size=20_000)
    found = gs.wasserstein(x, x)
    assert found.value == 0
    assert found.bounds[0].low == 0
    assert found.bounds[-1].high < 0.1


def test_wasserstein_is_exact_on_few_values_and_does_not_mind_where_zero_is():
    x, y = np.array([0.0, 1, 1, 4]), np.array([0.0, 2, 2, 2, 8])
    sd = x.std()
    # Cumulative shares differ by 0.05 on [0,1), 0.55 on [1,2), 0.05 on [2,4); what lies beyond 4 counts as 4.
    assert wasserstein_shift(x, y).raw == pytest.approx((0.05 + 0.55 + 2 * 0.05) / sd)
    assert wasserstein_shift(x + 1e9, y + 1e9).raw == pytest.approx(wasserstein_shift(x, y).raw)
    assert wasserstein_shift(np.arange(BINS + 1), np.arange(BINS + 1)).raw == 0


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.2, 0.5])
def test_the_point_of_a_distance_is_right_on_average_at_zero_and_far_from_it(shift):
    rng = np.random.default_rng(0)
    normal = [gs.wasserstein(rng.normal(size=500), rng.normal(shift, 1, 500)).value for _ in range(300)]
    assert np.mean(normal) == pytest.approx(shift, abs=0.04)
    shares = np.array([0.3 + shift, 0.7 - shift])
    counts = (rng.multinomial(500, np.array([0.3, 0.7])), rng.multinomial(500, shares))
    drawn = [
        gs.total_variation(rng.multinomial(500, counts[0] / 500), rng.multinomial(500, counts[1] / 500)).value
        for _ in range(300)
    ]
    assert np.mean(drawn) == pytest.approx(abs(counts[0][0] - counts[1][0]) / 500, abs=0.03)


@pytest.mark.parametrize("kind", ["pareto", "cauchy", "zeros"])
def test_at_the_limit_heavy_tails_fail_no_more_often_than_the_level_says(kind):
    def draw(size):
        if kind == "zeros":
            return np.where(rng.random(size) < 0.9, 0.0, rng.lognormal(size=size))
        return rng.pareto(1.5, size) if kind == "pareto" else np.clip(rng.standard_cauchy(size), -1000, 1000)

    rng = np.random.default_rng(0)
    many = np.sort(draw(400_000))
    inner = np.clip(many, *middle(many))
    shift = 0.5 * inner.std()
    truth = np.mean(np.clip(many + shift, *middle(many)) - inner) / inner.std()
    bounds = [gs.wasserstein(draw(200), draw(200) + shift).bounds for _ in range(1000)]
    assert np.mean([each[1].low > truth for each in bounds]) <= 0.055
    assert np.mean([each[5].low > truth for each in bounds]) <= 0.003
    assert np.mean([each[1].high < truth for each in bounds]) <= 0.06


def test_a_constant_reference_has_no_unit():
    with pytest.raises(ValueError, match="use total_variation"):
        gs.wasserstein([1, 1, 1], [1, 2])


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match="at least 2 values"):
        gs.wasserstein([1.0, 2.0], [1.5])


def test_values_that_lie_close_together_by_chance_borrow_the_spread_of_the_others():
    x, y = np.arange(90.0), np.full(5, 50.0)
    pooled = 90 * x.var() / 95 * (1 / 90 + 1 / 5)
    assert wasserstein_shift(x, y).deviation == pytest.approx(math.sqrt(pooled) / x.std())


@pytest.mark.parametrize("draw", ["normal", "lognormal"])
@pytest.mark.parametrize(("n", "m"), [(2000, 30), (30, 2000), (30, 30)])
def test_thirty_values_raise_no_false_alarm(draw, n, m):
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x, y = (getattr(rng, draw)(size=size) for size in (n, m))
        alarms += gs.wasserstein(x, y).bounds[1].low > 0.1
    assert alarms <= 2


def test_total_variation_by_hand():
    found = gs.total_variation([50, 50], [80, 20])
    noise = math.sqrt(2 / math.pi) / 2 * 2 * math.sqrt(0.65 * 0.35 * 0.02)
    # Chance adds nothing to a difference as clear as this one; the bound still takes off what it would add to none.
    assert found.value == pytest.approx(0.3)
    assert found.bounds[1].low == pytest.approx(0.3 - noise - 1.6448536269514722 * math.sqrt(0.02) / 2)
    assert found.bounds[1].high == pytest.approx(0.3 + 1.6448536269514722 * math.sqrt(0.02) / 2)


def test_divergences_take_off_their_noise():
    rng = np.random.default_rng(0)
    p = np.full(10, 0.1)
    seen = [gs.jensen_shannon(rng.multinomial(500, p), rng.multinomial(500, p)) for _ in range(200)]
    assert np.mean(seen) < 0.0015
    raw = np.mean([gs.population_stability(*rng.multinomial(500, p, size=2))[0] for _ in range(200)])
    assert raw == pytest.approx(gs.population_stability(np.full(10, 50), np.full(10, 50))[1], rel=0.15)
    assert gs.jensen_shannon([10, 0], [0, 10]) == pytest.approx(math.log(2) - 0.2 / 8)


@pytest.mark.parametrize("call", [gs.total_variation, gs.jensen_shannon, gs.population_stability])
def test_tables_without_rows_or_of_other_categories_are_refused(call):
    with pytest.raises(ValueError, match="at least one"):
        call([0, 0], [1, 2])
    with pytest.raises(ValueError, match="categories"):
        call([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="no count"):
        call([1, -2], [1, 2])


def test_holm_keeps_the_order_given():
    assert gs.holm([0.05, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    with pytest.raises(ValueError, match="outside"):
        gs.holm([1.5])


def test_truths_are_zero_or_one():
    with pytest.raises(ValueError, match="neither true"):
        gs.auc([1, 2], [1, 2])
    with pytest.raises(ValueError, match="old_right has 2, new_right has 1"):
        gs.flips([1, 0], [1])


def test_assembling_may_only_widen():
    lows, highs = np.linspace(0.4, 0.6, 9), np.linspace(0.7, 0.5, 9)
    found = assemble(0.5, 10, lows, highs, method="m")
    assert [b.low for b in found.bounds] == [0.4] * 9
    assert [b.high for b in found.bounds] == [0.7] * 9
    assert (found.interval.low, found.interval.high) == (0.4, 0.7)
