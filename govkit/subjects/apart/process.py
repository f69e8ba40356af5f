"""The parent's end: starts a child for one piece of a user's code, asks it, and ends it."""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from govkit.errors import GovkitError, MissingExtra, SubjectError
from govkit.subjects.apart import frames
from govkit.subjects.apart.decoys import Decoys

KEPT = (
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "XDG_CACHE_HOME",
    "TORCH_HOME", "HF_HOME", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "COVERAGE_PROCESS_START",
)  # fmt: skip
"""Variables of the environment that a child sees, beside those that begin with one of ``KEPT_BEGINNINGS``."""

KEPT_BEGINNINGS = ("LC_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "NUMEXPR_", "CUDA_", "NVIDIA_", "ROCR_", "HIP_")

ROW, BASIC = 1 << 17, 1 << 20
"""Bytes that an answer may have for each row, and at least; further as many times what was asked as ``TIMES``."""

TIMES = 4
WEIGHTS = 1 << 38
"""Bytes that the weights of a module may have."""

_GUARD = Path(__file__).with_name("guard.py")
_CLOSED = {"memory", "network", "data"}


@dataclass
class Fence:
    """What the subjects of one audit have in common.

    Attributes:
        data: Files and folders of the audit that hold labels; they are hidden from the code where the system allows it.
        secret: Further files that are hidden: keys and passphrases.
        seed: Draws the order in which rows are asked.
        timeout: Seconds that one answer may take; None for no limit.
        children: Those that were started.
    """

    data: tuple[Path, ...] = ()
    secret: tuple[Path, ...] = ()
    seed: int = 0
    timeout: float | None = None
    children: list[Child] = field(default_factory=list)

    def close(self) -> None:
        """End every child."""
        for child in self.children:
            child.close()
        _readable(memory=True)


class Child:
    """A process that holds one piece of a user's code.

    Args:
        name: ``pkg.mod:NAME``.
        kind: ``subject``, ``features`` or ``suite``.
        paths: Folders in which modules are found first.
        fence: What is kept from it.
        about: What the audit file says of it: ``modality``, ``classes``, ``task``, ``input_range``.

    Attributes:
        facts: What it told of the code.
        closed: ``memory``, ``network`` and ``data`` -> whether that is closed to it.
        opened: Files that it opened, as ``(path, device, inode, size)``.
        dropped: Numbers of graphs that it may forget.
        holds: The other weights that were last put into a copy of its module.

    Raises:
        SubjectError: The code fails when it is imported.
    """

    def __init__(
        self, name: str, *, kind: str, paths: Sequence[Path], fence: Fence, about: Mapping[str, Any] | None = None
    ) -> None:
        _readable(memory=False)
        self.name, self.fence, self.opened = name, fence, set[tuple[str, int, int, int]]()
        self.dropped: list[int] = []
        self.holds: Any = None
        self.decoys = Decoys([*fence.data, *fence.secret])
        self.sock, self._end = self._started()
        config = {
            "name": name, "kind": kind, "paths": [str(path.resolve()) for path in paths], "path": sys.path,
            "hidden": self.decoys.hidden, "modality": "unknown", "classes": [], "task": "multiclass",
            "input_range": None, **(about or {}),
        }  # fmt: skip
        text = json.dumps(config).encode()
        fence.children.append(self)
        self._send(struct.pack(">Q", len(text)) + text)
        try:
            # Loading is no answer, and takes as long as it takes.
            self.facts, _ = self._received(BASIC, None)
        except GovkitError:
            self.close()
            raise
        said = self.facts.get("closed")
        self.closed = {each: isinstance(said, dict) and said.get(each) is True for each in sorted(_CLOSED)}

    def _started(self) -> tuple[socket.socket, weakref.finalize[Any, Any]]:
        mine, theirs = socket.socketpair()
        life, end = os.pipe()
        environment = {
            key: value for key, value in os.environ.items() if key in KEPT or key.startswith(KEPT_BEGINNINGS)
        }
        quiet = {"DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        guard = subprocess.Popen(
            [sys.executable, "-s", "-P", str(_GUARD), str(theirs.fileno()), str(life)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), life),
            env={**environment, **quiet},
            start_new_session=True,
        )
        theirs.close()
        os.close(life)
        return mine, weakref.finalize(self, _ended, guard, mine, end, self.decoys)

    def ask(
        self, what: str, *, rows: int = 0, limit: int | None = None, **given: Any
    ) -> tuple[dict[str, Any], dict[str, frames.Piece]]:
        """Ask one thing and wait for the answer.

        Args:
            what: A method of ``child.Answering``.
            rows: Rows that are asked about; they bound the size of the answer.
            limit: Bytes of the answer at most, in place of that bound.
            given: What the method takes.

        Raises:
            SubjectError: The code failed, ended, took too long, or wrote what is no answer; the child is then ended.
        """
        dropped, self.dropped = self.dropped, []
        body = frames.request({"ask": what, "drop": dropped, **given})
        self._send(body)
        deadline = None if self.fence.timeout is None else time.monotonic() + self.fence.timeout
        return self._received(BASIC + rows * ROW + TIMES * len(body) if limit is None else limit, deadline)

    def noted(self) -> set[tuple[str, int, int, int]]:
        """Files that it opened so far, those whose decoy was touched with -1 for each number."""
        self.opened |= {(path, -1, -1, -1) for path in self.decoys.touched()}
        return self.opened

    def close(self) -> None:
        """End the process and all that it started."""
        if self._end.alive:
            self.noted()
            self._end()

    def _send(self, body: bytes) -> None:
        if not self._end.alive:
            self._refuse("its process ended before it answered")
        self.sock.settimeout(self.fence.timeout)
        try:
            self.sock.sendall(body)
        except TimeoutError:
            self._refuse(f"did not answer in {self.fence.timeout:g} seconds")
        except OSError:
            # It has ended. What it wrote before says more, and reading finds the end.
            return

    def _received(self, limit: int, deadline: float | None) -> tuple[dict[str, Any], dict[str, frames.Piece]]:
        try:
            header, pieces = frames.read_answer(lambda length: self._read(length, deadline), limit=limit)
        except frames.Unreadable as error:
            self._refuse(str(error))
        self._note(header.get("opened"))
        for kind, error_type in (("error", SubjectError), ("extra", MissingExtra)):
            if kind in header:
                raise error_type(_plain(header[kind]))
        return header, pieces

    def _note(self, opened: Any) -> None:
        for entry in opened if isinstance(opened, list) else ():
            if isinstance(entry, list) and len(entry) == 4 and isinstance(entry[0], str):
                path, *numbers = entry
                if all(type(number) is int for number in numbers):
                    self.opened.add((path, *numbers))

    def _read(self, length: int, deadline: float | None) -> bytearray:
        found = bytearray(length)
        view = memoryview(found)
        while view:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                self._refuse(f"did not answer in {self.fence.timeout:g} seconds")
            try:
                count = self.sock.recv_into(view)
            except OSError:
                count = 0
            if not count:
                self._refuse("its process ended before it answered")
            view = view[count:]
        return found

    def _refuse(self, why: str) -> Any:
        self.close()
        raise SubjectError(f"{self.name}: {why}")


def _ended(guard: subprocess.Popen[bytes], sock: socket.socket, end: int, decoys: Decoys) -> None:
    """Close the channel and the pipe that the guard watches; it kills what is left."""
    sock.close()
    os.close(end)
    try:
        guard.wait(timeout=20)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()
    decoys.close()


def _readable(*, memory: bool) -> None:
    """Whether other processes of this user may read the memory and the environment of this one (``PR_SET_DUMPABLE``).

    Where a child has no user namespace of its own, this alone keeps it out; root passes it all the same.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(4, ctypes.c_ulong(memory), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _plain(text: Any) -> str:
    """A message as one line of letters that can be printed."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))[:2000]
