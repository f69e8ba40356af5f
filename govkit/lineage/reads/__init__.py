"""What a run read: files seen through several channels, and the channels that could not be seen.

No channel sees all. The *hook* sees what Python itself opens, *wrappers* what the known native readers are given, the
*folder watch* whatever any process opens in the declared folders, *children* report what they saw themselves. What is
left is named in ``Reads.channels``; that nothing else was read is never claimed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from govkit.errors import UsageError
from govkit.lineage.reads import children, hook, readers
from govkit.lineage.reads.caches import CacheCheck, Loads, check
from govkit.lineage.reads.patching import Patches

_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", *map(sysconfig.get_path, ("stdlib", "platstdlib", "scripts")))
_NEVER = {
    "reads before the recording": "not seen: also what is read later through a handle or memory map of before",
    "files opened relative to a folder handle": "not seen: Python does not tell the folder",
    "children of native code": "not seen: what a library starts without Python is not counted",
    "network": "not seen: connections are not recorded",
}


@dataclass(frozen=True)
class Seen:
    """A file, how it was seen, and what it was at first sight.

    Attributes:
        channels: ``hook``, ``wrapper``, ``folder watch``; ``child`` where a child process saw it.
        mode: ``read``; ``written`` (before it was read, if it was); ``read and written``, in this order.
        size: Bytes at first sight; −1, as the other two, for a file that was not there yet.
        mtime_ns: Time of modification at first sight, ns since 1970.
        inode: Its number in the file system at first sight.
    """

    channels: frozenset[str]
    mode: str
    size: int
    mtime_ns: int
    inode: int


class Reads:
    """Sees what this process and its children read, from ``start`` to ``stop``.

    Args:
        roots: Folders or files to watch for being opened by anything.
        patches: Where functions are wrapped; its owner undoes it. Own ones if not given.
    """

    def __init__(self, roots: Sequence[Path] = (), patches: Patches | None = None) -> None:
        self.loads = Loads()
        """Calls of ``datasets.load_dataset``."""
        self._roots = [os.path.realpath(root) for root in roots]
        self._patches = patches or Patches()
        self._own = patches is None
        self._pid = 0
        self._lines: list[list[str]] = []
        self._watching = False

    def start(self) -> None:
        """Begin to see.

        Raises:
            UsageError: Another recording is under way in this process.
        """
        if hook.active is not None:
            raise UsageError("this process is recorded already: leave the first recording before you start another")
        self._folder = tempfile.mkdtemp(prefix="govkit-reads-")
        self._spool = Path(self._folder) / "spool"
        self._spool.touch()
        site = children.BOOT + children.SITE.format(spool=str(self._spool))
        self._spool.with_name("sitecustomize.py").write_text(site, encoding="utf-8")
        if self._roots and sys.platform == "linux":
            self._start_watching()
        path = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = f"{self._folder}{os.pathsep}{path}" if path else self._folder
        self._pid = os.getpid()
        self._ledger = hook.Ledger(str(self._spool))
        children.watch(self._patches, self._ledger)
        self._patches.wrap("datasets.load", "load_dataset", self.loads.around)
        self._reported()
        hook.listen(self._ledger)
        self._before = hook.events

    def stop(self) -> None:
        """See no more. In a forked child this does nothing: the recording is its parent's."""
        if self._pid != os.getpid():
            return
        hook.listen(None)
        self._ledger.open = False
        self._reported()
        self._ledger.calls["event"] = hook.events - self._before
        self._pid = 0
        if self._roots and sys.platform == "linux":
            self._line.shutdown(socket.SHUT_WR)
            self._line.close()
            self._watcher.wait()
        if self._own:
            self._patches.undo()
        path = os.environ.pop("PYTHONPATH", "").removeprefix(self._folder).removeprefix(os.pathsep)
        os.environ |= {"PYTHONPATH": path} if path else {}
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """See nothing for a while: what the recorder itself opens."""
        self._ledger.open = False
        try:
            yield
        finally:
            self._ledger.open = True

    @property
    def calls(self) -> dict[str, int]:
        """How often each part ran in this process; ``event``: the hook, for anything but opening a file."""
        return {"event": hook.events - self._before, **self._ledger.calls}

    def files(self) -> dict[Path, Seen]:
        """Files seen so far by absolute path, without Python's own code and what belongs to the system."""
        seen: dict[Path, Seen] = {}
        for name, how, channels, stat in self._entries():
            path = Path(os.path.normpath(name))
            if not self._left_out(str(path)):
                old = seen.get(path) or Seen(frozenset(), "read" if how == "r" else "written", *stat)
                mode = "read and written" if (how, old.mode) == ("w", "read") else old.mode
                seen[path] = replace(old, mode=mode, channels=old.channels | channels)
        return dict(sorted(seen.items()))

    def _entries(self) -> Iterator[tuple[str, str, set[str], tuple[int, int, int]]]:
        for (channel, how, path), stat in self._ledger.files.copy().items():
            yield path, how, {channel}, stat
        lines = [line for line in self._reported() if line[1] in ("hook", "wrapper", "folder watch")]
        # The folder watch last: it cannot tell a file opened to write from one that is read.
        for _, channel, how, size, mtime_ns, inode, path in sorted(lines, key=lambda line: line[1] == "folder watch"):
            channels = {channel} if channel == "folder watch" else {channel, "child"}
            yield path, how, channels, (int(size), int(mtime_ns), int(inode))

    def _left_out(self, path: str) -> bool:
        if path.endswith(hook.CODE) or path.startswith(self._folder):
            return True
        if "/site-packages/" in path or "/dist-packages/" in path:
            return ".dist-info/" in path or ".egg-info/" in path
        declared = any(path == root or path.startswith(root + "/") for root in self._roots)
        return not declared and (path.startswith(_SYSTEM) or path.endswith("/pyvenv.cfg"))

    def channels(self) -> dict[str, str]:
        """Every channel by its name: ``seen``, or ``not seen:`` and why."""
        listed = {*readers.READERS, *readers.SQL, *readers.LOADERS}
        absent = [each for each in self._patches.missing if each.split(":")[0] in listed]
        silent = children.silent(self._reported())
        silent += ["children that could not be written down"] if self._ledger.lost else []
        watched = self._watched()
        return {
            "files that Python opens": "seen",
            "native readers that are listed": f"not seen: {', '.join(absent)} not found" if absent else "seen",
            "declared folders": watched,
            "other native readers": "not seen: outside the declared folders" if watched == "seen" else watched,
            "child processes": f"not seen: no report from {', '.join(silent)}" if silent else "seen",
        } | _NEVER

    def _watched(self) -> str:
        if not self._roots:
            return "not seen: no folder was declared"
        if sys.platform != "linux":
            return "not seen: folders can be watched on Linux only"
        lost = [line[2] for line in self._reported() if line[1] == "lost"]
        lost += [] if self._watching else ["the watching process ended early"]
        return f"not seen: {'; '.join(lost)}" if lost else "seen"

    def stale_caches(self) -> list[CacheCheck]:
        """Calls of ``load_dataset`` whose rows a cache served and are not those of its files, or were not compared.

        Reads the files anew, so call it after ``stop``.
        """
        return [each for load in self.loads if (each := check(*load)) is not None and each.state != "same"]

    def _reported(self) -> list[list[str]]:
        """The whole lines of the spool, after the folder watch wrote down all that happened."""
        if self._pid:
            if self._watching:
                self._watching = False
                with contextlib.suppress(OSError):
                    self._line.send(b"?")
                    self._watching = self._line.recv(4) == b"here"
            # A folder for temporary files may be swept during a long run.
            data = self._spool.read_bytes() if self._spool.exists() else b"0\tstart\t0\tchildren, whose file is gone\0"
            self._lines = [os.fsdecode(line).split("\t", 6) for line in data.split(b"\0")[:-1]]
        return self._lines

    def _start_watching(self) -> None:
        self._line, other = socket.socketpair()
        code = children.BOOT + "load('folders').main(*sys.argv[1:])"
        command = [sys.executable, "-I", "-S", "-c", code, str(self._spool), *self._roots]
        with other:
            self._watcher = subprocess.Popen(command, stdin=other.fileno(), stdout=other.fileno())
        self._watching = True
