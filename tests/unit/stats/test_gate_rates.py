"""Forty limits on a gap at once: short version of ``tests/bench/gate_rates.py``, which prints 400 draws a line."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from benches import load_bench


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("gate_rates")


def test_a_draw_has_the_counts_and_the_gaps_it_says(bench):
    table = bench.counts(30, 20, 0.0, np.random.default_rng(0))
    assert table.shape == (bench.GROUPS, 4)
    assert table[:, :2].sum(axis=1).tolist() == [30] * bench.GROUPS
    (found,) = bench.findings(table[None])
    assert len(found) == bench.GROUPS * len(bench.RATES)
    recall = next(f for f in found if f.name == "true_positive_rate_difference" and f.part == {"group": "g2"})
    assert recall.value == pytest.approx(table[2, 0] / 30 - (table[:, 0].sum() - table[2, 0]) / 210)


@pytest.mark.parametrize("rows", [50, 200, 1000])
def test_a_fair_model_is_hardly_ever_blocked(bench, rows):
    """At most 30 of 400 would be; none is, and with enough rows nearly all pass."""
    found = bench.outcomes(rows // 2, rows // 2, draws=80)
    assert found["BLOCK"] <= 6
    assert found["PASS"] >= (70 if rows == 1000 else 0)


def test_a_gap_at_the_limit_is_hardly_ever_blocked(bench):
    assert bench.outcomes(500, 500, bench.LIMIT, draws=80)["BLOCK"] <= 6


def test_a_gap_of_a_quarter_is_blocked(bench):
    """260 positives a group, so that the denominator of the recall is 260."""
    assert bench.outcomes(260, 260, 0.25, draws=200)["BLOCK"] >= 180
