"""A suite of expectations, run for real."""

import json
import logging

import pytest
from rows_fixture import gaps, measurements, read_case, run, value

from govkit.errors import DataError

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
    assert not gaps(run("data_quality", read_case({"test": good()}, columns=TEXT)))


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
