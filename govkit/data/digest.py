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
from collections.abc import Callable, Iterable, Sequence

from govkit.core.case import Array
from govkit.errors import DataError

SCHEME = "govkit.rows/v1"
CELL = 33
BATCH = 1 << 16

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
    import numpy as np

    names = sorted(table.column_names if columns is None else columns)
    absent = [name for name in names if name not in table.column_names]
    if absent:
        raise DataError(f"column {absent[0]!r} does not exist; found {', '.join(map(repr, table.column_names))}")
    rows = row_hashes(table.select(names))
    keys = np.frombuffer(rows, dtype=">u8").reshape(-1, 4)
    order = np.lexsort(keys.T[::-1].astype(np.uint64)).astype(np.int64)
    ordered = np.frombuffer(rows, dtype="V32")[order].tobytes()
    digests = np.frombuffer(ordered.hex().encode(), dtype="S64")
    return digest_of_rows(names, table.num_rows, [ordered]), digests, order


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
    import numpy as np
    import pyarrow as pa

    sha256 = hashlib.sha256
    hashes: list[bytes] = []
    for start in range(0, table.num_rows, BATCH):
        part = table.slice(start, BATCH)
        cells = np.zeros((part.num_rows, part.num_columns, CELL), dtype=np.uint8)
        for place, column in enumerate(part.columns):
            try:
                _fill(cells[:, place], column.combine_chunks())
            except pa.ArrowInvalid as error:
                raise DataError(f"column {part.column_names[place]!r} cannot be digested: {error}") from error
        data, width = cells.tobytes(), part.num_columns * CELL
        hashes.extend(sha256(data[at : at + width]).digest() for at in range(0, len(data), width))
    return b"".join(hashes)


def _fill(cells: Array, column: Array) -> None:
    """Write the cells of one column, uint8 ``(n, 33)``; nulls stay all zero, which is tag NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

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
    import pyarrow as pa

    is_ = pa.types
    table: list[tuple[bool, Callable[[Array, Array], None]]] = [
        (is_.is_boolean(kind), _bools),
        (is_.is_integer(kind), _ints),
        (is_.is_floating(kind) or is_.is_decimal(kind), _floats),
        (is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind), _texts),
        (is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind), _bytes),
        (is_.is_date(kind) or is_.is_timestamp(kind), _times),
        (is_.is_time(kind) or is_.is_duration(kind), _spans),
    ]
    return next((write for fits, write in table if fits), _nested)


def _put(cells: Array, tag: int | Array, values: Array) -> None:
    """Write a tag and 8 little-endian bytes per cell."""
    import numpy as np

    cells[:, 0] = tag
    cells[:, 1:9] = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 8)


def _numpy(column: Array, kind: Array) -> Array:
    """The values as numpy, nulls as 0."""
    import pyarrow.compute as pc

    cast = pc.cast(column, kind)
    return (pc.fill_null(cast, 0) if cast.null_count else cast).to_numpy(zero_copy_only=False)


def _bools(cells: Array, column: Array) -> None:
    import pyarrow as pa

    _put(cells, BOOL, _numpy(column, pa.int8()).astype("<i8"))


def _ints(cells: Array, column: Array) -> None:
    import numpy as np
    import pyarrow as pa

    if column.type == pa.uint64():
        values = _numpy(column, pa.uint64())
        _put(cells, np.where(values < 2**63, INT, BIG), values.astype("<u8"))
    else:
        _put(cells, INT, _numpy(column, pa.int64()).astype("<i8"))


def _floats(cells: Array, column: Array) -> None:
    """Whole numbers become integers where 64 bits hold them exactly; −0.0 and the rest keep their float64 bits."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

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


def _texts(cells: Array, column: Array) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    _hashed(cells, TEXT, pc.cast(column, pa.large_binary()))


def _bytes(cells: Array, column: Array) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    _hashed(cells, BYTES, pc.cast(column, pa.large_binary()))


def _hashed(cells: Array, tag: int, column: Array) -> None:
    """Hash each distinct value of the batch once."""
    import numpy as np
    import pyarrow.compute as pc

    coded = column.dictionary_encode()
    hashes = b"".join(hashlib.sha256(value).digest() for value in coded.dictionary.to_pylist())
    index = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    cells[:, 0] = tag
    cells[:, 1:] = np.frombuffer(hashes, dtype=np.uint8).reshape(-1, 32)[index]


def _times(cells: Array, column: Array) -> None:
    """Microseconds since 1970 in UTC; nanoseconds in those cells where microseconds would round."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

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
    import pyarrow as pa

    return pa.array([None if text is None else text.encode() for text in texts], type=pa.large_binary())
