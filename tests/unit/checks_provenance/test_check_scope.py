"""The facts by which a policy decides where its controls apply."""

from case_fixture import make_case
from rows_fixture import measurements, run, value

FLAGS = ("has_base", "has_incumbent", "has_run", "has_shifted", "has_train", "has_groups")


def test_a_bare_case_of_stored_predictions():
    found = run("scope", make_case([0, 1, 1], [0.2, 0.7, 0.6]))
    assert (value(found, "modality"), value(found, "access")) == ("table", "predictions")
    assert [value(found, name) for name in FLAGS] == ["unknown"] * 6
    assert not measurements(found, "absence")
    assert value(found, "classes") == 2.0
    assert value(found, "rows", role="test") == 3.0


def test_a_full_case():
    rows = {"labels": [0, 1], "probs": [0.1, 0.9]}
    case = make_case(
        [0, 1], [0.2, 0.7], groups={"sex": ["f", "m"]}, base=[0.3, 0.6], incumbent=[0.4, 0.6], train=rows, shifted=rows,
        modality="text", access="weights",
    )  # fmt: skip
    found = run("scope", case)
    assert [value(found, name) for name in FLAGS] == [True, True, "unknown", True, True, True]
    assert {item.data.role for item in measurements(found, "rows")} == {"test", "train", "shifted"}
    assert {item.seed for item in found} == {""}


def test_what_is_said_to_be_absent_is_known_and_so_is_what_needs_it():
    absent = {"groups": "the rows are machines, no people", "incumbent": "this is the first release"}
    found = run("scope", make_case([0, 1, 1], [0.2, 0.7, 0.6], absent=absent))
    none = ("has_groups", "has_incumbent", "has_parts", "has_reference", "has_service")
    assert {name: value(found, name) for name in none} == dict.fromkeys(none, False)
    assert {value(found, name) for name in ("has_base", "has_base_data", "has_shifted")} == {"unknown"}
    assert {item.part["fact"]: item.value for item in measurements(found, "absence")} == absent


def test_rows_of_each_group_of_each_data_set():
    later = {"labels": [0, 1], "probs": [0.1, 0.9], "groups": {"sex": ["f", "f"]}}
    case = make_case([0, 1, 1], [0.2, 0.7, 0.6], groups={"sex": ["f", "m", "f"]}, shifted=later)
    sizes = {(item.data.role, *item.part.values()): item.value for item in measurements(run("scope", case), "rows")}
    assert sizes == {
        ("test",): 3.0, ("test", "f"): 2.0, ("test", "m"): 1.0, ("shifted",): 2.0, ("shifted", "f"): 2.0
    }  # fmt: skip
