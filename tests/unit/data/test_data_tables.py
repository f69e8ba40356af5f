"""Every format reads to the same rows, and every bad file is refused with its name and the place of the fault."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import feather, parquet

from govkit.data import content_digest, read_table
from govkit.errors import DataError

ROWS = {"id": [1, 2, 3], "text": ["a, b", 'q"', "é\nü"], "p": [0.5, 1.0, None], "yes": [True, False, True]}
CSV = 'id,text,p,yes\r\n1,"a, b",0.5,true\r\n2,"q""",1.0,False\r\n3,"é\nü",,TRUE\r\n'
JSONL = (
    '{"id":1,"text":"a, b","p":0.5,"yes":true}\n{"id":2,"text":"q\\"","p":1.0,"yes":false}\n'
    '{"yes":true,"id":3,"text":"é\\nü"}\n'
)


def write(path: Path, content: bytes | str) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    "name",
    ["r.csv", "r.csv.gz", "bom.csv", "r.tsv", "r.tab", "r.jsonl", "r.ndjson", "r.jsonl.gz", "r.parquet", "r.pq",
     "r.feather", "r.arrow", "stream.arrow"],
)  # fmt: skip
def test_every_format_reads_to_the_same_rows_and_digest(tmp_path: Path, name: str) -> None:
    path, table = tmp_path / name, pa.table(ROWS)
    if ".csv" in name:
        write(path, ("\ufeff" if name == "bom.csv" else "") + CSV)
    elif path.suffix in (".tsv", ".tab"):
        write(path, CSV.replace('"a, b"', "a\x00b").replace(",", "\t").replace("\x00", ", "))
    elif "json" in name:
        write(path, JSONL)
    elif path.suffix in (".parquet", ".pq"):
        parquet.write_table(table, path)
    elif name.startswith("stream"):
        write(path, stream(table))
    else:
        feather.write_feather(table, path)
    found = read_table(path)
    assert found.select(list(ROWS)).to_pydict() == ROWS
    assert content_digest(found)[0] == content_digest(table)[0]


def test_types_of_a_csv_are_what_all_filled_cells_look_like(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.csv",
        "whole,number,zip,truth,day,time,mixed,nan,big,spaced,empty,month\n"
        '1,1.5,007,true,2020-01-31,2020-01-31 10:20:30.5,1,nan,9223372036854775808, 7,"",2020-13-01\n'
        ",-2e3,123,FALSE,2020-02-01,2020-01-31T10:20Z,x,1,1, 8,,2020-01-01\n",
    )
    assert read_table(path).to_pydict() | {"nan": None} == {
        "whole": [1, None],
        "number": [1.5, -2000.0],
        "zip": ["007", "123"],
        "truth": [True, False],
        "day": [np.datetime64("2020-01-31").astype("M8[us]").item(), np.datetime64("2020-02-01T00", "us").item()],
        "time": [np.datetime64("2020-01-31T10:20:30.5", "us").item(), np.datetime64("2020-01-31T10:20", "us").item()],
        "mixed": ["1", "x"],
        "nan": None,
        "big": [2.0**63, 1.0],
        "spaced": [7, 8],
        "empty": ["", None],
        "month": ["2020-13-01", "2020-01-01"],
    }


def test_an_unnamed_pandas_index_is_no_content(tmp_path: Path) -> None:
    frame = pa.table(ROWS).to_pandas()
    frame.to_parquet(tmp_path / "a.parquet")
    frame.sample(frac=1, random_state=1).to_parquet(tmp_path / "b.parquet")
    assert read_table(tmp_path / "b.parquet").column_names == list(ROWS)
    first, second = (content_digest(read_table(tmp_path / name))[0] for name in ("a.parquet", "b.parquet"))
    assert first == second


def test_a_long_row_and_a_wide_block_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "long.csv", "a,b\n" + "x" * 3_000_000 + ",1\n" * 1 + "".join(f"t{i},2\n" for i in range(9)))
    assert read_table(path).num_rows == 10


def bad_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(ROWS), sink)
    return sink.getvalue().to_pybytes()[:-20]


