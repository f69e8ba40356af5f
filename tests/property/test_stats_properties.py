"""Laws of every estimate: bounds nest, they enclose the value, and neither order nor names matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import govkit.stats as gs
from govkit.core import LEVELS

FEW = settings(max_examples=40, deadline=None)


@st.composite
def share(draw: st.DrawFn, least: int = 0) -> tuple[int, int]:
    n = draw(st.integers(max(1, least), 400) | st.integers(10**5, 10**8))
    return draw(st.integers(least, n)), n


@st.composite
def paired(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 400) | st.integers(10**5, 10**7))
    b = draw(st.integers(0, n))
    return b, draw(st.integers(0, n - b)), n


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two models' scores in [0, 1], with ties, and truths of both kinds."""
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    digits = draw(st.sampled_from([1, 2, 9]))
    y = rng.random(n) < draw(st.sampled_from([0.1, 0.5, 0.9]))
    y[:2] = [True, False]
    return np.round(rng.random(n), digits), np.round(rng.random(n), digits), y


def lawful(found: gs.Estimate, low: float = -math.inf, high: float = math.inf) -> None:
    assert tuple(b.level for b in found.bounds) == LEVELS
    assert found.interval.low <= found.value <= found.interval.high
    for bound in found.bounds:
        assert low <= bound.low <= found.value <= bound.high <= high
    for loose, strict in zip(found.bounds, found.bounds[1:], strict=False):
        assert strict.low <= loose.low
        assert strict.high >= loose.high


def mirrored(found: gs.Estimate, other: gs.Estimate) -> None:
    """Bounds agree to what a cubic in double precision leaves at 10^8 rows."""
    assert other.value == pytest.approx(-found.value, abs=1e-12)
    assert [b.low for b in other.bounds] == pytest.approx([-b.high for b in found.bounds], abs=1e-6)
    assert [b.high for b in other.bounds] == pytest.approx([-b.low for b in found.bounds], abs=1e-6)


@FEW
@given(share())
def test_proportion(a):
    found = gs.proportion(*a)
    lawful(found, 0, 1)
    swapped = gs.proportion(a[1] - a[0], a[1])
    assert [b.low for b in swapped.bounds] == pytest.approx([1 - b.high for b in found.bounds], abs=1e-9)


@FEW
@given(share(), share())
def test_difference(a, b):
    found = gs.difference(*a, *b)
    lawful(found, -1, 1)
    mirrored(found, gs.difference(*b, *a))
    # Counting failures instead of successes turns the sign.
    mirrored(found, gs.difference(a[1] - a[0], a[1], b[1] - b[0], b[1]))
    lawful(gs.absolute_difference(*a, *b), 0, 1)


@FEW
@given(share(1), share(1))
def test_ratio(a, b):
    found, back = gs.ratio(*a, *b), gs.ratio(*b, *a)
    lawful(found, 0)
    assert back.value == pytest.approx(1 / found.value)
    for one, other in zip(found.bounds, back.bounds, strict=True):
        if other.low > 1e-6:
            assert one.high == pytest.approx(1 / other.low, rel=1e-6)


@FEW
@given(paired())
def test_paired_difference(table):
    b, c, n = table
    found = gs.paired_difference(b, c, n)
    lawful(found, -1, 1)
    mirrored(found, gs.paired_difference(c, b, n))


def alike(found: list[gs.Estimate], alone: list[gs.Estimate]) -> None:
    """The same, but for what a cubic in double precision leaves where rows are many and the search is cut otherwise."""
    for one, other in zip(found, alone, strict=True):
        assert (one.value, one.n, one.interval.method) == (other.value, other.n, other.interval.method)
        for bound, same in zip((*one.bounds, one.interval), (*other.bounds, other.interval), strict=True):
            assert (bound.low, bound.high) == pytest.approx((same.low, same.high), rel=1e-6, abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(share(1), share(1)), max_size=12))
def test_many_tables_at_once_are_the_same_as_one_by_one(tables):
    columns = list(zip(*((*a, *b) for a, b in tables), strict=True)) or [()] * 4
    alike(gs.differences(*columns), [gs.difference(*a, *b) for a, b in tables])
    alike(gs.ratios(*columns), [gs.ratio(*a, *b) for a, b in tables])
    alike(gs.proportions(*columns[:2]), [gs.proportion(*a) for a, _ in tables])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(paired(), paired()), max_size=12))
