"""Accuracy on the shifted rows, estimated without their labels."""

import numpy as np
import pytest
from case_fixture import gaps, make_case, pick, run_check
from rows_fixture import read_case, run, value
from sklearn.isotonic import IsotonicRegression

from govkit.checks import catalog
from govkit.checks.data.label_free import label_free_accuracy
from govkit.core import Predictions
from govkit.report.words import catalog as words, family


def rows(rng, count, *, sure=(1, 1), twist=1.6):
    """Labels and stated probabilities; the true probability is another, the same in all rows of one stated one."""
    stated = rng.beta(*sure, count)
    true = 1 / (1 + np.exp(-(twist * np.log(stated / (1 - stated)) + 0.3)))
    return (rng.random(count) < true).astype(int), stated


def estimated(case, name="estimated_accuracy", **where):
    return pick(run_check(label_free_accuracy, case), name, role="shifted", **where)


def accuracy(labels, stated):
    return float(np.mean(labels == (stated > 0.5)))


@pytest.fixture(scope="module")
def harder():
    """Shifted rows of which far more lie near the middle, so that accuracy falls."""
    rng = np.random.default_rng(0)
    return rows(rng, 5000), rows(rng, 5000, sure=(4, 4))


def test_rows_that_became_harder_are_seen_without_their_labels(harder):
    test, shifted = harder
    fall = accuracy(*test) - accuracy(*shifted)
    assert fall > 0.1
    case = make_case(*test, shifted=dict(zip(("labels", "probs"), shifted, strict=True)))
    found = estimated(case)
    assert found.value == pytest.approx(accuracy(*shifted), abs=0.02)
    assert found.interval.low < accuracy(*shifted) < found.interval.high
    assert found.interval.high < accuracy(*test) - 0.08
    assert (found.n, found.seed, found.bounds) == (5000, "0", ())
    assert estimated(case, "estimate_error").value == pytest.approx(found.value - accuracy(*shifted), abs=1e-12)


def test_nothing_moves_where_the_rows_are_the_same(harder):
    (labels, stated), _ = harder
    case = make_case(labels, stated, shifted={"labels": labels, "probs": stated})
    assert estimated(case).value == pytest.approx(accuracy(labels, stated), abs=4e-3)
    error = estimated(case, "estimate_error")
    assert error.interval.low < 0 < error.interval.high


def test_flipped_labels_leave_the_estimate_where_it_was_and_show_in_the_error(harder):
    test, (labels, stated) = harder
    flipped = np.where(np.random.default_rng(1).random(labels.size) < 0.05, 1 - labels, labels)
    cases = [make_case(*test, shifted={"labels": truth, "probs": stated}) for truth in (labels, flipped)]
    before, after = map(estimated, cases)
    assert after.value == before.value
    change = accuracy(labels, stated) - accuracy(flipped, stated)
    errors = [estimated(case, "estimate_error").value for case in cases]
    assert errors[1] - errors[0] == pytest.approx(change, abs=1e-12)
    assert change > 0.01
    assert "blind to concept drift" in label_free_accuracy.metrics["estimated_accuracy"].what
    assert "blind to concept drift" in words()["metrics"]["estimated_accuracy"]


def test_the_intervals_hold_as_often_as_readers_expect():
    """Of 24 draws of test and shifted rows; the long run is in the bench."""
    truth = accuracy(*rows(np.random.default_rng(99), 400_000, sure=(3, 1.5)))
    held = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        test, shifted = rows(rng, 300), rows(rng, 300, sure=(3, 1.5))
        found = estimated(make_case(*test, shifted=dict(zip(("labels", "probs"), shifted, strict=True))))
        held += found.interval.low <= truth <= found.interval.high
    assert held >= 19


def test_several_classes_are_estimated_by_the_probability_of_the_answer():
    rng = np.random.default_rng(2)

    def side(count, sharpness):
        probs = rng.dirichlet(np.full(4, sharpness), count)
        answer, right = probs.argmax(axis=1), rng.random(count) < 0.1 + 0.7 * probs.max(axis=1)
        return np.where(right, answer, (answer + rng.integers(1, 4, count)) % 4), probs

    (labels, probs), (later, later_probs) = side(6000, 0.4), side(6000, 1.5)
    right, later_right = (labels == probs.argmax(axis=1)).mean(), (later == later_probs.argmax(axis=1)).mean()
    assert right - later_right > 0.1
    case = make_case(labels, probs, shifted={"labels": later, "probs": later_probs})
    assert estimated(case).value == pytest.approx(later_right, abs=0.015)


