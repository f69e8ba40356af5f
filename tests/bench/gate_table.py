"""What the gate makes of a ratio of two rates: passes, failures and open questions beside those of the point alone.

Run it alone (about a minute)::

    python tests/bench/gate_table.py [REPEATS]

A small group is compared with one ten times as large whose rate is 0.4; the limit is a ratio of 0.8. The bounds are
those of the log interval of Katz et al. (1978, Biometrics 34, 469-474), with half a row added to each count so that
none is zero, and become measurements, which ``govkit.policy`` decides. The short version is
``tests/reference/test_gate_table.py``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from govkit.core import LEVELS, Bound, Control, Measurement
from govkit.policy.deciding import decide, entry_p
from govkit.policy.limits import holm
from govkit.policy.matching import Entry

RATE, TIMES, LIMIT, CONFIDENCE, REPEATS = 0.4, 10, 0.8, 0.95, 20_000
CONTROL = Control.model_validate(
    {
        "id": "FAIR-01",
        "title": "Ratio of selection rates",
        "rmf": ["MEASURE 2.11"],
        "check": "bias",
        "metric": "selection_rate_ratio",
        "require": {"min": LIMIT},
        "authority": {"level": "agency_rule_of_thumb"},
        "severity": "medium",
    }
)
Z = norm.ppf(LEVELS)


@dataclass(frozen=True)
class Row:
    """Shares of the repeats, as worked out beforehand with other code: point at least 0.8, pass, fail."""

    ratio: float
    n: int
    point: float
    passes: float
    fails: float


ROWS = (
    Row(0.70, 100, 0.196, 0.010, 0.159),
    Row(0.70, 1000, 0.004, 0.000, 0.835),
    Row(0.80, 100, 0.50, 0.066, 0.032),
    Row(0.80, 1000, 0.51, 0.054, 0.044),
    Row(0.80, 3000, 0.50, 0.056, 0.048),
    Row(0.90, 300, 0.920, 0.448, 0.001),
    Row(1.00, 100, 0.945, 0.552, 0.000),
    Row(1.00, 300, 0.997, 0.895, 0.000),
)
NEEDED = ((1.00, 400), (0.95, 600), (0.90, 1500))
"""True ratio, rows of the small group with which 9 in 10 pass."""

ALARMS = ((4, 100, 0.58), (8, 100, 0.91), (8, 300, 0.34), (8, 1000, 0.002))
"""Groups, rows of each, share of repeats in which the lowest rate is below 0.8 of the highest and no rate differs."""

FAMILIES = ((4, 0.055, 0.16, 0.039), (8, 0.057, 0.29, 0.037))
"""Groups; one at the limit: all pass; all at the limit: some fail, one by one and by Holm's procedure."""

LARGE = 3000
"""Rows of a group in a family; the larger group they share has ten times as many."""


