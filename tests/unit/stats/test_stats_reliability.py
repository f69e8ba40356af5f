"""The consistency test beside the binomial law, in draws and in blocks, and how often the check is right and wrong."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from benches import load_bench
from scipy.stats import binom

import govkit.stats as gs
from govkit.core import LEVELS
from govkit.stats import reliability

DRAWS = 1999


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("calibration")


def binomial_p(stated: float, n: int, true: int) -> float:
    """Chance that as many rows come true as far from what is expected, when all state the same."""
    counts = np.arange(n + 1)
    far = np.abs(counts - n * stated) >= abs(true - n * stated) - 1e-9
    return float(binom.pmf(counts[far], n, stated).sum())


@pytest.mark.parametrize(
    ("stated", "n", "true"), [(0.5, 100, 62), (0.3, 100, 30), (0.3, 60, 25), (0.02, 500, 15), (0.5, 30_000, 15_150)]
)
def test_of_rows_that_all_state_the_same_the_p_value_is_the_binomial_one(stated, n, true):
    p, exact = gs.consistency_test(np.full(n, stated), np.arange(n) < true, 0, DRAWS), binomial_p(stated, n, true)
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / DRAWS) + 1 / DRAWS)


@pytest.mark.parametrize(("f", "y", "p"), [(0.5, 1, 1), (1.0, 1, 1), (1.0, 0, 1 / 200), (0.0, 0, 1)])
def test_one_row_is_drawn_like_any_other(f, y, p):
    assert gs.consistency_test([f], [y], seed=0) == p


def test_one_row_that_comes_true_against_the_odds_is_as_rare_as_it_says():
    assert gs.consistency_test([0.1], [1], 0, DRAWS) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("true", [False, True])
def test_labels_that_are_all_alike_are_no_chance_unless_stated(true):
    y = np.full(200, true)
    assert gs.consistency_test(np.full(200, 0.5), y, seed=0) == 1 / 200
    assert gs.consistency_test(np.full(200, float(true)), y, seed=0) == 1


@pytest.mark.parametrize("temperature", [1.0, 0.97])
def test_many_rows_drawn_in_blocks_have_the_p_value_of_single_draws(monkeypatch, bench, temperature):
    """On the same 21,000 rows; what is left is the chance of two times 199 draws."""
    apart = []
    for seed in range(6):
        f, y = bench.tempered(temperature)(np.random.default_rng(seed), reliability.EXACT + 1000)
        blocks = gs.consistency_test(f, y, seed)
        with monkeypatch.context() as patch:
            patch.setattr(reliability, "EXACT", len(f))
            single = gs.consistency_test(f, y, seed)
        apart.append(abs(blocks - single) / np.sqrt(2 * (single * (1 - single) + 1e-3) / 199))
    assert max(apart) < 4
    assert np.mean(apart) < 1.6


def test_blocks_are_small_in_rows_and_in_range_and_keep_what_states_the_same():
    rng = np.random.default_rng(0)
    f = np.sort(np.concatenate([rng.random(30_000), np.full(9000, 0.25), rng.random(3000) / 1000]))
    starts = reliability._block_starts(f)
    rows = np.diff(starts, append=f.size)
    widths = f[starts + rows - 1] - f[starts]
    assert widths.max() <= 1 / reliability.BLOCKS
    assert sorted(rows)[-2] <= 2 * f.size / reliability.BLOCKS
    assert rows.max() >= 9000
    assert np.all(f[starts[1:]] != f[starts[1:] - 1])


def test_the_cumulated_gap_by_hand():
    """In order: gaps of -0.2, +0.6 and +0.1, which make -0.2, 0.4 and 0.5 of three rows."""
    assert gs.cumulated_gap([0.9, 0.2, 0.4], [1, 0, 1]) == pytest.approx(0.5 / 3)
    assert gs.cumulated_gap([0.9], [0]) == pytest.approx(0.9)
    assert gs.cumulated_gap([0.3] * 10, [1] * 10) == pytest.approx(0.7)


def test_rows_that_state_the_same_enter_the_cumulated_gap_at_once():
    f, y = np.full(100, 0.5), np.arange(100) < 50
    assert gs.cumulated_gap(f, y) == pytest.approx(0)
    assert gs.consistency_test(f, y, seed=0) == 1


def test_an_honest_model_of_a_hundred_rows_does_not_fail(bench):
    """At most 30 of 400 may, at a limit of 0.05 and a level of 0.95; it is about 1 %."""
    assert bench.failed(bench.tempered(1), 100, 200, 4)[LEVELS.index(0.95)] <= 0.05


@pytest.mark.parametrize("what", ["honest", "honest, nearly sure", "honest, rare", "honest, ties"])
def test_the_consistency_test_accuses_the_honest_in_one_of_twenty_at_most(bench, what):
    """The true rate is at most 0.05; three standard errors of 300 draws are allowed."""
    assert bench.rejected(bench.HONEST[what], 100, 300, 1) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_the_consistency_test_accuses_the_honest_of_many_rows_no_more_often(bench):
    assert bench.rejected(bench.tempered(1), reliability.EXACT + 5000, 60, 1) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


@pytest.mark.parametrize("draw", ["tempered", "top_class"])
def test_the_consistency_test_finds_overconfidence_in_five_hundred_rows(bench, draw):
    assert bench.rejected(getattr(bench, draw)(0.6), 500, 100, 2) >= 0.95


def test_unequal_groups_of_equal_calibration_raise_no_alarm(bench):
    """Fifty rows beside five thousand: neither an adjusted p-value nor a bound accuses either more than it may."""
    p, beyond = bench.alarms((50, 5000), 60, 3)
    assert p <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    # Two groups, each at its level.
    assert beyond[LEVELS.index(0.95)] <= 0.1
    assert beyond[LEVELS.index(0.99)] <= 0.02


def test_a_curve_that_waves_within_the_bins_does_not_pass_and_a_calibrated_model_does(bench: ModuleType) -> None:
    """True error 0.101, limit 0.05, 5,000 rows: of 15 bins each holds a wave or two, and sees no error at all."""
    for waves in (15, 30):
        assert bench.passed(bench.waved(waves), 5000, 15, 1)[0] == 0
    assert bench.passed(bench.waved(0), 5000, 40, 2)[1] >= 0.9
    assert bench.passed(bench.shifted, 5000, 60, 3)[1] <= 0.1
