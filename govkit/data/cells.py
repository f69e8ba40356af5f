"""Cells of a table: as text that does not depend on the file format, and as numbers that are checked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Coded
from govkit.core.columns import LARGEST
from govkit.data.faults import RowFault
from govkit.data.spool import filled, pieces
from govkit.errors import DataError
from govkit.lazy import np, pa, pc

LONGEST_NAME = 1000
"""Characters of a group, a class or an id: findings repeat them, and what is longer is no name."""

SHOWN = 80
"""Longest cell that a message repeats."""


def must_hold(path: Path, table: Array, names: Iterable[str]) -> None:
    """Raise a DataError for the first column that the table lacks; suggests the nearest name."""
    held = dict.fromkeys(table.column_names)
    for name in names:
        if name not in held:
            near = difflib.get_close_matches(name, held, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"found {', '.join(map(repr, held))}"
            raise DataError(f"{path} has no column {name!r}; {advice}")


def no_missing(path: Path, missing: Array, column: str) -> None:
    """Raise a DataError for the first value that is missing, of truths ``(n,)``; names the row."""
    missing = np.flatnonzero(missing)
    if len(missing):
        more = f" ({len(missing)} rows in all)" if len(missing) > 1 else ""
        raise RowFault(path, int(missing[0]), f"column {column!r} has no value{more}; fill it or drop the row")


def no_long_names(path: Path, coded: Coded, column: str) -> None:
    """Raise a DataError for the first name longer than ``LONGEST_NAME``; names row and length, never the text."""
    lengths = np.array([*map(len, coded.names), 0])[coded.codes]
    if len(lengths) and lengths.max() > LONGEST_NAME:
        row = int((lengths > LONGEST_NAME).argmax())
        what = f"column {column!r} holds a name of {lengths[row]} characters; expected at most {LONGEST_NAME}"
        raise RowFault(path, row, what)


def canonical_text(column: Array, what: str = "a column") -> Array:
    """Values as text that does not depend on the file format: object array ``(n,)`` of str, None where missing.

    1 and 1.0 are ``"1"``, truths ``"true"`` and ``"false"``, times ISO 8601, text without blanks around it. Null, NaN
    and blank text are missing.

    Raises:
        DataError: ``what`` holds lists or records.
    """
    coded = coded_text(column, what)
    return np.array([*coded.names, None], dtype=object)[coded.codes]


def coded_text(column: Array, what: str = "a column") -> Coded:
    """What ``canonical_text`` gives, each text once, in the order of their first rows; the code of missing is -1."""
    column = column if isinstance(column, pa.ChunkedArray) else pa.array(column)
    column = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    if pa.types.is_nested(column.type):
        raise DataError(f"{what} holds {column.type}; expected text, numbers, truths or times")
    index: dict[str, int] = {}

    def codes() -> Iterator[Array]:
        for part in (chunk[at] for chunk in column.chunks for at in pieces(len(chunk))):
            part = part.dictionary_decode() if pa.types.is_dictionary(part.type) else part
            coded = part.dictionary_encode()
            texts = map(_text, coded.dictionary.to_pylist())
            at = np.array([-1 if text is None else index.setdefault(text, len(index)) for text in texts] + [-1])
            yield at[coded.indices.fill_null(len(at) - 1).to_numpy(zero_copy_only=False)]

    found = filled(len(column), "i4", codes())
    return Coded(found, tuple(index))


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
    cells = table[column]
    kind = cells.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not number and cells.null_count < len(cells):
        row, word = _first_word(cells)
        wanted = f"column {column!r} holds {kind}; expected {what} in each row"
        shown = repr(word) if len(str(word)) <= SHOWN else f"a text of {len(str(word)):,} characters"
        raise RowFault(path, row, f"{shown}: {wanted}", link=" is ")
    values: Array = pc.cast(cells, pa.float64(), safe=False).to_numpy().astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= low) & (values <= high)))
    if len(bad):
        row = int(bad[0])
        found = "has no value" if cells[row].as_py() is None else f"is {values[row]:g}"
        # That any number will do but one of that size is worth saying only to one of that size.
        anything = high == LARGEST and not np.isfinite(values[row])
        within = "" if anything else f" in [{low:g}, {high:g}]"
        raise RowFault(path, row, f"{column} {found}; expected {what}{within}")
    return values


def _first_word(cells: Array) -> tuple[int, Any]:
    """Where a column stops being numbers, and what stands there; the first row if each could be one."""
    for row, cell in enumerate(cells.to_pylist()):
        try:
            float(cell)
        except (TypeError, ValueError):
            return row, cell
    return 0, cells[0].as_py()
