"""Digests of files and folders: which bytes, under which names.

The artifact digest is the identity of a model. It covers names, sizes and bytes of all its files, so that a renamed,
added, emptied or swapped file is a different artifact.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import rfc8785

from govkit.errors import EvidenceError, UsageError
from govkit.manifest.folder import FILE, FOLDER, Root, Seen, changed, descriptor, entries, naming, opened
from govkit.manifest.names import refuse_bad_names, refuse_bad_path
from govkit.manifest.opening import refuse_outside, weight_files

CARD = "README.md"
"""The one file outside the artifact digest: the hub card holds results about the artifact, so it cannot be part of it.
Its name stands here and never in a signed file, where a forger could name others."""

_PIECE = 1 << 18
_SMALL = 1 << 16
_AT_ONCE = 1024


@dataclass(frozen=True, order=True)
class FileDigest:
    """One file.

    Attributes:
        path: Relative to the folder, with ``/``; the name of a single file.
        sha256: Hex digest of the bytes.
        size: Number of bytes.
    """

    path: str
    sha256: str
    size: int


def listing(path: Path, *, strict: bool = True) -> dict[str, int]:
    """Names and sizes of what ``walk`` would read, without reading a byte.

    Returns:
        Path -> number of bytes, sorted by path.

    Raises:
        EvidenceError: As ``walk``.
        UsageError: As ``walk``.
    """
    with opened(path) as root:
        return {seen.path: seen.size for seen in _listed(root, strict=strict)}


def walk(
    path: Path, sizes: Mapping[str, int] | None = None, *, strict: bool = True, into: Path | None = None
) -> tuple[FileDigest, ...]:
    """Digest every file of a folder, or a single file; no link is followed and no byte is read twice.

    Args:
        path: The folder or file. The folder itself may be named through a link.
        sizes: From a ``listing``: read these files only, and none of them if one is missing or has another size now.
        strict: For verification. If False, as for recording what package managers and caches have laid down, hard
            links are digested as files, and a symlink by the text it holds (never by what it points to).
        into: An empty folder that takes a copy of the very bytes that were digested, in files that can only be read.

    Returns:
        The files, sorted by the code points of their paths. Empty folders do not count.

    Raises:
        EvidenceError: ``SYMLINK`` or ``HARDLINK`` (strict only), ``SPECIAL``, ``BAD_PATH``, ``CASE_CLASH``, ``CHANGED``
            (while it was read); names the file.
        UsageError: There is no such path, it cannot be read, or the copy cannot be written.
    """
    with opened(path) as root, ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        found = _listed(root, strict=strict)
        if sizes is not None:
            found = [seen for seen in found if seen.path in sizes]
            differing = sizes.items() ^ {(seen.path, seen.size) for seen in found}
            if differing:
                raise changed(min(differing)[0])
        digest = partial(_digest, root=root, strict=strict, into=into)
        large = [seen for seen in found if seen.size > _SMALL]
        # Threads would wait for each other over small files; and a file that waits weighs more than its digest.
        digests = [digest(seen) for seen in found if seen.size <= _SMALL]
        for start in range(0, len(large), _AT_ONCE):
            digests += pool.map(digest, large[start : start + _AT_ONCE])
        return tuple(sorted(digests, key=lambda each: each.path))


def artifact_files(path: Path, *, strict: bool = True) -> tuple[FileDigest, ...]:
    """The files of a model that its artifact digest covers: all but the ``CARD``, which is walked and left out.

    Raises:
        EvidenceError: As ``walk``.
        UsageError: As ``walk``.
    """
    files = walk(path, strict=strict)
    return tuple(file for file in files if file.path != CARD) if path.is_dir() else files


def digest_of(files: Iterable[FileDigest]) -> str:
    """``sha256:<hex>`` of the RFC 8785 JSON of the sorted list of files."""
    listed = [{"path": file.path, "sha256": file.sha256, "size": file.size} for file in sorted(files)]
    return "sha256:" + hashlib.sha256(rfc8785.dumps({"v": 1, "alg": "sha256", "files": listed})).hexdigest()  # type: ignore[dict-item]


def artifact_digest(path: Path, *, strict: bool = True) -> str:
    """Identity of a model: ``sha256:<hex>`` over names, sizes and bytes of its ``artifact_files``.

    Raises:
        EvidenceError: As ``walk``.
        UsageError: As ``walk``.
    """
    return digest_of(artifact_files(path, strict=strict))


def _listed(root: Root, *, strict: bool) -> list[Seen]:
    """All files, sorted, so that of several faults the same one is named each time."""
    found = sorted(entries(root))
    refuse_bad_names(seen.path for seen in found)
    for seen in found:
        _refuse_kind(seen, strict=strict)
    return found


def _refuse_kind(seen: Seen, *, strict: bool) -> None:
    path = seen.path
    if seen.kind == stat.S_IFLNK:
        if strict:
            raise EvidenceError("SYMLINK", f"{path!r} is a symbolic link; replace it by the file it means", file=path)
    elif seen.kind != stat.S_IFREG:
        raise EvidenceError("SPECIAL", f"{path!r} is a device, pipe or socket; expected a plain file", file=path)
    elif strict and seen.links > 1:
        message = f"{path!r} has {seen.links} names, so it can be changed from elsewhere; copy it"
        raise EvidenceError("HARDLINK", message, file=path)


def _digest(seen: Seen, *, root: Root, strict: bool, into: Path | None) -> FileDigest:
    path = seen.path
    with naming(root, path):
        if seen.kind == stat.S_IFLNK:
            return _digest_link(path, root)
        with descriptor(root, path, FILE) as handle, _copy(into, path) as copy:
            _refuse_change(handle, seen, strict=strict)
            digest = _read(handle, seen, copy)
            _refuse_change(handle, seen, strict=strict)
    return FileDigest(path, digest, seen.size)


def _refuse_change(handle: int, seen: Seen, *, strict: bool) -> None:
    """An open file is the one that was listed, and still of one name."""
    now = Seen.of(seen.path, os.fstat(handle))
    if now[:-1] != seen[:-1]:
        raise changed(seen.path)
    _refuse_kind(now, strict=strict)


def _read(handle: int, seen: Seen, copy: io.FileIO | None) -> str:
    digest, size, count = hashlib.sha256(), 0, 1
    buffer = memoryview(bytearray(min(seen.size + 1, _PIECE)))
    with io.FileIO(handle, closefd=False) as stream:
        # Of a file that grows no more than a piece is read in vain.
        while count and size <= seen.size:
            count = stream.readinto(buffer)
            digest.update(buffer[:count])
            _write(copy, buffer[:count])
            size += count
    if size != seen.size:
        raise changed(seen.path)
    return digest.hexdigest()


def _digest_link(path: str, root: Root) -> FileDigest:
    folder, slash, name = path.rpartition("/")
    with descriptor(root, folder + slash, FOLDER) as handle:
        text = os.fsencode(os.readlink(name, dir_fd=handle))
    # The prefix is digested and not counted: no plain file has both this digest and this size.
    return FileDigest(path, hashlib.sha256(b"symlink\0" + text).hexdigest(), len(text))


@contextmanager
def _copy(into: Path | None, path: str) -> Iterator[io.FileIO | None]:
    if into is None:
        yield None
        return
    place = into / path
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        stream = io.FileIO(place, "x", opener=lambda name, flags: os.open(name, flags, 0o400))
    except OSError as error:
        raise UsageError(f"{place}: cannot be written ({error.strerror})") from None
    with stream:
        yield stream


def _write(copy: io.FileIO | None, piece: memoryview) -> None:
    while copy is not None and piece:
        try:
            piece = piece[copy.write(piece) :]
        except OSError as error:
            message = f"{copy.name!s}: cannot be written ({error.strerror}); name a place with more room"
            raise UsageError(message) from None
