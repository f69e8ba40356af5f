"""The smooth error and diagram beside their definition: a reflected Gaussian kernel summed row by row."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from benches import load_bench
from scipy import stats
from scipy.optimize import brentq

import govkit.stats as gs
from govkit.stats.smooth_calibration import CELLS, NARROWEST

BENCH = load_bench("calibration")
GRID = np.linspace(0, 1, 2001)


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overconfident rows, of which some state exactly 0 and 1."""
    rng = np.random.default_rng(seed)
    f = np.clip(rng.random(n) * 1.2 - 0.1, 0, 1)
    return f, rng.random(n) < 0.3 + 0.4 * f


def kernel(at: np.ndarray, f: np.ndarray, bandwidth: float) -> np.ndarray:
    """Density ``(places, n)`` of a Gaussian around each row, reflected at 0 and 1 as often as it reaches them."""
    found = np.zeros((at.size, f.size))
    for turn in range(-6, 7):
        for image in (2 * turn + f, 2 * turn - f):
            found += np.exp(-(((at[:, None] - image) / bandwidth) ** 2) / 2)
    return found / (bandwidth * math.sqrt(2 * math.pi))


def by_definition(f: np.ndarray, y: np.ndarray, bandwidth: float) -> float:
    return float(np.trapezoid(np.abs(kernel(GRID, f, bandwidth) @ (f - y)) / f.size, GRID))


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("bandwidth", [0.02, 0.1, 0.7])
def test_the_smooth_error_is_the_integral_of_the_smoothed_gap(n, bandwidth):
    f, y = rows(n)
    error = gs.smooth_calibration_error(f, y, bandwidth=bandwidth)
    assert error == pytest.approx(by_definition(f, y, bandwidth), abs=5e-4)


@pytest.mark.parametrize("n", [7, 40, 100])
def test_the_bandwidth_is_the_one_that_equals_the_error(n):
    f, y = rows(n)
    fixed = brentq(lambda bandwidth: by_definition(f, y, bandwidth) - bandwidth, 0.005, 1, xtol=1e-5)
    error = gs.smooth_calibration_error(f, y)
    assert error == pytest.approx(fixed, abs=5e-4)
    assert gs.smooth_calibration_error(f, y, bandwidth=error) == pytest.approx(error, abs=1e-5)


def test_a_wider_kernel_gives_no_larger_error():
    f, y = rows(200)
    errors = [gs.smooth_calibration_error(f, y, bandwidth=width) for width in (0.002, 0.01, 0.05, 0.2, 1.0)]
    assert errors == sorted(errors, reverse=True)
    # The widest mixes all rows: only the mean gap is left.
    assert errors[-1] == pytest.approx(abs(np.mean(f - y)), abs=2e-2)


def test_the_smooth_diagram_is_the_place_less_the_kernel_average_of_the_gap():
    f, y = rows(400)
    bandwidth = gs.smooth_calibration_error(f, y)
    found = gs.smooth_diagram(f, y, 0, points=10, fewest=5)
    assert [point.confidence for point in found] == pytest.approx((np.arange(10) + 0.5) / 10)
    places = np.array([point.confidence for point in found])
    weights = kernel(places, f, bandwidth)
    expected = np.clip(places - weights @ (f - y) / weights.sum(axis=1), 0, 1)
    assert [point.observed for point in found] == pytest.approx(expected, abs=2e-3)
    # A row at the middle of the kernel counts as one.
    held = weights.sum(axis=1) / np.diag(kernel(places, places, bandwidth))
    assert [point.n for point in found] == pytest.approx(held, abs=1.5)


def test_the_band_is_that_of_the_joint_normal_distribution_of_the_places():
    f, y = rows(600)
    bandwidth = gs.smooth_calibration_error(f, y)
    found = gs.smooth_diagram(f, y, 0)
    places = np.array([point.confidence for point in found])
    weights, own = kernel(places, f, bandwidth), kernel(f, f, bandwidth)
    height = np.diag(own)
    share = (own @ y / height + 1) / (own.sum(axis=1) / height + 2)
    varies = np.maximum(share * (1 - share), f * (1 - f))
    parts = weights * np.sqrt(varies) / weights.sum(axis=1)[:, None]
    joint = stats.multivariate_normal(cov=parts @ parts.T, allow_singular=True)
    error = np.sqrt((parts**2).sum(axis=1))
    largest = np.abs(joint.rvs(20_000, random_state=5) / error).max(axis=1)
    reach = np.quantile(largest, 0.95) * error
    assert 1.96 < np.quantile(largest, 0.95) < 3.1
    observed = np.array([point.observed for point in found])
    assert [point.band.low for point in found] == pytest.approx(np.clip(observed - reach, 0, 1), abs=6e-3)
    assert [point.band.high for point in found] == pytest.approx(np.clip(observed + reach, 0, 1), abs=6e-3)
    assert gs.smooth_diagram(f, y, 0) == found
    assert gs.smooth_diagram(f, y, 1) != found


