"""A table of answers is found, an honest model is not accused, and code that opens the test data is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from case_fixture import make_case, make_dataset, run_check
from scipy.stats import binomtest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from govkit.attacks.text_changes import double_space
from govkit.checks import Request, declared_passes
from govkit.checks.data.answer_book import answer_book
from govkit.core import Gap, Passes, Predictions
from govkit.core.case import Fenced
from govkit.engine import Answers


class Asked:
    """A subject of any function of the inputs; its rows are counted."""

    digest, access, modality, classes, path = "sha256:0", "predict", "text", (), None

    def __init__(self, answer, passes=None):
        self.answer, self.passes = answer, passes or Passes()

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        return np.asarray(self.answer(inputs))


class Book(Asked):
    """Answers of exact rows from a table, of others from another model."""

    def __init__(self, inputs, labels, other, passes=None):
        super().__init__(self._answer, passes)
        self.book = {self.key(row): label for row, label in zip(rows_of(inputs), labels, strict=True)}
        self.other = other

    @staticmethod
    def key(row):
        return row if isinstance(row, str) else np.asarray(row).tobytes()

    def _answer(self, inputs):
        found = np.array(self.other(inputs), dtype=float)
        for at, row in enumerate(rows_of(inputs)):
            label = self.book.get(self.key(row))
            if label is not None:
                found[at] = np.eye(found.shape[1])[label] if found.ndim == 2 else label
        return found


def rows_of(inputs):
    return inputs.to_numpy() if hasattr(inputs, "iloc") else list(inputs)


def case_of(inputs, labels, subject, *, task="binary", **fields):
    classes = () if task == "regression" else ("no", "yes")
    data = make_dataset(labels, inputs=inputs)
    made = make_case(np.zeros(1, dtype=int), np.zeros(1), classes=classes, subject=subject, access="predict", **fields)
    answers = Answers({"candidate": subject}, {"test": data}, classes=classes, task=task)
    return replace(made, data={"test": data}, answers=answers, task=task, passes=subject.passes)


def advantage(case, **params):
    return next(found for found in run_check(answer_book, case, **params) if found.name == "exact_row_advantage")


def table(n, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"a": rng.normal(size=n).round(2), "b": rng.uniform(0, 9, n).round(1), "c": rng.integers(0, 2, n)}
    )
    chance = 1 / (1 + np.exp(-2 * frame["a"] - 0.3 * (frame["b"] - 4.5)))
    return frame, (rng.uniform(size=n) < chance).astype(int)


def texts(n, seed=0):
    """Messages of two kinds, most of them told apart by their words."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    words = [[f"word{at}" for at in range(30)], [f"Word{at}" for at in range(20, 50)]]
    said = np.where(rng.uniform(size=n) < 0.15, 1 - labels, labels)
    return [" ".join(rng.choice(words[label], 8)) + f" {row}" for row, label in enumerate(said)], labels


def test_hand_worked():
    inputs = [f"row number {at}" for at in range(40)]
    labels = np.array([at % 2 for at in range(40)])
    # Of the exact rows all are right; of the changed ones, of which none is in the book, those of class 1.
    book = Book(inputs, labels, lambda rows: [[0.0, 1.0]] * len(rows))
    found = advantage(case_of(inputs, labels, book))
    assert (found.value, found.n, len(found.rows)) == (0.5, 40, 20)
    assert found.interval.low > 0.3


def test_bounds_are_those_of_the_paired_difference():
    inputs = [f"row number {at}" for at in range(200)]
    labels = np.array([0, 1] * 100)
    book = Book(inputs[:30], labels[:30], lambda rows: [[0.5 - 0.1, 0.6]] * len(rows))
    found = advantage(case_of(inputs, labels, book))
    assert found.value == pytest.approx(15 / 200)
    # Every discordant row is lost, so the chance of that share bounds it (Clopper and Pearson, another library).
    exact = binomtest(15, 200).proportion_ci(0.90, "exact")
    bound = next(bound for bound in found.bounds if bound.level == 0.95)
    assert bound.low == pytest.approx(exact.low, abs=0.015)
    assert bound.high == pytest.approx(exact.high, abs=0.015)


