"""How often the word for the origin of a gap is wrong, and how often it is ``cannot tell``.

Run it alone for the long version (about two minutes on one core)::

    python tests/bench/origin.py

A set-up is a margin, the true gaps of candidate, base and labels, and the share and the rate of the group; many of them
lie on a boundary between two words. The short version in ``tests/unit/stats`` uses the same functions.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlogy

from govkit.stats.origin import (
    ERROR,
    WIDEST,
    Gaps,
    against_base,
    against_labels,
    gaps_between,
    joined,
    paired_change,
)

SLACK = 1e-9
SIZES = (500, 2_000, 10_000)
DRAWS = 4_000
RATES = (0.0, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.98)


@dataclass(frozen=True)
class Setup:
    """The truth: gaps of the three, the margin, the group's share of the rows, and how often answers differ."""

    name: str
    candidate: float
    base: float
    labels: float
    margin: float = 0.05
    share: float = 0.5
    rate: float = 0.3
    changed: float = 0.15
    wrong: float = 0.2

    def base_words(self) -> set[str]:
        """Every claim against the base that is true."""
        c, b, m = self.candidate, self.base, self.margin + SLACK
        change = np.sign(c) * (c - b)
        claims = {
            "none": abs(c) <= m,
            "inherited": abs(c) > m and abs(change) <= m,
            "introduced": abs(c) > m and change > m and np.sign(c) * b <= m,
            "amplified": abs(c) > m and change > m and np.sign(c) * b > m,
            "grown": abs(c) > m and change > m,
            "reduced": abs(b) > m and np.sign(b) * (b - c) > m and np.sign(b) * c >= -m,
        }
        return {word for word, true in claims.items() if true}

    def label_words(self) -> set[str]:
        """Every claim against the labels that is true."""
        c, m = self.candidate, self.margin + SLACK
        shown = np.sign(c) * self.labels > m and np.sign(c) * (c - self.labels) <= m
        return {"none"} if abs(c) <= m else {"in the data"} if shown else {"beyond the data"}


def setups() -> Iterator[Setup]:
    """Forty-eight of them: two margins, twelve truths, two kinds of group."""
    for m in (0.02, 0.05):
        for share, rate in ((0.5, 0.3), (0.2, 0.5)):
            for name, c, b, y in (
                ("none", 0, 0, 0),
                ("inherited", 0.15, 0.15, 0.15),
                ("introduced", 0.15, 0, 0),
                ("amplified", 0.25, 0.10, 0.10),
                ("reduced", 0.10, 0.25, 0.25),
                ("turned", -0.10, 0.25, 0.25),
                ("candidate at m", m, 0, 0),
                ("both at m", m, m, m),
                ("candidate at m, base far", m, 0.25, 0.25),
                ("base at m", 0.25, m, m),
                ("grown by m", 0.10 + m, 0.10, 0.10),
                ("reduced by m", 0.15, 0.15 + m, 0.15 + m),
            ):
                yield Setup(name, c, b, y, m, share, rate)


TABLE = (
    Setup("introduced 0 -> 0.15", 0.15, 0, 0),
    Setup("amplified 0.10 -> 0.25", 0.25, 0.10, 0.10),
    Setup("reduced 0.25 -> 0.10", 0.10, 0.25, 0.25),
    Setup("inherited 0.15", 0.15, 0.15, 0.15),
    Setup("none", 0, 0, 0),
    Setup("introduced, 20 % group", 0.15, 0, 0, share=0.2),
)


def drawn(rng: np.random.Generator, setup: Setup, n: int, draws: int) -> tuple[Gaps, Gaps]:
    """Gaps beside the base and beside the labels in ``draws`` data sets of ``n`` rows."""
    found = []
    for other, apart in ((setup.base, setup.changed), (setup.labels, setup.wrong)):
        sides = []
        for rows, sign in ((round(n * setup.share), 0.5), (n - round(n * setup.share), -0.5)):
            first, second = setup.rate + sign * setup.candidate, setup.rate + sign * other
            # The events differ on a share ``apart`` of the rows, or on as few as the two rates allow.
            only = max((apart + first - second) / 2, first - second, 0)
            cells = np.array([1 - second - only, only + second - first, only, first - only])
            sides.append(rng.multinomial(rows, cells, size=draws).reshape(draws, 2, 2))
        found.append(gaps_between(*sides))
    return found[0], found[1]


