from __future__ import annotations

import numpy as np
import pytest
from case_fixture import bound, gaps, make_case, pick, run_check
from sklearn.metrics import f1_score, matthews_corrcoef, precision_recall_fscore_support, precision_score, recall_score

from govkit.checks._class_scores import SCORES, UNDEFINED
from govkit.checks.outcomes.performance import COMPARED, performance

LABELS = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
CANDIDATE = [0.1, 0.2, 0.3, 0.4, 0.6, 0.2, 0.9, 0.8, 0.7, 0.3]  # wrong in rows 4 and 9
BASE = [0.1, 0.2, 0.6, 0.7, 0.3, 0.2, 0.9, 0.4, 0.7, 0.3]  # wrong in rows 2, 3, 7 and 9


@pytest.fixture(scope="module")
def found():
    sex = ["f", "f", "f", "m", "m", "m", "f", "f", "m", "m"]
    shifted = {"labels": [0, 1, 1, 1], "probs": [0.6, 0.9, 0.8, 0.3], "base": [0.1, 0.9, 0.9, 0.9]}
    return run_check(performance, make_case(LABELS, CANDIDATE, groups={"sex": sex}, base=BASE, shifted=shifted))


def test_accuracy_is_the_share_of_right_answers(found):
    assert pick(found, "accuracy").value == 0.8
    assert pick(found, "accuracy", of="base").value == 0.6
    assert pick(found, "accuracy", of="trivial").value == 0.6
    assert pick(found, "accuracy").n == 10
    # Clopper-Pearson of 8 in 10 at 0.95, from its tables.
    assert bound(pick(found, "accuracy"), 0.95) == pytest.approx((0.4931, 0.9632), abs=1e-4)


def test_balanced_accuracy_is_the_mean_recall(found):
    assert pick(found, "balanced_accuracy").value == pytest.approx((5 / 6 + 3 / 4) / 2)
    assert pick(found, "balanced_accuracy", of="base").value == pytest.approx((4 / 6 + 2 / 4) / 2)
    change = pick(found, "balanced_accuracy", compared_with="base")
    assert change.value == pytest.approx((5 / 6 + 3 / 4) / 2 - (4 / 6 + 2 / 4) / 2)


def test_roc_auc_counts_pairs_in_order(found):
    # Of 24 pairs of a negative and a positive row, 0.3 is below 0.4 and 0.6 and ties 0.3: 21.5 in order.
    assert pick(found, "roc_auc").value == pytest.approx(21.5 / 24)


def test_log_loss_is_the_mean_negative_logarithm(found):
    true = np.where(LABELS, CANDIDATE, 1 - np.array(CANDIDATE))
    assert pick(found, "log_loss").value == pytest.approx(-np.log(true).mean())
    assert pick(found, "log_loss").unit == "nats"
    trivial = -(0.6 * np.log(0.6) + 0.4 * np.log(0.4))
    assert pick(found, "log_loss", of="trivial").value == pytest.approx(trivial)
    gain = pick(found, "log_loss", compared_with="trivial")
    assert gain.value == pytest.approx(-np.log(true).mean() - trivial)


def test_a_certain_wrong_answer_costs_much_and_not_infinitely_much():
    found = run_check(performance, make_case([0, 1], [[0.0, 1.0], [0.0, 1.0]]))
    assert pick(found, "log_loss").value == pytest.approx(-np.log(np.finfo(float).eps) / 2)


def test_two_rows_do_not_pass_a_limit_on_the_log_loss():
    rows = {"labels": [0, 1], "probs": [0.0, 1.0]}
    found = run_check(performance, make_case([0, 1], [0.0, 1.0], base=[0.0, 1.0], shifted=rows))
    assert bound(pick(found, "log_loss"), 0.9999)[1] > 35
    low, high = bound(pick(found, "log_loss", compared_with="base"), 0.95)
    assert -low == high > 25
    assert bound(pick(found, "log_loss_change", role="shifted"), 0.95)[1] > 25


def test_differences_are_paired(found):
    # Only the candidate is right in rows 2, 3 and 7, only the base in row 4.
    change = pick(found, "accuracy", compared_with="base")
    assert change.value == pytest.approx(0.2)
    assert change.n == 10
    low, high = bound(change, 0.95)
    assert -0.4 < low < 0 < high < 0.7
    assert pick(found, "accuracy", compared_with="trivial").value == pytest.approx(0.2)