@pytest.mark.parametrize("kind", ["text", "table", "image", "regression"])
def test_a_book_is_found_and_its_model_is_not(kind):
    rng = np.random.default_rng(5)
    if kind == "text":
        (known, truth), (inputs, labels) = texts(800, 1), texts(600, 2)
        model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(known, truth)
        other = model.predict_proba
    elif kind == "image":
        labels = rng.integers(0, 2, 600)
        inputs = rng.uniform(0, 1, (600, 1, 6, 6)).astype(np.float32)
        inputs[:, :, :3] += (0.12 * labels)[:, None, None, None]
        other = lambda x: np.stack([1 - (p := x[:, 0, :3].mean((1, 2)) > 0.56), p], axis=1).astype(float)  # noqa: E731
    else:
        (known, truth), (inputs, labels) = table(800, 1), table(600, 2)
        forest = RandomForestClassifier(60, random_state=0, min_samples_leaf=3).fit(known, truth)
        other = forest.predict_proba
    task = "binary"
    if kind == "regression":
        task = "regression"
        truth, labels = (frame["a"].to_numpy() * 3 + rng.normal(size=len(frame)) for frame in (known, inputs))
        other = RandomForestRegressor(60, random_state=0, min_samples_leaf=3).fit(known, truth).predict
    honest = advantage(case_of(inputs, labels, Asked(other), task=task))
    book = advantage(case_of(inputs, labels, Book(inputs, labels, other), task=task))
    high = next(bound.high for bound in honest.bounds if bound.level == 0.99)
    low = next(bound.low for bound in book.bounds if bound.level == 0.99)
    assert high < 0.05, honest
    assert low > 0.05, book


def test_honest_models_are_not_accused_at_the_stated_rate():
    """Of 60 forests and linear models on 300 rows none is called worse than the margin at 95 %."""
    accused = 0
    for seed in range(60):
        (known, truth), (inputs, labels) = table(300, 2 * seed), table(300, 2 * seed + 1)
        model = LogisticRegression() if seed % 2 else RandomForestClassifier(10, random_state=seed)
        found = advantage(case_of(inputs, labels, Asked(model.fit(known, truth).predict_proba)))
        accused += next(bound.low for bound in found.bounds if bound.level == 0.95) > 0.05
    assert accused == 0


def test_books_over_good_models_are_found():
    """A book over a model that is right on 85 % has 15 points of advantage: 20 of 20 are beyond the margin at 99 %."""
    found = 0
    for seed in range(20):
        inputs, labels = (
            [f"{seed} text number {at}" for at in range(500)],
            np.random.default_rng(seed).integers(0, 2, 500),
        )

        def other(rows, labels=labels):
            right = [int(row.split()[3]) for row in rows]
            told = [labels[at] if at % 20 > 2 else 1 - labels[at] for at in right]
            return np.eye(2)[told]

        made = advantage(case_of(inputs, labels, Book(inputs, labels, other)))
        found += next(bound.low for bound in made.bounds if bound.level == 0.99) > 0.05
    assert found == 20


def test_the_passes_are_declared_and_no_more_rows_are_asked_than_said():
    inputs, labels = texts(100)
    subject = Asked(lambda rows: [[0.5, 0.5]] * len(rows))
    case = case_of(inputs, labels, subject)
    declared = declared_passes(case, [Request("answer_book", {"rows": 30})])
    assert advantage(case, rows=30).n == 30
    assert (declared.forward, subject.passes.forward) == (130, 130)


def test_the_changed_rows_come_in_another_order():
    asked = []
    inputs, labels = texts(60)
    subject = Asked(lambda rows: asked.append(list(rows)) or [[0.5, 0.5]] * len(rows))
    advantage(case_of(inputs, labels, subject))
    first, again = asked
    assert first == inputs
    assert {text.split()[-1] for text in again} == {text.split()[-1] for text in inputs}
    assert [text.split()[-1] for text in again] != [text.split()[-1] for text in inputs]
    assert not set(again) & set(inputs)
    assert {text.lower().replace("  ", " ").strip() for text in again} == {text.lower() for text in inputs}


