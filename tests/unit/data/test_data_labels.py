"""The task of a case, its classes, and labels and answers of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from govkit.core.case import Dataset, Predictions
from govkit.core.columns import Columns
from govkit.data import classes_of, file_order, read_dataset, read_predictions, stored_predictions, task_of
from govkit.errors import DataError

SEVERAL = Columns(label=("a", "b"), predictions={"a": "hat_a", "b": "hat_b"}, scores={"b": "p_b", "a": "p_a"})
NUMBER = Columns(label="y", task="regression", prediction="hat", base_prediction="base", range=(-1, 9))
RANKED = Columns(label="y", task="ranking", score="s")


def read(columns: Columns, classes: tuple[str, ...] | None = None, **table: object) -> Dataset:
    return read_dataset(
        Path("t.parquet"), role="test", columns=columns, modality="unknown", classes=classes, table=pa.table(table)
    )


def in_file_order(data: Dataset, values: np.ndarray) -> list:
    return values[np.argsort(file_order(data))].tolist()


def answers(columns: Columns, classes: tuple[str, ...], which: str = "candidate", **table: object) -> Predictions:
    """Stored answers, in the order of the table."""
    data = read(columns, classes, **table)
    found = stored_predictions(data, columns, which=which, classes=classes, positive=max(len(classes) - 1, 0))
    back = np.argsort(file_order(data))
    given, scores = (None if side is None else side[back] for side in (found.probabilities, found.scores))
    return Predictions(found.labels[back] if scores is None else found.labels, given, scores)


@pytest.mark.parametrize(
    ("columns", "classes", "task"),
    [
        (Columns(label="y"), ("0", "1"), "binary"),
        (Columns(label="y", task="binary"), ("0", "1"), "binary"),
        (Columns(label="y"), ("a", "b", "c"), "multiclass"),
        (Columns(label="y", task="multiclass"), ("a", "b", "c"), "multiclass"),
        (Columns(label="y", task="ordinal"), ("1", "2"), "ordinal"),
        (SEVERAL, ("a", "b"), "multilabel"),
        (Columns(label=("a", "b"), task="multilabel"), ("a", "b"), "multilabel"),
        (NUMBER, (), "regression"),
        (RANKED, ("0", "1"), "ranking"),
    ],
)
def test_the_task_is_declared_or_told_by_the_labels(columns: Columns, classes: tuple[str, ...], task: str) -> None:
    assert task_of(columns, classes) == task


@pytest.mark.parametrize("task", ["multiclass", "binary", "ranking"])
def test_a_declared_task_must_be_that_of_the_data(task: str) -> None:
    classes = ("a", "b") if task == "multiclass" else ("a", "b", "c")
    with pytest.raises(DataError, match=f"columns.task is {task}, the labels show {len(classes)} classes: a, b"):
        task_of(Columns(label="y", task=task), classes)


def test_classes_of_each_task() -> None:
    tables = [pa.table({"y": [10, 9]}), pa.table({"y": ["11", "9"]})]
    assert classes_of(tables, Columns(label="y", task="ordinal")) == ("9", "10", "11")
    assert classes_of(tables, Columns(label="y")) == ("9", "10", "11")
    assert classes_of(tables, Columns(label="y"), named=("11", "10", "9")) == ("11", "10", "9")
    assert classes_of(tables, Columns(label="y", task="ordinal"), named=("11", "10", "9")) == ("9", "10", "11")
    assert classes_of([], Columns(label="y", task="ordinal", classes=("low", "mid", "high"))) == ("low", "mid", "high")
    assert classes_of(tables, NUMBER) == ()
    assert classes_of([], SEVERAL) == ("a", "b")
    for named in ((), ("low", "mid")):
        with pytest.raises(DataError, match=r"the order of the classes .* list them in order as columns.classes"):
            classes_of([pa.table({"y": ["low", "mid"]})], Columns(label="y", task="ordinal"), named=named)


@pytest.mark.parametrize(
    "twins", [["1", "1.0", "2"], ["true", "1", "0"], ["True", "true", "no"], ["007", "7", "8"], ["0", "false", "1"]]
)
def test_one_class_written_in_two_ways_is_refused(twins: list[str]) -> None:
    with pytest.raises(DataError, match="look like one class written in two ways"):
        classes_of([pa.table({"y": twins})], Columns(label="y"))


def test_types_that_mean_the_same_are_one_class() -> None:
    labels = [pa.array([1, 0]), pa.array([1.0, 0.0]), pa.array(["1", " 0 "])]
    assert classes_of(labels, Columns(label="y")) == ("0", "1")
    assert classes_of([pa.array(["a", "A", "nan"])], Columns(label="y")) == ("A", "a", "nan")


@pytest.mark.parametrize(
    "cells", [[0, 1, 1], [0.0, 1.0, 1.0], ["0", "1", "1"], [False, True, True], ["false", "true", "1"]]
)
def test_several_labels_are_truths(cells: list[object]) -> None:
    data = read(SEVERAL, ("a", "b"), a=cells, b=[1, 1, 0])
    assert data.labels.dtype == np.int64
    assert in_file_order(data, data.labels) == [[0, 1], [1, 1], [1, 0]]


def test_numbers_are_read_as_float64() -> None:
    for cells in (pa.array([1, 2, -1]), pa.array([1, 2, -1], pa.float32()), pa.array([1, 2, -1], pa.decimal128(5, 2))):
        data = read(NUMBER, (), y=cells)
        assert data.labels.dtype == np.float64
        assert in_file_order(data, data.labels) == [1.0, 2.0, -1.0]


def test_answers_to_several_labels_stay_with_their_label() -> None:
    table = {"a": [1, 0], "b": [0, 1], "hat_a": [1, 1], "hat_b": [0, 1], "p_a": [0.2, 0.9], "p_b": [0.5, 0.4]}
    both = answers(SEVERAL, ("a", "b"), **table)
    assert both.labels.tolist() == [[1, 0], [1, 1]]
    assert both.probabilities.tolist() == [[0.2, 0.5], [0.9, 0.4]]
    scored = SEVERAL.model_copy(update={"predictions": None})
    assert answers(scored, ("a", "b"), **table).labels.tolist() == [[0, 1], [1, 0]]  # 0.5 gives the label
    given = answers(SEVERAL.model_copy(update={"scores": None}), ("a", "b"), **table)
    assert given.probabilities is None
    assert given.labels.dtype == np.int64


def test_answers_of_a_regression_and_a_ranking() -> None:
    table = {"y": [1.5, 2.0, 3.0], "hat": [1, 2, 9], "base": [0.25, 0.5, -1.0]}
    assert answers(NUMBER, (), **table).labels.tolist() == [1.0, 2.0, 9.0]
    assert answers(NUMBER, (), "base", **table).labels.tolist() == [0.25, 0.5, -1.0]
    ranked = answers(RANKED, ("0", "1"), y=[0, 1, 1], s=[-7.5, 1e9, 0])
    assert ranked.scores.tolist() == [-7.5, 1e9, 0.0]
    assert ranked.probabilities is None
    assert ranked.labels.shape == (0,)


BAD = [
    (SEVERAL, {"a": [0, 2], "b": [0, 1]}, "row 2: a is '2'; expected one of '0', '1', 'false', 'true'"),
    (SEVERAL, {"a": [0, None], "b": [0, 1]}, "row 2: column 'a' has no value"),
    (SEVERAL, {"a": [0, 1]}, "has no column 'b'"),
    (NUMBER, {"y": [0.0, float("nan")]}, "row 2: y is nan; expected a number in [-1, 9]"),
    (NUMBER, {"y": [None, 1.0]}, "row 1: y has no value"),
    (NUMBER, {"y": [0.0, 9.5]}, "row 2: y is 9.5; expected a number in [-1, 9]"),
    (NUMBER.model_copy(update={"range": None}), {"y": [0.0, float("inf")]}, "row 2: y is inf; expected a number"),
    (NUMBER, {"y": ["1", "x"]}, "row 2 is 'x': column 'y' holds string; expected a number in each row"),
    (NUMBER, {"y": [True, False]}, "column 'y' holds bool"),
]


@pytest.mark.parametrize(("columns", "table", "what"), BAD)
def test_bad_labels_are_refused_by_row(columns: Columns, table: dict[str, list], what: str) -> None:
    with pytest.raises(DataError) as caught:
        read(columns, None, **table)
    assert what in str(caught.value)


def test_a_whole_number_beyond_float64_is_read_as_the_nearest() -> None:
    data = read(NUMBER.model_copy(update={"range": None}), (), y=[2**60 + 1, 0])
    assert in_file_order(data, data.labels) == [2.0**60, 0.0]


def test_a_file_of_its_own_must_tell_the_same_labels(tmp_path: Path) -> None:
    plain = NUMBER.model_copy(update={"base_prediction": None})
    data = read(plain, (), y=[1 / 3, 2.0, 3.0])
    path = tmp_path / "other.csv"
    path.write_text("y,hat\n0.33333333,1\n2,2\n3,3\n", encoding="utf-8")
    assert in_file_order(data, read_predictions(path, data, plain, (), 0).labels) == [1.0, 2.0, 3.0]
    path.write_text("y,hat\n0.33333333,1\n2,2\n3.1,3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 3: label is 3.1, t.parquet says 3.0; same rows\?"):
        read_predictions(path, data, plain, (), 0)
    both = read(SEVERAL, ("a", "b"), a=[0, 1], b=[0, 1])
    path.write_text("a,b,p_a,p_b\n0,0,0.5,0.5\n0,1,0.5,0.5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"row 2: label is \['b'\], t.parquet says \['a', 'b'\]"):
        read_predictions(path, both, SEVERAL, ("a", "b"), 0)


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"label": ()}, "label names no column"),
        ({"label": ("a", "a")}, "or one twice"),
        ({"label": ("a", "b"), "task": "ordinal"}, "a list of columns, which is a multilabel task"),
        ({"label": "y", "task": "multilabel"}, "has a list as label"),
        ({"label": ("a", "b"), "prediction": "p"}, "prediction says nothing in a task of multilabel"),
        ({"label": "y", "predictions": {"a": "p"}}, "predictions says nothing in a task of classes"),
        ({"label": "y", "task": "regression", "score": "p"}, "score says nothing in a task of regression; it reads"),
        ({"label": "y", "task": "regression", "classes": ("1", "2")}, "classes says nothing"),
        ({"label": "y", "task": "ranking", "scores": {"0": "p"}}, "scores says nothing in a task of ranking"),
        ({"label": "y", "range": (0, 1)}, "range says nothing in a task of classes"),
        ({"label": "y", "task": "regression", "range": (1, 1)}, "the smallest number before the largest"),
        ({"label": "y", "groups": ("g",), "parts": ("g",)}, "'g' stands in groups and in parts"),
    ],
)
def test_columns_that_do_not_fit_together_cannot_be_declared(columns: dict[str, object], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Columns.model_validate(columns)
