"""Digests of files and batches of any size: equal to those in memory, refused by name, and nothing stays behind."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pytest
from benches import load_bench
from PIL import Image
from pyarrow import csv, feather, ipc, parquet

import govkit.data.streaming as streaming
from govkit import manifest
from govkit.data import RowsDigest, batches_digest, content_digest, file_digest, read_table, shared_rows
from govkit.errors import DataError, UsageError

SCHEMA = {"i": "int", "f": "float", "t": "text", "b": "bool", "w": "time"}
ROWS = {
    "i": [1, None, -7, 2**53],
    "f": [1.5, float("nan"), None, -0.0],
    "t": ["2020-01-02", "", None, '12,"3\n'],
    "b": [True, None, False, True],
    "w": [datetime(2020, 1, 2, 3, 4, 5, 600), None, datetime(1969, 1, 1), datetime(2020, 1, 1)],
}


def table(n: int = 4) -> pa.Table:
    return pa.table({name: (cells * (n // 4 + 1))[:n] for name, cells in ROWS.items()})


def lines(data: pa.Table) -> str:
    rows = [{k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()} for row in data.to_pylist()]
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(data: pa.Table, path: Path) -> Path:
    """Write a table in the format that the name says."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind in ("csv", "tsv"):
        sink = io.BytesIO()
        csv.write_csv(data, sink, csv.WriteOptions(delimiter="," if kind == "csv" else "\t"))
        text = sink.getvalue()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    elif kind == "jsonl":
        path.write_text(lines(data))
    elif kind == "json":
        path.write_text("[" + ",\n".join(lines(data).splitlines()) + "]")
    elif kind == "parquet":
        parquet.write_table(data, path)
    elif kind == "feather":
        feather.write_feather(data, path)
    else:
        with ipc.new_stream(path, data.schema) as out:
            out.write_table(data, max_chunksize=3)
    return path


