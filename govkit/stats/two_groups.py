"""Two independent groups: the difference and the ratio of their shares.

The bounds invert the score test of Miettinen and Nurminen (1985) with a continuity and a skewness correction. The
plain test, like Newcombe's intervals, misses far too often at strict levels when shares are near 0 or 1; with the
corrections no miss rate above the nominal one was found by exact enumeration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Design, in_clusters, readers
from govkit.stats.estimate import ALPHAS, QUANTILES, UNBOUNDED, Estimate, assemble
from govkit.stats.inputs import fraction, fractions, same_length
from govkit.stats.inversion import ROUNDS, first_uncleared
from govkit.stats.newcombe import newcombe

METHOD = "corrected Miettinen-Nurminen"
TINY = 1e-300


def difference(x: int, n: int, y: int, m: int, *, design: Design | None = None) -> Estimate:
    """Difference ``x/n - y/m`` of two shares, in [-1, 1].

    Raises:
        ValueError: If a group has no rows, or more successes than rows.
    """
    return differences(*([value] for value in (*fraction(x, n), *fraction(y, m))), design=design)[0]


def differences(x: Any, n: Any, y: Any, m: Any, *, design: Design | None = None) -> list[Estimate]:
    """One difference for each of ``k`` tables, all at once; same estimates as from ``difference``.

    Args:
        x: Successes of the first groups ``(k,)``.
        n: Rows of the first groups ``(k,)``.
        y: Successes of the second groups ``(k,)``.
        m: Rows of the second groups ``(k,)``.
        design: Of these differences, where rows lie in clusters.

    Raises:
        ValueError: If a group has no rows, or more successes than rows.
    """
    table = _tables(x, n, y, m)
    lows, negative = _both(difference_low, table, np.array(QUANTILES))
    lows, highs = in_clusters(design, table[0] / table[1] - table[2] / table[3], (lows, -negative))
    return [
        assemble(a / rows - b / others, rows + others, low, high, within=(-1.0, 1.0), **reader)
        for a, rows, b, others, low, high, reader in zip(
            *(part.tolist() for part in table), lows, highs, readers("Newcombe", newcombe, design, *table), strict=True
        )
    ]


def absolute_difference(x: int, n: int, y: int, m: int, *, design: Design | None = None) -> Estimate:
    """Absolute difference ``|x/n - y/m|``, in [0, 1]; the lower bound splits its error over the two sides.

    Raises:
        ValueError: If a group has no rows, or more successes than rows.
    """
    from scipy.special import ndtri

    (x, n), (y, m) = fraction(x, n), fraction(y, m)
    ends = []
    for alphas, z in ((np.array(ALPHAS) / 2, -ndtri(np.array(ALPHAS) / 2)), (np.array(ALPHAS), np.array(QUANTILES))):
        low, negative = _both(difference_low, (x, n, y, m), z)
        ends.append(in_clusters(design, [x / n - y / m], (low[None], -negative[None]), alphas))
    (low, high), (least, most) = ends
    lows, highs = np.maximum(low, -high)[0], np.maximum(most, -least)[0]
    (reader,) = readers(METHOD, lambda *_: None, design, np.array([n]))
    return assemble(abs(x / n - y / m), n + m, lows, highs, within=(0.0, 1.0), **reader)


def ratio(x: int, n: int, y: int, m: int, *, design: Design | None = None) -> Estimate:
    """Ratio ``(x/n) / (y/m)`` of two shares, 0 or more; an upper bound may be ``UNBOUNDED``.

    Raises:
        ValueError: If a group has no rows, more successes than rows, or the second has no success.
    """
    return ratios(*([value] for value in (*fraction(x, n), *fraction(y, m))), design=design)[0]


def ratios(x: Any, n: Any, y: Any, m: Any, *, design: Design | None = None) -> list[Estimate]:
    """One ratio for each of ``k`` tables, all at once; arguments as of ``differences``, same estimates as ``ratio``.

    Raises:
        ValueError: If a group has no rows, more successes than rows, or a second one has no success.
    """
    table = _tables(x, n, y, m)
    for none in np.flatnonzero(table[2] == 0):
        raise ValueError(f"the second group has 0 successes in {table[3][none]} rows; a ratio to it is undefined")
    lows, inverse = _both(ratio_low, table, np.array(QUANTILES))
    lows, highs = in_clusters(design, table[0] / table[1] / (table[2] / table[3]), (lows, reciprocal(inverse)))
    by_method = readers(METHOD, lambda *_: None, design, *table)
    return [
        assemble((a / rows) / (b / others), rows + others, low, high, within=(0.0, UNBOUNDED), **reader)
        for a, rows, b, others, low, high, reader in zip(
            *(part.tolist() for part in table), lows, highs, by_method, strict=True
        )
    ]


def reciprocal(low: Array) -> Array:
    """``1 / low``, and ``UNBOUNDED`` where that is not finite."""
    return np.where(low > TINY, 1 / np.maximum(low, TINY), UNBOUNDED)


def _tables(x: Any, n: Any, y: Any, m: Any) -> tuple[Array, Array, Array, Array]:
    """Counts of ``k`` pairs of groups, checked, each ``(k,)``."""
    first, second = fractions(x, n, at_least=0), fractions(y, m, at_least=0)
    same_length(first=first[0], second=second[0])
    return *first, *second


def _both(low: Callable[..., Array], table: tuple[Any, Any, Any, Any], z: Array) -> Array:
    """Lower bounds of each table and of the same with its groups swapped, ``(2, k, len(z))``; k is left out of one."""
    x, n, y, m = table
    successes, rows = np.array([x, y])[..., None], np.array([n, m])[..., None]
    return np.asarray(low(successes, rows, successes[::-1], rows[::-1], z=z))


def difference_low(x: Array, n: Array, y: Array, m: Array, *, z: Array, rounds: int = ROUNDS) -> Array:
    """Lower bounds of ``x/n - y/m`` at normal quantiles ``z`` (each > 1); arguments broadcast."""
    x, n, y, m, z = (np.asarray(part, dtype=np.float64)[..., None] for part in np.broadcast_arrays(x, n, y, m, z))
    continuity, inflate, skew = 0.5 / np.minimum(n, m), (n + m) / (n + m - 1), (z * z - 1) / 6
    observed = x / n - y / m

    def clears(trial: Array) -> Array:
        r1, r2 = _constrained(x / n, y / m, m / n, trial)
        s1, s2 = r1 * (1 - r1) / n, r2 * (1 - r2) / m
        v = (s1 + s2) * inflate
        k3 = s1 * (1 - 2 * r1) / n - s2 * (1 - 2 * r2) / m
        shift = skew * np.maximum(0, k3 / np.maximum(v, TINY))
        return np.asarray(observed - trial - continuity - shift > z * np.sqrt(v))

    return first_uncleared(clears, np.full(observed.shape[:-1], -1.0), observed[..., 0], rounds=rounds)


def _constrained(p1: Array, p2: Array, theta: Array, gap: Array) -> tuple[Array, Array]:
    """Most likely shares ``(r1, r2)`` with ``r1 - r2 = gap``: the closed cubic of Farrington and Manning (1990)."""
    # Failures are counted instead where they are the rarer kind: small shares keep their digits.
    flipped = p1 + theta * p2 > (1 + theta) / 2
    p1, p2, gap = np.where(flipped, 1 - p1, p1), np.where(flipped, 1 - p2, p2), np.where(flipped, -gap, gap)
    a = 1 + theta
    b = -(1 + theta + p1 + theta * p2 + gap * (theta + 2))
    c = gap * gap + gap * (2 * p1 + theta + 1) + p1 + theta * p2
    d = -p1 * gap * (1 + gap)
    third = b / (3 * a)
    # Products, not powers: a power of a negative number takes a hundred times as long.
    v = third * third * third - third * c / (2 * a) + d / (2 * a)
    u = np.copysign(np.sqrt(np.maximum(third * third - c / (3 * a), 0)), v)
    cube = np.where(u == 0, 1.0, u * u * u)
    angle = (np.pi + np.arccos(np.clip(v / cube, -1, 1))) / 3
    least, most = np.maximum(0, gap), np.minimum(1, 1 + gap)
    r1 = np.clip(2 * u * np.cos(angle) - third, least, most)
    for _ in range(2):
        # Close roots (rare events, groups of very unequal size) leave the closed form half its digits: Newton.
        slope = (3 * a * r1 + 2 * b) * r1 + c
        step = (((a * r1 + b) * r1 + c) * r1 + d) / np.where(slope == 0, np.inf, slope)
        r1 = np.clip(r1 - step, least, most)
    r2 = np.clip(r1 - gap, 0, 1)
    return np.where(flipped, 1 - r1, r1), np.where(flipped, 1 - r2, r2)


def ratio_low(x: Array, n: Array, y: Array, m: Array, *, z: Array, rounds: int = ROUNDS) -> Array:
    """Lower bounds of ``(x/n) / (y/m)`` at normal quantiles ``z`` (each > 1); arguments broadcast; ``y`` may be 0."""
    x, n, y, m, z = (np.asarray(part, dtype=np.float64)[..., None] for part in np.broadcast_arrays(x, n, y, m, z))
    inflate, skew = (n + m) / (n + m - 1), (z * z - 1) / 6

    def clears(scaled: Array) -> Array:
        rho = scaled / (1 - scaled)
        # Most likely r2 under r1 = rho * r2: the root of a quadratic, in its stable form.
        half = n * rho + x + m + y * rho
        root = np.sqrt(np.maximum(half * half - 4 * (n + m) * rho * (x + y), 0))
        r2 = np.minimum(2 * (x + y) / (half + root), np.minimum(1, 1 / np.maximum(rho, TINY)))
        r1 = rho * r2
        s1, s2 = r1 * (1 - r1) / n, rho * rho * r2 * (1 - r2) / m
        v = (s1 + s2) * inflate
        k3 = s1 * (1 - 2 * r1) / n - rho * s2 * (1 - 2 * r2) / m
        shift = skew * np.maximum(0, k3 / np.maximum(v, TINY))
        continuity = 0.5 * np.maximum(1 / n, rho / m)
        return np.asarray(x / n - rho * y / m - continuity - shift > z * np.sqrt(v))

    # rho in [0, inf) is searched as rho / (1 + rho), so that small and large ratios get the same care.
    shape = x.shape[:-1]
    scaled = first_uncleared(clears, np.zeros(shape), np.ones(shape), rounds=rounds)
    return np.asarray(scaled / (1 - scaled))
