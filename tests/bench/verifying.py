"""What verifying and sealing cost beside ``sha256sum`` over the same files: CPU seconds and memory of whole processes.

::

    python tests/bench/verifying.py [MEGABYTES]

The files are read from memory, so that the time of a disk does not count; the runs alternate, and medians are told.
``verify`` may take 1.15 times the CPU of ``sha256sum`` and half a second to start, in 200 MB.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import served_bundle
from served_bundle import NOW

import govkit as gk

SHARDS = 8
PASSWORD = "secret"
PEAK = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


@dataclass(frozen=True)
class Cost:
    """Of one process: CPU seconds and peak memory in MB."""

    cpu: float
    peak: float


def cost(command: Sequence[str | Path]) -> Cost:
    """Run a command under a small parent, since the peak of a process starts with that of its parent."""
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", PEAK, *map(str, command)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": PASSWORD},
    )
    code, cpu, peak = done.stdout.split()
    assert code == "0", (command, done.stderr[-2000:])
    return Cost(float(cpu), float(peak))


def write_model(folder: Path, megabytes: int) -> Path:
    """Shards of bytes that do not compress."""
    folder.mkdir()
    for number in range(SHARDS):
        with (folder / f"model-{number + 1:05}-of-{SHARDS:05}.safetensors").open("wb") as stream:
            for _ in range(megabytes // SHARDS):
                stream.write(os.urandom(1 << 20))
    (folder / "config.json").write_bytes(b'{"layers": 2}')
    return folder


def govkit(*arguments: str | Path) -> list[str | Path]:
    """The command line, without the lookup of the script's start-up."""
    return [sys.executable, "-m", "govkit", *arguments]


def measured(root: Path, megabytes: int, repeats: int) -> dict[str, list[Cost]]:
    """Name of a command -> what each of its runs cost; they take turns."""
    model = write_model(root / "model", megabytes)
    served = served_bundle.make(root / "served", model)
    tiny = served_bundle.make(root / "tiny", write_model(root / "tiny_model", SHARDS))
    gk.new_key(root / "keys", password=PASSWORD.encode(), name="bench", as_of=NOW)
    shutil.copytree(served.folder, draft := root / "draft")
    (seal := draft / "release.sigstore.json").unlink()
    asked = ("--model", model, "--trust", served.trust, "--as-of", NOW)
    commands: dict[str, list[str | Path]] = {
        "sha256sum": ["sha256sum", *sorted(model.iterdir())],
        "verify": govkit("verify", served.folder, *asked),
        "verify 8 MB": govkit("verify", tiny.folder, "--model", tiny.model, "--trust", tiny.trust, "--as-of", NOW),
        "seal": govkit("seal", draft, "--model", model, "--key", root / "keys" / "audit.key"),
        "help": govkit("--help"),
    }
    found: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            seal.unlink(missing_ok=True)
            found[name].append(cost(command))
    return found


def report(megabytes: int = 2048, repeats: int = 5) -> Iterator[str]:
    """A line a command."""
    with tempfile.TemporaryDirectory() as name:
        found = measured(Path(name), megabytes, repeats)
    cpu = {name: statistics.median(each.cpu for each in costs) for name, costs in found.items()}
    yield f"{megabytes} MB in {SHARDS} files, medians of {repeats} alternating runs of whole processes"
    for name, costs in found.items():
        over = f", 1.15 x sha256sum {cpu[name] - 1.15 * cpu['sha256sum']:+.2f} s" if name in ("verify", "seal") else ""
        ratio = f", {cpu[name] / cpu['sha256sum']:.2f} x sha256sum{over}" if over else ""
        peak = max(each.peak for each in costs)
        yield f"{name:12} {cpu[name]:6.2f} CPU s, peak {peak:4.0f} MB{ratio}"
    bare = (cpu["verify"] - cpu["verify 8 MB"]) / cpu["sha256sum"]
    yield f"without the start: {bare:.2f} x sha256sum"


if __name__ == "__main__":
    for line in report(*map(int, sys.argv[1:])):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
