"""Tables and arrays larger than memory: they lie in files without a name, and cost address space instead.

Such a file is gone when nothing points to its content any more, however the process ends.
"""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from tempfile import TemporaryFile, gettempdir
from typing import Any

from govkit.core.case import Array
from govkit.errors import DataError
from govkit.lazy import np, pa

LARGE = 1 << 27
"""Bytes of a table that stay in memory; what is larger lies in a file."""

HELD = 1 << 24
"""The same of an array: an audit holds several of each data set."""

PIECE = 1 << 16
"""Rows that are worked on at once."""

PILE = 1 << 27
"""Bytes of a table that are put in order at once."""


def gathered(parts: Iterable[Array]) -> Array:
    """One table of parts with the same schema, of at least one part; in a file where it is large.

    Raises:
        DataError: The disk for temporary files is full.
    """
    rest, held, size = iter(parts), list[Array](), 0
    for part in rest:
        held.append(part)
        size += part.nbytes
        if size > LARGE:
            batches = (batch for table in chain(held, rest) for batch in table.to_batches())
            return _spooled(batches, part.schema).read_all()
    return pa.concat_tables(held)


def reordered(table: Array, order: Array) -> Array:
    """Rows of a table in another order: ``table.take(order)``, in the memory of two piles.

    A large table is read from its begin to its end: the rows of each pile are written apart, then each pile is put in
    order by itself.

    Args:
        table: n rows.
        order: The row that comes first, second ...: int64 ``(n,)``, each row once.
    """
    if table.nbytes <= LARGE:
        return table.take(order)
    each = -(-table.num_rows // -(-table.nbytes // PILE))
    place = scratch(order.shape, "i8")
    for at in pieces(len(order)):
        place[order[at]] = np.arange(at.start, at.stop)
    piles: dict[int, list[int]] = {}
    schema = table.schema.append(pa.field("", pa.int64()))
    apart = _spooled(_apart(table, place, each, piles), schema)
    return _spooled(_in_order(apart, piles), table.schema).read_all()


def _apart(table: Array, place: Array, each: int, piles: dict[int, list[int]]) -> Iterator[Array]:
    """Batches of rows of one pile, with their new places beside them; ``piles`` is told the number of each batch."""
    start, number = 0, 0
    slices = (table.slice(at, each).combine_chunks() for at in range(0, table.num_rows, each))
    for batch in (batch for part in slices for batch in part.to_batches()):
        new = place[start : start + len(batch)]
        start += len(batch)
        by = np.argsort(new)
        taken, new = batch.take(pa.array(by)), new[by]
        for pile in np.unique(new // each).tolist():
            low, high = np.searchsorted(new, [pile * each, (pile + 1) * each]).tolist()
            piles.setdefault(pile, []).append(number)
            number += 1
            yield taken.slice(low, high - low).append_column("", pa.array(new[low:high]))


def _in_order(apart: Any, piles: dict[int, list[int]]) -> Iterator[Array]:
    for pile in sorted(piles):
        rows = pa.Table.from_batches([apart.get_batch(number) for number in piles[pile]])
        last = rows.num_columns - 1
        yield from rows.remove_column(last).take(np.argsort(rows.column(last).to_numpy())).to_batches()


def pieces(count: int) -> Iterator[slice]:
    """So many rows, ``PIECE`` at a time."""
    return (slice(at, min(at + PIECE, count)) for at in range(0, count, PIECE))


def taken(values: Array, rows: Array) -> Array:
    """``values[rows]`` of an array ``(n, ...)`` and places ``(m,)``, in a file where that is large."""
    found = scratch((len(rows), *values.shape[1:]), values.dtype)
    for at in pieces(len(rows)):
        found[at] = values[rows[at]]
    return found


def filled(count: int, kind: Any, parts: Iterable[Array]) -> Array:
    """An array ``(count,)`` of its parts, in a file where it is large."""
    found, at = scratch((count,), kind), 0
    for part in parts:
        found[at : at + len(part)] = part
        at += len(part)
    return found


def scratch(shape: tuple[int, ...], kind: Any) -> Array:
    """An array to be filled, of a numpy type; in a file where it is large.

    Raises:
        DataError: The disk for temporary files is full.
    """
    size = math.prod(shape) * np.dtype(kind).itemsize
    if size <= HELD:
        return np.empty(shape, kind)
    with disk(), TemporaryFile() as file:
        # A file with holes would end the process where the disk is full.
        os.posix_fallocate(file.fileno(), 0, size)
        return np.asarray(np.memmap(file, kind, "r+", shape=shape))


def _spooled(batches: Iterable[Array], schema: Array) -> Any:
    """Write batches to a file without a name: a reader whose batches lie in that file."""
    from pyarrow import ipc

    with disk(), TemporaryFile() as file:
        with ipc.new_file(file, schema) as sink:
            for batch in batches:
                sink.write_batch(batch)
        file.flush()
        return ipc.open_file(pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))


@contextmanager
def disk() -> Iterator[None]:
    """Tells of a disk for temporary files that is full."""
    try:
        yield
    except OSError as error:
        what = error.strerror or error
        raise DataError(f"rows cannot be kept in {gettempdir()}: {what}; free some space or set TMPDIR") from error