@pytest.mark.parametrize(("what", "n"), [("honest", 60), ("T=0.5", 300), ("near certain", 1000)])
def test_nineteen_of_twenty_bands_hold_their_whole_line(what, n):
    assert 0.89 <= BENCH.band_holds(BENCH.LINES[what], n, 120, 3) <= 1


@pytest.mark.parametrize("stated", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("n", [3, 100])
def test_no_place_holds_more_rows_than_there_are(stated, n):
    y = np.arange(n) < 0.3 * n
    found = gs.smooth_diagram(np.full(n, stated), y, 0)
    assert all(point.n <= n for point in found)
    assert bool(found) == (n == 100), "three rows are too few for a place, however near to an end"


def test_a_band_has_a_width_where_all_rows_came_true():
    (point,) = gs.smooth_diagram(np.full(50, 0.7), np.ones(50), 0)
    assert point.observed == point.band.high == 1
    assert 0.85 < point.band.low < 0.99


def test_places_with_few_rows_are_left_out_of_the_diagram():
    # Honest at 0.1, and three rows elsewhere: the bandwidth is small, so that the three do not reach 0.1.
    f = np.repeat([0.1, 0.9], [1000, 3])
    y = np.concatenate([np.arange(1000) < 100, [True, True, True]])
    assert {point.confidence < 0.5 for point in gs.smooth_diagram(f, y, 0)} == {True}
    assert {point.confidence < 0.5 for point in gs.smooth_diagram(f, y, 0, fewest=1)} == {True, False}


@pytest.mark.parametrize(
    ("stated", "share", "error"), [(0.7, 0.4, 0.3), (0.5, 0.5, 0.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (0.3, 1.0, 0.7)]
)
def test_rows_that_all_state_the_same_have_the_error_of_their_gap(stated, share, error):
    y = np.arange(50) < 50 * share
    assert gs.smooth_calibration_error(np.full(50, stated), y) == pytest.approx(error, abs=1e-6)
    # As wide as the error: without one, the kernel reaches no place but that of the rows.
    seen = gs.smooth_diagram(np.full(50, stated), y, 0)
    assert [point.observed for point in seen] == pytest.approx([share] * len(seen), abs=0.0201)
    assert bool(seen) == bool(error or stated == 0.5)


def test_no_place_beyond_all_rows_is_drawn():
    f = np.linspace(0.41, 0.79, 300)
    seen = [point.confidence for point in gs.smooth_diagram(f, np.zeros(300, dtype=bool), 0)]
    assert (min(seen), max(seen)) == pytest.approx((0.42, 0.78))


def test_ties_count_as_one_row_of_their_mean():
    f, y = np.repeat([0.2, 0.6], 100), np.concatenate([np.arange(100) < 35, np.arange(100) < 60])
    shuffled = np.random.default_rng(0).permutation(200)
    error = gs.smooth_calibration_error(f, y)
    assert error == pytest.approx(0.5 * 0.15, abs=1e-6)
    assert gs.smooth_calibration_error(f[shuffled], y[shuffled]) == pytest.approx(error, abs=1e-12)


def test_one_row_has_the_error_of_its_gap_and_no_diagram():
    assert gs.smooth_calibration_error([0.8], [1]) == pytest.approx(0.2, abs=1e-6)
    assert gs.smooth_diagram([0.8], [1], 0) == []


def test_an_honest_model_of_few_answers_has_the_narrowest_kernel_and_no_error():
    f, y = [0.0, 0.0, 1.0, 1.0, 0.5, 0.5], [0, 0, 1, 1, 0, 1]
    assert gs.smooth_calibration_error(f, y) == pytest.approx(0, abs=1e-9)
    assert pytest.approx(4 / CELLS) == NARROWEST
    assert [point.confidence for point in gs.smooth_diagram(f, y, 0, points=5, fewest=1)] == [0.5]


def test_a_small_change_of_what_is_stated_changes_the_smooth_error_little_and_the_binned_one_much():
    y = np.arange(100) % 2 == 0
    # Half come true in each row's neighborhood, but one side of the edge holds those that did.
    f = np.where(y, 0.5, 0.5 - 1e-3)
    moved = np.full(100, 0.5)
    assert abs(gs.ece(f, y, 10) - gs.ece(moved, y, 10)) > 0.4
    assert abs(gs.smooth_calibration_error(f, y) - gs.smooth_calibration_error(moved, y)) < 0.05


@pytest.mark.parametrize("function", [gs.smooth_calibration_error, partial(gs.smooth_diagram, seed=0)])
def test_what_is_no_probability_has_no_smooth_error(function):
    with pytest.raises(ValueError, match="outside"):
        function([0.2, 1.2], [0, 1])
    with pytest.raises(ValueError, match="at least 1"):
        function([], [])
