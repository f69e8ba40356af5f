"""What identifies the content of a table, whatever the order of its rows and columns and the format of its file.

A cell is 33 bytes: a tag, then the value in 8 little-endian bytes, or the SHA-256 of a text. A row is the SHA-256 of
its cells, columns sorted by name. The table is the SHA-256 of the scheme, the names, the number of rows and the sorted
row digests. Sorting is what makes it sound: sums and XORs of hashes can be forged.

Values are compared, not types: 1, 1.0, int8 and int64 are the same number, because CSV and JSON cannot tell them apart.
The number 1 and the text "1" differ, so do null, NaN and "", and 0.0 and −0.0. All NaN are one. A time is its instant.
A float32 counts as the float64 of the same value; a decimal counts as the nearest float64.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from govkit.core.case import Array
from govkit.data.spool import filled, pieces, scratch
from govkit.errors import DataError
from govkit.lazy import np, pa, pc

SCHEME = "govkit.rows/v1"
CELL = 33
BATCH = 1 << 16

SORTED = 1 << 20
"""Row digests that are sorted at once."""

CELLS = 1 << 26
"""Bytes of cells that are digested at once: fewer rows of tables with thousands of columns."""

NULL, BOOL, INT, FLOAT, TEXT, BYTES, TIME, BIG, NANO, SPAN, NESTED = range(11)


def content_digest(table: Array, *, columns: Sequence[str] | None = None) -> tuple[str, Array, Array]:
    """Digest of the rows of a table.

    Args:
        table: A ``pyarrow.Table`` of n rows.
        columns: Only these columns; all if not given.

    Returns:
        ``sha256:<hex>`` of the content; the row digests, sorted, numpy ``S64`` hex ``(n,)``; and the order, int64
        ``(n,)``: row ``order[i]`` of the table has the i-th digest. Equal rows keep their order.

    Raises:
        DataError: A named column does not exist.
    """
    names = sorted(table.column_names if columns is None else columns)
    absent = sorted(set(names).difference(table.column_names))
    if absent:
        raise DataError(f"column {absent[0]!r} does not exist; found {', '.join(map(repr, table.column_names))}")
    count = table.num_rows
    rows = filled(count, "V32", (np.frombuffer(part, dtype="V32") for part in _hash_parts(table.select(names))))
    order, digests = _order(rows), scratch((count,), "S64")

    def ordered() -> Iterator[bytes]:
        for at in pieces(count):
            piece = rows[order[at]].tobytes()
            digests[at] = np.frombuffer(piece.hex().encode(), dtype="S64")
            yield piece

    return digest_of_rows(names, count, ordered()), digests, order


def _order(rows: Array) -> Array:
    """The order of digests ``V32`` ``(n,)``, int64 ``(n,)``; equal ones keep theirs.

    Many are put on piles by their first byte, so that one pile is sorted at a time.
    """
    if len(rows) <= SORTED:
        return _sorted(rows)
    first, order = rows.view(np.uint8).reshape(-1, 32)[:, 0], scratch(rows.shape, "i8")
    ends = np.cumsum(sum(np.bincount(first[at], minlength=256) for at in pieces(len(rows))))
    free = np.append(0, ends[:-1])
    for at in pieces(len(rows)):
        by = np.argsort(first[at], kind="stable")
        counts = np.bincount(first[at], minlength=256)
        order[np.repeat(free - np.cumsum(counts) + counts, counts) + np.arange(len(by))] = at.start + by
        free += counts
    for low, high in pairwise([0, *ends.tolist()]):
        among = order[low:high]
        among[:] = among[_sorted(rows[among])]
    return order


def _sorted(rows: Array) -> Array:
    words = rows.view(">u8").reshape(-1, 4)
    first = words[:, 0].astype(np.uint64)
    order = np.argsort(first, kind="stable").astype(np.int64, copy=False)
    equal = np.diff(first[order]) == 0
    # Few rows share their first word, unless they are equal.
    tied = np.flatnonzero(np.concatenate([equal, [False]]) | np.concatenate([[False], equal]))
    among = order[tied]
    order[tied] = among[np.lexsort(words[among].astype(np.uint64).T[::-1])]
    return order


def digest_of_rows(names: Sequence[str], count: int, ordered: Iterable[bytes]) -> str:
    """``sha256:<hex>`` of a table: sorted column names, number of rows, and the sorted row digests in any pieces."""
    whole = hashlib.sha256(json.dumps([SCHEME, list(names), count]).encode())
    for piece in ordered:
        whole.update(piece)
    return f"sha256:{whole.hexdigest()}"


def row_hashes(table: Array) -> bytes:
    """SHA-256 of every row, 32 bytes each, in the order of the table; the columns are sorted by name.

    Raises:
        DataError: A value has no digest, such as a time that 64 bits of microseconds cannot hold.
    """
    return b"".join(_hash_parts(table))


def row_keys(tables: Iterable[Array], count: int) -> Array:
    """Digest of every row of tables that follow one another, raw ``S32`` ``(count,)``; columns in the order they have.

    A digest that ends in zero bytes is cut where it is read as Python bytes, and compared in full.
    """
    return filled(count, "S32", (np.frombuffer(part, "S32") for table in tables for part in _hash_parts(table)))


def first_rows(keys: Array) -> Array:
    """Rows whose key, of ``S32`` ``(n,)``, no earlier row has: truths ``(n,)``."""
    order, first = _order(keys), np.ones(len(keys), dtype=bool)
    for at in pieces(len(keys) - 1):
        here, there = order[at], order[at.start + 1 : at.stop + 1]
        first[there] = keys[here] != keys[there]
    return first


def _hash_parts(table: Array) -> Iterator[bytes]:
    sha256 = hashlib.sha256
    step = max(1, min(BATCH, CELLS // (max(table.num_columns, 1) * CELL)))
    for start in range(0, table.num_rows, step):
        part = table.slice(start, step)
        cells = np.zeros((part.num_rows, part.num_columns, CELL), dtype=np.uint8)
        for place, column in enumerate(part.columns):
            try:
                _fill(cells[:, place], column.combine_chunks())
            except pa.ArrowInvalid as error:
                raise DataError(f"column {part.column_names[place]!r} cannot be digested: {error}") from error
        data, width = cells.tobytes(), part.num_columns * CELL
        yield b"".join(sha256(data[at : at + width]).digest() for at in range(0, len(data), width))


def _fill(cells: Array, column: Array) -> None:
    """Write the cells of one column, uint8 ``(n, 33)``; nulls stay all zero, which is tag NULL."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.chunked_array(column.chunks).combine_chunks()
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count == len(column):
        return
    _writer(column.type)(cells, column)
    if column.null_count:
        cells[pc.is_null(column).to_numpy(zero_copy_only=False)] = 0


