"""The weight of a soup: the largest that loses nothing, and what other rows say of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from govkit.errors import DataError
from govkit.remedies.soup import WEIGHTS, choose, judge


def falling_from(limit: float, n: int = 100):
    """90 rows are right up to a weight, one less beyond it."""
    return lambda weight: np.arange(n) < (90 if weight <= limit else 89)


@given(limit=st.sampled_from(WEIGHTS))
def test_the_largest_weight_that_loses_nothing_is_chosen(limit: float):
    choice = choose(falling_from(limit))
    assert choice.weight == limit
    assert choice.accuracy[0.0] == 0.9
    assert set(choice.accuracy) == {0.0, *WEIGHTS}


def test_where_every_weight_loses_rows_the_candidate_stays():
    with pytest.raises(DataError, match=r"from 0\.05 on fewer of these rows are right"):
        choose(falling_from(0.01))


def test_a_few_rows_choose_nothing():
    with pytest.raises(DataError, match="found 19 rows"):
        choose(lambda _: np.ones(19, dtype=bool))


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ([1] * 90 + [0] * 10, [1] * 70 + [0] * 30, "WORSE at home: accuracy 0.900 before and 0.700 after"),
        ([1] * 50 + [0] * 50, [1] * 50 + [0] * 49 + [1], "Better at home: accuracy 0.500 before and 0.510 after"),
        ([1] * 50 + [0] * 50, [1] * 50 + [0] * 50, "As good at home: accuracy 0.500 before and 0.500 after"),
    ],
)
def test_better_worse_and_the_same_are_said_with_the_interval(before: list[int], after: list[int], says: str):
    judged = judge(np.array(before, dtype=bool), np.array(after, dtype=bool))
    told = judged.says("at home", "test")
    assert told.startswith(says)
    assert f"{judged.change.low:+.3f} to {judged.change.high:+.3f}" in told
    assert ("more than chance explains" in told) == says.startswith("WORSE")
    assert ("chance could explain it" in told) == says.startswith("Better")
