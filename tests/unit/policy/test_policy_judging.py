from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from govkit.core import LEVELS, Bound, Finding, Gap, Measurement, Policy, Requirement, Ruling, Verdict
from govkit.core.finding import DataRef
from govkit.errors import PolicyError
from govkit.policy import digest, judge
from govkit.policy.deciding import entry_p
from govkit.policy.matching import Entry

SUBJECT, AS_OF = "sha256:" + "a" * 64, "2026-11-24T12:00:00Z"

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]
Measure = Callable[..., Measurement]


def ruled(policy: Policy, findings: Sequence[Finding]) -> Ruling:
    return verdict(policy, findings).rulings[0]


def verdict(policy: Policy, findings: Sequence[Finding], **options: Any) -> Verdict:
    return judge(policy, findings, subject=SUBJECT, as_of=AS_OF, **options)


def gap(reason: Any, **changes: Any) -> Gap:
    return Gap(check="performance", reason=reason, **changes)


# The states of one control


def test_a_bound_that_clears_the_limit_passes(policy: Build, measured: Measure) -> None:
    ruling = ruled(policy(), [measured(0.9, 0.05)])
    assert (ruling.state, ruling.disposition) == ("pass", "ignore")
    assert ruling.reason == "accuracy 0.9, with 95 % confidence at least 0.845; limit 0.8; 600 rows."
    assert ruling.parts[0].finding == 0


def test_a_bound_beyond_the_limit_fails(policy: Build, measured: Measure) -> None:
    ruling = ruled(policy(), [measured(0.7, 0.05)])
    assert (ruling.state, ruling.disposition) == ("fail", "block")
    assert ruling.reason == ("accuracy 0.7, with 99.99 % confidence at most 0.79, is beyond the limit 0.8; 600 rows.")


def test_a_bound_across_the_limit_is_inconclusive_and_says_how_many_rows(policy: Build, measured: Measure) -> None:
    ruling = ruled(policy(), [measured(0.82, 0.05)])
    assert (ruling.state, ruling.disposition) == ("inconclusive", "review")
    # (0.055 / 0.02)² · 600 = 4537.5, rounded up to two digits.
    assert ruling.reason.endswith("limit 0.8; 600 rows. About 4600 rows would settle it, if the value stays.")


@pytest.mark.parametrize("limit", ["min", "max"])
def test_a_value_exactly_on_its_limit_passes(policy: Build, control: Fields, measured: Measure, limit: str) -> None:
    assert ruled(policy(control(require={limit: 0.8})), [measured(0.8, 0.0)]).state == "pass"


def test_a_value_on_the_wrong_side_will_more_likely_fail(policy: Build, measured: Measure) -> None:
    assert "more likely confirm the failure" in ruled(policy(), [measured(0.79, 0.05)]).reason
    assert "no number of rows is sure" in ruled(policy(), [measured(0.8, 0.05)]).reason


def test_a_maximum_is_the_mirror_of_a_minimum(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(metric="log_loss", require={"max": 0.05}))
    states = [ruled(asked, [measured(value, 0.01, name="log_loss")]).state for value in (0.021, 0.045, 0.09)]
    assert states == ["pass", "inconclusive", "fail"]
    reason = ruled(asked, [measured(0.021, 0.01, name="log_loss")]).reason
    assert reason == "log_loss 0.021, with 95 % confidence at most 0.032; limit 0.05; 600 rows."


def test_two_limits_hold_on_both_sides(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(require={"min": -0.1, "max": 0.1}))
    states = {value: ruled(asked, [measured(value, 0.02)]).state for value in (-0.2, -0.09, 0.0, 0.09, 0.2)}
    assert states == {-0.2: "fail", -0.09: "inconclusive", 0.0: "pass", 0.09: "inconclusive", 0.2: "fail"}


def test_a_number_of_rows_that_nobody_has_is_no_advice(policy: Build, measured: Measure) -> None:
    ruling = ruled(policy(), [measured(0.8 + 1e-6, width=0.01)])
    assert ruling.reason.endswith("No number of rows that anybody has would settle it.")


@pytest.mark.parametrize(
    ("reason", "state", "disposition"),
    [
        ("crashed", "error", "block"),
        ("unsupported", "unsupported", "review"),
        ("no data", "missing", "block"),
        ("no extra", "missing", "block"),
        ("too few rows", "inconclusive", "review"),
    ],
)
@pytest.mark.parametrize("name", ["*", "accuracy"])
def test_gaps(policy: Build, reason: str, state: str, disposition: str, name: str) -> None:
    ruling = ruled(policy(), [gap(reason, name=name, detail="Because.")])
    assert (ruling.state, ruling.disposition, ruling.reason) == (state, disposition, f"{reason}: Because.")


