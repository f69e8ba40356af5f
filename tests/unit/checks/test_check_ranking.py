from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, pick, run_check
from sklearn.metrics import average_precision_score, roc_auc_score
from task_fixture import task_case

from govkit.checks.outcomes.ranking import METRICS, ranking

LABELS = [1, 0, 1, 0, 0]
SCORES = [9.0, 7.0, 5.0, 3.0, 3.0]


def case_of(labels=LABELS, candidate=SCORES, groups=None, **others):
    return task_case("ranking", labels, {"candidate": candidate, **others}, groups=groups)


def test_a_ranking_by_hand():
    found = run_check(ranking, case_of(trivial=[1.0] * 5), top=0.4)
    assert pick(found, "roc_auc").value == pytest.approx(5 / 6)
    assert pick(found, "average_precision").value == pytest.approx((1 + 2 / 3) / 2)
    assert pick(found, "precision_at_top").value == 0.5
    assert pick(found, "roc_auc", of="trivial").value == 0.5
    assert pick(found, "average_precision", of="trivial").value == pytest.approx(0.4)
    # One score for all rows: their order says nothing, so the first rows are like the others.
    assert pick(found, "precision_at_top", of="trivial").value == pytest.approx(0.4)
    assert pick(found, "roc_auc", compared_with="trivial").value == pytest.approx(5 / 6 - 0.5)
    assert pick(found, "precision_at_top", compared_with="trivial").value == pytest.approx(0.1)


@pytest.mark.parametrize("digits", [1, 6])
def test_numbers_are_those_of_scikit_learn(digits):
    rng = np.random.default_rng(digits)
    labels = rng.random(300) < 0.3
    one, two = ((labels + rng.normal(0, spread, 300)).round(digits) for spread in (1, 2))
    found = run_check(ranking, case_of(labels, one, base=two))
    for name, reference in (("roc_auc", roc_auc_score), ("average_precision", average_precision_score)):
        assert pick(found, name).value == pytest.approx(reference(labels, one))
        change = pick(found, name, compared_with="base")
        assert change.value == pytest.approx(reference(labels, one) - reference(labels, two))
    first = np.argsort(-one, kind="stable")[:30]
    if digits == 6:
        assert pick(found, "precision_at_top").value == pytest.approx(labels[first].mean())
    assert pick(found, "average_precision").bounds == ()
    assert len(pick(found, "roc_auc").bounds) == 9


def test_order_alone_counts():
    rng = np.random.default_rng(0)
    labels, scores = rng.random(200) < 0.4, rng.normal(size=200)
    one, two = (run_check(ranking, case_of(labels, given)) for given in (scores, 100 * np.exp(scores)))
    for name in METRICS:
        assert pick(one, name).value == pick(two, name).value
        assert pick(one, name).interval == pick(two, name).interval


def test_each_group_has_an_area_or_a_gap():
    groups = {"sex": ["f", "f", "m", "f", "f"]}
    found = run_check(ranking, case_of(groups=groups))
    assert pick(found, "roc_auc", part={"sex": "f"}).value == 1.0
    (gap,) = (item for item in found if item.part == {"sex": "m"})
    assert (gap.kind, gap.reason) == ("gap", "too few rows")


def test_what_is_missing_is_a_gap():
    missing = gaps(run_check(ranking, case_of()))
    for rival in ("base", "incumbent"):
        assert {missing[name, "candidate", rival].reason for name in METRICS} == {"no data"}
    for label in (0, 1):
        alike = gaps(run_check(ranking, case_of([label] * 5)))
        for name in ("roc_auc", "average_precision"):
            assert alike[name, "candidate", None].reason == "too few rows"
    (gap,) = run_check(ranking, task_case("ranking", LABELS, {}))
    assert (gap.name, gap.reason) == ("*", "no data")


def change_of_area(labels, new, old):
    found = run_check(ranking, case_of(labels, new, incumbent=old))
    return bound(pick(found, "roc_auc", compared_with="incumbent"), 0.999)


def test_power_a_worse_ranking_is_found_and_an_equal_one_is_not_accused():
    found = accused = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        labels = rng.random(2000) < 0.3
        fate = labels + rng.normal(0, 0.8, 2000)
        new, old, worse = (fate + rng.normal(0, spread, 2000) for spread in (0.5, 0.5, 1.2))
        found += change_of_area(labels, worse, old)[1] < -0.02
        accused += change_of_area(labels, new, old)[1] < 0
    assert found >= 9
    assert accused == 0
