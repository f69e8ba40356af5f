from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check
from sklearn.metrics import cohen_kappa_score, mean_absolute_error

from govkit.checks.outcomes.ordinal import METRICS, ordinal

LABELS = [0, 1, 2, 3, 3]
CANDIDATE = [0, 2, 2, 1, 3]  # off by 0, 1, 0, 2 and 0
BASE = [1, 1, 1, 0, 3]  # off by 1, 0, 1, 3 and 0


def case_of(labels=LABELS, candidate=CANDIDATE, **options):
    return make_case(labels, candidate, task="ordinal", **options)


def test_distances_by_hand():
    found = run_check(ordinal, case_of(base=BASE, groups={"sex": ["f", "f", "m", "m", "m"]}))
    assert pick(found, "mean_absolute_error").value == pytest.approx(3 / 5)
    assert pick(found, "mean_absolute_error").unit == "ranks"
    assert pick(found, "within_one").value == 0.8
    assert pick(found, "mean_absolute_error", compared_with="base").value == pytest.approx(-2 / 5)
    assert pick(found, "within_one", compared_with="base").value == 0.0
    assert pick(found, "mean_absolute_error", part={"sex": "f"}).value == 0.5
    assert pick(found, "mean_absolute_error", compared_with="base", part={"sex": "m"}).value == pytest.approx(-2 / 3)
    # Always 3: off by 3, 2, 1, 0 and 0.
    assert pick(found, "mean_absolute_error", of="trivial").value == pytest.approx(6 / 5)
    low, high = bound(pick(found, "mean_absolute_error"), 0.95)
    assert 0 <= low < 0.2
    assert 1.5 < high <= 3


def test_kappa_by_hand():
    # Squared faults 0 + 1 + 0 + 4 + 0 = 5. By chance: truth and answer are independent with their own frequencies,
    # which gives 23/5 + 18/5 - 2 (9/5) (8/5) = 61/25 a row.
    assert pick(run_check(ordinal, case_of()), "quadratic_kappa").value == pytest.approx(1 - 1 / (61 / 25))


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 150)
    one, two = (np.clip(labels + rng.integers(-spread, spread + 1, 150), 0, 4) for spread in (1, 2))
    found = run_check(ordinal, case_of(labels, one, incumbent=two))
    for name, reference in (
        ("quadratic_kappa", lambda truth, given: cohen_kappa_score(truth, given, weights="quadratic")),
        ("mean_absolute_error", mean_absolute_error),
    ):
        assert pick(found, name).value == pytest.approx(reference(labels, one))
        change = pick(found, name, compared_with="incumbent").value
        assert change == pytest.approx(reference(labels, one) - reference(labels, two))
    kappa = pick(found, "quadratic_kappa")
    assert kappa.bounds == ()
    assert kappa.interval.low < kappa.value < kappa.interval.high
    assert kappa.seed == "0"


def test_one_rank_off_is_less_than_three_though_accuracy_is_the_same():
    labels = np.arange(40) % 4
    near, far = np.minimum(labels + 1, 3), 3 - labels
    one, two = (run_check(ordinal, case_of(labels, given)) for given in (near, far))
    assert pick(one, "mean_absolute_error").value < pick(two, "mean_absolute_error").value
    assert pick(one, "quadratic_kappa").value > pick(two, "quadratic_kappa").value


def test_what_is_missing_is_a_gap():
    missing = gaps(run_check(ordinal, case_of([1, 1, 1], [1, 1, 1])))
    assert missing["quadratic_kappa", "candidate", None].reason == "too few rows"
    for rival in ("base", "incumbent"):
        assert {missing[name, "candidate", rival].reason for name in METRICS} == {"no data"}
    one = gaps(run_check(ordinal, case_of([1], [1])))
    assert one["mean_absolute_error", "candidate", None].reason == "too few rows"
    (gap,) = run_check(ordinal, case_of(candidate=None))
    assert (gap.name, gap.reason) == ("*", "no data")
    assert run_check(ordinal, make_case([0, 1], [0, 1])) == []


def test_power_answers_that_drift_off_are_found_and_equal_ones_are_not_accused():
    found = accused = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 5, 2000)
        old, new = (np.clip(labels + (rng.random(2000) < 0.3), 0, 4) for _ in range(2))
        worse = np.clip(new + (rng.random(2000) < 0.15), 0, 4)
        for given in (new, worse):
            changed = pick(run_check(ordinal, case_of(labels, given, incumbent=old)), "mean_absolute_error",
                           compared_with="incumbent")  # fmt: skip
            low = bound(changed, 0.999)[0]
            found += given is worse and low > 0.02
            accused += given is new and low > 0
    assert found >= 19
    assert accused == 0
