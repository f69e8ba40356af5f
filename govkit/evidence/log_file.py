"""A release log in a file: one publisher at a time holds it, and it is replaced in one step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from govkit.errors import UsageError
from govkit.evidence.log import ReleaseLog, open_log
from govkit.evidence.statement import read_bytes
from govkit.evidence.trust import Trust


def read_log(path: Path, *, trust: Trust, as_of: str) -> ReleaseLog:
    """Verify the release log in a file.

    Raises:
        EvidenceError: As ``open_log``.
        UsageError: There is no such file.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; expected a release log, which `govkit release new` makes")
    return open_log(read_bytes(path, file=path.name), trust=trust, as_of=as_of, file=path.name)


@contextmanager
def held_log(path: Path) -> Iterator[None]:
    """Nobody else publishes into this log, or into another of its folder, meanwhile.

    Raises:
        UsageError: Somebody does, or there is no such folder.
    """
    import fcntl  # POSIX only

    try:
        place = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UsageError(f"{path.absolute().parent}: cannot be opened ({error.strerror})") from None
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UsageError(f"{path}: somebody else publishes into this log just now; try again") from None
    finally:
        os.close(place)


@contextmanager
def replaced_log(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Takes the bytes of a new log, which gets the place of the old one in one step when the block ends well.

    Args:
        path: The log, which is held; what a publisher that was killed left beside it is written over.

    Yields:
        Writes the bytes down to the disk, so that nothing but the last step can fail after that.

    Raises:
        UsageError: It cannot be written.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        with open(draft, "wb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o644)) as stream:
            try:
                yield partial(_write, stream)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None


def _write(stream: BinaryIO, raw: bytes) -> None:
    os.fchmod(stream.fileno(), 0o644)
    stream.write(raw)
    stream.flush()
    os.fsync(stream.fileno())
