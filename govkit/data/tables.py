"""Read any table: CSV, TSV, JSONL, JSON (each also packed), Parquet, Arrow, Feather, or a folder of images.

Row numbers in messages count the rows of the file from 1, the header not counted.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

from govkit.core.case import Array
from govkit.data.digest import BATCH
from govkit.data.faults import Faults
from govkit.data.images import image_table
from govkit.data.jsonl import common_schema, jsonl_parts
from govkit.data.typed import KINDS, typed
from govkit.data.unpacking import MARK, PACKED, RATIO, most_unpacked, open_for_threads, open_unpacked
from govkit.errors import DataError
from govkit.lazy import np, pa, pc

FORMATS = (
    ".csv, .tsv, .tab, .jsonl, .ndjson, .json (each also .gz or .zst), .parquet, .pq, .arrow, .feather or a folder of "
    "images"
)
BLOCK = 1 << 22
"""The longest possible row of CSV in bytes. Arrow reads 32 blocks ahead, which is most of the memory that it needs."""

PATIENCE = 1.0
"""Seconds after which a thread of Arrow is waited for no longer."""

STEP = 256
"""Rows of Parquet that are unpacked at once: a text that is stored once may be meant in each of them."""

PART = 1 << 26
"""Bytes from which on these are a part."""

WIDE = 1000
"""Columns from which on blocks are four times as large."""

LIST = 1 << 28
"""The longest possible JSON list in bytes: it is read whole."""

FORMAT = {
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather"), "arrow"),
}
READABLE: dict[str, tuple[str, ...]] = {"csv": KINDS, "json": ("time",), "parquet": (), "arrow": ()}
"""What text may stand for, by format: the others hold these things themselves."""

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
    must_exist(path)
    if path.is_dir():
        return image_table(path)
    read = list(parts(path))
    if not any(read):
        raise DataError(f"{path} has no rows; expected at least one")
    return typed(pa.concat_tables(read), READABLE[format_of(path)])


def parts(path: Path, *, schema: Array = None, faults: Faults | None = None) -> Iterator[Array]:
    """Read the rows of a file in parts of some megabytes; cells that come as text stay text.

    Args:
        path: A file in one of ``FORMATS``.
        schema: Types of the keys of a JSON file; not given, those that all its lines show.
        faults: Is told the rows that are broken, which are then left out; not given, the first is an error.

    Returns:
        Tables with the columns that are content; together they may hold no row.

    Raises:
        DataError: As ``read_table``.
    """
    read: dict[str, Callable[[Path], Iterator[Array]]] = {
        "csv": partial(_csv, faults=faults),
        "json": partial(_json, schema=schema, faults=faults),
        "parquet": _parquet,
        "arrow": _arrow,
    }
    try:
        found = _content_of(path, read[format_of(path)](path))
        yield from found if faults is None else _sound(path, found, faults)
    except UnicodeError as error:
        raise DataError(f"{path} is not UTF-8; save it as UTF-8") from error
    except (pa.ArrowException, OSError, EOFError, zlib.error, json.JSONDecodeError, RecursionError) as error:
        what = " ".join(str(error).split())
        if "straddl" in what:
            raise DataError(
                f"{path} has a row of more than {BLOCK >> 20} MB; is there a quote never closed?"
            ) from error
        if "UTF8" in what or "UTF-8" in what:
            raise DataError(f"{path} is not UTF-8 ({what}); save it as UTF-8") from error
        raise DataError(f"{path} cannot be read as {suffix(path)} (damaged or truncated?): {what}") from error


def _content_of(path: Path, read: Iterator[Array]) -> Iterator[Array]:
    for part in read:
        part.validate(full=True)
        _unique_names(path, part.column_names)
        yield part.select([name for name in part.column_names if not _PANDAS_INDEX.fullmatch(name)])


def _sound(path: Path, read: Iterator[Array], faults: Faults) -> Iterator[Array]:
    """The parts without the rows whose text is not UTF-8 or holds a null byte."""
    faults.begin(path)
    given = 0
    for part in read:
        bad = dict[int, str]()
        for name, column in zip(part.column_names, part.columns, strict=True):
            _note_damage(column, name, bad)
        for row in sorted(bad):
            faults.drop(given + row, bad[row])
        faults.check()
        given += part.num_rows
        yield part.take(np.delete(np.arange(part.num_rows), list(bad))) if bad else part
    faults.end(given)


def _note_damage(column: Array, name: str, bad: dict[int, str]) -> None:
    """Tell ``bad`` the rows whose text was not UTF-8 or holds a null byte."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        for sign, what in ((MARK, "is not UTF-8"), ("\0", "holds a null byte")):
            held = pc.fill_null(pc.match_substring(column, sign), False).to_numpy()  # noqa: FBT003 - of pyarrow
            for row in np.flatnonzero(held).tolist():
                bad.setdefault(row, f"column {name!r} {what}")


