"""A bundle appears whole or not at all, and nothing is written over."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from govkit.errors import UsageError


def refuse_unwritable(out: Path) -> None:
    """Before long work begins: ``out`` must not exist, and the folder it will stand in must take files.

    Raises:
        UsageError: One of them is not so.
    """
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out}: already exists; name a new folder, evidence is never overwritten")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder; make it first, or name another")
    try:
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise UsageError(f"{out.parent}: cannot be written ({error.strerror}); name another folder") from None


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet.

    Raises:
        UsageError: It exists, or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        why = f"cannot be written ({error.strerror}); name a new file"
        raise UsageError(f"{path}: {why}, results are never overwritten") from None


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out`` that takes its name only when the block ends well.

    Raises:
        UsageError: ``out`` exists, its parent cannot be written, or the disk is full.
    """
    refuse_unwritable(out)
    with _draft(out) as draft:
        yield draft
        draft.chmod(0o755)
        draft.rename(out)


@contextmanager
def whole_files(folder: Path) -> Iterator[Path]:
    """A hidden folder beside ``folder`` whose files move into that only when the block ends well.

    Raises:
        UsageError: The folder or its parent cannot be written, or the disk is full.
    """
    with _draft(folder.resolve()) as draft:
        yield draft
        files = sorted(path.relative_to(draft) for path in draft.rglob("*") if path.is_file())
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        for path in files:
            shutil.move(draft / path, folder / path)


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """A hidden folder beside ``out``, gone after the block."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise UsageError(f"{out}: cannot be made ({error.strerror}); name another folder") from None
    try:
        yield draft
    except OSError as error:
        place = error.filename or out
        raise UsageError(f"{out}: could not be written ({error.strerror or error}; {place})") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
