"""Stands between the parent and the code of a subject: closes what can be closed, and ends it with its parent.

This file is run as a script by its path and imports only the standard library. It makes namespaces (user, mount,
network, processes), lays empty files over the data, forks, and waits. Where the system allows no namespaces it goes on
without, and says so: each is a fact that the parent hears.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any

USER, MOUNTS, NETWORK, PROCESSES, IPC = 0x10000000, 0x00020000, 0x40000000, 0x20000000, 0x08000000
_BIND, _PRIVATE = 4096, (1 << 18) | 16384
_PDEATHSIG, _CAPBSET_DROP, _SUBREAPER, _NO_NEW_PRIVS = 1, 24, 36, 38
LARGEST_FILE = 1 << 30
"""Bytes of a file that a subject may write."""


def main(channel: int, life: int) -> int:
    """Run the code of a subject in a child until it ends, or until the parent does."""
    sock = socket.socket(fileno=channel)
    (length,) = struct.unpack(">Q", sock.recv(8, socket.MSG_WAITALL))
    config = json.loads(sock.recv(length, socket.MSG_WAITALL))
    closed = _closed(config["hidden"])
    _prctl(_SUBREAPER, 1)
    inner = os.fork()
    if inner == 0:
        os.close(life)
        _limited()
        sys.path[:] = config["path"]
        from govkit.subjects.apart.child import serve

        serve(sock, config, closed)
        os._exit(0)
    sock.close()
    _wait(inner, life)
    _end(inner)
    return 0


def _closed(hidden: dict[str, str]) -> dict[str, bool]:
    """Enter namespaces of its own; what could be closed."""
    uid, gid, own = os.getuid(), os.getgid(), getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    for kinds in (USER | MOUNTS | NETWORK | PROCESSES | IPC, USER | NETWORK | PROCESSES, USER | NETWORK, USER):
        if own is None or own(kinds) != 0:
            continue
        try:
            for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
                    file.write(text)
        except OSError:
            return {"memory": True, "network": bool(kinds & NETWORK), "data": False}
        return {"memory": True, "network": bool(kinds & NETWORK), "data": bool(kinds & MOUNTS) and _hide(hidden)}
    return {"memory": False, "network": False, "data": False}


def _hide(hidden: dict[str, str]) -> bool:
    """Lay empty files and folders over others; whether all of them are hidden."""
    mount = ctypes.CDLL(None, use_errno=True).mount
    done: bool = mount(None, b"/", None, ctypes.c_ulong(_PRIVATE), None) == 0
    for path, decoy in hidden.items():
        done &= mount(os.fsencode(decoy), os.fsencode(path), None, ctypes.c_ulong(_BIND), None) == 0
    return done


def _limited() -> None:
    """What the child may not do itself: keep capabilities, gain any, dump its memory, fill the disk."""
    os.setsid()
    _prctl(_PDEATHSIG, signal.SIGKILL)
    for each in range(64):
        _prctl(_CAPBSET_DROP, each)
    _prctl(_NO_NEW_PRIVS, 1)
    capset = getattr(ctypes.CDLL(None), "capset", None)
    if capset is not None:
        capset(struct.pack("Ii", 0x20080522, 0), bytes(24))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    most = LARGEST_FILE if hard == resource.RLIM_INFINITY else min(hard, LARGEST_FILE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _prctl(option: int, value: int) -> None:
    call = getattr(ctypes.CDLL(None), "prctl", None)
    if call is not None:
        call(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def _wait(inner: int, life: int) -> None:
    """Until the child ends, or the parent, whose end of the pipe then closes."""
    poll, pidfd = select.poll(), getattr(os, "pidfd_open", None)
    poll.register(life, select.POLLIN | select.POLLHUP)
    if pidfd is not None:
        poll.register(pidfd(inner), select.POLLIN)
    while not poll.poll(500) and os.waitid(os.P_PID, inner, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        pass


def _end(inner: int) -> None:
    """Kill the child, its process group, and whatever it started: orphans become children of this process."""
    for kill, number in ((os.killpg, inner), (os.kill, inner)):
        _kill(kill, number)
    while True:
        for number in _children():
            _kill(os.kill, number)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:  # noqa: PTH123
            return [int(number) for number in file.read().split()]
    except OSError:
        return []


def _kill(kill: Any, number: int) -> None:
    try:
        kill(number, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