def test_each_group_stands_alone_and_a_small_one_is_a_gap(harder):
    test, (labels, stated) = harder
    group = np.where(np.abs(stated - 0.5) < 0.1, "middle", "ends").astype(object)
    group[:60] = "few"
    case = make_case(*test, shifted={"labels": labels, "probs": stated, "groups": {"g": group}})
    found = run_check(label_free_accuracy, case)
    for name in ("middle", "ends"):
        inside = group == name
        part = pick(found, "estimated_accuracy", role="shifted", part={"g": name})
        assert part.value == pytest.approx(accuracy(labels[inside], stated[inside]), abs=0.03)
        assert part.n == inside.sum()
    absent = [item for item in found if getattr(item, "part", None) == {"g": "few"}]
    assert {(item.name, item.reason) for item in absent} == {
        ("estimated_accuracy", "too few rows"),
        ("estimate_error", "too few rows"),
    }


def test_the_order_of_the_rows_and_of_the_classes_does_not_count(harder):
    (labels, stated), (later, later_stated) = harder
    turned = make_case(1 - labels, 1 - stated, shifted={"labels": 1 - later[::-1], "probs": 1 - later_stated[::-1]})
    case = make_case(labels, stated, shifted={"labels": later, "probs": later_stated})
    assert estimated(turned).value == pytest.approx(estimated(case).value, abs=1e-3)


def test_it_agrees_with_an_isotonic_regression_of_the_single_rows(harder):
    test, shifted = harder
    fitted = IsotonicRegression(out_of_bounds="clip").fit(test[1], test[0]).predict(shifted[1])
    wanted = np.where(shifted[1] > 0.5, fitted, 1 - fitted).mean()
    case = make_case(*test, shifted=dict(zip(("labels", "probs"), shifted, strict=True)))
    assert estimated(case).value == pytest.approx(wanted, abs=1e-3)


def test_what_is_lacking_is_a_gap():
    rng = np.random.default_rng(3)
    test, later = rows(rng, 200), rows(rng, 200)
    lacking = {
        "no data": make_case(*test, shifted={"labels": later[0]}),
        "too few rows": make_case(
            test[0][:99], test[1][:99], shifted=dict(zip(("labels", "probs"), later, strict=True))
        ),
    }
    for reason, case in lacking.items():
        found = gaps(run_check(label_free_accuracy, case))
        assert {key[0]: gap.reason for key, gap in found.items()} == {
            "estimated_accuracy": reason,
            "estimate_error": reason,
        }
    for case in (make_case(*test), make_case(test[0], (test[1] > 0.5).astype(int))):
        ((_, gap),) = gaps(run_check(label_free_accuracy, case)).items()
        assert gap.name == "*"


def test_each_of_several_labels_is_estimated_by_itself():
    rng = np.random.default_rng(5)
    (one, stated), (other, unsure) = rows(rng, 1000), rows(rng, 1000, sure=(4, 4))
    labels, probs = np.column_stack([one, other]), np.column_stack([stated, unsure])
    texts = {"text": [f"row {at}" for at in range(1000)], "p": one, "q": other}
    case = read_case(
        {"test": texts, "shifted": texts}, columns={"input": "text", "label": ("p", "q")}, classes=("p", "q"),
        task="multilabel", answers=lambda of, role: order(case, role, labels, probs) if of == "candidate" else None,
    )  # fmt: skip
    found = run("label_free_accuracy", case)
    for name, truth in (("p", accuracy(one, stated)), ("q", accuracy(other, unsure))):
        assert value(found, "estimated_accuracy", part={"label": name}) == pytest.approx(truth, abs=0.01)


def order(case, role, labels, probs):
    at = [int(text.split()[1]) for text in case.data[role].inputs]
    assert (case.data[role].labels == labels[at]).all()
    return Predictions((probs[at] > 0.5).astype(np.int64), probs[at])


def test_the_check_is_in_the_catalog_of_drift():
    assert catalog()["label_free_accuracy"].crosswalk == "check.drift"
    assert family("label_free_accuracy") == "data"