def _writer(kind: Array) -> Callable[[Array, Array], None]:
    """The function that writes a column of one Arrow type."""
    is_ = pa.types
    table: list[tuple[bool, Callable[[Array, Array], None]]] = [
        (is_.is_boolean(kind), _bools),
        (is_.is_integer(kind), _ints),
        (is_.is_floating(kind) or is_.is_decimal(kind), _floats),
        (is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind), partial(_contents, TEXT)),
        (is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind), partial(_contents, BYTES)),
        (is_.is_date(kind) or is_.is_timestamp(kind), _times),
        (is_.is_time(kind) or is_.is_duration(kind), _spans),
    ]
    return next((write for fits, write in table if fits), _nested)


def _put(cells: Array, tag: int | Array, values: Array) -> None:
    """Write a tag and 8 little-endian bytes per cell."""
    cells[:, 0] = tag
    cells[:, 1:9] = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 8)


def _numpy(column: Array, kind: Array) -> Array:
    """The values as numpy, nulls as 0."""
    cast = pc.cast(column, kind)
    return (pc.fill_null(cast, 0) if cast.null_count else cast).to_numpy(zero_copy_only=False)


def _bools(cells: Array, column: Array) -> None:
    _put(cells, BOOL, _numpy(column, pa.int8()).astype("<i8"))


def _ints(cells: Array, column: Array) -> None:
    if column.type == pa.uint64():
        values = _numpy(column, pa.uint64())
        _put(cells, np.where(values < 2**63, INT, BIG), values.astype("<u8"))
    else:
        _put(cells, INT, _numpy(column, pa.int64()).astype("<i8"))


def _floats(cells: Array, column: Array) -> None:
    """Whole numbers become integers where 64 bits hold them exactly; −0.0 and the rest keep their float64 bits."""
    if pa.types.is_decimal(column.type):
        # By way of text: Arrow's own cast misses the nearest float64 for some decimals.
        column = pc.cast(column, pa.string())
    values = _numpy(column, pa.float64()).astype("<f8")
    values[np.isnan(values)] = np.nan
    _put(cells, FLOAT, values)
    whole = (np.trunc(values) == values) & ~((values == 0) & np.signbit(values))
    small = whole & (values >= -(2.0**63)) & (values < 2.0**63)
    big = whole & (values >= 2.0**63) & (values < 2.0**64)
    for mask, tag, kind in ((small, INT, "<i8"), (big, BIG, "<u8")):
        chosen = cells[mask]
        _put(chosen, tag, values[mask].astype(kind))
        cells[mask] = chosen


def _contents(tag: int, cells: Array, column: Array) -> None:
    _hashed(cells, tag, pc.cast(column, pa.large_binary()))


def _hashed(cells: Array, tag: int, column: Array) -> None:
    """Hash each distinct value of the batch once."""
    coded = column.dictionary_encode()
    hashes = b"".join(hashlib.sha256(value).digest() for value in coded.dictionary.to_pylist())
    index = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    cells[:, 0] = tag
    cells[:, 1:] = np.frombuffer(hashes, dtype=np.uint8).reshape(-1, 32)[index]


def _times(cells: Array, column: Array) -> None:
    """Microseconds since 1970 in UTC; nanoseconds in those cells where microseconds would round."""
    if getattr(column.type, "unit", "") == "ns":
        values = _numpy(column, pa.int64())
        fine = values % 1000 != 0
        _put(cells, np.where(fine, NANO, TIME), np.where(fine, values, values // 1000).astype("<i8"))
    else:
        instants = pc.cast(column, pa.timestamp("us", tz=getattr(column.type, "tz", None)))
        _put(cells, TIME, _numpy(instants, pa.int64()).astype("<i8"))


def _spans(cells: Array, column: Array) -> None:
    """Times of day and durations: value and unit."""
    _hashed(cells, SPAN, _as_bytes([None if v is None else f"{v} {column.type}" for v in column.to_pylist()]))


def _nested(cells: Array, column: Array) -> None:
    """Lists and structures, as JSON with sorted keys."""
    texts = [None if v is None else json.dumps(v, sort_keys=True, default=str) for v in column.to_pylist()]
    _hashed(cells, NESTED, _as_bytes(texts))


def _as_bytes(texts: list[str | None]) -> Array:
    return pa.array([None if text is None else text.encode() for text in texts], type=pa.large_binary())