def test_many_paired_tables_at_once_are_the_same_as_one_by_one(tables):
    inside, outside = (
        (tuple(zip(*side, strict=True)) for side in zip(*tables, strict=True)) if tables else [[()] * 3] * 2
    )
    alike(gs.paired_differences(*inside), [gs.paired_difference(*a) for a, _ in tables])
    both = [(n - b - c) // 2 for b, c, n in (a for a, _ in tables)]
    alone = [gs.paired_difference(*a, both=right) for (a, _), right in zip(tables, both, strict=True)]
    alike(gs.paired_differences(*inside, both=both), alone)
    alone = [gs.gap_changes(*(tuple([part] for part in side) for side in table))[0] for table in tables]
    alike(gs.gap_changes(inside, outside), alone)


@FEW
@given(st.lists(share(), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_spreads(groups, random):
    x, n = zip(*groups, strict=True)
    found = gs.spread(x, n)
    lawful(found, 0, 1)
    rates = np.array(x) / np.array(n)
    assert found.value == pytest.approx(rates.max() - rates.min())
    shuffled = random.sample(groups, len(groups))
    again = gs.spread(*zip(*shuffled, strict=True))
    assert [b.low for b in again.bounds] == pytest.approx([b.low for b in found.bounds])
    if any(x):
        quotient = gs.spread_ratio(x, n)
        lawful(quotient, 0, 1)
        assert quotient.value == pytest.approx(rates.min() / rates.max())


@FEW
@given(st.lists(paired(), min_size=1, max_size=4))
def test_macro_recall(classes):
    b, c, n = (np.array(part) for part in zip(*classes, strict=True))
    lawful(gs.macro_recall(b, n), 0, 1)
    found = gs.macro_recall_difference(b, c, n)
    lawful(found, -1, 1)
    mirrored(found, gs.macro_recall_difference(c, b, n))


@FEW
@given(rows(), st.integers(0, 10**6))
def test_rows_in_any_order(columns, seed):
    a, b, y = columns
    order = np.random.default_rng(seed).permutation(y.size)
    group = np.arange(y.size) % 2 == 0

    def everything(a: np.ndarray, b: np.ndarray, y: np.ndarray, group: np.ndarray) -> list[gs.Estimate]:
        return [
            gs.auc(a, y),
            gs.auc_difference(a, b, y),
            gs.calibration(a, y),
            gs.calibration_difference(a, y, b, y, paired=True, seed=1),
            gs.calibration_difference(a, y, b, y, paired=False, seed=1),
            gs.gap_change(a > 0.5, b > 0.5, group, np.ones_like(y)),
            gs.mean(a, low=0, high=1),
            gs.mean_difference(a, b, low=-1, high=1),
            *([gs.wasserstein(a, b)] if a.std() > 0 else []),
        ]

    shuffled = everything(a[order], b[order], y[order], group[order])
    for one, other in zip(everything(a, b, y, group), shuffled, strict=True):
        lawful(one)
        assert other.value == pytest.approx(one.value, abs=1e-9)
        assert [x.low for x in other.bounds] == pytest.approx([x.low for x in one.bounds], abs=1e-6)
        assert [x.high for x in other.bounds] == pytest.approx([x.high for x in one.bounds], abs=1e-6)


@FEW
@given(rows())
def test_swapped_models_mirror(columns):
    a, b, y = columns
    mirrored(gs.auc_difference(a, b, y), gs.auc_difference(b, a, y))
    ends = {"low": -1, "high": 1}
    mirrored(gs.mean_difference(a, b, **ends), gs.mean_difference(b, a, **ends))
    mirrored(gs.mean_change(a, b[1:], **ends), gs.mean_change(b[1:], a, **ends))
    one = gs.calibration_difference(a, y, b, y, paired=False, seed=0)
    mirrored(one, gs.calibration_difference(b, y, a, y, paired=False, seed=0))


@FEW
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8), st.integers(0, 10**6))
def test_total_variation(counts, seed):
    first = np.array(counts) + 1
    second = np.random.default_rng(seed).permutation(first)
    found = gs.total_variation(first, second)
    lawful(found, 0, 1)
    assert gs.total_variation(second, first).value == pytest.approx(found.value)
    assert gs.jensen_shannon(first, first) == 0
    assert gs.population_stability(first, second)[0] >= 0


@FEW
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 10**6))
def test_adjusted_p_values(p_values, seed):
    order = np.random.default_rng(seed).permutation(len(p_values))
    adjusted = gs.holm(p_values)
    assert np.all(adjusted >= np.array(p_values))
    assert gs.holm(np.array(p_values)[order]) == pytest.approx(adjusted[order])


@FEW
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(LEVELS))
def test_stricter_levels_need_more_rows(value, limit, level):
    rows = gs.rows_needed(value, limit, level)
    looser = gs.rows_needed(value, limit, 0.9)
    assert (rows is None) or (looser is not None and looser <= rows)
