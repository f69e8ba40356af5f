"""``govkit record -- SCRIPT``: run a training script that was not changed, in this interpreter, under observation."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from govkit.core import Exit, Role
from govkit.errors import UsageError
from govkit.lineage.recorder import record

INTERRUPTED = 130
"""Exit code of a program that was stopped from the keyboard."""
_OWN = str(Path(__file__).parent)


def record_script(
    script: str | Path,
    arguments: Sequence[str] = (),
    *,
    out: str | Path,
    base: str | Path | None = None,
    data: Mapping[str, Role] | None = None,
    data_roots: Sequence[str | Path] = (),
    resume: bool = False,
) -> int:
    """Run a Python script as ``python SCRIPT ARGUMENTS`` would, and record the training that it does.

    Args:
        script: The script.
        arguments: What it finds in ``sys.argv``.
        out: Folder for ``run.json``.
        base: Folder or file of the pretrained base; what the script was seen to load if not given.
        data: Path -> role of data sets that the script reads; of other tables the role stays unknown.
        data_roots: Folders in which every opened file is seen, whoever opens it.
        resume: Go on with the run whose record in ``out`` says that it did not finish.

    Returns:
        The script's own exit code; 1 where that is 0 and a part of the record was lost.

    Raises:
        UsageError: There is no such script, or as :func:`govkit.record`.
    """
    file = Path(script)
    if not file.is_file():
        raise UsageError(f"{file}: no such script; give the path of a Python file after --")
    recorder = record(out, base=base, data_roots=data_roots, resume=resume)
    # Before the recording begins: what is refused leaves no record.
    recorder.observe(file.resolve(), arguments, data or {})
    with _as_main(file, arguments) as main, recorder:
        how, code = _ran(main, file)
        recorder.ended(how, code)
    lost = any(problem.kind == "record lost" for problem in recorder.problems)
    return 1 if code == 0 and lost else code


def _ran(main: ModuleType, file: Path) -> tuple[Exit, int]:
    """How the script ended, not its record: what it raises is shown as Python shows it, and becomes its exit code."""
    try:
        loader: Any = main.__loader__
        exec(loader.source_to_code(file.read_bytes(), main.__file__), main.__dict__)  # noqa: S102 — it is what was asked
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
    except SystemExit as error:
        if not isinstance(error.code, int | None):
            sys.stderr.write(f"{error.code}\n")
        code = 0 if error.code is None else error.code if isinstance(error.code, int) else 1
        return "failed" if code else "finished", code
    except BaseException as error:  # noqa: BLE001 — whatever the script raises is its own end
        sys.excepthook(type(error), error.with_traceback(_theirs(error.__traceback__)), error.__traceback__)
        return ("interrupted", INTERRUPTED) if isinstance(error, KeyboardInterrupt) else ("failed", 1)
    return "finished", 0


def _theirs(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of the recorder."""
    frames: list[TracebackType] = []
    while trace is not None:
        frames += [] if trace.tb_frame.f_code.co_filename.startswith(_OWN) else [trace]
        trace = trace.tb_next
    for each in reversed(frames):
        trace = TracebackType(trace, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return trace


@contextmanager
def _as_main(file: Path, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """The main module, with arguments and import path, as Python makes it for a script."""
    argv, path, outer = sys.argv, list(sys.path), sys.modules["__main__"]
    main, place = ModuleType("__main__"), str(file.absolute())
    main.__dict__.update(
        __builtins__=builtins, __loader__=SourceFileLoader("__main__", place), __file__=place, __cached__=None,
        __annotations__={},
    )  # fmt: skip
    sys.argv, sys.modules["__main__"] = [str(file), *arguments], main
    sys.path[0 : not sys.flags.safe_path] = [str(file.resolve().parent)]
    try:
        yield main
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = argv, path, outer
