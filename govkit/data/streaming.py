"""Digests of data that does not fit in memory: the bytes of the files, and the content of their rows.

The content digest is that of ``content_digest``, made from one part of the rows at a time. Row digests wait for their
sorting in a file without a name, so that nothing stays behind, however the process ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from os.path import commonpath
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO

from govkit.core.case import Array
from govkit.data.digest import digest_of_rows, row_hashes
from govkit.data.shards import source
from govkit.data.typed import KINDS
from govkit.errors import DataError, UsageError
from govkit.lazy import np, pa
from govkit.manifest import FileDigest, digest_of

PILES = 128
"""Row digests are put on piles by their first byte, so that one pile is sorted at a time."""

HELD = 1 << 18
"""Bytes of a pile that stay in memory: about a million rows on all."""


@dataclass(frozen=True)
class RowsDigest:
    """What identifies the rows of a data source.

    Attributes:
        digest: ``sha256:<hex>`` of the content, as ``content_digest`` gives it.
        rows: How many.
        columns: Their names, sorted.
        bytes_digest: ``sha256:<hex>`` of the bytes of the file; of several, of the list of their names and digests;
            empty for rows in memory.
    """

    digest: str
    rows: int
    columns: tuple[str, ...]
    bytes_digest: str = ""


def file_digest(
    path: Path | str, *, schema: Mapping[str, str] | None = None, keep: IO[bytes] | None = None
) -> RowsDigest:
    """Digest a data source of any size, in the memory of its largest record batch or row group's pages.

    Args:
        path: A file that ``read_table`` reads; a folder of such files or a pattern like ``data/*.parquet``, which are
            one table; a folder that ``datasets`` has saved; a folder of images.
        schema: Column -> ``int``, ``float``, ``text``, ``bool`` or ``time``. CSV is then read by it, in every format a
            cell that is no such thing is an error, and the digest does not depend on the format. Other columns have the
            types of the file; in CSV, what all its cells look like.
        keep: As for ``batches_digest``.

    Raises:
        DataError: As ``read_table``; a cell that is not as declared (names file, row and column), files that differ in
            columns or format, a file that changed while it was read.
        UsageError: No such kind, or the disk for temporary files is full.
    """
    schema = schema or {}
    wrong = sorted(set(schema.values()) - set(KINDS))
    if wrong:
        raise UsageError(f"a column is declared as {wrong[0]!r}; expected one of {', '.join(KINDS)}")
    files, rows = source(Path(path), schema)
    with _unchanged(files):
        first = next((part for part in rows if part), None)
        if first is None:
            raise DataError(f"{path} has no rows; expected at least one")
        found = batches_digest(chain([first], rows), first.column_names, keep=keep)
        return replace(found, bytes_digest=_bytes_digest(files))


def bytes_digest(path: Path | str) -> str:
    """``sha256:<hex>`` of the bytes of a data source, as ``file_digest`` tells it.

    Raises:
        DataError: As ``file_digest``.
    """
    return _bytes_digest(source(Path(path), {})[0])


def batches_digest(batches: Iterable[Array], names: Sequence[str], *, keep: IO[bytes] | None = None) -> RowsDigest:
    """Digest rows that come in parts, such as ``dataset.with_format("arrow").iter(10_000)``.

    Args:
        batches: ``pyarrow`` record batches or tables.
        names: The columns that count.
        keep: A file that the sorted row digests are written to, 32 bytes each, for ``shared_rows``.

    Raises:
        DataError: A batch lacks a column, or holds a value without a digest.
        UsageError: The disk for temporary files is full.
    """
    names, rows = sorted(names), 0
    try:
        with ExitStack() as stack:
            # In memory while they are small, then files without a name.
            piles = [stack.enter_context(SpooledTemporaryFile(max_size=HELD)) for _ in range(PILES)]
            for batch in batches:
                absent = sorted(set(names).difference(batch.schema.names))
                if absent:
                    raise DataError(f"a batch lacks the column {absent[0]!r}; found {', '.join(batch.schema.names)}")
                hashes = _sorted(row_hashes(pa.table(batch).select(names)))
                rows += len(hashes)
                for pile, part in zip(piles, np.split(hashes, _edges(hashes)), strict=True):
                    pile.write(part.tobytes())
            return RowsDigest(digest_of_rows(names, rows, _in_order(piles, keep)), rows, tuple(names))
    except OSError as error:
        raise UsageError(
            f"rows cannot be read, or their digests not kept in {gettempdir()}: {error}; free some space or set TMPDIR"
        ) from error


def shared_rows(kept: Sequence[IO[bytes]]) -> int:
    """Number of distinct rows that occur in more than one of several data sources with the same columns.

    Args:
        kept: For each source the file that ``batches_digest`` has written; a small part of each is in memory at a time.
    """
    for file in kept:
        file.flush()
    sources = [np.memmap(file, dtype="S32", mode="r") for file in kept]
    piles = zip(*(np.split(rows, _edges(rows)) for rows in sources), strict=True)
    counts = (np.unique(np.concatenate([np.unique(rows) for rows in pile]), return_counts=True)[1] for pile in piles)
    return sum(int((count > 1).sum()) for count in counts)


def _in_order(piles: Iterable[IO[bytes]], keep: IO[bytes] | None) -> Iterator[bytes]:
    for pile in piles:
        pile.seek(0)
        piece = _sorted(pile.read()).tobytes()
        if keep is not None:
            keep.write(piece)
        yield piece


def _sorted(hashes: bytes) -> Array:
    return np.sort(np.frombuffer(hashes, dtype="S32"))


def _edges(ordered: Array) -> Array:
    """Where each pile but the first begins in sorted row digests."""
    return np.searchsorted(ordered, np.arange(256 // PILES, 256, 256 // PILES, dtype=np.uint8).view("S1").astype("S32"))


@contextmanager
def _unchanged(files: Sequence[Path]) -> Iterator[None]:
    before = list(map(_state, files))
    try:
        yield
    finally:
        # Also instead of what a reader said about a file that was half of one and half of another.
        for file, state in zip(files, before, strict=True):
            if _state(file) != state:
                raise DataError(f"{file} changed while it was read; try again when nothing writes to it")


def _state(file: Path) -> tuple[int, ...]:
    found = file.stat() if file.exists() else None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found else ()


def _bytes_digest(files: Sequence[Path]) -> str:
    """``sha256:<hex>`` of the bytes of one file, or of the list of several with their names below a common folder.

    Raises:
        DataError: A file cannot be read.
    """
    root = commonpath([file.parent for file in files])
    found = []
    for file in files:
        try:
            with file.open("rb", buffering=0) as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                found.append(FileDigest(file.relative_to(root).as_posix(), sha256, stream.tell()))
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}") from error
    return digest_of(found) if len(found) > 1 else f"sha256:{found[0].sha256}"