def must_exist(path: Path) -> None:
    """Refuse a path that leads nowhere.

    Raises:
        DataError: Nothing is there, or it cannot be opened.
    """
    try:
        os.stat(path)  # noqa: PTH116 - Path.exists() hides a symlink loop
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise DataError(f"{path} is a symlink loop; expected a file or a folder of images") from error
        raise DataError(f"{path} does not exist or cannot be opened: {error.strerror}; check the path") from error
    except ValueError as error:
        raise DataError(f"{str(path)!r} cannot be the name of a file ({error})") from error


def suffix(path: Path) -> str:
    """The format of a file by its name, ``.gz`` and ``.zst`` looked through."""
    name = path.name.lower()
    return Path(name.removesuffix(next(filter(name.endswith, PACKED), ""))).suffix


def format_of(path: Path) -> str:
    """``csv``, ``json``, ``parquet`` or ``arrow``, by the name of a file.

    Raises:
        DataError: It is none of these, or the file is empty.
    """
    found = FORMAT.get(suffix(path))
    if found is None or (found in {"parquet", "arrow"} and path.name.lower().endswith(PACKED)):
        raise DataError(f"{path} is in no format that govkit reads; expected {FORMATS}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; expected a table with a header and at least one row")
    return found


def _unique_names(path: Path, names: list[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"{path} has the column {twice[0]!r} more than once; column names must be unique")


def _csv(path: Path, faults: Faults | None) -> Iterator[Array]:
    """Every cell as text; ``kinds`` then decides per column, the same on every machine and block size."""
    from pyarrow import csv

    delimiter = "," if suffix(path) == ".csv" else "\t"
    names = _header(path, delimiter)
    _unique_names(path, names)
    # A small part of thousands of columns costs what a large one does.
    block = BLOCK << 2 if len(names) > WIDE else BLOCK
    handler = None if faults is None else partial(_other_fields, faults)
    held = (lambda: None) if handler is None else ref(handler)
    options = {
        # Rows are numbered where one thread reads them.
        "read_options": csv.ReadOptions(block_size=block, use_threads=faults is None),
        "parse_options": csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            invalid_row_handler=handler,
        ),
        "convert_options": csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
        ),
    }
    rows, part = 0, None
    try:
        with open_for_threads(path, marked=faults is not None) as given, _with_row(path, faults):
            for batch in csv.open_csv(given, **options):
                part = pa.table(batch)
                rows += part.num_rows
                yield part
    finally:
        options.clear()
        handler = None
        _let_go(held)
    _no_open_quote(path, part, rows)


def _let_go(held: Callable[[], Any]) -> None:
    """Wait until no thread of Arrow holds what is Python's: a process that ends before that is aborted."""
    until = time.monotonic() + PATIENCE
    while held() is not None and time.monotonic() < until:
        time.sleep(0.001)


def _other_fields(faults: Faults, row: Any) -> str:
    """What becomes of a row with more or fewer fields; one over several lines may have swallowed whole rows."""
    faults.skip(row.number - 2, f"found {row.actual_columns} fields, expected {row.expected_columns}")
    return "error" if faults.full or "\n" in row.text else "skip"


def _header(path: Path, delimiter: str) -> list[str]:
    import csv

    # The text is decoded in blocks: a fault in a later row must not be told as one of the header.
    with open_unpacked(path) as file:
        text = io.StringIO(file.read(BLOCK).decode("utf-8-sig", errors="surrogateescape"), newline="")
    try:
        names = next((row for row in csv.reader(text, delimiter=delimiter) if row), [])
    except csv.Error as error:
        raise DataError(f"{path}: the header cannot be read ({error}); expected column names") from error
    for name in names:
        name.encode()
    return names


