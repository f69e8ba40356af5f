"""How often bounds miss where rows belong together: estimators, clusters, sizes, correlations, the nine stored levels.

Run it alone for the long version (a few minutes on one core)::

    python tests/bench/clusters.py [ROWS OF CLUSTERS A SET-UP]

A bound misses at a level where the tail of Gaffke's mean at the truth is below the error, so that nothing has to be
inverted: ``misses`` works on what each cluster adds at the truth, as ``govkit.stats.unseen`` does; the unit test holds
the two against each other. Rates of clusters follow a beta or a logistic-normal distribution with the correlation
asked; sizes run from 1 to 50, evenly, by their logarithm, or nearly all small and a few large.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from scipy.optimize import fsolve
from scipy.special import expit

from govkit.core import LEVELS
from govkit.stats.estimate import ALPHAS, QUANTILES

ALPHA, Z = np.array(ALPHAS), np.array(QUANTILES)
COUNTS = (5, 10, 20, 50, 200, 500)
CORRELATIONS = (0.0, 0.1, 0.3, 0.6)
WORLDS = ("beta", "logistic")
SIZES = ("even", "log", "few large")
RATES = (0.5, 0.9, 0.98)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)


@cache
def logistic_normal(p: float, correlation: float) -> tuple[float, float]:
    """Mean and spread of logits whose rates have this mean and this correlation of two rows of a cluster."""
    weights = WEIGHTS / WEIGHTS.sum()

    def apart(at: np.ndarray) -> list[float]:
        q = expit(at[0] + np.exp(at[1]) * NODES)
        m = weights @ q
        return [np.log(m / (1 - m) / p * (1 - p)), np.log(weights @ (q - m) ** 2 / (m * (1 - m)) / correlation)]

    at = fsolve(apart, [np.log(p / (1 - p)) * 1.3, np.log(1 + 3 * correlation)])
    return float(at[0]), float(np.exp(at[1]))


def rates(rng: np.random.Generator, p: float, correlation: float, shape: tuple[int, int], world: str) -> np.ndarray:
    """Rates of clusters."""
    if not correlation:
        return np.full(shape, p)
    if world == "beta":
        size = 1 / correlation - 1
        return rng.beta(p * size, (1 - p) * size, shape)
    middle, spread = logistic_normal(p, correlation)
    return expit(middle + spread * rng.standard_normal(shape))


def sizes(rng: np.random.Generator, shape: tuple[int, int], kind: str) -> np.ndarray:
    """Rows of clusters, 1 to 50."""
    if kind == "even":
        return rng.integers(1, 51, shape)
    if kind == "log":
        return np.exp(rng.uniform(0, np.log(51), shape)).astype(int).clip(1, 50)
    return np.where(rng.random(shape) < 0.1, 50, rng.integers(1, 5, shape))


def reached(adds: np.ndarray, rounds: int = 30) -> np.ndarray:
    """Normal quantile of the chance that the randomly weighted sum is below 0, ``(draws,)``; -9 where it mostly is."""
    mean, least = adds.sum(axis=1), adds.min(axis=1)
    found = np.where(mean > 0, np.where(least < 0, 0.0, np.inf), -9.0)
    some = (mean > 0) & (least < 0)
    held = adds[some]
    if not len(held):
        return found
    low, high = np.zeros(len(held)), -1 / held.min(axis=1)
    tilt = np.minimum(held.sum(axis=1) / (held * held).sum(axis=1), 0.9 * high)
    for _ in range(rounds):
        shrunk = held / (1 + tilt[:, None] * held)
        slope = shrunk.sum(axis=1)
        low, high = np.where(slope > 0, tilt, low), np.where(slope > 0, high, tilt)
        step = tilt + slope / (shrunk * shrunk).sum(axis=1)
        tilt = np.where((step > low) & (step < high), step, (low + high) / 2)
    shrunk = 1 + tilt[:, None] * held
    root = np.sqrt(np.maximum(2 * np.log(shrunk).sum(axis=1), 1e-20))
    spread = tilt * np.sqrt(((held / shrunk) ** 2).sum(axis=1))
    found[some] = root + np.log(spread / root) / root
    return found


def part(rows: np.ndarray) -> np.ndarray:
    return (rows * rows).sum(axis=1, keepdims=True) / rows.sum(axis=1, keepdims=True) ** 2


def mean_adds(totals: np.ndarray, rows: np.ndarray, truth: float, least: float) -> np.ndarray:
    """What clusters add to a mean at the truth, the one not seen last, for the lower bound."""
    n = rows.sum(axis=1, keepdims=True)
    mass = part(rows)
    return np.concatenate([(totals - truth * rows) / n, mass * (least - truth)], axis=1)


def change_adds(first: tuple, second: tuple, truth: float, ends: tuple[float, float]) -> np.ndarray:
    """The same of a difference of two means, whose rows lie between ``ends``."""
    (x, n), (y, m) = first, second
    size, other = (each.sum(axis=1, keepdims=True) for each in (n, m))
    mean, rest = x.sum(axis=1, keepdims=True) / size, y.sum(axis=1, keepdims=True) / other
    shift, own, its = mean - rest - truth, part(n), part(m)
    pull = (x - mean * n) / size - (y - rest * m) / other + shift * (n / size + m / other) / 2
    lost = own * (mean - ends[0]) + its * (ends[1] - rest)
    return np.concatenate([pull, shift * (own + its) / 2 - lost], axis=1)


def ratio_adds(first: tuple, second: tuple, truth: float, *, upper: bool) -> np.ndarray:
    """The same of a ratio of two shares."""
    (x, n), (y, m) = first, second
    size, other = (each.sum(axis=1, keepdims=True) for each in (n, m))
    share, base = x.sum(axis=1, keepdims=True) / size, y.sum(axis=1, keepdims=True) / other
    ratio, sign = share / base, -1 if upper else 1
    own, its, shift = part(n), part(m), sign * (ratio - truth)
    pull = sign * ((x - share * n) / size - ratio * (y - base * m) / other) + shift * y / other
    lost = own * (1 - share) + ratio * its * base if upper else own * share + ratio * its * (1 - base)
    return np.concatenate([pull, (0 if upper else its) * shift - lost], axis=1)


Setup = tuple[str, np.ndarray]


def setups(rng: np.random.Generator, count: int, work: int) -> Iterator[Setup]:
    """Name, and the quantile reached in each draw, of both sides of each estimate with this number of clusters."""
    shape = max(work // count, 500), count
    for world in WORLDS:
        for kind in SIZES:
            for correlation in CORRELATIONS if world == "beta" else CORRELATIONS[1:]:
                for p in RATES:
                    name = f"{count} {world} {kind} {correlation} {p}"
                    rows = sizes(rng, shape, kind)
                    rate = rates(rng, p, correlation, shape, world)
                    for estimate, adds in _estimates(rng, rows, rate, p):
                        yield f"{estimate}: {name}", reached(adds)


def _estimates(
    rng: np.random.Generator, rows: np.ndarray, rate: np.ndarray, p: float
) -> Iterator[tuple[str, np.ndarray]]:
    hits = rng.binomial(rows, rate)
    yield "share low", mean_adds(hits, rows, p, 0.0)
    yield "share high", mean_adds(-hits, rows, -p, -1.0)
    inside = rng.binomial(rows, 0.3)
    own = (rng.binomial(inside, rate), inside)
    rest = (rng.binomial(rows - inside, rate), rows - inside)
    some = (own[1].sum(axis=1) > 0) & (rest[1].sum(axis=1) > 0)
    yield from _two("shared", *(tuple(each[some] for each in side) for side in (own, rest)))
    # Every other cluster belongs to the first group.
    here = np.arange(rows.shape[1]) % 2 == 0
    yield from _two("apart", (hits * here, rows * here), (hits * ~here, rows * ~here))
    # Each row is won with chance 0.15 times the rate, lost with 0.15 times what is left.
    apart = rng.binomial(rows, 0.15)
    won = rng.binomial(apart, rate)
    truth = 0.15 * (2 * p - 1)
    yield "paired low", mean_adds(2 * won - apart, rows, truth, -1.0)
    yield "paired high", mean_adds(apart - 2 * won, rows, -truth, -1.0)
    # Squared errors of a probability that is 0.8 sure of the outcome that the cluster's rate makes likely.
    squares = 0.04 * hits + 0.64 * (rows - hits)
    yield "mean low", mean_adds(squares, rows, 0.64 - 0.6 * p, 0.0)
    yield "mean high", mean_adds(-squares, rows, 0.6 * p - 0.64, -1.0)


def _two(name: str, own: tuple, rest: tuple) -> Iterator[tuple[str, np.ndarray]]:
    yield f"difference {name} low", change_adds(own, rest, 0.0, (0.0, 1.0))
    yield f"difference {name} high", change_adds(rest, own, 0.0, (0.0, 1.0))
    some = rest[0].sum(axis=1) > 0
    sides = [tuple(each[some] for each in side) for side in (own, rest)]
    yield f"ratio {name} low", ratio_adds(*sides, 1.0, upper=False)
    yield f"ratio {name} high", ratio_adds(*sides, 1.0, upper=True)


def misses(quantiles: np.ndarray) -> np.ndarray:
    """Draws that miss at each stored level, ``(9,)``."""
    return (quantiles[:, None] > Z).sum(axis=0)


def table(work: int, counts: tuple[int, ...] = COUNTS, seed: int = 0) -> dict[str, np.ndarray]:
    """By estimate and side: worst miss over nominal ``(9,)``, and how surely it is above 1.05, in standard errors."""
    rng, worst = np.random.default_rng(seed), {}
    for count in counts:
        for name, quantiles in setups(rng, count, work):
            draws, estimate = quantiles.size, name.split(":")[0]
            seen = misses(quantiles)
            sure = (seen - 1.05 * ALPHA * draws) / np.sqrt(1.05 * ALPHA * draws)
            now = np.stack([seen / draws / ALPHA, sure])
            worst[estimate] = np.maximum(worst.get(estimate, now), now)
    return worst


def _row(name: str, cells: Iterable[str]) -> None:
    sys.stdout.write(f"{name:30s} {' '.join(cells)}\n")
    sys.stdout.flush()


def main(work: int) -> None:
    _row("worst miss over nominal", (f"{level:>7}" for level in LEVELS))
    for estimate, (ratio, sure) in table(work).items():
        _row(estimate, (f"{value:7.2f}" for value in ratio))
        _row("  standard errors above 1.05", (f"{value:7.1f}" for value in sure))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
