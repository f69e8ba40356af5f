"""Many tests at once: Holm where an alarm blocks, Benjamini and Hochberg for a list of what to look at."""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.inputs import numbers


def holm(p_values: Any) -> Array:
    """Adjusted p-values that keep the chance of any false alarm at the nominal level (Holm 1979).

    Args:
        p_values: p-values in [0, 1], shape ``(k,)``.

    Returns:
        Adjusted p-values ``(k,)`` in the order given.

    Raises:
        ValueError: If there is none, or one lies outside [0, 1].
    """
    p, order = _sorted(p_values)
    return _restored(np.maximum.accumulate(p * np.arange(p.size, 0, -1)), order)


def benjamini_hochberg(p_values: Any) -> Array:
    """Adjusted p-values that keep the expected share of false alarms among the alarms at the nominal level.

    Holds for independent or positively dependent tests (Benjamini and Hochberg 1995; Benjamini and Yekutieli 2001).
    An alarm here is worth a look; it must not block.

    Args:
        p_values: p-values in [0, 1], shape ``(k,)``.

    Returns:
        Adjusted p-values ``(k,)`` in the order given.

    Raises:
        ValueError: If there is none, or one lies outside [0, 1].
    """
    p, order = _sorted(p_values)
    stepped = p * (p.size / np.arange(1, p.size + 1))
    return _restored(np.minimum.accumulate(stepped[::-1])[::-1], order)


def _sorted(p_values: Any) -> tuple[Array, Array]:
    """p-values, smallest first, and the place each came from."""
    p = numbers("p_values", p_values)
    if np.any((p < 0) | (p > 1)):
        raise ValueError("p_values holds a value outside [0, 1]")
    order = np.argsort(p, kind="stable")
    return p[order], order


def _restored(stepped: Array, order: Array) -> Array:
    """Sorted values, at most 1, back in the order given."""
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
