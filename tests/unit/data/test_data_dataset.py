"""Data sets: canonical order, labels as indices, and every fault named with its row."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from govkit.core.columns import Columns
from govkit.data import canonical_text, classes_of, file_order, load_images, read_dataset
from govkit.errors import DataError

TEXT = Columns(input="text", label="label", groups=("sex",), id="key", time="sent")


def csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return csv(
        tmp_path / "t.csv",
        "key,sent,text,label,sex",
        "a1,2020-01-01,win money,spam,f",
        "a2,2020-01-02,see you,ham,",
        "a3,2020-01-03,lunch?,ham,m",
        "a4,2020-01-04,prize,spam,f",
    )


def test_rows_are_sorted_by_digest_and_lead_back_to_the_file(messages: Path) -> None:
    dataset = read_dataset(messages, role="test", columns=TEXT, modality="text")
    assert list(dataset.row_digests) == sorted(dataset.row_digests)
    order = file_order(dataset)
    assert sorted(order) == [0, 1, 2, 3]
    assert list(np.array(dataset.inputs)[np.argsort(order)]) == ["win money", "see you", "lunch?", "prize"]
    assert list(dataset.labels[np.argsort(order)]) == [1, 0, 0, 1]
    assert [dataset.groups["sex"].names[code] for code in dataset.groups["sex"].codes[np.argsort(order)]] == [
        "f",
        "(missing)",
        "m",
        "f",
    ]
    assert list(dataset.ids[np.argsort(order)]) == ["a1", "a2", "a3", "a4"]
    assert dataset.table["text"].to_pylist() == dataset.inputs
    assert dataset.labels.dtype == np.int64
    assert len(dataset) == 4
    assert dataset.ref.digest.startswith("sha256:")


def test_permuting_the_rows_of_the_file_changes_nothing(messages: Path, tmp_path: Path) -> None:
    header, *rows = messages.read_text().splitlines()
    other = csv(tmp_path / "u.csv", header, *reversed(rows))
    one, two = (read_dataset(path, role="test", columns=TEXT, modality="text") for path in (messages, other))
    assert (one.digest, one.inputs, list(one.labels)) == (two.digest, two.inputs, list(two.labels))
    assert one.table.to_pylist() == two.table.to_pylist()
    assert list(file_order(one)) == [3 - row for row in file_order(two)]


def test_a_frame_of_the_declared_columns_reaches_a_table_subject(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", "age,sex,y,extra", "30,f,1,9", "40,m,0,8")
    dataset = read_dataset(path, role="test", columns=Columns(input=("sex", "age"), label="y"), modality="table")
    assert list(dataset.inputs.columns) == ["sex", "age"]
    assert sorted(dataset.inputs["age"]) == [30, 40]
    assert dataset.ids is None


def test_stored_predictions_need_no_input(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", "y,p", "1,0.5", "0,0.25")
    dataset = read_dataset(path, role="test", columns=Columns(label="y", score="p"), modality="unknown")
    assert dataset.inputs is None
    assert set(dataset.table.column_names) == {"y", "p"}


BAD = [
    ("no column", ["key,sent,txt,label,sex", "a,,x,ham,f"], "no column 'text'; did you mean 'txt'?"),
    ("no near name", ["key,sent,text,label", "a,,x,ham"], "no column 'sex'; found 'key', 'sent', 'text', 'label'"),
    ("label missing", ["key,sent,text,label,sex", "a,,x,ham,f", "b,,x,,f", "c,,y,,f"],
     "row 2: column 'label' has no value (2 rows in all)"),
    ("label blank", ["key,sent,text,label,sex", "a,,x,ham,f", 'b,,x,"  ",f'], "row 2: column 'label' has no value;"),
    ("label unknown", ["key,sent,text,label,sex", "a,,x,ham,f", "b,,x,eggs,f"],
     "row 2: label is 'eggs'; expected one of 'ham', 'spam'"),
    ("id twice", ["key,sent,text,label,sex", "a,,x,ham,f", "b,,y,ham,f", "a,,z,ham,f"],
     "row 3: key 'a' stands more than once"),
    ("id missing", ["key,sent,text,label,sex", "a,,x,ham,f", ",,y,ham,f"], "row 2: column 'key' has no value"),
    ("input missing", ["key,sent,text,label,sex", "a,,x,ham,f", "b,,,ham,f"],
     "row 2: column 'text' has no value; expected text"),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "what"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_rows_are_refused_by_file_and_row(tmp_path: Path, lines: list[str], what: str) -> None:
    path = csv(tmp_path / "bad.csv", *lines)
    with pytest.raises(DataError) as caught:
        read_dataset(path, role="test", columns=TEXT, modality="text", classes=("ham", "spam"))
    assert str(path) in str(caught.value)
    assert what in str(caught.value)


def test_inputs_must_be_declared(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", "a,b,y", "x,x,1", "y,y,0")
    for columns, what in (
        (Columns(label="y"), "columns.input is not declared"),
        (Columns(label="y", input=("a", "b")), "text needs exactly one"),
    ):
        with pytest.raises(DataError, match=what):
            read_dataset(path, role="test", columns=columns, modality="text")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 0, None], ["1", "0", None]),
        ([1.0, 0.5, float("nan")], ["1", "0.5", None]),
        ([True, False, None], ["true", "false", None]),
        ([" a ", "B", "  "], ["a", "B", None]),
        (pa.array(["x", None, "x"]).dictionary_encode(), ["x", None, "x"]),
        (pa.chunked_array([pa.array([1], pa.int8()), pa.array([2], pa.int8())]), ["1", "2"]),
        (pa.chunked_array([], pa.string()), []),
    ],
)
def test_values_as_text_do_not_depend_on_the_format(values: object, expected: list[str | None]) -> None:
    assert list(canonical_text(values)) == expected


def test_classes_are_sorted_over_all_data() -> None:
    columns = Columns(label="y")
    assert classes_of([pa.table({"y": ["b", "a"]}), np.array(["c", "a"])], columns) == ("a", "b", "c")
    assert classes_of([pa.table({"y": [10, 9, 2]})], columns) == ("2", "9", "10")
    assert classes_of([pa.table({"y": [1.0, 0.0]})], columns) == ("0", "1")


def test_one_class_needs_a_declaration() -> None:
    with pytest.raises(DataError, match=r"column 'y' holds fewer than two classes \(found 'a'\).*columns.classes"):
        classes_of([pa.table({"y": ["a", "a"]})], Columns(label="y"))
    assert classes_of([pa.table({"y": ["a"]})], Columns(label="y", classes=("b", "a"))) == ("b", "a")
    with pytest.raises(DataError, match="two or more classes, each once but for blanks; found 'a', 'a '"):
        classes_of([], Columns(label="y", classes=("a", "a ")))


def picture(path: Path, value: int, *, mode: str = "L", size: tuple[int, int] = (3, 2)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    color = value if mode in ("L", "I;16", "1") else (value, 0, 255, 7)[: len(mode)]
    Image.new(mode, size, color=color).save(path)
    return path


def test_an_image_folder_becomes_arrays_and_its_digest_follows_the_pixels(tmp_path: Path) -> None:
    columns = Columns(input="path", label="label")
    digests = []
    for folder, name, value in (("a", "1.png", 51), ("b", "renamed.png", 51), ("c", "1.png", 52)):
        picture(tmp_path / folder / "cat" / name, value)
        picture(tmp_path / folder / "dog" / "2.png", 255)
        dataset = read_dataset(tmp_path / folder, role="test", columns=columns, modality="image")
        assert dataset.inputs.shape == (2, 1, 2, 3)
        assert dataset.inputs.dtype == np.float32
        assert sorted(dataset.inputs[:, 0, 0, 0].tolist()) == pytest.approx([value / 255, 1.0])
        assert [int(label) for label in dataset.labels] == [int(x[0, 0, 0] == 1.0) for x in dataset.inputs]
        digests.append(dataset.digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_table_of_paths_is_read_beside_the_table_in_the_input_range(tmp_path: Path) -> None:
    picture(tmp_path / "img" / "x.png", 0)
    picture(tmp_path / "img" / "y.png", 255)
    parquet.write_table(pa.table({"file": ["img/x.png", "img/y.png"], "y": [0, 1]}), tmp_path / "t.parquet")
    dataset = read_dataset(
        tmp_path / "t.parquet",
        role="test",
        columns=Columns(input="file", label="y"),
        modality="image",
        input_range=(-1.0, 1.0),
    )
    assert dataset.inputs[dataset.labels == 0].max() == -1.0
    assert dataset.inputs[dataset.labels == 1].min() == 1.0


def test_color_depth_and_transparency(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 51)
    picture(tmp_path / "b.png", 102, mode="RGBA")
    images = load_images(["a.png", "b.png"], root=tmp_path)
    assert images.shape == (2, 3, 2, 3)
    assert images[:, :, 0, 0].ravel().tolist() == pytest.approx([0.2, 0.2, 0.2, 0.4, 0.0, 1.0])
    picture(tmp_path / "deep.png", 32768, mode="I;16")
    assert load_images(["deep.png"], root=tmp_path)[0, 0, 0, 0] == pytest.approx(32768 / 65535)


def test_the_bytes_of_an_image_are_the_digested_ones_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path may lead out of the folder of its table; the digest is that of the image, and of what is asked."""
    from govkit.data import dataset as module

    outside, rows = tmp_path / "outside.png", tmp_path / "data" / "rows.csv"
    rows.parent.mkdir()
    digests = set()
    for gray in (10, 200):
        Image.new("L", (2, 2), gray).save(outside)
        for name in ("../outside.png", str(outside)):
            rows.write_text(f"image,label\n{name},a\n{name},b\n")
            found = read_dataset(rows, role="test", columns=Columns(input="image", label="label"), modality="image")
            assert found.inputs.max() == pytest.approx(gray / 255)
            digests.add(found.digest)
    assert len(digests) == 2
    whole = module._file_digest

    def swapped(path: Path) -> str:
        digest = whole(path)
        Image.new("L", (2, 2), 77).save(path)
        return digest

    monkeypatch.setattr(module, "_file_digest", swapped)
    with pytest.raises(DataError, match=r"outside\.png was changed while it was read"):
        read_dataset(rows, role="test", columns=Columns(input="image", label="label"), modality="image")


