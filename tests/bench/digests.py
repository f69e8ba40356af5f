"""What digests cost: CPU of the bytes digest beside ``sha256sum``, rows a second by format, memory of a 2 GB Parquet.

Run it alone (a few minutes, and 5 GB of disk in the folder for temporary files)::

    python tests/bench/digests.py

The short version in ``tests/unit/data/test_data_streaming.py`` uses the same functions.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import csv, feather, parquet

ROWS = 18_000_000
GROUP = 1 << 18
CHILD = """
import json, sys, time
from govkit.data import file_digest
start = time.process_time()
found = file_digest(sys.argv[1])
# Not ru_maxrss, which starts with the memory of the parent.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([found.digest, found.rows, time.process_time() - start, peak / 1024]))
"""


def table(rng: np.random.Generator, n: int) -> pa.Table:
    """Rows of about 114 bytes of Parquet that hardly compress."""
    columns = {f"f{i}": rng.normal(size=n) for i in range(8)}
    columns |= {f"i{i}": rng.integers(0, 1 << 62, n) for i in range(5)}
    return pa.table({**columns, "t": pa.array([f"row {i:x}" for i in rng.integers(0, 1 << 40, n).tolist()])})


def write_parquet(path: Path, rows: int, seed: int = 0) -> None:
    """Write it group by group, so that making it needs no memory either."""
    rng = np.random.default_rng(seed)
    with parquet.ParquetWriter(path, table(rng, 1).schema) as writer:
        for start in range(0, rows, GROUP):
            writer.write_table(table(rng, min(GROUP, rows - start)))


def in_child(path: Path) -> tuple[str, int, float, float]:
    """Digest, rows, CPU seconds and peak memory in MB of a process that does nothing else."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True)
    digest, rows, cpu, peak = json.loads(done.stdout)
    return digest, rows, cpu, peak


def cpu_of(command: list[str]) -> float:
    """CPU seconds of a process, its start with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def bytes_ratio(path: Path, repeats: int = 5) -> tuple[float, float]:
    """CPU seconds for the bytes of a file: ours, less those for a tiny one, and those of ``sha256sum``; medians."""
    tiny = path.with_name("tiny.csv")
    tiny.write_text("a\n1\n")
    code = "import sys; from govkit.data import bytes_digest; bytes_digest(sys.argv[1])"
    ours, bare, theirs = [], [], []
    for _ in range(repeats):
        ours.append(cpu_of([sys.executable, "-c", code, str(path)]))
        bare.append(cpu_of([sys.executable, "-c", code, str(tiny)]))
        theirs.append(cpu_of(["sha256sum", str(path)]))
    return float(np.median(ours) - np.median(bare)), float(np.median(theirs))


def write(data: pa.Table, folder: Path) -> list[Path]:
    """The same rows in every format."""
    places = [folder / f"rows.{suffix}" for suffix in ("csv", "jsonl", "parquet", "arrow")]
    csv.write_csv(data, places[0])
    with places[1].open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in data.to_pylist())
    parquet.write_table(data, places[2])
    feather.write_feather(data, places[3])
    return places


def report() -> Iterator[str]:
    """The lines of the long version."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for place in write(table(np.random.default_rng(1), 1_000_000), folder):
            digest, rows, cpu, peak = in_child(place)
            size = place.stat().st_size / 1e6
            yield f"{place.suffix:9} {size:5.0f} MB {rows / cpu:9,.0f} rows/CPU s, peak {peak:4.0f} MB, {digest[:20]}"
            place.unlink()
        big = folder / "big.parquet"
        write_parquet(big, ROWS)
        size = big.stat().st_size / 1e9
        ours, theirs = bytes_ratio(big)
        yield f"bytes     {size:.2f} GB: {ours:.2f} CPU s, sha256sum {theirs:.2f}, ratio {ours / theirs:.3f}"
        _, rows, cpu, peak = in_child(big)
        yield f"content   {size:.2f} GB, {rows:,} rows: {cpu:.1f} CPU s, {rows / cpu:,.0f} a CPU s, peak {peak:.0f} MB"


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    for line in report():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
