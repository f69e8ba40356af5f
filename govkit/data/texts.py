"""Texts of a table larger than memory: each is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import SupportsIndex, overload

from govkit.core.case import Array
from govkit.data import spool

ROWS = 1 << 12
"""Texts that are held at once."""


def as_strings(column: Array) -> list[str]:
    """The cells of a column as they print."""
    return [str(cell) for cell in column.to_pylist()]


def texts_of_columns(columns: Sequence[Array], make: Callable[..., list[str]] = as_strings) -> Sequence[str]:
    """One text a row of some columns ``(n,)``: a list, or a ``Texts`` where the columns are large; see there."""
    lazy = Texts(columns, make)
    return lazy if sum(column.nbytes for column in columns) > spool.LARGE else list(lazy)


class Texts(Sequence[str]):
    """Texts that lie in columns of Arrow. They are read as a list is; a slice is a list.

    Args:
        columns: Chunked arrays of n rows.
        make: Makes the texts of some rows out of these rows of each column.
    """

    def __init__(self, columns: Sequence[Array], make: Callable[..., list[str]] = as_strings) -> None:
        self._columns, self._make = columns, make

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, row: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: SupportsIndex | slice) -> str | list[str]:
        if not isinstance(row, slice):
            return self._made(range(len(self))[row], 1)[0]
        rows = range(len(self))[row]
        return self._made(rows.start, len(rows)) if rows.step == 1 else [self[at] for at in rows]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), ROWS):
            yield from self._made(start, ROWS)

    def _made(self, start: int, count: int) -> list[str]:
        return self._make(*(column.slice(start, count) for column in self._columns))
