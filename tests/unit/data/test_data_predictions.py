"""Stored predictions: read, joined to the rows they belong to, and refused with the row of the fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from govkit.core.case import Dataset, Predictions
from govkit.core.columns import Columns
from govkit.data import file_order, read_dataset, read_predictions, stored_predictions
from govkit.errors import DataError

BINARY = Columns(label="y", score="p", prediction="hat", id="key")
CLASSES = ("0", "1")
N = 40


def rows(**changes: dict[int, object]) -> dict[str, list[object]]:
    table: dict[str, list[object]] = {
        "key": [f"k{i}" for i in range(N)],
        "y": [i % 2 for i in range(N)],
        "p": [i / N for i in range(N)],
        "hat": [int(i > 30) for i in range(N)],
        "base_p": [1 - i / N for i in range(N)],
    }
    for name, cells in changes.items():
        for row, value in cells.items():
            table[name][row] = value
    return table


def dataset(path: Path, columns: Columns = BINARY, classes: tuple[str, ...] = CLASSES, **table: object) -> Dataset:
    parquet.write_table(pa.table(table or rows()), path)
    return read_dataset(path, role="test", columns=columns, modality="unknown", classes=classes)


def by_key(data: Dataset, answers: Predictions) -> dict[str, tuple[int, float]]:
    return {
        key: (int(label), round(float(p[1]), 9))
        for key, label, p in zip(data.ids, answers.labels, answers.probabilities, strict=True)
    }


def test_label_and_probability_stay_with_their_row(tmp_path: Path) -> None:
    data = dataset(tmp_path / "t.parquet")
    answers = stored_predictions(data, BINARY, which="candidate", classes=CLASSES, positive=1)
    assert by_key(data, answers) == {f"k{i}": (int(i > 30), round(i / N, 9)) for i in range(N)}
    assert np.allclose(answers.probabilities.sum(axis=1), 1)
    assert answers.labels.dtype == np.int64


@pytest.mark.parametrize("positive", [0, 1])
def test_a_score_alone_predicts_from_one_half_on(tmp_path: Path, positive: int) -> None:
    columns = Columns(label="y", base_score="base_p", id="key")
    data = dataset(tmp_path / "t.parquet", columns)
    answers = stored_predictions(data, columns, which="base", classes=CLASSES, positive=positive)
    at = {key: i for i, key in enumerate(data.ids)}
    assert answers.probabilities[at["k10"], positive] == pytest.approx(0.75)
    assert answers.labels[at["k20"]] == positive  # 1 − 20/40 = 0.5 exactly
    assert answers.labels[at["k21"]] == 1 - positive


def test_predictions_without_probabilities(tmp_path: Path) -> None:
    columns = Columns(label="y", incumbent_prediction="hat", id="key")
    data = dataset(tmp_path / "t.parquet", columns)
    answers = stored_predictions(data, columns, which="incumbent", classes=CLASSES, positive=1)
    assert answers.probabilities is None
    assert dict(zip(data.ids, answers.labels, strict=True))["k31"] == 1
    assert stored_predictions(data, columns, which="base", classes=CLASSES, positive=1) is None


def test_only_the_test_set_must_hold_the_predictions(tmp_path: Path) -> None:
    parquet.write_table(pa.table(rows()).select(["key", "y", "hat"]), tmp_path / "t.parquet")

    def ask(role: str, columns: Columns) -> Predictions | None:
        data = read_dataset(tmp_path / "t.parquet", role=role, columns=columns, modality="unknown", classes=CLASSES)
        return stored_predictions(data, columns, which="candidate", classes=CLASSES, positive=1)

    assert ask("train", Columns(label="y", score="p")) is None
    for role, columns in (("test", Columns(label="y", score="p")), ("train", BINARY)):
        with pytest.raises(DataError, match="no column 'p'"):
            ask(role, columns)


def test_scores_of_three_classes(tmp_path: Path) -> None:
    columns = Columns(label="y", scores={"a": "pa", "c": "pc", "b": "pb"})
    table = {"y": ["a", "b", "c"], "pa": [0.7, 0.2, 0.4], "pb": [0.1, 0.5, 0.2], "pc": [0.2005, 0.3, 0.4]}
    data = dataset(tmp_path / "t.parquet", columns, ("a", "b", "c"), **table)
    answers = stored_predictions(data, columns, which="candidate", classes=("a", "b", "c"), positive=2)
    back = np.argsort(file_order(data))
    assert answers.labels[back].tolist() == [0, 1, 0]  # of equals the first
    assert answers.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-15)
    assert answers.probabilities[back][0] == pytest.approx([0.69965, 0.09995, 0.2004], abs=1e-5)


BAD = [
    ({"p": {7: float("nan")}}, "row 8: p is nan; expected a probability"),
    ({"p": {7: None}}, "row 8: p has no value"),
    ({"p": dict.fromkeys(range(N))}, "row 1: p has no value"),
    ({"p": {3: 1.5}}, "row 4: p is 1.5; expected a probability in [0, 1]"),
    ({"p": {3: -0.01}}, "row 4: p is -0.01"),
    ({"p": {0: float("inf")}}, "row 1: p is inf"),
    ({"hat": {5: 2}}, "row 6: predicted class in column 'hat' is '2'; expected one of '0', '1'"),
    ({"hat": {5: None}}, "row 6: predicted class in column 'hat' is None"),
]


@pytest.mark.parametrize(("changes", "what"), BAD)
def test_bad_cells_are_refused_by_row(tmp_path: Path, changes: dict[str, dict[int, object]], what: str) -> None:
    data = dataset(tmp_path / "t.parquet", **rows(**changes))
    with pytest.raises(DataError) as caught:
        stored_predictions(data, BINARY, which="candidate", classes=CLASSES, positive=1)
    assert str(tmp_path / "t.parquet") in str(caught.value)
    assert what in str(caught.value)


BAD_COLUMNS = [
    (Columns(label="y"), CLASSES, "need columns.prediction, columns.score or columns.scores"),
    (Columns(label="y", score="q"), CLASSES, "no column 'q'"),
    (
        Columns(label="y", score="key"),
        CLASSES,
        "row 1 is 'k0': column 'key' holds string; expected a probability in each row",
    ),
    (Columns(label="y", score="p"), ("0", "1", "2"), "columns.score needs two classes, found 3"),
    (Columns(label="y", scores={"0": "p"}), CLASSES, "columns.scores: '1' has no column"),
    (Columns(label="y", scores={"0": "p", "1": "p", "x": "p"}), CLASSES, "columns.scores: 'x' is no class"),
    (Columns(label="y", scores={"0": "p", "1": "p"}), CLASSES, "row 1: the scores sum to 0; expected 1"),
]


@pytest.mark.parametrize(("columns", "classes", "what"), BAD_COLUMNS)
def test_bad_declarations_are_refused(tmp_path: Path, columns: Columns, classes: tuple[str, ...], what: str) -> None:
    data = dataset(tmp_path / "t.parquet", columns, classes)
    with pytest.raises(DataError) as caught:
        stored_predictions(data, columns, which="candidate", classes=classes, positive=1)
    assert what in str(caught.value)


def test_a_file_of_its_own_joins_by_id_in_any_order(tmp_path: Path) -> None:
    data = dataset(tmp_path / "t.parquet")
    shuffled = pa.table(rows()).take(np.random.default_rng(0).permutation(N))
    csv.write_csv(shuffled, tmp_path / "answers.csv")
    answers = read_predictions(tmp_path / "answers.csv", data, BINARY, CLASSES, 1)
    assert by_key(data, answers) == {f"k{i}": (int(i > 30), round(i / N, 9)) for i in range(N)}


def test_a_file_without_ids_joins_by_the_order_of_the_test_file(tmp_path: Path) -> None:
    plain = Columns(label="y", score="p")
    data = dataset(tmp_path / "t.parquet", plain)
    csv.write_csv(pa.table(rows()).select(["y", "p"]), tmp_path / "answers.csv")
    answers = read_predictions(tmp_path / "answers.csv", data, plain, CLASSES, 1)
    assert answers.probabilities[:, 1].tolist() == data.table["p"].to_pylist()


def test_answers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    data = dataset(tmp_path / "t.parquet")
    path = tmp_path / "answers.parquet"
    plain = Columns(label="y", score="p")
    whole = pa.table(rows())
    cases = [
        (whole.slice(2), BINARY, "has no row with key 'k0'"),
        (pa.table(rows(key={4: "other"})), BINARY, "has no row with key 'k4'"),
        (
            pa.concat_tables([whole, pa.table(rows(key={0: "more"})).slice(0, 1)]),
            BINARY,
            "row 41: key 'more' is not in",
        ),
        (pa.concat_tables([whole, whole.slice(3, 1)]), BINARY, "row 41: key 'k3' stands more than once"),
        (whole.slice(1), plain, "has 39 rows, "),
        (pa.table(rows(y={6: 1})), BINARY, "row 7: label is '1', "),
        (pa.table(rows(y={6: 1})), plain, "row 7: label is '1', "),
        (pa.table(rows(y={6: 9})), plain, "row 7: y is '9'; expected one of"),
        (whole.drop_columns(["y"]), plain, "has no column 'y'"),
        (whole, Columns(label="y"), "expected columns.prediction, columns.score or columns.scores"),
    ]
    for table, columns, what in cases:
        parquet.write_table(table, path)
        with pytest.raises(DataError) as caught:
            read_predictions(path, data, columns, CLASSES, 1)
        assert str(path) in str(caught.value)
        assert what in str(caught.value)


@pytest.mark.parametrize("kept", ["p", "hat"])
def test_a_file_of_another_model_may_lack_some_declared_columns(tmp_path: Path, kept: str) -> None:
    data = dataset(tmp_path / "t.parquet")
    csv.write_csv(pa.table(rows()).select(["key", "y", kept]), tmp_path / "answers.csv")
    answers = read_predictions(tmp_path / "answers.csv", data, BINARY, CLASSES, 1)
    cut = 30 if kept == "hat" else 19
    assert dict(zip(data.ids, answers.labels, strict=True)) == {f"k{i}": int(i > cut) for i in range(N)}
    assert (answers.probabilities is None) == (kept == "hat")


def test_a_file_without_any_declared_column_or_with_half_of_the_scores_is_refused(tmp_path: Path) -> None:
    data = dataset(tmp_path / "t.parquet")
    csv.write_csv(pa.table(rows()).select(["key", "y", "p"]), tmp_path / "answers.csv")
    for columns, what in (
        (Columns(label="y", score="s", prediction="hat", id="key"), "at least one of the columns 'hat', 's'"),
        (Columns(label="y", scores={"0": "q", "1": "p"}, id="key"), "no column 'q'"),
    ):
        with pytest.raises(DataError) as caught:
            read_predictions(tmp_path / "answers.csv", data, columns, CLASSES, 1)
        assert str(tmp_path / "answers.csv") in str(caught.value)
        assert what in str(caught.value)
