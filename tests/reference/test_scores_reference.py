"""Scores of answers and of rankings against scikit-learn and scipy, on small tables with ties and empty classes."""

from __future__ import annotations

import warnings
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from scipy import stats
from sklearn import metrics
from sklearn.exceptions import UndefinedMetricWarning
from statsmodels.stats.proportion import proportion_confint

import govkit.stats as gs
from govkit.stats.agreement import determination, f_scores, matthews, precisions, quadratic_kappa, rank_correlation
from govkit.stats.bootstrap import BAGS, Undefined, clustered, multinomial
from govkit.stats.f_score import f_score, macro_f_score, macro_precision
from govkit.stats.recall import macro_recall_change, macro_recall_difference
from govkit.stats.retrieval import average_precision, average_precision_difference, precision_at_top

CLASSES = 4
Pairs = list[tuple[int, int]]
PAIRS = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=40)
"""Truth and answer of each row; often a class has no rows, or is never answered."""


def margins(truth: np.ndarray, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, truths and answers of each class."""
    hits, truths, answered = (np.bincount(rows, minlength=CLASSES) for rows in (truth[truth == answer], truth, answer))
    return hits, truths, answered


def exact(hits: int, rows: int, alpha: float) -> np.ndarray:
    """Both bounds of a share, each with error ``alpha``; anything where there are no rows."""
    return np.array(proportion_confint(hits, rows, 2 * alpha, "beta")) if rows else np.array([0.0, 1.0])


def of_share(share: float | np.ndarray) -> np.ndarray:
    return 2 * np.asarray(share) / (1 + np.asarray(share))


@given(PAIRS)
def test_scores_of_a_class_are_those_of_scikit_learn(pairs: Pairs) -> None:
    truth, answer = np.array(pairs).T
    hits, truths, answered = margins(truth, answer)
    found = precisions(hits, truths, answered), f_scores(hits, truths, answered)
    options = {"labels": range(CLASSES), "average": None, "zero_division": 0}
    seen = truths + answered > 0
    for ours, theirs in zip(found, (metrics.precision_score, metrics.f1_score), strict=True):
        assert ours[seen] == pytest.approx(theirs(truth, answer, **options)[seen])
        assert np.isnan(ours[~seen]).all(), "a class that nobody names has no score"


@given(PAIRS)
def test_matthews_is_that_of_scikit_learn(pairs: Pairs) -> None:
    truth, answer = np.array(pairs).T
    found = float(matthews(*margins(truth, answer)))
    if len({*truth}) == 1 or len({*answer}) == 1:
        assert np.isnan(found), "scikit-learn says 0 where there is no correlation"
    else:
        assert found == pytest.approx(metrics.matthews_corrcoef(truth, answer), abs=1e-12)


def kappa_sums(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    columns = np.ones_like(truth), truth, answer, truth**2, answer**2, truth * answer
    return np.stack([column.sum() for column in columns])


@given(PAIRS)
def test_quadratic_kappa_is_that_of_scikit_learn(pairs: Pairs) -> None:
    truth, answer = np.array(pairs).T
    found = float(quadratic_kappa(kappa_sums(truth, answer)))
    if len({*truth, *answer}) == 1:
        assert np.isnan(found)
    else:
        expected = metrics.cohen_kappa_score(truth, answer, weights="quadratic", labels=range(CLASSES))
        assert found == pytest.approx(expected, abs=1e-12)


def test_many_tables_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, CLASSES, (6, 2, 50))
    tables = [np.stack(part) for part in zip(*(margins(*pair) for pair in rows), strict=True)]
    for score in (precisions, f_scores, matthews):
        together = score(*tables)
        assert together == pytest.approx(np.stack([score(*margins(*pair)) for pair in rows]))
    sums = np.stack([kappa_sums(*pair) for pair in rows])
    assert quadratic_kappa(sums) == pytest.approx([quadratic_kappa(one) for one in sums])


NUMBERS = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=4, max_size=30)


@given(NUMBERS, st.sampled_from([1.0, 0.1, 1e6]))
def test_determination_and_rank_correlation_are_those_of_scikit_learn_and_scipy(pairs: Pairs, unit: float) -> None:
    truth, answer = np.array(pairs).T * unit
    assume(np.ptp(truth) > 0)
    away = truth - truth.mean()
    sums = np.array([truth.size, away.sum(), (away**2).sum(), ((truth - answer) ** 2).sum()])
    assert float(determination(sums)) == pytest.approx(metrics.r2_score(truth, answer))
    if np.ptp(answer) == 0:
        with pytest.raises(ValueError, match="constant"):
            rank_correlation(answer, truth)
        return
    found = rank_correlation(answer, truth)
    assert found.value == pytest.approx(stats.spearmanr(answer, truth).statistic, abs=1e-12)
    assert found.bounds == ()
    assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1


@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
def test_one_truth_for_all_rows_leaves_no_variance_whatever_its_rounding(rows: int) -> None:
    away = np.full(rows, 0.1) - np.full(rows, 0.1).mean()
    sums = np.stack([np.ones(rows), away, away**2, np.ones(rows)], axis=1)
    assert np.isnan(determination(sums.sum(axis=0)))


def test_rows_drawn_anew_that_are_all_the_same_do_not_count() -> None:
    """Of three rows, every ninth draw takes one row three times; its rounding once stood for a variance."""
    truth = np.array([0.1, 0.2, 0.3])
    away = truth - truth.mean()
    found = clustered(np.stack([np.ones(3), away, away**2, np.full(3, 0.01)], axis=1), determination, seed=0)
    assert -10 < found.interval.low <= found.value <= found.interval.high <= 1


@pytest.mark.parametrize(("hits", "either"), [(0, 5), (3, 4), (40, 50), (7, 7)])
def test_the_f_score_and_its_bounds_are_those_of_a_share(hits: int, either: int) -> None:
    truth, answer = np.ones(either, dtype=int), np.arange(either) < hits
    found = f_score(hits, either)
    assert found.value == pytest.approx(metrics.f1_score(truth, answer, zero_division=0))
    for bound in found.bounds:
        assert (bound.low, bound.high) == pytest.approx(of_share(exact(hits, either, 1 - bound.level)), abs=1e-9)
    wilson = of_share(proportion_confint(hits, either, method="wilson"))
    assert (found.interval.low, found.interval.high) == pytest.approx(wilson, abs=1e-12)


@given(PAIRS)
def test_macro_scores_are_those_of_scikit_learn_and_average_exact_bounds(pairs: Pairs) -> None:
    truth, answer = np.array(pairs).T
    hits, truths, answered = margins(truth, answer)
    some = truths + answered > 0
    either, k = (truths + answered - hits)[some], int(some.sum())
    f1, precision = macro_f_score(hits[some], either), macro_precision(hits[some], answered[some])
    assert f1.value == pytest.approx(metrics.f1_score(truth, answer, average="macro", zero_division=0))
    assert precision.value == pytest.approx(
        metrics.precision_score(truth, answer, average="macro", zero_division=0), abs=1e-12
    )
    assert (f1.n, precision.n) == (len(pairs), len(pairs))
    for at in (0, 4, 8):
        alpha = (1 - f1.bounds[at].level) / k
        ends = np.mean([of_share(exact(x, n, alpha)) for x, n in zip(hits[some], either, strict=True)], axis=0)
        assert (f1.bounds[at].low, f1.bounds[at].high) == pytest.approx(ends, abs=1e-6)
        ends = np.mean([exact(x, n, alpha) for x, n in zip(hits[some], answered[some], strict=True)], axis=0)
        assert (precision.bounds[at].low, precision.bounds[at].high) == pytest.approx(ends, abs=1e-6)


@pytest.mark.parametrize(
    ("score", "arguments", "words"),
    [
        (f_score, (1, 0), "at least one row"),
        (f_score, (3, 2), "at most 2"),
        (macro_f_score, ([1, 0], [2, 0]), "no rows"),
        (macro_f_score, ([1], [2, 2]), "as many"),
        (macro_precision, ([0, 0], [0, 0]), "no class was answered"),
        (macro_precision, ([1, 1], [0, 2]), "class 0 has more hits"),
        (macro_precision, ([1], [2, 3]), "as many"),
    ],
)
def test_counts_that_cannot_be_are_refused(score, arguments, words) -> None:
    with pytest.raises(ValueError, match=words):
        score(*arguments)


def test_differences_of_mean_recall_of_one_class_are_those_of_shares() -> None:
    one, two = macro_recall_difference([9], [4], [50]), gs.paired_difference(9, 4, 50)
    assert (one.value, one.bounds) == (two.value, two.bounds)
    one, two = macro_recall_change([40], [50], [60], [90]), gs.difference(40, 50, 60, 90)
    assert one.value == two.value
    assert [end for bound in one.bounds for end in (bound.low, bound.high)] == pytest.approx(
        [end for bound in two.bounds for end in (bound.low, bound.high)], abs=1e-9
    )


def test_differences_of_mean_recall_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth, one, two = rng.integers(0, CLASSES, (3, 300))
    totals, right = np.bincount(truth), [np.bincount(truth[given == truth]) for given in (one, two)]
    only = [np.bincount(truth[(given == truth) & (other != truth)]) for given, other in ((one, two), (two, one))]
    expected = metrics.balanced_accuracy_score(truth, one) - metrics.balanced_accuracy_score(truth, two)
    assert macro_recall_difference(*only, totals).value == pytest.approx(expected)
    assert macro_recall_change(right[0], totals, right[1], totals).value == pytest.approx(expected)


def first_share(counts: np.ndarray) -> np.ndarray:
    return counts[..., 0] / counts.sum(axis=-1)


@pytest.mark.parametrize(("x", "n"), [(30, 200), (150, 200), (10, 20)])
def test_the_bootstrap_of_a_share_has_the_quantiles_of_the_binomial(x: int, n: int) -> None:
    found = multinomial([x, n - x], first_share, seed=0, draws=20_000)
    expected = stats.binom.ppf([0.025, 0.975], n, x / n) / n
    assert (found.interval.low, found.interval.high) == pytest.approx(expected, abs=1.01 / n)
    assert (found.value, found.n, found.bounds) == (x / n, n, ())


def test_cells_drawn_anew_are_rows_drawn_anew() -> None:
    """Matthews correlation of three classes: counts of cells beside the rows themselves, by scipy."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, 150)
    answer = np.where(rng.random(150) < 0.3, rng.integers(0, 3, 150), truth)
    table = np.bincount(3 * truth + answer, minlength=9)

    def score(counts: np.ndarray) -> np.ndarray:
        square = counts.reshape(*counts.shape[:-1], 3, 3)
        return matthews(np.diagonal(square, axis1=-2, axis2=-1), square.sum(axis=-1), square.sum(axis=-2))

    found = multinomial(table, score, seed=0, draws=4000)
    rows = stats.bootstrap(
        (truth, answer), metrics.matthews_corrcoef, paired=True, vectorized=False, n_resamples=1000,
        method="percentile", rng=np.random.default_rng(3),
    )  # fmt: skip
    assert found.value == pytest.approx(metrics.matthews_corrcoef(truth, answer))
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(rows.confidence_interval), abs=0.025)


