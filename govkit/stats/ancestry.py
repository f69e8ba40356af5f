"""Do two tensors share an origin? Row by row statistics of weights, and the rule that reads them.

Tuning moves every row of a weight matrix a little and leaves it where it was; nets that began apart have no reason to
agree on which row is which. So equal row numbers of both tensors are compared (the diagonal) with unequal ones, which
are the null of the test. It survives what keeps rows apart from each other: full tuning, low-rank updates, pruning,
quantization, another type of number. Tensors are arrays whose first axis is the rows; the other axes are flattened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from govkit.core.case import Array
from govkit.lazy import np

Answer = Literal["derived", "shares its origin", "cannot tell", "not derived"]

SHARED: tuple[Answer, ...] = ("derived", "shares its origin")
"""Answers that say that weights have a common origin."""

NEAR = 0.4
"""Norm of the change over the norm of the base, from which on tuning is not told from two trainings that began alike:
those end .54 to .65 apart, tuning on the same task .02 to .6."""

HIT_Z, HIT_D = 8.0, 0.05
"""From these two on a tensor hits: the null stays below z = 5 and d = .07, never both."""

TRIED_Z = 10.0
"""The same limit where many tensors were tried and the best is taken."""

QUIET_Z = 5.0
"""Below this a tensor looks like the null."""

SAME_SPECTRUM = 0.25
"""Distance of spectra after a rotation and at most 1 % of noise; .7 to 3.6 between nets of one recipe and two seeds."""

SEARCH_COSINE = 0.5
"""A row that is found among others of at least 128 numbers; chance reaches .41 among 50,000 of them."""

SMALLEST, ROUNDING = 0.01, 1e-6
"""Singular values below this share of the largest may be what rounding left; squares below the other, of float32."""


def unit_rows(rows: Array, *, even: bool = False) -> Array:
    """Rows ``(n, c)`` without their mean, each of length 1; a row without length stays zero, float32.

    With ``even``, the strong half of their directions is first cut down to the median of all. Two nets that learned
    the same about the same items (rows of an embedding) learned it in a few directions, and their bases agree by
    chance; what shows a common origin is agreement in all the others.
    """
    flat = np.nan_to_num(np.asarray(rows, dtype=np.float32).reshape(len(rows), -1), posinf=0.0, neginf=0.0)
    flat = flat - flat.mean(axis=0)
    flat = _evened(flat) if even else flat
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.divide(flat, lengths, out=np.zeros_like(flat), where=lengths > 0)


def _evened(flat: Array) -> Array:
    """The matrix with its singular values limited to their median, or to the smallest that says anything."""
    wide = flat.shape[0] <= flat.shape[1]
    squares, vectors = np.linalg.eigh((flat @ flat.T if wide else flat.T @ flat).astype(np.float64))
    squares = squares.clip(min=0)
    real = squares[squares > ROUNDING * squares[-1]]
    if not len(real):
        return flat
    limit = max(float(np.median(real)), SMALLEST**2 * float(squares[-1]))
    factor = np.sqrt(limit / np.maximum(squares, limit))
    turn = ((vectors * factor) @ vectors.T).astype(np.float32)
    return turn @ flat if wide else flat @ turn


def alignment(candidate: Array, base: Array) -> tuple[float, float]:
    """How far equal rows agree more than unequal ones.

    Args:
        candidate: Unit rows ``(n, c)``, as ``unit_rows(..., even=True)`` makes them.
        base: The rows of the same numbers, in the same form.

    Returns:
        ``d``, mean cosine of equal rows minus mean cosine of unequal ones, in [-2, 2]; and ``z``, d in standard errors
        of a mean of n unequal pairs. Both are 0 where nothing varies.
    """
    cosines = (candidate @ base.T).astype(np.float64)
    n = len(cosines)
    equal = np.diagonal(cosines)
    pairs = n * (n - 1)
    if not pairs:
        return 0.0, 0.0
    mean = (cosines.sum() - equal.sum()) / pairs
    variance = ((cosines**2).sum() - (equal**2).sum()) / pairs - mean**2
    d = float(equal.mean() - mean)
    return (d, d * float(np.sqrt(n / variance))) if variance > 1e-12 else (0.0, 0.0)


def spectra_apart(candidate: Array, base: Array) -> float:
    """Median relative distance of the sorted singular values of two matrices of one shape, times their number.

    Matrices drawn alike have nearly equal spectra without sharing anything, the nearer the larger they are; times the
    number of values that distance stays the same. A rotation leaves none at all.
    """
    given, own = (
        np.linalg.svd(np.nan_to_num(np.asarray(each, dtype=np.float64)).reshape(len(each), -1), compute_uv=False)
        for each in (candidate, base)
    )
    return float(len(own) * np.median(np.abs(given - own) / np.maximum(own, 1e-9 * own[0] + 1e-30)))


def moved(candidate: Array, base: Array, *, rows: int = 256) -> tuple[float, float, int]:
    """What tuning changed in a tensor.

    Returns:
        Sum of squares of the difference; sum of squares of the base; and the rank of the change: how many directions
        carry 99 % of it in at most ``rows`` evenly spaced rows (0 for no change, 1 for a vector). A sample of rows of
        a matrix of low rank has the same rank.
    """
    was = np.nan_to_num(np.asarray(base, dtype=np.float32))
    change = np.nan_to_num(np.asarray(candidate, dtype=np.float32)) - was
    squares = float(np.vdot(change, change)), float(np.vdot(was, was))
    if not squares[0] or change.ndim < 2:
        return (*squares, int(squares[0] > 0))
    flat = change.reshape(len(change), -1)
    flat = flat[:: -(-len(flat) // rows)].astype(np.float64)
    values = np.linalg.eigvalsh(flat @ flat.T if len(flat) <= flat.shape[1] else flat.T @ flat)[::-1].clip(min=0)
    carried = np.cumsum(values)
    return (*squares, int(np.searchsorted(carried, 0.99 * carried[-1]) + 1) if carried[-1] else 0)


@dataclass(frozen=True)
class Seen:
    """What the comparison of two sets of tensors saw.

    Attributes:
        tensors: Tensors of the candidate that count: two or more axes, and not tiny.
        compared: Those that had a counterpart in the base.
        hits: Those that share their rows with the base.
        highest: Largest z among tensors that were aligned by name.
        same_spectra: Whether singular values agree although no row does, as after a rotation.
        change: Norm of what changed in the tensors that hit over their norm in the base; None where nobody knows.
    """

    tensors: int
    compared: int
    hits: int
    highest: float
    same_spectra: bool = False
    change: float | None = None


def answer(seen: Seen) -> tuple[Answer, str]:
    """``derived``, ``shares its origin``, ``not derived`` or ``cannot tell``, and why, in a sentence.

    Tensors are counted, not parameters: an embedding alone can be half of the parameters.
    """
    share = f"{seen.hits} of {seen.tensors} tensors"
    if seen.tensors < 3:
        return "cannot tell", f"Only {seen.tensors} tensors of the candidate are large enough to compare; 3 are needed."
    if seen.hits >= 3 and 2 * seen.hits >= seen.tensors:
        if seen.change is not None and seen.change < NEAR:
            return "derived", f"{share} share their rows with the base."
        why = (
            "which of two is the child, or whether both began from the same numbers, weights this far apart do not say"
        )
        return "shares its origin", f"{share} share their rows with the base; {why}."
    if seen.hits:
        return "cannot tell", f"{share} share their rows with the base: a part was copied, or the rest was remade."
    if 2 * seen.compared < seen.tensors:
        return "cannot tell", f"Only {seen.compared} of {seen.tensors} tensors have a counterpart in the base."
    if seen.highest >= QUIET_Z:
        return "cannot tell", "No tensor shares its rows with the base, but one leans towards it more than chance does."
    if seen.same_spectra:
        return "cannot tell", "No tensor shares its rows with the base, but singular values do: it may be rotated."
    return "not derived", f"None of {seen.tensors} tensors shares its rows with the base."
