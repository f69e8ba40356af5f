"""Differences of shares for the reader: Newcombe's square-and-add of two Wilson intervals.

Close to the truth at 95 %, but not at the strict levels of a gate, where the bounds invert a corrected score test.
"""

from __future__ import annotations

import math

from govkit.stats.proportions import wilson


def newcombe(x: float, n: float, y: float, m: float) -> tuple[float, float]:
    """95 % interval of ``x/n - y/m`` on different rows (Newcombe 1998, Statistics in Medicine 17:873, method 10)."""
    return _joined(x / n, wilson(x, n), y / m, wilson(y, m))


def newcombe_paired(both: int, b: int, c: int, n: int) -> tuple[float, float]:
    """95 % interval of ``(b - c)/n`` on the same rows (Newcombe 1998, Statistics in Medicine 17:2635, method 10).

    Args:
        both: Rows where both are right.
        b: Rows where only the first is right.
        c: Rows where only the second is right.
        n: All rows.
    """
    first, second = both + b, both + c
    return _joined(first / n, wilson(first, n), second / n, wilson(second, n), _phi(both, b, c, n))


def _phi(both: int, b: int, c: int, n: int) -> float:
    """Correlation of the two answers, a positive one shrunk by half a row's worth; 0 where one never varies."""
    margins = math.prod((both + b, n - both - b, both + c, n - both - c))
    agreement = float(both * (n - both - b - c) - b * c)
    if agreement > 0:
        agreement = max(agreement - n / 2, 0.0)
    return agreement / math.sqrt(margins) if margins else 0.0


def _joined(
    p: float, first: tuple[float, float], q: float, second: tuple[float, float], phi: float = 0.0
) -> tuple[float, float]:
    """Ends of ``p - q``, from the intervals of both and their correlation ``phi``."""
    low = math.sqrt(_square(p - first[0], second[1] - q, phi))
    high = math.sqrt(_square(first[1] - p, q - second[0], phi))
    return p - q - low, p - q + high


def _square(one: float, other: float, phi: float) -> float:
    # Never negative, but for rounding where phi is 1.
    return max(one * one - 2 * phi * one * other + other * other, 0.0)
