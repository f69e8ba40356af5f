"""Every model is asked once for each data set, and only probabilities come through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from govkit.core.case import Dataset, Predictions
from govkit.engine import Answers, batches, checked_probabilities
from govkit.errors import SubjectError


class Echo:
    """A subject that answers what it is asked with, and counts how often."""

    digest = "sha256:0"
    access = "predict"
    modality = "table"
    path = None

    def __init__(self, classes: tuple[str, ...] = ()) -> None:
        self.classes = classes
        self.asked = 0

    def predict(self, inputs: object) -> object:
        self.asked += 1
        return inputs


def dataset(role: str, inputs: object, labels: list[int]) -> Dataset:
    return Dataset(
        role, pa.table({"y": labels}), inputs, np.array(labels), {}, None, np.array([]), "sha256:1", Path("t")
    )


P = np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]])


def test_a_model_is_asked_once() -> None:
    subject, told = Echo(), []
    data = {"test": dataset("test", P, [0, 1, 0])}
    answers = Answers(
        {"candidate": subject}, data, classes=("a", "b"), progress=lambda of, role, n: told.append((of, role, n))
    )
    first, second = answers("candidate", "test"), answers("candidate", "test")
    assert first is second
    assert subject.asked == 1
    assert told == [("candidate", "test", 3)]
    assert first.labels.tolist() == [1, 0, 0]
    assert first.labels.dtype == np.int64
    assert np.array_equal(first.probabilities, P)


def test_what_does_not_exist_is_none() -> None:
    data = {"test": dataset("test", P, [0, 1, 0]), "shifted": dataset("shifted", None, [0, 1, 0])}
    answers = Answers({"candidate": Echo(), "base": None}, data, classes=("a", "b"))
    assert answers("base", "test") is None
    assert answers("incumbent", "test") is None
    assert answers("labels", "test") is None
    assert answers("candidate", "train") is None
    assert answers("candidate", "shifted") is None


def test_stored_predictions_win() -> None:
    stored, subject = Predictions(np.array([1, 1, 1])), Echo()
    data = {"test": dataset("test", P, [0, 1, 0])}
    answers = Answers({"candidate": subject}, data, classes=("a", "b"), stored={("candidate", "test"): stored})
    assert answers("candidate", "test") is stored
    assert subject.asked == 0


@pytest.mark.parametrize(
    ("labels", "label", "frequency"),
    [([2, 2, 1, 1, 1], 1, [0, 0.6, 0.4]), ([0, 2, 2, 0], 0, [0.5, 0, 0.5]), ([2, 0, 2], 2, [1 / 3, 0, 2 / 3])],
)
def test_trivial_is_the_most_frequent_label_of_the_same_rows(
    labels: list[int], label: int, frequency: list[float]
) -> None:
    """That of the training rows could lose against an answer that knows nothing but what is frequent here."""
    data = {"test": dataset("test", None, labels), "train": dataset("train", None, [0, 0, 0, 0])}
    trivial = Answers({}, data, classes=("a", "b", "c"))("trivial", "test")
    assert trivial.labels.tolist() == [label] * len(labels)
    assert trivial.probabilities.tolist() == [pytest.approx(frequency)] * len(labels)


def test_columns_follow_the_names_of_the_classes() -> None:
    data = {"test": dataset("test", P, [0, 1, 0])}
    swapped = Answers({"candidate": Echo(("b", "a"))}, data, classes=("a", "b"))("candidate", "test")
    assert np.array_equal(swapped.probabilities, P[:, ::-1])
    assert swapped.labels.tolist() == [0, 0, 1]
    with pytest.raises(SubjectError, match="the candidate on the test data: the model names the classes x, y"):
        Answers({"candidate": Echo(("x", "y"))}, data, classes=("a", "b"))("candidate", "test")


BAD = [
    ("shape", [[0.5, 0.5]], r"has shape \(1, 2\); expected \(2, 2\)"),
    ("one column", [0.5, 0.5], r"has shape \(2,\)"),
    ("logits", [[0.5, 0.5], [-3.0, 4.0]], r"row 2: the answer is \(-3, 4\); expected probabilities .* softmax"),
    ("sum", [[0.5, 0.5], [0.5, 0.4]], "row 2"),
    ("nan", [[float("nan"), 0.5], [0.5, 0.5]], "row 1: the answer is \\(nan, 0.5\\)"),
    ("infinite", [[float("inf"), 0.5], [0.5, 0.5]], "row 1"),
    ("above one", [[1.5, -0.5], [0.5, 0.5]], "row 1"),
    ("words", [["a", "b"], ["c", "d"]], "no array of numbers"),
    ("ragged", [[0.5, 0.5], [1.0]], "no array of numbers"),
]


@pytest.mark.parametrize(("answer", "what"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_are_no_probabilities_is_refused(answer: object, what: str) -> None:
    with pytest.raises(SubjectError, match=what):
        checked_probabilities(answer, n=2, k=2, what="the candidate")


def test_rounding_is_forgiven_and_removed() -> None:
    answer = np.array([[1.0000001, -1e-7], [0.3334, 0.6663]], dtype=np.float32)
    clean = checked_probabilities(answer, n=2, k=2, what="x")
    assert clean.dtype == np.float64
    assert clean.min() >= 0
    assert clean.max() <= 1
    assert np.allclose(clean.sum(axis=1), 1, atol=1e-15)


def test_batches_cover_every_row_once() -> None:
    assert [list(range(10))[part] for part in batches(10, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(batches(0, 4)) == []
    with pytest.raises(ValueError, match="at least one row"):
        batches(3, 0)


def test_several_labels_have_probabilities_of_their_own() -> None:
    asked = np.array([[0.9, 0.7], [0.5, 0.2], [0.0, 1.0]])
    data = {"test": dataset("test", asked, [[1, 0], [0, 0], [0, 1]])}
    found = Answers({"candidate": Echo(("b", "a"))}, data, classes=("a", "b"), task="multilabel")("candidate", "test")
    assert found.probabilities.tolist() == asked[:, ::-1].tolist()
    assert found.labels.tolist() == [[1, 1], [0, 1], [1, 0]]
    assert found.labels.dtype == np.int64


@pytest.mark.parametrize("asked", [np.array([1, 2, 3]), np.array([[1.0], [2.0], [3.0]], dtype=np.float32)])
def test_a_regression_answers_with_numbers(asked: np.ndarray) -> None:
    data = {"test": dataset("test", asked, [1.0, 2.0, 3.0])}
    found = Answers({"candidate": Echo()}, data, classes=(), task="regression", span=(0, 3))("candidate", "test")
    assert found.labels.tolist() == [1.0, 2.0, 3.0]
    assert found.labels.dtype == np.float64
    assert found.probabilities is None


@pytest.mark.parametrize(
    ("task", "asked", "what"),
    [
        ("multilabel", [[0.5, 2.0], [0.5, 0.5]], r"row 1: the answer is \(0.5, 2\); expected .* one for each label"),
        ("multilabel", [[0.5, float("nan")], [0.5, 0.5]], "row 1"),
        ("multilabel", [0.5, 0.5], r"has shape \(2,\)"),
        ("regression", [1.0, 4.0], r"row 2: the answer is 4; expected a finite number in \[0, 3\] \(columns.range\)"),
        ("regression", [float("nan"), 1.0], "row 1: the answer is nan"),
        ("regression", [[1.0, 2.0], [1.0, 2.0]], r"has shape \(2, 2\); expected \(2,\), a number for each row"),
        ("regression", ["a", "b"], "no array of numbers"),
        ("ranking", [1.0, 2.0], "a ranking is judged by stored scores"),
    ],
)
def test_answers_to_another_task_are_refused(task: str, asked: list, what: str) -> None:
    data = {"test": dataset("test", asked, [0, 1])}
    with pytest.raises(SubjectError, match=what):
        Answers({"candidate": Echo()}, data, classes=("a", "b"), task=task, span=(0, 3))("candidate", "test")


def test_what_is_trivial_in_each_task() -> None:
    def trivial(task: str, labels: list) -> Predictions:
        data = {"test": dataset("test", None, labels)}
        return Answers({}, data, classes=("a", "b"), task=task)("trivial", "test")

    several = trivial("multilabel", [[1, 0], [1, 1], [0, 1], [1, 0]])
    assert several.labels.tolist() == [[1, 0]] * 4  # of equals the first: without the label
    assert several.probabilities.tolist() == [[0.75, 0.5]] * 4
    assert trivial("regression", [1.0, 2.0, 6.0]).labels.tolist() == [3.0] * 3
    ranked = trivial("ranking", [0, 1, 1])
    assert ranked.scores.tolist() == [0.0] * 3
    assert ranked.labels.shape == (0,)
