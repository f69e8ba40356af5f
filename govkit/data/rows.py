"""The rows of a data set of an audit: of one or many files, of any size, and what is broken among them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from govkit.core.case import Array
from govkit.data.faults import Faults
from govkit.data.shards import same_names, source
from govkit.data.spool import filled, gathered, pieces
from govkit.data.tables import FORMAT, parts, plain, suffix
from govkit.errors import DataError
from govkit.lazy import np, pa


@dataclass(frozen=True)
class Rows:
    """Rows as they were read.

    Attributes:
        path: Where they came from.
        table: A ``pyarrow.Table`` of n rows, in the order of the files.
        broken: Rows that are not in the table, each with its place and what is wrong with it.
        places: Place of each row among all that were there, counted from 0, int64 ``(n,)``; None where none is broken.
    """

    path: Path
    table: Array
    broken: tuple[str, ...] = ()
    places: Array | None = None

    @property
    def root(self) -> Path:
        """Folder that the paths of images start from."""
        return self.path if self.path.is_dir() else self.path.parent


def read_rows(path: Path | str) -> Rows:
    """Read the rows of a data source, in little memory however large it is; broken rows are told and left out.

    A row is broken that has another number of fields, is not one JSON object, has another type under a key than the
    rows before, is not UTF-8, or holds a null byte.

    Args:
        path: A file that ``read_table`` reads, a folder of such files, a pattern like ``data/*.parquet``, a folder that
            ``datasets`` has saved, or a folder of images.

    Raises:
        DataError: As ``read_table``; also for half of the rows broken or more, an empty file, files with other columns
            or types, a link that leads out of the folder, and a full disk for temporary files.
    """
    path = Path(path)
    faults = Faults(path)
    files, read = source(path, {}, faults)
    if path.is_dir():
        _stay_inside(path, files)
    table = gathered(_alike(files, read, faults))
    broken = faults.close() if faults.found else ()
    return Rows(path, table, broken, _places(table.num_rows, np.sort(list(faults.found))) if broken else None)


def _places(count: int, broken: Array) -> Array:
    """Places of rows ``(count,)`` among all that were there, without the broken ones."""
    # So many rows stand before each broken one.
    before = broken - np.arange(len(broken))
    rows = (np.arange(at.start, at.stop) for at in pieces(count))
    return filled(count, "i8", (part + np.searchsorted(before, part, side="right") for part in rows))


def _stay_inside(folder: Path, files: Sequence[Path]) -> None:
    root = folder.resolve()
    for file in files:
        if not Path(os.path.realpath(file)).is_relative_to(root):
            raise DataError(f"{file} is a link that leads out of {folder}; put the file itself there")


def _alike(files: Sequence[Path], read: Iterator[Array], faults: Faults) -> Iterator[Array]:
    """The parts with their columns in one order and of one type.

    Raises:
        DataError: There is no row, or none that can be read.
    """
    first = next(read, None)
    if first is None:
        faults.close()
        raise DataError(f"{files[0]} has no rows; expected at least one")
    has_types = FORMAT.get(suffix(files[0])) in ("parquet", "arrow")
    # Batches are written one after another: a dictionary for each would be too many.
    schema = _common_schema(files) if len(files) > 1 and has_types else plain(first).schema
    for part in chain([first], read):
        yield plain(part).select(schema.names).cast(schema)


def _common_schema(files: Sequence[Path]) -> Array:
    """The schema that all files can be read by: numbers become wider, a column without values any type.

    Raises:
        DataError: The types of a column cannot be one; names file and column.
    """
    common = None
    for file in files:
        head = next(parts(file), None)
        if head is None:
            raise DataError(f"{file} has no rows; expected at least one")
        schema = plain(head).schema
        common = schema if common is None else common
        same_names(file, schema.names, common.names)
        for at, name in enumerate(common.names):
            pair = [pa.schema([common.field(at)]), pa.schema([schema.field(name)])]
            try:
                common = common.set(at, pa.unify_schemas(pair, promote_options="permissive").field(0))
            except pa.ArrowException as error:
                found, expected = schema.field(name).type, common.field(at).type
                raise DataError(f"{file}: column {name!r} holds {found}; expected {expected}") from error
    return common
