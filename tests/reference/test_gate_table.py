"""The gate on a ratio of two rates: short version of ``tests/bench/gate_table.py``, beside figures of other code."""

from __future__ import annotations

from types import ModuleType

import pytest
from benches import load_bench

REPEATS, NEAR = 2000, 0.03


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("gate_table")


@pytest.mark.parametrize("at", range(8))
def test_a_limit_is_cleared_missed_or_left_open_as_often_as_published(bench: ModuleType, at: int) -> None:
    row = bench.ROWS[at]
    found = bench.one(row.ratio, row.n, repeats=REPEATS)
    assert found == pytest.approx((row.point, row.passes, row.fails), abs=NEAR)


@pytest.mark.parametrize("at", range(3))
def test_nine_in_ten_pass_with_as_many_rows_as_published(bench: ModuleType, at: int) -> None:
    ratio, n = bench.NEEDED[at]
    assert bench.one(ratio, n, repeats=REPEATS)[1] == pytest.approx(0.9, abs=2 * NEAR)


@pytest.mark.parametrize("at", range(4))
def test_points_alone_raise_the_alarm_and_the_gate_does_not(bench: ModuleType, at: int) -> None:
    groups, n, before = bench.ALARMS[at]
    assert bench.points_alarm(groups, n, repeats=20_000) == pytest.approx(before, abs=NEAR)
    assert bench.gate_alarms(groups, n, repeats=200) <= 0.01


@pytest.mark.parametrize("at", range(2))
def test_a_family_is_as_strict_as_published(bench: ModuleType, at: int) -> None:
    groups, *before = bench.FAMILIES[at]
    assert bench.family(groups, repeats=REPEATS, seed=1) == pytest.approx(before, abs=NEAR)
