"""``govkit.stats`` against scipy, statsmodels and published or independently computed values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

import govkit.stats as gs
from govkit.core import LEVELS
from govkit.stats.drift import wasserstein_shift
from govkit.stats.proportions import clopper_pearson, wilson
from govkit.stats.ranking import delong, placements
from govkit.stats.two_groups import _constrained

I = np.arange(1, 1001)  # noqa: E741 — the index of the formulas below
U = I * 0.7548776662466927 % 1
V1 = I * 0.6180339887498949 % 1, U < (I * 0.6180339887498949 % 1) ** 1.5


def _second() -> tuple[np.ndarray, np.ndarray]:
    f = np.clip(V1[0], 1e-6, 1 - 1e-6)
    return f, 1 / (1 + np.exp(-0.5 * np.log(f / (1 - f)))) > U


def _softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _third() -> tuple[np.ndarray, np.ndarray]:
    z = 1.5 * (6 * (I[:, None] * np.array([0.8191725134, 0.6710436067, 0.5497004779, 0.4503015775]) % 1) - 3)
    label = (U[:, None] > np.cumsum(_softmax(0.6 * z), axis=1)).sum(axis=1)
    p = _softmax(z)
    return p.max(axis=1), p.argmax(axis=1) == label


V2, V3 = _second(), _third()
"""Three sets of 1,000 rows made by formulas: one-sided gap, S-shaped gap, and the top class of four."""


@pytest.mark.parametrize(("x", "n"), [(57, 100), (0, 50), (50, 50), (3, 1000)])
def test_wilson_and_clopper_pearson(x, n):
    assert wilson(x, n) == pytest.approx(proportion_confint(x, n, method="wilson"), abs=1e-12)
    for bound in gs.proportion(x, n).bounds:
        alpha = 1 - bound.level
        assert (bound.low, bound.high) == pytest.approx(proportion_confint(x, n, 2 * alpha, "beta"), abs=1e-9)


def test_proportion_anchors():
    found = gs.proportion(57, 100)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.472154, 0.662667), abs=5e-7)
    assert clopper_pearson(57, 100, 0.025) == pytest.approx((0.467134, 0.668609), abs=5e-7)
    assert gs.proportion(0, 50).interval.high == pytest.approx(0.071348, abs=5e-7)
    assert clopper_pearson(0, 50, 0.025)[1] == pytest.approx(0.071122, abs=5e-7)


READER = LEVELS.index(0.975)


@pytest.mark.parametrize("table", [(56, 70, 48, 80), (0, 30, 3, 50), (9, 10, 1, 1000), (20, 20, 0, 20)])
def test_newcombe_of_two_groups(table):
    theirs = confint_proportions_2indep(*table, method="newcomb", compare="diff")
    found = gs.difference(*table)
    assert (found.interval.low, found.interval.high) == pytest.approx(theirs, abs=1e-12)


def test_newcombe_anchor_lies_inside_the_corrected_bounds():
    found = gs.difference(56, 70, 48, 80)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.052431, 0.333873), abs=5e-7)
    bound = found.bounds[READER]
    assert bound.low < found.interval.low < found.interval.high < bound.high
    assert bound.high - bound.low < 1.1 * (found.interval.high - found.interval.low)


def newcombe_by_rows(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Method 10 from columns of 0 and 1: correlation by numpy, Wilson by statsmodels, the ends as a quadratic form."""
    n, means = first.size, np.array([first.mean(), second.mean()])
    wilson_ends = np.array([proportion_confint(column.sum(), n, method="wilson") for column in (first, second)])
    varies = first.std() * second.std() > 0
    phi = np.corrcoef(first, second)[0, 1] if varies else 0.0
    if phi > 0:
        # Half a row is taken off the cross product of the table, n squared times the covariance.
        phi = max(0.0, phi - 0.5 / (n * first.std() * second.std()))
    form = np.array([[1, -phi], [-phi, 1]])
    away = np.abs(wilson_ends - means[:, None])
    low, high = np.array([away[0, 0], away[1, 1]]), np.array([away[0, 1], away[1, 0]])
    gap = means[0] - means[1]
    return float(gap - np.sqrt(low @ form @ low)), float(gap + np.sqrt(high @ form @ high))


@pytest.mark.parametrize("cells", [(70, 12, 4, 14), (1, 1, 7, 12), (59, 6, 16, 80), (0, 9, 9, 2), (30, 0, 0, 9)])
def test_newcombe_of_paired_rows(cells):
    both, b, c, neither = cells
    first, second = np.repeat([1, 1, 0, 0], cells), np.repeat([1, 0, 1, 0], cells)
    found = gs.paired_difference(b, c, both + b + c + neither, both=both).interval
    assert (found.low, found.high) == pytest.approx(newcombe_by_rows(first, second), abs=1e-9)


def test_newcombe_paired_is_the_published_interval():
    """Airway hyper-responsiveness before and after (Fagerland, Lydersen and Laake 2014): -0.507 to -0.026."""
    found = gs.paired_difference(1, 7, 21, both=1).interval
    assert (round(found.low, 3), round(found.high, 3)) == (-0.507, -0.026)


@pytest.mark.parametrize("table", [(56, 70, 48, 80), (3, 40, 1, 60), (399, 400, 20, 25)])
@pytest.mark.parametrize("compare", ["diff", "ratio"])
def test_uncorrected_score_interval_of_statsmodels_lies_just_inside(table, compare):
    x, n, y, m = table
    score = confint_proportions_2indep(x, n, y, m, method="score", compare=compare, correction=True)
    ours = (gs.difference if compare == "diff" else gs.ratio)(x, n, y, m).bounds[READER]
    assert ours.low < score[0] + 1e-6
    assert ours.high > score[1] - 1e-6


@pytest.mark.parametrize("gap", [-0.7, -0.2, 0.0, 0.15, 0.4])
def test_constrained_shares_maximize_the_likelihood(gap):
    x, n, y, m = 31, 40, 30, 90

    def loss(r2: float) -> float:
        return -float(stats.binom.logpmf(x, n, r2 + gap) + stats.binom.logpmf(y, m, r2))

    best = optimize.minimize_scalar(
        loss, bounds=(max(0, -gap) + 1e-9, min(1, 1 - gap) - 1e-9), method="bounded", options={"xatol": 1e-10}
    )
    r1, r2 = _constrained(x / n, y / m, np.float64(m / n), np.float64(gap))
    assert (r1, r2) == pytest.approx((best.x + gap, best.x), abs=1e-6)


def test_exact_test_and_score_bound_agree_on_a_clear_difference():
    """Fisher's test is another exact way to the same question: both are far from, or both near, no difference."""
    assert stats.fisher_exact([[56, 14], [40, 40]]).pvalue < 1e-3
    assert gs.difference(56, 70, 40, 80).bounds[LEVELS.index(0.999)].low > 0
    assert stats.fisher_exact([[36, 34], [40, 40]]).pvalue > 0.5
    assert gs.difference(36, 70, 40, 80).bounds[0].low < 0


@pytest.mark.parametrize(("b", "c"), [(12, 4), (4, 12), (0, 3), (7, 7), (100, 140)])
def test_mcnemar(b, c):
    assert gs.mcnemar_exact(b, c) == pytest.approx(mcnemar([[5, b], [c, 5]], exact=True).pvalue, abs=1e-12)
    assert gs.mcnemar_exact(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue, abs=1e-12)


def test_mcnemar_anchor():
    assert gs.mcnemar_exact(12, 4) == pytest.approx(0.0768127, abs=5e-8)


def test_holm():
    p = np.array([0.01, 0.02, 0.03, 0.04, 0.05])
    assert gs.holm(p) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    p = np.random.default_rng(0).random(30) ** 3
    assert gs.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


@pytest.mark.parametrize(
    ("rows", "ten", "fifteen"),
    [
        (V1, 0.103011369322, 0.103011369322),
        (V2, 0.087979900005, 0.091891526871),
        (V3, 0.129641678816, 0.133141304891),
    ],
)
def test_expected_calibration_error_anchors(rows, ten, fifteen):
    """Values on which torchmetrics (float64) and netcal agree."""
    assert gs.ece(*rows, bins=10) == pytest.approx(ten, abs=1e-12)
    assert gs.ece(*rows, bins=15) == pytest.approx(fifteen, abs=1e-12)


@pytest.mark.parametrize(("rows", "value"), [(V1, 0.098061840640), (V2, 0.082377255192), (V3, 0.148995504798)])
def test_debiased_calibration_error_anchors(rows, value):
    """Values of uncertainty-calibration (Kumar, Liang and Ma)."""
    assert gs.calibration(*rows).value == pytest.approx(value, abs=1e-11)