@pytest.mark.parametrize("rows", [60, BAGS + 1, 10 * BAGS])
def test_the_clustered_bootstrap_of_a_mean_is_as_wide_as_its_standard_error(rows: int) -> None:
    x = np.random.default_rng(rows).exponential(size=rows)
    found = clustered(np.stack([np.ones(rows), x], axis=1), lambda sums: sums[..., 1] / sums[..., 0], seed=0)
    error = x.std() / rows**0.5
    assert found.value == pytest.approx(x.mean())
    # Two thousand draws know a tail quantile to about four percent, as many bags a variance to six.
    assert found.interval.high - found.interval.low == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_a_bootstrap_repeats_with_its_seed_and_refuses_nothing_to_draw_from() -> None:
    one, same, other = (multinomial([30_000, 70_000], first_share, seed=seed).interval for seed in (1, 1, 2))
    assert one == same
    assert one != other
    with pytest.raises(ValueError, match="no rows"):
        multinomial([0, 0], first_share, seed=0)
    with pytest.raises(ValueError, match="shape"):
        clustered(np.empty((0, 2)), first_share, seed=0)
    with pytest.raises(Undefined):
        multinomial([3, 0], lambda counts: np.full(len(counts), np.nan), seed=0)


RANKED = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30)
"""Score and truth of each row, with many ties."""


