"""A private copy of a model's folder: the very bytes that were digested, and all that its loader may read.

A digest of a folder says nothing of what is loaded from it a moment later, and mapped weights follow whoever writes to
their file. So the bytes are copied while they are digested, to a folder that only this user may enter.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from govkit import manifest
from govkit.errors import EvidenceError, SubjectError, UsageError
from govkit.subjects.boundary import unidentified

_PREFIX = "govkit-model-"
_SETTLED = 60
"""Seconds after which a copy that no process holds was left by one that was killed, not one that begins."""
_held: dict[Path, int] = {}
"""The copies of this process, each with the open folder that its lock is on."""
_BLOB = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/lib", "/System/", "/Library/")
_CODE = (".py", ".pyc", ".pyi", ".so", ".dylib")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def private_copy(folder: Path, *, strict: bool = True) -> tuple[Path, str]:
    """Copy a folder that transformers saved, and refuse one whose files name what lies elsewhere.

    Args:
        folder: The folder.
        strict: Refuse links. If False, a link of the hub's cache is followed, for it names the digest of its file.

    Returns:
        The copy, which ``drop`` or ``kept_for`` removes, and the artifact digest of the folder.

    Raises:
        SubjectError: The folder is missing, holds what cannot be signed, or names what lies elsewhere.
    """
    place = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        if os.name == "posix":
            _hold(place)
            _sweep()
        files = manifest.walk(folder, strict=strict, into=place)
        digests = {file.path: file.sha256 for file in files}
        for path in digests:
            if not (place / path).exists():
                digests[path] = _followed(folder / path, place / path)
        manifest.refuse_outside(place, digests)
    except (EvidenceError, UsageError) as error:
        drop(place)
        raise unidentified(folder, error) from error
    except BaseException:
        drop(place)
        raise
    return place, manifest.digest_of(file for file in files if file.path != manifest.CARD)


def _followed(link: Path, copy: Path) -> str:
    """Copy what a link of the hub's cache means: a file whose name is the SHA-256 or the git digest of its bytes.

    Raises:
        SubjectError: It is another link, or the file has other bytes.
    """
    target = link.resolve()
    if not (target.parent.name == "blobs" and _BLOB.fullmatch(target.name) and target.is_file()):
        raise SubjectError(f"{link.name!r} is a link, and none of the hub's cache; copy the model to plain files")
    copy.parent.mkdir(parents=True, exist_ok=True)
    with target.open("rb") as source, copy.open("xb") as into:
        shutil.copyfileobj(source, into)
    with copy.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    if len(target.name) == 64:
        held = sha256
    else:
        git = hashlib.sha1(b"blob %d\0" % copy.stat().st_size, usedforsecurity=False)
        git.update(copy.read_bytes())
        held = git.hexdigest()
    if held != target.name:
        raise SubjectError(f"{link.name!r} is a link of the hub's cache whose file has other bytes; download it again")
    return sha256


def drop(place: Path) -> None:
    """Remove a copy; files that are still mapped stay readable."""
    shutil.rmtree(place, ignore_errors=True)
    if (held := _held.pop(place, None)) is not None:
        os.close(held)


def _hold(place: Path) -> bool:
    """Lock a copy until it is dropped or this process ends, however it ends.

    Returns:
        False where another process holds it, or the file system has no locks: nobody will sweep it then.
    """
    import fcntl  # POSIX only

    held = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        return False
    _held[place] = held
    return True


def _sweep() -> None:
    """Remove the copies that killed processes of this user left."""
    for place in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or another process is faster
            found = place.lstat()
            settled = time.time() - found.st_mtime > _SETTLED
            if found.st_uid == os.getuid() and settled and place not in _held and _hold(place):
                drop(place)


def kept_for(owner: Any, place: Path) -> None:
    """Remove a copy when its owner is gone, or this process ends; a process forked from it leaves it alone."""
    mine = os.getpid()
    weakref.finalize(owner, lambda: drop(place) if os.getpid() == mine else None)


class _Watched(threading.local):
    place: str | None = None
    refused: list[str] | None = None


_watched = _Watched()
_hooks: list[Any] = []


@contextmanager
def reading_only(place: Path) -> Iterator[None]:
    """While this thread loads a model, refuse to open for reading what lies neither in a folder nor with the programs.

    It sees what Python opens. What native readers open, they are told by files that were read before.

    Raises:
        SubjectError: Something else was opened, whether or not the loader went on without it.
    """
    if not _hooks:
        _hooks.append(_hook)
        sys.addaudithook(_hook)
    _watched.place, _watched.refused = f"{place.resolve()}/", []
    try:
        yield
    finally:
        refused, _watched.place, _watched.refused = _watched.refused, None, None
        if refused:
            raise SubjectError(f"the model opens {refused[0]}, which is no file of its folder")


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event != "open" or _watched.place is None or not isinstance(args[0], str | bytes | os.PathLike):
        return
    place, refused = _watched.place, _watched.refused
    _watched.place = None  # what is opened to find out is not asked about
    try:
        path = os.path.realpath(os.fsdecode(args[0]))
        reads = not (args[2] or 0) & _WRITES and os.path.isfile(path)  # noqa: PTH113 — it runs at every open
        if reads and not _is_program(path) and not path.startswith(place):
            if refused is not None:
                refused.append(path)
            raise SubjectError(f"the model opens {path}, which is no file of its folder")
    finally:
        _watched.place = place


def _is_program(path: str) -> bool:
    homes = (sys.prefix, sys.base_prefix, *(each for each in sys.path if "site-packages" in each), *_packages())
    return path.startswith(_SYSTEM) or path.endswith(_CODE) or path.startswith(tuple(f"{home}/" for home in homes))


def _packages() -> Iterator[str]:
    """Where the loaders are installed, which may be reached by links."""
    for name in ("transformers", "torch", "tokenizers"):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None:
            yield os.path.realpath(Path(file).parent.parent)
