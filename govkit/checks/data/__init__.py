"""Checks of the data: quality, duplicates, contamination and drift; and when cells and rows count as the same, or near.

One word in a column of numbers makes a reader type the whole column as text, and a float32 prints fewer digits than the
float64 it is read into. Cells that a reader of both files would call the same must still come out as the same.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from govkit.checks._near import Prints, image_prints, text_prints, texts_of
from govkit.core import Case, Dataset
from govkit.core.case import Array
from govkit.lazy import np, pa, pc

ROWS = 1 << 14
"""Texts that are made plain at once."""

_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# A leading zero is kept apart: 007 is a code and no number, as in the readers.
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(
    r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?inf(?:inity)?|nan", re.IGNORECASE
)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[t ][0-9:.]+(?:z|[+-][0-9:]+)?)?", re.IGNORECASE)


def plain(text: str) -> str:
    """A text as a reader takes it: compatibility forms unified (NFKC), case folded, white space collapsed.

    Characters that nobody sees (zero width, soft hyphens, marks of direction) are left out.
    """
    return _SPACE.sub(" ", _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()).strip()


def split(column: Array, *, fold: bool) -> tuple[Array, Array]:
    """The numbers and the texts of a column, each null where the cell is the other or missing.

    Text that looks like a number is that number: 1, 1.0, "1" and " 1.0 " are one. A float32 is the number that it
    prints, so that 0.1 is 0.1 in every precision. Whole numbers stay exact in 64 bits; beside fractions in a column of
    text they are compared as float64. Truths are ``true`` and ``false``, times ISO 8601 in UTC. Null, NaN and blank
    text are missing.

    Args:
        column: An Arrow array of n cells of any type.
        fold: Texts that ``plain`` makes equal are one; otherwise only blanks around them do not count.

    Returns:
        Numbers int64, uint64 or float64 ``(n,)`` and texts string ``(n,)``.
    """
    column = _flat(column)
    if pa.types.is_integer(column.type):
        return column, pa.nulls(len(column), pa.string())
    if pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        return _floats(column), pa.nulls(len(column), pa.string())
    values, at = _distinct(column)
    cells = [_cell(value, fold=fold) for value in values]
    numbers = [None if isinstance(cell, str) else cell for cell in cells]
    texts = [cell if isinstance(cell, str) else None for cell in cells]
    if any(isinstance(number, float) for number in numbers):
        numbers = [None if number is None else float(number) for number in numbers]
        return pa.array(numbers, pa.float64()).take(at), pa.array(texts, pa.string()).take(at)
    return pa.array(numbers, pa.int64()).take(at), pa.array(texts, pa.string()).take(at)


def categories(column: Array) -> Array:
    """The cells as categories: object array ``(n,)`` of str, None where missing; case counts."""
    from govkit.data import canonical_text

    numbers, texts = (canonical_text(part) for part in split(column, fold=False))
    return np.where(numbers == None, texts, numbers)  # noqa: E711 - cell by cell


def row_keys(case: Case, data: Dataset, *, whole: bool = False) -> Array | None:
    """A key for each row, equal for rows with the same content, whatever their ids are.

    Texts count as the same by ``plain``. So do the cells of a table, where moreover numbers count by their value and
    never by their type: see ``split``.

    Args:
        case: Names the input columns.
        data: A data set of n rows.
        whole: For tables, rows count as the same only where every column but the declared id is the same.

    Returns:
        Keys ``S32`` ``(n,)`` of the texts, the images or the input columns; None where the data hold no inputs.
    """
    from govkit import data as of_rows

    if isinstance(data.inputs, Sequence):
        texts = data.inputs
        plains = (list(map(plain, texts[at : at + ROWS])) for at in range(0, len(texts), ROWS))
        return of_rows.row_keys((pa.table({"text": part}) for part in plains), len(texts))
    if hasattr(data.inputs, "columns"):
        held = data.table.column_names if whole else map(str, data.inputs.columns)
        return _table_keys(data.table, [name for name in held if not (whole and name == case.column.get("id"))])
    return None if data.inputs is None else _array_keys(data.inputs)


def prints(case: Case, data: Dataset) -> Prints | None:
    """What near rows are found by: texts as ``plain`` has them, images; None for anything else.

    A chat or a record is the text of all its fields, also as a table whose only inputs they are.
    """
    if getattr(data.inputs, "ndim", 0) == 4:
        return image_prints(data.inputs)
    texts = texts_in(case, data)
    return None if texts is None else text_prints(texts, plain)


def texts_in(case: Case, data: Dataset) -> Sequence[str] | None:
    """The text of each row ``(n,)``, a list or lazy; None where the inputs are no texts.

    A chat or a record is the text of all its fields. A table is texts where each of its inputs is such a record, or
    where its only input is a column of strings, half of which hold a space.
    """
    from govkit.data import texts_of_columns

    named = case.column.get("input") or ()
    held = set(data.table.column_names)
    columns = [name for name in ([named] if isinstance(named, str) else named) if name in held]
    nested = [name for name in columns if pa.types.is_nested(data.table[name].type)]
    if columns and len(nested) == len(columns):
        return texts_of_columns([data.table[name] for name in columns], _joined)
    if isinstance(data.inputs, Sequence) or len(columns) != 1 or not hasattr(data.inputs, "columns"):
        return data.inputs if isinstance(data.inputs, Sequence) else None
    (name,) = columns
    only = data.table[name]
    only = only.cast(only.type.value_type) if pa.types.is_dictionary(only.type) else only
    if not (pa.types.is_string(only.type) or pa.types.is_large_string(only.type)):
        return None
    spaced = pc.mean(pc.match_substring(pc.fill_null(only, ""), " ")).as_py() or 0.0
    return texts_of_columns([only], texts_of) if spaced >= 1 / 2 else None


def _joined(*columns: Array) -> list[str]:
    return [" ".join(cells) for cells in zip(*map(texts_of, columns), strict=True)]


def _table_keys(table: Array, columns: Sequence[str]) -> Array:
    from govkit import data as of_rows

    parts = [part for name in sorted(columns) for part in split(table[name], fold=True)]
    return of_rows.row_keys([pa.table(parts, names=[str(at) for at in range(len(parts))])], table.num_rows)


def _array_keys(rows: Array) -> Array:
    return np.array([hashlib.sha256(np.ascontiguousarray(row).tobytes()).digest() for row in rows], dtype="S32")


def _flat(column: Array) -> Array:
    """One array of the plain type: no chunks, no extension, no dictionary."""
    if not isinstance(column, pa.Array | pa.ChunkedArray):
        column = pa.array(column)
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _floats(column: Array) -> Array:
    """Float64, null for NaN, and 0 for −0."""
    if pa.types.is_float16(column.type):
        column = pa.array([None if cell is None else str(np.float16(cell)) for cell in column.to_pylist()], pa.string())
    elif pa.types.is_float32(column.type):
        column = pc.cast(column, pa.string())
    values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    return pa.array(values + 0.0, from_pandas=True)


def _distinct(column: Array) -> tuple[list[Any], Array]:
    """Values, few of them twice, and the place of each cell's value ``(n,)``, null where the cell is."""
    try:
        coded = column.dictionary_encode()
    except pa.ArrowNotImplementedError:
        # Nested cells and the like have no dictionary.
        return column.to_pylist(), pa.array(range(len(column)), pa.int64())
    return coded.dictionary.to_pylist(), coded.indices


def _cell(value: Any, *, fold: bool) -> int | float | str | None:
    if value is None or isinstance(value, bool):
        return None if value is None else str(value).lower()
    if not isinstance(value, str):
        return _time(value) if hasattr(value, "year") else repr(value)
    if _NUMBER.fullmatch(value):
        return _number(value)
    text = plain(value) if fold else value.strip()
    return _number(text) if _NUMBER.fullmatch(text) else _worded(text)


def _number(text: str) -> int | float | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    number = float(text)
    return None if number != number else number


def _worded(text: str) -> str | None:
    """A text that is no number."""
    if text.lower() in {"true", "false"}:
        return text.lower()
    if _TIME.fullmatch(text):
        try:
            return _time(datetime.fromisoformat(text.upper()))
        except ValueError:
            return text
    return text or None


def _time(value: Any) -> str:
    """A date or a time as ISO 8601; without a zone it is UTC."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return str(value.isoformat())