@pytest.mark.parametrize("reason", ["crashed", "unsupported"])
def test_spoiled_evidence_weighs_as_much_as_missing_evidence(policy: Build, control: Fields, reason: str) -> None:
    """A control that waits for evidence may not be let through by a check that crashes."""
    soft = dict.fromkeys(("on_fail", "on_error", "on_unsupported", "on_inconclusive"), "ignore")
    rules = policy(control(severity="low", on_missing="review", **soft))
    assert ruled(rules, [gap(reason, name="accuracy")]).disposition == "review"


@pytest.mark.parametrize("on_missing", ["ignore", "review", "block"])
def test_an_open_question_without_a_measurement_is_for_a_person_where_a_missing_one_is(
    policy: Build, control: Fields, measured: Measure, on_missing: str
) -> None:
    asked = policy(control(on_fail="warn", on_inconclusive="warn", on_missing=on_missing))
    unmeasured, measured_badly = (ruled(asked, [each]) for each in (gap("too few rows"), measured(0.81)))
    assert (unmeasured.state, unmeasured.disposition) == ("inconclusive", "review")
    assert (measured_badly.state, measured_badly.disposition) == ("inconclusive", "warn")


def test_nothing_found_is_missing(policy: Build) -> None:
    assert ruled(policy(), []).state == "missing"


def test_a_control_that_does_not_apply(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(when={"modality": ["text"], "has": ["shifted"]}), control(id="B-1"))
    facts = [
        Measurement(check="scope", name="modality", value="image", n=0),
        Measurement(check="scope", name="has_shifted", value=False, n=0),
    ]
    found = verdict(asked, [*facts, measured(0.9)])
    assert [ruling.state for ruling in found.rulings] == ["not_applicable", "pass"]
    assert found.rulings[0].reason == "does not apply: the modality is image, not text; there is no shifted data set"
    assert found.outcome == "PASS"


@pytest.mark.parametrize(
    "facts",
    [[], [("modality", "unknown")], [("modality", True)], [("modality", "image"), ("modality", "text")]],
)
def test_a_fact_that_is_not_known_is_missing(policy: Build, control: Fields, facts: list[tuple[str, Any]]) -> None:
    told = [Measurement(check="scope", name=name, value=value, n=0) for name, value in facts]
    ruling = ruled(policy(control(when={"modality": ["text"]})), told)
    assert (ruling.state, ruling.disposition) == ("missing", "block")


@pytest.mark.parametrize("told", [(1, True), (True, 1), (0, False), (False, 0)])
def test_a_fact_told_as_a_number_and_as_a_truth_is_not_known(policy: Build, control: Fields, told: Any) -> None:
    facts = [Measurement(check="scope", name="has_base", value=value, n=0) for value in told]
    assert ruled(policy(control(when={"has": ["base"]})), facts).state == "missing"


def test_one_fact_that_excludes_settles_it_whatever_else_is_unknown(policy: Build, control: Fields) -> None:
    told = [Measurement(check="scope", name="access", value="predictions", n=0)]
    ruling = ruled(policy(control(when={"modality": ["text"], "access": ["weights"]})), told)
    assert (ruling.state, ruling.reason) == (
        "not_applicable",
        "does not apply: the access is predictions, not weights",
    )


# Several labels

SIZES = [Measurement(check="scope", name="rows", value=300, n=300, part={"sex": sex}) for sex in ("f", "m")]


def test_several_labels_are_judged_one_by_one_in_every_group(policy: Build, control: Fields, measured: Measure) -> None:
    rules = policy(control(over=["groups"]))
    parts = [{"label": label, "sex": sex} for label in ("a", "b") for sex in ("f", "m")]
    assert ruled(rules, [*SIZES, *(measured(0.9, part=part) for part in parts)]).state == "pass"
    missing = ruled(rules, [*SIZES, *(measured(0.9, part=part) for part in parts[:3])])
    assert (missing.state, "label b, sex m: accuracy was not measured" in missing.reason) == ("missing", True)


def test_a_group_of_which_no_label_was_measured_is_missing(policy: Build, control: Fields, measured: Measure) -> None:
    found = [*SIZES, *(measured(0.9, part={"label": label, "sex": "f"}) for label in ("a", "b"))]
    ruling = ruled(policy(control(over=["groups"])), found)
    assert (ruling.state, "sex m: accuracy was not measured" in ruling.reason) == ("missing", True)


# Words and truths


def word(value: Any, **changes: Any) -> Measurement:
    return Measurement(check="licenses", name="composition", value=value, n=0, **changes)


