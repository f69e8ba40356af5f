"""Holm's procedure against a direct reading of its definition and against statsmodels."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from govkit.core import LEVELS, Bound, Measurement, Requirement
from govkit.policy.limits import holm, p_value

GRID = [1.0, *(round(1 - level, 6) for level in LEVELS), 0.0]


def closed(p_values: list[float], alpha: float) -> tuple[bool, ...]:
    """Closed testing with Bonferroni (Marcus et al. 1976): reject i when every set that holds i is rejected."""
    count = len(p_values)
    sets = [
        [index for index in range(count) if chosen[index]] for chosen in product([0, 1], repeat=count) if any(chosen)
    ]
    rejected = [min(p_values[index] for index in each) * len(each) <= alpha + 1e-9 for each in sets]
    return tuple(all(no for each, no in zip(sets, rejected, strict=True) if index in each) for index in range(count))


@pytest.mark.parametrize("alpha", [0.1, 0.05, 0.01])
def test_every_grid_of_up_to_three_against_closed_testing(alpha: float) -> None:
    for count in (1, 2, 3):
        for p_values in product(GRID, repeat=count):
            assert holm(list(p_values), alpha) == closed(list(p_values), alpha)


def test_random_families_against_closed_testing_and_statsmodels() -> None:
    generator = np.random.default_rng(1)
    for step in range(200):
        p_values = generator.choice(GRID, size=int(generator.integers(1, 7))).tolist()
        alpha = float(generator.choice([0.1, 0.05, 0.025, 0.01]))
        found = holm(p_values, alpha)
        assert found == closed(p_values, alpha)
        # A hair more, because 1 - 0.95 is not exact; one family in thirty, because statsmodels takes its time.
        if step % 30 == 0:
            assert found == tuple(multipletests(p_values, alpha + 1e-9, method="holm")[0].tolist())


def test_fails_of_a_large_family_match_statsmodels() -> None:
    generator = np.random.default_rng(2)
    for _ in range(5):
        p_values = generator.choice(GRID, size=300).tolist()
        assert holm(p_values, 0.05) == tuple(multipletests(p_values, 0.05 + 1e-9, method="holm")[0].tolist())


def test_the_strictest_level_rejects_by_itself_and_changes_nothing_in_a_family_it_can_serve() -> None:
    generator = np.random.default_rng(3)
    for alpha, most in ((0.05, 500), (0.01, 100)):
        for _ in range(5):
            p_values = generator.choice(GRID, size=most)
            sure = p_values <= 0.0001 + 1e-9
            assert sure.any()
            capped = holm(np.where(sure, 0.0, p_values).tolist(), alpha)
            assert capped == tuple(multipletests(p_values, alpha + 1e-6, method="holm")[0].tolist())
            assert all(np.array(capped)[sure])


def test_the_p_value_of_the_strictest_level_is_none_however_many_limits() -> None:
    bounds = tuple(Bound(level=level, low=0.1, high=0.2) for level in LEVELS)
    for require, sides in ((Requirement(min=0.5), 1), (Requirement(min=0.5, max=0.9), 2)):
        for stored in range(1, len(LEVELS)):
            found = p_value(Measurement(check="c", name="m", value=0.15, n=9, bounds=bounds[:stored]), require)
            assert found == pytest.approx(sides * (1 - LEVELS[stored - 1]))
        assert p_value(Measurement(check="c", name="m", value=0.15, n=9, bounds=bounds), require) == 0.0


def test_no_family_rejects_nothing() -> None:
    assert holm([], 0.05) == ()
