"""Turn a family of one-sided tests into a bound, by cutting the range again and again."""

from __future__ import annotations

from collections.abc import Callable

from govkit.core.case import Array
from govkit.lazy import np

SECTIONS = 32
ROUNDS = 9  # 32**9 = 2**45: as fine as 45 bisections, with a fifth of the calls
FEW = 64
"""Up to this number of bounds a call costs more than its numbers do; above it, halving tries fewer numbers."""


def first_uncleared(clears: Callable[[Array], Array], start: Array, stop: Array, *, rounds: int = ROUNDS) -> Array:
    """Smallest value in ``[start, stop]`` that a test does not reject: the lower confidence bound.

    Args:
        clears: Takes trial values ``(..., t)`` and says where the data rule them out as too low.
        start: Smallest possible value, shape ``(...)``.
        stop: Largest value worth trying, shape ``(...)``.
        rounds: Cuts, each to a 32nd: the bound lies at most ``(stop - start) / 32**rounds`` above what is returned.

    Returns:
        The bound, shape ``(...)``, from below: the last value known to be ruled out, or ``start``.
    """
    low, width = np.asarray(start, dtype=np.float64), np.asarray(stop - start, dtype=np.float64)
    finest = SECTIONS**rounds
    sections = SECTIONS if low.size <= FEW else 2
    # Places are whole numbers of the finest step, so that both ways of cutting try the same values to the last digit.
    place, step = np.zeros(low.shape), finest // sections
    while step:
        trial = place[..., None] + step * np.arange(1, sections)
        cleared = clears(low[..., None] + width[..., None] * (trial / finest))
        place = place + step * np.logical_and.accumulate(cleared, axis=-1).sum(axis=-1)
        step //= sections
    return np.asarray(low + width * (place / finest))
