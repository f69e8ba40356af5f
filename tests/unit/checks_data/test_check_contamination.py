"""Rows of the test data that stand in the training data."""

import numpy as np
import pyarrow as pa
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
    assert value(found, "near_shared_rows") == 0.0
    assert {bound.high for bound in measurements(found, "shared_rows")[0].bounds} == {float(shared)}


@pytest.mark.parametrize("ids", [True, False])
def test_the_shared_rows_are_named_by_their_ids_or_else_by_their_places(ids):
    test = [f"message number {number}" for number in range(42)]
    tables = {"test": table(test), "train": table([*test[30:38], "another"], start=1000)}
    columns = TEXT if ids else {"input": "text", "label": "label"}
    found = run("contamination", read_case(tables, columns=columns))
    expected = {f"row {number if ids else number + 1}" for number in range(30, 38)}
    for name in ("shared_rows", "shared_share"):
        (item,) = measurements(found, name)
        assert set(item.rows) == expected
        assert len(item.rows) == 8
    conflicting = {
        number for number in range(30, 38) if table(test)["label"][number] != table(test)["label"][number - 30]
    }
    assert set(measurements(found, "conflicting_labels")[0].rows) == {
        f"row {number if ids else number + 1}" for number in conflicting
    }
    assert measurements(found, "near_shared_rows")[0].rows == ()


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
        "near_shared_rows": "no data", "clean_accuracy_difference": "no data", "clean_accuracy": "no data",
    }  # fmt: skip


AGES = [30, 31, 32, 33]
NOTES = ["high", "low", "a b", "none"]


def leaked(ages, notes):
    """Test rows of numbers and words, and the same rows in training data that were written in another way."""
    columns = {"input": ("age", "note"), "label": "label"}
    labels = ["ham", "spam", "ham", "spam"]
    test = {"age": AGES, "note": NOTES, "label": labels}
    train = {"age": ages, "note": notes, "label": (labels * 2)[: len(ages)]}
    found = run("contamination", read_case({"test": test, "train": train}, columns=columns, modality="table"))
    return value(found, "shared_rows"), value(found, "conflicting_labels")


@pytest.mark.parametrize(
    "ages",
    [["30", "31", " 32.0", "3.3e1"], [30.0, 31.0, 32.0, 33.0], pa.array(AGES, pa.float32()), ["30", "31", "32", "33"]],
    ids=["forms", "float64", "float32", "text"],
)
def test_the_type_of_a_column_hides_no_shared_row(ages):
    assert leaked(ages, NOTES) == (4.0, 0.0)


def test_one_stray_word_hides_no_shared_row():
    assert leaked(["30", "31", "32", "33", "unknown"], [*NOTES, "low"]) == (4.0, 0.0)


def test_words_of_a_table_are_compared_as_texts_are():
    assert leaked(AGES, [" HIGH", "Low ", "a  B", "none"]) == (4.0, 0.0)


def test_other_rows_are_not_taken_for_shared_ones():
    assert leaked(["030", "31.5", "", "nan"], NOTES) == (0.0, 0.0)
    assert leaked(AGES, NOTES[::-1]) == (0.0, 0.0)


def test_a_short_float_is_the_number_that_it_prints():
    values = [0.1, 1.23, 98.76, -0.5]
    columns = {"input": ("x",), "label": "label"}
    labels = ["ham", "spam", "ham", "spam"]
    tables = {"test": {"x": values, "label": labels}, "train": {"x": pa.array(values, pa.float32()), "label": labels}}
    assert value(run("contamination", read_case(tables, columns=columns, modality="table")), "shared_rows") == 4.0


def test_conflicts_of_several_labels_and_of_numbers():
    texts = {"test": {"text": ["a", "b", "c"]}, "train": {"text": ["A", "a", "b", "x"]}}
    truths = {"test": {"p": [1, 0, 1], "q": [0, 0, 0]}, "train": {"p": [1, 0, 1, 0], "q": [1, 0, 0, 0]}}
    tables = {role: texts[role] | truths[role] for role in texts}
    several = {"input": "text", "label": ("p", "q")}
    found = run("contamination", read_case(tables, columns=several, classes=("p", "q"), task="multilabel"))
    assert value(found, "shared_rows") == 2.0
    assert value(found, "conflicting_labels") == 2.0
    assert gaps(found) == {"clean_accuracy": "unsupported", "clean_accuracy_difference": "unsupported"}
    assert value(found, "near_shared_rows") == 0.0
    numbers = {"test": {"y": [0.5, 1.0, 2.0]}, "train": {"y": [0.25, 0.5, 3.0, 1.0]}}
    tables = {role: texts[role] | numbers[role] for role in texts}
    number = {"input": "text", "label": "y", "task": "regression"}
    found = run("contamination", read_case(tables, columns=number, classes=(), task="regression"))
    assert value(found, "conflicting_labels") == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_conflicts_are_those_of_a_search_row_by_row(seed):
    rng = np.random.default_rng(seed)
    rows = {
        role: {"text": [f"t{at}" for at in rng.integers(0, 12, n)], "label": rng.choice(["ham", "spam"], n).tolist()}
        for role, n in (("test", 30), ("train", 20))
    }
    known = list(zip(rows["train"]["text"], rows["train"]["label"], strict=True))
    asked = list(zip(rows["test"]["text"], rows["test"]["label"], strict=True))
    texts = {text for text, _ in known}
    conflicts = sum(text in texts and (text, label) not in known for text, label in asked)
    found = run("contamination", read_case(rows, columns={"input": "text", "label": "label"}))
    assert value(found, "conflicting_labels") == conflicts


