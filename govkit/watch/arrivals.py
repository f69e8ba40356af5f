"""Looks that have arrived: the files of a folder, or the days of a log that are over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from govkit import data
from govkit.core.case import Array
from govkit.data.tables import FORMAT, suffix
from govkit.errors import DataError
from govkit.lazy import pa, pc
from govkit.watch.form import WatchFile
from govkit.watch.reference import cells_of


@dataclass(frozen=True)
class Arrival:
    """Rows that can be looked at.

    Attributes:
        name: Name of the look.
        read: Reads its table.
        stamp: Size and time of a file; another one says that it was touched. Empty for a day.
    """

    name: str
    read: Callable[[], Array]
    stamp: str = ""


def arrivals(form: WatchFile, root: Path, *, today: date) -> Iterator[Arrival]:
    """What has arrived, in the order of its names.

    Args:
        form: The watch file.
        root: Its folder.
        today: Days before this one are over.

    Raises:
        DataError: The folder or the log is missing or cannot be read.
    """
    path = root / form.looks.path
    if form.looks.by == "file":
        for file in _files(path):
            # A file that is gone again is no look.
            with suppress(FileNotFoundError):
                held = file.stat()
                yield Arrival(file.name, partial(data.read_table, file), f"{held.st_size} {held.st_mtime_ns}")
    else:
        yield from _days(path, form.columns.time or "", today)


def _files(path: Path) -> Iterator[Path]:
    if not (path.is_dir() or set("*?[") & set(path.name)):
        raise DataError(f"{path}: expected a folder of looks, or a pattern such as log/*.parquet; for one log by: day")
    folder, pattern = (path, "*") if path.is_dir() else (path.parent, path.name)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    for file in sorted(folder.glob(pattern)):
        # A hidden file is one that is still being written.
        if file.is_file() and not file.name.startswith(".") and suffix(file) in FORMAT:
            yield file


def _days(path: Path, time: str, today: date) -> Iterator[Arrival]:
    table = data.read_table(path)
    try:
        for day, rows in days_of(table, time):
            if day < today:
                yield Arrival(day.isoformat(), partial(_same, rows))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _same(rows: Array) -> Array:
    return rows


def days_of(table: Array, time: str) -> Iterator[tuple[date, Array]]:
    """The rows of each day, in UTC, in the order of the days.

    Raises:
        DataError: The column is missing, holds no times, or has rows without one.
    """
    days = pc.cast(pc.floor_temporal(_times(table, time), unit="day"), pa.date32(), safe=False)
    for day in sorted(pc.unique(days).to_pylist()):
        yield day, table.filter(pc.equal(days, pa.scalar(day, pa.date32())))


def _times(table: Array, name: str) -> Array:
    """Times of UTC without a zone, by which days begin at midnight; those without a zone are taken as of UTC."""
    cells = cells_of(table, name)
    if cells.null_count:
        raise DataError(f"column {name!r} has {cells.null_count} rows without a time; fill them")
    try:
        if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            # CSV and JSON keep a time with an offset such as +01:00 as text.
            cells = pc.cast(cells, pa.timestamp("us", tz="UTC"))
        if pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
            return pc.cast(cells, pa.timestamp("us"), safe=False)
    except pa.ArrowInvalid:
        pass
    raise DataError(f"column {name!r} holds {table[name].type}; expected times")


def middle_day(table: Array, time: str) -> int | None:
    """The ordinal of the day in the middle of some rows, by their times; None without rows.

    Raises:
        DataError: As for ``days_of``.
    """
    days = pc.cast(pc.cast(pc.floor_temporal(_times(table, time), unit="day"), pa.date32(), safe=False), pa.int32())
    middle = pc.quantile(days, 0.5, interpolation="lower")[0].as_py()
    return None if middle is None else date(1970, 1, 1).toordinal() + int(middle)
