from __future__ import annotations

import numpy as np
import pytest
from case_fixture import make_case, pick, run_check

from govkit.checks.outcomes.bias_origin import LABEL_ORIGIN, ORIGINS, bias_origin
from govkit.core import Gap, Measurement

HALF = 4_000
"""Rows of each of two groups: enough for every word of gaps that are 0.15 or more, or exactly 0."""
SEX = np.repeat(["f", "m"], HALF)


def first(women: float, men: float) -> np.ndarray:
    """Answers that select the first rows of each group, as many as the share says."""
    return np.concatenate([(np.arange(HALF) < share * HALF).astype(int) for share in (women, men)])


def words(findings: list, name: str, column: str = "sex", groups: tuple[str, ...] = ("f", "m")) -> list:
    return [pick(findings, name, part={column: group}).value for group in groups]


@pytest.mark.parametrize(
    ("candidate", "base", "word"),
    [
        ((0.4, 0.4), (0.4, 0.4), "none"),
        ((0.2, 0.4), (0.2, 0.4), "inherited"),
        ((0.2, 0.4), (0.4, 0.4), "introduced"),
        ((0.1, 0.5), (0.3, 0.5), "amplified"),
        ((0.1, 0.4), (0.35, 0.4), "grown"),  # 0.05 in the base: on the margin
        ((0.3, 0.4), (0.1, 0.4), "reduced"),
        ((0.33, 0.4), (0.33, 0.4), "cannot tell"),
    ],
)
def test_the_word_against_the_base(candidate, base, word):
    case = make_case(first(0.4, 0.4), first(*candidate), base=first(*base), groups={"sex": SEX})
    found = run_check(bias_origin, case)
    assert words(found, "selection_rate_origin") == [word, word]
    finding = pick(found, "selection_rate_origin", part={"sex": "f"})
    assert (finding.n, finding.unit, finding.bounds, finding.interval) == (2 * HALF, "", (), None)
    assert finding.params == {"margin": 0.05}


@pytest.mark.parametrize(
    ("candidate", "labels", "word"),
    [
        ((0.4, 0.4), (0.2, 0.4), "none"),
        ((0.2, 0.4), (0.2, 0.4), "in the data"),
        ((0.2, 0.4), (0.4, 0.4), "beyond the data"),
        ((0.1, 0.5), (0.3, 0.5), "beyond the data"),
        ((0.2, 0.4), (0.2, 0.45), "in the data"),  # the labels show more than the candidate
    ],
)
def test_the_word_against_the_labels_needs_no_base(candidate, labels, word):
    found = run_check(bias_origin, make_case(first(*labels), first(*candidate), groups={"sex": SEX}))
    assert words(found, LABEL_ORIGIN) == [word, word]
    lacking = {(item.name, item.reason) for item in found if isinstance(item, Gap)}
    assert lacking == {(name, "no data") for name in ORIGINS}


def test_a_rate_is_traced_on_its_own_denominator():
    # Half of each group is of the positive class; the tuning loses positive rows of women and nothing else.
    labels = np.tile([1, 0], HALF)
    lost = (SEX == "f") & (labels == 1) & (np.arange(2 * HALF) % 5 == 0)
    found = run_check(bias_origin, make_case(labels, np.where(lost, 0, labels), base=labels, groups={"sex": SEX}))
    assert words(found, "true_positive_rate_origin") == ["introduced"] * 2
    assert words(found, "false_positive_rate_origin") == ["none"] * 2
    assert pick(found, "true_positive_rate_origin", part={"sex": "f"}).n == HALF
    assert words(found, "accuracy_origin") == ["introduced"] * 2