BAD = [
    ("absent.csv", None, "does not exist"),
    ("empty.csv", b"", "is empty"),
    ("header.csv", "a,b\n", "has no rows"),
    ("blank.jsonl", "\n\n", "has no rows"),
    ("fields.csv", "a,b\n1,2\n1,2,3\n", "row 2: found 3 fields, expected 2"),
    ("few.tsv", "a\tb\n1\t2\n3\t4\n5\n", "row 3: found 1 fields, expected 2"),
    ("twice.csv", "a,b,a\n1,2,3\n", "column 'a' more than once"),
    ("latin.csv", "a,b\n1,x\n2,é\n".encode("latin-1"), "row 2: the text is not UTF-8"),
    ("utf16.csv", "a,b\n1,2\n".encode("utf-16"), "is not UTF-8"),
    ("header8.csv", "é,b\n1,2\n".encode("latin-1"), "is not UTF-8"),
    ("quote.csv", 'a,b\n1,x\n2,"never\n3,y\n', "row 2: a quote is opened and never closed"),
    ("latin.jsonl", '{"a":"é"}\n'.encode("latin-1"), "is not UTF-8"),
    ("broken.jsonl", '{"a":1}\n{"a":\n', "row 2: not JSON"),
    ("array.jsonl", '{"a":1}\n[1]\n', "row 2: found a list"),
    ("kinds.jsonl", '{"a":1}\n{"a":null}\n{"a":"x"}\n', "row 3: 'a' is text and was a number before"),
    ("keys.jsonl", '{"a":1}\n{"a":1,"a":2}\n', "row 2: a key twice"),
    ("cut.parquet", bad_parquet(), "damaged or truncated"),
    ("noise.parquet", b"no parquet at all", "damaged or truncated"),
    ("noise.arrow", b"no arrow at all, none", "damaged or truncated"),
    ("cut.arrow", stream(pa.table(ROWS))[:-200], "damaged or truncated"),
    ("sheet.xlsx", b"PK", "in no format that govkit reads"),
    ("none.json", b"[]", "has no rows"),
    ("cut.json", '[{"a":1},\n{"a":', "line 2"),
    ("list.json", '[{"a":1}, [1]]', "row 2: found a list"),
    ("page.html", b"<p>", "in no format that govkit reads"),
    (
        "nulls.jsonl",
        '{"a":null}\n{"a":[null,null]}',
        "row 2: a key twice, a list of nulls, or a value of another type",
    ),
    ("t.parquet.gz", b"x", "in no format that govkit reads"),
]


@pytest.mark.parametrize(("name", "content", "what"), BAD, ids=[row[0] for row in BAD])
def test_bad_files_are_refused_by_name(tmp_path: Path, name: str, content: bytes | str | None, what: str) -> None:
    path = tmp_path / name if content is None else write(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert what in str(caught.value)


def test_a_gzip_that_is_none_or_is_cut_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(CSV.encode() * 200)
    for name, data in (("none.csv.gz", b"a,b\n1,2\n"), ("cut.csv.gz", whole[: len(whole) // 2])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=name):
            read_table(tmp_path / name)


def test_a_symlink_loop_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv is a symlink loop"):
        read_table(tmp_path / "a.csv")


def test_a_name_with_a_null_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\\x00\.csv' cannot be the name of a file"):
        read_table(tmp_path / "t\0.csv")


def image_folder(root: Path, sizes: dict[str, tuple[int, int]]) -> Path:
    for place, size in sizes.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", size, color=len(place)).save(root / place)
    return root


def test_an_image_folder_is_a_table_of_paths_and_labels(tmp_path: Path) -> None:
    image_folder(tmp_path, {"dog/b.png": (4, 4), "cat/deep/a.png": (4, 4), ".cache/x.png": (4, 4)})
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    assert read_table(tmp_path).to_pydict() == {"path": ["cat/deep/a.png", "dog/b.png"], "label": ["cat", "dog"]}


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="is a folder without images"):
        read_table(tmp_path)


def test_a_class_folder_that_leads_back_is_refused(tmp_path: Path) -> None:
    image_folder(tmp_path, {"dog/b.png": (4, 4)})
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(DataError, match="loop is a symlink loop"):
        read_table(tmp_path)


@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather", "csv", "jsonl"])
def test_a_name_that_looks_like_an_address_or_a_pattern_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
):
    """What is digested and what is read must be one file."""
    monkeypatch.chdir(tmp_path)

    def put(path: Path, word: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        table, text = pa.table({"a": [word]}), {"csv": f"a\n{word}\n", "jsonl": f'{{"a": "{word}"}}\n'}
        with path.open("wb") as file:
            if ending in text:
                file.write(text[ending].encode())
            else:
                (parquet.write_table if ending == "parquet" else feather.write_feather)(table, file)
        return path

    put(tmp_path / f"rows.{ending}", "other")
    put(tmp_path / f"rows1.{ending}", "other")
    for name in (f"file:{tmp_path}/rows.{ending}", f"rows[1].{ending}", f"s3:/there/rows.{ending}"):
        assert read_table(put(Path(name), "mine"))["a"].to_pylist() == ["mine"]
