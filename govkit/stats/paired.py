"""Two models on the same rows: the difference of their shares, flips, and the exact test of McNemar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Design, in_clusters, readers
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import count, counts, denominator, fractions, same_length, truths
from govkit.stats.inversion import first_uncleared
from govkit.stats.newcombe import newcombe_paired
from govkit.stats.proportions import clopper_pearson, proportions

FEWEST = 7
"""Below this number of rows the score test misses too often; the proven product of exact bounds takes over."""

TINY = 1e-300


@dataclass(frozen=True)
class Flips:
    """Rows whose answer changed between two models.

    Attributes:
        negative: Share right before and wrong now.
        positive: Share wrong before and right now.
        change: Share right now less share right before: ``positive - negative``.
        p_value: McNemar's exact test that both kinds are equally likely.
    """

    negative: Estimate
    positive: Estimate
    change: Estimate
    p_value: float


def paired_difference(b: int, c: int, n: int, *, both: int | None = None, design: Design | None = None) -> Estimate:
    """Difference of two shares on the same rows, ``(b - c)/n``, in [-1, 1].

    Bounds invert Tango's score test (1998) with a continuity and a skewness correction; below 7 rows they are the
    product of exact bounds on the share of discordant rows and on its split.

    Args:
        b: Rows where only the first is right.
        c: Rows where only the second is right.
        n: All rows.
        both: Rows where both are right; with it the reader's interval is Newcombe's, else that of the bounds.
        design: Of the difference, where rows lie in clusters.

    Raises:
        ValueError: If there are no rows, or the counts together exceed them.
    """
    n = denominator("the number of rows", n)
    b, c = count("b", b, most=n), count("c", c, most=n)
    count("b + c + both", b + c + (0 if both is None else count("both", both)), most=n)
    return paired_differences([b], [c], [n], both=None if both is None else [both], design=design)[0]


def paired_differences(b: Any, c: Any, n: Any, *, both: Any = None, design: Design | None = None) -> list[Estimate]:
    """One paired difference for each of ``k`` tables, all at once; same estimates as from ``paired_difference``.

    Args:
        b: Counts ``(k,)``.
        c: Counts ``(k,)``.
        n: Rows ``(k,)``.
        both: Counts ``(k,)``, or None.
        design: Of these differences, where rows lie in clusters.

    Raises:
        ValueError: If the lengths differ, a table has no rows, or its counts together exceed them.
    """
    b, c = counts("b", b, at_least=0), counts("c", c, at_least=0)
    right = 0 * b if both is None else counts("both", both, at_least=0)
    same_length(b=b, c=c, both=right)
    _, n = fractions(b + c + right, n, at_least=0)
    lows, negative = paired_lows(np.stack([b, c]), np.stack([c, b]), np.stack([n, n]), np.array(ALPHAS))
    lows, highs = in_clusters(design, (b - c) / n, (lows, -negative))
    by_method = readers("Newcombe, paired", newcombe_paired if both is not None else _none, design, right, b, c, n)
    found = []
    for one, other, rows, low, high, reader in zip(
        b.tolist(), c.tolist(), n.tolist(), lows, highs, by_method, strict=True
    ):
        if both is None and "interval" in reader:
            reader["method"] = "corrected Tango" if rows >= FEWEST else "product of exact bounds"
        found.append(assemble((one - other) / rows, rows, low, high, within=(-1.0, 1.0), **reader))
    return found


def _none(*_: int) -> None:
    """No formula of its own: the reader gets the bounds."""


def paired_lows(b: Array, c: Array, n: Array, alpha: Array) -> Array:
    """Lower bounds of ``(b - c)/n``, each by the method for its number of rows.

    Args:
        b: Counts, any shape.
        c: Counts, same shape.
        n: Rows, same shape.
        alpha: One-sided errors, each below 0.15: ``(levels,)``, or that shape and ``levels``.

    Returns:
        Bounds, that shape and ``levels``.
    """
    from scipy.special import ndtri

    b, c, n, alpha = np.broadcast_arrays(b[..., None], c[..., None], n[..., None], alpha)
    bounds = np.empty(alpha.shape)
    many = n >= FEWEST
    bounds[many] = paired_low(b[many], c[many], n[many], z=-ndtri(alpha[many]))
    bounds[~many] = exact_low(b[~many], c[~many], n[~many], alpha[~many])
    return bounds


def paired_low(b: Array, c: Array, n: Array, *, z: Array) -> Array:
    """Lower bounds of ``(b - c)/n`` at normal quantiles ``z`` (each > 1); arguments broadcast; every n >= 7."""
    b, c, n, z = (np.asarray(part, dtype=np.float64)[..., None] for part in np.broadcast_arrays(b, c, n, z))
    # Three quarters of a row, and a little more where there are few: the least that enumeration lets pass.
    skew, continuity = (z * z - 1) / 6, 0.75 + 3 / n

    def clears(trial: Array) -> Array:
        beta = (2 * n - b + c) * trial - b - c
        gamma = -c * trial * (1 - trial)
        root = np.sqrt(np.maximum(beta * beta - 8 * n * gamma, 0))
        q = np.maximum((root - beta) / (4 * n), np.maximum(0, -trial))
        discordant = np.minimum(2 * q + trial, 1)
        v = np.maximum(discordant - trial * trial, 0)
        k3 = trial - 3 * trial * discordant + 2 * trial * trial * trial
        shift = skew * np.maximum(0, k3 / np.maximum(v, TINY))
        return np.asarray(b - c - n * trial - continuity - shift > z * np.sqrt(n * v))

    return first_uncleared(clears, np.full(b.shape[:-1], -1.0), ((b - c) / n)[..., 0])


def exact_low(b: Array, c: Array, n: Array, alpha: Array) -> Array:
    """Proven lower bound: the split of the discordant rows at 0.8 alpha, their share at 0.1 alpha a side."""
    discordant = b + c
    split = np.where(discordant > 0, clopper_pearson(b, np.maximum(discordant, 1), 0.8 * alpha)[0], 0.0)
    fewest, most = clopper_pearson(discordant, n, 0.1 * alpha)
    lean = 2 * split - 1
    return np.where(lean >= 0, fewest, most) * lean


def flips(old_right: Any, new_right: Any) -> Flips:
    """Count the rows that changed sides between two models.

    Args:
        old_right: Truths ``(n,)``: was the old answer right?
        new_right: The same of the new one, on the same rows.

    Raises:
        ValueError: If there are no rows or the lengths differ.
    """
    old, new = truths("old_right", old_right), truths("new_right", new_right)
    same_length(old_right=old, new_right=new)
    lost, won, both, n = int((old & ~new).sum()), int((~old & new).sum()), int((old & new).sum()), old.size
    negative, positive = proportions([lost, won], [n, n])
    return Flips(negative, positive, paired_difference(won, lost, n, both=both), mcnemar_exact(won, lost))


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided p-value that discordant rows fall either way with equal chance (McNemar 1947, exact binomial).

    Args:
        b: Rows where only the first is right.
        c: Rows where only the second is right.
    """
    from scipy.special import bdtr

    b, c = count("b", b), count("c", c)
    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))
