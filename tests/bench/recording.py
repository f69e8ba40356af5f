"""What recording costs: CPU time of each part of it, to be multiplied by ``Reads.calls``."""

# ruff: noqa: T201

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from govkit.lineage.reads import Reads, hook


def cost(work: Callable[[], object], *, times: int, rounds: int = 7) -> float:
    """CPU microseconds of one call: the best of some rounds, since other work may share the cores."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return best / times * 1e6


def parts(folder: Path) -> dict[str, tuple[Callable[[], object], int]]:
    """Part -> what is done, and how often."""
    path = str(folder / "file")
    Path(path).touch()
    fresh = hook.Ledger(str(folder / "spool"), child=False)
    child = hook.Ledger(str(folder / "spool"), child=True)

    def first_sight() -> None:
        fresh.files.clear()
        fresh.note("hook", path)

    return {
        "another event": (lambda: sys.audit("some.event", 1, 2, 3), 100_000),
        "opening a file seen before": (lambda: os.close(os.open(path, os.O_RDONLY)), 20_000),
        "opening it by a relative path": (lambda: os.close(os.open("file", os.O_RDONLY)), 20_000),
        "first sight of a file": (first_sight, 20_000),
        "a line from a child to its parent": (lambda: child.report("hook", "r", 1, 2, 3, path), 5_000),
    }


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    named = parts(folder)
    without = {name: cost(work, times=times) for name, (work, times) in named.items()}
    start = time.process_time()
    reads = Reads([folder])
    reads.start()
    started = time.process_time()
    recorded = {name: cost(work, times=times) for name, (work, times) in named.items()}
    before_stop = time.process_time()
    reads.stop()
    stopped = time.process_time()
    for name in named:
        added = recorded[name] - (without[name] if name.startswith(("another", "opening")) else 0)
        print(f"{name:36} {added:7.2f} µs")
    opens = reads.calls["open"] + reads.calls["first sight"]
    watcher = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{'the watching process, an open':36} {(watcher.ru_utime + watcher.ru_stime) / opens * 1e6:7.2f} µs")
    print(f"{'start and stop':36} {(started - start + stopped - before_stop) * 1e3:7.2f} ms")
    print(f"calls: {reads.calls}")


if __name__ == "__main__":
    main()