def test_accuracy_of_each_group(found):
    assert pick(found, "accuracy", part={"sex": "f"}).value == 1.0
    assert pick(found, "accuracy", part={"sex": "m"}).value == pytest.approx(3 / 5)
    assert pick(found, "accuracy", of="base", part={"sex": "f"}).value == pytest.approx(3 / 5)
    assert pick(found, "accuracy", compared_with="base", part={"sex": "f"}).value == pytest.approx(2 / 5)


def test_the_shifted_rows_stand_beside_the_test_rows(found):
    assert pick(found, "accuracy", role="shifted").value == 0.5
    assert pick(found, "accuracy_change", role="shifted").value == pytest.approx(-0.3)
    assert pick(found, "accuracy_change", of="base", role="shifted").value == pytest.approx(0.4)
    after = -np.log([0.4, 0.9, 0.8, 0.3]).mean()
    before = pick(found, "log_loss").value
    assert pick(found, "log_loss_change", role="shifted").value == pytest.approx(after - before)


def test_direction_is_stamped(found):
    assert pick(found, "accuracy").better == "higher"
    assert pick(found, "log_loss").better == "lower"


def test_without_shifted_data_and_base_there_are_gaps_and_no_numbers():
    found = run_check(performance, make_case(LABELS, CANDIDATE))
    missing = gaps(found)
    assert missing["accuracy_change", "candidate", None].reason == "no data"
    assert missing["log_loss_change", "candidate", None].reason == "no data"
    for rival in ("base", "incumbent"):
        about = [finding for finding in found if rival in (finding.of, finding.compared_with)]
        assert {item.name for item in about} == set(COMPARED)
        assert all(missing[item.name, "candidate", rival] is item and rival in item.detail for item in about)


def test_labels_without_probabilities_are_unsupported_where_they_matter():
    found = run_check(performance, make_case(LABELS, CANDIDATE, base=(np.array(BASE) > 0.5).astype(int)))
    assert pick(found, "accuracy", of="base").value == 0.6
    for name in ("roc_auc", "log_loss"):
        gap = gaps(found)[name, "base", None]
        assert gap.reason == "unsupported"
        assert name in gap.detail
    assert not [finding for finding in found if finding.name == "log_loss" and finding.compared_with == "base"]


def test_one_class_only_has_no_ranking():
    found = run_check(performance, make_case([1, 1, 1], [0.9, 0.8, 0.4]))
    assert gaps(found)["roc_auc", "candidate", None].reason == "too few rows"
    assert pick(found, "balanced_accuracy").value == pytest.approx(2 / 3)


def test_one_row_has_no_bounds_for_a_mean():
    found = run_check(performance, make_case([1], [0.9]))
    assert gaps(found)["log_loss", "candidate", None].reason == "too few rows"
    assert pick(found, "accuracy").value == 1.0


def test_many_classes_give_an_area_without_bounds():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), 60)
    found = run_check(performance, make_case(np.arange(60) % 3, probabilities, base=rng.dirichlet(np.ones(3), 60)))
    assert pick(found, "roc_auc").bounds == ()
    assert pick(found, "roc_auc").interval is None
    assert gaps(found)["roc_auc", "candidate", "base"].reason == "unsupported"


def change_of_accuracy(labels, new, old):
    found = run_check(performance, make_case(labels, new, base=old))
    return bound(pick(found, "accuracy", compared_with="base"), 0.999)


def test_power_a_loss_of_five_points_is_found_and_an_equal_model_is_not_accused():
    found = false_alarms = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 2000)
        old = np.where(rng.random(2000) < 0.9, labels, 1 - labels)
        worse = np.where((old == labels) & (rng.random(2000) < 0.055), 1 - old, old)
        found += change_of_accuracy(labels, worse, old)[1] < -0.01
        # Two models that share one fate: which of them gets which answer is a coin toss, row by row.
        toss = rng.random(2000) < 0.5
        one, two = np.where(toss, old, worse), np.where(toss, worse, old)
        false_alarms += change_of_accuracy(labels, one, two)[1] < 0
    assert found >= 28
    assert false_alarms == 0


def test_shifted_rows_without_the_candidates_answers_leave_the_test_rows_measured():
    shifted = {"labels": [0, 1, 1, 1], "base": [0.1, 0.9, 0.9, 0.2]}
    found = run_check(performance, make_case(LABELS, CANDIDATE, base=BASE, shifted=shifted))
    assert pick(found, "accuracy").value == 0.8
    assert pick(found, "accuracy", of="base", role="shifted").value == 0.75
    assert pick(found, "accuracy_change", of="base", role="shifted").value == pytest.approx(0.15)
    missing = gaps(found)
    for name in ("accuracy", "log_loss", "accuracy_change", "log_loss_change"):
        gap = missing[name, "candidate", None]
        assert (gap.reason, gap.data.role) == ("no data", "shifted")
    for rival in ("base", "trivial"):
        assert missing["accuracy", "candidate", rival].data.role == "shifted"
    assert not [item for item in found if item.name == "*"]


