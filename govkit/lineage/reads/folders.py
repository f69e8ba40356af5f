"""Watch folders in a process of its own: what any process opens in them, by whatever means (inotify, Linux).

For each byte on standard input it answers one, after all events up to then are in the spool. It ends with its parent.
"""

# ruff: noqa: PTH118
# pathlib takes ten times as long, and this runs at every file.

from __future__ import annotations

import ctypes
import os
import select
import struct
from importlib import import_module

OPEN, CLOSE_WRITE, CREATE, MOVED_TO = 0x20, 0x8, 0x100, 0x80
IS_DIR, OVERFLOW = 0x40000000, 0x4000
EVENT = struct.Struct("iIII")


class Watch:
    """An inotify queue, the folders behind its numbers, and the spool that tells the parent."""

    def __init__(self, spool: str) -> None:
        self.ledger = import_module(f"{__package__}.hook").Ledger(spool, child=True)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.queue: int = self._libc.inotify_init1(os.O_CLOEXEC)
        self._places: dict[int, str] = {}

    def add(self, root: str) -> None:
        """Watch a file, or a folder and all folders in it."""
        inside = [
            (os.path.join(at, name), name in inner) for at, inner, names in os.walk(root) for name in inner + names
        ]
        links = sum(not os.path.realpath(path).startswith(root) for path, _ in inside)
        if links:
            self.ledger.report("lost", f"{links} links lead out of the declared folders")
        for folder in [root, *(path for path, is_folder in inside if is_folder)]:
            mask = OPEN | CLOSE_WRITE | CREATE | MOVED_TO
            number = self._libc.inotify_add_watch(self.queue, os.fsencode(folder), mask)
            if number < 0:
                self.ledger.report("lost", f"a folder could not be watched: {os.strerror(ctypes.get_errno())}")
            self._places[number] = folder

    def drain(self) -> None:
        """Take every event that is in the queue."""
        while select.select([self.queue], [], [], 0)[0]:
            data, at = os.read(self.queue, 1 << 16), 0
            while at < len(data):
                number, mask, _, length = EVENT.unpack_from(data, at)
                at += EVENT.size + length
                name = os.fsdecode(data[at - length : at].rstrip(b"\0"))
                if mask & OVERFLOW:
                    self.ledger.report("lost", "more was opened at once than the queue holds")
                elif number in self._places:
                    self._event(mask, os.path.join(self._places[number], name) if name else self._places[number])

    def _event(self, mask: int, path: str) -> None:
        how = "w" if mask & (CREATE | MOVED_TO | CLOSE_WRITE) else "r"
        if mask & IS_DIR:
            if how == "w":
                self.add(path)
        elif how == "w" or mask & OPEN:
            self.ledger.note("folder watch", path, how)


def main(spool: str, *roots: str) -> None:
    """Watch until the parent is gone or closes the line."""
    watch, parent = Watch(spool), os.getppid()
    for root in roots:
        watch.add(root)
    while os.getppid() == parent:
        asked = os.read(0, 1) if 0 in select.select([0, watch.queue], [], [], 1.0)[0] else None
        watch.drain()
        if asked == b"":
            return
        if asked is not None:
            os.write(1, b"lost" if watch.ledger.lost else b"here")
