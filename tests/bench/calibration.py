"""How often the calibration check accuses, finds and misses: a table of method, rows, what was counted and the share.

Run it alone for the long version (about ten minutes on one core)::

    python tests/bench/calibration.py [consistency | groups | bounds | passes | smooth | bands ...]

The short versions in ``tests/unit`` use the same functions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import numpy as np

import govkit.stats as gs
from govkit.core import LEVELS
from govkit.stats import reliability
from govkit.stats.calibration_errors import squared_error

Rows = tuple[np.ndarray, np.ndarray]
Draw = Callable[[np.random.Generator, int], Rows]
LIMIT = 0.05
GROUPS = (50, 50, 100, 100, 500, 500, 2000, 5000)
"""Rows of eight groups that differ in nothing else."""


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def tempered(temperature: float, spread: float = 1.5) -> Draw:
    """Probabilities that are honest at a temperature of 1 and too certain below it."""

    def draw(rng: np.random.Generator, n: int) -> Rows:
        logit = rng.normal(0, spread, n)
        return logistic(logit / temperature), rng.random(n) < logistic(logit)

    return draw


def top_class(temperature: float) -> Draw:
    """Probabilities of the answer given, as more than two classes have them: most are large."""

    def draw(rng: np.random.Generator, n: int) -> Rows:
        f = rng.beta(5, 1.5, n)
        return f ** (1 / temperature) / (f ** (1 / temperature) + (1 - f) ** (1 / temperature)), rng.random(n) < f

    return draw


def beta(a: float, b: float) -> Draw:
    """Honest probabilities from a beta distribution."""

    def draw(rng: np.random.Generator, n: int) -> Rows:
        f = rng.beta(a, b, n)
        return f, rng.random(n) < f

    return draw


def tied(rng: np.random.Generator, n: int) -> Rows:
    """Honest probabilities of one decimal."""
    f = rng.integers(0, 11, n) / 10
    return f, rng.random(n) < f


HONEST: dict[str, Draw] = {
    "honest": tempered(1),
    "honest, nearly sure": beta(0.05, 0.05),
    "honest, rare": beta(0.2, 20),
    "honest, ties": tied,
}


def rejected(draw: Draw, n: int, draws: int, seed: int) -> float:
    """Share of draws whose p-value is at most 0.05."""
    rng = np.random.default_rng(seed)
    return float(np.mean([gs.consistency_test(*draw(rng, n), seed=k) <= 0.05 for k in range(draws)]))


def alarms(sizes: tuple[int, ...], draws: int, seed: int) -> tuple[float, np.ndarray]:
    """Honest groups: share of draws with any adjusted p-value at most 0.05, and those in which the low bound of any
    calibration error lies above the limit, at the first levels ``(4,)``."""
    rng, low_p, beyond = np.random.default_rng(seed), 0, np.zeros(4)
    for k in range(draws):
        groups = [HONEST["honest"](rng, n) for n in sizes]
        p = gs.holm([gs.consistency_test(*rows, seed=k) for rows in groups])
        low_p += p.min() <= 0.05
        beyond += np.any([[b.low > LIMIT for b in gs.calibration(*rows).bounds[:4]] for rows in groups], axis=0)
    return low_p / draws, beyond / draws


def failed(draw: Draw, n: int, draws: int, seed: int) -> np.ndarray:
    """Share of draws whose calibration error lies above the limit by its low bound, at the first levels ``(4,)``."""
    rng = np.random.default_rng(seed)
    return np.mean([[b.low > LIMIT for b in gs.calibration(*draw(rng, n)).bounds[:4]] for _ in range(draws)], axis=0)


def waved(waves: float) -> Draw:
    """Probabilities from 0.2 to 0.8 with an error of 0.101 whose sign changes ``2 * waves`` times on the way."""

    def draw(rng: np.random.Generator, n: int) -> Rows:
        f = rng.uniform(0.2, 0.8, n)
        return f, rng.random(n) < f + 0.101 * 2**0.5 * np.sin(2 * np.pi * waves * (f - 0.2) / 0.6)

    return draw


def shifted(rng: np.random.Generator, n: int) -> Rows:
    """Probabilities that are all too high by the limit."""
    f = rng.uniform(0.2, 0.8, n)
    return f, rng.random(n) < f - LIMIT


def passed(draw: Draw, n: int, draws: int, seed: int) -> np.ndarray:
    """Share of draws whose calibration error lies within the limit by its high bound, at the first levels ``(4,)``."""
    rng = np.random.default_rng(seed)
    return np.mean([[b.high <= LIMIT for b in gs.calibration(*draw(rng, n)).bounds[:4]] for _ in range(draws)], axis=0)


def means_missed(n: int, draws: int, seed: int) -> np.ndarray:
    """Miss rates over nominal ``(2, 2, 4)``: mean gap and paired Brier difference, low and high, at the first levels.

    The candidate is honest, its rival at a temperature of 0.6.
    """
    rng, missed = np.random.default_rng(seed), np.zeros((2, 2, 4))
    logit = np.random.default_rng(0).normal(0, 1.5, 4_000_000)
    # What a row adds to the Brier score of a forecast ``g`` beyond that of the truth ``f`` is ``(f - g)^2``.
    truths = (0.0, -float(np.mean((logistic(logit) - logistic(logit / 0.6)) ** 2)))
    for _ in range(draws):
        logit = rng.normal(0, 1.5, n)
        f, g, y = logistic(logit), logistic(logit / 0.6), rng.random(n) < logistic(logit)
        found = (
            gs.mean(f - y, low=-1, high=1),
            gs.mean_difference((f - y) ** 2, (g - y) ** 2, low=-1, high=1),
        )
        for k, (estimate, truth) in enumerate(zip(found, truths, strict=True)):
            missed[k] += [[b.low > truth for b in estimate.bounds[:4]], [b.high < truth for b in estimate.bounds[:4]]]
    return missed / draws / (1 - np.array(LEVELS[:4]))


def smooth(draw: Draw, n: int, draws: int, seed: int) -> np.ndarray:
    """Mean of the smooth error, of the binned one and of the debiased one, ``(3,)``."""
    rng = np.random.default_rng(seed)
    rows = [draw(rng, n) for _ in range(draws)]
    errors = [(gs.smooth_calibration_error(*one), gs.ece(*one), gs.calibration(*one).value) for one in rows]
    return np.mean(errors, axis=0)


def biased(temperature: float, spread: float = 1.5) -> Callable[[np.random.Generator, int], Rows]:
    """Stated probabilities as in `tempered`, and the true ones."""

    def draw(rng: np.random.Generator, n: int) -> Rows:
        logit = rng.normal(0, spread, n)
        return logistic(logit / temperature), logistic(logit)

    return draw


def skewed(rng: np.random.Generator, n: int) -> Rows:
    """Most are stated to be nearly certain, and are a little less so."""
    f = rng.beta(5, 0.7, n)
    return f, f**1.3


LINES = {"honest": biased(1.0), "T=0.5": biased(0.5), "near certain": skewed}


def band_holds(draw: Callable[[np.random.Generator, int], Rows], n: int, draws: int, seed: int) -> float:
    """Share of the bands of a smooth diagram that hold the whole line of the true probabilities."""
    rng = np.random.default_rng(seed)
    held = []
    for one in range(draws):
        f, true = draw(rng, n)
        y = rng.random(n) < true
        points = gs.smooth_diagram(f, y, one)
        bandwidth = gs.smooth_calibration_error(f, y)
        for point in points:
            # The kernel, summed row by row and reflected at 0 and 1.
            images = np.concatenate([2 * turn + side * f for turn in (-1, 0, 1) for side in (1, -1)])
            weights = np.exp(-(((point.confidence - images) / bandwidth) ** 2) / 2).reshape(6, n).sum(axis=0)
            line = float(np.clip(point.confidence - weights @ (f - true) / weights.sum(), 0, 1))
            if not point.band.low - 1e-3 <= line <= point.band.high + 1e-3:
                held.append(False)
                break
        else:
            held.append(True)
    return float(np.mean(held))


Line = tuple[str, int | str, str, object]


def consistencies() -> Iterator[Line]:
    for what, draw in HONEST.items():
        for n, draws in ((100, 1000), (500, 1000), (5000, 400), (25_000, 400), (200_000, 400)):
            yield "consistency_test", n, f"{what}: p <= 0.05", rejected(draw, n, draws, 1)
    for temperature, n in ((0.6, 100), (0.6, 500), (0.8, 500), (0.8, 2000), (0.95, 25_000)):
        for what, draw in (("both sides", tempered(temperature)), ("top class", top_class(temperature))):
            yield "consistency_test", n, f"T={temperature}, {what}: p <= 0.05", rejected(draw, n, 400, 2)
    reliability.EXACT = 10**9
    yield "consistency_test", 25_000, "T=0.95, every outcome drawn", rejected(tempered(0.95), 25_000, 400, 2)
    reliability.EXACT = 20_000


def groups() -> Iterator[Line]:
    p, beyond = alarms(GROUPS, 400, 3)
    yield "holm of groups", str(GROUPS), "honest: any p <= 0.05", p
    yield "calibration", str(GROUPS), f"honest: any low > {LIMIT} at {LEVELS[:4]}", beyond


def bounds() -> Iterator[Line]:
    for n in (50, 100, 500, 5000):
        yield "calibration", n, f"honest: low > {LIMIT} at {LEVELS[:4]}", failed(tempered(1), n, 2000, 4)
    for n in (500, 2000, 5000):
        yield "calibration", n, f"T=0.6: low > {LIMIT} at {LEVELS[:4]}", failed(tempered(0.6), n, 1000, 5)
    for n in (30, 300, 3000):
        for name, missed in zip(("mean_gap", "brier difference"), means_missed(n, 5000, 6), strict=True):
            yield name, n, f"low, high: misses over nominal at {LEVELS[:4]}", missed.round(2).tolist()


def passes() -> Iterator[Line]:
    for n in (2000, 3000, 5000):
        for name, draw in (("honest", beta(5, 1.5)), ("honest, 0.2 to 0.8", waved(0)), ("at the limit", shifted)):
            yield "calibration", n, f"{name}: high <= {LIMIT} at {LEVELS[:4]}", passed(draw, n, 400, 9)
    for waves in (7.5, 15, 30, 45, 60):
        yield "calibration", 5000, f"{waves} waves: high <= {LIMIT} at {LEVELS[:4]}", passed(waved(waves), 5000, 100, 9)


def smooths() -> Iterator[Line]:
    for temperature in (1.0, 0.6):
        rows = tempered(temperature)(np.random.default_rng(0), 2_000_000)
        truth = float(np.sqrt(max(0.0, squared_error(*rows).value)))
        for n in (100, 1000, 10_000):
            errors = smooth(tempered(temperature), n, 300, 7).round(4).tolist()
            yield "smooth, ece, debiased", n, f"T={temperature} (debiased: {truth:.4f}): means", errors


def bands() -> Iterator[Line]:
    for what, draw in LINES.items():
        for n in (30, 200, 1000, 10_000):
            yield "smooth_diagram", n, f"{what}: bands that hold the whole line", band_holds(draw, n, 400, 8)


def main(wanted: list[str]) -> None:
    """Print the table, or the parts of it that are named."""
    parts = {
        "consistency": consistencies,
        "groups": groups,
        "bounds": bounds,
        "passes": passes,
        "smooth": smooths,
        "bands": bands,
    }
    for name in wanted or list(parts):
        for method, n, what, found in parts[name]():
            sys.stdout.write(f"{method:<24}{n!s:<48}{what:<64}{found}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