SCORERS = {
    "precision": precision_score,
    "recall": recall_score,
    "f1": f1_score,
    "matthews_corrcoef": lambda truth, given, **_: matthews_corrcoef(truth, given),
}


@pytest.mark.parametrize(("classes", "average"), [(2, "binary"), (4, "macro")])
def test_scores_and_their_differences_are_those_of_scikit_learn(classes, average):
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, 400)
    one, two = (np.where(rng.random(400) < share, rng.integers(0, classes, 400), labels) for share in (0.2, 0.4))
    found = run_check(performance, make_case(labels, one, base=two))
    for name, score in SCORERS.items():
        first, second = score(labels, one, average=average), score(labels, two, average=average)
        assert pick(found, name).value == pytest.approx(first), name
        assert pick(found, name, of="base").value == pytest.approx(second), name
        change = pick(found, name, compared_with="base")
        assert change.value == pytest.approx(first - second), name
        assert change.interval.low < first - second < change.interval.high, name
        # Only what has honest bounds can be held to a limit.
        assert bool(pick(found, name).bounds) is (name != "matthews_corrcoef"), name
        assert bool(change.bounds) is (name == "recall"), name


def test_the_positive_class_is_the_one_that_the_case_names():
    labels, given = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])
    for positive in (0, 1):
        found = run_check(performance, make_case(labels, given, positive=positive))
        for name in ("precision", "recall", "f1"):
            assert pick(found, name).value == pytest.approx(SCORERS[name](labels, given, pos_label=positive)), name


def test_each_of_many_classes_has_its_own_scores():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    given = np.where(rng.random(200) < 0.5, rng.integers(0, 4, 200), labels)
    found = run_check(performance, make_case(labels, given))
    expected = precision_recall_fscore_support(labels, given)
    for index in range(4):
        for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
            item = pick(found, name, part={"class": f"class {index}"})
            assert item.value == pytest.approx(values[index])
            assert len(item.bounds) == 9


def test_differences_of_scores_are_drawn_in_pairs():
    """Two models that fail on the same rows are told apart with a fraction of what two samples would need."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 1000)
    one = np.where(rng.random(1000) < 0.3, 1 - labels, labels)
    two = np.where(rng.random(1000) < 0.02, 1 - labels, one)
    found = run_check(performance, make_case(labels, one, base=two))
    for name in ("recall", "precision", "f1", "matthews_corrcoef"):
        apart, alone = pick(found, name, compared_with="base").interval, pick(found, name).interval
        assert apart.high - apart.low < 0.6 * (alone.high - alone.low), name
    same = run_check(performance, make_case(labels, one, base=one))
    assert {pick(same, name, compared_with="base").value for name in SCORES} == {0.0}


def test_a_score_that_does_not_exist_is_a_gap_that_says_why():
    found = run_check(performance, make_case([0, 0, 0], [0, 0, 0], base=[0, 1, 0]))
    missing = gaps(found)
    for name in SCORES:
        gap = missing[name, "candidate", None]
        assert (gap.reason, gap.detail) == ("too few rows", UNDEFINED[name])
        assert missing[name, "candidate", "base"].reason == "too few rows"
    assert pick(found, "precision", of="base").value == 0.0


def test_a_class_without_rows_or_answers_is_left_to_the_others():
    # Of the four classes, one has no rows, one gets no answer, and one has neither.
    labels, given = np.array([0, 0, 1, 1, 0]), np.array([0, 2, 0, 0, 0])
    found = run_check(performance, make_case(labels, given, classes=("a", "b", "c", "d")))
    assert pick(found, "precision").value == pytest.approx(
        precision_score(labels, given, average="macro", zero_division=0)
    )
    assert pick(found, "f1").value == pytest.approx(f1_score(labels, given, average="macro", zero_division=0))
    # As in balanced accuracy: a class without rows has no recall.
    assert pick(found, "recall").value == pick(found, "balanced_accuracy").value == pytest.approx((2 / 3 + 0) / 2)
    part = {"class": "d"}
    absent = {item.name for item in found if item.part == part}
    assert absent == {"precision", "recall", "f1"}
    assert all(item.reason == "too few rows" for item in found if item.part == part)
