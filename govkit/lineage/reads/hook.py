"""Sees, in one process, the files that Python opens, and tells its parent where it is a child.

This file imports only the standard library: children of a recorded process load it.
"""

# ruff: noqa: PTH109, PTH116, PTH118, PTH119
# pathlib takes ten times as long, and this runs at every file.

from __future__ import annotations

import os
import sys
from typing import Any

CODE = (".py", ".pyc", ".pyi", ".so", ".pth")
ABSENT = (-1, -1, -1)
_OTHERS = frozenset({"sqlite3.connect", "os.system", "os.exec"})


class Ledger:
    """What one process saw. A child appends each entry to the spool, a file of its parent.

    Its methods run inside the calls of a training: they fill dicts and swallow what a file system may answer.

    Args:
        spool: The file; it exists for the time of the recording.
        child: Whether this process is a child of the recorded one.
    """

    def __init__(self, spool: str, *, child: bool = False) -> None:
        self.spool, self.child, self.open, self.lost = spool, child, True, False
        self.files: dict[tuple[str, str, str], tuple[int, int, int]] = {("hook", "w", spool): ABSENT}
        """(channel, ``r`` or ``w``, absolute path) -> size, time of modification in ns and inode at first sight."""
        self.calls = {"open": 0, "first sight": 0, "wrapper": 0, "child": 0}

    def note(self, channel: str, path: str, how: str = "r") -> None:
        """A file opened to read (``r``) or to write (``w``). One that was written first does not count as read."""
        try:
            path = path if path[:1] == "/" else os.path.join(os.getcwd(), path)
            if (channel, how, path) in self.files or path.endswith(CODE):
                return
            self.calls["first sight"] += 1
            stat = os.stat(path)
            found = (stat.st_size, stat.st_mtime_ns, stat.st_ino) if stat.st_mode & 0o170000 == 0o100000 else ABSENT
        except (OSError, ValueError):
            found = ABSENT
        if self.open and (how == "w" or (found != ABSENT and (channel, "w", path) not in self.files)):
            self.files[channel, how, path] = found
            if self.child:
                self.report(channel, how, *found, path)

    def report(self, *fields: object) -> None:
        """Append a line to the spool: the process, then the fields.

        The spool is opened each time: a child may have closed every handle and given its number to another file.
        """
        line = os.fsencode("\t".join(map(str, (os.getpid(), *fields))) + "\0")
        try:
            with open(self.spool, "ab", buffering=0) as spool:  # noqa: PTH123
                spool.write(line)
        except OSError:
            # The recording is over, or the disk full. A child that never reports counts as silent.
            self.lost = True

    def started(self, pid: int, program: Any) -> None:
        """A child process that runs a program; 0 where its number is not known."""
        self.calls["child"] += 1
        while isinstance(program, list | tuple):
            program = program[0] if program else ""
        name = os.fsdecode(program) if isinstance(program, str | bytes | os.PathLike) else "unnamed"
        if self.open:
            self.report("start", pid, os.path.basename(name))


active: Ledger | None = None
"""The ledger that is filled: the one hook of a process cannot be removed, so this is its switch."""

events = 0
"""Events, other than opening a file, that the hook let pass."""

_installed = False


def listen(ledger: Ledger | None) -> None:
    """Fill this ledger from now on, or none."""
    global active, _installed
    active = ledger
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)
        os.register_at_fork(after_in_child=_forked)


def _forked() -> None:
    if active is not None:
        active.child = True
        active.report("fork")


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event != "open":
        global events
        events += 1
        if event in _OTHERS and active is not None:
            _other(active, event, args[0])
    elif active is not None:
        active.calls["open"] += 1
        path, _, flags = args
        if type(path) is bytes:
            path = os.fsdecode(path)
        # A number is a handle that was opened before.
        if type(path) is str:
            # Opened to write and not emptied: what was there may be read.
            if not flags & 3 or (flags & os.O_RDWR and not flags & (os.O_TRUNC | os.O_EXCL)):
                active.note("hook", path)
            if flags & 3:
                active.note("hook", path, "w")


def _other(ledger: Ledger, event: str, what: Any) -> None:
    if event == "os.system":
        ledger.started(0, "sh")
    elif isinstance(what, str | bytes | os.PathLike):
        name = os.fsdecode(what)
        if event == "os.exec":
            ledger.report("exec", os.path.basename(name))
        elif name.startswith("file:"):
            ledger.note("hook", "/" * name.startswith("file:/") + name[5:].split("?")[0].lstrip("/"))
        else:
            ledger.note("hook", name)
