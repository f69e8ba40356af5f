from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from govkit.core import Policy
from govkit.policy import compare, load

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]


def _told(old: Policy, new: Policy) -> set[tuple[str, str]]:
    return {(each.direction, each.words) for each in compare(old, new)}


def test_a_policy_is_the_same_as_itself(policy: Build) -> None:
    assert not compare(policy(), policy())
    assert not compare(load("nist-ai-rmf-core"), load("nist-ai-rmf-core"))


TIGHTER: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"require": {"min": 0.8}}, {"require": {"min": 0.85}}, "A-1: the limit was min 0.8, is min 0.85"),
    ({"severity": "medium"}, {"severity": "high"}, "A-1: severity was medium, is high"),
    (
        {"on_fail": "warn", "on_inconclusive": "warn"},
        {"on_fail": "warn", "on_inconclusive": "block"},
        "A-1: what follows from inconclusive was warn, is block",
    ),
    ({"confidence": 0.9}, {"confidence": 0.99}, "A-1: confidence was 0.9, is 0.99"),
    ({"over": ["sex"]}, {"over": ["sex", "groups"]}, "A-1: the slices was sex, is sex, groups"),
    ({"when": {"task": ["binary"]}}, {}, "A-1: where it applies was {'task': ['binary']}, is nothing"),
    ({"rmf": ["MEASURE 2.5"]}, {"rmf": ["MEASURE 2.5", "MEASURE 2.3"]}, "A-1: the outcomes it serves was MEASURE 2.5"),
]


@pytest.mark.parametrize(("mild", "strict", "words"), TIGHTER)
def test_what_is_tighter_one_way_is_looser_on_the_way_back(
    policy: Build, control: Fields, mild: dict[str, Any], strict: dict[str, Any], words: str
) -> None:
    slices = {"sex": {"by": "sex"}}
    old, new = (policy(control(**changes), slices=slices) for changes in (mild, strict))
    (change,) = compare(old, new)
    assert change.direction == "tighter"
    assert change.words.startswith(words)
    assert [each.direction for each in compare(new, old)] == ["looser"]


@pytest.mark.parametrize(
    "changes", [{"metric": "log_loss"}, {"data": "shifted"}, {"params": {"bins": 3}}, {"require": {"max": 0.9}}]
)
def test_what_cannot_be_ordered_is_looser_both_ways(policy: Build, control: Fields, changes: dict[str, Any]) -> None:
    old, new = policy(), policy(control(**changes))
    assert [each.direction for each in (*compare(old, new), *compare(new, old))] == ["looser", "looser"]


def test_words_without_force_are_neither(policy: Build, control: Fields) -> None:
    new = policy(
        control(title="Other words", authority={"level": "none", "note": "n"}, advice="Look."),
        owner={"name": "M. Risk"},
        version="1.0.1",
    )
    assert {each.direction for each in compare(policy(), new)} == {"neither"}
    assert len(compare(policy(), new)) == 5


def test_what_went_is_looser_and_what_came_is_tighter(policy: Build, control: Fields) -> None:
    trigger = {"id": "T-1", "title": "watched", "watch": "shift", "limit": 0.1, "then": "review"}
    rich = policy(
        control(),
        control(id="B-1", title="second"),
        triggers=[{**trigger, "authority": {"level": "none"}}],
        risks=[{"id": "R-1", "description": "lost letters", "impact": 1, "likelihood": 1}],
    )
    poor = policy()
    assert _told(rich, poor) == {
        ("looser", "B-1: removed: second"),
        ("looser", "T-1: removed: watched"),
        ("looser", "R-1: removed: lost letters"),
    }
    assert {each.direction for each in compare(poor, rich)} == {"tighter"}


def test_the_policy_as_a_whole(policy: Build) -> None:
    old = policy(tier="high", review_by="2027-01-01", applies={"task": ["binary"]}, decision={"confidence": 0.99})
    new = policy(tier="low", review_by="2028-01-01")
    assert {(each.direction, each.name, each.field) for each in compare(old, new)} == {
        ("looser", "policy", "tier"),
        ("looser", "policy", "applies"),
        ("looser", "policy", "review_by"),
        ("looser", "A-1", "confidence"),
        ("neither", "policy", "decision"),
    }
    assert ("looser", "policy: the day of its review was 2027-01-01, is nothing") in _told(
        policy(review_by="2027-01-01"), policy()
    )
    assert [each.direction for each in compare(new, old)].count("looser") == 0


def test_a_slice_that_asks_for_other_rows_is_looser(policy: Build, control: Fields) -> None:
    old, new = (policy(control(over=["sex"]), slices={"sex": {"by": "sex", "min_n": n}}) for n in (300, 30))
    assert ("looser", "A-1: the slices was sex, is sex") in _told(old, new)


def test_a_relaxation_that_lasts_longer_is_looser(policy: Build, control: Fields) -> None:
    def relaxed(expires: str) -> dict[str, Any]:
        why = "agreed in the risk meeting of May"
        return {"control": "A-1", "field": "require", "reason": why, "approver": "M", "expires": expires}

    old, new = (policy(relax=[relaxed(day)]) for day in ("2027-05-31", "2099-05-31"))
    assert ("looser", "A-1: relaxed require was 2027-05-31, is 2099-05-31") in _told(old, new)
    assert "looser" not in {each.direction for each in compare(new, old)}
    assert ("looser", "A-1: relaxed require was 2027-05-31, is without end") in _told(old, policy())
    tighter = policy(control(require={"min": 0.95}))
    assert "looser" not in {each.direction for each in compare(old, tighter)}