def sentence(number):
    """Ninety-odd letters that no other number shares many of."""
    return "".join(np.random.default_rng(number).choice(list("abcdefghijklmnop "), 150))


def near_leak(answer=None, near=6, exact=2):
    """42 test rows, some of them in the training data but for a letter, some exactly."""
    test = [sentence(number) for number in range(42)]
    leaked = [text[:70] + "!" + text[71:] for text in test[:near]] + test[near : near + exact]
    train = [sentence(1000 + number) for number in range(60)] + leaked
    return read_case({"test": table(test), "train": table(train, start=1000)}, columns=TEXT, answer=answer)


@pytest.mark.parametrize(("near", "exact"), [(0, 0), (6, 2), (8, 0), (42, 0)])
def test_near_rows_are_counted_beside_the_shared_ones(near, exact):
    found = run("contamination", near_leak(near=near, exact=exact))
    assert value(found, "near_shared_rows") == near
    assert value(found, "shared_rows") == exact
    assert set(measurements(found, "near_shared_rows")[0].rows) == {f"row {number}" for number in range(near)}


def test_clean_accuracy_leaves_near_rows_out():
    touched = {sentence(number) for number in range(8)}
    found = run(
        "contamination",
        near_leak(lambda data: [label if text in touched else 1 - label
                                for text, label in zip(data.inputs, data.labels, strict=True)]),
    )  # fmt: skip
    assert value(found, "clean_accuracy") == 0.0
    assert measurements(found, "clean_accuracy")[0].n == 34
    assert value(found, "clean_accuracy_difference") == -1.0
    assert measurements(found, "clean_accuracy_difference")[0].bounds[1].high < -0.5


def test_rows_that_cross_between_test_and_calibration_are_counted_in_both():
    rows = {"test": [0, 1, 2, 3], "calibration": [1, 20, 21], "shifted": [30, 31], "train": [40, 41, 42]}
    tables = {role: table([sentence(number) for number in numbers]) for role, numbers in rows.items()}
    tables["shifted"]["text"][0] = sentence(2)[:70] + "!" + sentence(2)[71:]
    found = run("contamination", read_case(tables, columns=TEXT))
    assert [value(found, "crossing_rows", role=role) for role in ("test", "calibration", "shifted")] == [2.0, 1.0, 1.0]
    assert value(found, "near_shared_rows", role="calibration") == 0.0
    crossing = measurements(found, "crossing_rows", role="calibration")[0]
    assert crossing.rows == ("row 0",)


def test_nothing_crosses_where_there_is_only_test_data():
    assert measurements(run("contamination", split_leak(8)), "crossing_rows") == []


def test_tables_have_no_near_rows():
    columns = {"input": ("age",), "label": "label"}
    tables = {role: {"age": [30, 31], "label": ["ham", "spam"]} for role in ("test", "train")}
    found = run("contamination", read_case(tables, columns=columns, modality="table"))
    assert gaps(found)["near_shared_rows"] == "unsupported"
    assert value(found, "shared_rows") == 2.0


PERSONS = {"input": "text", "label": "label", "cluster": "person"}


def persons(names, role):
    rows = [f"{role} message {number} of {name}" for number, name in enumerate(names)]
    return {"text": rows, "label": ["ham", "spam"] * (len(names) // 2), "person": names}


def test_a_person_of_both_data_sets_is_a_leak_though_no_row_is_shared():
    tables = {
        "test": persons(["ann", "ann", "bob", "bob", "cyd", "dan"], "test"),
        "train": persons(["bob", "eve", " cyd", "eve"], "train"),
    }
    found = run("contamination", read_case(tables, columns=PERSONS))
    assert value(found, "shared_rows") == 0.0
    assert value(found, "shared_clusters") == 2.0
    assert value(found, "shared_cluster_share") == 0.5
    (item,) = measurements(found, "shared_clusters")
    assert set(item.rows) == {"row 3", "row 4", "row 5"}
    assert item.bounds[-1].high == 2.0


def test_clusters_of_two_columns_are_shared_by_any_value():
    tables = {role: persons(names, role) for role, names in (("test", ["a", "b", "c", "d"]), ("train", ["a", "x"]))}
    tables["test"]["site"], tables["train"]["site"] = ["s", "s", "t", "u"], ["v", "u"]
    found = run("contamination", read_case(tables, columns=PERSONS | {"cluster": ["person", "site"]}))
    # a and b share a site and are one cluster of three; d shares its site with the training data.
    assert value(found, "shared_clusters") == 2.0
    assert value(found, "shared_cluster_share") == pytest.approx(2 / 3)


def test_no_leak_and_no_declaration():
    tables = {role: persons(names, role) for role, names in (("test", ["a", "b"]), ("train", ["c", "d"]))}
    assert value(run("contamination", read_case(tables, columns=PERSONS)), "shared_clusters") == 0.0
    undeclared = run("contamination", read_case(tables, columns={"input": "text", "label": "label"}))
    assert not measurements(undeclared, "shared_clusters")
