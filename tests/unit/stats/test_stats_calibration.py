from __future__ import annotations

import math

import numpy as np
import pytest

import govkit.stats as gs
from govkit.stats.calibration_errors import squared_error


def rows(n: int, sharp: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 1.5, n)
    return 1 / (1 + np.exp(-sharp * logit)), rng.random(n) < 1 / (1 + np.exp(-logit))


def test_two_bins_by_hand():
    """Four rows, two bins: stated 0.2 (one of two true) and 0.9 (both true)."""
    f, y = np.array([0.2, 0.2, 0.9, 0.9]), np.array([1, 0, 1, 1], bool)
    first = 0.3**2 - 0.5 * 0.5 / 1
    assert squared_error(f, y).value == pytest.approx((first + 0.1**2) / 2)
    assert gs.calibration(f, y).value == 0  # what is seen is less than chance gives


def test_calibration_bound_solves_its_equation():
    f, y = rows(2000, sharp=2.0)
    squared = squared_error(f, y)
    z, wv = 1.6448536269514722, squared.noise
    tau = gs.calibration(f, y).bounds[1].low ** 2
    v = 2 * (wv @ wv) + 4 * tau * wv.max()
    k = 8 * (wv**3).sum() + 24 * tau * wv.max() ** 2
    assert squared.value - tau - (z * z - 1) / 6 * k / v == pytest.approx(z * math.sqrt(v), abs=1e-9)
    finer = squared_error(f, y, bins=2000 // 80)
    tau, wv = gs.calibration(f, y).bounds[1].high ** 2, finer.noise
    assert finer.noise.size == 25
    assert tau - finer.value == pytest.approx(z * math.sqrt(2 * (wv @ wv) + 4 * tau * wv.max()), abs=1e-9)


@pytest.mark.parametrize("n", [4, 6, 10, 20])
def test_an_estimate_below_zero_leaves_room_for_an_error(n):
    f, y = np.linspace(0.49, 0.51, n), np.arange(n) % 2 == 0
    squared = squared_error(f, y)
    assert squared.value < 0
    noise, z, tau = squared.noise, 1.6448536269514722, gs.calibration(f, y).bounds[1].high ** 2
    assert tau == pytest.approx(min(1, z * math.sqrt(2 * (noise @ noise) + 4 * tau * noise.max())), abs=1e-9)
    assert tau > 0.05


def test_calibrated_and_overconfident_models_are_told_apart():
    assert gs.calibration(*rows(3000)).bounds[1].high < 0.05
    assert gs.calibration(*rows(3000, sharp=2.0)).bounds[1].low > 0.05


def test_rows_that_state_the_same_stay_together():
    f = np.repeat([0.1, 0.5, 0.9], [30, 40, 30])
    assert np.unique(squared_error(f, np.arange(100) % 2 == 0).which).size == 3
    assert squared_error(np.full(50, 0.5), np.arange(50) % 2 == 0).noise.size == 1


@pytest.mark.parametrize("flipped", [False, True])
def test_rows_at_the_edge_do_not_share_the_bin_of_many_that_state_the_same(flipped):
    """Six in a hundred state 0 and all come true, the rest state one half and come true a little less often."""
    f = np.repeat([0.0, 0.5], [60, 940])
    y = np.arange(1000) < 60 + 440
    f, y = (1 - f, ~y) if flipped else (f, y)
    truth = np.sqrt(0.06 * 1.0 + 0.94 * (440 / 940 - 0.5) ** 2)
    assert gs.calibration(f, y).value == pytest.approx(truth, abs=2e-3)


def test_a_bin_of_one_row_tells_nothing():
    f = np.array([0.1] * 9 + [0.2])
    assert squared_error(f, np.arange(10) < 1).value == pytest.approx(0.9 * ((1 / 9 - 0.1) ** 2 - 8 / 81 / 8))


def test_one_row_has_no_calibration_error():
    with pytest.raises(ValueError, match="at least 2"):
        gs.calibration([0.5], [1])


@pytest.mark.parametrize(("f", "message"), [([0.5, 1.5], "outside"), ([0.5, math.nan], "finite"), ([0.5], "at least")])
def test_what_is_no_probability_is_refused(f, message):
    with pytest.raises(ValueError, match=message):
        gs.calibration(f, [1, 0])


def test_calibration_difference_is_the_difference_of_the_errors():
    f, y = rows(1000, 1.8)
    g = np.clip(f * 0.9 + 0.05, 0, 1)
    found = gs.calibration_difference(f, y, g, y, paired=True, seed=3)
    assert found.value == pytest.approx(gs.calibration(f, y).value - gs.calibration(g, y).value)
    assert found.n == 1000
    apart = gs.calibration_difference(f, y, g[:-9], y[:-9], paired=False, seed=3)
    assert apart.n == 1991
    width, wider = (e.interval.high - e.interval.low for e in (found, apart))
    assert width < wider


def test_calibration_difference_depends_on_the_seed_alone():
    f, y = rows(500, 1.8)
    g = rows(500, 1.2)[0]
    order = np.random.default_rng(0).permutation(500)
    found = gs.calibration_difference(f, y, g, y, paired=True, seed=3)
    again = gs.calibration_difference(f[order], y[order], g[order], y[order], paired=True, seed=3)
    assert [b.low for b in found.bounds] == pytest.approx([b.low for b in again.bounds], abs=1e-9)
    other = gs.calibration_difference(f, y, g, y, paired=True, seed=4)
    assert other.value == found.value
    assert other.bounds != found.bounds


STATED = [0.537, 0.609, 0.666, 0.717, 0.758, 0.788, 0.815, 0.843, 0.871, 0.898, 0.922, 0.952, 0.993, 0.999, 1.0]
"""Mean stated probability of fifteen bins of the census rows of 2015, which those of 2018 share."""

BEFORE = [73, -59, -39, -90, 36, 132, -18, 71, 99, 40, 116, 19, -11, 1, 0]
AFTER = [-159, -243, 128, 46, 125, 36, 171, 100, 12, 110, 162, 73, 24, 1, 0]
"""Share that came true less what was stated, in ten thousandths, in 2015 and 2018."""


def census(gaps, n=4640):
    f = np.repeat(STATED, n)
    true = np.rint((np.array(STATED) + np.array(gaps) / 10_000) * n)
    return f, np.concatenate([np.arange(n) < count for count in np.minimum(true, n)])


def test_a_small_change_on_many_rows_is_told_from_none():
    after, before = census(AFTER), census(BEFORE)
    found = gs.calibration_difference(*after, *before, paired=False, seed=0)
    assert 0.005 < found.value < 0.008
    assert 0 < found.interval.low < 0.001
    back = gs.calibration_difference(*before, *after, paired=False, seed=0)
    assert back.interval.high == pytest.approx(-found.interval.low)


def test_paired_sides_have_as_many_rows():
    with pytest.raises(ValueError, match="conf_a has 3, conf_b has 2"):
        gs.calibration_difference([0.1, 0.2, 0.3], [0, 0, 0], [0.1, 0.2], [0, 0], paired=True, seed=0)


def test_ece_by_hand():
    assert gs.ece([0.1, 0.15, 0.9, 1.0], [0, 1, 1, 1], bins=10) == pytest.approx((0.75 + 0.1) / 4)
    assert gs.ece([0.3, 0.3], [1, 0], bins=10) == pytest.approx(0.2)


def test_reliability_bins_by_hand():
    found = gs.reliability_bins([0.82, 0.86, 0.3, 1.0, 0.0], [1, 0, 0, 1, 0], bins=10)
    assert [(b.label, b.n) for b in found] == [("0.0-0.1", 1), ("0.3-0.4", 1), ("0.8-0.9", 2), ("0.9-1.0", 1)]
    assert found[2].confidence == pytest.approx(0.84)
    assert found[2].observed == gs.proportion(1, 2)


@pytest.mark.parametrize(("bins", "label"), [(1, "0.0-1.0"), (5, "0.4-0.6"), (20, "0.50-0.55"), (15, "0.467-0.533")])
def test_labels_show_as_many_decimals_as_the_bins_need(bins, label):
    assert gs.reliability_bins([0.5], [1], bins=bins)[0].label == label


def test_no_bins_are_refused():
    with pytest.raises(ValueError, match="bins is 0"):
        gs.ece([0.5], [1], bins=0)


def test_consistency_test_accuses_the_overconfident_and_not_the_calibrated():
    p = [gs.consistency_test(*rows(300, seed=s), seed=s, draws=99) for s in range(60)]
    assert sum(value <= 0.05 for value in p) <= 8
    assert max(p) > 0.5
    assert gs.consistency_test(*rows(1000, sharp=2.5), seed=0) == 1 / 200


def test_consistency_test_ignores_the_order_of_rows():
    f, y = rows(200, 1.5)
    f = np.round(f, 1)
    order = np.random.default_rng(5).permutation(200)
    assert gs.consistency_test(f, y, seed=1) == gs.consistency_test(f[order], y[order], seed=1)
