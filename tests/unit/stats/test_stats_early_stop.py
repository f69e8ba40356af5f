"""A share that is looked at early: wrong answers and missing bounds, computed exactly and not simulated."""

import numpy as np
import pytest
from benches import load_bench
from scipy.stats import beta

from govkit.core import LEVELS
from govkit.stats import looks_at, paired_difference, proportion, settled, stopped_difference, stopped_share

BENCH = load_bench("early_stop")


def test_looks_are_fixed_and_end_with_all_rows():
    assert looks_at(1000) == (50, 100, 200, 500, 1000)
    assert looks_at(64) == (50, 64)
    assert looks_at(50) == (50,)
    assert looks_at(7) == (7,)


def test_bounds_are_those_of_clopper_and_pearson_with_a_part_of_the_error():
    found = stopped_share(30, 50, looks=5)
    for bound in found.bounds:
        alpha = (1 - bound.level) / 5
        assert bound.low == pytest.approx(beta.ppf(alpha, 30, 21))
        assert bound.high == pytest.approx(beta.ppf(1 - alpha, 31, 20))
    assert (found.value, found.n) == (0.6, 50)
    assert found.interval.method == "Clopper-Pearson, Bonferroni over 5 looks"
    assert found.interval.low == found.bounds[LEVELS.index(0.975)].low


def test_one_look_is_no_correction():
    assert stopped_share(30, 50, looks=1) == proportion(30, 50)
    assert stopped_difference(9, 4, 50, looks=1) == paired_difference(9, 4, 50)


def test_more_looks_widen_every_bound():
    for narrow, wide in (
        (stopped_share(30, 50, looks=1), stopped_share(30, 50, looks=4)),
        (stopped_difference(9, 4, 50, looks=1), stopped_difference(9, 4, 50, looks=4)),
    ):
        assert all(b.low < a.low and b.high > a.high for a, b in zip(narrow.bounds, wide.bounds, strict=True))
        assert wide.value == narrow.value


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.9])
def test_at_most_one_in_twenty_ends_on_the_wrong_side(limit):
    looks = looks_at(1000)
    for share in (limit - 0.1, limit - 0.01, limit):
        assert BENCH.sides(BENCH.ends(share, limit, looks), limit, len(looks))[1] <= 0.05
    for share in (limit, limit + 0.01, limit + 0.05):
        assert BENCH.sides(BENCH.ends(share, limit, looks), limit, len(looks))[0] <= 0.05


def test_without_the_correction_half_of_them_end_on_a_wrong_side():
    naive = BENCH.ends(0.5, 0.5, range(50, 1001), corrected=False)
    assert sum(BENCH.sides(naive, 0.5, 1)) > 0.4


def test_a_clear_share_needs_few_rows():
    assert BENCH.ends(0.3, 0.5, looks_at(1000)).mean_rows < 100
    assert BENCH.ends(0.5, 0.5, looks_at(1000)).mean_rows > 900


@pytest.mark.parametrize("share", [0.05, 0.45, 0.5, 0.8])
def test_bounds_hold_whatever_made_it_stop(share):
    looks = looks_at(500)
    low, high = BENCH.misses(BENCH.ends(share, 0.5, looks), share, len(looks))
    assert (low <= 1 - np.array(LEVELS)).all()
    assert (high <= 1 - np.array(LEVELS)).all()


def test_impossible_arguments_are_refused():
    for wrong in (
        lambda: looks_at(0),
        lambda: stopped_share(3, 2, looks=2),
        lambda: stopped_share(1, 2, looks=0),
        lambda: stopped_difference(2, 2, 3, looks=2),
        lambda: settled(1, 2, 1.5, looks=2),
        lambda: settled(1, 2, 0.5, looks=0),
    ):
        with pytest.raises(ValueError, match=r"expected|must lie|looks|share needs"):
            wrong()
