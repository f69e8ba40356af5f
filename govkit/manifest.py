"""Digests of files and folders: which bytes, under which names.

The artifact digest is the identity of a model. It covers names, sizes and bytes of all its files, so that a renamed,
added, emptied or swapped file is a different artifact.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import rfc8785

from govkit.errors import EvidenceError, UsageError

EXCLUDED = ("README.md",)
"""Top-level files outside the artifact digest: the hub card holds results about the artifact, so it cannot be part of
it. The list stands here and never in a signed file, where a forger could lengthen it."""

_FORBIDDEN = frozenset("\\:\0")
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


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


def walk(path: Path, *, strict: bool = True) -> tuple[FileDigest, ...]:
    """Digest every file of a folder, or a single file; no link is followed.

    Args:
        path: The folder or file. The folder itself may be named through a link.
        strict: For verification. If False, as for recording what package managers and caches have laid down, hard
            links are digested as files, and a symlink by the text it holds (never by what it points to).

    Returns:
        The files, sorted by the code points of their paths. Empty folders do not count.

    Raises:
        EvidenceError: ``SYMLINK`` or ``HARDLINK`` (strict only), ``SPECIAL``, ``BAD_PATH``, ``CASE_CLASH``, ``CHANGED``
            (while it was read); names the file.
        UsageError: There is no such path, or it cannot be read.
    """
    try:
        entries = list(_entries(path, "")) if path.is_dir() else [(path.name, path, path.lstat())]
        entries.sort(key=lambda entry: entry[0])  # so that of several faults the same one is named each time
        _refuse_bad_names(name for name, _, _ in entries)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            digests = list(pool.map(lambda entry: _digest(*entry, strict=strict), entries))
    except FileNotFoundError as error:
        raise UsageError(f"{error.filename or path}: no such file or folder") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise EvidenceError("CHANGED", f"{error.filename}: became a link while it was read") from None
        raise UsageError(f"{error.filename or path}: cannot be read ({error.strerror})") from None
    return tuple(sorted(digests))


def artifact_files(path: Path, *, strict: bool = True) -> tuple[FileDigest, ...]:
    """The files of a model that its artifact digest covers: all but ``EXCLUDED``, which is walked and left out.

    Raises:
        EvidenceError: As ``walk``.
        UsageError: As ``walk``.
    """
    files = walk(path, strict=strict)
    return tuple(file for file in files if file.path not in EXCLUDED) if path.is_dir() else files


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


def refuse_bad_path(path: str) -> None:
    """Refuse a relative path that means different files to different systems, or leaves its folder.

    Raises:
        EvidenceError: ``BAD_PATH``.
    """
    parts = path.split("/")
    wrong = (
        "it is not UTF-8" if not _encodable(path)
        else "it is not in Unicode form NFC" if unicodedata.normalize("NFC", path) != path
        else "it holds a backslash, a colon or a control character" if any(map(_forbidden, path))
        else "it is not a plain relative path" if any(part in ("", ".", "..") for part in parts)
        else ""
    )  # fmt: skip
    if wrong:
        raise EvidenceError("BAD_PATH", f"file name {path!a}: {wrong}; rename the file", file=path)


def _encodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _forbidden(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character) == "Cc"


def _entries(folder: Path, prefix: str) -> Iterator[tuple[str, Path, os.stat_result]]:
    with os.scandir(folder) as found:
        for entry in found:
            status = entry.stat(follow_symlinks=False)
            name = prefix + entry.name
            if stat.S_ISDIR(status.st_mode):
                yield from _entries(Path(entry.path), name + "/")
            else:
                yield name, Path(entry.path), status


def _refuse_bad_names(names: Iterable[str]) -> None:
    """Refuse bad paths, and two paths (of files or folders) that are one on a file system without case."""
    seen: dict[str, str] = {}
    for name in sorted(names):
        refuse_bad_path(name)
        pure = PurePosixPath(name)
        for path in (name, *(str(parent) for parent in pure.parents if parent.name)):
            other = seen.setdefault(unicodedata.normalize("NFC", path.casefold()), path)
            if other != path:
                raise EvidenceError(
                    "CASE_CLASH", f"{other!r} and {path!r} differ only in case; rename one of them", file=path
                )


def _digest(name: str, path: Path, status: os.stat_result, *, strict: bool) -> FileDigest:
    if stat.S_ISLNK(status.st_mode):
        return _digest_link(name, path, strict=strict)
    if not stat.S_ISREG(status.st_mode):
        raise EvidenceError("SPECIAL", f"{name!r} is a device, pipe or socket; expected a plain file", file=name)
    # The checks are repeated on the open file: between lstat and open another one may have taken its place.
    with os.fdopen(os.open(path, _OPEN), "rb", buffering=0) as stream:
        before = os.fstat(stream.fileno())
        if (before.st_dev, before.st_ino) != (status.st_dev, status.st_ino):
            raise EvidenceError("CHANGED", f"{name!r} was replaced while it was read; try again", file=name)
        if strict and before.st_nlink > 1:
            raise EvidenceError(
                "HARDLINK",
                f"{name!r} has {before.st_nlink} names, so it can be changed from elsewhere; copy it",
                file=name,
            )
        digest, size = hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell()
        after = os.fstat(stream.fileno())
    if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
        raise EvidenceError("CHANGED", f"{name!r} changed while it was read; try again", file=name)
    return FileDigest(name, digest, size)


def _digest_link(name: str, path: Path, *, strict: bool) -> FileDigest:
    if strict:
        raise EvidenceError("SYMLINK", f"{name!r} is a symbolic link; replace it by the file it means", file=name)
    text = os.fsencode(path.readlink())
    # The prefix is digested and not counted: no plain file has both this digest and this size.
    return FileDigest(name, hashlib.sha256(b"symlink\0" + text).hexdigest(), len(text))
