"""A suite made from training data: they meet it, other data need not, and it tells nothing about anybody."""

import datetime
import decimal
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st
from rows_fixture import measurements, read_case, run, value

from govkit.checks._suggestion import _widened, suggested_suite
from govkit.core.columns import Columns

ROWS = 200


def table():
    rng = np.random.default_rng(0)
    when = datetime.datetime(2024, 1, 1)
    return {
        "age": rng.integers(18, 90, size=ROWS),
        "pay": pa.array(rng.lognormal(size=ROWS), mask=rng.random(ROWS) < 0.1),
        "price": pa.array([decimal.Decimal(int(cents)) / 4 for cents in rng.integers(0, 99, size=ROWS)]),
        "owner": pa.array(rng.random(ROWS) < 0.5, mask=rng.random(ROWS) < 0.1),
        "since": [when + datetime.timedelta(days=int(days)) for days in rng.integers(0, 99, size=ROWS)],
        "job": rng.choice(["cook", "nurse"], size=ROWS),
        "coded": pa.array(rng.choice(["x", "y"], size=ROWS)).dictionary_encode(),
        "nothing": pa.nulls(ROWS),
        "contact": rng.choice(["ann@example.com", "bob@example.org"], size=ROWS),
        "card": [4111111111111111] * ROWS,
        "note": [f"words {number}" for number in range(ROWS)],
        "label": rng.choice(["no", "yes"], size=ROWS),
        "id": [f"p{number}" for number in range(ROWS)],
        "sex": rng.choice(["f", "m"], size=ROWS),
    }


COLUMNS = {
    "input": ("age", "pay", "price", "owner", "since", "job", "coded", "nothing", "contact", "card", "note"),
    "label": "label", "id": "id", "groups": ("sex",),
}  # fmt: skip


@pytest.fixture(scope="module")
def suite():
    return suggested_suite(pa.table(table()), Columns.model_validate(COLUMNS))


def of(suite, column):
    return {
        item["type"].removeprefix("expect_column_"): item["kwargs"]
        for item in suite["expectations"]
        if item["kwargs"].get("column") == column
    }


def test_the_training_data_meet_it_and_planted_faults_do_not(suite, tmp_path):
    path = tmp_path / "suite.json"
    path.write_text(json.dumps(suite))
    test = table()
    test["age"], test["job"] = np.where(np.arange(ROWS) == 3, 200, test["age"]), np.full(ROWS, "pilot")
    test["sex"] = [None, *test["sex"][1:]]
    case = read_case({"train": table(), "test": test}, columns=COLUMNS, modality="table", classes=("no", "yes"),
                     suite=path)  # fmt: skip
    found = run("data_quality", case)
    assert value(found, "suite_passed", role="train") is True
    failed = {item.part["column"]: item.part["expectation"] for item in measurements(found, "expectation_met")}
    assert failed == {
        "age": "expect_column_values_to_be_between",
        "job": "expect_column_values_to_be_in_set",
        "sex": "expect_column_values_to_not_be_null",
    }
    counts = [value(found, f"failed_{severity}", role="test") for severity in ("critical", "warning", "info")]
    assert counts == [1.0, 2.0, 0.0]


def test_hand_worked_expectations(suite):
    assert of(suite, "job")["values_to_be_in_set"]["value_set"] == ["cook", "nurse"]
    assert "values_to_not_be_null" not in of(suite, "pay")
    assert "values_to_be_unique" in of(suite, "id")
    assert of(suite, "note")["value_lengths_to_be_between"]["max_value"] == 2 * len("words 199")
    assert _widened(18, 89) == (10.0, 97.0)
    assert _widened(-1, 1) == (-1.2, 1.2)
    assert _widened(0, 9) == (0.0, 9.9)
    assert _widened(5, 5) == (4.5, 5.5)


def test_values_that_look_like_personal_data_stay_out(suite):
    told = json.dumps(suite)
    assert "example" not in told
    assert "4111" not in told
    assert "words" not in told
    assert set(of(suite, "contact")) == {"values_to_not_be_null", "value_lengths_to_be_between", "column"} - {"column"}
    assert set(of(suite, "card")) == {"values_to_not_be_null", "values_to_be_in_type_list"}


def test_a_column_of_many_values_or_of_texts_to_ask_with_has_no_set():
    columns = Columns(input="text", label="label", groups=("town",))
    rows = {"text": ["yes", "no"] * 300, "label": [0, 1] * 300, "town": [f"town {row % 60}" for row in range(600)]}
    suite = suggested_suite(pa.table(rows), columns)
    assert "values_to_be_in_set" not in of(suite, "text") | of(suite, "town")
    assert "values_to_match_regex" in of(suite, "text")
    assert of(suite, "label")["values_to_be_in_set"]["value_set"] == [0, 1]


def test_numbers_without_an_end_have_no_range():
    columns = Columns(input=("far", "huge"), label="label")
    rows = {"far": [1.0, float("inf")] * 9, "huge": [1e308, -1e308] * 9, "label": [0, 1] * 9}
    suite = suggested_suite(pa.table(rows), columns)
    assert "values_to_be_between" not in of(suite, "far") | of(suite, "huge")


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
def test_a_range_holds_what_it_was_made_from(low, span):
    first, last = _widened(low, low + span)
    assert first <= low
    assert last >= low + span
    assert low < 0 or first >= 0
