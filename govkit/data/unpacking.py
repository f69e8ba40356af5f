"""Open a file for its bytes, unpacked, within bounds: a few bytes can unpack to more than any disk holds."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from govkit.data.spool import disk
from govkit.errors import DataError
from govkit.lazy import pa

PACKED = (".gz", ".zst")

FREE = 1 << 28
"""Bytes that any file may unpack to."""

RATIO = 200
"""How many times its own size a larger file may unpack to; tables shrink to a tenth, seldom to a fiftieth."""

MARK = "\0\x1a"
"""What stands for a byte that is not UTF-8."""


def _marked(error: Any) -> tuple[str, int]:
    return MARK, error.end


codecs.register_error("govkit.marked", _marked)


def most_unpacked(path: Path) -> int:
    """Bytes that a file may unpack to."""
    return max(FREE, RATIO * path.stat().st_size)


def open_unpacked(path: Path) -> Any:
    """The bytes of a file, of ``.gz`` and ``.zst`` the unpacked ones, as a buffered reader.

    Raises:
        DataError: While it is read: it unpacks to more than ``FREE`` bytes and ``RATIO`` times its size.
    """
    name = path.name.lower()
    if name.endswith(".gz"):
        return io.BufferedReader(_Bounded(gzip.open(path, "rb"), path))
    if name.endswith(".zst"):
        return io.BufferedReader(_Bounded(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"), path))
    return path.open("rb")


def open_for_threads(path: Path, *, marked: bool) -> Any:
    """The unpacked bytes of a file for threads of Arrow; ``marked``: as UTF-8, with ``MARK`` for what is none.

    Nothing of it is Python's: a process that ends while a thread of Arrow asks Python for more is aborted. So what is
    packed is unpacked once to see that it stays within its bounds, and what needs marks is written to a file without a
    name.

    Raises:
        DataError: As ``open_unpacked``, or the disk for temporary files is full.
    """
    packed = path.name.lower().endswith(PACKED)
    clean = _is_utf8(path) if packed or marked else True
    if marked and not clean:
        with open_unpacked(path) as file, TemporaryFile() as copy:
            for data in utf8(file):
                with disk():
                    copy.write(data)
                    copy.flush()
            copy.seek(0)
            return pa.OSFile(f"/dev/fd/{copy.fileno()}")
    native = pa.OSFile(str(path))
    if not packed:
        return native
    return pa.CompressedInputStream(native, "gzip" if path.name.lower().endswith(".gz") else "zstd")


def utf8(file: Any, size: int = 1 << 20) -> Iterator[bytes]:
    """The bytes of a file, read in pieces of some size, with ``MARK`` for those that are not UTF-8."""
    decoder, data = codecs.getincrementaldecoder("utf-8")("govkit.marked"), b"more"
    while data:
        data = file.read(size)
        yield decoder.decode(data, final=not data).encode()


def _is_utf8(path: Path) -> bool:
    """Whether a file is UTF-8 throughout; it is read to its end in either case, so that its bounds are known."""
    mark, clean = MARK.encode(), True
    with open_unpacked(path) as file:
        for data in utf8(file):
            clean = clean and mark not in data
    return clean


class _Bounded(io.RawIOBase):
    def __init__(self, unpacked: Any, path: Path) -> None:
        super().__init__()
        self._unpacked, self._path, self._read = unpacked, path, 0
        self._most = most_unpacked(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = int(self._unpacked.readinto(buffer))
        self._read += count
        if self._read > self._most:
            raise DataError(
                f"{self._path} unpacks to more than {self._most >> 20} MB, over {RATIO} times its size; unpack it "
                "yourself if it is what you expect"
            )
        return count

    def close(self) -> None:
        self._unpacked.close()
        super().close()
