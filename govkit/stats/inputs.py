"""What a statistic accepts: every function checks its input here before it computes."""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.lazy import np


def count(name: str, value: Any, *, most: int | None = None) -> int:
    """A whole number from 0 to ``most``.

    Raises:
        ValueError: For anything else.
    """
    if value != int(value) or value < 0:
        raise ValueError(f"{name} is {value!r}; expected a count: a whole number, 0 or more")
    if most is not None and value > most:
        raise ValueError(f"{name} is {value}; expected at most {most}")
    return int(value)


def denominator(name: str, value: Any) -> int:
    """A count that is not zero.

    Raises:
        ValueError: If it is zero, or no count.
    """
    if count(name, value) == 0:
        raise ValueError(f"{name} is 0; a share needs at least one row")
    return int(value)


def fraction(value: Any, total: Any) -> tuple[int, int]:
    """Successes and rows, checked.

    Raises:
        ValueError: If there are no rows, or more successes than rows.
    """
    rows = denominator("the number of rows", total)
    return count("the number of successes", value, most=rows), rows


def counts(name: str, values: Any, *, at_least: int = 1) -> Array:
    """One count a category, int64 ``(k,)``.

    Raises:
        ValueError: If there are fewer than ``at_least``, or one is negative or not whole.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.size < at_least:
        raise ValueError(f"{name} has shape {array.shape}; expected one row of at least {at_least} counts")
    if not np.all(np.isfinite(array)) or np.any(array < 0) or np.any(array != np.floor(array)):
        raise ValueError(f"{name} holds a value that is no count; expected whole numbers, 0 or more")
    return array.astype(np.int64)


def fractions(successes: Any, totals: Any, *, at_least: int = 2) -> tuple[Array, Array]:
    """Successes and rows of each of ``k`` groups, checked.

    Raises:
        ValueError: If the lengths differ, a group is empty, or has more successes than rows.
    """
    x = counts("successes", successes, at_least=at_least)
    n = counts("totals", totals, at_least=at_least)
    if x.shape != n.shape:
        raise ValueError(f"successes has {x.size} groups and totals {n.size}; expected as many")
    if np.any(n == 0):
        raise ValueError(f"group {int(np.argmin(n))} has no rows; a share needs at least one")
    if np.any(x > n):
        raise ValueError(f"group {int(np.argmax(x > n))} has more successes than rows")
    return x, n


def numbers(name: str, values: Any, *, at_least: int = 1) -> Array:
    """Finite numbers, float64 ``(n,)``.

    Raises:
        ValueError: If there are fewer than ``at_least``, or one is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size < at_least:
        raise ValueError(f"{name} has shape {array.shape}; expected one column of at least {at_least} values")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} is not finite in row {int(np.argmin(np.isfinite(array)))}; expected a number")
    return array


def truths(name: str, values: Any, *, at_least: int = 1) -> Array:
    """Truths, bool ``(n,)``; 0 and 1 are accepted.

    Raises:
        ValueError: If there are fewer than ``at_least``, or one is neither true nor false.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.size < at_least:
        raise ValueError(f"{name} has shape {array.shape}; expected one column of at least {at_least} truths")
    if array.dtype != np.bool_ and not np.all((array == 0) | (array == 1)):
        raise ValueError(f"{name} holds a value that is neither true (1) nor false (0)")
    return array.astype(np.bool_)


def same_length(**columns: Array) -> None:
    """Refuse columns of different length.

    Raises:
        ValueError: Naming each column and its number of rows.
    """
    if len({column.size for column in columns.values()}) > 1:
        found = ", ".join(f"{name} has {column.size}" for name, column in columns.items())
        raise ValueError(f"columns differ in their number of rows: {found}")


def stated(confidence: Any, correct: Any, *, at_least: int = 1) -> tuple[Array, Array]:
    """Stated probabilities in [0, 1] and what happened, row by row.

    Raises:
        ValueError: If a probability lies outside [0, 1], or the lengths differ.
    """
    f = numbers("confidence", confidence, at_least=at_least)
    y = truths("correct", correct, at_least=at_least)
    same_length(confidence=f, correct=y)
    if np.any((f < 0) | (f > 1)):
        raise ValueError(f"confidence lies outside [0, 1] in row {int(np.argmax((f < 0) | (f > 1)))}")
    return f, y
