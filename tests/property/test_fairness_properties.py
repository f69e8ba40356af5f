"""What must hold of rates and gaps whatever the rows."""

from __future__ import annotations

import numpy as np
import pytest
from case_fixture import make_case, run_check
from hypothesis import given, settings, strategies as st

from govkit.checks._fairness import PARITIES, RATES, RATIOS, metrics_of
from govkit.checks._group_rates import changes, group_rates, spreads
from govkit.checks.outcomes.bias import bias
from govkit.checks.outcomes.individual_fairness import individual_fairness
from govkit.data.counts import CountTable

counts = st.integers(2, 5).flatmap(
    lambda groups: st.lists(st.lists(st.integers(0, 60), min_size=5, max_size=5), min_size=groups, max_size=groups)
)
quick = settings(max_examples=60, deadline=None, derandomize=True)


def table_of(rows) -> CountTable:
    return CountTable(tuple("abcde"[: len(rows)]), np.array(rows))


def same(one, two) -> bool:
    return bool(np.allclose(one, two, rtol=0, atol=1e-12, equal_nan=True))


@quick
@given(counts)
def test_values_are_those_of_the_estimates_and_bounds_hold_them(rows):
    table = table_of(rows)
    values, found = metrics_of(table), group_rates(table)
    for name, estimates in found.items():
        assert [estimate is None for estimate in estimates] == np.isnan(values[name]).tolist(), name
        for value, estimate in zip(values[name], estimates, strict=True):
            if estimate is not None:
                assert estimate.value == pytest.approx(value, abs=1e-12)
                assert all(item.low <= value + 1e-12 and value - 1e-12 <= item.high for item in estimate.bounds)
                assert [item.low for item in estimate.bounds] == sorted((b.low for b in estimate.bounds), reverse=True)
    for name, estimate in spreads(table, RATES, min_rows=1).items():
        if estimate is not None:
            assert estimate.value == pytest.approx(values[name], abs=1e-12), name
            assert 0 <= estimate.bounds[-1].low <= estimate.bounds[-1].high <= 1


@quick
@given(counts, st.sampled_from([0.5, 3.0]))
def test_scaled_weights_change_no_rate_and_order_of_groups_changes_no_spread(rows, factor):
    table = table_of(rows)
    values, scaled = metrics_of(table), metrics_of(CountTable(table.names, table.counts * factor))
    turned = metrics_of(CountTable(table.names, table.counts[::-1]))
    for name, value in values.items():
        assert same(scaled[name], value) or name.startswith("differential"), name
        assert same(turned[name], np.flip(value) if np.ndim(value) else value), name


@quick
@given(counts)
def test_rates_that_complement_each_other_do(rows):
    values = metrics_of(table_of(rows))
    for one, two in (
        ("true_positive_rate", "false_negative_rate"),
        ("true_negative_rate", "false_positive_rate"),
        ("positive_predictive_value", "false_discovery_rate"),
        ("negative_predictive_value", "false_omission_rate"),
        ("accuracy", "error_rate"),
    ):
        assert same(values[one], 1 - values[two])
        assert same(values[f"{one}_difference"], -values[f"{two}_difference"])
        assert same(values[f"{PARITIES[one]}_difference"], values[f"{PARITIES[two]}_difference"])
    assert set(RATIOS) <= set(RATES)


@quick
@given(counts)
def test_a_model_has_not_changed_against_itself(rows):
    joint = np.array([np.diag(row) for row in rows])
    for name, estimates in changes(joint, RATES).items():
        for estimate in estimates:
            assert estimate is None or (estimate.value == pytest.approx(0, abs=1e-12)), name


@quick
@given(counts, st.integers(0, 40))
def test_a_group_below_the_line_of_rows_moves_no_spread(rows, least):
    table = table_of(rows)
    found = metrics_of(table, min_rows=least)
    for name, rate in RATES.items():
        events, below = rate.counted(table.counts)
        kept = below >= max(least, 1)
        shares = events[kept] / below[kept]
        expected = np.ptp(shares) if kept.sum() > 1 else np.nan
        assert same(found[f"{PARITIES[name]}_difference"], expected)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    labels, answers, base = rng.integers(0, 3, (3, 90))
    groups, order = rng.choice(["u", "v", "w"], 90), rng.permutation(90)
    for check in (bias, individual_fairness):
        one, two = (
            run_check(check, make_case(labels[at], answers[at], base=base[at], groups={"g": groups[at]}))
            for at in (np.arange(90), order)
        )
        assert [item.model_copy(update={"data": None}) for item in one] == [
            item.model_copy(update={"data": None}) for item in two
        ]
