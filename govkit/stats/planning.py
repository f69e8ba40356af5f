"""Before any model runs: how many rows settle a question, and what the rows at hand can show.

Rows for a width come from the normal approximation, which is as exact as a guess of the share deserves. What is
detectable is computed from the bounds that gate, and from exact probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.inputs import denominator
from govkit.stats.inversion import first_uncleared
from govkit.stats.paired import paired_lows
from govkit.stats.proportions import clopper_pearson
from govkit.stats.two_groups import difference_low

STANDARD_DEVIATIONS = 6
"""Counts farther from their mean have a chance below 1e-8 and are left out."""


def rows_for_share(half_width: float, *, share: float = 0.5, level: float = 0.95) -> int:
    """Rows that pin a share down to ``± half_width``.

    Args:
        half_width: Half the width of the two-sided interval, > 0.
        share: The share expected, in [0, 1]; 0.5 is the worst case.
        level: Two-sided level of the interval, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """
    share = _inside("share", share)
    return _rows(half_width, share * (1 - share), level)


def rows_for_difference(half_width: float, *, share: float = 0.5, level: float = 0.95) -> int:
    """Rows of each of two groups that pin the difference of their shares down to ``± half_width``.

    Arguments and errors as of ``rows_for_share``; ``share`` is expected in both groups.
    """
    share = _inside("share", share)
    return _rows(half_width, 2 * share * (1 - share), level)


def rows_for_paired_difference(half_width: float, *, discordant: float, level: float = 0.95) -> int:
    """Rows that pin the difference of two models' shares, row by row, down to ``± half_width``.

    Args:
        half_width: Half the width of the two-sided interval, > 0.
        discordant: Share of rows on which one model is right and the other wrong, in [0, 1].
        level: Two-sided level of the interval, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """
    return _rows(half_width, _inside("discordant", discordant), level)


def rows_to_detect(gap: float, *, level: float = 0.95, power: float = 0.8) -> int:
    """Rows of each of two groups that show a true gap of their shares to be above 0 with chance ``power``.

    Args:
        gap: The gap, in (0, 1); the shares lie about one half, which is the worst case.
        level: One-sided level of the bound, in [0.9, 1).
        power: Chance wanted, in [0.5, 1).

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0.5 <= power < 1:
        raise ValueError(f"power is {power}; expected a number in [0.5, 1)")
    gap = _open("gap", gap)
    z = NormalDist().inv_cdf(_level(level)) + NormalDist().inv_cdf(power)
    # gap * n - 1/2 = z * sqrt(n / 2), with the continuity correction of the bound, solved for the root of n.
    root = (z / math.sqrt(2) + math.sqrt(z * z / 2 + 2 * gap)) / (2 * gap)
    return math.ceil(root * root)


def detectable_share(n: int, limit: float, *, level: float = 0.95, power: float = 0.8) -> float | None:
    """Smallest true share whose lower bound exceeds ``limit`` with chance ``power``.

    The largest one whose upper bound stays below ``limit`` is ``1 - detectable_share(n, 1 - limit)``.

    Args:
        n: Rows, > 0.
        limit: Limit of the share, in [0, 1].
        level: One-sided level of the bound, in [0.9, 1).
        power: Chance wanted, in (0, 1).

    Returns:
        The share; None where ``n`` rows cannot show any.

    Raises:
        ValueError: If an argument is out of range.
    """
    rows, limit = np.array([denominator("n", n)]), _inside("limit", limit)
    alpha = 1 - _level(level)
    return _least(lambda x: clopper_pearson(x, rows, alpha)[0] > limit, rows, np.ones(1), power)


def detectable_difference(
    n: int, m: int, *, share: float, limit: float = 0.0, level: float = 0.95, power: float = 0.8
) -> float | None:
    """Smallest true difference of two groups' shares whose lower bound exceeds ``limit`` with chance ``power``.

    Args:
        n: Rows of the group with the larger share, > 0.
        m: Rows of the other group, > 0.
        share: True share of the other group, in [0, 1].
        limit: Limit of the difference, in [0, 1].
        level: One-sided level of the bound, in [0.9, 1).
        power: Chance wanted, in (0, 1).

    Returns:
        The difference; None where not even a share of 1 would be told apart.

    Raises:
        ValueError: If an argument is out of range.
    """
    n, m, share, limit = denominator("n", n), denominator("m", m), _inside("share", share), _inside("limit", limit)
    y, chance = likely(m, share)
    z = NormalDist().inv_cdf(_level(level))
    larger = _least(lambda x: difference_low(x, n, y, m, z=z) > limit, np.full(y.shape, n), chance, power)
    return None if larger is None else larger - share