@contextmanager
def _with_row(path: Path, faults: Faults | None) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        if faults is not None:
            faults.check()
        fields = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", str(error))
        if fields:
            row, expected, found = (int(number) for number in fields.groups())
            over = " (over several lines: is a quote never closed?)" if faults is not None else ""
            raise DataError(f"{path}, row {row - 1}: found {found} fields, expected {expected}{over}") from error
        utf8 = re.search(r"column #(\d+): Row #(\d+): .*UTF8", str(error))
        if utf8:
            raise DataError(f"{path}, row {int(utf8[2]) - 1}: the text is not UTF-8; save it as UTF-8") from error
        raise


def _no_open_quote(path: Path, end: Array, rows: int) -> None:
    """Refuse a quote that is never closed: it swallows every row up to the end of the file."""
    if not end:
        return
    last = [column[-1].cast(pa.binary()).as_py() or b"" for column in end.columns]
    if not any(b"\n" in cell for cell in last):
        return
    with open_unpacked(path) as file:
        quotes = sum(chunk.count(b'"') for chunk in iter(lambda: file.read(1 << 20), b""))
    if quotes % 2:
        raise DataError(f"{path}, row {rows}: a quote is opened and never closed")


def _json(path: Path, schema: Array, faults: Faults | None) -> Iterator[Array]:
    opened = partial(_open_lines, path)
    if schema is None:
        schema = common_schema(jsonl_parts(path, opened, pa.schema([]), faults and Faults(path)))
    return jsonl_parts(path, opened, schema, faults)


def _open_lines(path: Path) -> Any:
    """Open a file of one JSON object a line; a JSON list is read whole and each of its elements is a line."""
    if suffix(path) != ".json":
        return open_unpacked(path)
    with open_unpacked(path) as file:
        if not file.read(BLOCK).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
            return open_unpacked(path)
    with open_unpacked(path) as file:
        text = file.read(LIST + 1)
    if len(text) > LIST:
        raise DataError(
            f"{path} is a JSON list of more than {LIST >> 20} MB; write one object a line instead, as .jsonl"
        )
    return io.BytesIO("".join(json.dumps(row) + "\n" for row in json.loads(text)).encode())


def _parquet(path: Path) -> Iterator[Array]:
    from pyarrow import parquet

    # Arrow takes a name such as file:/x for an address. Without the read-ahead the peak memory is a tenth.
    with (
        pa.OSFile(str(path)) as source,
        parquet.ParquetFile(source, pre_buffer=False, buffer_size=1 << 20) as file,
    ):
        groups = map(file.metadata.row_group, range(file.metadata.num_row_groups))
        _within(path, sum(group.total_byte_size for group in groups))
        size, held, since = 0, list[Array](), 0
        for few in map(pa.table, file.iter_batches(batch_size=min(STEP, BATCH))):
            # A text that is stored once and meant in many rows is as large as all of these.
            size += plain(few).nbytes
            _within(path, size)
            held.append(few)
            if len(held) * STEP >= BATCH or size - since >= PART:
                yield pa.concat_tables(held).combine_chunks()
                held, since = [], size
        if held:
            yield pa.concat_tables(held).combine_chunks()


def plain(part: Array) -> Array:
    """A table without dictionaries."""
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in part.columns
    ]
    return pa.Table.from_arrays(columns, names=part.column_names)


def _within(path: Path, size: int) -> None:
    most = most_unpacked(path)
    if size > most:
        raise DataError(
            f"{path} unpacks to more than {most >> 20} MB, over {RATIO} times its size; write it without compression "
            "and dictionaries if it is what you expect"
        )


def _arrow(path: Path) -> Iterator[Array]:
    from pyarrow import feather, ipc

    with pa.OSFile(str(path)) as file:
        start = file.read(8)
        file.seek(0)
        if start.startswith(b"FEA1"):
            yield feather.read_table(path, memory_map=False)
        elif start.startswith(b"ARROW1"):
            stored = ipc.open_file(file)
            yield from (pa.table(stored.get_batch(at)) for at in range(stored.num_record_batches))
        else:
            yield from map(pa.table, ipc.open_stream(file))
