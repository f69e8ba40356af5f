"""Open a file for its bytes, unpacked, within bounds: a few bytes can unpack to more than any disk holds."""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path
from threading import Event, Lock
from typing import Any

from govkit.errors import DataError

PACKED = (".gz", ".zst")

FREE = 1 << 28
"""Bytes that any file may unpack to."""

RATIO = 200
"""How many times its own size a larger file may unpack to; tables shrink to a tenth, seldom to a fiftieth."""

PATIENCE = 0.2
"""Seconds in which Arrow's thread has asked again, if it does."""

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
    import pyarrow as pa

    name = path.name.lower()
    if name.endswith(".gz"):
        return io.BufferedReader(_Bounded(gzip.open(path, "rb"), path))
    if name.endswith(".zst"):
        return io.BufferedReader(_Bounded(pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"), path))
    return path.open("rb")


def open_for_threads(path: Path, *, marked: bool) -> Any:
    """The bytes of a file for threads of Arrow, ``Marked`` where that is asked for and needed.

    A file that is neither packed nor in need of marks is opened by Arrow itself: a process that ends while a thread of
    Arrow asks Python for more is aborted.
    """
    import pyarrow as pa

    if not path.name.lower().endswith(PACKED) and not (marked and _holds_other_bytes(path)):
        return pa.OSFile(str(path))
    return Marked(open_unpacked(path)) if marked else open_unpacked(path)


def _holds_other_bytes(path: Path) -> bool:
    """Whether a file is not UTF-8 throughout."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while data := file.read(1 << 20):
                decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return True
    return False


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


class Marked(io.RawIOBase):
    """A file as UTF-8, with ``MARK`` for what is none: Arrow does not survive such a byte in a row of other fields."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        # The bytes that ``read`` gives may be more than were asked for, which Arrow takes.
        self._file, self._decoder = file, codecs.getincrementaldecoder("utf-8")("govkit.marked")
        # Arrow reads ahead in a thread of its own, and goes on with that after it has told an error.
        self._reading, self._told_end = Lock(), Event()

    def readable(self) -> bool:  # noqa: D102 - as of any file
        return True

    def read(self, size: int = -1) -> bytes:  # noqa: D102
        text, data = "", b"more"
        with self._reading:
            while data and not text:
                data = b"" if self.closed else self._file.read(size)
                text = self._decoder.decode(data, final=not data)
            if not text:
                self._told_end.set()
        return text.encode()

    def close(self) -> None:  # noqa: D102
        with self._reading:
            self._file.close()
            super().close()
        # Where the reading stopped early, that thread asks once more and is told the end. A process that ended while it
        # asks would be aborted. It asks at once, or never where it has read ahead as far as it may.
        self._told_end.wait(PATIENCE)
