from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check
from statsmodels.stats.multitest import multipletests

import govkit.stats as gs
from govkit.checks.outcomes.calibration import WHOLE, calibration
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
    assert unsupported == set(WHOLE)
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
    own = {(name, of, None) for name in ("calibration_error", "consistency_p") for of in ("candidate", "base")}
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


FOUR = np.tile(np.arange(4), 60)


def four_classes(seed: int) -> np.ndarray:
    """Probabilities of four classes, more certain of the first two than is right."""
    z = np.random.default_rng(seed).normal(0, 1, (240, 4)) + 1.5 * (np.arange(4) == FOUR[:, None])
    e = np.exp(z * [2.0, 1.5, 1.0, 1.0])
    return e / e.sum(axis=1, keepdims=True)


def test_the_error_of_each_class_is_that_of_its_own_probability():
    stated, rival = four_classes(0), four_classes(1)
    found = run_check(calibration, make_case(FOUR, stated, base=rival))
    for of, given in (("candidate", stated), ("base", rival)):
        errors = [gs.calibration(given[:, k], k == FOUR) for k in range(4)]
        for k, error in enumerate(errors):
            one = pick(found, "class_calibration_error", of=of, part={"class": f"class {k}"})
            assert (one.value, one.bounds, one.n) == (error.value, error.bounds, 240)
        whole = pick(found, "class_calibration_error", of=of)
        assert whole.value == pytest.approx(np.sqrt(np.mean([error.value**2 for error in errors])))
        assert whole.bounds == ()


def test_two_classes_and_labels_only_have_no_error_of_a_class():
    found = run_check(calibration, make_case(LABELS, STATED)) + run_check(
        calibration, make_case(FOUR, four_classes(0), base=FOUR)
    )
    assert {item.of for item in found if item.name == "class_calibration_error"} == {"candidate"}
    assert not [item for item in found if item.name == "class_calibration_error" and len(item.part) > 1]
    assert len([item for item in found if item.name == "class_calibration_error" and item.part]) == 4


def test_the_error_of_a_class_of_few_rows_is_a_gap():
    found = run_check(calibration, make_case(FOUR[:19], four_classes(0)[:19]))
    gap = gaps(found)["class_calibration_error", "candidate", None]
    assert (gap.reason, "19 rows" in gap.detail) == ("too few rows", True)
    assert not [item for item in found if item.name == "class_calibration_error" and item.part]


@pytest.mark.parametrize(("groups", "draws"), [(3, 199), (12, 259)])
def test_the_p_values_of_the_groups_of_a_column_are_adjusted_as_statsmodels_does(groups, draws):
    labels, stated = draw(7, 600, temperature=0.75)
    columns = {"g": np.arange(600) % groups, "h": np.where(np.arange(600) < 300, "low", "high")}
    found = run_check(calibration, make_case(labels, stated, base=stated[::-1], groups=columns, seed=5))
    for of, given in (("candidate", stated), ("base", stated[::-1])):
        for name, among in columns.items():
            values, many = np.unique(among), draws if name == "g" else 199
            p = [gs.consistency_test(given[among == v], labels[among == v] == 1, 5, many) for v in values]
            wanted = dict(zip(map(str, values), multipletests(p, method="holm")[1], strict=True))
            adjusted = {v: pick(found, "consistency_p_adjusted", of=of, part={name: v}) for v in wanted}
            assert {v: one.value for v, one in adjusted.items()} == pytest.approx(wanted)
            assert {(one.seed, one.bounds) for one in adjusted.values()} == {("5", ())}


def test_with_many_groups_there_are_enough_draws_to_accuse_one():
    labels, stated = draw(8, 1200)
    group = np.arange(1200) % 40
    stated = np.where(group == 7, 1 - stated, stated)
    found = run_check(calibration, make_case(labels, stated, groups={"g": group}))
    adjusted = {item.part["g"]: item.value for item in found if item.name == "consistency_p_adjusted"}
    assert adjusted["7"] <= 0.05
    assert min(p for name, p in adjusted.items() if name != "7") > 0.05


def test_the_direction_of_a_group_is_its_own():
    labels, stated = draw(9, 400)
    group = np.where(np.arange(400) < 399, np.where(np.arange(400) < 250, "sure", "shy"), "single")
    stated = np.where(group == "sure", np.minimum(stated + 0.1, 1), stated * 0.8)
    found = run_check(calibration, make_case(labels, stated, groups={"g": group}))
    for name, sign in (("sure", 1), ("shy", -1)):
        gap, own = pick(found, "mean_gap", part={"g": name}), group == name
        assert gap.value == pytest.approx(stated[own].mean() - labels[own].mean())
        assert sign * gap.value > 0
        assert bound(gap, 0.95)[0] < gap.value < bound(gap, 0.95)[1]
    reasons = {(item.name, item.reason) for item in found if isinstance(item, Gap) and item.part == {"g": "single"}}
    assert reasons == {("mean_gap", "too few rows"), ("calibration_error", "too few rows")}
    assert pick(found, "consistency_p_adjusted", part={"g": "single"}).n == 1


def test_the_incumbent_is_measured_by_group_but_not_tested():
    labels, stated = draw(10, 100)
    found = run_check(calibration, make_case(labels, stated, incumbent=stated, groups={"g": np.arange(100) % 2}))
    own = {item.name for item in found if item.of == "incumbent" and item.part}
    assert own == {"calibration_error", "mean_gap"}


def test_the_smooth_error_and_the_cumulated_gap_are_those_of_the_functions():
    labels, stated = draw(11, 300, temperature=0.6)
    found = run_check(calibration, make_case(labels, stated, base=np.full(300, 0.5)))
    for of, given in (("candidate", stated), ("base", np.full(300, 0.5))):
        for name in ("smooth_calibration_error", "cumulated_gap"):
            assert pick(found, name, of=of).value == getattr(gs, name)(given, labels)
            assert pick(found, name, of=of).bounds == ()


def test_the_smooth_diagram_is_that_of_candidate_and_base():
    labels, stated = draw(12, 500)
    found = run_check(calibration, make_case(labels, stated, base=stated**2, incumbent=stated))
    for of, given in (("candidate", stated), ("base", stated**2)):
        points = gs.smooth_diagram(given, labels, 0)
        assert len(points) > 20
        for point in points:
            one = pick(found, "smooth_observed", of=of, part={"bin": f"{point.confidence:.2f}"})
            assert (one.value, one.n, one.bounds) == (point.observed, point.n, ())
            assert (one.interval, one.seed) == (point.band, "0")
    assert {item.of for item in found if item.name == "smooth_observed"} == {"candidate", "base"}


@pytest.mark.parametrize(("label", "stated"), [(1, 1.0), (0, 0.0), (1, 0.3), (0, 0.5)])
def test_constant_answers_and_labels_that_are_all_alike_are_measured(label, stated):
    found = run_check(calibration, make_case(np.full(30, label), np.full(30, stated), classes=("no", "yes")))
    gap = abs(stated - label)
    for name in ("calibration_error", "ece", "smooth_calibration_error", "cumulated_gap"):
        assert pick(found, name).value == pytest.approx(gap, abs=1e-6), name
    assert pick(found, "consistency_p").value == (1 / 200 if gap else 1)
