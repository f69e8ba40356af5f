from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check
from sklearn.metrics import accuracy_score, f1_score, hamming_loss
from task_fixture import task_case

from govkit.checks.outcomes.multilabel import METRICS, multilabel

LABELS = [[1, 0], [1, 1], [0, 1], [0, 0]]
CANDIDATE = [[1, 0], [1, 0], [1, 1], [0, 0]]  # wrong in one label of rows 1 and 2
BASE = [[0, 1], [1, 1], [0, 0], [0, 0]]  # wrong in both labels of row 0 and in one of row 2


def case_of(labels=LABELS, candidate=CANDIDATE, groups=None, **others):
    names = tuple(f"label {index}" for index in range(np.shape(labels)[1]))
    return task_case("multilabel", labels, {"candidate": candidate, **others}, groups=groups, classes=names)


def test_rows_and_labels_by_hand():
    found = run_check(multilabel, case_of(base=BASE, groups={"sex": ["f", "f", "m", "m"]}))
    assert pick(found, "subset_accuracy").value == 0.5
    assert pick(found, "hamming_loss").value == 0.25
    assert pick(found, "micro_f1").value == pytest.approx(2 * 3 / (4 + 4))
    assert pick(found, "macro_f1").value == pytest.approx((2 * 2 / 5 + 2 * 1 / 3) / 2)
    assert pick(found, "subset_accuracy", compared_with="base").value == 0.0
    assert pick(found, "hamming_loss", compared_with="base").value == pytest.approx(0.25 - 3 / 8)
    assert pick(found, "hamming_loss", part={"sex": "m"}).value == 0.25
    assert pick(found, "subset_accuracy", of="base", part={"sex": "f"}).value == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random((120, 6)) < [0.5, 0.4, 0.3, 0.2, 0.1, 0.05]).astype(int)
    one, two = (np.where(rng.random((120, 6)) < share, 1 - labels, labels) for share in (0.1, 0.2))
    found = run_check(multilabel, case_of(labels, one, incumbent=two))
    for name, reference in (
        ("subset_accuracy", accuracy_score),
        ("hamming_loss", hamming_loss),
        ("micro_f1", lambda truth, given: f1_score(truth, given, average="micro")),
        ("macro_f1", lambda truth, given: f1_score(truth, given, average="macro")),
    ):
        assert pick(found, name).value == pytest.approx(reference(labels, one)), name
        change = pick(found, name, compared_with="incumbent").value
        assert change == pytest.approx(reference(labels, one) - reference(labels, two)), name
    for name in ("micro_f1", "macro_f1"):
        item = pick(found, name)
        assert item.bounds == ()
        assert item.interval.low < item.value < item.interval.high
        assert item.seed == "0"


def test_a_label_that_nobody_names_is_left_out_of_the_macro_f1():
    labels = np.column_stack([[1, 0, 1, 0], [0, 0, 0, 0]])
    given = np.column_stack([[1, 0, 0, 0], [0, 0, 0, 0]])
    assert pick(run_check(multilabel, case_of(labels, given)), "macro_f1").value == pytest.approx(2 / 3)


def test_labels_of_a_row_are_drawn_together():
    """Ten copies of a label tell no more than one: the interval stays as wide as that of one label."""
    rng = np.random.default_rng(0)
    labels = (rng.random((300, 1)) < 0.4).astype(int)
    given = np.where(rng.random((300, 1)) < 0.2, 1 - labels, labels)
    one, ten = (
        pick(run_check(multilabel, case_of(np.tile(labels, copies), np.tile(given, copies))), "micro_f1").interval
        for copies in (1, 10)
    )
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high), abs=1e-12)


def test_what_is_missing_is_a_gap():
    nothing = np.zeros((3, 2), dtype=int)
    missing = gaps(run_check(multilabel, case_of(nothing, nothing)))
    for name in ("micro_f1", "macro_f1"):
        assert missing[name, "candidate", None].reason == "too few rows"
    for rival in ("base", "incumbent"):
        assert {missing[name, "candidate", rival].reason for name in METRICS} == {"no data"}
    (gap,) = run_check(multilabel, task_case("multilabel", LABELS, {}))
    assert (gap.name, gap.reason) == ("*", "no data")
    assert run_check(multilabel, make_case([0, 1], [0, 1])) == []


def test_power_a_lost_label_is_found_and_an_equal_model_is_not_accused():
    found = accused = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        labels = (rng.random((1500, 4)) < 0.4).astype(int)
        old, new = (np.where(rng.random((1500, 4)) < 0.05, 1 - labels, labels) for _ in range(2))
        worse = new * [1, 1, 1, 0] | new * (rng.random((1500, 4)) < 0.6)
        for given in (new, worse):
            item = pick(run_check(multilabel, case_of(labels, given, incumbent=old)), "subset_accuracy",
                        compared_with="incumbent")  # fmt: skip
            found += given is worse and bound(item, 0.999)[1] < -0.02
            accused += given is new and bound(item, 0.999)[1] < 0
    assert found == 6
    assert accused == 0