@given(RANKED)
def test_average_precision_is_that_of_scikit_learn(pairs: list[tuple[int, bool]]) -> None:
    scores, positive = np.array(pairs).T
    if not positive.any():
        with pytest.raises(ValueError, match="no row is positive"):
            average_precision(scores, positive)
        return
    found = average_precision(scores, positive)
    assert found.value == pytest.approx(metrics.average_precision_score(positive, scores), abs=1e-12)
    assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


def pulls(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Derivative of scikit-learn's weighted average precision by the weight of each row."""
    step, ones = 1e-5, np.ones(scores.size)

    def score(weights: np.ndarray) -> float:
        return metrics.average_precision_score(positive, scores, sample_weight=weights)

    return np.array([(score(ones + step * row) - score(ones - step * row)) / (2 * step) for row in np.eye(scores.size)])


@pytest.mark.parametrize("digits", [0, 3])
def test_the_interval_of_average_precision_is_the_derivative_by_weights(digits: int) -> None:
    rng = np.random.default_rng(digits)
    positive = np.arange(60) < 20
    one, two = ((positive + rng.normal(size=60)).round(digits) for _ in range(2))
    found, value = average_precision(one, positive), metrics.average_precision_score(positive, one)
    half = stats.norm.isf(0.025) * np.linalg.norm(pulls(one, positive)) / (value * (1 - value))
    ends = 1 / (1 + np.exp(-(np.log(value / (1 - value)) + np.array([-half, half]))))
    assert (found.interval.low, found.interval.high) == pytest.approx(ends, abs=1e-5)
    apart = average_precision_difference(one, two, positive)
    half = stats.norm.isf(0.025) * np.linalg.norm(pulls(one, positive) - pulls(two, positive))
    assert apart.value == pytest.approx(value - metrics.average_precision_score(positive, two))
    assert apart.interval.high - apart.value == pytest.approx(half, abs=1e-5)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6),
    st.sampled_from([1e-9, 0.1, 0.5, 1.0]),
)
def test_precision_at_the_top_is_the_mean_over_all_orders_of_ties(pairs: list[tuple[int, bool]], top: float) -> None:
    scores, positive = np.array(pairs).T
    first = max(1, int(np.ceil(top * scores.size)))
    orders = [order for order in permutations(range(scores.size)) if (np.diff(scores[list(order)]) <= 0).all()]
    expected = np.mean([positive[list(order[:first])].mean() for order in orders])
    found = precision_at_top(scores, positive, top=top, seed=0)
    assert found.value == pytest.approx(expected)
    assert found.interval.low <= found.value <= found.interval.high


