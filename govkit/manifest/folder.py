"""A folder that may be hostile, and may change while it is looked at.

It is opened once. Everything in it is opened relative to that descriptor, one component after the other, so that no
link is ever followed, wherever and whenever it is put there. However deep the folder is, few descriptors are held.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from govkit.errors import EvidenceError, UsageError
from govkit.manifest.names import LONGEST, refuse_bad_path

_GONE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EINVAL})
_ROOT = os.O_CLOEXEC | os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)
_STEP = _ROOT | os.O_NOFOLLOW
FOLDER = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY | os.O_NOFOLLOW
FILE = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Root(NamedTuple):
    """An open folder, and the one file in it that was asked for, if it is not the whole."""

    path: Path
    handle: int
    only: str


class Seen(NamedTuple):
    """What stood at a path when it was looked at."""

    path: str
    kind: int
    size: int
    modified: int
    inode: tuple[int, int]
    links: int

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> Seen:
        """Keep of a status what matters: a tenth of its memory."""
        inode = (status.st_dev, status.st_ino)
        return cls(path, stat.S_IFMT(status.st_mode), status.st_size, status.st_mtime_ns, inode, status.st_nlink)


def changed(path: str) -> EvidenceError:
    """The error of a file that is another one than a moment ago."""
    return EvidenceError("CHANGED", f"{path!r} was changed or replaced while it was read; try again", file=path)


@contextmanager
def opened(path: Path) -> Iterator[Root]:
    """Open a folder, or the one that holds a file; its own path may lead through links.

    Raises:
        UsageError: There is no such path, or it cannot be read.
    """
    try:
        path.lstat()
        folder, only = (path, "") if path.is_dir() else (path.parent, path.name)
        handle = os.open(folder, _ROOT)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file or folder") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        yield Root(folder, handle, only)
    finally:
        os.close(handle)


@contextmanager
def naming(root: Root, path: str) -> Iterator[None]:
    """Say of which file an error of the system is.

    Raises:
        EvidenceError: ``CHANGED``.
        UsageError: It cannot be read.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _GONE:
            raise changed(path) from None
        raise UsageError(f"{root.path / path}: cannot be read ({error.strerror})") from None


@contextmanager
def descriptor(root: Root, path: str, flags: int) -> Iterator[int]:
    """Open a path under a root; of a path that ends in ``/`` the folder itself."""
    *folders, last = path.split("/")
    handle = os.dup(root.handle)
    try:
        for part, how in (*((folder, _STEP) for folder in folders), (last or ".", flags)):
            above, handle = handle, os.open(part, how, dir_fd=handle)
            os.close(above)
        yield handle
    finally:
        os.close(handle)


def entries(root: Root) -> Iterator[Seen]:
    """Everything under a root that is no folder, in no order.

    Raises:
        EvidenceError: ``CHANGED``; ``BAD_PATH`` of a folder too deep to go on.
        UsageError: A folder cannot be read.
    """
    if root.only:
        with naming(root, root.only):
            yield Seen.of(root.only, os.stat(root.only, dir_fd=root.handle, follow_symlinks=False))
        return
    folders = [""]
    while folders:
        for seen in _scan(root, folders.pop()):
            if seen.kind != stat.S_IFDIR:
                yield seen
            elif len(seen.path) > LONGEST:
                refuse_bad_path(seen.path)
            else:
                folders.append(seen.path + "/")


def _scan(root: Root, prefix: str) -> list[Seen]:
    with naming(root, prefix.rstrip("/")), descriptor(root, prefix, FOLDER) as handle, os.scandir(handle) as found:
        return [Seen.of(prefix + entry.name, entry.stat(follow_symlinks=False)) for entry in found]
