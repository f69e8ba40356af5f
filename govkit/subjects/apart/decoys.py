"""Empty files and folders that lie over the data where a subject sees them, and that tell when they are opened."""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path

IN_OPEN, NONBLOCK, CLOEXEC = 0x20, 0o4000, 0o2000000


class Decoys:
    """One for each path, in a private folder.

    inotify sees every opening, also by code in C and by other processes, and only the subject has a way to a decoy.

    Args:
        paths: Files and folders that are to be hidden; those that do not exist need no decoy.

    Attributes:
        hidden: Path -> its decoy.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        real = sorted({path.resolve() for path in paths if path.exists()})
        self.folder = Path(tempfile.mkdtemp(prefix="govkit-")) if real else None
        self.hidden: dict[str, str] = {}
        self._watch, self._names = -1, dict[int, str]()
        if self.folder is None:
            return
        libc = ctypes.CDLL(None)
        if hasattr(libc, "inotify_init1"):
            self._watch = libc.inotify_init1(NONBLOCK | CLOEXEC)
        for number, path in enumerate(real):
            decoy = self.folder / str(number)
            decoy.mkdir() if path.is_dir() else decoy.touch()
            self.hidden[str(path)] = str(decoy)
            if self._watch >= 0:
                self._names[libc.inotify_add_watch(self._watch, os.fsencode(decoy), IN_OPEN)] = str(path)

    def touched(self) -> set[str]:
        """Paths whose decoy was opened since this was asked before."""
        found: set[str] = set()
        while self._watch >= 0:
            try:
                events = os.read(self._watch, 1 << 16)
            except BlockingIOError:
                break
            at = 0
            while at < len(events):
                number, _, _, length = struct.unpack_from("iIII", events, at)
                found |= {self._names[number]} if number in self._names else set()
                at += 16 + length
        return found

    def close(self) -> None:
        """Remove them."""
        if self._watch >= 0:
            os.close(self._watch)
            self._watch = -1
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