def test_precision_at_the_top_of_many_scores_is_that_of_the_rows() -> None:
    """More distinct scores than are drawn apart: the value is exact, and the interval that of a share."""
    rng = np.random.default_rng(4)
    positive = rng.random(5000) < 0.3
    scores = positive + rng.normal(size=5000)
    found = precision_at_top(scores, positive, top=0.1, seed=0)
    value = positive[np.argsort(-scores)[:500]].mean()
    assert found.value == pytest.approx(value)
    assert found.interval.high - found.interval.low == pytest.approx(
        2 * 1.96 * (value * (1 - value) / 500) ** 0.5, rel=0.15
    )


def test_a_score_that_is_no_number_is_refused() -> None:
    for score in (average_precision, lambda s, y: precision_at_top(s, y, top=0.5, seed=0)):
        with pytest.raises(ValueError, match="not finite in row 1"):
            score([1.0, np.nan], [True, False])
    with pytest.raises(ValueError, match="top is 0"):
        precision_at_top([1.0], [True], top=0, seed=0)


def test_the_scores_of_a_perfect_model_and_of_chance() -> None:
    """The two ends of every scale, as scikit-learn has them."""
    truth = np.arange(40) % CLASSES
    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        assert float(matthews(*margins(truth, truth))) == metrics.matthews_corrcoef(truth, truth) == 1
    independent = np.arange(40) // CLASSES % CLASSES
    table = margins(truth[:16], independent[:16])
    assert float(matthews(*table)) == pytest.approx(0, abs=1e-12)
    assert float(quadratic_kappa(kappa_sums(truth[:16], independent[:16]))) == pytest.approx(0, abs=1e-12)
