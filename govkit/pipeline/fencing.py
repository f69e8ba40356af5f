"""What is kept from code of the models, and which of it that code opened all the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from govkit.core.case import Fenced
from govkit.core.words import Role
from govkit.data import shards
from govkit.errors import UsageError
from govkit.pipeline.places import Places
from govkit.subjects.apart import Fence


def fence_of(places: Places, paths: Mapping[Role, Path], secret: Sequence[Path]) -> Fence:
    """The fence of an audit: every data set but the training rows, which a model may read, and stored answers.

    Args:
        places: Where things are.
        paths: Role -> where its rows are.
        secret: Files of keys and passphrases.
    """
    audit = places.audit
    stored = [source.predictions for source in (audit.base, audit.incumbent) if source is not None]
    rows = [path for role, path in paths.items() if role != "train"]
    rows += [places.at(each) for each in stored if each is not None]
    trained = {file.resolve() for file in _files(paths.get("train"))}
    files = [file for path in rows for file in _files(path) if file.resolve() not in trained]
    return Fence(tuple(files), tuple(secret), audit.seed, audit.subject.timeout)


def _files(path: Path | None) -> list[Path]:
    """The files of a data source; a folder is one."""
    if path is None:
        return []
    try:
        return [path] if path.exists() else shards.source(path, {})[0]
    except UsageError:
        # What cannot be read is refused where it is read.
        return []


def fenced(fence: Fence | None) -> Fenced | None:
    """What code of the models could reach, and which files with labels it opened; None where there is no such code."""
    if fence is None or not fence.children:
        return None
    closed = {what: all(child.closed[what] for child in fence.children) for what in ("memory", "network", "data")}
    opened = {entry for child in fence.children for entry in child.noted()}
    data = [path.resolve() for path in fence.data]
    nodes = {(found.st_dev, found.st_ino) for path in data if (found := path.stat())}
    copies = {(path.stat().st_size, _now(path)) for path in data if path.is_file() and path.stat().st_size}
    sizes = {size for size, _ in copies}
    read = {
        path
        for path, device, inode, size in opened
        if any(Path(path).is_relative_to(each) for each in data)
        or (device, inode) in nodes
        or (size in sizes and (size, _now(Path(path))) in copies)
    }
    return Fenced(closed, tuple(sorted(read)))


def _now(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return ""
    return _content(path, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=4096)
def _content(path: Path, *_times: int) -> str:
    """Digest of a file's content, empty for one that is gone; it is asked for after each check."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