@pytest.mark.parametrize(
    ("value", "equals", "state"),
    [
        ("allow", "allow", "pass"),
        ("deny", "allow", "fail"),
        ("unknown", "allow", "missing"),
        ("unknown", "unknown", "missing"),
        (True, True, "pass"),
        (False, True, "fail"),
        ("true", True, "fail"),
        (1, True, "error"),
    ],
)
def test_words_and_truths(policy: Build, control: Fields, value: Any, equals: Any, state: str) -> None:
    asked = policy(control(check="licenses", metric="composition", require={"equals": equals}))
    assert ruled(asked, [word(value)]).state == state


@pytest.mark.parametrize(("value", "wanted"), [(1, True), (1.0, True), (0, False), (0.0, False)])
def test_a_number_is_never_the_truth_that_is_asked_for(value: float, wanted: bool) -> None:
    require = Requirement(equals=wanted)
    assert entry_p(Entry((), 0, word(value)), require) == 0.0
    assert entry_p(Entry((), 0, word(wanted)), require) == 1.0


def test_a_word_never_satisfies_a_number(policy: Build, measured: Measure) -> None:
    for value in ("high", True):
        ruling = ruled(policy(), [Measurement(check="performance", name="accuracy", value=value, n=9)])
        assert (ruling.state, ruling.disposition) == ("error", "block")
    assert ruled(policy(), [Measurement(check="performance", name="accuracy", value="unknown", n=9)]).state == "missing"


def test_nan_and_infinity_cannot_be_recorded(measured: Measure) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValidationError):
            measured(value, None)
        with pytest.raises(ValidationError):
            measured(0.9, value)


# Bounds


def test_without_bounds_at_a_sufficient_level_nothing_passes(policy: Build, measured: Measure) -> None:
    assert ruled(policy(), [measured(0.99, None)]).state == "inconclusive"
    short = measured(0.99, 0.001)
    weak = short.model_copy(update={"bounds": short.bounds[:1]})
    ruling = ruled(policy(), [weak])
    assert (ruling.state, "carries no bound at 95 %" in ruling.reason) == ("inconclusive", True)
    assert ruled(policy(decision={"confidence": 0.9}), [weak]).state == "pass"


def test_the_next_stricter_level_is_taken(policy: Build, control: Fields, measured: Measure) -> None:
    # low at 0.975 is 0.9 − 0.1 · 1.2 = 0.78.
    assert ruled(policy(control(confidence=0.96, require={"min": 0.781})), [measured(0.9, 0.1)]).state == "inconclusive"
    assert ruled(policy(control(confidence=0.96, require={"min": 0.779})), [measured(0.9, 0.1)]).state == "pass"


def test_bounds_that_contradict_each_other_are_an_error(policy: Build, measured: Measure) -> None:
    assert ruled(policy(), [measured(0.9, -0.05)]).state == "error"


def test_two_bounds_at_one_level_are_an_error_in_either_order(policy: Build, measured: Measure) -> None:
    fine, loose = measured(0.9, 0.02).bounds[1], measured(0.9, 0.5).bounds[1]
    for bounds in ((fine, loose), (loose, fine)):
        found = ruled(policy(), [measured(0.9).model_copy(update={"bounds": bounds})])
        assert (found.state, "two bounds at one level" in found.reason) == ("error", True)


def test_a_value_beyond_the_limit_never_passes_whatever_its_bounds(policy: Build, measured: Measure) -> None:
    odd = measured(0.9, 0.01).model_copy(update={"value": 0.5})
    assert ruled(policy(), [odd]).state == "inconclusive"


def test_an_exact_count_passes_or_fails(policy: Build, control: Fields, counted: Measure) -> None:
    asked = policy(control(require={"max": 0}))
    none, some = (counted(value, check="performance", name="accuracy") for value in (0.0, 3.0))
    assert ruled(asked, [none]).reason == "accuracy 0, counted exactly; limit 0; 600 rows."
    failing = ruled(asked, [some])
    assert (failing.state, failing.reason) == (
        "fail",
        "accuracy 3, counted exactly, is beyond the limit 0; 600 rows.",
    )


def test_a_count_that_fails_names_its_rows(policy: Build, control: Fields, counted: Measure) -> None:
    asked = policy(control(require={"max": 0}))
    names = tuple(f"row {row}" for row in range(1, 10))
    few, many = (counted(value, check="performance", name="accuracy", rows=names[: int(value)]) for value in (2.0, 9.0))
    assert ruled(asked, [few]).reason.endswith("600 rows. They are: row 1, row 2.")
    assert ruled(asked, [many]).reason.endswith("600 rows. Among them: row 1, row 2, row 3, row 4, row 5.")


@pytest.mark.parametrize(
    ("trust", "state"), [("trusted", "pass"), ("suspect", "inconclusive"), ("not evaluated", "inconclusive")]
)
def test_an_attack_that_cannot_be_believed_never_passes(
    policy: Build, measured: Measure, trust: str, state: str
) -> None:
    assert ruled(policy(), [measured(0.9, trust=trust)]).state == state
    assert ruled(policy(), [measured(0.5, trust=trust)]).state == "fail"


