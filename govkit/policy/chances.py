"""Rows before there are any: how likely is it that a limit is cleared, if the truth is as good as assumed?

The judge reads bounds that ``govkit.stats`` made. What follows asks the same questions of the same formulas, without
a numerical library: Clopper and Pearson for a share (exact), the corrected scores of Tango for two models on the same
rows and of Miettinen and Nurminen for two separate groups. Chances for a share are exact; the others come from the
normal approximation of the observed difference.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

from govkit.core import LEVELS, Control, Requirement
from govkit.core.check import Metric
from govkit.core.limit import SLACK

Kind = Literal["exact", "share", "paired", "loss", "groups"]
"""How the bounds of a metric are made; ``loss`` is a paired difference of rows that can only be lost."""

MOST = 10**7
"""Rows beyond which nobody is advised to collect more."""

FEWEST = 7
"""Rows below which the bound of a paired difference has another form, of which nothing is said here."""

SIGNS, KINDS = ("true", "false"), ("positive_rate", "negative_rate")
RATES = ("selection_rate", "accuracy", "error_rate", *(f"{sign}_{kind}" for sign in SIGNS for kind in KINDS))
VALUES = ("positive_predictive_value", "negative_predictive_value", "false_discovery_rate", "false_omission_rate")

SHARES: dict[str, tuple[str, ...]] = {
    "base_contamination": ("base_clean_accuracy", "base_touched_accuracy"),
    "bias": (*RATES, *VALUES),
    "contamination": ("clean_accuracy",),
    "corruptions": ("clean_accuracy", "corrupted_accuracy"),
    "counterfactual": ("changed_share", "neutral_changed_share"),
    "data_quality": ("missing_share", "rarest_class_share", "repeated_text_share", "other_language_share"),
    "drift": ("new_category_rate",),
    "flips": tuple(f"{sign}_flip_rate_vs_{who}" for sign in ("negative", "positive") for who in ("base", "incumbent")),
    "foreign_inputs": ("confident_on_foreign",),
    "performance": ("accuracy", "precision", "recall"),
    "repeatability": ("random_answers", "changed_answers"),
    "selective_risk": ("selective_accuracy",),
    "shift_floor": ("floor_accuracy",),
}
PAIRED = {("performance", "accuracy"), ("performance", "recall"), ("shift_floor", "floor_accuracy")}
LOSSES = {
    ("answer_book", "exact_row_advantage"),
    ("table_attacks", "feasible_accuracy_drop"),
    ("text_attacks", "text_robust_accuracy_drop"),
    ("text_attacks", "typo_accuracy_drop"),
}
APART = {
    ("contamination", "clean_accuracy_difference"),
    *(("bias", f"{name}_difference") for name in (*RATES, *VALUES)),
}
TWO_SETS = {("performance", "accuracy_change"): "test", ("overfit", "accuracy_gap"): "train"}
"""Differences between two sets of rows, and the role of the other set."""

COUNTED = frozenset(
    {"rows", "parts", "groups", "patches", "tokens", "words", "expectations", "columns", "classes", "files", "imports"}
    | {"sightings", "alarms", "looks", "days"}
)
"""Units of what is counted, not estimated."""


def kind_of(control: Control, metric: Metric) -> Kind | None:
    """How the bounds of a control's metric are made; None where no formula says it beforehand."""
    key, shares = (control.check or "", control.metric or ""), SHARES.get(control.check or "", ())
    if (control.require and control.require.equals is not None) or metric.unit in COUNTED:
        return "exact"
    if control.compared_with is not None:
        return "paired" if key in PAIRED else None
    if key in LOSSES:
        return "loss"
    if key in APART or key in TWO_SETS:
        return "groups"
    return "share" if key[1] in shares else None


@dataclass(frozen=True)
class Situation:
    """What is assumed of the rows to come.

    Attributes:
        kind: How the bounds are made.
        require: The limit.
        level: One-sided level at which the judge reads the bound.
        truth: The true value.
        differing: Share of rows on which two models differ (``paired``).
        share: True share of the other group (``groups``).
        others: Rows of the other group; as many as of the first if not given.
    """

    kind: Kind
    require: Requirement
    level: float
    truth: float
    differing: float = 0.1
    share: float = 0.5
    others: int | None = None