FORMATS = ("csv", "csv.gz", "tsv", "jsonl", "json", "parquet", "feather", "arrow")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, batches and piles so small that a few rows fill many."""
    monkeypatch.setattr("govkit.data.tables.BLOCK", 600)
    monkeypatch.setattr("govkit.data.jsonl.BLOCK", 200)
    monkeypatch.setattr("govkit.data.tables.BATCH", 5)
    monkeypatch.setattr(streaming, "HELD", 64)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.usefixtures("small")
def test_in_parts_as_in_memory(tmp_path: Path, suffix: str) -> None:
    path = write(table(90), tmp_path / f"rows.{suffix}")
    whole = read_table(path)
    assert file_digest(path) == RowsDigest(
        content_digest(whole)[0],
        90,
        ("b", "f", "i", "t", "w"),
        f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
    )
    assert batches_digest(whole.to_batches(max_chunksize=7), whole.column_names).digest == content_digest(whole)[0]
    some = content_digest(whole, columns=["t", "i"])[0]
    assert batches_digest(iter(whole.to_batches(max_chunksize=7)), ["t", "i"]).digest == some


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.usefixtures("small")
def test_a_declared_schema_is_one_for_all_formats_and_orders(tmp_path: Path, order: int) -> None:
    data = table(30).take(list(range(30))[::order]).select(list(ROWS)[::order])
    found = {file_digest(write(data, tmp_path / f"rows.{suffix}"), schema=SCHEMA).digest for suffix in FORMATS}
    assert found == {content_digest(table(30))[0]}


LATE = [
    # Each column looks like something else before its last rows.
    ("1\n" * 400 + "1.5\n", "[1, 1.5]"),
    ("1\n" * 400 + "x\n", None),
    ("2020-01-02\n" * 400 + "later\n", '"2020-01-02"'),
    ("2020-01-02\n" * 400 + "2020-01-02T03:04:05.678\n", '"2020-01-02"'),
    ("9007199254740993\n" * 400 + "0.5\n", "9007199254740993"),
    ("9223372036854775807\n" * 400 + "9223372036854775808\n", None),
    ("true\n" * 400 + "1\n", None),
    ("1\n" * 400 + "01\n", None),
]


@pytest.mark.parametrize("cells", [row[0] for row in LATE], ids=[row[0][-24:].strip() for row in LATE])
@pytest.mark.usefixtures("small")
def test_a_column_is_what_it_is_in_the_whole_file(tmp_path: Path, cells: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + cells.replace("\n", ",\n") + "7,3\n")
    found = file_digest(path).digest
    monkeypatch.undo()
    assert found == content_digest(read_table(path))[0]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ("1", "1.5"),
        ("9007199254740993", "0.5"),
        ("null", "1"),
        ("NaN", "1"),
        ('"2020-01-02"', '"later"'),
        ('"2020-01-02"', '"2020-01-02T03:04:05.5"'),
        ("[1]", "[1.5]"),
        ("[]", '["2020-01-02"]'),
        ('["2020-01-02"]', '["x"]'),
        ('{"x": 1}', '{"y": {"z": [2]}}'),
        ('[{"role": "user"}]', '[{"role": null, "n": 2}]'),
    ],
)
@pytest.mark.usefixtures("small")
def test_a_json_key_is_what_it_is_in_the_whole_file(
    tmp_path: Path, early: str, late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"a": {early}}}\n' * 40 + "\n" * 250 + f'{{"b": 1}}\n{{"a": {late}}}\n')
    parts = file_digest(path)
    monkeypatch.undo()
    assert parts.rows == 42
    assert parts == file_digest(path)
    from pyarrow import json as arrow_json

    from govkit.data.typed import typed

    assert parts.digest == content_digest(typed(arrow_json.read_json(path), ("time",)))[0]


@pytest.mark.usefixtures("small")
def test_typed_formats_tell_one_from_its_text_and_nan_from_null(tmp_path: Path) -> None:
    kinds = {"a": [1, 2], "b": ["1", "2"], "c": [1.0, None], "d": [1.0, float("nan")], "e": ["", "x"], "f": [None, "x"]}
    for suffix in ("jsonl", "parquet", "feather", "arrow"):
        found = [
            file_digest(write(pa.table({"x": cells}), tmp_path / f"{name}.{suffix}")).digest
            for name, cells in kinds.items()
        ]
        assert len(set(found)) == len(kinds)


def test_a_fine_time_does_not_change_its_neighbours() -> None:
    fine = pa.table({"w": pa.array([1_000, 1], pa.timestamp("ns"))})
    coarse = pa.table({"w": pa.array([1], pa.timestamp("us"))})
    assert content_digest(coarse)[1][0] in content_digest(fine)[1]
    assert batches_digest(fine.to_batches(max_chunksize=1), ["w"]).digest == content_digest(fine)[0]
    zoned = pa.table({"w": pa.array([1_000, 1], pa.timestamp("ns", tz=str(UTC)))})
    assert content_digest(zoned)[0] == content_digest(fine)[0]


CASTS = [
    ("csv", "int", ["1", "x"], 2),
    ("csv", "int", ["1.0", "2.5"], 2),
    ("csv", "int", ["1", "9223372036854775808"], 2),
    ("csv", "int", ["1.5", "9007199254740994"], 1),
    ("csv", "float", ["1.5", None, "1,5"], 3),
    ("csv", "bool", ["true", "FALSE", "1"], 3),
    ("csv", "time", ["2020-01-02", "2020-13-02"], 2),
    ("csv", "int", ["1"] * 300 + ["x"] + ["1"] * 300, 301),
    ("parquet", "int", [None, "1"], 2),
    ("parquet", "int", [1.0, 2.0**53 + 2], 2),
    ("parquet", "int", [1.0, float("nan")], 2),
    ("parquet", "float", [None, None, "1"], 3),
    ("parquet", "text", [1, 2], 1),
    ("parquet", "bool", [1], 1),
    ("parquet", "time", ["2020-01-02"], 1),
    ("parquet", "int", [1.0] * 12 + [0.5], 13),
    ("parquet", "text", [[1]], 1),
    ("feather", "int", [True], 1),
    ("jsonl", "int", ["1"], 1),
    ("jsonl", "text", [1], 1),
    ("jsonl", "time", ["2020-01-02", "soon"], 2),
]


@pytest.mark.parametrize(("suffix", "kind", "cells", "row"), CASTS)
@pytest.mark.usefixtures("small")
def test_a_cell_that_is_not_as_declared_is_named(
    tmp_path: Path, suffix: str, kind: str, cells: list[object], row: int
) -> None:
    path = write(pa.table({"n": range(len(cells)), "a b": cells}), tmp_path / f"rows.{suffix}")
    with pytest.raises(DataError) as caught:
        file_digest(path, schema={"a b": kind})
    assert f"{path}, row {row}, column 'a b': " in str(caught.value)
    assert f"not {kind}, as it is declared" in str(caught.value)


def test_numbers_become_each_other_where_nothing_is_lost(tmp_path: Path) -> None:
    expected = content_digest(pa.table({"a": [1, None, 3]}))[0]
    (tmp_path / "a.csv").write_text("a,b\n1.0,\n,\n3,\n")
    for cells in ([1, None, 3], [1.0, None, 3.0], pa.array([1, None, 3], pa.uint8())):
        path = write(pa.table({"a": cells}), tmp_path / "a.parquet")
        assert {file_digest(path, schema={"a": kind}).digest for kind in ("int", "float")} == {expected}
    (tmp_path / "b.csv").write_text('a\n1.0\n""\n3\n')
    with pytest.raises(DataError, match=r"b.csv, row 2, column 'a'"):
        file_digest(tmp_path / "b.csv", schema={"a": "int"})
    (tmp_path / "c.csv").write_text("a\n 1.0 \n 3 \n")
    assert file_digest(tmp_path / "c.csv", schema={"a": "int"}).digest == content_digest(pa.table({"a": [1, 3]}))[0]
    # What a column of floats would round is the same in all formats.
    big = pa.table({"a": [2**53 + 1, 1]})
    (tmp_path / "d.csv").write_text(f"a\n{2**53 + 1}\n1\n")
    parquet.write_table(big, tmp_path / "d.parquet")
    found = {file_digest(tmp_path / name, schema={"a": "float"}).digest for name in ("d.csv", "d.parquet")}
    assert found == {content_digest(pa.table({"a": [2.0**53, 1]}))[0]}
    assert file_digest(tmp_path / "d.csv", schema={"a": "int"}).digest == content_digest(big)[0]


def test_codes_and_other_carriers_of_text(tmp_path: Path) -> None:
    for kind in (pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.string_view()):
        path = tmp_path / "a.arrow"
        write(pa.table({"a": pa.array(["x", None, "y"]).cast(kind)}), path)
        assert file_digest(path, schema={"a": "text"}).digest == content_digest(pa.table({"a": ["x", None, "y"]}))[0]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "arrow"])
@pytest.mark.usefixtures("small")
def test_shards_are_one_table(tmp_path: Path, suffix: str) -> None:
    data = table(40)
    for number, start in enumerate((0, 10, 25)):
        write(data.slice(start, (10, 15, 15)[number]), tmp_path / f"part-{number}.{suffix}")
    (tmp_path / "README.md").write_text("# Rows\n")
    (tmp_path / "meta.json").write_text("{}")
    (tmp_path / f".hidden.{suffix}").write_text("")
    found = file_digest(tmp_path)
    assert found.digest == content_digest(data)[0]
    shards = sorted(tmp_path.glob(f"part-*.{suffix}"))
    files = [manifest.FileDigest(s.name, hashlib.sha256(s.read_bytes()).hexdigest(), s.stat().st_size) for s in shards]
    assert found.bytes_digest == manifest.digest_of(files)
    assert file_digest(f"{tmp_path}/part-*.{suffix}") == found
    assert file_digest(tmp_path, schema=SCHEMA).digest == found.digest


def test_a_pattern_below_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()
    write(table(), tmp_path / "d" / "a[1].csv")
    monkeypatch.chdir(tmp_path)
    assert file_digest("d/*.csv").rows == file_digest("d/a[1].csv").rows == 4


def test_types_are_those_of_all_shards(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n\n1\n")
    (tmp_path / "b.csv").write_text("n\nx\n")
    assert file_digest(tmp_path).digest == content_digest(pa.table({"n": ["1", "x"]}))[0]
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.csv").unlink()
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"n": 1.5, "m": "x"}\n')
    assert file_digest(tmp_path).digest == content_digest(pa.table({"n": [1.0, 1.5], "m": [None, "x"]}))[0]


def saved(folder: Path, n: int = 50) -> datasets.Dataset:
    found = datasets.Dataset(table(n))
    found.save_to_disk(str(folder), num_shards=3)
    return found


@pytest.mark.usefixtures("small")
def test_a_saved_folder_and_the_data_set_in_memory(tmp_path: Path) -> None:
    data = saved(tmp_path / "d")
    expected = content_digest(table(50))[0]
    # A file that a former, longer version has left does not count.
    write(table(8), tmp_path / "d" / "data-00009-of-00010.arrow")
    assert file_digest(tmp_path / "d").digest == expected
    for kind in (data, data.shuffle(seed=1), datasets.load_from_disk(str(tmp_path / "d"))):
        found = batches_digest(kind.with_format("arrow").iter(7), kind.column_names)
        assert (found.digest, found.bytes_digest) == (expected, "")
    part = data.select(range(20))
    assert batches_digest(part.with_format("arrow").iter(7), part.column_names).digest == content_digest(table(20))[0]


def test_a_folder_of_images(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((2, 2), ord(name), np.uint8)).save(tmp_path / name / "1.png")
    before = file_digest(tmp_path)
    assert before.digest == content_digest(read_table(tmp_path))[0]
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "a" / "1.png")
    after = file_digest(tmp_path)
    assert after.digest == before.digest
    assert after.bytes_digest != before.bytes_digest


def refused(path: Path | str, **options: object) -> str:
    with pytest.raises(UsageError) as caught:
        file_digest(path, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_what_is_no_data_is_refused_by_name(tmp_path: Path) -> None:
    assert "no file fits" in refused(tmp_path / "*.csv")
    assert "does not exist" in refused(tmp_path / "none.csv")
    assert "folder without images" in refused(tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "b.csv").write_text("a,c\n1,2\n")
    assert "b.csv has the columns 'a', 'c'; expected 'a', 'b'" in refused(tmp_path)
    assert "a.csv has the columns 'a', 'b'; expected 'a', 'b', 'x'" in refused(tmp_path / "a.csv", schema={"x": "int"})
    assert "declared as 'integer'; expected one of time, int" in refused(tmp_path / "a.csv", schema={"a": "integer"})
    write(table(), tmp_path / "c.parquet")
    assert "holds files in the formats csv, parquet" in refused(tmp_path)
    (tmp_path / "head.csv").write_text("a,b\n")
    assert "head.csv has no rows" in refused(tmp_path / "head.csv")
    (tmp_path / "quote.csv").write_text('a,b\n1,x\n2,"never\n3,y\n')
    assert "quote.csv, row 2: a quote" in refused(tmp_path / "quote.csv")
    (tmp_path / "few.csv").write_text("a,b\n" + "1,2\n" * 50 + "3\n")
    assert "few.csv, row 51: found 1 fields" in refused(tmp_path / "few.csv")
    (tmp_path / "kinds.jsonl").write_text('{"a":1}\n{"a":"x"}\n')
    assert "kinds.jsonl, row 2: 'a' is text and was a number" in refused(tmp_path / "kinds.jsonl")


@pytest.mark.usefixtures("small")
def test_a_key_that_changes_in_a_later_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a":1}\n' * 100 + '{"a":"x"}\n')
    assert "a.jsonl, row 101: 'a' is text and was a number before" in refused(tmp_path / "a.jsonl")


def test_folders_of_datasets_that_are_not_one_table(tmp_path: Path) -> None:
    data = datasets.Dataset(table())
    datasets.DatasetDict({"train": data, "test": data}).save_to_disk(str(tmp_path / "splits"))
    assert "several splits; name the folder of one: test, train" in refused(tmp_path / "splits")
    saved(tmp_path / "d")
    (tmp_path / "d" / "data-00001-of-00003.arrow").unlink()
    assert "data-00001-of-00003.arrow does not exist" in refused(tmp_path / "d")
    (tmp_path / "d" / "state.json").write_text("{}")
    assert "state.json is not as datasets writes it" in refused(tmp_path / "d")


def test_batches_without_a_column_or_with_a_time_out_of_range() -> None:
    with pytest.raises(DataError, match="a batch lacks the column 'z'; found i, f, t, b, w"):
        batches_digest([table()], ["i", "z"])
    with pytest.raises(DataError, match="column 'w' cannot be digested"):
        batches_digest([pa.table({"w": pa.array([2**62], pa.timestamp("s"))})], ["w"])


@pytest.mark.parametrize("change", ["append", "replace", "remove", "touch"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(table(), tmp_path / "rows.csv")

    def changing(part: pa.Table) -> bytes:
        if change == "append":
            with path.open("a") as file:
                file.write("1,2\n")
        elif change == "remove":
            path.unlink()
        elif change == "touch":
            os.utime(path, (1, 1))
        else:
            write(table(8), tmp_path / "new.csv").replace(path)
        return content(part)

    content = streaming.row_hashes
    monkeypatch.setattr(streaming, "row_hashes", changing)
    assert refused(path) == f"{path} changed while it was read; try again when nothing writes to it"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HELD", 64)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *_, **__: open("/dev/full", "w+b", buffering=0))  # noqa: PTH123, SIM115
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = write(table(4000).append_column("n", pa.array(range(4000))), tmp_path / "rows.parquet")
    what = refused(path)
    assert "No space left on device" in what
    assert f"not kept in {tmp_path}" in what


@pytest.mark.usefixtures("small")
def test_nothing_stays_behind_and_little_data_never_reaches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[Path]] = []
    opened = []

    def watched(part: pa.Table) -> bytes:
        seen.append(list((tmp_path / "temporary").iterdir()))
        return content(part)

    def counted(*given: object, **options: object) -> object:
        opened.append(1)
        return temporary(*given, **options)

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    content, temporary = streaming.row_hashes, tempfile.TemporaryFile
    monkeypatch.setattr(streaming, "row_hashes", watched)
    monkeypatch.setattr(tempfile, "TemporaryFile", counted)
    path = write(pa.table({"n": range(900)}), tmp_path / "rows.parquet")
    assert file_digest(path).digest == content_digest(read_table(path))[0]
    assert len(seen) > 100
    assert not any(seen)
    assert opened
    opened.clear()
    monkeypatch.setattr(streaming, "HELD", 1 << 18)
    file_digest(path)
    assert not opened


@pytest.mark.usefixtures("small")
def test_rows_that_sources_share(tmp_path: Path) -> None:
    pieces = [range(500), range(400, 900), [450, 450, 899, 1000]]
    kept = [(tmp_path / str(number)).open("w+b") for number in range(len(pieces))]
    for cells, file in zip(pieces, kept, strict=True):
        found = batches_digest(pa.table({"n": cells}).to_batches(max_chunksize=9), ["n"], keep=file)
        file.seek(0)
        rows = [row.hex() for row in iter(lambda file=file: file.read(32), b"")]
        assert rows == [row.decode() for row in content_digest(pa.table({"n": cells}))[1]]
        assert found.rows == len(cells)
    assert [shared_rows(kept), shared_rows(kept[:1]), shared_rows(kept[1:]), shared_rows(kept[::2])] == [101, 0, 2, 1]
    for file in kept:
        file.close()


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """The 2 GB of the bench in small: four times the rows, hardly more memory, and far below what the rows hold."""
    bench = load_bench("digests")
    peaks = []
    for rows in (200_000, 800_000):
        bench.write_parquet(tmp_path / "big.parquet", rows)
        _, found, _, peak = bench.in_child(tmp_path / "big.parquet")
        assert found == rows
        peaks.append(peak)
    assert (tmp_path / "big.parquet").stat().st_size > 80e6
    assert peaks[1] < min(peaks[0] + 80, 400)
