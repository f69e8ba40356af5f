"""Laws of the outcomes, whatever the rows."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from case_fixture import make_case, run_check
from hypothesis import given, settings, strategies as st

from govkit.checks.outcomes.bias import bias
from govkit.checks.outcomes.calibration import calibration
from govkit.checks.outcomes.flips import flips
from govkit.checks.outcomes.overfit import overfit
from govkit.checks.outcomes.performance import performance
from govkit.core import Case, Finding, Gap, Measurement

CHECKS = [performance, flips, bias, calibration, overfit]


def rows(seed: int, count: int, classes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    # Probabilities on a grid: the same number, summed in any order, and ties enough.
    models = {name: rng.integers(1, 9, (count, classes)).astype(float) for name in ("probs", "base", "incumbent")}
    return {
        "labels": labels,
        "group": rng.choice(["a", "b", "c"], count),
        **{name: weights / weights.sum(axis=1, keepdims=True) for name, weights in models.items()},
    }


def build(
    table: dict[str, np.ndarray], other: dict[str, np.ndarray], order: Callable[[np.ndarray], np.ndarray]
) -> Case:
    table, other = ({name: order(values) for name, values in part.items()} for part in (table, other))
    test = {name: table[name] for name in ("labels", "probs", "base", "incumbent")}
    classes = tuple(f"class {index}" for index in range(table["probs"].shape[1]))
    return make_case(**test, groups={"g": table["group"]}, train=other, shifted=other, classes=classes)


def flat(findings: list[Finding]) -> dict[str, dict]:
    """Findings by what they are about; data digests left out, since they name the rows in their order."""
    found = {}
    for item in findings:
        plain = item.model_dump(mode="json", exclude={"data"})
        role = item.data.role if item.data else None
        key = [item.name, item.of, item.compared_with, item.part, role]
        found[json.dumps(key, sort_keys=True)] = plain
    return found


def numbers(item: dict) -> list[float]:
    if item["kind"] == "gap":
        return []
    ends = [item["interval"]["low"], item["interval"]["high"]] if item["interval"] else []
    return [item["value"], *ends, *(end for one in item["bounds"] for end in (one["low"], one["high"]))]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(30, 80), classes=st.integers(2, 3))
def test_the_order_of_rows_changes_nothing(check, seed, count, classes):
    table, other = rows(seed, count, classes), rows(seed + 1, count, classes)
    order = np.random.default_rng(seed).permutation(count)
    first = flat(run_check(check, build(table, other, lambda values: values)))
    second = flat(run_check(check, build(table, other, lambda values: values[order])))
    assert first.keys() == second.keys()
    for key, item in first.items():
        if not item.get("seed"):
            assert numbers(second[key]) == pytest.approx(numbers(item), rel=1e-9, abs=1e-9), key


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60), classes=st.integers(2, 4))
def test_whatever_the_rows_there_is_no_crash_and_every_number_is_in_its_range_and_bounds(check, seed, count, classes):
    table, other = rows(seed, count, classes), rows(seed + 1, count, classes)
    for item in run_check(check, build(table, other, lambda values: values)):
        if isinstance(item, Gap):
            # With more than two classes some metrics have no difference with bounds: that is said, not guessed.
            assert item.reason == "too few rows" or (item.reason == "unsupported" and classes > 2), item
            continue
        assert isinstance(item, Measurement)
        about = check.metrics[item.name]
        if item.compared_with is None and about.low is not None:
            assert about.low - 1e-12 <= item.value
        if item.compared_with is None and about.high is not None:
            assert item.value <= about.high + 1e-12
        lows, highs = [one.low for one in item.bounds], [one.high for one in item.bounds]
        assert all(low <= item.value <= high for low, high in zip(lows, highs, strict=True))
        assert lows == sorted(lows, reverse=True)
        assert highs == sorted(highs)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_same_case_gives_the_same_findings(check):
    table, other = rows(5, 60, 2), rows(6, 60, 2)
    one, two = (run_check(check, build(table, other, lambda values: values)) for _ in range(2))
    assert one == two


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(30, 60))
def test_a_model_compared_with_itself_has_changed_nothing(seed, count):
    table = rows(seed, count, 2)
    table["base"] = table["probs"]
    case = build(table, table, lambda values: values)
    for check in CHECKS:
        for item in run_check(check, case):
            if item.compared_with == "base" and item.name != "mcnemar_p":
                assert item.value == pytest.approx(0, abs=1e-12), item.name