@dataclass(frozen=True)
class Result:
    """Words given beside the base and beside the labels, and the larger share of wrong ones."""

    base: Counter[str]
    labels: Counter[str]
    wrong: float


def simulated(setup: Setup, n: int, draws: int, seed: int) -> Result:
    """Words given to one set-up."""
    beside_base, beside_labels = drawn(np.random.default_rng(seed), setup, n, draws)
    base = Counter[str](against_base(beside_base, margin=setup.margin))
    labels = Counter[str](against_labels(beside_labels, margin=setup.margin))
    wrong = [
        sum(times for word, times in words.items() if word not in {*true, "cannot tell"}) / draws
        for words, true in ((base, setup.base_words()), (labels, setup.label_words()))
    ]
    return Result(base, labels, max(wrong))


def change_misses(n: int, m: int, rates: tuple[float, ...] = RATES) -> float:
    """Worst miss over nominal of the low bound of a change up to ``WIDEST``; every pair of tables is enumerated."""
    tables = [every_table(rows) for rows in (n, m)]
    low = joined(*([part[:, None] for part in paired_change(tables[0])], paired_change(tables[1])))[0]
    pairs = [(p, q) for p in rates for q in rates if p + q <= 1]
    chances = [[chance(table, p, q) for p, q in pairs] for table in tables]
    worst = 0.0
    for (p, q), inside in zip(pairs, chances[0], strict=True):
        for (r, s), outside in zip(pairs, chances[1], strict=True):
            truth = p - q - r + s
            if abs(truth) <= WIDEST:
                worst = max(worst, inside @ (low > truth + SLACK) @ outside)
    return worst / ERROR


def every_table(n: int) -> np.ndarray:
    """Every table of ``n`` paired rows, ``(k, 2, 2)``; the rows that agree all stand in one cell."""
    return np.array([[[n - b - c, c], [b, 0]] for b in range(n + 1) for c in range(n + 1 - b)])


def chance(tables: np.ndarray, p: float, q: float) -> np.ndarray:
    """Probability of each table where a share ``p`` of rows has the event only first, and ``q`` only second."""
    b, c, same = tables[:, 1, 0], tables[:, 0, 1], tables[:, 0, 0]
    orders = gammaln(b + c + same + 1) - gammaln(b + 1) - gammaln(c + 1) - gammaln(same + 1)
    return np.exp(orders + xlogy(b, p) + xlogy(c, q) + xlogy(same, max(1 - p - q, 0)))


def percent(words: Counter[str], *names: str) -> str:
    return " ".join(f"{100 * words[name] / words.total():5.1f}" for name in names)


def main() -> None:
    """Print the misses of a change, every set-up, and the table of ``cannot tell``."""
    out = sys.stdout.write
    for n, m in ((3, 3), (7, 7), (7, 40), (12, 12), (20, 20), (20, 50)):
        out(f"change, {n}+{m} rows: worst miss over nominal {change_misses(n, m):.2f}\n")
    out(f"\n{'margin, share, truth':<44}{'rows':>7}  wrong%  cannot tell% (base, labels)\n")
    worst = 0.0
    for number, setup in enumerate(setups()):
        for n in SIZES:
            found = simulated(setup, n, DRAWS, number)
            worst = max(worst, found.wrong)
            name = f"{setup.margin} {setup.share} {setup.name}"
            blank = [percent(words, "cannot tell") for words in (found.base, found.labels)]
            out(f"{name:<44}{n:>7}  {100 * found.wrong:6.2f}  {blank[0]} {blank[1]}\n")
            sys.stdout.flush()
    out(f"worst share of wrong words: {100 * worst:.2f} %\n\nmargin 0.05: cannot tell%, grown%\n")
    for setup in TABLE:
        cells = [percent(simulated(setup, n, DRAWS, 0).base, "cannot tell", "grown") for n in SIZES]
        out(f"{setup.name:<28}{' | '.join(cells)}\n")
    cells = [percent(simulated(TABLE[3], n, DRAWS, 0).labels, "cannot tell") for n in SIZES]
    out(f"{'in the data 0.15':<28}{' | '.join(cells)}\n")


if __name__ == "__main__":
    main()
