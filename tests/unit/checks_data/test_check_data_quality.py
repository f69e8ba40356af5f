"""A suite of expectations, run for real."""

import dataclasses
import json
import logging
import re
import sys

import numpy as np
import pytest
from rows_fixture import gaps, measurements, read_case, run, value

from govkit.errors import DataError

TABLE = {"input": ("age",), "label": "label"}
TEXT = {"input": "text", "label": "label", "id": "id", "groups": ("sex",)}


def good(rows=6):
    return {
        "text": [f"secret text {number}" for number in range(rows)],
        "label": ["ham", "spam"] * (rows // 2),
        "id": [str(number) for number in range(rows)],
        "sex": ["f", "m"] * (rows // 2),
    }


def suite(path, *expectations):
    path.write_text(json.dumps({
        "name": "mine", "id": None, "meta": {"great_expectations_version": "1.24.1"}, "notes": None,
        "expectations": [{"type": kind, "kwargs": kwargs, "meta": {}} for kind, kwargs in expectations],
    }))  # fmt: skip
    return path


def test_good_data_meet_the_default_suite():
    found = run("data_quality", read_case({"test": good(), "train": good(8)}, columns=TEXT))
    for role, rows in (("test", 6), ("train", 8)):
        assert value(found, "suite_passed", role=role) is True
        assert value(found, "failed_expectations", role=role) == 0.0
        assert value(found, "expectations", role=role) == 9.0
        assert measurements(found, "suite_passed", role=role)[0].n == rows
    assert not measurements(found, "expectation_met")


def test_hand_worked_faults_of_data_fail_the_default_suite():
    table = good() | {"sex": ["f", None, None, "m", "f", "m"]}
    found = run("data_quality", read_case({"test": table}, columns=TEXT))
    assert value(found, "suite_passed") is False
    assert value(found, "failed_expectations") == 1.0
    (failed,) = measurements(found, "expectation_met")
    assert failed.value is False
    assert failed.part == {"expectation": "expect_column_values_to_not_be_null", "column": "sex", "number": "1"}
    assert value(found, "missing_share", part={"column": "sex"}) == pytest.approx(2 / 6)
    assert value(found, "missing_share", part={"column": "text"}) == 0.0


def test_a_constant_feature_and_labels_of_one_class_fail():
    table = {"age": [1, 2, 3, 4], "flag": [7, 7, 7, 7], "label": ["ham"] * 4}
    columns = {"input": ("age", "flag"), "label": "label"}
    found = run("data_quality", read_case({"test": table}, columns=columns, modality="table"))
    failed = {item.part["column"] for item in measurements(found, "expectation_met")}
    assert failed == {"flag", "label"}


def test_a_users_suite_is_run_and_its_failing_values_stay_inside(tmp_path):
    path = suite(
        tmp_path / "suite.json",
        ("expect_column_values_to_match_regex", {"column": "text", "regex": "^public"}),
        ("expect_column_values_to_be_between", {"column": "absent", "min_value": 0}),
        ("expect_table_row_count_to_be_between", {"min_value": 3}),
    )
    found = run("data_quality", read_case({"test": good()}, columns=TEXT, suite=path))
    assert value(found, "suite_passed") is False
    assert (value(found, "failed_expectations"), value(found, "expectations")) == (2.0, 3.0)
    assert "secret" not in "".join(item.model_dump_json() for item in found)


def test_a_users_suite_that_is_met(tmp_path):
    path = suite(
        tmp_path / "suite.json", ("expect_column_values_to_be_in_set", {"column": "sex", "value_set": ["f", "m"]})
    )
    found = run("data_quality", read_case({"test": good()}, columns=TEXT, suite=path))
    assert value(found, "suite_passed") is True


def test_a_suite_as_data_is_as_good_as_its_file_and_known_by_its_digest(tmp_path):
    path = suite(tmp_path / "suite.json", ("expect_column_values_to_be_in_set", {"column": "sex", "value_set": ["f"]}))
    stored = run("data_quality", read_case({"test": good()}, columns=TEXT, suite=path))
    given = run("data_quality", read_case({"test": good()}, columns=TEXT, suite=json.loads(path.read_text())))
    assert given == stored
    (digest,) = (item.value for item in stored if item.name == "suite")
    path.write_text(path.read_text().replace('"f"', '"m"'))
    changed = run("data_quality", read_case({"test": good()}, columns=TEXT, suite=path))
    assert [item.value for item in changed if item.name == "suite"] != [digest]


def test_what_the_columns_hold_is_recorded_and_a_name_that_is_somebodys_is_not():
    table = {**good(), "age": [1] * len(good()["id"]), "4111 1111 1111 1111": [0.5] * len(good()["id"])}
    said = value(run("data_quality", read_case({"test": table}, columns=TEXT)), "column_types")
    assert "int: age" in said
    assert "4111" not in said
    assert re.search(r"float: column [0-9]+", said)


@pytest.mark.parametrize(
    ("expectation", "message"),
    [
        (("expect_nothing_at_all", {"column": "sex"}), "expectation 1"),
        (("expect_column_values_to_not_be_null", {"colum": "sex"}), "expectation 1"),
    ],
)
def test_an_expectation_that_the_library_would_drop_is_an_error(tmp_path, expectation, message):
    path = suite(tmp_path / "suite.json", expectation)
    with pytest.raises(DataError, match=message):
        run("data_quality", read_case({"test": good()}, columns=TEXT, suite=path))


@pytest.mark.parametrize(
    "content",
    ['{"expectations": []}', "{}", "no json", "[]", '{"expectations": [{"expectation_type": "x", "kwargs": {}}]}'],
)
def test_a_file_that_would_be_met_by_any_data_is_an_error(tmp_path, content):
    path = tmp_path / "suite.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"suite\.json"):
        run("data_quality", read_case({"test": good()}, columns=TEXT, suite=path))
    with pytest.raises(DataError, match=r"suite\.json"):
        run("data_quality", read_case({"test": good()}, columns=TEXT, suite=tmp_path / "absent" / "suite.json"))


def test_nothing_is_printed(capfd, caplog):
    caplog.set_level(logging.WARNING)
    run("data_quality", read_case({"test": good() | {"sex": [None] * 6}}, columns=TEXT))
    assert capfd.readouterr() == ("", "")


def test_without_training_data_what_is_compared_with_it_is_a_gap():
    found = gaps(run("data_quality", read_case({"test": good()}, columns=TEXT)))
    against = ("out_of_range_rows", "other_type_columns", "new_categories")
    assert found == dict.fromkeys((*against, "other_script_rows", "other_language_share"), "no data")
    table = {"age": [1, 2], "label": ["ham", "spam"]}
    found = gaps(run("data_quality", read_case({"test": table}, columns=TABLE, modality="table")))
    assert found == dict.fromkeys(against, "no data")


@pytest.mark.parametrize(
    ("task", "columns", "classes", "labels", "expectations"),
    [
        ("binary", {"label": "y"}, ("0", "1"), {"y": [0.0, 1.0, 1.0]}, 6),
        ("binary", {"label": "y"}, ("false", "true"), {"y": [False, True, True]}, 6),
        ("multilabel", {"label": ("p", "q")}, ("p", "q"), {"p": [0, 1, 1], "q": [True, False, True]}, 9),
        ("regression", {"label": "y", "task": "regression", "range": (0, 3)}, (), {"y": [0.5, 1, 3]}, 6),
        ("regression", {"label": "y", "task": "regression"}, (), {"y": [0.5, 1, 3]}, 5),
    ],
)
def test_labels_of_each_task_meet_the_default_suite(task, columns, classes, labels, expectations):
    table = {"text": ["a", "b", "c"], **labels}
    case = read_case({"test": table}, columns={"input": "text", **columns}, classes=classes, task=task)
    found = run("data_quality", case)
    assert value(found, "suite_passed") is True
    assert value(found, "expectations") == expectations
    assert {item.part["column"] for item in measurements(found, "missing_share")} == {"text", *labels}


def test_a_label_that_no_row_has_is_found():
    table = {"text": ["a", "b", "c"], "p": [0, 1, 1], "q": [0, 0, 0]}
    columns = {"input": "text", "label": ("p", "q")}
    found = run("data_quality", read_case({"test": table}, columns=columns, classes=("p", "q"), task="multilabel"))
    assert {item.part["column"] for item in measurements(found, "expectation_met")} == {"q"}


def test_a_users_suite_is_counted_by_severity(tmp_path):
    """great-expectations takes an expectation without a severity as critical."""
    wanted = [
        ("critical", "age", 9),
        ("warning", "age", 1),
        ("warning", "age", 2),
        ("info", "age", 3),
        (None, "age", 0),
    ]
    path = tmp_path / "suite.json"
    path.write_text(json.dumps({"name": "mine", "expectations": [
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": column, "max_value": high}, "meta": {}}
        | ({} if severity is None else {"severity": severity})
        for severity, column, high in wanted
    ]}))  # fmt: skip
    table = {"age": [1, 2, 3, 4], "label": ["ham", "spam"] * 2}
    found = run("data_quality", read_case({"test": table}, columns=TABLE, modality="table", suite=path))
    counts = {name: value(found, f"failed_{name}") for name in ("expectations", "critical", "warning", "info")}
    assert counts == {"expectations": 4.0, "critical": 1.0, "warning": 2.0, "info": 1.0}
    assert value(found, "expectations") == 5.0


def hundred(rng, rows=100):
    """Two of every hundred numbers are missing, nothing else is odd."""
    age = rng.integers(18, 90, size=rows).astype(float)
    age[::50] = np.nan
    age[1:3] = 18, 89
    return {
        "age": age, "job": rng.choice(["cook", "nurse", "clerk"], size=rows), "label": ["ham", "spam"] * (rows // 2),
        "id": [str(number) for number in range(rows)],
    }  # fmt: skip


JOBS = {"input": ("age", "job"), "label": "label", "id": "id"}


def test_planted_faults_are_counted_and_their_rows_are_named():
    train, test = (hundred(np.random.default_rng(seed)) for seed in (0, 1))
    test["age"][[10, 20]], test["age"][30] = 900, -1
    test["job"] = test["job"].astype(object)
    test["job"][[40, 41, 42]] = "pilot", "pilot", "Ã¶cologist"
    found = run("data_quality", read_case({"train": train, "test": test}, columns=JOBS, modality="table"))

    def rows(name, part):
        (item,) = measurements(found, name, part=part, role="test")
        assert item.bounds[0].low == item.bounds[0].high == item.value
        return item.value, set(item.rows)

    for part in ({}, {"column": "age"}):
        assert rows("out_of_range_rows", part) == (3.0, {"10", "20", "30"})
    for part in ({}, {"column": "job"}):
        assert rows("new_categories", part) == (2.0, {"40", "41", "42"})
        assert rows("damaged_text_rows", part) == (1.0, {"42"})
    (missing,) = measurements(found, "missing_share", part={"column": "age"}, role="test")
    assert (missing.value, set(missing.rows)) == (0.02, {"0", "50"})
    assert rows("other_type_columns", {}) == (0.0, set())
    assert rows("constant_columns", {}) == (0.0, set())
    assert rows("broken_rows", {}) == (0.0, set())
    assert value(found, "rarest_class_share", role="test") == 0.5


def test_a_clean_set_is_not_accused():
    train, test = (hundred(np.random.default_rng(seed)) for seed in (0, 1))
    found = run("data_quality", read_case({"train": train, "test": test}, columns=JOBS, modality="table"))
    for name in ("out_of_range_rows", "new_categories", "damaged_text_rows", "other_type_columns", "constant_columns"):
        assert {item.value for item in measurements(found, name)} == {0.0}, name
    assert not gaps(found)
    assert not measurements(found, "repeated_text_share")


def test_a_column_of_another_type_is_named():
    test = hundred(np.random.default_rng(0)) | {"age": ["old", "young"] * 50}
    case = read_case({"train": hundred(np.random.default_rng(1)), "test": test}, columns=JOBS, modality="table")
    found = run("data_quality", case)
    assert value(found, "other_type_columns", part={}) == 1.0
    assert value(found, "other_type_columns", part={"column": "age"}) == 1.0
    assert value(found, "out_of_range_rows", part={}) == 0.0


def test_broken_rows_are_counted_and_named_by_their_place():
    case = read_case({"test": good()}, columns=TEXT)
    told = ("row 3: found 2 fields, expected 4", "part-1.csv, row 17: not JSON")
    case = dataclasses.replace(case, data={"test": dataclasses.replace(case.data["test"], broken=told)})
    (broken,) = measurements(run("data_quality", case), "broken_rows")
    assert (broken.value, broken.n, broken.rows) == (2.0, 8, ("row 3", "part-1.csv, row 17"))


def test_a_broken_row_is_named_whatever_its_file_or_column_is_called():
    case = read_case({"test": good()}, columns=TEXT)
    told = {
        "row 7.csv, row 3: found 2 fields, expected 4": "row 7.csv, row 3",
        "a\nb.csv, row 4: not JSON (Extra data)": "a\nb.csv, row 4",
        "row 5: column 'x, row 9: y' is not UTF-8": "row 5",
        "jane.roe@firm.org.csv, row 6: not JSON": "a file whose name is not shown, row 6",
    }
    case = dataclasses.replace(case, data={"test": dataclasses.replace(case.data["test"], broken=tuple(told))})
    (broken,) = measurements(run("data_quality", case), "broken_rows")
    assert broken.rows == tuple(told.values())


def test_at_most_a_hundred_rows_are_named():
    table = {"age": [None] * 150 + [1, 2], "label": ["ham", "spam"] * 76}
    found = run("data_quality", read_case({"test": table}, columns=TABLE, modality="table"))
    (item,) = measurements(found, "missing_share", part={"column": "age"})
    assert (item.value, len(item.rows), item.rows[0]) == (150 / 152, 100, "row 1")


def test_the_rarest_class_may_be_one_that_no_row_has():
    """Hand-worked: 3 of 8 rows, then none; of several labels the rarer truth of each."""
    table = {"age": list(range(8)), "label": ["ham"] * 5 + ["spam"] * 3}
    found = run("data_quality", read_case({"test": table}, columns=TABLE, modality="table"))
    assert value(found, "rarest_class_share") == 3 / 8
    case = read_case({"test": table}, columns=TABLE, modality="table", classes=("eggs", "ham", "spam"))
    (none,) = measurements(run("data_quality", case), "rarest_class_share")
    assert none.value == 0.0
    assert 0 == none.bounds[0].low < none.bounds[0].high
    table = {"text": list("abcd"), "p": [0, 1, 1, 1], "q": [0, 0, 1, 1]}
    columns = {"input": "text", "label": ("p", "q")}
    found = run("data_quality", read_case({"test": table}, columns=columns, classes=("p", "q"), task="multilabel"))
    assert [value(found, "rarest_class_share", part={"label": name}) for name in "pq"] == [0.25, 0.5]


def test_texts_that_are_all_alike_are_found_as_a_reader_takes_them():
    texts = ["No  comment.", "no comment.", "NO COMMENT. ", "\u200bno comment.", "fine", None]
    table = good() | {"text": [text or "really" for text in texts]}
    (item,) = measurements(run("data_quality", read_case({"test": table}, columns=TEXT)), "repeated_text_share")
    assert (item.value, set(item.rows)) == (4 / 6, {"0", "1", "2", "3"})


ENGLISH = "The committee met yesterday to discuss proposal {} for the city park."
GERMAN = "Der Ausschuss traf sich gestern, um den Vorschlag {} für den Stadtpark zu besprechen."
RUSSIAN = "Комитет собрался вчера, чтобы обсудить предложение {} для городского парка."


def spoken(*texts):
    rows = [text.format(number) for number, text in enumerate(texts)]
    return {"text": rows, "label": ["ham", "spam"] * (len(rows) // 2), "id": [str(row) for row in range(len(rows))]}


LETTERS = {"input": "text", "label": "label", "id": "id"}


def test_rows_in_another_script_than_the_training_texts_are_named():
    tables = {"train": spoken(*[ENGLISH] * 40), "test": spoken(*[ENGLISH] * 30, *[GERMAN] * 8, *[RUSSIAN] * 2)}
    (item,) = measurements(run("data_quality", read_case(tables, columns=LETTERS)), "other_script_rows")
    assert (item.value, set(item.rows)) == (2.0, {"38", "39"})


def test_rows_in_another_language_than_the_training_texts_are_named():
    tables = {"train": spoken(*[ENGLISH] * 40), "test": spoken(*[ENGLISH] * 30, *[GERMAN] * 8, *[RUSSIAN] * 2)}
    (item,) = measurements(run("data_quality", read_case(tables, columns=LETTERS)), "other_language_share")
    assert (item.value, item.n, set(item.rows)) == (0.25, 40, {str(row) for row in range(30, 40)})
    tables["test"] = spoken(*[ENGLISH] * 20)
    assert gaps(run("data_quality", read_case(tables, columns=LETTERS))) == {"other_language_share": "too few rows"}


def test_without_the_library_the_language_is_a_gap_and_the_script_is_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    tables = {"train": spoken(*[ENGLISH] * 40), "test": spoken(*[ENGLISH] * 40)}
    found = run("data_quality", read_case(tables, columns=LETTERS))
    assert gaps(found) == {"other_language_share": "no extra"}
    assert value(found, "other_script_rows") == 0.0


def test_no_value_leaves_the_check():
    train = spoken(*[ENGLISH] * 40) | {"sex": ["known-group"] * 40}
    test = spoken(*[GERMAN.replace("ü", "Ã¼")] * 40) | {"sex": ["hidden-group"] * 40}
    case = read_case({"train": train, "test": test}, columns=LETTERS | {"groups": ("sex",)})
    told = "".join(item.model_dump_json() for item in run("data_quality", case))
    assert value(run("data_quality", case), "new_categories", part={}) == 1.0
    assert "hidden-group" not in told
    assert "Ausschuss" not in told
