"""Counts of rows, enumerated: which are likely, and the fewest that clear something."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import binom

STANDARD_DEVIATIONS = 6
"""Counts farther from their mean have a chance below 1e-8 and are left out."""


def likely(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts that ``n`` rows may well give at this share, and the chance of each."""
    reach = STANDARD_DEVIATIONS * (math.sqrt(n * share * (1 - share)) + 1)
    counts = np.arange(max(0, math.floor(n * share - reach)), min(n, math.ceil(n * share + reach)) + 1)
    return counts, binom.pmf(counts, n, share)


def fewest(clears: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Fewest successes that clear the limit, shape of ``rows``; one more than there are rows where none does."""
    low, high = np.full(rows.shape, -1), rows + 1
    while np.any(high - low > 1):
        # A search that has ended asks for its low end again, which may be -1.
        middle = (low + high) // 2
        cleared = clears(np.maximum(middle, 0)) & (middle >= 0)
        low, high = np.where(cleared, low, middle), np.where(cleared, middle, high)
    return high