def bounds(hits: np.ndarray, n: int, base: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratio ``(...)``, and its lower and upper bounds ``(..., 9)``."""
    x, y, rows, others = hits + 0.5, base + 0.5, n + 0.5, m + 0.5
    log = np.log(x / rows) - np.log(y / others)
    reach = np.sqrt(1 / x - 1 / rows + 1 / y - 1 / others)[..., None] * Z
    return (hits / n) / (base / m), np.exp(log[..., None] - reach), np.exp(log[..., None] + reach)


def measured(ratio: float, low: np.ndarray, high: np.ndarray, n: int) -> Measurement:
    ends = zip(LEVELS, low.tolist(), high.tolist(), strict=True)
    said = tuple(Bound(level=level, low=a, high=b) for level, a, b in ends)
    return Measurement(check="bias", name="selection_rate_ratio", value=float(ratio), n=n, bounds=said)


def states(hits: np.ndarray, n: int, base: np.ndarray, m: int, *, together: bool = True) -> Iterator[list[str]]:
    """States of the groups ``(repeats, groups)`` of each repeat; ``together`` as one family of Holm's procedure."""
    for ratios, lows, highs in zip(*bounds(hits, n, base, m), strict=True):
        entries = [
            Entry((("group", str(at)),), at, measurement=measured(*each, n))
            for at, each in enumerate(zip(ratios, lows, highs, strict=True))
        ]
        chances = [entry_p(entry, CONTROL.require) for entry in entries]
        alpha = 1 - CONFIDENCE
        rejected = holm(chances, alpha) if together else [holm([chance], alpha)[0] for chance in chances]
        yield [
            decide(entry, CONTROL, confidence=CONFIDENCE, rejected=each)[0]
            for entry, each in zip(entries, rejected, strict=True)
        ]


def drawn(ratios: list[float], n: int, repeats: int, seed: int) -> tuple[np.ndarray, int, np.ndarray, int]:
    """Hits of the groups ``(repeats, groups)`` and of the larger group they share ``(repeats, 1)``."""
    rng = np.random.default_rng([seed, n, *(round(100 * ratio) for ratio in ratios)])
    hits = rng.binomial(n, RATE * np.array(ratios), (repeats, len(ratios)))
    return hits, n, rng.binomial(TIMES * n, RATE, (repeats, 1)), TIMES * n


def one(ratio: float, n: int, *, repeats: int, seed: int = 0) -> tuple[float, float, float]:
    """Shares in which the point is at least the limit, the bound passes, and the bound fails."""
    hits, _, base, m = drawn([ratio], n, repeats, seed)
    found = [state for (state,) in states(hits, n, base, m)]
    return float(((hits / n) / (base / m) >= LIMIT).mean()), *(found.count(s) / repeats for s in ("pass", "fail"))


def alike(groups: int, n: int, repeats: int, seed: int) -> np.ndarray:
    """Hits of groups of one rate, ``(repeats, groups)``."""
    return np.random.default_rng([seed, groups, n]).binomial(n, RATE, (repeats, groups))


def points_alarm(groups: int, n: int, *, repeats: int, seed: int = 0) -> float:
    """Share of repeats in which the lowest of equal rates is below 0.8 of the highest."""
    hits = alike(groups, n, repeats, seed)
    return float((hits.min(axis=1) / hits.max(axis=1) < LIMIT).mean())


def gate_alarms(groups: int, n: int, *, repeats: int, seed: int = 0) -> float:
    """Share of repeats in which the gate finds one of equal rates too low beside that of all the others."""
    hits = alike(groups, n, repeats, seed)
    rest = hits.sum(axis=1, keepdims=True) - hits
    return sum("fail" in each for each in states(hits, n, rest, n * (groups - 1))) / repeats


def family(groups: int, *, repeats: int, seed: int = 0) -> tuple[float, float, float]:
    """One group at the limit, the others alike: all pass. All at the limit: some fail, one by one and by Holm's."""
    mixed = drawn([LIMIT, *[1.0] * (groups - 1)], LARGE, repeats, seed)
    equal = drawn([LIMIT] * groups, LARGE, repeats, seed)
    passed = sum(set(each) == {"pass"} for each in states(*mixed))
    alone, together = (sum("fail" in each for each in states(*equal, together=how)) for how in (False, True))
    return passed / repeats, alone / repeats, together / repeats


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(repeats: int) -> None:
    """Print the tables, each figure beside the one worked out beforehand."""
    say(f"{repeats} repeats; found (published)\nratio     n   point >= 0.8   bound: pass    bound: fail    open")
    for row in ROWS:
        point, passes, fails = one(row.ratio, row.n, repeats=repeats)
        said = ((point, row.point), (passes, row.passes), (fails, row.fails))
        cells = "  ".join(f"{found:.3f} ({before:.3f})" for found, before in said)
        say(f"{row.ratio:.2f}  {row.n:>5}  {cells}  {1 - passes - fails:.3f}")
    say("rows with which 9 in 10 pass")
    for ratio, n in NEEDED:
        say(f"{ratio:.2f}  {n:>5}  {one(ratio, n, repeats=repeats)[1]:.3f} (0.9)")
    say("alarms where no rate differs: lowest point below 0.8 of the highest, and the gate, each group with the rest")
    for groups, n, before in ALARMS:
        points, gate = (each(groups, n, repeats=repeats) for each in (points_alarm, gate_alarms))
        say(f"{groups} groups of {n:>4}  {points:.3f} ({before:.3f})  {gate:.3f}")
    say("families: one at the limit, all pass; all at the limit, some fail, one by one; the same by Holm's procedure")
    for groups, *before in FAMILIES:
        pairs = zip(family(groups, repeats=repeats), before, strict=True)
        say(f"{groups} groups  " + "  ".join(f"{found:.3f} ({then:.3f})" for found, then in pairs))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS)
