"""Turn a family of one-sided tests into a bound, by cutting the range again and again."""

from __future__ import annotations

from collections.abc import Callable

from govkit.core.case import Array

SECTIONS = 32
ROUNDS = 9  # 32**9 = 2**45: as fine as 45 bisections, with a fifth of the calls


def first_uncleared(clears: Callable[[Array], Array], start: Array, stop: Array, *, rounds: int = ROUNDS) -> Array:
    """Smallest value in ``[start, stop]`` that a test does not reject: the lower confidence bound.

    Args:
        clears: Takes trial values ``(..., 31)`` and says where the data rule them out as too low.
        start: Smallest possible value, shape ``(...)``.
        stop: Largest value worth trying, shape ``(...)``.
        rounds: Cuts, each to a 32nd: the bound lies at most ``(stop - start) / 32**rounds`` above what is returned.

    Returns:
        The bound, shape ``(...)``, from below: the last value known to be ruled out, or ``start``.
    """
    import numpy as np

    low, high = np.asarray(start, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    parts = np.arange(1, SECTIONS) / SECTIONS
    for _ in range(rounds):
        width = high - low
        cleared = np.logical_and.accumulate(clears(low[..., None] + width[..., None] * parts), axis=-1).sum(axis=-1)
        low = low + width * (cleared / SECTIONS)
        high = low + width / SECTIONS
    return low
