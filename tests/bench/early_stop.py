"""How often a share that is looked at early is judged wrongly, and how often its bounds miss: exact, no simulation.

The chance of each number of successes is carried from look to look; what has stopped is taken out::

    python tests/bench/early_stop.py
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from govkit.core import LEVELS
from govkit.stats import looks_at, settled, stopped_share

ROWS = 1000


@dataclass(frozen=True)
class Ends:
    """Where a series of looks ends: rows, successes and the chance of each pair, ``(ends,)``."""

    rows: np.ndarray
    successes: np.ndarray
    chance: np.ndarray

    @property
    def mean_rows(self) -> float:
        return float(self.rows @ self.chance)


def ends(share: float, limit: float, looks: Sequence[int], *, corrected: bool = True) -> Ends:
    """The chance of every end; the last look ends what is left."""
    chance, before = np.ones(1), 0
    rows, successes, chances = [], [], []
    for look in looks:
        chance = np.convolve(chance, binom.pmf(np.arange(look - before + 1), look - before, share))
        x = np.arange(look + 1)
        stops = settled(x, np.full(look + 1, look), limit, looks=len(looks) if corrected else 1) | (look == looks[-1])
        rows.append(np.full(stops.sum(), look))
        successes.append(x[stops])
        chances.append(chance[stops])
        chance, before = np.where(stops, 0.0, chance), look
    return Ends(np.concatenate(rows), np.concatenate(successes), np.concatenate(chances))


def sides(found: Ends, limit: float, looks: int) -> tuple[float, float]:
    """Chance to end surely below the limit, and surely above."""
    sure = settled(found.successes, found.rows, limit, looks=looks)
    above = found.successes / found.rows > limit
    return float(found.chance[sure & ~above].sum()), float(found.chance[sure & above].sum())


def misses(found: Ends, share: float, looks: int) -> tuple[np.ndarray, np.ndarray]:
    """Chance that the lower and the upper bounds at ``LEVELS`` miss the share, each ``(9,)``."""
    low, high = np.zeros(len(LEVELS)), np.zeros(len(LEVELS))
    for n, x, chance in zip(found.rows, found.successes, found.chance, strict=True):
        if chance > 1e-12:
            bounds = stopped_share(int(x), int(n), looks=looks).bounds
            low += chance * np.array([share < bound.low for bound in bounds])
            high += chance * np.array([share > bound.high for bound in bounds])
    return low, high


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    looks = looks_at(ROWS)
    say(f"limit .5, error .05 a side, looks at {', '.join(map(str, looks))}")
    for share in (0.3, 0.4, 0.45, 0.5, 0.55, 0.7):
        found = ends(share, 0.5, looks)
        below, above = sides(found, 0.5, len(looks))
        every = range(50, ROWS + 1)
        naive = sides(ends(share, 0.5, every, corrected=False), 0.5, 1)
        say(
            f"  truth {share:.2f}: mean rows {found.mean_rows:6.1f}, below {below:.3f}, above {above:.3f}; "
            f"at every row without correction: below {naive[0]:.3f}, above {naive[1]:.3f}"
        )
    say("most misses of a bound over truths .02 to .98, as a share of what its level allows")
    for limit in (0.2, 0.5, 0.8):
        worst = np.zeros(2)
        for share in np.linspace(0.02, 0.98, 25):
            low, high = misses(ends(share, limit, looks), share, len(looks))
            allowed = 1 - np.array(LEVELS)
            worst = np.maximum(worst, [(low / allowed).max(), (high / allowed).max()])
        say(f"  limit {limit}: lower {worst[0]:.2f}, upper {worst[1]:.2f}")


if __name__ == "__main__":
    main()
