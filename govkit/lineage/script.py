"""``govkit record -- SCRIPT``: run a training script that was not changed, in this interpreter, under observation."""

from __future__ import annotations

import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from govkit.core import Role
from govkit.errors import UsageError
from govkit.lineage.recorder import Recorder, record

INTERRUPTED = 130
"""Exit code of a program that was stopped from the keyboard."""


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
    recorder.observe(file.resolve(), arguments)
    with recorder as run:
        for path, role in (data or {}).items():
            run.add_data(path, role=role)
        with _as_main(file, arguments), _Ending(str(file), recorder) as ending:
            runpy.run_path(str(file), run_name="__main__")
    lost = any(problem.kind == "record lost" for problem in recorder.problems)
    return 1 if ending.code == 0 and lost else ending.code


class _Ending:
    """Ends the script and not its record: whatever it raises is shown as Python shows it, and becomes its exit code."""

    def __init__(self, file: str, recorder: Recorder) -> None:
        self.code = 0
        self._file, self._recorder = file, recorder

    def __enter__(self) -> _Ending:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, SystemExit):
            self.code = 0 if error.code is None else error.code if isinstance(error.code, int) else 1
            if self.code == 1 and not isinstance(error.code, int):
                sys.stderr.write(f"{error.code}\n")
        elif error is not None:
            self.code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
            # The frames above the script are the recorder's.
            while trace is not None and trace.tb_frame.f_code.co_filename != self._file:
                trace = trace.tb_next
            traceback.print_exception(error.with_traceback(trace))
        how = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed" if self.code else "finished"
        self._recorder.ended(how, self.code)  # type: ignore[arg-type]
        return True


@contextmanager
def _as_main(file: Path, arguments: Sequence[str]) -> Iterator[None]:
    """Arguments and import path as the script would find them."""
    argv, path = sys.argv, list(sys.path)
    sys.argv = [str(file), *arguments]
    sys.path.insert(0, str(file.resolve().parent))
    try:
        yield
    finally:
        sys.argv, sys.path[:] = argv, path
