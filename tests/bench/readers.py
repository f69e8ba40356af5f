"""Memory and time of reading a data set of an audit: 20 columns as a ``Dataset``, and JSON lines of growing size.

::

    python tests/bench/readers.py [ROWS] [MEGABYTES ...]
    python tests/bench/readers.py --texts [MEGABYTES]

``ROWS`` rows of Parquet (10,000,000 if not given) and JSON lines of each of these sizes (500 and 2,000). ``anonymous``
is the peak of what only this process holds and cannot give back; ``resident`` also counts pages of mapped files.
``--texts`` runs the checks of the data, each on its own, on 2,000 texts beside so many megabytes of training texts
(1,000 if not given).
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

STEP = 250_000


def part(start: int, rows: int) -> pa.Table:
    """Rows with 14 numbers, 4 short texts, a label and an answer."""
    rng = np.random.default_rng(start)
    words = pa.array([f"word{number}" for number in range(500)])
    columns = {f"x{at}": pa.array(rng.normal(size=rows)) for at in range(10)}
    columns |= {f"n{at}": pa.array(rng.integers(0, 10_000, rows)) for at in range(4)}
    columns |= {f"t{at}": words.take(pa.array(rng.integers(0, 500, rows))) for at in range(3)}
    columns["sex"] = words.take(pa.array(rng.integers(0, 2, rows)))
    return pa.table(columns | {"y": pa.array(rng.integers(0, 2, rows)), "p": pa.array(rng.random(rows))})


def write_parquet(path: Path, rows: int) -> None:
    with parquet.ParquetWriter(path, part(0, 1).schema) as file:
        for start in range(0, rows, STEP):
            file.write_table(part(start, min(STEP, rows - start)))


def write_jsonl(path: Path, size: int) -> None:
    """At least ``size`` bytes, each row with another number."""
    lines = [json.dumps(row)[:-1] for row in part(0, 5000).to_pylist()]
    with path.open("w") as file:
        number = 0
        while file.tell() < size:
            file.write("".join(f'{line}, "id": {number + at}}}\n' for at, line in enumerate(lines)))
            number += len(lines)


def write_texts(path: Path, size: int, seed: int = 0) -> None:
    """At least ``size`` bytes of texts of 60 words, each another one."""
    rng = np.random.default_rng(seed)
    words = np.array(
        ["".join(chr(97 + letter) for letter in rng.integers(0, 26, 5)) for _ in range(5000)], dtype=object
    )
    with path.open("w") as file:
        while file.tell() < size:
            for row in words[rng.integers(0, 5000, (1000, 60))]:
                file.write(f'{{"text": "{" ".join(row)}", "y": {rng.integers(2)}}}\n')


@contextmanager
def anonymous() -> Iterator[list[int]]:
    """Peak of RssAnon in MB, looked at every 20 ms."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            status = Path("/proc/self/status").read_text()
            peak[0] = max(peak[0], int(status.split("RssAnon:")[1].split()[0]) >> 10)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def read(path: Path) -> dict[str, float]:
    """What it costs this process to read a file as the rows of stored predictions."""
    from govkit.core.columns import Columns
    from govkit.data import read_dataset

    columns = Columns(label="y", score="p", groups=("sex",))
    began = time.process_time(), time.perf_counter()
    with anonymous() as peak:
        data = read_dataset(path, role="test", columns=columns, modality="unknown")
    return {
        "rows": len(data),
        "anonymous": peak[0],
        "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "cpu": round(time.process_time() - began[0], 1),
        "seconds": round(time.perf_counter() - began[1], 1),
    }


def check_texts(folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """What reading the texts of a folder costs, and each check of them."""
    from govkit.checks import Request, catalog, measure
    from govkit.core import Case, Passes
    from govkit.core.audit import Use
    from govkit.core.columns import Columns
    from govkit.data import read_dataset

    columns = Columns(input="text", label="y")
    began = time.process_time()
    with anonymous() as peak:
        data = {
            role: read_dataset(folder / f"{role}.jsonl", role=role, columns=columns, modality="text")
            for role in ("test", "train")
        }
    yield "reading", {"rows": len(data["train"]), "anonymous": peak[0], "cpu": round(time.process_time() - began, 1)}
    case = Case(
        None, None, None, data, ("0", "1"), 1, None, Use(), "predictions", "text", None, lambda *_: None, Passes(),
        column=columns.model_dump(exclude_none=True),
    )  # fmt: skip
    for name in ("data_quality", "personal_data", "duplicates", "contamination"):
        began = time.process_time()
        with anonymous() as peak:
            findings = measure(case, [Request(name, {})], catalog=catalog())
        cost = {"anonymous": peak[0], "cpu": round(time.process_time() - began, 1), "findings": len(findings)}
        yield name, cost


def in_child(path: Path) -> dict[str, float]:
    told = subprocess.run([sys.executable, __file__, "--read", str(path)], check=True, capture_output=True, text=True)
    return json.loads(told.stdout)


def main(rows: int, sizes: list[int]) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "rows.parquet"
        write_parquet(path, rows)
        sys.stdout.write(f"parquet, {path.stat().st_size >> 20} MB: {in_child(path)}\n")
        path.unlink()
        for size in sizes:
            path = Path(place) / "rows.jsonl"
            write_jsonl(path, size << 20)
            sys.stdout.write(f"jsonl, {path.stat().st_size >> 20} MB: {in_child(path)}\n")
            sys.stdout.flush()


def texts(size: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        write_texts(Path(place) / "train.jsonl", size << 20)
        write_texts(Path(place) / "test.jsonl", 740_000, seed=1)
        for name, cost in check_texts(Path(place)):
            sys.stdout.write(f"{name}: {cost}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--texts"]:
        texts(int((sys.argv[2:] or ["1000"])[0]))
    elif sys.argv[1:2] == ["--read"]:
        sys.stdout.write(json.dumps(read(Path(sys.argv[2]))))
    else:
        given = [int(word) for word in sys.argv[1:]]
        main(given[0] if given else 10_000_000, given[1:] or [500, 2000])