# What matches


@pytest.mark.parametrize(
    "changes",
    [
        {"check": "other"},
        {"name": "log_loss"},
        {"of": "base"},
        {"compared_with": "base"},
        {"role": "train"},
        {"part": {"sex": "f"}},
        {"params": {"bins": 3}},
    ],
)
def test_another_measurement_does_not_answer(policy: Build, measured: Measure, changes: dict[str, Any]) -> None:
    assert ruled(policy(), [measured(0.9, **changes)]).state == "missing"
    assert ruled(policy(), [measured(0.9, **changes), measured(0.9, role="test")]).state == "pass"


def test_the_paired_difference_is_another_measurement(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(compared_with="base", require={"min": -0.02}))
    ruling = ruled(asked, [measured(0.9), measured(0.01, 0.02, compared_with="base")])
    assert ruling.reason.startswith("accuracy of candidate minus base 0.01, with 95 % confidence at least -0.012")


def test_two_measurements_of_one_thing_are_an_error(policy: Build, measured: Measure) -> None:
    ruling = ruled(policy(), [measured(0.9), measured(0.95, role="test")])
    assert (ruling.state, ruling.disposition) == ("error", "block")
    assert "more than one measurement" in ruling.reason


@pytest.mark.parametrize(
    ("changes", "concerned"),
    [
        ({"name": "*"}, True),
        ({"name": "log_loss"}, False),
        ({"params": {"bins": 3}}, False),
        ({"of": "base"}, False),
        ({"of": "candidate", "compared_with": "base"}, False),
        ({"part": {"sex": "f"}}, False),
        ({"data": DataRef(role="shifted", digest="sha256:0")}, False),
        ({"data": DataRef(role="test", digest="sha256:0")}, True),
    ],
)
def test_a_gap_beside_a_measurement(policy: Build, measured: Measure, changes: dict[str, Any], concerned: bool) -> None:
    ruling = ruled(policy(), [measured(0.9), gap("crashed", **changes)])
    assert ruling.state == ("error" if concerned else "pass")


def test_a_gap_of_either_side_concerns_a_comparison(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(compared_with="base", require={"min": -0.02}))
    both = measured(0.01, 0.001, compared_with="base")
    assert ruled(asked, [both]).state == "pass"
    for of in ("candidate", "base"):
        assert ruled(asked, [both, gap("no data", of=of)]).state == "missing"
    assert ruled(asked, [both, gap("no data", of="incumbent")]).state == "pass"


# Slices


def parts(measured: Measure, values: dict[str, float], width: float = 0.02, **changes: Any) -> list[Finding]:
    return [measured(value, width, part={"sex": name}, **changes) for name, value in values.items()]


def test_every_part_must_pass(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(over=["groups"]))
    assert ruled(asked, parts(measured, {"f": 0.9, "m": 0.9})).state == "pass"
    assert ruled(asked, parts(measured, {"f": 0.9, "m": 0.81})).state == "inconclusive"
    failing = ruled(asked, parts(measured, {"f": 0.9, "m": 0.5}))
    assert failing.state == "fail"
    assert failing.reason.startswith("sex m: accuracy 0.5")
    assert [part.part for part in failing.parts] == [{"sex": "f"}, {"sex": "m"}]


def test_a_second_slice_takes_no_part_out_of_the_first(policy: Build, control: Fields, measured: Measure) -> None:
    small = {"by": "sex", "min_n": 700}
    found = parts(measured, {"f": 0.1, "m": 0.9}, n=600) + parts(measured, {"x": 0.9}, n=800)
    for below, left in (("report", "fail"), ("inconclusive", "fail")):
        slices = {"few": {**small, "below_min": below}}
        for over in (["few", "groups"], ["groups", "few"]):
            ruling = ruled(policy(control(over=over), slices=slices), found)
            assert ruling.state == left
            assert {part.part["sex"] for part in ruling.parts} == {"f", "m", "x"}
            assert "left out" not in ruling.reason
    alone = policy(control(over=["few"]), slices={"few": {**small, "below_min": "report"}})
    assert "left out for their size: sex f (600 of 700 rows); sex m" in ruled(alone, found).reason
    good = parts(measured, {"f": 0.9}, n=600)
    both = policy(control(over=["groups", "few"]), slices={"few": small})
    assert ruled(both, good).state == "inconclusive"


