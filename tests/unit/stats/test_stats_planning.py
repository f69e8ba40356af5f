"""Rows for a width against hand-worked figures, and detectable effects against simulation and exact power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

import govkit.stats as gs
from govkit.core import LEVELS

DRAWS = 4000


@pytest.mark.parametrize(("half", "one", "two"), [(0.10, 62, 123), (0.05, 246, 492), (0.02, 1537, 3074)])
def test_rows_for_a_share_and_a_difference_at_eight_tenths(half, one, two):
    """0.8 * 0.2 * 1.96**2 = 0.6146, over the square of the half-width; twice that for a difference."""
    assert gs.rows_for_share(half, share=0.8) == one
    assert gs.rows_for_difference(half, share=0.8) == two


@pytest.mark.parametrize("gap", [0.02, 0.1, 0.3])
@pytest.mark.parametrize(("level", "wanted"), [(0.95, 0.8), (0.999, 0.9)])
def test_the_rows_to_detect_a_gap_are_those_at_which_it_is_just_detectable(gap, level, wanted):
    n = gs.rows_to_detect(gap, level=level, power=wanted)
    assert gs.detectable_difference(n, n, share=(1 - gap) / 2, level=level, power=wanted) == pytest.approx(
        gap, rel=0.07
    )
    with pytest.raises(ValueError, match="power is 0"):
        gs.rows_to_detect(gap, power=0.4)


def test_rows_for_a_paired_difference():
    assert gs.rows_for_paired_difference(0.02, discordant=0.05) == 481
    assert gs.rows_for_paired_difference(0.02, discordant=0.10) == 961


def test_the_rows_give_the_width_they_promise():
    n = gs.rows_for_difference(0.05, share=0.8)
    found = gs.difference(round(0.8 * n), n, round(0.8 * n), n).interval
    assert (found.high - found.low) / 2 == pytest.approx(0.05, rel=0.02)
    n = gs.rows_for_paired_difference(0.02, discordant=0.1)
    found = gs.paired_difference(n // 20, n // 20, n, both=round(0.8 * n)).interval
    assert (found.high - found.low) / 2 == pytest.approx(0.02, rel=0.05)


def test_a_detectable_share_has_exactly_the_power_asked():
    least = gs.detectable_share(200, 0.9, level=0.95, power=0.8)
    assert least is not None
    cleared = [gs.proportion(x, 200).bounds[LEVELS.index(0.95)].low > 0.9 for x in range(201)]
    assert binom.pmf(range(201), 200, least) @ cleared == pytest.approx(0.8, abs=1e-9)


def power(found: list[gs.Estimate], limit: float, level: float) -> float:
    """Share of the draws whose lower bound exceeds the limit."""
    at = LEVELS.index(level)
    return float(np.mean([estimate.bounds[at].low > limit for estimate in found]))


@pytest.mark.parametrize(
    ("rows", "share", "limit", "level", "wanted"),
    [((260, 260), 0.3, 0.1, 0.999, 0.9), ((50, 400), 0.8, 0.0, 0.95, 0.8), ((1000, 90), 0.02, 0.05, 0.99, 0.8)],
)
def test_a_detectable_difference_is_detected_that_often(rows, share, limit, level, wanted):
    n, m = rows
    effect = gs.detectable_difference(n, m, share=share, limit=limit, level=level, power=wanted)
    assert effect is not None
    rng = np.random.default_rng(0)
    x, y = rng.binomial(n, share + effect, DRAWS), rng.binomial(m, share, DRAWS)
    found = gs.differences(x, np.full(DRAWS, n), y, np.full(DRAWS, m))
    assert power(found, limit, level) == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / DRAWS))


@pytest.mark.parametrize(
    ("n", "discordant", "limit", "level", "wanted"), [(300, 0.1, 0.0, 0.95, 0.8), (3000, 0.1, 0.02, 0.999, 0.9)]
)
def test_a_detectable_paired_difference_is_detected_that_often(n, discordant, limit, level, wanted):
    effect = gs.detectable_paired_difference(n, discordant=discordant, limit=limit, level=level, power=wanted)
    assert effect is not None
    rates = [(discordant + effect) / 2, (discordant - effect) / 2, 1 - discordant]
    b, c, _ = np.random.default_rng(1).multinomial(n, rates, DRAWS).T
    found = gs.paired_differences(b, c, np.full(DRAWS, n))
    assert power(found, limit, level) == pytest.approx(wanted, abs=4 * np.sqrt(wanted * (1 - wanted) / DRAWS))


def test_more_rows_and_less_power_and_a_milder_level_detect_less():
    def least(n: int = 300, **asked: float) -> float:
        found = gs.detectable_difference(n, n, share=0.4, **asked)
        assert found is not None
        return found

    assert least(600) < least() < least(level=0.99)
    assert least() < least(power=0.9)
    assert least(limit=0.1) > 0.1


def test_too_few_rows_detect_nothing():
    assert gs.detectable_share(5, 0.99) is None
    assert gs.detectable_difference(4, 4, share=0.5, level=0.9999) is None
    assert gs.detectable_paired_difference(5, discordant=0.1) is None
    assert gs.detectable_paired_difference(1000, discordant=0.0) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gs.rows_for_share(0.0), "half_width is 0.0"),
        (lambda: gs.rows_for_share(0.1, share=1.2), "share is 1.2"),
        (lambda: gs.rows_for_difference(0.1, level=1.0), "level is 1.0"),
        (lambda: gs.rows_for_paired_difference(0.1, discordant=-0.1), "discordant is -0.1"),
        (lambda: gs.detectable_share(0, 0.5), "0; a share needs"),
        (lambda: gs.detectable_share(9, 0.5, power=1.0), "power is 1.0"),
        (lambda: gs.detectable_difference(9, 9, share=0.5, level=0.8), "level is 0.8"),
    ],
)
def test_what_is_out_of_range_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
