"""Selective risk: a hand example, the other models, gaps, and models whose certainty is worth something or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check

from govkit.checks.robustness.selective_risk import selective_risk


def case_of(confidence, right, **others):
    """Two classes; all rows are of the positive class, and a wrong answer names the other one."""
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    positive = np.where(right, confidence, 1 - confidence)
    return make_case(np.ones(len(right), dtype=int), positive, **others)


def test_ten_rows_by_hand():
    confidence = [0.99, 0.95, 0.9, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6]
    right = [1, 1, 1, 1, 1, 1, 0, 1, 1, 0]
    found = run_check(selective_risk, case_of(confidence, right), coverages=[1.0, 0.7, 0.5, 0.3], limit=0.15)
    of_coverage = {name: pick(found, "selective_accuracy", part={"coverage": name}) for name in ("100%", "70%", "50%")}
    assert {name: (item.value, item.n) for name, item in of_coverage.items()} == {
        "100%": (0.8, 10), "70%": (6 / 7, 7), "50%": (1.0, 5),
    }  # fmt: skip
    # The third and the fourth row are equally sure, so both are answered.
    assert pick(found, "selective_accuracy", part={"coverage": "30%"}).n == 4
    area = np.mean([0, 0, 0, 0, 0, 0, 1 / 7, 1 / 8, 1 / 9, 2 / 10])
    assert pick(found, "risk_area").value == pytest.approx(area)
    assert pick(found, "coverage_within_limit").value == 0.9


def test_a_row_is_as_sure_as_the_probability_of_the_answer_that_it_got():
    """An answer that is stored beside its scores may not be the most probable class."""
    case = make_case([1, 1, 0, 0], [0.9, 0.4, 0.3, 0.2])
    given = case.predictions("candidate")
    given.labels[1] = 1
    found = run_check(selective_risk, case)
    # Its own answer has 0.4, less than any other: it is left out first.
    assert pick(found, "selective_accuracy", part={"coverage": "70%"}).n == 3
    assert pick(found, "selective_accuracy", part={"coverage": "100%"}).value == 1.0


def knowing(rng, n):
    """A model that is right as often as it says."""
    confidence = rng.uniform(0.5, 1, n)
    return confidence, rng.random(n) < confidence


def test_a_model_that_knows_what_it_does_not_know_is_told_from_one_that_does_not():
    rng = np.random.default_rng(2)
    confidence, right = knowing(rng, 1500)
    blind = np.where(right, 1, -1) * (rng.permutation(confidence) - 0.5) + 0.5
    found = run_check(selective_risk, case_of(confidence, right, base=blind))
    difference = pick(found, "risk_area", compared_with="base")
    assert difference.value == pytest.approx(pick(found, "risk_area").value - pick(found, "risk_area", of="base").value)
    assert bound(difference, 0.999)[1] < 0
    same = run_check(selective_risk, case_of(confidence, right, base=np.where(right, confidence, 1 - confidence)))
    low, high = bound(pick(same, "risk_area", compared_with="base"), 0.95)
    assert low <= 0 <= high


def test_the_coverage_that_is_promised_holds_in_nearly_all_of_many_draws():
    """Right as often as it says: the error among the surest c of the rows is c/4, so 0.8 may be promised at 20 %."""
    rng = np.random.default_rng(8)
    lows = []
    for _ in range(60):
        found = run_check(selective_risk, case_of(*knowing(rng, 800)), limit=0.2)
        lows.append(bound(pick(found, "coverage_within_limit"), 0.95)[0])
    assert np.mean(np.array(lows) > 0.8) <= 0.05
    assert np.mean(lows) > 0.4


def test_rows_in_another_order_give_the_same():
    rng = np.random.default_rng(4)
    confidence, right = knowing(rng, 90)
    confidence = np.round(confidence, 1)
    order = rng.permutation(90)
    one, two = (run_check(selective_risk, case_of(confidence[rows], right[rows])) for rows in (np.arange(90), order))
    for first, second in zip(one, two, strict=True):
        assert getattr(first, "value", 0) == pytest.approx(getattr(second, "value", 0))


def test_its_gaps():
    assert set(gaps(run_check(selective_risk, make_case([0, 1], [0, 1])))) == {("*", "candidate", None)}
    alone = gaps(run_check(selective_risk, make_case([0, 1, 1], [0.2, 0.9, 0.6])))
    assert set(alone) == {("risk_area", "candidate", "base"), ("risk_area", "candidate", "incumbent")}
    labels = gaps(run_check(selective_risk, make_case([0, 1], [0.2, 0.9], base=[0, 1])))
    assert ("coverage_within_limit", "base", None) in labels
    one = gaps(run_check(selective_risk, make_case([1], [0.9])))
    assert one["risk_area", "candidate", None].reason == "too few rows"
