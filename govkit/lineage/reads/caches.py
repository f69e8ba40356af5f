"""``datasets`` serves rows from a cache that is keyed on the time of modification: are they still those of the files?

A file whose bytes changed and whose time was kept is not read again; the old rows are trained on. So where a call was
served from the cache, its files are read anew by the same call into an empty cache, and both contents are compared.
"""

from __future__ import annotations

import inspect
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from govkit.data import content_digest
from govkit.lineage.reads.readers import loaded

State = Literal["stale", "same", "not checked"]
BUILDERS = ("csv", "json", "parquet", "text")
LIMIT = 1 << 28
"""Bytes of source files up to which a cache is compared."""


@dataclass(frozen=True)
class CacheCheck:
    """What came of comparing the rows that a cache served with the files that they were made from.

    Attributes:
        files: The source files.
        cache: The files of the cache that served the rows.
        state: ``stale`` when the rows differ from those of the files.
        reason: Why it was not checked, or in which splits rows differ.
    """

    files: tuple[Path, ...]
    cache: tuple[Path, ...]
    state: State
    reason: str


class Loads(list[tuple[Callable[..., Any], inspect.BoundArguments, Any, int]]):
    """Every call of ``load_dataset``: the function, its arguments, its result, when it began (ns since 1970)."""

    def around(self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Keep what a call was given and what it returned; the rows stay in their files."""
        began = time.time_ns()
        result = original(*args, **kwargs)
        self.append((original, inspect.signature(original).bind(*args, **kwargs), result, began))
        return result


def check(original: Callable[..., Any], given: inspect.BoundArguments, result: Any, began: int) -> CacheCheck | None:
    """Compare the rows of a call with its files; none if no cache served them."""
    parts = _parts(result)
    files = tuple(Path(path).absolute() for path in loaded(given.args, given.kwargs))
    cache = tuple(Path(each["filename"]) for part in parts.values() for each in part.cache_files)
    if not parts or any(path.stat().st_mtime_ns >= began for path in cache if path.exists()):
        return None
    if given.arguments["path"] not in BUILDERS or not cache or not files:
        reason = f"only local {', '.join(BUILDERS)} files with rows in a cache are compared"
        return CacheCheck(files, cache, "not checked", reason)
    if sum(path.stat().st_size for path in files) > LIMIT:
        return CacheCheck(files, cache, "not checked", f"the files hold more than {LIMIT} bytes")
    return CacheCheck(files, cache, *_compared(original, given, parts))


def _compared(original: Callable[..., Any], given: inspect.BoundArguments, parts: dict[str, Any]) -> tuple[State, str]:
    from datasets.exceptions import DatasetsError

    with tempfile.TemporaryDirectory(prefix="govkit-reads-") as folder:
        given.arguments |= {"cache_dir": folder, "num_proc": None}
        try:
            again = {name: _digest(part) for name, part in _parts(original(*given.args, **given.kwargs)).items()}
        except (DatasetsError, OSError, ValueError) as error:
            return "not checked", f"the files cannot be read again: {type(error).__name__}"
    changed = [name for name, part in parts.items() if _digest(part) != again.get(name)]
    return ("stale", f"rows differ in {', '.join(changed)}") if changed else ("same", "")


def _parts(result: Any) -> dict[str, Any]:
    """The data sets that hold rows, by the name of the split; streams hold none."""
    several = result if isinstance(result, list) else [result]
    named = result if isinstance(result, dict) else {str(getattr(each, "split", "")): each for each in several}
    return {name: part for name, part in named.items() if hasattr(part, "cache_files")}


def _digest(part: Any) -> str:
    return content_digest(part.with_format("arrow")[:])[0]
