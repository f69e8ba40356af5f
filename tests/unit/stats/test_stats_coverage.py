"""Bounds miss no more often than they say: short versions of ``tests/bench/stats_coverage.py``."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from benches import load_bench

from govkit.core import LEVELS

AT = [LEVELS.index(level) for level in (0.95, 0.99, 0.9999)]
COARSE = np.concatenate([[1e-3], np.linspace(0.02, 0.98, 17), [1 - 1e-3]])


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("stats_coverage")


@pytest.mark.parametrize(("n", "m"), [(20, 20), (7, 30)])
def test_no_pair_of_rates_makes_difference_or_ratio_miss_too_often(bench, n, m):
    difference, ratio = bench.two_group_misses(n, m, COARSE)
    assert difference[AT].max() <= 1.0
    assert ratio[AT].max() <= 1.0
    assert difference[AT[0]] > 0.5  # and the bounds are not just wide


@pytest.mark.parametrize("n", [4, 7, 10, 20])
def test_no_pair_of_rates_makes_the_paired_difference_miss_too_often(bench, n):
    assert bench.paired_misses(n, COARSE).max() <= 1.0


@pytest.mark.parametrize("n", [7, 200, 5000])
def test_no_rate_makes_a_share_miss_too_often(bench, n):
    assert bench.share_misses(n, COARSE).max() <= 1.0


MANY = [(1e-4, 1e-3), (0.01, 0.001), (0.3, 0.3), (0.95, 0.9), (0.9999, 0.99)]


def test_the_windowed_miss_rate_is_that_of_every_table(bench):
    every, shares = bench.two_group_misses(20, 12, np.array([0.3])), (0.3, 0.3)
    for low, worst in zip((bench.difference_low, bench.ratio_low), every, strict=True):
        assert bench.two_group_misses_at(low, (20, 12), shares) == pytest.approx(worst, abs=1e-6)
    assert bench.paired_misses_at(30, 0.2, 0.2) == pytest.approx(bench.paired_misses(30, np.array([0.2])), abs=1e-6)


@pytest.mark.parametrize("shares", MANY)
@pytest.mark.parametrize("rows", [(1000, 1000), (50, 2000)])
def test_with_many_rows_difference_and_ratio_do_not_miss_too_often(bench, rows, shares):
    for low in (bench.difference_low, bench.ratio_low):
        assert bench.two_group_misses_at(low, rows, shares).max() <= 1.0


@pytest.mark.parametrize("shares", [(1e-4, 1e-3), (0.01, 0.001), (0.05, 0.05), (0.3, 0.1), (0.9, 0.05)])
def test_with_many_rows_the_paired_difference_does_not_miss_too_often(bench, shares):
    assert bench.paired_misses_at(1000, *shares).max() <= 1.0


def no_more_than_chance(missed: np.ndarray, draws: int) -> bool:
    """Whether the misses at 0.95 and 0.99 fit a true rate of the nominal one, four standard errors allowed."""
    alpha = 1 - np.array(LEVELS)[AT[:2]]
    return bool(np.all(missed[:, AT[:2]] <= 1 + 4 * np.sqrt((1 - alpha) / alpha / draws)))


@pytest.mark.parametrize("sharp", [1.0, 1.8])
def test_calibration_covers(bench, sharp):
    missed = bench.simulated_misses(bench.calibration_draw(300, sharp), bench.true_calibration(sharp), 1000, 1)
    assert no_more_than_chance(missed, 1000)


@pytest.mark.parametrize("sharp", [(1.8, 1.4), (1.0, 1.8), (1.0, 1.0)])
def test_calibration_difference_covers(bench, sharp):
    truth = bench.true_calibration(sharp[0]) - bench.true_calibration(sharp[1])
    assert no_more_than_chance(bench.simulated_misses(bench.calibration_pair(400, sharp), truth, 400, 2), 400)


@pytest.mark.parametrize("sharp", [(1.0, 1.0), (1.8, 1.8), (1.0, 1.8)])
def test_calibration_difference_on_rows_apart_covers(bench, sharp):
    truth = bench.true_calibration(sharp[0]) - bench.true_calibration(sharp[1])
    draw = bench.calibration_apart((4000, 500) if sharp[1] == 1 else (4000, 4000), sharp)
    assert no_more_than_chance(bench.simulated_misses(draw, truth, 400, 7), 400)


@pytest.mark.parametrize("rows", [(20, 200, 0.95, 0.0), (60, 60, 0.99, 0.02), (100, 100, 0.7, 0.0)])
def test_auc_covers(bench, rows):
    draw, truth = bench.auc_draw(*rows)
    assert no_more_than_chance(bench.simulated_misses(draw, truth, 1500, 3), 1500)


@pytest.mark.parametrize("rows", [(60, 60, 0.8, 0.5, 0.0), (60, 200, 0.95, 0.95, 0.03)])
def test_auc_difference_covers(bench, rows):
    draw, truth = bench.auc_pair(*rows)
    assert no_more_than_chance(bench.simulated_misses(draw, truth, 1000, 4), 1000)


@pytest.mark.parametrize("sides", [(15, 100), (40, 100)])
def test_gap_change_covers(bench, sides):
    draw, truth = bench.gap_draw(sides, ((0.2, 0.02), (0.02, 0.02)))
    assert no_more_than_chance(bench.simulated_misses(draw, truth, 800, 5), 800)


def test_skewed_mean_covers(bench):
    missed = bench.simulated_misses(bench.skewed_mean(200), 1.0, 3000, 6)
    assert no_more_than_chance(missed, 3000)


@pytest.mark.parametrize("n", [50, 200])
def test_mean_of_a_sharp_model_covers(bench, n):
    assert no_more_than_chance(bench.simulated_misses(bench.sharp_mean(n), bench.SHARP_BRIER, 2000, 10), 2000)


def test_drift_covers(bench):
    assert no_more_than_chance(bench.simulated_misses(bench.drift_draw(500, 0.1), 0.1, 500, 7), 500)
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.3, 0.3])
    assert no_more_than_chance(bench.simulated_misses(bench.variation_draw(300, p, q), 0.1, 1000, 8), 1000)


def test_spread_covers_with_and_without_a_difference(bench):
    for shares, truth in ((np.full(4, 0.3), 0.0), (np.array([0.3, 0.3, 0.3, 0.5]), 0.2)):
        missed = bench.simulated_misses(bench.spread_draw(100, shares), truth, 150, 9)
        assert no_more_than_chance(missed, 150)