def test_groups_are_neither_bins_nor_columns_nor_all_groups_together(
    policy: Build, control: Fields, measured: Measure
) -> None:
    asked = policy(control(over=["groups"]))
    others = [{"bin": "0.8"}, {"column": "age"}, {"sex": "*"}, {"sex": "f", "age": "old"}, {}]
    assert ruled(asked, [measured(0.9, part=part) for part in others]).state == "missing"


@pytest.mark.parametrize("value", [0.1, 0.9])
@pytest.mark.parametrize("over", ["groups", "sex"])
def test_all_groups_together_beside_single_groups_is_an_error(
    policy: Build, control: Fields, measured: Measure, over: str, value: float
) -> None:
    asked = policy(control(over=[over]), slices={"sex": {"by": "sex", "min_n": 700, "below_min": "report"}})
    every = measured(value, part={"sex": "*"})
    for beside in (parts(measured, {"f": 0.9}, n=800), [gap("too few rows", name="accuracy", part={"sex": "f"})]):
        ruling = ruled(asked, [*beside, every])
        assert (ruling.state, ruling.disposition) == ("error", "block")
        assert "accuracy of sex * stands beside accuracy of single groups: * means all groups" in ruling.reason
        assert [part.part for part in ruling.parts if part.state == "error"] == [{"sex": "*"}]
    twice = ruled(asked, [*parts(measured, {"f": 0.9}, n=800), every, every])
    assert [part.state for part in twice.parts] == ["error", "pass"]


def test_another_column_of_single_groups_does_not_hide_a_star(
    policy: Build, control: Fields, measured: Measure
) -> None:
    other = measured(0.9, part={"age": "old"})
    assert ruled(policy(control(over=["groups"])), [other, measured(0.1, part={"sex": "*"})]).state == "error"


@pytest.mark.parametrize(
    "changes",
    [{"name": "log_loss"}, {"of": "base"}, {"role": "shifted"}, {"params": {"bins": 3}}, {"part": {"bin": "*"}}],
)
def test_a_star_of_something_else_contradicts_nothing(
    policy: Build, control: Fields, measured: Measure, changes: dict[str, Any]
) -> None:
    star = measured(0.1, **{"part": {"sex": "*"}, **changes})
    assert ruled(policy(control(over=["groups"])), [*parts(measured, {"f": 0.9}), star]).state == "pass"


def test_a_star_is_nothing_to_a_control_of_all_rows(policy: Build, measured: Measure) -> None:
    others = [measured(0.1, part={"sex": name}) for name in ("f", "*")]
    assert ruled(policy(), [measured(0.9), *others]).state == "pass"


def test_a_slice_takes_parts_of_its_columns(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(over=["both"]), slices={"both": {"by": ["sex", "age"]}})
    crossed = measured(0.9, part={"age": "old", "sex": "f"})
    assert ruled(asked, [crossed]).state == "pass"
    assert ruled(asked, parts(measured, {"f": 0.9})).state == "missing"
    spread = policy(control(over=["sex"]), slices={"sex": {"by": "sex"}})
    assert ruled(spread, [measured(0.9, part={"sex": "*"})]).state == "pass"


def test_every_slice_needs_a_part(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(over=["sex", "age"]), slices={"sex": {"by": "sex"}, "age": {"by": "age"}})
    ruling = ruled(asked, parts(measured, {"f": 0.9}))
    assert (ruling.state, "on age, test data" in ruling.reason) == ("missing", True)


def test_a_part_that_the_check_or_the_scope_knows_of_must_be_there(
    policy: Build, control: Fields, measured: Measure
) -> None:
    asked = policy(control(over=["groups"]))
    found = parts(measured, {"f": 0.9, "m": 0.9})
    other = parts(measured, {"x": 0.9}, name="log_loss")
    rows = Measurement(check="scope", name="rows", value=50, n=50, part={"sex": "x"})
    assert ruled(asked, found).state == "pass"
    for known in (other, [rows]):
        ruling = ruled(asked, [*found, *known])
        assert (ruling.state, ruling.parts[2].part) == ("missing", {"sex": "x"})


def test_all_groups_of_one_column_stand_for_no_part_of_another(
    policy: Build, control: Fields, measured: Measure
) -> None:
    asked = policy(control(over=["sex", "age"]), slices={"sex": {"by": "sex"}, "age": {"by": "age"}})
    found = [measured(0.9, part={"sex": "*"}), measured(0.9, part={"age": "old"})]
    rows = Measurement(check="scope", name="rows", value=50, n=50, part={"age": "young"})
    assert ruled(asked, found).state == "pass"
    ruling = ruled(asked, [*found, rows])
    assert (ruling.state, ruling.parts[1].part, ruling.parts[1].state) == ("missing", {"age": "young"}, "missing")


