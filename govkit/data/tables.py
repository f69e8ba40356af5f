"""Read any table: CSV, TSV, JSONL (each also gzipped), Parquet, Arrow, Feather, or a folder of images.

Row numbers in messages count the rows of the file from 1, the header not counted.
"""

from __future__ import annotations

import errno
import gzip
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from govkit.core.case import Array
from govkit.data.images import image_table
from govkit.data.typed import typed
from govkit.errors import DataError

FORMATS = ".csv, .tsv, .tab, .jsonl, .ndjson (each also .gz), .parquet, .pq, .arrow, .feather or a folder of images"
BLOCK = 1 << 24
"""Bytes that are parsed at once: the longest possible row of a CSV or JSONL file."""

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_table(path: Path | str) -> Array:
    """Read the rows of a file, in the order of the file.

    CSV holds no types, so a column is what all its filled cells look like: whole numbers, numbers, truths, ISO times,
    otherwise text. A number with a leading zero is text. So a text column of digits in Parquet has another digest than
    the same digits in CSV. An empty cell is null, a quoted empty cell is empty text.
    An unnamed index that pandas stored in Parquet is not content and is left out.

    Args:
        path: A file in one of ``FORMATS``. A folder with one sub-folder per class becomes a table with the columns
            ``path`` (relative to the folder) and ``label``.

    Returns:
        A ``pyarrow.Table`` with at least one row and unique column names.

    Raises:
        DataError: The file is missing, empty, truncated, not UTF-8, or no table.
    """
    path = Path(path)
    _must_exist(path)
    if path.is_dir():
        return image_table(path)
    reader = _reader_of(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; expected a table with a header and at least one row")
    table = _read(path, reader)
    _unique_names(path, table.column_names)
    if table.num_rows == 0:
        raise DataError(f"{path} has no rows; expected at least one")
    return table.select([name for name in table.column_names if not _PANDAS_INDEX.fullmatch(name)])


def _read(path: Path, reader: Callable[[Path], Array]) -> Array:
    """Call the reader of one format; what the libraries raise becomes a sentence about the file."""
    import pyarrow as pa

    try:
        table = reader(path)
        table.validate(full=True)
    except UnicodeError as error:
        raise DataError(f"{path} is not UTF-8; save it as UTF-8") from error
    except (pa.ArrowException, OSError, EOFError, zlib.error) as error:
        what = " ".join(str(error).split())
        if "UTF8" in what or "UTF-8" in what:
            raise DataError(f"{path} is not UTF-8 ({what}); save it as UTF-8") from error
        raise DataError(f"{path} cannot be read as {_suffix(path)} (damaged or truncated?): {what}") from error
    return table


def _must_exist(path: Path) -> None:
    try:
        os.stat(path)  # noqa: PTH116 - Path.exists() hides a symlink loop
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DataError(f"{path} is a symlink loop; expected a file or a folder of images") from error
        raise DataError(f"{path} does not exist or cannot be opened: {error.strerror}; check the path") from error


def _suffix(path: Path) -> str:
    """The format of a file by its name, ``.gz`` looked through."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _reader_of(path: Path) -> Callable[[Path], Array]:
    readers: dict[str, Callable[[Path], Array]] = {
        ".csv": _csv,
        ".tsv": _csv,
        ".tab": _csv,
        ".jsonl": _jsonl,
        ".ndjson": _jsonl,
        ".parquet": _parquet,
        ".pq": _parquet,
        ".arrow": _arrow,
        ".feather": _arrow,
    }
    reader = readers.get(_suffix(path))
    if reader is None or (reader in {_parquet, _arrow} and path.name.lower().endswith(".gz")):
        raise DataError(f"{path} is in no format that govkit reads; expected {FORMATS}")
    return reader


def _unique_names(path: Path, names: list[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{path} has the column {twice[0]!r} more than once; column names must be unique")


def _open(path: Path) -> Any:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _csv(path: Path) -> Array:
    """Read every cell as text first; ``typed`` then decides per column, the same on every machine and block size."""
    import pyarrow as pa
    from pyarrow import csv

    delimiter = "," if _suffix(path) == ".csv" else "\t"
    names = _header(path, delimiter)
    _unique_names(path, names)
    options = {
        "parse_options": csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    }
    try:
        with _open(path) as file:
            table = csv.read_csv(file, read_options=csv.ReadOptions(block_size=BLOCK), **options)
    except pa.ArrowInvalid:
        # One thread only: then Arrow says in which row it stopped.
        with _open(path) as file:
            slow = csv.ReadOptions(block_size=BLOCK, use_threads=False)
            table = _with_row(path, lambda: csv.read_csv(file, read_options=slow, **options))
    _no_open_quote(path, table)
    return typed(table)


def _header(path: Path, delimiter: str) -> list[str]:
    import csv
    import io

    # The text is decoded in blocks: a fault in a later row must not be told as one of the header.
    with _open(path) as file, io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="") as text:
        try:
            names = next((row for row in csv.reader(text, delimiter=delimiter) if row), [])
        except csv.Error as error:
            raise DataError(f"{path}: the header cannot be read ({error}); expected column names") from error
    for name in names:
        name.encode()
    return names


def _with_row(path: Path, read: Callable[[], Array]) -> Array:
    import pyarrow as pa

    try:
        return read()
    except pa.ArrowInvalid as error:
        fields = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
        if fields:
            row, expected, found = (int(number) for number in fields.groups())
            raise DataError(f"{path}, row {row - 1}: found {found} fields, expected {expected}") from error
        utf8 = re.search(r"column #(\d+): Row #(\d+): .*UTF8", str(error))
        if utf8:
            raise DataError(f"{path}, row {int(utf8[2]) - 1}: the text is not UTF-8; save it as UTF-8") from error
        raise


def _no_open_quote(path: Path, table: Array) -> None:
    """Refuse a quote that is never closed: it swallows every row up to the end of the file."""
    if table.num_rows == 0:
        return
    last = [column[-1].as_py() or "" for column in table.columns]
    if not any("\n" in cell for cell in last):
        return
    with _open(path) as file:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: file.read(1 << 20), b""))
    if quotes % 2:
        raise DataError(f"{path}, row {table.num_rows}: a quote is opened and never closed")


def _jsonl(path: Path) -> Array:
    from govkit.data.jsonl import read_jsonl

    return typed(read_jsonl(path, lambda: _open(path), block=BLOCK), only_times=True)


def _parquet(path: Path) -> Array:
    from pyarrow import parquet

    # Without the read-ahead the peak memory is a tenth.
    with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
        _unique_names(path, file.schema_arrow.names)
        return file.read()


def _arrow(path: Path) -> Array:
    import pyarrow as pa
    from pyarrow import feather, ipc

    with path.open("rb") as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith((b"ARROW1", b"FEA1")):
            return feather.read_table(path, memory_map=False)
        with ipc.open_stream(pa.PythonFile(file)) as stream:
            return stream.read_all()
