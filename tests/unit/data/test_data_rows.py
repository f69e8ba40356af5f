"""The rows of an audit's data: broken ones are told by place, hostile ones refused, large ones cost no memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image
from pyarrow import csv, feather, parquet

from govkit.core.columns import Columns
from govkit.data import (
    column_types,
    content_digest,
    digest,
    faults,
    file_order,
    jsonl,
    read_dataset,
    read_predictions,
    read_rows,
    read_table,
    spool,
    tables,
    texts,
    unpacking,
)
from govkit.data.texts import Texts
from govkit.errors import DataError

TABLE = pa.table({"a": [3, 1, 2, 2] * 30, "t": ["x", "ü", None, "z z"] * 30, "f": [0.5, 1.5, 2.25, None] * 30})


def zst(data: bytes) -> bytes:
    return pa.compress(data, "zstd", asbytes=True)


def write(path: Path, table: pa.Table = TABLE) -> Path:
    """Write a table in the format and packing that the name says."""
    pack = {".gz": gzip.compress, ".zst": zst}.get(path.suffix, bytes)
    kind = path.name.removesuffix(path.suffix if path.suffix in unpacking.PACKED else "").rpartition(".")[2]
    sink = pa.BufferOutputStream()
    if kind in ("csv", "tsv"):
        csv.write_csv(table, sink, csv.WriteOptions(delimiter="," if kind == "csv" else "\t"))
    elif kind == "parquet":
        parquet.write_table(table, sink)
    elif kind == "feather":
        feather.write_feather(table, sink)
    else:
        rows = list(map(json.dumps, table.to_pylist()))
        sink.write(("\n".join(rows) if kind == "jsonl" else f"[{', '.join(rows)}]").encode())
    path.write_bytes(pack(sink.getvalue().to_pybytes()))
    return path


TEXTS = [f"t.{kind}{pack}" for kind in ("csv", "tsv", "jsonl", "json") for pack in ("", ".gz", ".zst")]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, blocks and piles of a few hundred bytes, so that little data goes the way of much."""
    for module, name, size in (
        (spool, "LARGE", 300),
        (spool, "HELD", 300),
        (spool, "PILE", 500),
        (spool, "PIECE", 7),
        (digest, "SORTED", 20),
        (jsonl, "BLOCK", 200),
    ):
        monkeypatch.setattr(module, name, size)


@pytest.mark.parametrize("name", [*TEXTS, "t.parquet", "t.feather"])
@pytest.mark.parametrize("large", [False, True])
def test_the_digest_is_that_of_the_content_in_every_format_and_size(
    tmp_path: Path, name: str, large: bool, request: pytest.FixtureRequest
) -> None:
    expected = content_digest(TABLE)[0]
    if large:
        request.getfixturevalue("tiny")
    read = read_rows(write(tmp_path / name))
    assert (content_digest(read.table)[0], read.broken, read.places) == (expected, (), None)
    assert content_digest(read_table(tmp_path / name))[0] == expected
    assert column_types(read.table) == {"a": "int", "t": "text", "f": "float"}


@pytest.mark.parametrize("kind", ["csv.zst", "jsonl.gz", "parquet"])
def test_shards_and_patterns_are_one_table(tmp_path: Path, kind: str) -> None:
    for number in range(3):
        write(tmp_path / f"part-{number}.{kind}", TABLE.slice(number * 40, 40))
    for path in (tmp_path, tmp_path / f"part-*.{kind}"):
        assert read_rows(path).table.equals(read_rows(write(tmp_path.parent / f"whole.{kind}")).table)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=5), min_size=1, max_size=40), st.integers(1, 400))