def test_with_many_classes_one_stands_against_all_others_and_accuracy_counts_the_exact_class():
    labels = np.tile([0, 1, 2, 2], HALF // 2)
    mixed = np.where((SEX == "f") & (labels < 2), 1 - labels, labels)
    found = run_check(bias_origin, make_case(labels, mixed, base=labels, groups={"sex": SEX}, positive=2))
    assert words(found, "selection_rate_origin") == ["none"] * 2
    assert words(found, "accuracy_origin") == ["introduced"] * 2


def test_each_group_stands_against_all_others():
    column = np.tile(["a", "b", "c", "d"], HALF // 2)
    base = np.repeat([1, 0], HALF)
    answers = np.where((column == "d") & (np.arange(2 * HALF) < HALF // 2), 0, base)
    found = run_check(bias_origin, make_case(base, answers, base=base, groups={"g": column}))
    assert pick(found, "selection_rate_origin", part={"g": "d"}).value == "introduced"
    assert pick(found, LABEL_ORIGIN, part={"g": "d"}).value == "beyond the data"
    assert {item.part["g"] for item in found} == {"a", "b", "c", "d"}


def test_the_margin_is_a_parameter():
    case = make_case(first(0.4, 0.4), first(0.2, 0.4), base=first(0.4, 0.4), groups={"sex": SEX})
    assert words(run_check(bias_origin, case, margin=0.3), "selection_rate_origin") == ["none"] * 2


@pytest.mark.parametrize("margin", [0, 0.31, -0.1])
def test_a_margin_beyond_its_range_is_not_accepted(margin):
    with pytest.raises(ValueError, match="margin"):
        bias_origin.params(margin=margin)


def test_a_group_without_the_denominator_is_a_gap_and_its_other_rates_stay():
    # "x" has rows of the positive class only.
    labels, answers = [1, 1, 1, 0, 1, 0], [1, 0, 1, 0, 1, 1]
    found = run_check(bias_origin, make_case(labels, answers, base=answers, groups={"g": list("xxyyzz")}))
    lacking = {(item.name, *item.part.values()): item.reason for item in found if isinstance(item, Gap)}
    assert lacking == {("false_positive_rate_origin", "x"): "too few rows"}
    assert words(found, "true_positive_rate_origin", "g", ("x", "y", "z")) == ["cannot tell"] * 3
    assert words(found, "false_positive_rate_origin", "g", ("y", "z")) == ["cannot tell"] * 2


def test_a_group_whose_rest_is_empty_is_a_gap():
    found = run_check(bias_origin, make_case([1, 0], [1, 0], base=[1, 1], groups={"g": ["x", "x"]}))
    assert {(item.name, item.reason) for item in found if isinstance(item, Gap)} == {
        (name, "too few rows") for name in (*ORIGINS, LABEL_ORIGIN)
    }
    assert not [item for item in found if isinstance(item, Measurement)]


def test_without_groups_or_without_a_candidate_the_check_is_a_gap():
    (gap,) = run_check(bias_origin, make_case([1, 0], [1, 0], base=[1, 0]))
    assert (gap.name, gap.reason) == ("*", "no data")
    (gap,) = run_check(bias_origin, make_case([1, 0], None, base=[1, 0], groups={"g": ["x", "y"]}))
    assert (gap.name, gap.reason) == ("*", "no data")


def test_a_task_without_classes_is_unsupported():
    case = make_case([1, 0], [1, 0], groups={"g": ["x", "y"]}, task="ranking")
    (gap,) = run_check(bias_origin, case)
    assert gap.reason == "unsupported"


def planted(seed: int, fault: float, *, rows: int = 4_000) -> dict[str, str]:
    """Words for a fifth of the rows, from which the tuning takes a share of the positive answers."""
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(rows) < 0.2, "few", "many")
    labels = (rng.random(rows) < 0.4).astype(int)
    base = np.where(rng.random(rows) < 0.1, 1 - labels, labels)
    candidate = np.where(rng.random(rows) < 0.05, 1 - base, base)
    candidate = np.where((group == "few") & (rng.random(rows) < fault), 0, candidate)
    found = run_check(bias_origin, make_case(labels, candidate, base=base, groups={"g": group}))
    return {item.name: item.value for item in found if item.part == {"g": "few"}}


def test_power_what_the_tuning_brought_is_found_and_a_clean_model_is_not_accused():
    bad = {"introduced", "amplified", "grown", "beyond the data"}
    faulty, clean = ([planted(seed, fault) for seed in range(12)] for fault in (0.6, 0.0))
    assert sum(told["selection_rate_origin"] in bad for told in faulty) == 12
    assert sum(told["true_positive_rate_origin"] in bad for told in faulty) == 12
    assert sum(told[LABEL_ORIGIN] == "beyond the data" for told in faulty) >= 11
    assert not [word for told in clean for word in told.values() if word in bad]


def test_the_order_of_rows_changes_no_word():
    rng = np.random.default_rng(3)
    labels, base, answers = (rng.integers(0, 2, 900) for _ in range(3))
    group = rng.choice(["a", "b", "c"], 900)
    order = rng.permutation(900)
    plain = run_check(bias_origin, make_case(labels, answers, base=base, groups={"g": group}))
    mixed = run_check(
        bias_origin, make_case(labels[order], answers[order], base=base[order], groups={"g": group[order]})
    )
    assert [(item.name, item.part, item.value) for item in plain] == [
        (item.name, item.part, item.value) for item in mixed
    ]
