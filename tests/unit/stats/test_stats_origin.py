"""Where a gap comes from: the words, the intervals behind them, and how often a word is wrong."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from benches import load_bench
from hypothesis import given, settings, strategies as st
from scipy.special import ndtri

from govkit import stats
from govkit.core import LEVELS
from govkit.stats.origin import ERROR, Gaps, against_base, against_labels, gaps_to_rest

Z = -ndtri(ERROR)
TABLES = st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=2, max_size=4).map(
    lambda rows: np.array(rows).reshape(-1, 2, 2) + np.array([[1, 0], [0, 0]])
)


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    return load_bench("origin")


def gaps_of(candidate: tuple[float, float], other: tuple[float, float], change: tuple[float, float]) -> Gaps:
    """Gaps of one group from its three intervals."""
    return Gaps(*(np.array(bounds)[:, None] for bounds in (candidate, other, change)))


def mirrored(gaps: Gaps) -> Gaps:
    return Gaps(-gaps.candidate[::-1], -gaps.other[::-1], -gaps.change[::-1])


@pytest.mark.parametrize(
    ("candidate", "base", "change", "word"),
    [
        ((-0.05, 0.05), (-0.30, 0.30), (-0.30, 0.30), "none"),
        ((0.04, 0.30), (0.06, 0.20), (0.06, 0.20), "cannot tell"),  # the candidate's gap may be within the margin
        ((0.06, 0.20), (0.01, 0.20), (-0.05, 0.05), "inherited"),
        ((0.06, 0.20), (0.01, 0.20), (-0.05, 0.06), "cannot tell"),
        ((0.06, 0.30), (-0.20, 0.05), (0.06, 0.40), "introduced"),
        ((0.15, 0.30), (0.06, 0.10), (0.06, 0.20), "amplified"),
        ((0.15, 0.30), (0.04, 0.10), (0.06, 0.20), "grown"),
        ((0.15, 0.30), (0.04, 0.10), (0.05, 0.20), "cannot tell"),
        ((0.06, 0.15), (0.20, 0.30), (-0.20, -0.06), "reduced"),
        ((-0.05, 0.10), (0.20, 0.30), (-0.20, -0.06), "reduced"),  # of what is left, nothing need be sure
        ((-0.06, 0.10), (0.20, 0.30), (-0.30, -0.06), "cannot tell"),  # it may have turned to the other side
        ((-0.05, 0.05), (0.20, 0.30), (-0.30, -0.15), "none"),
        ((-0.30, -0.10), (0.20, 0.30), (-0.60, -0.30), "introduced"),  # it has turned
    ],
)
def test_a_word_against_the_base_is_given_only_where_the_intervals_allow_no_other(candidate, base, change, word):
    found = gaps_of(candidate, base, change)
    assert against_base(found, margin=0.05) == (word,)
    assert against_base(mirrored(found), margin=0.05) == (word,)


@pytest.mark.parametrize(
    ("candidate", "labels", "excess", "word"),
    [
        ((-0.05, 0.05), (0.10, 0.30), (-0.30, -0.10), "none"),
        ((0.06, 0.20), (0.06, 0.20), (-0.10, 0.05), "in the data"),
        ((0.06, 0.20), (0.25, 0.40), (-0.30, -0.10), "in the data"),  # the labels show more than the candidate
        ((0.06, 0.20), (0.05, 0.20), (-0.10, 0.05), "cannot tell"),
        ((0.06, 0.20), (-0.20, 0.05), (0.00, 0.20), "beyond the data"),
        ((0.20, 0.40), (0.10, 0.15), (0.06, 0.20), "beyond the data"),
        ((0.04, 0.40), (0.10, 0.15), (0.06, 0.20), "cannot tell"),
    ],
)
def test_a_word_against_the_labels_is_given_only_where_the_intervals_allow_no_other(candidate, labels, excess, word):
    found = gaps_of(candidate, labels, excess)
    assert against_labels(found, margin=0.05) == (word,)
    assert against_labels(mirrored(found), margin=0.05) == (word,)


def rows_and_tables(seed: int, n: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Group, events of candidate and other, and the tables of the two groups."""
    rng = np.random.default_rng(seed)
    group = rng.random(n) < 0.3
    other = rng.random(n) < 0.35
    candidate = np.where(rng.random(n) < np.where(group, 0.25, 0.1), ~other, other)
    tables = np.bincount(4 * group + 2 * candidate + other, minlength=8).reshape(2, 2, 2)
    return group, candidate, other, tables


def test_the_gaps_have_the_bounds_that_are_stored_at_the_level_0995():
    _, _, _, tables = rows_and_tables(0)
    gaps, (rest, group) = gaps_to_rest(tables), tables.sum(axis=(1, 2))
    for found, x, y in (
        (gaps.candidate, tables[1, 1].sum(), tables[0, 1].sum()),
        (gaps.other, tables[1, :, 1].sum(), tables[0, :, 1].sum()),
    ):
        bound = stats.difference(int(x), int(group), int(y), int(rest)).bounds[LEVELS.index(0.995)]
        assert found[:, 1].tolist() == pytest.approx([bound.low, bound.high], abs=1e-12)
        assert found[0, 1] < x / group - y / rest < found[1, 1]