def test_spooling_and_reordering_change_nothing(texts: list[str], size: int) -> None:
    table = pa.table({"t": texts, "n": range(len(texts))})
    order = np.random.default_rng(size).permutation(len(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "LARGE", size)
        patch.setattr(spool, "PILE", size)
        read = spool.gathered(table.slice(at, 3) for at in range(0, len(texts), 3))
        assert read.equals(table)
        assert spool.reordered(read, order).equals(table.take(order))


RAGGED = b"a,b\n1,x\n2\n3,y\n4,x,9\n5,\xff\n6,n\0l\n7,x\n8,y\n9,x\n"
BROKEN_LINES = [
    (b'{"a":"x"}', "'a' is text and was a number before"),
    (b"[1]", "found a list"),
    (b"nope", "not JSON (Expecting value)"),
    (b'{"a":1}{"a":2}', "not JSON (Extra data)"),
    (b'{"a":"\xff"}', "not UTF-8"),
    (b'{"t":"\\u0000"}', "column 't' holds a null byte"),
    (b'{"a":1,"a":2}', "a key twice, a list of nulls, or a value of another type than in the rows before"),
    (b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", "nested too deep"),
]


def test_broken_rows_of_csv_are_told_and_the_others_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(RAGGED)
    data = read_dataset(path, role="test", columns=Columns(label="b", id="a"), modality="unknown")
    assert data.broken == (
        "row 2: found 1 fields, expected 2",
        "row 4: found 3 fields, expected 2",
        "row 5: column 'b' is not UTF-8",
        "row 6: column 'b' holds a null byte",
    )
    assert file_order(data).tolist() == [int(name) - 1 for name in data.ids]
    with pytest.raises(DataError, match="row"):
        read_table(path)


def test_a_row_of_csv_may_be_broken_in_two_ways(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "t.csv").write_bytes("a,b\n1,ü€😀\n2,x,".encode() + b"\xff\n3,\xe2\x82\n4,\x1a\n5,z\n6,z\n7,\xf0\x9f")
    read = read_rows(tmp_path / "t.csv")
    assert read.broken == (
        "row 2: found 3 fields, expected 2",
        "row 3: column 'b' is not UTF-8",
        "row 7: column 'b' is not UTF-8",
    )
    assert read.table["b"].to_pylist() == ["ü€😀", "\x1a", "z", "z"]
    assert capfd.readouterr().err == ""


@given(st.lists(st.one_of(st.binary(max_size=3), st.text(max_size=3).map(str.encode))), st.integers(1, 5))
def test_bytes_are_marked_alike_wherever_the_file_is_cut(parts: list[bytes], size: int) -> None:
    pieces = unpacking.utf8(io.BytesIO(b"".join(parts)), size)
    assert b"".join(pieces) == b"".join(parts).decode(errors="govkit.marked").encode()


@pytest.mark.parametrize("block", [50, 1 << 24])
def test_broken_lines_are_told_and_the_others_keep_their_places(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "BLOCK", block)
    lines, expected, places = [], [], []
    for number, (line, what) in enumerate(BROKEN_LINES):
        lines += [b'{"a":%d}' % number, line, b'{"a":1.5}']
        expected.append(f"row {3 * number + 2}: {what}")
        places += [3 * number, 3 * number + 2]
    (tmp_path / "t.jsonl").write_bytes(b"\n\n".join(lines))
    read = read_rows(tmp_path / "t.jsonl")
    assert read.broken == tuple(expected)
    assert read.places.tolist() == places
    assert read.table["a"].to_pylist()[::2] == list(range(len(BROKEN_LINES)))


def test_messages_and_answers_of_another_file_count_the_broken_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("y,p\nno,1\nbroken\nyes,1\n")
    columns = Columns(label="y", score="p")
    classes = ("no", "yes")
    data = read_dataset(tmp_path / "t.csv", role="test", columns=columns, modality="unknown", classes=classes)
    (tmp_path / "base.csv").write_text("y,p\nno,0.25\nno,0.5\nyes,0.75\n")
    scores = read_predictions(tmp_path / "base.csv", data, columns, classes, 1).probabilities[:, 1]
    assert scores[np.argsort(file_order(data))].tolist() == [0.25, 0.75]
    with pytest.raises(DataError, match=r"t\.csv, row 3: y is 'yes'"):
        read_dataset(tmp_path / "t.csv", role="test", columns=columns, modality="unknown", classes=("no", "never"))


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_rows(path)
    return str(caught.value)


def test_broken_rows_of_a_shard_name_it(tmp_path: Path) -> None:
    for name, text in (("1.csv", "a,b\n1,2\n3,4\n"), ("2.csv", "a,b\n1,2\n3\n")):
        (tmp_path / name).write_text(text)
    read = read_rows(tmp_path)
    assert (read.broken, read.places.tolist()) == (("2.csv, row 2: found 1 fields, expected 2",), [0, 1, 2])


def test_what_is_half_broken_or_has_too_many_broken_rows_is_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half.csv").write_text("a,b\n1,2\n3\n")
    assert "half.csv: 1 of 2 rows cannot be read; the first: row 2" in refused(tmp_path / "half.csv")
    monkeypatch.setattr(faults, "MOST", 5)
    for name, text in (("m.csv", "a,b\n" + "1,2\n1\n1,2\n" * 10), ("m.jsonl", '{"a":1}\n{"a":1}\n[]\n' * 10)):
        (tmp_path / name).write_text(text)
        assert f"{name}: more than 5 rows cannot be read" in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text"), [("t.csv", "a,b\n1\n2\n"), ("t.jsonl", "[1]\n[2]\n"), ("n.csv", "a,b\n1,\0\n2,\0\n")]
)
def test_where_every_row_is_broken_the_first_is_told(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert "2 of 2 rows cannot be read; the first: row 1: " in refused(tmp_path / name)


def test_rows_that_contradict_one_another_too_often_are_counted_from_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "SPLITS", 0)
    (tmp_path / "t.jsonl").write_text('{"a":[1]}\n{"a":["x"]}\n')
    assert refused(tmp_path / "t.jsonl").endswith("in too many places, as in row 1")


CHAT = {"messages": [{"role": "user", "content": "hi"}, {"role": "bot", "content": "ho"}]}
NULL_FIRST = {"messages": [None, {"role": "user", "content": "x"}]}
BROKEN_CHATS = [
    b'{"messages":["x",{"role":"user"}]}',
    b'{"messages":[5,{"role":"user"}]}',
    b'{"messages":[[],{"role":"user"}]}',
    b'{"messages":[],"messages":[]}',
]


@pytest.mark.parametrize("broken", BROKEN_CHATS)
@pytest.mark.parametrize("order", ["null first", "null last"])
def test_a_list_that_begins_with_null_condemns_no_other_row(tmp_path: Path, broken: bytes, order: str) -> None:
    chat, null = (json.dumps(row).encode() for row in (CHAT, NULL_FIRST))
    lines = [null, broken, chat, chat, chat] if order == "null first" else [chat, chat, chat, broken, null]
    (tmp_path / "t.jsonl").write_bytes(b"\n".join(lines))
    row = lines.index(broken) + 1
    read = read_rows(tmp_path / "t.jsonl")
    what = "a key twice, a list of nulls, or a value of another type than in the rows before"
    assert read.broken == (f"row {row}: {what}",)
    assert read.table.to_pylist() == [json.loads(line) for line in lines if line != broken]
    with pytest.raises(DataError, match=f"row {row}: a key twice"):
        read_table(tmp_path / "t.jsonl")


@pytest.mark.parametrize("rows", [[NULL_FIRST], [CHAT, {"messages": [None, None]}]])
def test_a_list_that_begins_with_null_is_read_alone_and_as_the_last(tmp_path: Path, rows: list[object]) -> None:
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_rows(tmp_path / "t.jsonl").table.to_pylist() == rows
    assert read_table(tmp_path / "t.jsonl").to_pylist() == rows


def test_a_quote_that_swallows_rows_is_refused(tmp_path: Path) -> None:
    path, rows = tmp_path / "t.csv", "1,x\n" * 20
    path.write_text(f'a,b\n{rows}1,"x\n{rows}')
    assert "row 21: a quote is opened and never closed" in refused(path)
    path.write_text(f'a,b\n{rows}"1,x\n{rows}2,"y\n{rows}')
    assert "row 21: found" in refused(path)


def test_shards_that_are_not_one_table_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "1.parquet")
    write(tmp_path / "2.parquet", TABLE.drop_columns("f"))
    assert "2.parquet has the columns 'a', 't'; expected 'a', 'f', 't'" in refused(tmp_path)
    write(tmp_path / "2.parquet", TABLE.set_column(0, "a", pa.array(["x"] * 120)))
    assert "2.parquet: column 'a' holds string; expected int64" in refused(tmp_path)
    write(tmp_path / "2.parquet", TABLE.slice(0, 0))
    assert "2.parquet has no rows" in refused(tmp_path)
    (tmp_path / "2.parquet").write_bytes(b"")
    assert "2.parquet is empty" in refused(tmp_path)
    nulls = TABLE.set_column(1, "t", pa.nulls(120)).set_column(0, "a", TABLE["a"].cast(pa.float64()))
    write(tmp_path / "2.parquet", nulls)
    assert column_types(read_rows(tmp_path).table) == {"a": "float", "t": "text", "f": "float"}


