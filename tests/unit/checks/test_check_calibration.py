from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check

from govkit.checks.outcomes.calibration import calibration
from govkit.core import Gap

# Ten rows at 0.9 of which six are right, ten at 0.6 of which six are right.
LABELS = np.array([1] * 6 + [0] * 4 + [1] * 6 + [0] * 4)
STATED = np.array([0.9] * 10 + [0.6] * 10)


def draw(seed: int, rows: int, *, temperature: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest probabilities, and these probabilities sharpened by a temperature."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(shift, 2, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
    return labels, 1 / (1 + np.exp(-logit / temperature))


@pytest.fixture(scope="module")
def found():
    return run_check(calibration, make_case(LABELS, STATED, base=np.full(20, 0.6), seed=3))


def test_the_expected_error_is_the_mean_gap_of_the_bins(found):
    # Half of the rows miss by 0.3, the other half by nothing.
    assert pick(found, "ece").value == pytest.approx(0.15)
    assert pick(found, "ece").bounds == ()
    assert pick(found, "ece", of="base").value == pytest.approx(0.0)


def test_the_debiased_error_takes_chance_off(found):
    squared = 0.5 * (0.3**2 - 0.6 * 0.4 / 9) + 0.5 * (0 - 0.6 * 0.4 / 9)
    error = pick(found, "calibration_error")
    assert error.value == pytest.approx(np.sqrt(squared))
    assert (error.better, error.n, error.seed) == ("lower", 20, "")


def test_brier_score_and_mean_gap(found):
    assert pick(found, "brier").value == pytest.approx((6 * 0.01 + 4 * 0.81 + 6 * 0.16 + 4 * 0.36) / 20)
    assert pick(found, "mean_gap").value == pytest.approx(0.75 - 0.6)
    assert pick(found, "mean_gap", of="base").value == pytest.approx(0.0)


def test_the_brier_score_of_many_classes_is_a_sum_over_them():
    found = run_check(calibration, make_case([0, 2], [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))
    assert pick(found, "brier").value == pytest.approx(((0.25 + 0.09 + 0.04) + (0.01 + 0.01 + 0.04)) / 2)


def test_the_diagram_holds_the_bins_with_rows(found):
    confidence, observed = pick(found, "bin_confidence", part={"bin": "0.867-0.933"}), "bin_observed"
    assert (confidence.value, confidence.n) == (pytest.approx(0.9), 10)
    assert pick(found, observed, part={"bin": "0.867-0.933"}).value == 0.6
    assert sum(item.n for item in found if item.name == observed and item.of == "candidate") == 20
    assert sum(item.n for item in found if item.name == observed and item.of == "base") == 20


def test_the_number_of_bins_is_a_parameter():
    found = run_check(calibration, make_case(LABELS, STATED), bins=2)
    assert [item.part for item in found if item.name == "bin_confidence"] == [{"bin": "0.5-1.0"}]
    assert pick(found, "ece").value == pytest.approx(0.15)
    assert pick(found, "ece").params == {"bins": 2}


def test_the_difference_to_the_base_is_paired_and_seeded(found):
    change = pick(found, "calibration_error", compared_with="base")
    assert change.seed == "3"
    assert change.n == 20
    low, high = bound(change, 0.95)
    assert low <= change.value <= high


def test_the_p_value_has_the_bounds_of_its_draws():
    labels, stated = draw(0, 400)
    p = pick(run_check(calibration, make_case(labels, stated)), "consistency_p")
    low, high = bound(p, 0.95)
    assert low < p.value < high
    assert high - low < 0.15
    assert (p.seed, p.n) == ("0", 400)


def test_small_groups_are_gaps():
    group = ["x"] * 19 + ["y"] * 21
    labels, stated = draw(1, 40)
    found = run_check(calibration, make_case(labels, stated, groups={"g": group}))
    (gap,) = [item for item in found if isinstance(item, Gap) and item.part]
    assert (gap.part, gap.name, gap.reason) == ({"g": "x"}, "calibration_error", "too few rows")
    assert "19 rows" in gap.detail
    assert pick(found, "calibration_error", part={"g": "y"}).n == 21


def test_the_change_under_shift_is_shifted_less_test():
    labels, stated = draw(2, 1500)
    later, certain = draw(3, 1500, temperature=0.4)
    shifted = {"labels": later, "probs": certain, "base": certain}
    found = run_check(calibration, make_case(labels, stated, base=stated, shifted=shifted))
    change = pick(found, "calibration_error_change", role="shifted")
    after, before = pick(found, "calibration_error", role="shifted"), pick(found, "calibration_error")
    assert change.value == pytest.approx(after.value - before.value)
    assert change.n == 3000
    assert bound(change, 0.99)[0] > 0
    pick(found, "calibration_error_change", of="base", role="shifted")


def test_without_shifted_data_the_change_is_a_gap(found):
    assert gaps(found)["calibration_error_change", "candidate", None].reason == "no data"


def test_a_candidate_with_labels_only_is_one_gap():
    (gap,) = run_check(calibration, make_case(LABELS, (STATED > 0.5).astype(int)))
    assert (gap.name, gap.reason) == ("*", "unsupported")


def test_a_base_with_labels_only_is_a_gap_for_each_metric():
    found = run_check(calibration, make_case(LABELS, STATED, base=LABELS))
    unsupported = {name for (name, of, _), gap in gaps(found).items() if of == "base" and gap.reason == "unsupported"}
    assert unsupported == {"calibration_error", "ece", "brier", "consistency_p", "mean_gap"}
    assert not [item for item in found if item.compared_with == "base"]


def test_a_model_that_is_missing_is_a_gap_of_the_comparison():
    missing = gaps(run_check(calibration, make_case(LABELS, STATED, base=STATED)))
    assert ("calibration_error", "candidate", "base") not in missing
    assert missing["calibration_error", "candidate", "incumbent"].reason == "no data"


@pytest.mark.parametrize(("rows", "later"), [(19, 25), (25, 19)])
def test_a_calibration_error_of_few_rows_is_a_gap(rows, later):
    (labels, stated), (after, certain) = draw(4, rows), draw(5, later)
    shifted = {"labels": after, "probs": certain, "base": certain}
    found = run_check(calibration, make_case(labels, stated, base=stated, shifted=shifted))
    few = {(item.name, item.of, item.compared_with) for item in found if getattr(item, "reason", "") == "too few rows"}
    changes = {("calibration_error_change", of, None) for of in ("candidate", "base")}
    own = {("calibration_error", of, None) for of in ("candidate", "base")}
    assert few == changes | own | ({("calibration_error", "candidate", "base")} if rows == 19 else set())
    assert pick(found, "brier").n == rows
    assert pick(found, "ece", role="shifted").n == later


def test_two_rows_do_not_pass_a_limit_on_the_mean():
    found = run_check(calibration, make_case([0, 1], [0.0, 1.0]))
    assert pick(found, "brier").value == 0
    assert bound(pick(found, "brier"), 0.9999)[1] > 0.99
    assert bound(pick(found, "mean_gap"), 0.95)[0] < -0.8
    many = run_check(calibration, make_case([0, 2], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    assert bound(pick(many, "brier"), 0.9999)[1] > 1.98


def test_one_row_is_too_few():
    found = run_check(calibration, make_case([1], [0.9]))
    assert gaps(found)["calibration_error", "candidate", None].reason == "too few rows"


def test_probabilities_a_last_digit_above_one_are_taken():
    found = run_check(calibration, make_case([1, 1, 0], [[-1e-12, 1 + 1e-12]] * 3))
    assert pick(found, "mean_gap").value == pytest.approx(1 / 3)


def test_power_overconfidence_is_found_and_honest_probabilities_are_not_accused():
    found = accused = 0
    for seed in range(20):
        labels, sharp = draw(seed, 3000, temperature=0.5)
        error = pick(run_check(calibration, make_case(labels, sharp)), "calibration_error")
        found += bound(error, 0.95)[0] > 0.05
        labels, honest = draw(seed, 3000)
        error = pick(run_check(calibration, make_case(labels, honest)), "calibration_error")
        accused += bound(error, 0.999)[0] > 0.05
    assert found >= 18
    assert accused == 0