def test_a_gap_agrees_with_statsmodels():
    from statsmodels.stats.proportion import confint_proportions_2indep

    _, _, _, tables = rows_and_tables(1)
    events, rows = tables[:, 1].sum(axis=1), tables.sum(axis=(1, 2))
    low, high = confint_proportions_2indep(
        events[1], rows[1], events[0], rows[0], compare="diff", method="score", alpha=2 * ERROR
    )
    found = gaps_to_rest(tables).candidate[:, 1]
    # The corrections widen it, and by a small part only.
    assert found[0] <= low + 1e-6
    assert found[1] >= high - 1e-6
    assert found[1] - found[0] == pytest.approx(high - low, rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_the_width_of_a_change_is_that_of_a_regression_with_robust_errors(seed):
    import statsmodels.api as sm

    group, candidate, other, tables = rows_and_tables(seed)
    fit = sm.OLS(candidate.astype(float) - other, sm.add_constant(group.astype(float))).fit(cov_type="HC0")
    low, high = gaps_to_rest(tables).change[:, 1]
    assert low < fit.params[1] < high
    assert high - low == pytest.approx(2 * Z * fit.bse[1], rel=0.04)


def test_the_width_of_a_change_is_that_of_a_bootstrap_of_rows():
    group, candidate, other, tables = rows_and_tables(5, n=2_000)
    change, rng = candidate.astype(float) - other, np.random.default_rng(0)
    drawn = []
    for _ in range(2_000):
        rows = rng.integers(0, len(change), len(change))
        inside = group[rows]
        drawn.append(change[rows][inside].mean() - change[rows][~inside].mean())
    low, high = gaps_to_rest(tables).change[:, 1]
    assert high - low == pytest.approx(2 * Z * np.std(drawn), rel=0.08)


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_neither_the_order_of_groups_nor_the_complement_of_the_event_changes_a_word(tables):
    for tell in (against_base, against_labels):
        words = tell(gaps_to_rest(tables), margin=0.02)
        assert tell(gaps_to_rest(tables[::-1]), margin=0.02) == words[::-1]
        # A gap in true positive rate and one in false negative rate have one origin.
        assert tell(gaps_to_rest(tables[:, ::-1, ::-1]), margin=0.02) == words
        if len(tables) == 2:  # the rest of each is the other
            assert words[0] == words[1]


@settings(max_examples=40, deadline=None)
@given(TABLES, st.integers(1, 1_000))
def test_equal_models_have_nothing_but_inherited_gaps(tables, times):
    same = times * tables
    same[:, 0, 0] += same[:, 0, 1]
    same[:, 1, 1] += same[:, 1, 0]
    same[:, 0, 1] = same[:, 1, 0] = 0
    assert set(against_base(gaps_to_rest(same), margin=0.05)) <= {"none", "inherited", "cannot tell"}
    assert "beyond the data" not in against_labels(gaps_to_rest(same), margin=0.05)


def test_with_very_many_rows_the_words_are_those_of_the_rates():
    # Selection rates: candidate 0.5, 0.3, 0.3; other 0.3 in all. Against the rest 0.2, -0.1, -0.1; the other has none.
    tables = np.array([[[50, 0], [20, 30]], [[70, 0], [0, 30]], [[70, 0], [0, 30]]]) * 10**7
    assert against_base(gaps_to_rest(tables), margin=0.05) == ("introduced",) * 3
    assert against_labels(gaps_to_rest(tables), margin=0.05) == ("beyond the data",) * 3
    assert against_base(gaps_to_rest(tables), margin=0.15) == ("introduced", "none", "none")


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (np.ones((1, 2, 2)), r"shape \(1, 2, 2\)"),
        (np.ones((2, 4)), r"shape \(2, 4\)"),
        (np.array([np.ones((2, 2)), np.zeros((2, 2))]), "group 1 has no row"),
        (np.full((2, 2, 2), -1), "no count"),
        (np.full((2, 2, 2), 0.5), "no count"),
    ],
)
def test_wrong_tables_are_refused(tables, message):
    with pytest.raises(ValueError, match=message):
        gaps_to_rest(tables)


@pytest.mark.parametrize("margin", [0.0, -0.1, 0.31, float("nan")])
@pytest.mark.parametrize("tell", [against_base, against_labels])
def test_a_margin_beyond_its_range_is_refused(tell, margin):
    with pytest.raises(ValueError, match="margin is"):
        tell(gaps_to_rest(np.ones((2, 2, 2))), margin=margin)


@pytest.mark.parametrize(("n", "m"), [(3, 12), (7, 7), (12, 12)])
def test_the_bounds_of_a_change_miss_no_more_often_than_they_say(bench, n, m):
    assert bench.change_misses(n, m) <= 1.0


def test_a_word_is_rarely_wrong(bench):
    draws, setups = 250, [setup for setup in bench.setups() if setup.share == 0.5]
    wrong = [bench.simulated(setup, 2_000, draws, seed).wrong for seed, setup in enumerate(setups)]
    assert len(wrong) == 24
    # Four standard errors beside a true share of 1 % for one set-up; together they lie far below it.
    assert max(wrong) <= 0.01 + 4 * np.sqrt(0.01 / draws)
    assert np.mean(wrong) <= 0.01


@pytest.mark.parametrize(("index", "rows"), [(0, 2_000), (1, 2_000), (2, 2_000), (3, 10_000), (4, 10_000)])
def test_a_clear_origin_is_told(bench, index, rows):
    assert bench.simulated(bench.TABLE[index], rows, 200, 9).base["cannot tell"] <= 10
