"""How far the 95 % intervals that the reader sees are from 95 %: nothing is judged by them.

Run it alone (about ten minutes on one core)::

    python tests/bench/reader_intervals.py

Wilson and Newcombe of two groups are computed from exact probabilities; Newcombe of paired rows and the bootstrap are
simulated. A line gives the chance that the interval misses the truth, in percent where 5 is promised: the mean over all
true rates of the grid, the worst, and the rates where it is worst.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
from scipy.special import bdtr, bdtrc
from scipy.stats import binom

from govkit.stats.agreement import f_scores, matthews
from govkit.stats.bootstrap import Undefined, multinomial
from govkit.stats.newcombe import newcombe, newcombe_paired
from govkit.stats.planning import fewest, likely
from govkit.stats.proportions import wilson

SIZES = (7, 50, 200, 1000, 5000)
EXTREME = np.array([1e-4, 1e-3, 3e-3])
RATES = np.concatenate([EXTREME, [0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99], 1 - EXTREME[::-1]])
SLACK = 1e-12
Setting = tuple[float, ...]


def share_miss(n: int, p: float) -> float:
    """Chance that the interval of Wilson misses ``p``."""
    x = np.arange(n + 1)
    ends = np.array([wilson(int(count), n) for count in x])
    missed = (ends[:, 0] > p + SLACK) | (ends[:, 1] < p - SLACK)
    return float(binom.pmf(x, n, p) @ missed)


def difference_miss(n: int, p: float, q: float) -> float:
    """Chance that the interval of Newcombe for two groups of ``n`` rows misses ``p - q``; its ends rise with x."""
    y, chance = likely(n, q)

    def end(side: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda x: np.array([newcombe(int(a), n, int(b), n)[side] for a, b in zip(x, y, strict=True)])

    rows = np.full(y.size, n)
    too_high = fewest(lambda x: end(0)(x) > p - q + SLACK, rows)
    high_enough = fewest(lambda x: end(1)(x) >= p - q - SLACK, rows)
    return float(chance @ (bdtrc(too_high - 1, n, p) + np.where(high_enough > 0, bdtr(high_enough - 1, n, p), 0)))


def paired_cells(p: float, q: float, alike: float) -> np.ndarray:
    """Chances of both, first only, second only, neither; ``alike`` from 0 (independent) to 1 (as alike as can be)."""
    both = p * q + alike * (min(p, q) - p * q)
    return np.clip([both, p - both, q - both, 1 - p - q + both], 0, 1)


def paired_miss(n: int, p: float, q: float, alike: float, *, draws: int, seed: int) -> float:
    """Share of the draws in which the paired interval of Newcombe misses ``p - q``."""
    cells = paired_cells(p, q, alike)
    tables, times = np.unique(
        np.random.default_rng(seed).multinomial(n, cells / cells.sum(), draws), axis=0, return_counts=True
    )
    ends = np.array([newcombe_paired(*table[:3], n) for table in tables.tolist()])
    missed = (ends[:, 0] > p - q + SLACK) | (ends[:, 1] < p - q - SLACK)
    return float(missed @ times / draws)


def of_two_classes(score: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    """A score of hits, truths and answers as a function of counts ``(..., 4)``: right 1, missed, false, right 0."""

    def of_cells(cells: np.ndarray) -> np.ndarray:
        right, missed, false, other = np.moveaxis(np.asarray(cells, dtype=np.float64), -1, 0)
        hits = np.stack([other, right], axis=-1)
        return score(hits, hits + np.stack([false, missed], axis=-1), hits + np.stack([missed, false], axis=-1))

    return of_cells


MATTHEWS = of_two_classes(matthews)
F1 = of_two_classes(lambda *sums: f_scores(*sums)[..., 1])


def bootstrap_miss(
    score: Callable[..., np.ndarray], n: int, cells: np.ndarray, *, draws: int, seed: int
) -> tuple[float, int]:
    """Share of the draws in which the bootstrap misses the score of ``cells``, and the draws that have a score."""
    truth, rng = float(score(cells[None])[0]), np.random.default_rng(seed)
    missed = []
    for table in rng.multinomial(n, cells, draws):
        try:
            found = multinomial(table, score, seed=int(rng.integers(2**31)), draws=1000).interval
        except Undefined:
            continue
        missed.append(found.low > truth + SLACK or found.high < truth - SLACK)
    return float(np.mean(missed)), len(missed)


def confusion(positive: float, recall: float, false: float) -> np.ndarray:
    """Chances of the four cells from the share of class 1, its recall and the false positive rate."""
    return np.array([positive * recall, positive * (1 - recall), (1 - positive) * false, (1 - positive) * (1 - false)])


MODELS = tuple(product((0.5, 0.1), (0.95, 0.7), (0.02, 0.2)))


def methods() -> Iterator[tuple[str, int, Callable[..., float], list[Setting]]]:
    """Name, rows, chance to miss as a function of the rates, and the rates."""
    for n in SIZES:
        yield "Wilson", n, lambda p, n=n: share_miss(n, p), [(float(p),) for p in np.linspace(1e-4, 0.9999, 400)]
    for n in SIZES:
        pairs = [(p, q) for p, q in product(RATES.tolist(), repeat=2) if p <= q and p + q <= 1]
        yield "Newcombe", n, lambda p, q, n=n: difference_miss(n, p, q), pairs
    for n in SIZES:
        triples = [(*pair, alike) for pair, alike in product(pairs, (0.0, 0.5, 0.9))]
        yield "Newcombe, paired", n, lambda *rates, n=n: paired_miss(n, *rates, draws=10_000, seed=n), triples
    for name, score in (("bootstrap of Matthews", MATTHEWS), ("bootstrap of F1", F1)):
        for n in SIZES[1:4]:

            def miss(*rates: float, n: int = n, score: Callable[..., np.ndarray] = score) -> float:
                return bootstrap_miss(score, n, confusion(*rates), draws=500, seed=n)[0]

            yield name, n, miss, list(MODELS)


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"{'interval':<24}{'rows':>6}{'mean %':>9}{'worst %':>9}  worst at\n")
    for name, n, miss, settings in methods():
        found = [100 * miss(*rates) for rates in settings]
        worst = int(np.argmax(found))
        where = ", ".join(f"{rate:.4g}" for rate in settings[worst])
        sys.stdout.write(f"{name:<24}{n:>6}{np.mean(found):>9.2f}{found[worst]:>9.2f}  {where}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
