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
    import pyarrow as pa

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
    import numpy as np

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
        Keys ``(n,)`` of the texts, the images or the input columns; None where the data hold no inputs.
    """
    import pyarrow as pa

    if isinstance(data.inputs, list):
        return _digests(pa.table({"text": [plain(text) for text in data.inputs]}))
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
    named = case.column.get("input")
    columns = [name for name in ([named] if isinstance(named, str) else named or ()) if name in data.table.column_names]
    if columns and all(_is_nested(data.table[name].type) for name in columns):
        cells = zip(*(texts_of(data.table[name]) for name in columns), strict=True)
        return text_prints([" ".join(row) for row in cells], plain)
    return text_prints(data.inputs, plain) if isinstance(data.inputs, list) else None


def _is_nested(kind: Array) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_nested(kind))


def _table_keys(table: Array, columns: Sequence[str]) -> Array:
    import pyarrow as pa

    parts = [part for name in sorted(columns) for part in split(table[name], fold=True)]
    return _digests(pa.table(parts, names=[str(at) for at in range(len(parts))]))


def _digests(table: Array) -> Array:
    """Digest of each row, in the order of the table, ``S64`` ``(n,)``."""
    import numpy as np

    from govkit.data import content_digest

    _, digests, order = content_digest(table)
    keys = np.empty_like(digests)
    keys[order] = digests
    return keys


def _array_keys(rows: Array) -> Array:
    import numpy as np

    return np.array([hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest() for row in rows], dtype="S64")


def _flat(column: Array) -> Array:
    """One array of the plain type: no chunks, no extension, no dictionary."""
    import pyarrow as pa

    if not isinstance(column, pa.Array | pa.ChunkedArray):
        column = pa.array(column)
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _floats(column: Array) -> Array:
    """Float64, null for NaN, and 0 for −0."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float16(column.type):
        column = pa.array([None if cell is None else str(np.float16(cell)) for cell in column.to_pylist()], pa.string())
    elif pa.types.is_float32(column.type):
        column = pc.cast(column, pa.string())
    values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    return pa.array(values + 0.0, from_pandas=True)


def _distinct(column: Array) -> tuple[list[Any], Array]:
    """Values, few of them twice, and the place of each cell's value ``(n,)``, null where the cell is."""
    import pyarrow as pa

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
