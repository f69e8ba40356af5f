"""Is a model asked twice the same model? Some rows are asked again, in other company and from another random state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np

TOGETHER = 4
"""Rows in one question; chance that is drawn once for a batch is drawn anew for each."""

ROWS = 32
"""Rows that are asked again before the answers of a model are kept."""

TOLERANCE = 0.005
"""A probability that moves by less has not moved: batches of other sizes are summed in another order. Of numbers, the
share of their standard deviation."""


def again(predict: Callable[[Any], Array], inputs: Any, rows: Array) -> Array:
    """What a model answers to some rows when each is asked among rows that lie far away from it.

    Args:
        predict: Asks the model.
        inputs: Inputs of any modality, ``n`` rows.
        rows: Numbers of the rows, int ``(m,)``.

    Returns:
        Its answers ``(m, k)``, in questions of ``TOGETHER`` rows.
    """
    calls = -(-len(rows) // TOGETHER)
    found: dict[int, Array] = {}
    for start in range(calls):
        some = rows[start::calls][::-1]
        found |= dict(zip(some.tolist(), np.asarray(predict(rows_of(inputs, some))), strict=True))
    return np.stack([found[row] for row in rows.tolist()])


def one_by_one(predict: Callable[[Any], Array], inputs: Any) -> Array:
    """What a model answers to each row asked alone, ``(n, k)``: draws of different rows are then independent."""
    rows = range(len(inputs))
    return np.concatenate([predict(rows_of(inputs, np.array([row]))) for row in rows])


def moved(first: Array, second: Array, *, numbers: bool = False) -> Array:
    """Rows ``(n,)`` whose second answers ``(n, k)``, probabilities or ``numbers``, are not the first."""
    one, two = (np.asarray(part, dtype=np.float64).reshape(len(part), -1) for part in (first, second))
    scale = max(float(one.std()), 1e-4 * float(np.abs(one).mean()), 1e-300) if numbers else 1.0
    return ~(np.abs(one - two).max(axis=1) <= TOLERANCE * scale)


def spread_rows(n: int, most: int = ROWS) -> Array:
    """Numbers of at most ``most`` rows, evenly among ``n``."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64)) if n else np.empty(0, np.int64)


def rows_of(inputs: Any, rows: Iterable[Any]) -> Any:
    """Some rows of inputs of any modality, by their numbers."""
    rows = list(rows)
    if hasattr(inputs, "iloc"):
        return inputs.iloc[rows]
    return inputs[rows] if hasattr(inputs, "shape") else [inputs[row] for row in rows]