def test_vectors_are_what_the_anchors_were_computed_on():
    assert (V1[1].mean(), V2[1].mean(), V3[1].mean()) == pytest.approx((0.397, 0.502, 0.631), abs=1e-12)
    assert V3[0].mean() == pytest.approx(0.759041975289, abs=1e-12)


def test_delong_anchors():
    assert gs.auc(*V1).value == pytest.approx(0.853749723256, abs=1e-12)
    placed = placements(*V2)
    se = delong(placed) ** 0.5
    assert placed.area == pytest.approx(0.724399590393, abs=1e-12)
    assert se == pytest.approx(0.015808155712, abs=1e-12)
    z = stats.norm.isf(0.025)
    assert (placed.area - z * se, placed.area + z * se) == pytest.approx((0.693416, 0.755383), abs=5e-7)


def test_area_with_ties_is_that_of_scikit_learn_and_mann_whitney():
    rng = np.random.default_rng(0)
    y = rng.random(400) < 0.3
    scores = np.round(rng.normal(size=400) + y, 1)
    assert gs.auc(scores, y).value == pytest.approx(roc_auc_score(y, scores), abs=1e-12)
    u = stats.mannwhitneyu(scores[y], scores[~y]).statistic
    assert gs.auc(scores, y).value == pytest.approx(u / y.sum() / (~y).sum(), abs=1e-12)


def test_paired_delong_is_the_double_sum_over_pairs():
    rng = np.random.default_rng(1)
    y = np.arange(60) < 25
    scores = [np.round(rng.normal(size=60) + y, 1) for _ in range(2)]
    kernel = [np.where(s[y][:, None] > s[~y], 1.0, np.where(s[y][:, None] == s[~y], 0.5, 0.0)) for s in scores]
    apart = kernel[0] - kernel[1]
    variance = apart.mean(axis=1).var(ddof=1) / 25 + apart.mean(axis=0).var(ddof=1) / 35
    assert delong(placements(scores[0], y) - placements(scores[1], y)) == pytest.approx(variance, abs=1e-14)
    found = gs.auc_difference(*scores, y)
    assert found.interval.high - found.value == pytest.approx(stats.norm.isf(0.025) * variance**0.5)


def test_means():
    rng = np.random.default_rng(2)
    a, b = rng.exponential(size=40), rng.exponential(2, size=40)
    alone = gs.mean(a, low=0, high=50).interval
    interval = stats.ttest_1samp(a, 0).confidence_interval(0.95)
    assert tuple(interval) == pytest.approx((alone.low, alone.high))
    paired, found = stats.ttest_rel(a, b).confidence_interval(0.95), gs.mean_difference(a, b, low=-50, high=50).interval
    assert tuple(paired) == pytest.approx((found.low, found.high))
    welch = CompareMeans(DescrStatsW(a), DescrStatsW(b[:25])).tconfint_diff(usevar="unequal")
    found = gs.mean_change(a, b[:25], low=0, high=50).interval
    assert (found.low, found.high) == pytest.approx(welch)


def test_macro_recall_is_balanced_accuracy():
    rng = np.random.default_rng(3)
    y, guess = rng.integers(3, size=200), rng.integers(3, size=200)
    right, total = np.bincount(y[y == guess], minlength=3), np.bincount(y, minlength=3)
    assert gs.macro_recall(right, total).value == pytest.approx(balanced_accuracy_score(y, guess))


@pytest.mark.parametrize(
    ("n", "m", "tolerance"), [(50, 70, 1e-9), (200, 300, 1e-9), (5_000, 3_000, 5e-4), (100_000, 100_000, 5e-4)]
)
@pytest.mark.parametrize("draw", ["normal", "lognormal", "exponential"])
def test_wasserstein(n, m, tolerance, draw):
    rng = np.random.default_rng(4)
    x, y = getattr(rng, draw)(size=n), 0.1 + 1.1 * getattr(rng, draw)(size=m)
    inner = np.clip(x, *np.sort(x)[[n // 100, n - 1 - n // 100]])
    expected = stats.wasserstein_distance(inner, np.clip(y, inner.min(), inner.max())) / inner.std()
    assert wasserstein_shift(x, y).raw == pytest.approx(expected, abs=tolerance)


def test_jensen_shannon():
    p, q = np.array([100, 250, 650]), np.array([300, 300, 400])
    noise = 2 * (1 / 1000 + 1 / 1000) / 8
    assert gs.jensen_shannon(p, q) == pytest.approx(jensenshannon(p / 1000, q / 1000) ** 2 - noise, abs=1e-12)