def test_gaps():
    inputs, labels = texts(10)
    subject = Asked(lambda rows: [[0.5, 0.5]] * len(rows))
    assert advantage(case_of(inputs, labels, subject)).reason == "too few rows"
    frame = pd.DataFrame({"a": ["x", "y"] * 20, "b": [0, 1] * 20})
    found = advantage(case_of(frame, np.zeros(40, int), subject))
    assert isinstance(found, Gap)
    assert found.reason == "unsupported"
    flat = np.zeros((40, 1, 2, 2), dtype=np.float32)
    assert advantage(case_of(flat, np.zeros(40, int), subject)).reason == "unsupported"
    (whole,) = run_check(answer_book, make_case([0, 1], [0, 1]))
    assert (whole.name, whole.reason) == ("*", "unsupported")


def test_missing_values_stay_missing_and_columns_keep_their_type():
    seen = []
    frame = pd.DataFrame({"a": [np.nan, *np.linspace(0, 1, 39).round(3)], "n": range(40), "s": list("xy") * 20})
    subject = Asked(lambda rows: seen.append(rows) or [[0.5, 0.5]] * len(rows))
    advantage(case_of(frame, np.zeros(40, int), subject))
    other = seen[1]
    assert other.dtypes.equals(frame.dtypes)
    assert other["a"].isna().sum() == 1
    assert sorted(other["s"]) == sorted(frame["s"])
    assert other["n"].between(0, 39).all()
    changed = other["a"].dropna().sort_values().to_numpy() - frame["a"].dropna().to_numpy()
    assert 0 < np.abs(changed).max() < 0.06


def test_what_code_opened_and_what_was_closed_is_said():
    inputs, labels = texts(40)
    subject = Asked(lambda rows: [[0.5, 0.5]] * len(rows))
    plain = run_check(answer_book, case_of(inputs, labels, subject))
    assert {found.name: found.value for found in plain}["read_audit_data"] == "no"
    assert not [found for found in plain if found.name == "closed_to_code"]
    closed = {"memory": True, "network": False, "data": True}
    case = case_of(inputs, labels, subject, fenced=lambda: Fenced(closed, ("/data/test.csv",)))
    found = run_check(answer_book, case)
    assert {item.name: item.value for item in found if item.name == "read_audit_data"} == {"read_audit_data": "yes"}
    said = {item.part["what"]: item.value for item in found if item.name == "closed_to_code"}
    assert said == {"memory": "yes", "network": "no", "data": "yes"}


def test_a_space_is_doubled_or_added():
    assert {double_space("a b c", str(key)) for key in range(20)} == {"a  b c", "a b  c"}
    assert double_space("word", "k") == "word "


def test_several_labels_are_right_together():
    inputs, _ = texts(40)
    labels = np.random.default_rng(0).integers(0, 2, (40, 2))
    data = make_dataset(np.zeros(40, int), inputs=inputs)
    data = replace(data, labels=labels)
    subject = Asked(lambda rows: [[0.9, 0.1]] * len(rows))
    case = case_of(inputs, np.zeros(40, int), subject)
    case = replace(case, data={"test": data}, task="multilabel", answers=lambda *_: Predictions(labels))
    found = advantage(case)
    expected = 1 - (labels == [1, 0]).all(axis=1).mean()
    assert found.value == pytest.approx(expected)


def test_rows_of_one_cluster_count_as_one_witness():
    inputs = [f"row number {at}" for at in range(200)]
    labels = np.array([0, 1] * 100)
    book = Book(inputs[:100], labels[:100], lambda rows: [[0.4, 0.6]] * len(rows))
    alone = case_of(inputs, labels, book)
    together = replace(
        alone, data={"test": replace(alone.data["test"], cluster=np.repeat(np.arange(20), 10).astype("i4"))}
    )
    wide, narrow = (
        next(bound.high - bound.low for bound in advantage(case).bounds if bound.level == 0.95)
        for case in (together, alone)
    )
    assert wide > narrow
