"""Many tests at once, by Holm."""

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
    p = numbers("p_values", p_values)
    if np.any((p < 0) | (p > 1)):
        raise ValueError("p_values holds a value outside [0, 1]")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted
