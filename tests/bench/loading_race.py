"""A model is swapped again and again while it is loaded: ``verified_load`` beside ``verify`` and then loading by path.

Each of the ways below is another process that makes the model evil and good again without end. Whatever is loaded must
be the good bytes, or nothing::

    python tests/bench/loading_race.py [LOADS]

The short version in ``tests/end_to_end/test_verified_load.py`` uses the same functions.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import served_bundle
from evidence_bundle import write_files
from served_bundle import Served

import govkit as gk

SHARD = "model-1.safetensors"
INNER = "tokenizer"
GOOD = {**served_bundle.GOOD, SHARD: b"good" * (1 << 18)}
EVIL = {name: data.replace(b"good", b"evil").replace(b"two", b"six") for name, data in GOOD.items()}


def _put(root: Path, side: str) -> None:
    """Another file of the same size under the same name."""
    shutil.copyfile(root / side / SHARD, root / "fresh")
    (root / "fresh").replace(root / "model" / SHARD)


def _write(root: Path, side: str) -> None:
    """The same file, written to, with the times that it had."""
    path = root / "model" / SHARD
    before = path.stat()
    with path.open("r+b") as stream:
        stream.write((root / side / SHARD).read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _link(root: Path, side: str) -> None:
    """A link in the place of a file."""
    if side == "good":
        _put(root, side)
    else:
        (root / "fresh").symlink_to(root / side / SHARD)
        (root / "fresh").replace(root / "model" / SHARD)


def _inner(root: Path, side: str) -> None:
    """A link in the place of a folder."""
    place, aside = root / "model" / INNER, root / "aside"
    if side == "good":
        place.unlink()
        aside.rename(place)
    else:
        place.rename(aside)
        place.symlink_to(root / side / INNER)


def _whole(root: Path, side: str) -> None:
    """Another folder under the name of the whole model."""
    (root / "fresh").symlink_to(side)
    (root / "fresh").replace(root / "named")


def _grow(root: Path, side: str) -> None:
    """A file that grows to a terabyte, without taking room."""
    os.truncate(root / "model" / SHARD, 1 << 40 if side == "evil" else len(GOOD[SHARD]))


WAYS: dict[str, Callable[[Path, str], None]] = {
    "rename": _put,
    "write": _write,
    "link": _link,
    "inner link": _inner,
    "whole folder": _whole,
    "grow": _grow,
}


def attack(way: str, root: Path, pause: float) -> None:
    """Swap without end, after ``pause`` seconds on average; a process of its own."""
    rng = random.Random(1)  # noqa: S311
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    while True:
        for side in ("evil", "good"):
            WAYS[way](root, side)
            time.sleep(rng.expovariate(1 / pause))


@contextmanager
def attacked(way: str) -> Iterator[tuple[Served, Path]]:
    """A served bundle under attack, and an empty folder for its copies."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for side, files in (("model", GOOD), ("good", GOOD), ("evil", EVIL)):
            write_files(root / side, files)
        (root / "named").symlink_to("good" if way == "whole folder" else "model")
        served = served_bundle.make(root, root / "named")
        (into := root / "copies").mkdir()
        start = time.perf_counter()
        load(served, into)
        # Several swaps a load, so that they fall into every step, and some time for good ones.
        pause = (time.perf_counter() - start) / 4
        command = [sys.executable, __file__, "attack", way, name, str(pause)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as attacker:
            try:
                assert attacker.stdout is not None
                attacker.stdout.readline()
                yield served, into
            finally:
                attacker.kill()


def outcome(loading: Callable[[], dict[str, bytes]]) -> str:
    """``good``, ``EVIL`` or the code of the refusal."""
    try:
        found = loading()
    except gk.EvidenceError as error:
        return error.code
    return "good" if found == GOOD else "EVIL"


def contents(folder: Path) -> dict[str, bytes]:
    """What a loader would read."""
    return {path.relative_to(folder).as_posix(): _beginning(path) for path in folder.rglob("*") if path.is_file()}


def _beginning(path: Path) -> bytes:
    """Of a file that may be a terabyte by now."""
    with path.open("rb") as stream:
        return stream.read(1 << 20)


def load(served: Served, into: Path) -> dict[str, bytes]:
    """In one call."""
    with gk.verified_load(served.folder, **served.asked(into=into)) as path:
        return contents(path)


def verify_then_load(served: Served) -> dict[str, bytes]:
    """In two: what people do."""
    gk.verify(served.folder, **served.asked())
    try:
        return contents(served.model)
    except OSError:
        return {}


def race(way: str, loads: int) -> tuple[Counter[str], Counter[str], int]:
    """Outcomes of ``verified_load``, those of ``verify`` and then loading, and the copies that were left behind."""
    with attacked(way) as (served, into):
        ours = Counter(outcome(lambda: load(served, into)) for _ in range(loads))
        theirs = Counter(outcome(lambda: verify_then_load(served)) for _ in range(loads))
        return ours, theirs, len(list(into.iterdir()))


def report(loads: int) -> Iterator[str]:
    """A line a way."""
    for way in WAYS:
        ours, theirs, left = race(way, loads // len(WAYS) + 1)
        yield f"{way:13} verified_load {dict(ours.most_common())}, left behind {left}"
        yield f"{'':13} verify, then load {dict(theirs.most_common())}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["attack"]:
        attack(sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
    for line in report(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
