"""How often the bounds of ``govkit.stats`` miss: a table of method, rows, level and miss rate over the nominal one.

Run it alone for the long version (about ten minutes on one core)::

    python tests/bench/stats_coverage.py [NAME ...]

Count-based methods are enumerated exactly over a grid of true rates: every table where rows are few; where they are
many, for each likely count of one side, the fewest successes of the other at which the bound misses (a bound rises with
them). The rest is simulated. The short versions in ``tests/unit/stats`` use the same functions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from scipy.special import bdtrc, gammaln, ndtri
from scipy.stats import binom

import govkit.stats as gs
from govkit.core import LEVELS
from govkit.stats.calibration_errors import squared_error
from govkit.stats.estimate import ALPHAS
from govkit.stats.paired import paired_low, paired_lows
from govkit.stats.planning import fewest, likely
from govkit.stats.proportions import clopper_pearson
from govkit.stats.two_groups import difference_low, ratio_low

ALPHA = np.array(ALPHAS)
RATES = np.concatenate([[1e-4, 1e-3, 3e-3], np.linspace(0.01, 0.99, 33), 1 - np.array([3e-3, 1e-3, 1e-4])])
LOW_RATES = np.array([1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.2, 0.35])
FEW_RATES = np.concatenate([LOW_RATES, [0.5], 1 - LOW_RATES[::-1]])
Z = -ndtri(ALPHA)
SLACK = 1e-12
Draw = Callable[[np.random.Generator], gs.Estimate]


def two_group_misses(n: int, m: int, rates: np.ndarray = RATES) -> tuple[np.ndarray, np.ndarray]:
    """Worst miss over nominal of the low bounds of difference and ratio, each ``(9,)``; every table is enumerated."""
    x, y = np.arange(n + 1)[:, None, None], np.arange(m + 1)[None, :, None]
    low, quotient = difference_low(x, n, y, m, z=Z), ratio_low(x, n, y, m, z=Z)
    worst = np.zeros((2, ALPHA.size))
    first = [binom.pmf(np.arange(n + 1), n, p) for p in rates]
    second = [binom.pmf(np.arange(m + 1), m, q) for q in rates]
    for p, px in zip(rates, first, strict=True):
        for q, qy in zip(rates, second, strict=True):
            for row, missed in enumerate((low > p - q + SLACK, quotient > p / q * (1 + SLACK))):
                chance = np.tensordot(np.outer(px, qy), missed, axes=([0, 1], [0, 1]))
                worst[row] = np.maximum(worst[row], chance / ALPHA)
    return worst[0], worst[1]


def trinomial(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every table of ``n`` paired rows, and the logarithm of its number of orders."""
    b, c = np.array([(b, c) for b in range(n + 1) for c in range(n + 1 - b)]).T
    return b, c, gammaln(n + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(n - b - c + 1)


def paired_misses(n: int, rates: np.ndarray = RATES) -> np.ndarray:
    """Worst miss over nominal of the low bounds of the paired difference, ``(9,)``."""
    b, c, orders = trinomial(n)
    low = paired_lows(b, c, np.full(b.size, n), ALPHA)
    worst = np.zeros(ALPHA.size)
    for p in rates:
        q = rates[p + rates < 1]
        terms = b * np.log(p) + np.outer(np.log(q), c) + np.outer(np.log(1 - p - q), n - b - c)
        chance = np.exp(orders + terms)
        missed = low[None] > (p - q)[:, None, None] + SLACK
        worst = np.maximum(worst, (np.einsum("qt,qtl->ql", chance, missed) / ALPHA).max(axis=0, initial=0))
    return worst


def share_misses(n: int, rates: np.ndarray = RATES) -> np.ndarray:
    """Worst miss over nominal of the low bound of a share, ``(9,)``."""
    x = np.arange(n + 1)
    missed = clopper_pearson(x[:, None], n, ALPHA)[0] > rates[:, None, None] + SLACK
    return np.einsum("rx,rxl->rl", binom.pmf(x, n, rates[:, None]), missed).max(axis=0) / ALPHA


def two_group_misses_at(
    low: Callable[..., np.ndarray], rows: tuple[int, int], shares: tuple[float, float]
) -> np.ndarray:
    """Miss over nominal of the low bounds of the difference or the ratio at one pair of shares, ``(9,)``."""
    (n, m), (p, q) = rows, shares
    truth = p - q if low is difference_low else p / q * (1 + SLACK)
    y, chance = likely(m, q)
    missing = fewest(lambda x: low(x, n, y[:, None], m, z=Z) > truth + SLACK, np.full((y.size, Z.size), n))
    return chance @ bdtrc(missing - 1, n, p) / ALPHA


def paired_misses_at(n: int, p: float, q: float) -> np.ndarray:
    """Miss over nominal of the low bounds of the paired difference, ``(9,)``; ``p`` and ``q``: one model right only."""
    split, chance = likely(n, p + q)
    rows = np.tile(split[:, None], Z.size)
    missing = fewest(lambda b: paired_low(b, split[:, None] - b, n, z=Z) > p - q + SLACK, rows)
    return chance @ bdtrc(missing - 1, rows, p / (p + q)) / ALPHA


def simulated_misses(draw: Draw, truth: float, draws: int, seed: int) -> np.ndarray:
    """Miss rate over nominal of low and high bounds, ``(2, 9)``."""
    rng = np.random.default_rng(seed)
    missed = np.zeros((2, ALPHA.size))
    for _ in range(draws):
        bounds = draw(rng).bounds
        missed += [[b.low > truth + SLACK for b in bounds], [b.high < truth - SLACK for b in bounds]]
    return missed / draws / ALPHA


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def stated_rows(rng: np.random.Generator, n: int, sharp: float) -> tuple[np.ndarray, np.ndarray]:
    """Stated probabilities that are ``sharp`` times too extreme in logits, and outcomes."""
    logit = rng.normal(0, 1.5, n)
    return logistic(sharp * logit), rng.random(n) < logistic(logit)


def true_calibration(sharp: float) -> float:
    """Calibration error over 15 bins of equal mass of a model ``sharp`` times too extreme."""
    if sharp == 1:
        return 0.0
    f, y = stated_rows(np.random.default_rng(0), 2_000_000, sharp)
    return float(np.sqrt(max(0.0, squared_error(f, y).value)))


def calibration_draw(n: int, sharp: float) -> Draw:
    return lambda rng: gs.calibration(*stated_rows(rng, n, sharp))


def calibration_pair(n: int, sharp: tuple[float, float]) -> Draw:
    """Two models on the same rows."""

    def draw(rng: np.random.Generator) -> gs.Estimate:
        logit = rng.normal(0, 1.5, n)
        y = rng.random(n) < logistic(logit)
        return gs.calibration_difference(
            logistic(sharp[0] * logit), y, logistic(sharp[1] * logit), y, paired=True, seed=0
        )

    return draw


def calibration_apart(rows: tuple[int, int], sharp: tuple[float, float]) -> Draw:
    """Two models on rows of their own, as between test and shifted data."""

    def draw(rng: np.random.Generator) -> gs.Estimate:
        first, second = (stated_rows(rng, n, k) for n, k in zip(rows, sharp, strict=True))
        return gs.calibration_difference(*first, *second, paired=False, seed=0)

    return draw


def auc_draw(k: int, m: int, area: float, astray: float = 0.0) -> tuple[Draw, float]:
    """Normal scores with a given area; a share ``astray`` of the positives falls below everything."""
    positive = np.arange(k + m) < k

    def draw(rng: np.random.Generator) -> gs.Estimate:
        scores = rng.normal(size=k + m) + np.sqrt(2) * ndtri(area) * positive
        return gs.auc(np.where(positive & (rng.random(k + m) < astray), -99.0, scores), positive)

    return draw, (1 - astray) * area


def auc_pair(k: int, m: int, area: float, alike: float, astray: float = 0.0) -> tuple[Draw, float]:
    """Two models of correlation ``alike``; under the first a share ``astray`` of the positives is lost."""
    positive = np.arange(k + m) < k
    away = np.sqrt(2) * ndtri(area) * positive

    def draw(rng: np.random.Generator) -> gs.Estimate:
        one, two = rng.normal(size=(2, k + m))
        other = alike * one + np.sqrt(1 - alike**2) * two
        lost = positive & (rng.random(k + m) < astray)
        return gs.auc_difference(np.where(lost, -99.0, one + away), other + away, positive)

    return draw, -astray * area


def gap_draw(rows: tuple[int, int], rates: tuple[tuple[float, float], tuple[float, float]]) -> tuple[Draw, float]:
    """Group and rest, each with the rates of "only under a" and "only under b"."""
    in_group = np.arange(sum(rows)) < rows[0]
    only_a = np.where(in_group, rates[0][0], rates[1][0])
    only_b = np.where(in_group, rates[0][1], rates[1][1])

    def draw(rng: np.random.Generator) -> gs.Estimate:
        u = rng.random(in_group.size)
        a, b = u < only_a, (u >= only_a) & (u < only_a + only_b)
        return gs.gap_change(a, b, in_group, np.ones_like(a))

    return draw, rates[0][0] - rates[0][1] - rates[1][0] + rates[1][1]


def drift_draw(n: int, shift: float) -> Draw:
    return lambda rng: gs.wasserstein(rng.normal(size=n), rng.normal(shift, 1, n))


def skewed_mean(n: int) -> Draw:
    return lambda rng: gs.mean(np.minimum(rng.exponential(size=n), 40), low=0, high=40)


def sharp_mean(n: int) -> Draw:
    """Brier score of an honest model that is right 60 times in 61."""

    def draw(rng: np.random.Generator) -> gs.Estimate:
        stated = rng.beta(60, 1, n)
        return gs.mean((stated - (rng.random(n) < stated)) ** 2, low=0, high=1)

    return draw


SHARP_BRIER = 60 / 61 - 60 / 62
"""Mean of ``p (1 - p)`` for ``p`` from Beta(60, 1)."""


def variation_draw(n: int, p: np.ndarray, q: np.ndarray) -> Draw:
    return lambda rng: gs.total_variation(rng.multinomial(n, p), rng.multinomial(n, q))


def spread_draw(n: int, shares: np.ndarray) -> Draw:
    return lambda rng: gs.spread(rng.binomial(n, shares), np.full(shares.size, n))


SIZES = (7, 50, 200, 1000, 5000)
COUNTED = {"proportion", "difference", "ratio", "paired_difference"}

Simulation = tuple[str, str, Draw, float, int]
"""Name, rows, draw, truth and number of draws."""

AREAS = ((20, 500, 0.8, 0), (20, 500, 0.95, 0), (100, 100, 0.95, 0), (300, 300, 0.99, 0), (300, 300, 0.98, 0.01))
AREA_PAIRS = (
    (50, 50, 0.8, 0.9, 0),
    (100, 100, 0.95, 0.5, 0),
    (300, 300, 0.95, 0.95, 0),
    (100, 1000, 0.95, 0.95, 0.02),
)
GAPS = (
    ((40, 400), ((0.05, 0.05), (0.05, 0.05))),
    ((40, 400), ((0.2, 0.01), (0.01, 0.01))),
    ((15, 300), ((0.02, 0.1), (0.05, 0.02))),
    ((200, 2000), ((0.01, 0.005), (0.005, 0.01))),
)


def calibrations() -> Iterator[Simulation]:
    for sharp in (1.0, 1.4, 1.8):
        truth = true_calibration(sharp)
        for n in (100, 500, 2000):
            yield "calibration", f"{n}, T=1/{sharp}", calibration_draw(n, sharp), truth, 4000
    for pair in ((1.8, 1.8), (1.4, 1.3), (1.8, 1.0), (1.0, 1.8), (1.0, 1.0)):
        truth = true_calibration(pair[0]) - true_calibration(pair[1])
        for n in (500, 2000):
            yield "calibration_difference", f"{n}, {pair}", calibration_pair(n, pair), truth, 1000


def calibrations_apart() -> Iterator[Simulation]:
    for pair in ((1.0, 1.0), (1.2, 1.2), (1.4, 1.4), (1.8, 1.8), (1.4, 1.3), (1.2, 1.0), (1.0, 1.8)):
        truth = true_calibration(pair[0]) - true_calibration(pair[1])
        for rows, draws in (((500, 500), 3000), ((5000, 500), 3000), ((5000, 5000), 3000), ((70_000, 70_000), 1000)):
            yield "calibration_apart", f"{rows}, {pair}", calibration_apart(rows, pair), truth, draws


def rankings() -> Iterator[Simulation]:
    for k, m, area, astray in AREAS:
        yield "auc", f"{k}+{m}, {area}, astray {astray}", *auc_draw(k, m, area, astray), 4000
    for k, m, area, alike, astray in AREA_PAIRS:
        what = f"{k}+{m}, {area}, r={alike}, astray {astray}"
        yield "auc_difference", what, *auc_pair(k, m, area, alike, astray), 3000


def other_numbers() -> Iterator[Simulation]:
    for sides, rates in GAPS:
        yield "gap_change", f"{sides}, {rates}", *gap_draw(sides, rates), 3000
    for n in (50, 500, 5000):
        yield "mean", f"{n}, exponential", skewed_mean(n), 1.0, 5000
        yield "mean", f"{n}, sharp Brier", sharp_mean(n), SHARP_BRIER, 5000
    for n, shift in ((100, 0.1), (1000, 0.1), (1000, 0.5), (1000, 0.0)):
        yield "wasserstein", f"{n}, shift {shift}", drift_draw(n, shift), shift, 2000
    p = np.full(20, 0.05)
    q = p + 0.02 * (np.arange(20) % 2 * 2 - 1)
    yield "total_variation", "500, 20 categories", variation_draw(500, p, q), 0.2, 2000
    yield "spread", "8 x 200, alike", spread_draw(200, np.full(8, 0.3)), 0.0, 500
    yield "spread", "8 x 200, one apart", spread_draw(200, np.array([0.3] * 7 + [0.5])), 0.2, 500


def enumerations() -> Iterator[tuple[str, str, np.ndarray]]:
    """Name, rows and worst miss over nominal of the methods on counts."""
    for n in SIZES:
        yield "proportion", f"{n}, worst of {RATES.size} rates", share_misses(n)
    for n, m in ((5, 5), (7, 7), (20, 20), (10, 40), (40, 10), (50, 50), (5, 100), (100, 5), (50, 350)):
        for name, worst in zip(("difference", "ratio"), two_group_misses(n, m), strict=True):
            yield name, f"{n}+{m}, worst of {RATES.size} x {RATES.size} rates", worst
    pairs = [(p, q) for p in FEW_RATES for q in FEW_RATES]
    for n, m in ((200, 200), (1000, 1000), (5000, 5000), (50, 5000), (5000, 50)):
        for name, low in (("difference", difference_low), ("ratio", ratio_low)):
            worst = np.max([two_group_misses_at(low, (n, m), pair) for pair in pairs], axis=0)
            yield name, f"{n}+{m}, worst of {len(pairs)} pairs of rates", worst
    for n in (3, 6, 7, 10, 20, 50, 80):
        yield "paired_difference", f"{n}, worst of {RATES.size} x {RATES.size} rates", paired_misses(n)
    pairs = [(p, q) for p, q in pairs if p + q < 1]
    for n in SIZES[2:]:
        worst = np.max([paired_misses_at(n, p, q) for p, q in pairs], axis=0)
        yield "paired_difference", f"{n}, worst of {len(pairs)} pairs of rates", worst


def line(method: str, rows: str, side: str, cells: Iterable[object]) -> None:
    sys.stdout.write(f"{method:<24}{rows:<44}{side:<6}" + "".join(f"{cell!s:>8}" for cell in cells) + "\n")
    sys.stdout.flush()


def main(wanted: list[str]) -> None:
    """Print the table, or the lines of the methods named."""
    line("method", "rows", "side", (f"{level:.4g}" for level in LEVELS))
    if not wanted or COUNTED & set(wanted):
        for name, rows, worst in enumerations():
            line(name, rows, "low", worst.round(2))
    for name, rows, draw, truth, draws in (*calibrations(), *calibrations_apart(), *rankings(), *other_numbers()):
        if not wanted or name in wanted:
            low, high = simulated_misses(draw, truth, draws, 0)
            line(name, rows, "low", low.round(2))
            line(name, rows, "high", high.round(2))


if __name__ == "__main__":
    main(sys.argv[1:])
