"""Cells of a table: as text that does not depend on the file format, and as numbers that are checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from govkit.core.audit import LARGEST
from govkit.core.case import Array
from govkit.errors import DataError


def must_hold(path: Path, table: Array, names: Iterable[str]) -> None:
    """Raise a DataError for the first column that the table lacks; suggests the nearest name."""
    for name in names:
        if name not in table.column_names:
            near = difflib.get_close_matches(name, table.column_names, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"found {', '.join(map(repr, table.column_names))}"
            raise DataError(f"{path} has no column {name!r}; {advice}")


def no_missing(path: Path, values: Array, column: str) -> None:
    """Raise a DataError for the first value that is None; names the row."""
    import numpy as np
    import pandas as pd

    missing = np.flatnonzero(pd.isna(values))
    if len(missing):
        more = f" ({len(missing)} rows in all)" if len(missing) > 1 else ""
        raise DataError(f"{path}, row {missing[0] + 1}: column {column!r} has no value{more}; fill it or drop the row")


def canonical_text(column: Array, what: str = "a column") -> Array:
    """Values as text that does not depend on the file format: object array ``(n,)`` of str, None where missing.

    1 and 1.0 are ``"1"``, truths ``"true"`` and ``"false"``, times ISO 8601, text without blanks around it. Null, NaN
    and blank text are missing.

    Raises:
        DataError: ``what`` holds lists or records.
    """
    import numpy as np
    import pyarrow as pa

    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else pa.array(column)
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_nested(column.type):
        raise DataError(f"{what} holds {column.type}; expected text, numbers, truths or times")
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    names = np.array([*(_text(value) for value in coded.dictionary.to_pylist()), None], dtype=object)
    index = coded.indices.fill_null(len(names) - 1).to_numpy(zero_copy_only=False)
    return names[index]


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() else repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return None if value is None else str(value).strip() or None


def numbers(
    path: Path, table: Array, column: str, *, what: str = "a number", low: float = -LARGEST, high: float = LARGEST
) -> Array:
    """A column of finite numbers, float64 ``(n,)``.

    Args:
        path: The file, for messages.
        table: The table that holds the column.
        column: Its name.
        what: What each cell is to be, for messages.
        low: Smallest number allowed.
        high: Largest number allowed.

    Raises:
        DataError: A cell is missing, no number, not finite, or outside [low, high]; names the row.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = table[column]
    kind = cells.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not number and cells.null_count < len(cells):
        raise DataError(f"{path}: column {column!r} holds {kind}; expected {what} in each row{_first_word(cells)}")
    values: Array = pc.cast(cells, pa.float64(), safe=False).to_numpy().astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= low) & (values <= high)))
    if len(bad):
        row = int(bad[0])
        found = "has no value" if cells[row].as_py() is None else f"is {values[row]:g}"
        # That any number will do but one of that size is worth saying only to one of that size.
        anything = high == LARGEST and not np.isfinite(values[row])
        within = "" if anything else f" in [{low:g}, {high:g}]"
        raise DataError(f"{path}, row {row + 1}: {column} {found}; expected {what}{within}")
    return values


def _first_word(cells: Array) -> str:
    """Where a text column stops being numbers, as an addition to a message."""
    for row, cell in enumerate(cells.to_pylist()):
        try:
            float(cell)
        except (TypeError, ValueError):
            return f" (row {row + 1} is {cell!r})"
    return ""