def stored(confidence: float) -> float:
    """The level at which a bound is stored that serves this confidence."""
    return next((level for level in LEVELS if level >= confidence - SLACK), LEVELS[-1])


def chance(case: Situation, n: int) -> float:
    """Chance in [0, 1] that a control passes with ``n`` rows."""
    if case.kind == "share":
        return _share_chance(case, n)
    deviation, missed = _deviation(case, n), 0.0
    for clears in _sides(case, n):
        needed = _least(clears)
        missed += 1.0 if needed is None else NormalDist().cdf((needed - case.truth) * clears.sign / deviation)
    return max(0.0, 1.0 - missed)


def rows_needed(case: Situation, wanted: float = 0.9) -> int | None:
    """Fewest rows at which the chance to pass is ``wanted``; None beyond ``MOST``."""
    high = 1
    while chance(case, high) < wanted:
        high *= 2
        if high > MOST:
            return None
    return bisect_left(range(high), x=True, lo=high // 2 + 1, key=lambda n: chance(case, n) >= wanted)


def decidable(case: Situation, n: int) -> bool:
    """False where ``n`` rows cannot clear the limit even if every one came out as well as it can.

    What is not known, as the rows of the other group, is taken to be as good as it can be too.
    """
    require = case.require
    if case.kind == "share":
        low, high = _counts(case, n)
        return low <= high
    if case.kind != "groups" and n < FEWEST:
        return True
    both = require.min is not None and require.max is not None
    best = 0.0 if both or case.kind == "loss" else 1.0 if require.min is not None else -1.0
    perfect = replace(case, truth=best, differing=abs(best), share=float(best <= 0), others=case.others or MOST)
    return all(clears(best) for clears in _sides(perfect, n))


# A share, exactly.


def _share_chance(case: Situation, n: int) -> float:
    low, high = _counts(case, n)
    return max(0.0, at_least(low, n, case.truth) - at_least(high + 1, n, case.truth)) if low <= high else 0.0


def _counts(case: Situation, n: int) -> tuple[int, int]:
    """Fewest and most successes of ``n`` that clear every limit."""
    alpha, require = 1.0 - case.level, case.require
    low = 0 if require.min is None else fewest(n, require.min, alpha)
    high = n if require.max is None else n - fewest(n, 1.0 - require.max, alpha)
    return low, high


def fewest(n: int, limit: float, alpha: float) -> int:
    """Fewest successes whose Clopper-Pearson bound reaches the limit: their chance at the limit is at most alpha."""
    if limit <= 0:
        return 0
    return bisect_left(range(n + 1), x=True, key=lambda x: at_least(x, n, limit) <= alpha)


def at_least(x: int, n: int, p: float) -> float:
    """Chance of at least ``x`` successes in ``n`` rows at the share ``p``."""
    if x <= 0 or x > n:
        return float(x <= 0)
    if p <= 0 or p >= 1:
        return float(p >= 1)
    # Outward from the edge, on the side away from the mean, the terms fall quickly.
    if x > n * p:
        return min(1.0, _tail(x, n, p))
    return max(0.0, 1.0 - _tail(n - x + 1, n, 1.0 - p))


def _tail(x: int, n: int, p: float) -> float:
    """Sum of the chances of x, x + 1, … n, for an x above n·p."""
    ways = math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
    term = math.exp(ways + x * math.log(p) + (n - x) * math.log1p(-p))
    total, odds = 0.0, p / (1.0 - p)
    while x <= n and term > 1e-17 * total:
        total += term
        term *= (n - x) / (x + 1) * odds
        x += 1
    return total


# Differences.


@dataclass(frozen=True)
class _Side:
    """One limit as a question: does the observed difference clear it? ``sign`` is −1 for an upper limit."""

    ask: Callable[[float], bool]
    sign: int

    def __call__(self, observed: float) -> bool:
        return self.ask(observed)


def _sides(case: Situation, n: int) -> Iterator[_Side]:
    low, high = case.require.min, case.require.max
    z = NormalDist().inv_cdf(case.level)
    if case.kind == "groups":
        m, share = case.others or n, case.share
        if low is not None:
            yield _Side(lambda seen: groups_clear((share + seen, share), (n, m), low, z), 1)
        if high is not None:
            yield _Side(lambda seen: groups_clear((share, share + seen), (m, n), -high, z), -1)
        return

    def discordant(seen: float) -> tuple[float, float]:
        spread = abs(seen) if case.kind == "loss" else max(case.differing, abs(seen))
        return n * (spread + seen) / 2, n * (spread - seen) / 2

    if low is not None:
        yield _Side(lambda seen: paired_clear(*discordant(seen), n, low, z), 1)
    if high is not None:
        yield _Side(lambda seen: paired_clear(*discordant(seen)[::-1], n, -high, z), -1)


def _deviation(case: Situation, n: int) -> float:
    """Standard deviation of the observed difference."""
    truth, share = case.truth, case.share
    if case.kind == "groups":
        own = min(max(share + truth, 0.0), 1.0)
        return math.sqrt(own * (1 - own) / n + share * (1 - share) / (case.others or n)) or 1e-12
    spread = abs(truth) if case.kind == "loss" else max(case.differing, abs(truth))
    return math.sqrt(max(spread - truth * truth, 0.0) / n) or 1e-12


def _least(clears: _Side) -> float | None:
    """The worst observed difference that still clears; None where none does."""
    worst, best = -1.0 * clears.sign, 1.0 * clears.sign
    if not clears(best):
        return None
    for _ in range(30):
        middle = (worst + best) / 2
        worst, best = (worst, middle) if clears(middle) else (middle, best)
    return best


def paired_clear(b: float, c: float, n: int, limit: float, z: float) -> bool:
    """Does the lower bound of (b − c)/n reach the limit? Corrected score of Tango (1998), from ``FEWEST`` rows on."""
    if n < FEWEST or limit > (b - c) / n:
        return False
    if limit <= -1:
        return True
    beta, gamma = (2 * n - b + c) * limit - b - c, -c * limit * (1 - limit)
    q = max((math.sqrt(max(beta * beta - 8 * n * gamma, 0.0)) - beta) / (4 * n), max(0.0, -limit))
    spread = min(2 * q + limit, 1.0)
    v = max(spread - limit * limit, 0.0)
    skewness = limit - 3 * limit * spread + 2 * limit**3
    shift = (z * z - 1) / 6 * max(0.0, skewness / max(v, 1e-300))
    return b - c - n * limit - (0.75 + 3 / n) - shift > z * math.sqrt(n * v)


def groups_clear(shares: tuple[float, float], rows: tuple[int, int], limit: float, z: float) -> bool:
    """Does the lower bound of a difference of two shares reach the limit? Corrected Miettinen-Nurminen (1985)."""
    p1, p2 = (min(max(share, 0.0), 1.0) for share in shares)
    n, m = rows
    if limit > p1 - p2 or n + m < 3:
        return False
    if limit <= -1:
        return True
    r2 = _constrained(p1 * n, n, p2 * m, m, limit)
    r1 = min(max(r2 + limit, 0.0), 1.0)
    s1, s2 = r1 * (1 - r1) / n, r2 * (1 - r2) / m
    v = (s1 + s2) * (n + m) / (n + m - 1)
    skewness = s1 * (1 - 2 * r1) / n - s2 * (1 - 2 * r2) / m
    shift = (z * z - 1) / 6 * max(0.0, skewness / max(v, 1e-300))
    return p1 - p2 - limit - 0.5 / min(n, m) - shift > z * math.sqrt(v)


def _constrained(x: float, n: int, y: float, m: int, gap: float) -> float:
    """Most likely share of the second group if the first has ``gap`` more: the root of a falling derivative."""
    low, high = max(0.0, -gap), min(1.0, 1.0 - gap)
    for _ in range(40):
        r2 = (low + high) / 2
        r1 = r2 + gap
        rising = sum(a / max(b, 1e-300) for a, b in ((x, r1), (y, r2)))
        falling = sum(a / max(1 - b, 1e-300) for a, b in ((n - x, r1), (m - y, r2)))
        low, high = (r2, high) if rising > falling else (low, r2)
    return (low + high) / 2