def detectable_paired_difference(
    n: int, *, discordant: float, limit: float = 0.0, level: float = 0.95, power: float = 0.8
) -> float | None:
    """Smallest true difference of two models on the same rows whose lower bound exceeds ``limit`` with that power.

    Args:
        n: Rows, > 0.
        discordant: Share of rows on which one model is right and the other wrong, in (0, 1].
        limit: Limit of the difference, in [0, 1].
        level: One-sided level of the bound, in [0.9, 1).
        power: Chance wanted, in (0, 1).

    Returns:
        The difference, at most ``discordant``; None where not even that would be seen.

    Raises:
        ValueError: If an argument is out of range.
    """
    n, discordant, limit = denominator("n", n), _inside("discordant", discordant), _inside("limit", limit)
    alpha = np.array([1 - _level(level)])
    split, chance = likely(n, discordant)
    rows = np.full(split.shape, n)

    # Of the discordant rows, a share (1 + difference / discordant) / 2 falls to the first model.
    def clears(b: Array) -> Array:
        return np.asarray(paired_lows(b, split - b, rows, alpha)[:, 0] > limit)

    lean = _least(clears, split, chance, power)
    return None if lean is None else discordant * (2 * lean - 1)


def worth(rows: float, *, per_cluster: float, correlation: float, unequal: float = 0.0) -> float:
    """Independent rows that rows in clusters are worth: rows over the design effect (Kish 1965; Eldridge 2006).

    Args:
        rows: Rows, > 0.
        per_cluster: Mean number of rows of a cluster, 1 or more.
        correlation: Correlation of two rows of a cluster, in [0, 1].
        unequal: Standard deviation of the sizes of clusters over their mean, 0 or more.

    Raises:
        ValueError: If an argument is out of range.
    """
    if rows <= 0 or per_cluster < 1 or unequal < 0:
        raise ValueError(f"rows {rows}, per_cluster {per_cluster}, unequal {unequal}: expected more than 0, 1, 0")
    larger = per_cluster * (1 + unequal**2)
    return rows / (1 + max(larger - 1, 0.0) * _inside("correlation", correlation))


def clusters_for(rows: int, *, per_cluster: float, correlation: float, unequal: float = 0.0) -> tuple[int, int]:
    """Clusters, and rows in them, that are worth so many independent rows; arguments and errors as of ``worth``."""
    each = worth(per_cluster, per_cluster=per_cluster, correlation=correlation, unequal=unequal)
    clusters = math.ceil(rows / each - 1e-9)
    return clusters, math.ceil(clusters * per_cluster)


def _rows(half_width: float, variance: float, level: float) -> int:
    """Rows at which a mean with this variance a row has the half-width asked."""
    if half_width <= 0:
        raise ValueError(f"half_width is {half_width}; expected a positive number")
    z = NormalDist().inv_cdf((1 + _open("level", level)) / 2)
    return max(1, math.ceil(z * z * variance / half_width**2))


def likely(n: int, share: float) -> tuple[Array, Array]:
    """Counts that ``n`` rows may well give at this share, and the chance of each."""
    from scipy.stats import binom

    reach = STANDARD_DEVIATIONS * (math.sqrt(n * share * (1 - share)) + 1)
    counts = np.arange(max(0, math.floor(n * share - reach)), min(n, math.ceil(n * share + reach)) + 1)
    return counts, binom.pmf(counts, n, share)


def _least(clears: Callable[[Array], Array], rows: Array, chance: Array, power: float) -> float | None:
    """Smallest share of successes at which the limit is cleared with chance ``power``.

    Args:
        clears: Says for a number of successes in each of ``k`` situations whether the bound clears the limit.
        rows: Rows in each situation, ``(k,)``.
        chance: Chance of each situation, ``(k,)``.
        power: Chance wanted.
    """
    from scipy.special import bdtrc

    power = _open("power", power)
    needed = fewest(clears, rows)
    if chance[needed <= rows].sum() < power:
        return None

    def weaker(share: Array) -> Array:
        return np.asarray((chance * bdtrc(needed - 1, rows, share[..., None])).sum(axis=-1) < power)

    return float(first_uncleared(weaker, np.array(0.0), np.array(1.0)))


def fewest(clears: Callable[[Array], Array], rows: Array) -> Array:
    """Fewest successes that clear the limit, shape of ``rows``; one more than there are rows where none does."""
    low, high = np.full(rows.shape, -1), rows + 1
    while np.any(high - low > 1):
        # A search that has ended asks for its low end again, which may be -1.
        middle = (low + high) // 2
        cleared = clears(np.maximum(middle, 0)) & (middle >= 0)
        low, high = np.where(cleared, low, middle), np.where(cleared, middle, high)
    return high


def _inside(name: str, value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; expected a number in [0, 1]")
    return value


def _open(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; expected a number in (0, 1)")
    return value


def _level(value: float) -> float:
    """A level at which the bounds that gate are known to hold."""
    if not 0.9 <= value < 1:
        raise ValueError(f"level is {value}; expected a number in [0.9, 1)")
    return value