def test_small_parts(policy: Build, control: Fields, measured: Measure) -> None:
    small = measured(0.9, part={"sex": "x"}, n=9)
    found = [*parts(measured, {"f": 0.9}), small]
    strict = policy(control(over=["sex"]), slices={"sex": {"by": "sex", "min_n": 10}})
    ruling = ruled(strict, found)
    assert (ruling.state, "only 9 rows; the slice sex asks for 10" in ruling.reason) == ("inconclusive", True)
    lenient = policy(control(over=["sex"]), slices={"sex": {"by": "sex", "min_n": 10, "below_min": "report"}})
    ruling = ruled(lenient, found)
    assert (ruling.state, "left out for their size: sex x (9 of 10 rows)" in ruling.reason) == ("pass", True)
    assert ruled(lenient, [small]).state == "missing"
    few = gap("too few rows", part={"sex": "y"})
    assert ruled(lenient, [*found, few]).state == "inconclusive"
    rows = Measurement(check="scope", name="rows", value=3, n=3, part={"sex": "y"})
    assert ruled(lenient, [*found, few, rows]).state == "pass"


def test_a_gap_without_groups_leaves_the_fairness_control_missing(policy: Build, control: Fields) -> None:
    assert ruled(policy(control(over=["groups"])), [gap("no data", detail="no groups")]).state == "missing"
    assert ruled(policy(control(over=["groups"])), [gap("no data", part={"sex": "*"})]).state == "missing"


def test_fail_dominates_but_the_consequence_is_the_strictest_of_all_parts(
    policy: Build, control: Fields, measured: Measure
) -> None:
    asked = policy(control(over=["groups"], on_fail="warn", on_inconclusive="warn"))
    bad = parts(measured, {"f": 0.2})
    assert ruled(asked, bad).disposition == "warn"
    ruling = ruled(asked, [*bad, gap("crashed", part={"sex": "m"})])
    assert (ruling.state, ruling.disposition) == ("fail", "block")


def test_long_lists_of_parts_are_cut_in_the_reason_and_full_in_the_ruling(
    policy: Build, control: Fields, measured: Measure
) -> None:
    ruling = ruled(policy(control(over=["groups"])), parts(measured, {f"g{index}" * 90: 0.9 for index in range(9)}))
    assert (len(ruling.parts), "and 6 more: accuracy" in ruling.reason) == (9, True)
    assert len(ruling.reason) < 1500


def test_the_reason_begins_with_the_part_farthest_beyond_the_limit(
    policy: Build, control: Fields, measured: Measure
) -> None:
    values = {"a": 0.95, "b": 0.6, "c": 0.3, "d": 0.5, "e": 0.7, "f": 0.81}
    said = ruled(policy(control(over=["groups"])), parts(measured, values)).reason.split(" | ")
    assert [sentence.split(":")[0] for sentence in said] == ["sex c", "sex d", "sex b", "and 3 more parts."]


def test_parts_with_one_sentence_share_it(policy: Build, control: Fields, measured: Measure) -> None:
    missing = [measured(0.9, part={"sex": name}, name="recall") for name in ("f", "m", "o", "x")]
    said = ruled(policy(control(over=["groups"])), missing).reason
    assert said == "sex f; sex m; sex o and 1 more: accuracy was not measured."


def test_an_interval_that_ends_nowhere_is_said_in_words(policy: Build, control: Fields, measured: Measure) -> None:
    huge = tuple(Bound(level=level, low=0.5, high=sys.float_info.max) for level in LEVELS)
    ratio = measured(0.7, None).model_copy(update={"bounds": huge})
    said = ruled(policy(control(require={"max": 0.9})), [ratio])
    assert said.state == "inconclusive"
    assert "no upper bound" in said.reason
    assert "e+308" not in said.reason


# Families


def test_more_parts_need_more_certainty_to_fail(policy: Build, control: Fields, measured: Measure) -> None:
    one = policy(control(over=["groups"]))
    # A bound below the limit at level 0.95 gives p = 0.05: enough alone, not among two.
    bad = measured(0.695, 0.1, part={"sex": "f"})
    bad = bad.model_copy(update={"bounds": bad.bounds[:2]})
    assert ruled(one, [bad]).state == "inconclusive"
    bad = bad.model_copy(update={"bounds": tuple(b.model_copy(update={"high": 0.75}) for b in bad.bounds)})
    assert ruled(one, [bad]).state == "fail"
    assert ruled(one, [bad, *parts(measured, {"m": 0.9})]).state == "inconclusive"
    # Missing parts, and the other controls on the same check, count too.
    assert ruled(one, [bad, gap("crashed", part={"sex": "m"})]).parts[0].state == "inconclusive"
    two = policy(control(over=["groups"]), control(id="B-1", metric="log_loss", require={"max": 0.05}))
    assert ruled(two, [bad]).state == "inconclusive"
    apart = policy(
        control(over=["groups"]), control(id="B-1", check="licenses", metric="composition", require={"equals": "allow"})
    )
    assert ruled(apart, [bad]).state == "fail"


