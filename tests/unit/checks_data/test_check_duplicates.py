"""Rows that repeat an earlier row."""

import numpy as np
from case_fixture import make_case
from hypothesis import given, settings
from hypothesis import strategies as st
from rows_fixture import gaps, measurements, read_case, run, value

TEXT = {"input": "text", "label": "label", "id": "id"}


def texts(*rows, labels=None):
    labels = ["ham"] * (len(rows) - 1) + ["spam"] if labels is None else labels
    return {"text": list(rows), "label": labels, "id": [str(number) for number in range(len(rows))]}


def test_hand_worked_texts_differ_only_in_case_space_and_form():
    table = texts("Call me", "call  me ", "ＣＡＬＬ ME", "call me!", "other", "other", labels=["ham", "spam"] * 3)
    found = run("duplicates", read_case({"test": table}, columns=TEXT))
    assert value(found, "duplicate_rows") == 3.0
    assert value(found, "duplicate_share") == 0.5
    assert all(bound.low == bound.high == 3.0 for bound in measurements(found, "duplicate_rows")[0].bounds)


def test_rows_of_a_table_that_another_column_tells_apart_are_no_duplicates():
    table = {"age": [30, 30, 30], "label": ["ham", "ham", "spam"], "score": [0.2, 0.3, 0.2], "id": ["1", "2", "3"]}
    columns = {"input": ("age",), "label": "label", "id": "id"}
    assert (
        value(run("duplicates", read_case({"test": table}, columns=columns, modality="table")), "duplicate_rows") == 0
    )


def test_hand_worked_tables_compare_every_column_but_the_id():
    table = {
        "age": [30, 30, 30, 41], "sex": ["F", "F", "F", "M"],
        "label": ["ham", "ham", "spam", "ham"], "id": ["1", "2", "3", "4"],
    }  # fmt: skip
    columns = {"input": ("age", "sex"), "label": "label", "id": "id"}
    found = run("duplicates", read_case({"test": table}, columns=columns, modality="table"))
    assert value(found, "duplicate_rows") == 1.0


def test_each_data_set_is_measured_apart():
    found = run(
        "duplicates", read_case({"test": texts("a", "b"), "train": texts("a", "a", "b"), "shifted": texts("a", "b")},
                                columns=TEXT),
    )  # fmt: skip
    assert [value(found, "duplicate_rows", role=role) for role in ("test", "train", "shifted")] == [0.0, 1.0, 0.0]


def test_stored_predictions_cannot_be_told_apart():
    found = run("duplicates", make_case([0, 1], [0.2, 0.7]))
    assert gaps(found) == {"duplicate_rows": "no data", "duplicate_share": "no data"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("ab ", min_size=1, max_size=3).filter(str.strip), min_size=2, max_size=12), st.randoms())
def test_the_count_is_that_of_python_and_does_not_depend_on_order(rows, shuffler):
    expected = len(rows) - len({" ".join(text.casefold().split()) for text in rows})
    for _ in range(2):
        found = run("duplicates", read_case({"test": texts(*rows)}, columns=TEXT))
        assert value(found, "duplicate_rows") == expected
        shuffler.shuffle(rows)


def test_images_are_compared_by_their_pixels():
    pixels = np.zeros((4, 1, 2, 2), dtype=np.float32)
    pixels[2] = 1
    case = make_case([0, 1, 0, 1], [0.1, 0.9, 0.1, 0.9], modality="image")
    object.__setattr__(case.data["test"], "inputs", pixels)
    assert value(run("duplicates", case), "duplicate_rows") == 2.0


def test_words_of_a_table_differ_only_in_case_space_and_form():
    table = {
        "job": ["Nurse", " nurse", "ＮＵＲＳＥ", "clerk"],
        "age": ["30", "30.0", " 30", "x"],
        "label": ["ham"] * 3 + ["spam"],
    }
    columns = {"input": ("job", "age"), "label": "label"}
    found = run("duplicates", read_case({"test": table}, columns=columns, modality="table"))
    assert value(found, "duplicate_rows") == 2.0