def test_bad_images_are_refused_by_name(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "big.png", 1, size=(9, 9))
    (tmp_path / "text.png").write_text("no image")
    noise = np.random.default_rng(0).integers(0, 255, (99, 99), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:5000])
    for name, what in (
        ("big.png", "big.png is 9×9 pixels, .*a.png is 3×2"),
        ("text.png", "text.png is not an image"),
        ("absent.png", "absent.png does not exist"),
        ("cut.png", "cut.png is a damaged image"),
    ):
        with pytest.raises(DataError, match=what):
            load_images(["a.png", name], root=tmp_path)


@pytest.mark.parametrize("kind", ["eps", "pdf", "tga"])
def test_an_image_is_read_only_as_one_of_the_named_formats(tmp_path: Path, kind: str) -> None:
    picture(tmp_path / "a.png", 51, mode="RGB").rename(tmp_path / "b.png")
    Image.open(tmp_path / "b.png").save(tmp_path / f"x.{kind}")
    (tmp_path / f"x.{kind}").rename(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png is not an image that can be read"):
        load_images(["a.png"], root=tmp_path)


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp", "gif", "tif", "webp", "ppm", "pgm"])
def test_an_image_of_every_named_format_is_read(tmp_path: Path, kind: str) -> None:
    picture(tmp_path / f"a.{kind}", 51)
    assert load_images([f"a.{kind}"], root=tmp_path).shape[2:] == (2, 3)


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    path = csv(tmp_path / "t.csv", "file,y", "a.png,0", "a.png,1")
    with pytest.raises(DataError, match=r"a\.png cannot be read"):
        read_dataset(path, role="test", columns=Columns(input="file", label="y"), modality="image")


@pytest.mark.parametrize("column", ["key", "sex", "label"])
def test_a_name_that_is_none_for_its_length_is_refused_and_not_repeated(tmp_path: Path, column: str) -> None:
    names = ["key", "sent", "text", "label", "sex"]
    for length in (1000, 1001):
        cells = dict(zip(names, ["b", "", "y", "spam", "f"], strict=True)) | {column: "q" * length}
        path = csv(tmp_path / "t.csv", ",".join(names), "a,,x,ham,f", ",".join(cells.values()))
        if length == 1000:
            assert len(read_dataset(path, role="test", columns=TEXT, modality="text")) == 2
    with pytest.raises(DataError, match=rf"t\.csv, row 2: column '{column}' holds a name of 1001 characters") as caught:
        read_dataset(path, role="test", columns=TEXT, modality="text")
    assert "qq" not in str(caught.value)


@pytest.mark.parametrize("name", ["bin", "column", "number", "source", "base"])
def test_a_group_column_is_not_named_like_a_part_of_findings(tmp_path: Path, name: str) -> None:
    path = csv(tmp_path / "g.csv", f"text,label,{name}", "a,ham,f", "b,spam,m")
    columns = Columns(input="text", label="label", groups=(name,))
    with pytest.raises(DataError, match=f"columns.groups: '{name}'.*rename"):
        read_dataset(path, role="test", columns=columns, modality="text")