def test_a_control_whose_facts_are_missing_still_counts(policy: Build, control: Fields, measured: Measure) -> None:
    bad = measured(0.6, 0.1)
    bad = bad.model_copy(update={"bounds": bad.bounds[:2]})
    assert ruled(policy(), [bad]).state == "fail"
    unseen = policy(control(), control(id="B-1", when={"has": ["base"]}))
    assert ruled(unseen, [bad]).state == "inconclusive"
    absent = Measurement(check="scope", name="has_base", value=False, n=0)
    assert ruled(unseen, [bad, absent]).state == "fail"


@pytest.mark.parametrize("confidence", [0.95, 0.9999])
@pytest.mark.parametrize("count", [1, 126, 300])
def test_a_gross_failure_fails_in_a_family_of_any_size(
    policy: Build, control: Fields, measured: Measure, count: int, confidence: float
) -> None:
    both = {"require": {"min": 0.8, "max": 1.0}, "over": ["groups"], "on_inconclusive": "review"}
    asked = policy(*(control(id=f"A-{n}", **both) for n in range(count)), decision={"confidence": confidence})
    found = verdict(asked, parts(measured, {"f": 0.1, "m": 0.1}))
    assert ({ruling.state for ruling in found.rulings}, found.outcome) == ({"fail"}, "BLOCK")


def test_short_of_the_strictest_level_a_large_family_still_asks_for_more(
    policy: Build, control: Fields, measured: Measure
) -> None:
    bad = measured(0.1)
    bad = bad.model_copy(update={"bounds": bad.bounds[:-1]})
    # One limit at level 0.9998: p = 0.0002, and 250 entries are the most that it carries.
    for count, state in ((250, "fail"), (251, "inconclusive")):
        found = verdict(policy(*(control(id=f"A-{n}") for n in range(count))), [bad])
        assert {ruling.state for ruling in found.rulings} == {state}


# The verdict


@pytest.mark.parametrize("state", ["fail", "inconclusive", "missing", "error", "unsupported"])
def test_what_is_not_met_is_never_ignored(policy: Build, control: Fields, measured: Measure, state: str) -> None:
    found: dict[str, Finding] = {
        "fail": measured(0.1),
        "inconclusive": measured(0.81),
        "missing": gap("no data"),
        "error": gap("crashed"),
        "unsupported": gap("unsupported"),
    }
    soft = dict.fromkeys(("on_fail", "on_inconclusive", "on_missing", "on_error", "on_unsupported"), "ignore")
    asked = policy(control(**soft), control(id="B-1", check="other"))
    told = verdict(asked, [found[state], measured(0.9, check="other")])
    assert (told.rulings[0].state, told.rulings[1].state, told.outcome) == (state, "pass", "PASS_WITH_EXCEPTIONS")
    assert f"counts as an exception: A-1 ({state})" in told.notices[0]


@pytest.mark.parametrize(
    ("on", "outcome", "code"),
    [
        ("block", "BLOCK", 1),
        ("review", "REVIEW", 3),
        ("warn", "PASS_WITH_EXCEPTIONS", 0),
        ("ignore", "PASS_WITH_EXCEPTIONS", 0),
    ],
)
def test_the_outcome_is_the_worst_consequence(
    policy: Build, control: Fields, measured: Measure, on: str, outcome: str, code: int
) -> None:
    asked = policy(control(on_fail=on), control(id="B-1", metric="log_loss", require={"max": 2}))
    found = verdict(asked, [measured(0.5), measured(0.5, name="log_loss")])
    assert (found.outcome, found.exit_code) == (outcome, code)
    assert found.policy == digest(asked)
    assert (found.subject, found.as_of) == (SUBJECT, AS_OF)


def test_evaluating_keeps_the_verdict_and_exits_0(policy: Build) -> None:
    found = verdict(policy(), [], enforced=False)
    assert (found.outcome, found.exit_code) == ("BLOCK", 0)


def test_where_nothing_applies_nothing_passes(policy: Build, control: Fields) -> None:
    fact = Measurement(check="scope", name="has_base", value=False, n=0)
    found = verdict(policy(control(when={"has": ["base"]})), [fact])
    assert (found.rulings[0].state, found.outcome) == ("not_applicable", "BLOCK")
    assert "nothing speaks for this model" in found.notices[0]


