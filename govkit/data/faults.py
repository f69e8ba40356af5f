"""Rows at fault: those that cannot be read and those that cannot be used, named by their place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from govkit.core.case import Array
from govkit.errors import DataError
from govkit.lazy import np

MOST = 100_000
"""Rows of a data source that may be broken; what has more is no table, and so is what is broken by half."""


class RowFault(DataError):
    """A row that cannot be used.

    Args:
        path: The file.
        row: Its place, counted from 0.
        what: What was found and expected.
        link: What joins the two.
    """

    def __init__(self, path: Path, row: int, what: str, link: str = ": ") -> None:
        super().__init__(f"{path}, row {row + 1}{link}{what}")
        self.path, self.row, self.what, self.link = path, row, what, link


@contextmanager
def by_place(places: Array | None) -> Iterator[None]:
    """Name a row at fault by its place in the file, where rows before it were broken and are not in the table.

    Args:
        places: Place of each row of the table, int64 ``(n,)``; None where no row is missing.

    Raises:
        DataError: Instead of the ``RowFault``.
    """
    try:
        yield
    except RowFault as fault:
        place = fault.row if places is None else int(places[fault.row])
        raise DataError(f"{fault.path}, row {place + 1}{fault.link}{fault.what}") from fault


class Faults:
    """The broken rows of a data source: their places and what is wrong with them, never what stands in them.

    Attributes:
        found: Place among all rows of the source, counted from 0 -> what is wrong.
        rows: Rows of all files that were read to their end, the broken ones included.
    """

    def __init__(self, source: Path) -> None:
        self.source, self.found, self.rows = source, dict[int, str](), 0
        self._file, self._skipped = source, list[int]()

    def begin(self, file: Path) -> None:
        """Another file of the source follows."""
        self._file, self._skipped = file, []

    def skip(self, row: int, what: str) -> None:
        """A row of the file that its reader left out; rows are told in their order."""
        self._skipped.append(row)
        self._note(row, what)

    def drop(self, given: int, what: str) -> None:
        """A row that its reader gave as the ``given``-th of the file."""
        before = np.sort(np.asarray(self._skipped, dtype=np.int64))
        self._note(given + int(np.searchsorted(before - np.arange(len(before)), given, side="right")), what)

    def end(self, given: int) -> None:
        """The file has ended; its reader gave so many rows.

        Raises:
            DataError: It holds no row at all.
        """
        if not given + len(self._skipped):
            raise DataError(f"{self._file} has no rows; expected at least one")
        self.rows += given + len(self._skipped)

    def close(self) -> tuple[str, ...]:
        """All that was found, in the order of the rows.

        Raises:
            DataError: Half of the rows are broken, or more.
        """
        told = tuple(self.found[place] for place in sorted(self.found))
        if told and 2 * len(told) >= self.rows:
            raise DataError(f"{self.source}: {len(told)} of {self.rows} rows cannot be read; the first: {told[0]}")
        return told

    @property
    def full(self) -> bool:
        """Whether there are too many; ``check`` then raises a DataError."""
        return len(self.found) > MOST

    def check(self) -> None:
        """Refuse a source with too many broken rows."""
        if self.full:
            first = self.found[min(self.found)]
            raise DataError(f"{self.source}: more than {MOST} rows cannot be read; the first: {first}")

    def _note(self, row: int, what: str) -> None:
        where = "" if self._file == self.source else f"{self._file.name}, "
        self.found.setdefault(self.rows + row, f"{where}row {row + 1}: {what}")
