from __future__ import annotations

import numpy as np
import pytest

import govkit.stats as gs
from govkit.stats.ranking import delong, placements


def test_area_by_hand_with_a_tie():
    # Pairs: 3>1, 3>2, 2>1 right, 2=2 half.
    assert gs.auc([3, 2, 1, 2], [1, 1, 0, 0]).value == pytest.approx(3.5 / 4)


def test_variance_by_hand():
    placed = placements([3, 2, 1, 2], [1, 1, 0, 0])
    assert placed.positives.tolist() == [1.0, 0.75]
    assert placed.negatives.tolist() == [1.0, 0.75]
    assert delong(placed) == pytest.approx(2 * (0.125**2 * 2) / 1 / 2)


@pytest.mark.parametrize(("scores", "value"), [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0)])
def test_a_perfect_ranking_of_few_rows_is_not_certain(scores, value):
    found = gs.auc(scores, [0, 0, 1, 1])
    assert found.value == value
    uncertain = found.bounds[1].low if value == 1 else 1 - found.bounds[1].high
    assert uncertain == pytest.approx(0.05**0.5)
    assert found.interval.high - found.interval.low > 0.5


def test_constant_scores_are_chance_with_room_on_both_sides():
    found = gs.auc(np.zeros(40), np.arange(40) < 20)
    assert found.value == 0.5
    assert found.bounds[1].low < 0.45
    assert found.bounds[1].high > 0.55


def test_equal_rankings_do_not_differ_and_are_not_certain():
    scores = np.random.default_rng(0).normal(size=60)
    found = gs.auc_difference(scores, 2 * scores + 1, np.arange(60) < 30)
    assert found.value == 0
    assert found.bounds[1].low < -0.04
    assert found.bounds[1].high > 0.04


def test_difference_is_that_of_the_areas_and_swaps_sign():
    rng = np.random.default_rng(1)
    y = rng.random(300) < 0.4
    a, b = rng.normal(size=300) + y, rng.normal(size=300) + 0.5 * y
    found, back = gs.auc_difference(a, b, y), gs.auc_difference(b, a, y)
    assert found.value == pytest.approx(gs.auc(a, y).value - gs.auc(b, y).value)
    assert [x.low for x in found.bounds] == pytest.approx([-x.high for x in back.bounds])


def test_monotone_change_of_scores_changes_nothing():
    rng = np.random.default_rng(2)
    y = rng.random(100) < 0.5
    scores = rng.normal(size=100) + y
    assert gs.auc(scores, y) == gs.auc(np.exp(scores), y)


@pytest.mark.parametrize("positive", [[1, 1], [0, 0]])
def test_one_class_has_no_ranking(positive):
    with pytest.raises(ValueError, match="at least one of each"):
        gs.auc([0.1, 0.2], positive)


def test_one_row_a_class_is_enough_to_know_next_to_nothing():
    found = gs.auc([0.1, 0.2], [0, 1])
    assert found.bounds[1].low == pytest.approx(0.05)
