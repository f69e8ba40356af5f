"""What goes wrong in tables without anybody meaning harm: values missing, in the wrong unit, in the wrong column.

In every row a share of the columns is hit, a tenth for each severity and at least one; which ones the key of the row
decides. A higher severity hits the columns of a lower one, and more.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

from govkit.attacks.corruptions import known_severity
from govkit.lazy import np

UNIT = 10
"""Factor of a wrong unit, as between millimeters and centimeters."""


def faulty(frame: Any, kind: str, severity: int, keys: Sequence[str]) -> Any | None:
    """Damage the rows of a table.

    Args:
        frame: A pandas frame of n rows.
        kind: A key of ``FAULTS``.
        severity: 0, which changes nothing, to 5.
        keys: One key a row.

    Returns:
        A new frame with the same columns, or None where no column can have this fault.

    Raises:
        ValueError: The severity is not among these.
    """
    return FAULTS[kind](frame, severity, keys) if known_severity(severity) else frame


def usual_values(frame: Any) -> dict[str, Any]:
    """What stands for a missing value of each column: the median of numbers, else the most frequent value."""
    usual = {}
    for name in frame.columns:
        held = frame[name].dropna()
        if len(held):
            usual[name] = held.median() if frame[name].dtype.kind in "iuf" else held.mode().iloc[0]
    return usual


def _numbers(frame: Any) -> list[int]:
    return [at for at, kind in enumerate(frame.dtypes) if kind.kind in "iuf"]


def _hit(keys: Sequence[str], kind: str, columns: int, severity: int) -> list[list[int]]:
    """Of each row the columns that are hit, the first ones of an order that its key decides."""
    count = max(1, math.ceil(columns * severity / 10 - 1e-9))
    return [
        sorted(range(columns), key=lambda at: hashlib.sha256(f"{kind}:{key}:{at}".encode()).digest())[:count]
        for key in keys
    ]


def _missing(frame: Any, severity: int, keys: Sequence[str]) -> Any | None:
    if not len(frame.columns):
        return None
    chosen = np.zeros(frame.shape, dtype=bool)
    for row, columns in enumerate(_hit(keys, "missing", frame.shape[1], severity)):
        chosen[row, columns] = True
    changed = frame.copy()
    for at, name in enumerate(frame.columns):
        column = frame[name].astype("float64") if frame[name].dtype.kind in "iu" else frame[name]
        changed[name] = (column.astype(object) if column.dtype.kind == "b" else column).mask(chosen[:, at])
    return changed


def _unit(frame: Any, severity: int, keys: Sequence[str]) -> Any | None:
    numbers = _numbers(frame)
    if not numbers:
        return None
    factor = np.ones(frame.shape)
    for row, columns in enumerate(_hit(keys, "unit", len(numbers), severity)):
        factor[row, [numbers[at] for at in columns]] = UNIT
    changed = frame.copy()
    for at in numbers:
        name = frame.columns[at]
        changed[name] = frame[name].astype("float64") * factor[:, at]
    return changed


def _swapped(frame: Any, severity: int, keys: Sequence[str]) -> Any | None:
    """Neighbors of one kind, whole numbers or others, have changed places."""
    numbers = _numbers(frame)
    kinds = [frame.dtypes.iloc[at].kind in "iu" for at in numbers]
    pairs = [(a, b) for a, b, x, y in zip(numbers, numbers[1:], kinds, kinds[1:], strict=False) if x == y]
    if not pairs:
        return None
    values = frame.iloc[:, numbers].to_numpy(dtype="float64", copy=True)
    place = {at: index for index, at in enumerate(numbers)}
    for row, chosen in enumerate(_hit(keys, "swapped", len(pairs), severity)):
        for a, b in (pairs[at] for at in chosen):
            values[row, [place[a], place[b]]] = values[row, [place[b], place[a]]]
    changed = frame.copy()
    for at in numbers:
        changed[frame.columns[at]] = values[:, place[at]]
    return changed


FAULTS: dict[str, Callable[[Any, int, Sequence[str]], Any | None]] = {
    "missing values": _missing,
    "wrong unit": _unit,
    "swapped columns": _swapped,
}
