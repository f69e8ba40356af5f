"""Intervals of scores hold what they say: short versions of ``tests/bench/reader_intervals.py``, and of its like."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
from benches import load_bench

from govkit.core import LEVELS, Interval
from govkit.stats.agreement import rank_correlation
from govkit.stats.f_score import f_score, macro_f_score, macro_precision
from govkit.stats.retrieval import average_precision, average_precision_difference, precision_at_top


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("reader_intervals")


def missed(intervals: Iterator[Interval], truth: float) -> float:
    return float(np.mean([not item.low <= truth <= item.high for item in intervals]))


@pytest.mark.parametrize("n", [7, 50, 1000])
def test_wilson_misses_about_one_in_twenty(bench, n):
    found = [bench.share_miss(n, p) for p in np.linspace(0.1, 0.9, 17)]
    assert 0.02 < np.mean(found) < 0.06
    assert max(found) < 0.12


@pytest.mark.parametrize("n", [50, 1000])
def test_newcombe_misses_about_one_in_twenty(bench, n):
    found = [bench.difference_miss(n, *pair) for pair in ((0.1, 0.2), (0.35, 0.5), (0.5, 0.5))]
    paired = [bench.paired_miss(n, 0.35, 0.5, alike, draws=4000, seed=n) for alike in (0.0, 0.5)]
    assert all(0.02 < share < 0.07 for share in found + paired)


@pytest.mark.parametrize(("score", "n"), [("MATTHEWS", 200), ("F1", 200), ("MATTHEWS", 1000)])
def test_the_bootstrap_misses_about_one_in_twenty(bench, score, n):
    share, draws = bench.bootstrap_miss(getattr(bench, score), n, bench.confusion(0.5, 0.7, 0.2), draws=300, seed=n)
    assert draws == 300
    assert 0.015 < share < 0.1


CELLS = np.array([[0.45, 0.04, 0.01], [0.06, 0.2, 0.04], [0.01, 0.04, 0.15]])
"""Chances of truth and answer of three classes."""


def tables(n: int, draws: int) -> np.ndarray:
    return np.random.default_rng(n).multinomial(n, CELLS.ravel(), draws).reshape(-1, 3, 3)


def worst(found: list, truth: float, alpha: float) -> float:
    """The larger share of bounds that miss, over what they may."""
    at = LEVELS.index(1 - alpha)
    ends = np.array([(item.bounds[at].low, item.bounds[at].high) for item in found])
    return float(max((ends[:, 0] > truth).mean(), (ends[:, 1] < truth).mean()) / alpha)


@pytest.mark.parametrize("n", [30, 300])
def test_no_bound_of_an_f_score_or_a_precision_misses_too_often(n):
    hits, truths, answered = np.diag(CELLS), CELLS.sum(axis=1), CELLS.sum(axis=0)
    f1s, drawn = 2 * hits / (truths + answered), tables(n, 1500)
    either = [table.sum(axis=0) + table.sum(axis=1) - np.diag(table) for table in drawn]
    pairs = [(np.diag(table), rows) for table, rows in zip(drawn, either, strict=True) if rows.all()]
    for level in (0.95, 0.99):
        alpha = round(1 - level, 12)
        single = [f_score(int(x[0]), int(rows[0])) for x, rows in pairs]
        assert 0.3 < worst(single, f1s[0], alpha) < 1.3
        assert worst([macro_f_score(*pair) for pair in pairs], f1s.mean(), alpha) < 1
        macro = [macro_precision(np.diag(table), table.sum(axis=0)) for table in drawn]
        assert worst(macro, (hits / answered).mean(), alpha) < 1


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_the_interval_of_a_rank_correlation_misses_about_one_in_twenty(correlation):
    rng, draws = np.random.default_rng(1), 1500
    pairs = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], (draws, 80))
    truth = 6 / np.pi * np.arcsin(correlation / 2)
    found = missed((rank_correlation(*pair.T).interval for pair in pairs), truth)
    assert 0.03 < found < 0.075


def binormal(n: int, rng: np.random.Generator, spread: float) -> tuple[np.ndarray, np.ndarray]:
    positive = rng.random(n) < 0.3
    return positive + rng.normal(0, spread, n), positive


def of_one(one: np.ndarray, _: np.ndarray, positive: np.ndarray) -> Interval:
    return average_precision(one, positive).interval


def of_two(*rows: np.ndarray) -> Interval:
    return average_precision_difference(*rows).interval


def of_the_top(one: np.ndarray, _: np.ndarray, positive: np.ndarray) -> Interval:
    return precision_at_top(one, positive, top=0.1, seed=0).interval


@pytest.mark.parametrize(("score", "draws"), [(of_one, 1000), (of_two, 1000), (of_the_top, 100)])
def test_intervals_of_the_top_of_a_ranking_miss_about_one_in_twenty(score, draws):
    def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        positive = rng.random(n) < 0.3
        one = positive + rng.normal(0, 0.8, n)
        return one, one + rng.normal(0, 0.6, n), positive

    # The truth is that of very many rows.
    whole = score(*rows(1_000_000, 0))
    truth = (whole.low + whole.high) / 2
    found = missed((score(*rows(400, seed)) for seed in range(1, draws + 1)), truth)
    assert 0.01 < found < 0.1