def test_brackets_of_a_folder_are_its_name(tmp_path: Path) -> None:
    shards = tmp_path / "r[1]" / "shards"
    shards.mkdir(parents=True)
    write(shards / "1.csv")
    for pattern in ("*.csv", "[12].csv"):
        assert read_rows(shards / pattern).table.num_rows == TABLE.num_rows
    assert "no file fits" in refused(shards / "*.parquet")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: path.symlink_to("nowhere.csv"), "2.csv does not exist"),
        (lambda path: path.symlink_to("/dev/null"), "2.csv is a pipe, a device or a link to one"),
        (os.mkfifo, "2.csv is a pipe"),
    ],
    ids=["dangling", "device", "pipe"],
)
def test_what_is_no_file_among_shards_is_refused(tmp_path: Path, make: Callable[[Path], None], what: str) -> None:
    write(tmp_path / "1.csv")
    make(tmp_path / "2.csv")
    for path in (tmp_path, tmp_path / "*.csv"):
        assert what in refused(path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    write(tmp_path / "secret.csv")
    (tmp_path / "shards" / "1.csv").symlink_to(tmp_path / "secret.csv")
    assert "1.csv is a link that leads out of" in refused(tmp_path / "shards")
    (tmp_path / "images" / "cat").mkdir(parents=True)
    Image.new("L", (2, 2)).save(tmp_path / "secret.png")
    (tmp_path / "images" / "cat" / "a.png").symlink_to(tmp_path / "secret.png")
    assert "a.png is a link that leads out of" in refused(tmp_path / "images")


def test_images_that_are_none_or_too_large_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = Columns(label="label", input="path")
    for label, color in (("cat", 0), ("dog", 255)):
        (tmp_path / label).mkdir()
        Image.new("L", (8, 8), color).save(tmp_path / label / "a.png", format="JPEG")
    assert read_dataset(tmp_path, role="test", columns=columns, modality="image").inputs.shape == (2, 1, 8, 8)
    for limit in (40, 10):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(DataError, match=rf"a\.png is an image of more than {limit} pixels"):
            read_dataset(tmp_path, role="test", columns=columns, modality="image")
    (tmp_path / "cat" / "a.png").write_text("no image")
    with pytest.raises(DataError, match=r"a\.png is not an image"):
        read_dataset(tmp_path, role="test", columns=columns, modality="image")


HOSTILE = {
    "cell.csv": (b"a,b\n1," + b"x" * 10_000_000 + b"\n", "has a row of more than 4 MB"),
    "zeros.csv.gz": (gzip.compress(bytes(100_000_000), 1), "the header cannot be read"),
    "line.csv.zst": (zst(b"a,b\n1,2\n" + bytes(100_000_000)), "unpacks to more than 64 MB"),
    "zeros.jsonl.gz": (gzip.compress(bytes(100_000_000), 1), "has a line of more than 64 MB"),
    "rows.csv.zst": (zst(b"a,b\n" + b"1,2\n" * 18_000_000), "unpacks to more than 64 MB"),
    "list.json.zst": (zst(b"[" + b" " * 100_000_000), "unpacks to more than 64 MB"),
    "mixed.jsonl": (b'{"a":1}\n{"a":"x"}\n' * 150_000, "more than 100000 rows cannot be read"),
    "wide.csv": (b"\n".join(b",".join(b"%d" % at for at in range(5000)) for _ in range(50)), ""),
}
MEASURE = """
import sys
import pandas, pyarrow.csv, pyarrow.json
from govkit.data import content_digest, read_rows, unpacking
from govkit.errors import DataError
unpacking.FREE, what = 1 << 26, ""
try:
    content_digest(read_rows(sys.argv[1]).table)
except DataError as error:
    what = str(error)
status = open("/proc/self/status").read()
print(int(status.split("VmHWM:")[1].split()[0]) >> 10, what)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_little_memory_and_time(tmp_path: Path, name: str) -> None:
    content, expected = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / name], check=True, capture_output=True, text=True, timeout=120
    )
    peak, what = told.stdout.split(" ", 1)
    assert expected in what
    assert bool(expected) == bool(what.strip())
    assert int(peak) < 1000


def packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd", use_dictionary=False, store_schema=False)
    return sink.getvalue().to_pybytes()


def test_parquet_that_unpacks_to_far_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "FREE", 1 << 20)
    (tmp_path / "t.parquet").write_bytes(packed(pa.table({"t": ["x" * 10_000] * 1000})))
    # Told from what stands in the file about its size, before any row is read.
    with monkeypatch.context() as patch:
        patch.setattr(parquet.ParquetFile, "iter_batches", None)
        assert "t.parquet unpacks to more than 1 MB, over 200 times its size" in refused(tmp_path / "t.parquet")
    once = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, "i4")), ["x" * 10_000])
    parquet.write_table(pa.table({"t": once}), tmp_path / "t.parquet")
    meta = parquet.read_metadata(tmp_path / "t.parquet")
    assert meta.row_group(0).total_byte_size < 1 << 20
    assert "t.parquet unpacks to more than 1 MB" in refused(tmp_path / "t.parquet")


def test_parquet_with_categories_is_read_in_parts_of_many_rows(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).integers(0, 500, 3000)
    names = [f"category {at}" for at in range(500)]
    table = pa.table({"c": pa.DictionaryArray.from_arrays(cells, names), "n": cells})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=1000)
    (part,) = tables.parts(tmp_path / "t.parquet")
    assert part["c"].to_pylist() == [names[at] for at in cells]
    assert read_rows(tmp_path / "t.parquet").table["c"].to_pylist() == part["c"].to_pylist()


def test_a_list_longer_than_is_read_whole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LIST", 100)
    assert "is a JSON list of more than 0 MB" in refused(write(tmp_path / "t.json"))


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", pa.table({"n": np.arange(100_000)}))

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    script = (
        "import sys, govkit.data.spool as s; s.LARGE = 1000; from govkit.data import read_rows; read_rows(sys.argv[1])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, path], check=False, capture_output=True, text=True, preexec_fn=limited
    )
    assert f"DataError: rows cannot be kept in {tempfile.gettempdir()}: " in told.stderr
    assert "set TMPDIR" in told.stderr


@pytest.mark.usefixtures("tiny")
def test_nothing_of_a_large_data_set_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    data = read_dataset(
        write(tmp_path / "t.jsonl"),
        role="test",
        columns=Columns(label="a"),
        modality="unknown",
        classes=("1", "2", "3"),
    )
    assert not list((tmp_path / "temporary").iterdir())
    assert data.digest == content_digest(TABLE)[0]
    assert data.table.num_rows == 120
    assert list(data.row_digests) == sorted(content_digest(TABLE)[1])


@pytest.mark.usefixtures("tiny")
def test_a_large_data_set_is_read_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"t": f"text {at % 50}", "y": "ab"[at % 2], "g": ["m", None, "f"][at % 3]} for at in range(120)]
    lines = [*map(json.dumps, rows[:60]), "broken", *map(json.dumps, rows[60:])]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    columns = Columns(input="t", label="y", groups=("g",))
    large = read_dataset(tmp_path / "t.jsonl", role="test", columns=columns, modality="text")
    monkeypatch.undo()
    small = read_dataset(tmp_path / "t.jsonl", role="test", columns=columns, modality="text")
    assert isinstance(small.inputs, list)
    assert isinstance(large.inputs, Texts)
    assert (large.digest, list(large.inputs)) == (small.digest, small.inputs)
    assert large.groups["g"].names == small.groups["g"].names == ("(missing)", "f", "m")
    for one, other in (
        (large.labels, small.labels),
        (large.groups["g"].codes, small.groups["g"].codes),
        (large.row_digests, small.row_digests),
        (file_order(large), file_order(small)),
    ):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()
    assert sorted(file_order(large).tolist()) == [*range(60), *range(61, 121)]


@pytest.mark.usefixtures("tiny")
def test_a_large_data_set_without_an_input_is_refused_by_its_row(tmp_path: Path) -> None:
    rows = [{"t": None if at == 70 else f"text {at}", "y": at % 2} for at in range(120)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match="row 71: column 't' has no value; expected text"):
        read_dataset(tmp_path / "t.jsonl", role="test", columns=Columns(input="t", label="y"), modality="text")


def test_lazy_texts_are_read_as_a_list_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "ROWS", 2)
    column = pa.chunked_array([[1, 2], [], [3], [4, 5, 6, 7]])
    lazy, plain = Texts([column]), list("1234567")
    assert list(lazy) == plain
    assert [lazy[at] for at in np.arange(-7, 7)] == plain + plain
    for part in (slice(None), slice(2, 5), slice(-3, None), slice(5, 2), slice(None, None, -2), slice(0, 99)):
        assert lazy[part] == plain[part]
    assert ("4" in lazy, len(lazy), lazy.index("3")) == (True, 7, 2)
    for at in (7, -8):
        with pytest.raises(IndexError):
            lazy[at]
