"""What a model is read from stays as it is while it is measured; else its digest is of other bytes than those."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from govkit import lineage
from govkit.core.audit import BaseSource, SubjectSource
from govkit.errors import AuditError, UsageError
from govkit.pipeline.places import Places

TICK = 0.02
"""Seconds within which a system may give two changes of a file one time; nothing is read before they are over."""

State = tuple[int, ...]
"""Device, inode, size and times of a file; whoever writes to it cannot set back the time of its last change (ctime)."""


def states(places: Places) -> dict[Path, Mapping[str, State]]:
    """The state of what is read more than once: stored answers, and Python code with its artifact.

    A folder that transformers saved needs none, for it is loaded from a private copy.
    """
    audit = places.audit
    sources = (audit.subject, audit.base, audit.incumbent)
    paths = [path for source in sources if source is not None for path in _read(places, source)]
    found: dict[Path, Mapping[str, State]] = {path: _state(path) for path in paths}
    if found:
        time.sleep(TICK)
    return found


def refuse_changed(before: Mapping[Path, Mapping[str, State]]) -> None:
    """Raise an AuditError where something is not as it was."""
    for path, state in before.items():
        if _state(path) != state:
            raise AuditError(f"{path}: was changed while it was measured; start again when nothing writes to it")


def _read(places: Places, source: SubjectSource | BaseSource) -> Iterator[Path]:
    if source.predictions is not None:
        yield places.at(source.predictions)
    if source.python is not None:
        module = Path(*source.python.partition(":")[0].split("."))
        code = places.at(source.code or ".") if isinstance(source, BaseSource) else places.root
        yield from (code / f"{module}.py", code / module / "__init__.py")
        if source.artifact is not None:
            yield places.at(source.artifact)
        if isinstance(source, SubjectSource) and source.run is not None:
            record = places.at(source.run)
            # What cannot be read is refused where it is read.
            with suppress(UsageError):
                yield lineage.model_folder(record, lineage.read_run(record))


def _state(path: Path) -> dict[str, State]:
    found: Iterable[Path] = (path, *path.rglob("*"))
    return {str(each): _of(each) for each in found}


def _of(path: Path) -> State:
    try:
        seen = path.stat()
    except OSError:
        return ()
    return (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
