"""The floor under a shift: a hand example, real features that tuning distorts, gaps, and false accusations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benches import load_bench
from case_fixture import bound, gaps, make_case, pick, run_check
from scipy.stats import binomtest, ttest_ind
from sklearn.linear_model import LogisticRegression

from govkit.checks.robustness.shift_floor import shift_floor
from govkit.core import Measurement
from govkit.subjects import Probe


def rows(both: int, candidate: int, base: int, neither: int) -> dict[str, np.ndarray]:
    """Answers to rows of class 1: right by both, by one of them alone, or by neither."""
    right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, candidate, base, neither], axis=0)
    return {"labels": np.ones(len(right), dtype=int), "probs": right[:, 0], "base": right[:, 1]}


def case_of(test: dict, shifted: dict | None):
    return make_case(test["labels"], test["probs"], base=test.get("base"), shifted=shifted, classes=("no", "yes"))


def word(found) -> str:
    return pick(found, "tuned_too_far", role="shifted").value


def test_two_hundred_rows_by_hand():
    found = run_check(shift_floor, case_of(rows(160, 12, 4, 24), rows(120, 5, 35, 40)))
    assert pick(found, "floor_accuracy").value == 172 / 200
    assert pick(found, "floor_accuracy", of="base", role="shifted").value == 155 / 200
    assert pick(found, "floor_accuracy", compared_with="base").value == pytest.approx(8 / 200)
    assert pick(found, "floor_accuracy", compared_with="base", role="shifted").value == pytest.approx(-30 / 200)
    assert pick(found, "shift_cost", compared_with="base", role="shifted").value == pytest.approx(38 / 200)
    assert word(found) == "yes"


@pytest.mark.parametrize(("candidate", "base"), [(3, 11), (4, 12), (5, 20), (2, 5), (0, 6)])
def test_the_word_agrees_with_the_exact_test_of_mcnemar_where_that_is_sure(candidate, base):
    said = word(run_check(shift_floor, case_of(rows(100, 0, 0, 0), rows(150, candidate, base, 30))))
    p = binomtest(candidate, candidate + base, alternative="less").pvalue
    assert said == "yes" if p < 0.02 else said == "cannot tell" if p > 0.05 else said in ("yes", "cannot tell")


def test_a_candidate_that_is_surely_no_worse_is_cleared_and_few_rows_tell_nothing():
    equal = rows(4000, 100, 100, 300)
    assert word(run_check(shift_floor, case_of(equal, equal))) == "no"
    assert word(run_check(shift_floor, case_of(equal, equal), tolerated=0.001)) == "cannot tell"
    assert word(run_check(shift_floor, case_of(equal, rows(16, 1, 2, 1)))) == "cannot tell"


def test_the_cost_is_the_difference_of_two_independent_means():
    test, shifted = rows(160, 12, 4, 24), rows(120, 5, 35, 40)
    found = pick(run_check(shift_floor, case_of(test, shifted)), "shift_cost", compared_with="base", role="shifted")
    apart = [side["probs"] - side["base"] for side in (test, shifted)]
    expected = ttest_ind(*apart, equal_var=False).confidence_interval(0.95)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(expected))


def test_its_gaps():
    test = rows(10, 2, 1, 3)
    assert set(gaps(run_check(shift_floor, case_of(test, None)))) == {("*", "candidate", None)}
    bare = {name: test[name] for name in ("labels", "probs")}
    assert set(gaps(run_check(shift_floor, case_of(bare, bare)))) == {("*", "candidate", None)}
    # Stored answers of the base to the test rows only.
    found = run_check(shift_floor, case_of(test, bare))
    assert set(gaps(found)) == {
        ("floor_accuracy", "base", None), ("floor_accuracy", "candidate", "base"), ("tuned_too_far", "candidate", None),
        ("shift_cost", "candidate", "base"),
    }  # fmt: skip
    assert pick(found, "floor_accuracy", role="shifted").value == pytest.approx(12 / 16)


class OwnHead:
    """A base with a head of its own, which is no linear probe."""


def test_a_base_with_its_own_head_is_no_floor():
    case = case_of(rows(10, 2, 1, 3), rows(10, 2, 1, 3))
    found = run_check(shift_floor, replace(case, base=OwnHead()))
    assert {gap.reason for gap in gaps(found).values()} == {"no data"}
    assert not [item for item in found if isinstance(item, Measurement)]
    assert word(run_check(shift_floor, replace(case, base=object.__new__(Probe)))) == "cannot tell"


def transfer(rng, *, distorted: bool, n: int = 600):
    """The set-up of Kumar et al.: a good feature and one that agrees with it in the training rows only.

    A probe on the good feature keeps its accuracy where the other one turns round; what leans on both does not.
    """

    def drawn(agree: float):
        truth = rng.integers(0, 2, n)
        good = 2 * truth - 1 + rng.normal(0, 1, n)
        easy = np.where(rng.random(n) < agree, 2 * truth - 1, 1 - 2 * truth) + rng.normal(0, 0.4, n)
        return truth, np.column_stack([good, easy])

    (y, x), (y_test, x_test), (y_new, x_new) = drawn(0.95), drawn(0.95), drawn(0.5)
    probe, tuned = LogisticRegression().fit(x[:, :1], y), LogisticRegression().fit(x if distorted else x[:, :1], y)

    def answered(labels, inputs):
        candidate = tuned.predict_proba(inputs if distorted else inputs[:, :1])[:, 1]
        return {"labels": labels, "probs": candidate, "base": probe.predict_proba(inputs[:, :1])[:, 1]}

    return case_of(answered(y_test, x_test), answered(y_new, x_new))


def test_a_model_that_leans_on_what_the_shift_takes_away_is_found_although_it_is_better_without_a_shift():
    found = [run_check(shift_floor, transfer(np.random.default_rng(seed), distorted=True)) for seed in range(5)]
    assert [word(each) for each in found] == ["yes"] * 5
    for each in found:
        assert bound(pick(each, "floor_accuracy", compared_with="base"), 0.95)[0] > 0
        assert bound(pick(each, "shift_cost", compared_with="base", role="shifted"), 0.999)[0] > 0


def test_a_sound_model_is_not_accused():
    said = [word(run_check(shift_floor, transfer(np.random.default_rng(seed), distorted=False))) for seed in range(5)]
    assert set(said) <= {"no", "cannot tell"}
    assert load_bench("shift").accused(n=150, draws=300, seed=3, drop=0.0) <= 0.05 + 3 * np.sqrt(0.05 / 300)


def test_a_sure_loss_is_found_nearly_always():
    assert load_bench("shift").accused(n=1000, draws=60, seed=3, drop=0.05) >= 0.9
