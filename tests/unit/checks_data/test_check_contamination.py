"""Rows of the test data that stand in the training data."""

import numpy as np
import pytest
from case_fixture import make_case
from rows_fixture import gaps, measurements, read_case, run, value

TEXT = {"input": "text", "label": "label", "id": "id"}


def table(rows, *, start=0, label=lambda number: "spam" if number % 3 == 0 else "ham"):
    return {
        "text": rows,
        "label": [label(number) for number in range(len(rows))],
        "id": [f"row {start + number}" for number in range(len(rows))],
    }


def split_leak(shared, answer=None):
    """42 test rows of which some stand in the training data, written otherwise and under other ids."""
    test = [f"message number {number}" for number in range(42)]
    train = [f"another text {number}" for number in range(60)] + [text.upper() + " " for text in test[:shared]]
    labels = table(test)["label"]
    leaked = table(train, start=1000)
    leaked["label"][60:] = labels[:shared]
    return read_case({"test": table(test), "train": leaked}, columns=TEXT, answer=answer)


@pytest.mark.parametrize("shared", [0, 1, 8, 42])
def test_shared_rows_are_counted_exactly(shared):
    found = run("contamination", split_leak(shared))
    assert value(found, "shared_rows") == shared
    assert value(found, "shared_share") == pytest.approx(shared / 42)
    assert value(found, "conflicting_labels") == 0.0
    assert {bound.high for bound in measurements(found, "shared_rows")[0].bounds} == {float(shared)}


def test_a_label_that_the_training_data_never_give_is_a_conflict():
    test = {"text": ["a", "b", "c"], "label": ["ham", "spam", "ham"], "id": ["1", "2", "3"]}
    train = {"text": ["A", "a", "b", "x"], "label": ["spam", "ham", "ham", "ham"], "id": ["4", "5", "6", "7"]}
    found = run("contamination", read_case({"test": test, "train": train}, columns=TEXT))
    assert value(found, "shared_rows") == 2.0
    assert value(found, "conflicting_labels") == 1.0


def test_accuracy_is_given_apart_for_clean_rows():
    def learned_by_heart(data):
        known = np.array([int(text.split()[-1]) < 8 if "message" in text else True for text in data.inputs])
        return np.where(known, data.labels, 1 - data.labels)

    found = run("contamination", split_leak(8, learned_by_heart))
    assert value(found, "clean_accuracy") == 0.0
    assert value(found, "clean_accuracy_difference") == -1.0
    assert measurements(found, "clean_accuracy_difference")[0].bounds[1].high < -0.5


def test_all_rows_shared_leaves_no_clean_accuracy():
    found = run("contamination", split_leak(42, lambda data: data.labels))
    assert gaps(found) == {"clean_accuracy": "too few rows"}


def test_tables_are_compared_by_value_and_not_by_type():
    columns = {"input": ("age",), "label": "label"}
    test = {"age": [30, 31], "label": ["ham", "spam"]}
    train = {"age": [30.0, 99.5, 12.0], "label": ["ham", "spam", "ham"]}
    found = run("contamination", read_case({"test": test, "train": train}, columns=columns, modality="table"))
    assert value(found, "shared_rows") == 1.0


def test_shifted_rows_are_compared_too():
    tables = {role: table([f"{role} {number}" for number in range(4)]) for role in ("test", "train")}
    tables["shifted"] = table(["train 0", "train 1", "new"])
    found = run("contamination", read_case(tables, columns=TEXT))
    assert value(found, "shared_rows", role="shifted") == 2.0
    assert value(found, "shared_rows", role="test") == 0.0


def test_gaps():
    assert gaps(run("contamination", make_case([0, 1], [0.2, 0.7]))) == {"*": "no data"}
    stored = run("contamination", make_case([0, 1], [0.2, 0.7], train={"labels": [0, 1]}))
    assert gaps(stored) == {
        "shared_rows": "no data", "shared_share": "no data", "conflicting_labels": "no data",
        "clean_accuracy_difference": "no data", "clean_accuracy": "no data",
    }  # fmt: skip
