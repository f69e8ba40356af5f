"""Weights between base and candidate: a candidate that was tuned too far is found, an honest one is not accused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from case_fixture import bound, gaps, make_case, make_dataset, pick, run_check
from torch import nn

from govkit.checks import Request, declared_passes
from govkit.checks.robustness.weight_sweep import weight_sweep
from govkit.core import Case, Passes
from govkit.engine import Answers
from govkit.subjects.python import Origin, TorchSubject


def linear(weights: list[float]) -> nn.Module:
    """Two classes, the second where ``weights`` times the row is above 0."""
    net = nn.Linear(len(weights), 2, bias=False)
    net.weight.data = torch.tensor([[0.0] * len(weights), weights])
    return net


def case_of(candidate, base, test, shifted=None) -> Case:
    """Each of ``test`` and ``shifted`` is rows ``(n, d)`` and labels ``(n,)``."""
    passes = Passes()
    origin = Origin("here:net", Path(__file__), (), "table", (), passes, None)
    subject = TorchSubject(candidate, origin)
    given = {"test": test, "shifted": test if shifted is None else shifted}
    data = {role: make_dataset(y, role=role, inputs=np.asarray(x, dtype=np.float32)) for role, (x, y) in given.items()}
    case = make_case(test[1], test[1], classes=("no", "yes"))
    made = Answers({"candidate": subject}, data, classes=case.classes)
    return replace(
        case, subject=subject, base=base if base is None else TorchSubject(base, origin), data=data, answers=made,
        access="weights", passes=passes,
    )  # fmt: skip


def rows(n: int, seed: int, *, spurious: float) -> tuple[np.ndarray, np.ndarray]:
    """The first column tells the class, at a distance; the second agrees with it, or says the opposite."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    sign = 2 * y - 1
    return np.column_stack([sign + rng.normal(0, 0.5, n), spurious * sign + rng.normal(0, 0.5, n)]), y


def test_five_weights_by_hand():
    """The candidate trusts the second column, the base does not: they cross where both count the same."""
    x = [[1.0, -1.5], [1.0, -0.5], [-1.0, -1.0], [-1.0, 0.1]]
    found = run_check(weight_sweep, case_of(linear([1.0, 2.0]), linear([1.0, 0.0]), (x, [1, 1, 0, 0])))
    # Weight w of the base leaves 2 (1 - w) on the second column: rows 1 and 2 turn right below 2/3 and 2.
    wanted = {"0": 0.5, "0.25": 0.75, "0.5": 0.75, "0.75": 1.0, "1": 1.0}
    for weight, accuracy in wanted.items():
        assert pick(found, "mixed_accuracy", part={"base_weight": weight}, role="test").value == accuracy
    assert pick(found, "mixed_accuracy_change", part={"base_weight": "0.75"}, role="test").value == 0.5
    assert gaps(found)["tuned_past_best", "candidate", None].reason == "too few rows"


def test_a_candidate_that_was_tuned_past_best_is_found():
    case = case_of(linear([1.0, 3.0]), linear([1.0, 0.0]), rows(300, 0, spurious=2), rows(300, 1, spurious=-0.5))
    found = run_check(weight_sweep, case)
    assert pick(found, "tuned_past_best", role="shifted").value == 1
    better = pick(found, "mixed_accuracy_change", part={"base_weight": "0.75"}, role="shifted")
    assert bound(better, 0.95)[0] > 0.1


def test_what_is_bought_with_test_rows_is_no_fault_of_the_tuning():
    """The base is better on the shifted rows and worse at home, in the whole sweep."""
    case = case_of(linear([0.0, 1.0]), linear([1.0, 0.0]), _swapped(rows(400, 0, spurious=0)), rows(400, 1, spurious=0))
    found = run_check(weight_sweep, case)
    assert pick(found, "mixed_accuracy_change", part={"base_weight": "1"}, role="shifted").value > 0.2
    assert pick(found, "mixed_accuracy_change", part={"base_weight": "1"}).value < -0.2
    strict = case_of(linear([0.0, 1.0]), linear([0.0, -1.0]), _swapped(rows(400, 0, spurious=0)), _far(400))
    assert pick(run_check(weight_sweep, strict), "tuned_past_best", role="shifted").value == 0


def _swapped(given: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return given[0][:, ::-1], given[1]


def _far(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows where the second column says the opposite."""
    x, y = _swapped(rows(n, 1, spurious=0))
    return -x, y


def test_labels_that_nothing_explains_accuse_nobody_more_often_than_chance():
    """Every mixture is right on half of the rows, in truth; nominal 5 %, 80 seeds."""
    accused = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        sets = [(rng.normal(size=(200, 2)), rng.integers(0, 2, 200)) for _ in range(2)]
        found = run_check(weight_sweep, case_of(linear([1.0, 0.0]), linear([0.2, 1.0]), *sets))
        accused += int(pick(found, "tuned_past_best", role="shifted").value)
    assert accused <= 8


def test_the_base_itself_as_candidate_changes_nothing():
    net = linear([1.0, 1.0])
    found = run_check(
        weight_sweep, case_of(net, linear([1.0, 1.0]), rows(150, 0, spurious=1), rows(150, 1, spurious=1))
    )
    changes = [each.value for each in found if each.name == "mixed_accuracy_change"]
    assert changes == [0.0] * 8
    assert pick(found, "tuned_past_best", role="shifted").value == 0


def test_order_of_rows_changes_nothing():
    x, y = rows(150, 3, spurious=1)
    order = np.random.default_rng(0).permutation(150)
    values = []
    for take in (slice(None), order):
        found = run_check(weight_sweep, case_of(linear([1.0, 2.0]), linear([1.0, 0.0]), (x[take], y[take])))
        values.append([each.value for each in found if each.name == "mixed_accuracy"])
    assert values[0] == values[1]


def test_declared_passes_are_those_made():
    case = case_of(linear([1.0, 2.0]), linear([1.0, 0.0]), rows(70, 0, spurious=1), rows(50, 1, spurious=1))
    told = declared_passes(case, [Request("weight_sweep", {})], catalog={"weight_sweep": weight_sweep})
    run_check(weight_sweep, case)
    assert told.forward == case.passes.forward == 5 * 120
    alone = replace(case, data={"test": case.data["test"]})
    assert gaps(run_check(weight_sweep, alone))["*", "candidate", None].reason == "no data"


def test_what_cannot_be_mixed_is_a_gap_that_says_why():
    test = rows(30, 0, spurious=1)
    other = run_check(weight_sweep, case_of(linear([1.0, 2.0]), nn.Linear(3, 3), test))
    assert "another architecture" in gaps(other)["mixed_accuracy", "candidate", None].detail
    none = run_check(weight_sweep, case_of(linear([1.0, 2.0]), None, test))
    assert gaps(none)["*", "candidate", None].reason == "no data"
    few = run_check(weight_sweep, case_of(linear([1.0, 2.0]), linear([1.0, 0.0]), test, rows(99, 1, spurious=1)))
    assert gaps(few)["tuned_past_best", "candidate", None].reason == "too few rows"
    stored = replace(case_of(linear([1.0, 2.0]), linear([1.0, 0.0]), test), base=None)
    stored = replace(stored, answers=lambda of, role: Answers({}, {}, classes=())(of, role) or stored_base(test))
    closed = run_check(weight_sweep, stored)
    assert "weights of the base are not at hand" in gaps(closed)["mixed_accuracy", "candidate", None].detail


def stored_base(test):
    from case_fixture import predictions

    return predictions(test[1])