def test_too_few_rows_to_measure_anything_do_not_pass_where_open_questions_are_let_through(
    policy: Build, control: Fields, measured: Measure
) -> None:
    mild = dict.fromkeys(("on_fail", "on_inconclusive", "on_missing", "on_error", "on_unsupported"), "warn")
    asked = policy(control(**mild))
    nothing = verdict(asked, [gap("too few rows")])
    assert (nothing.rulings[0].state, nothing.outcome) == ("inconclusive", "BLOCK")
    assert "nothing speaks for this model" in nothing.notices[0]
    assert verdict(asked, [measured(0.81)]).outcome == "PASS_WITH_EXCEPTIONS"


def test_a_policy_past_its_review_gives_review_at_least(policy: Build, measured: Measure) -> None:
    for day, outcome in (("2026-11-23", "REVIEW"), ("2026-11-24", "PASS")):
        assert verdict(policy(review_by=day), [measured(0.9)]).outcome == outcome


def test_taking_evidence_away_is_never_milder_than_a_failure_or_an_open_question(
    policy: Build, control: Fields, measured: Measure
) -> None:
    soft = policy(control(on_fail="warn", on_missing="ignore", on_error="ignore", on_unsupported="ignore"))
    assert verdict(soft, [measured(0.81)]).exit_code == 3
    assert verdict(soft, [gap("no data"), measured(0.9, name="log_loss")]).exit_code != 0


def test_relaxations_are_printed(policy: Build, measured: Measure) -> None:
    relax = {"control": "A-1", "field": "require", "reason": "agreed in the risk meeting", "approver": "M"}
    rules = policy(relax=[{**relax, "expires": "2026-11-24"}])
    last = verdict(rules, [measured(0.9)])
    assert "relaxed until 2026-11-24: require of A-1, approved by M" in last.notices[0]
    assert last.outcome == "PASS"


def test_an_expired_relaxation_needs_a_person(policy: Build, measured: Measure) -> None:
    relax = {"control": "A-1", "field": "require", "reason": "agreed in the risk meeting", "approver": "M"}
    found = verdict(policy(relax=[{**relax, "expires": "2026-11-23"}]), [measured(0.9)])
    assert found.outcome == "REVIEW"
    assert "expired on 2026-11-23" in found.notices[0]


@pytest.mark.parametrize(
    ("applies", "fact", "outcome"),
    [
        ({"modality": ["text"]}, "text", "PASS"),
        ({"modality": ["text"]}, "image", "BLOCK"),
        ({"modality": ["text"]}, None, "BLOCK"),
    ],
)
def test_a_case_outside_of_what_the_policy_applies_to_is_blocked(
    policy: Build, measured: Measure, applies: dict[str, list[str]], fact: str | None, outcome: str
) -> None:
    facts = [] if fact is None else [Measurement(check="scope", name="modality", value=fact, n=0)]
    found = verdict(policy(applies=applies), [measured(0.9), *facts])
    assert found.outcome == outcome
    assert (outcome == "PASS") != any("not written for such a case" in notice for notice in found.notices)


@pytest.mark.parametrize("as_of", ["", "today", "2026-11-24T12:00:00", "2026-13-01"])
def test_a_time_that_is_none_is_refused(policy: Build, as_of: str) -> None:
    with pytest.raises(PolicyError, match="as_of"):
        judge(policy(), [], subject=SUBJECT, as_of=as_of)


def test_coverage_counts_what_there_is(policy: Build, measured: Measure) -> None:
    coverage = verdict(policy(), [measured(0.9), gap("no data", name="log_loss")]).coverage
    assert (coverage.controls, coverage.findings, coverage.gaps, len(coverage.cells)) == ({"pass": 1}, 1, 1, 72)


def test_two_limits_share_the_error_between_both_sides(policy: Build, control: Fields, measured: Measure) -> None:
    bad = measured(0.9, 0.05)
    weak = bad.model_copy(update={"bounds": bad.bounds[:2]})
    one, two = policy(control(require={"max": 0.8})), policy(control(require={"min": 0.1, "max": 0.8}))
    assert ruled(one, [weak]).state == "fail"
    assert ruled(two, [weak]).state == "inconclusive"
    assert ruled(two, [bad.model_copy(update={"bounds": bad.bounds[:3]})]).state == "fail"


def test_the_head_of_the_verdict_says_which_rows_seem_to_belong_together(policy: Build) -> None:
    def suspected(name: str, effect: float) -> Measurement:
        return Measurement(
            check="independence", name="design_effect", value=effect, n=3000, part={"found": name} if name else {}
        )

    found = [suspected("column person", 3.75), suspected("ids with a common stem", 2.0), suspected("", 9.0)]
    notices = verdict(policy(), found).notices
    assert [text for text in notices if "belong together" in text] == [
        "rows seem to belong together (column person), which no bound respects: 3000 are worth about 800 independent "
        "ones; declare it in columns.cluster"
    ]
    declared = verdict(policy(), found[2:]).notices
    assert not [text for text in declared if "belong together" in text]
