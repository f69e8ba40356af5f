"""Reads one file through every channel, recorded: a script that ``test_channels`` runs under strace.

``reading_channels.py write DATA`` makes the files, ``reading_channels.py read DATA OUT.json`` reads them. Nothing heavy
is imported at the top: a recording usually begins before the libraries are loaded.
"""

from __future__ import annotations

import ctypes
import gzip
import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

CHANNELS: dict[str, tuple[str, Callable[[str], Any]]] = {}
"""Channel -> the file that only it reads, and the function that reads it."""


def channel(name: str, file: str) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    def add(function: Callable[[str], Any]) -> Callable[[str], Any]:
        CHANNELS[name] = (file, function)
        return function

    return add


def first_byte(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read(1)


channel("open", "open.txt")(first_byte)


@channel("os.open", "os_open.txt")
def _(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


@channel("gzip.open", "gzip.txt.gz")
def _(path: str) -> None:
    with gzip.open(path) as file:
        file.read()


@channel("PIL.Image.open", "pil.png")
def _(path: str) -> None:
    from PIL import Image

    with Image.open(path) as image:
        image.load()


@channel("joblib.load", "joblib.pkl")
def _(path: str) -> None:
    import joblib

    joblib.load(path)


@channel("numpy.load", "np_load.npy")
def _(path: str) -> None:
    import numpy as np

    np.load(path)


@channel("numpy.load(mmap_mode)", "np_mmap.npy")
def _(path: str) -> None:
    import numpy as np

    np.load(path, mmap_mode="r").sum()


@channel("numpy.memmap", "np_memmap.bin")
def _(path: str) -> None:
    import numpy as np

    np.memmap(path, mode="r").sum()


@channel("numpy.fromfile", "np_fromfile.bin")
def _(path: str) -> None:
    import numpy as np

    np.fromfile(path, dtype=np.uint8)


@channel("torch.load", "torch_load.pt")
def _(path: str) -> None:
    import torch

    torch.load(path, weights_only=True)


@channel("torch.load(mmap=True)", "torch_mmap.pt")
def _(path: str) -> None:
    import torch

    torch.load(path, weights_only=True, mmap=True)["a"].sum()


@channel("torch.from_file", "torch_from_file.bin")
def _(path: str) -> None:
    import torch

    torch.from_file(path, size=2, dtype=torch.uint8).sum()


@channel("safetensors.safe_open", "safe_open.safetensors")
def _(path: str) -> None:
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        file.get_tensor("a")


@channel("safetensors.torch.load_file", "load_file.safetensors")
def _(path: str) -> None:
    from safetensors.torch import load_file

    load_file(path)


@channel("transformers from_pretrained", "bert/model.safetensors")
def _(path: str) -> None:
    from transformers import BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    BertModel.from_pretrained(Path(path).parent)


@channel("pandas.read_csv", "pd_c.csv")
def _(path: str) -> None:
    import pandas as pd

    pd.read_csv(path)


@channel("pandas.read_csv(engine=python)", "pd_python.csv")
def _(path: str) -> None:
    import pandas as pd

    pd.read_csv(path, engine="python")


@channel("pandas.read_csv(engine=pyarrow)", "pd_pyarrow.csv")
def _(path: str) -> None:
    import pandas as pd

    pd.read_csv(path, engine="pyarrow")


@channel("pandas.read_json", "pd.jsonl")
def _(path: str) -> None:
    import pandas as pd

    pd.read_json(path, lines=True)


@channel("pandas.read_parquet", "pd.parquet")
def _(path: str) -> None:
    import pandas as pd

    pd.read_parquet(path)


@channel("pandas.read_feather", "pd.feather")
def _(path: str) -> None:
    import pandas as pd

    pd.read_feather(path)


@channel("pandas.read_sql", "pd_sql.db")
def _(path: str) -> None:
    import pandas as pd

    with closing(sqlite3.connect(path)) as connection:
        pd.read_sql("select * from t", connection)


@channel("sqlite3.connect", "sqlite.db")
def _(path: str) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.execute("select * from t").fetchall()


@channel("pyarrow.parquet.read_table", "pq_table.parquet")
def _(path: str) -> None:
    import pyarrow.parquet as pq

    pq.read_table(path)


@channel("pyarrow.parquet.ParquetFile", "pq_file.parquet")
def _(path: str) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        file.read()


@channel("pyarrow.dataset (a folder)", "pa_dataset/part.parquet")
def _(path: str) -> None:
    import pyarrow.dataset as ds

    ds.dataset(str(Path(path).parent)).to_table()


@channel("pyarrow.csv", "pa.csv")
def _(path: str) -> None:
    from pyarrow import csv

    csv.read_csv(path)


@channel("pyarrow.json", "pa.jsonl")
def _(path: str) -> None:
    from pyarrow import json as arrow_json

    arrow_json.read_json(path)


@channel("pyarrow.feather", "pa.feather")
def _(path: str) -> None:
    from pyarrow import feather

    feather.read_table(path)


@channel("pyarrow.orc", "pa.orc")
def _(path: str) -> None:
    from pyarrow import orc

    orc.read_table(path)


@channel("pyarrow.memory_map", "pa_map.arrow")
def _(path: str) -> None:
    import pyarrow as pa

    with pa.memory_map(path) as source, pa.ipc.open_file(source) as file:
        file.read_all()


@channel("pyarrow.OSFile", "pa_osfile.arrow")
def _(path: str) -> None:
    import pyarrow as pa

    with pa.OSFile(path) as source:
        source.read()


@channel("pyarrow.fs", "pa_fs.bin")
def _(path: str) -> None:
    from pyarrow import fs

    with fs.LocalFileSystem().open_input_file(path) as file:
        file.read()


@channel("duckdb.sql, a file in the query", "duck_sql.csv")
def _(path: str) -> None:
    import duckdb

    duckdb.sql(f"select count(*) from '{path}'").fetchall()  # noqa: S608


@channel("duckdb, a pattern in the query", "duck_glob/part.parquet")
def _(path: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"select * from '{Path(path).parent}/*.parquet'").fetchall()  # noqa: S608


@channel("duckdb.connect to a file", "duck.db")
def _(path: str) -> None:
    import duckdb

    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("select * from t").fetchall()


@channel("duckdb read_csv of a connection", "duck_read.csv")
def _(path: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.read_csv(path).fetchall()


@channel("duckdb, file_search_path", "duck_search.csv")
def _(path: str) -> None:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"set file_search_path='{Path(path).parent}'")
        connection.execute(f"select * from '{Path(path).name}'").fetchall()  # noqa: S608


@channel("polars.read_csv", "pl.csv")
def _(path: str) -> None:
    import polars as pl

    pl.read_csv(path)


@channel("polars.scan_parquet", "pl.parquet")
def _(path: str) -> None:
    import polars as pl

    pl.scan_parquet(path).collect()


@channel("datasets.load_dataset, first", "ds_first.csv")
def load_csv(path: str) -> None:
    import datasets

    datasets.disable_progress_bars()
    datasets.load_dataset("csv", data_files=path, split="train")


channel("datasets.load_dataset, cached", "ds_cached.csv")(load_csv)


@channel("datasets.load_from_disk", "ds_disk/data-00000-of-00001.arrow")
def _(path: str) -> None:
    import datasets

    datasets.load_from_disk(str(Path(path).parent))


class Lines:
    """Rows that a worker of a data loader reads."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> int:
        return first_byte(self.path)[0]


@channel("worker of a torch DataLoader", "loader.txt")
def _(path: str) -> None:
    from torch.utils.data import DataLoader

    list(DataLoader(Lines(path), num_workers=1, multiprocessing_context="fork"))


@channel("pool of forked workers", "pool_fork.txt")
def _(path: str) -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.map(first_byte, [path])


@channel("pool of spawned workers", "pool_spawn.txt")
def _(path: str) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.map(first_byte, [path])


@channel("pool of spawned workers, pyarrow in them", "pool_native.csv")
def _(path: str) -> None:
    from pyarrow import csv

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        pool.map(csv.read_csv, [path])


@channel("Python child", "python_child.txt")
def _(path: str) -> None:
    subprocess.run([sys.executable, "-c", f"open({path!r}).close()"], check=True)


@channel("Python child, isolated (-I)", "isolated_child.txt")
def _(path: str) -> None:
    subprocess.run([sys.executable, "-I", "-c", f"open({path!r}).close()"], check=True)


@channel("child of another program (cat)", "cat.txt")
def _(path: str) -> None:
    subprocess.run(["cat", path], check=True, stdout=subprocess.DEVNULL)


@channel("a shell (os.system)", "os_system.txt")
def _(path: str) -> None:
    os.system(f"cat '{path}' > /dev/null")  # noqa: S605


@channel("open by ctypes", "ctypes.txt")
def _(path: str) -> None:
    libc = ctypes.CDLL(None)
    os.close(libc.open(os.fsencode(path), os.O_RDONLY))


def write(data: Path) -> None:
    import datasets
    import duckdb
    import joblib
    import numpy as np
    import pyarrow as pa
    import torch
    from PIL import Image
    from pyarrow import csv, feather, orc, parquet as pq
    from safetensors.numpy import save_file
    from transformers import BertConfig, BertModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    table = pa.table({"x": [1, 2], "y": ["a", "b"]})
    rows = "".join(json.dumps(row) + "\n" for row in table.to_pylist())

    def arrow(path: Path) -> None:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)

    def database(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("create table t as select 1 as x")
            connection.commit()

    def duck(path: Path) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table t as select 1 as x")

    writers: dict[str, Callable[[Path], Any]] = {
        ".txt": lambda path: path.write_text("text"),
        ".bin": lambda path: path.write_bytes(b"\1\2"),
        ".gz": lambda path: path.write_bytes(gzip.compress(b"text")),
        ".png": lambda path: Image.new("RGB", (2, 2)).save(path),
        ".pkl": lambda path: joblib.dump([1], path),
        ".npy": lambda path: np.save(path, np.ones(2)),
        ".pt": lambda path: torch.save({"a": torch.ones(2)}, path),
        ".safetensors": lambda path: save_file({"a": np.ones(2)}, path),
        ".csv": lambda path: csv.write_csv(table, path),
        ".jsonl": lambda path: path.write_text(rows),
        ".parquet": lambda path: pq.write_table(table, path),
        ".feather": lambda path: feather.write_feather(table, path),
        ".orc": lambda path: orc.write_table(table, path),
        ".arrow": arrow,
        ".db": database,
    }
    for file, _ in CHANNELS.values():
        path = data / file
        path.parent.mkdir(parents=True, exist_ok=True)
        (duck if file == "duck.db" else writers[path.suffix])(path)
    config = BertConfig(vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)
    BertModel(config).save_pretrained(data / "bert")
    for each in (data / "ds_disk").iterdir():
        each.unlink()
    datasets.Dataset.from_dict({"x": [1]}).save_to_disk(data / "ds_disk")
    load_csv(str(data / "ds_cached.csv"))


def read(data: Path, out: Path) -> None:
    from govkit.lineage.reads import Reads

    reads = Reads([data])
    reads.start()
    for file, function in CHANNELS.values():
        function(str(data / file))
    reads.stop()
    seen = {
        str(path.relative_to(data)): sorted(each.channels)
        for path, each in reads.files().items()
        if path.is_relative_to(data)
    }
    out.write_text(json.dumps({"files": seen, "channels": reads.channels(), "calls": reads.calls}))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*map(Path, sys.argv[2:]))
