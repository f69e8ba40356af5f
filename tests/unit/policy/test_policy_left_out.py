"""What the audit file leaves out is never milder than what was measured badly, under any shipped pack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

import numpy as np
import pytest
from benches import load_bench
from case_fixture import make_case

import govkit as gk
from govkit import checks
from govkit.core import Case, Control, Finding, Measurement, Policy, Verdict
from govkit.core.audit import Audit
from govkit.core.policy import Has
from govkit.core.words import Absent
from govkit.policy import judge

bench = load_bench("pack_power")
FACTS = ("base", "groups", "incumbent", "shifted", "train")
GATES = ("review", "block")


# Each control that a fact excludes, on findings that meet everything


def _facts(rules: Policy, unknown: str = "") -> Iterator[Finding]:
    when = [each for each in (rules.applies, *(control.when for control in rules.controls)) if each is not None]
    for name, words in (("task", "binary"), ("modality", "text"), ("access", "predict")):
        asked = [getattr(each, name) for each in when if getattr(each, name)]
        value = next(
            (word for word in (words, *(asked[0] if asked else ())) if all(word in each for each in asked)), words
        )
        yield Measurement(check="scope", name=name, value=value, n=1)
    for name in get_args(Has):
        yield Measurement(check="scope", name=f"has_{name}", value="unknown" if name == unknown else True, n=1)


def _met(rules: Policy, controls: Sequence[Control]) -> list[Finding]:
    """A finding that meets each control, one for each thing that several of them read, on every slice."""
    found: dict[str, Finding] = {}
    for control in (each for each in controls if each.check is not None):
        for slice_ in control.over or ("",):
            rows = rules.slices.get(slice_)
            columns = rows.columns if rows is not None else ("sex",)
            part = dict.fromkeys(columns, "a") if slice_ else {}
            made = bench.met(control).model_copy(update={"part": part})
            found[repr((made.check, made.name, made.compared_with, made.data, part, made.params))] = made
    return list(found.values())


def _judged(rules: Policy, findings: Sequence[Finding]) -> Verdict:
    return judge(rules, findings, subject=bench.DIGEST, as_of=bench.AS_OF, attestations=bench.signed(rules))


@pytest.mark.parametrize("pack", gk.packs())
def test_no_pack_lets_through_what_names_nothing(pack: str) -> None:
    rules = gk.resolve_policy(pack)
    assert _judged(rules, [*_facts(rules), *_met(rules, rules.controls)]).exit_code == 0
    for fact in get_args(Has):
        asked = [each for each in rules.controls if each.when and fact in (each.when.has or ())]
        rest = [each for each in rules.controls if each not in asked]
        verdict = _judged(rules, [*_facts(rules, fact), *_met(rules, rest)])
        states = {each.control: each.state for each in verdict.rulings}
        applies = [each for each in asked if states[each.id] != "not_applicable"]
        assert {states[each.id] for each in applies} <= {"missing"}
        if any(each.on_fail in GATES for each in applies):
            assert verdict.exit_code != 0, fact


# A real model with a bad gap, measured with and without


def _case(bad: str = "", *, without: str = "", absent: str = "") -> Case:
    """A model that is bad beside one thing alone; one thing is left out, or said to be absent."""
    rng, rho = np.random.default_rng(7), bench.correlation()
    test, train, shifted = (bench.rows(1500, rho, rng) for _ in range(3))
    if bad == "groups":  # as many errors as before, all of them among the positives of one group
        wrong = (test["labels"] == 1) & (test["groups"]["sex"] == "a") & (rng.random(1500) < 0.4)
        test["probs"] = np.where(wrong, 0.02, np.where(test["labels"] == 1, 0.98, 0.02))
    if bad == "train":  # learned by heart
        train["probs"] = train["labels"].astype(float)
    if bad == "shifted":
        shifted["probs"] = np.where(rng.random(1500) < 0.3, 1 - shifted["probs"], shifted["probs"])
    sets: dict[str, Any] = {"train": train, "shifted": shifted}
    for each in (test, train, shifted):
        each |= {"base": each["probs"], "incumbent": each["probs"]}  # beside the same answers nothing is lost
        if bad in ("base", "incumbent"):
            each[bad] = np.where(each["labels"] == 1, 0.98, 0.02)
        each.pop(without, None)
    sets.pop(without, None)
    said = dict.fromkeys(("base_data", "reference", "service", *([absent] if absent else [])), "there is none here")
    return make_case(**test, **sets, access="weights", absent=said)


def _verdict(pack: str, case: Case, without: str = "") -> Verdict:
    rules = gk.resolve_policy(pack)
    drawn = ("scope", "performance", "flips", "bias", "calibration", "overfit", "shift_floor", "representation")
    asked = {name: {} for name in drawn} | {each.check: each.params for each in rules.controls if each.check in drawn}
    found = checks.measure(case, [checks.Request(name, params) for name, params in asked.items()])
    others = [each for each in rules.controls if each.check not in asked and each.data != without]
    if without == "train":  # without training rows there is nothing to find the test rows in
        others = [each for each in others if each.check != "contamination"]
    return _judged(rules, [*found, *_met(rules, others)])


CORE, SHOP, LOW = "nist-ai-rmf-core", "small-business", "tier-low"


@pytest.mark.parametrize(
    ("pack", "fact"),
    [
        *((CORE, fact) for fact in FACTS),
        (SHOP, "groups"),
        *((pack, who) for pack in (SHOP, LOW) for who in ("base", "incumbent")),
    ],
)
def test_a_bad_model_is_not_let_through_for_what_it_leaves_out(pack: str, fact: str) -> None:
    assert _verdict(pack, _case(fact)).exit_code != 0
    assert _verdict(pack, _case(fact, without=fact), without=fact).exit_code != 0


def test_who_says_that_there_is_none_is_quoted_by_the_verdict() -> None:
    silent, said = (
        _verdict("tier-low", _case("incumbent", without="incumbent", absent=word)) for word in ("", "incumbent")
    )
    states = [{each.control: each.state for each in verdict.rulings}["PERF-03"] for verdict in (silent, said)]
    assert states == ["missing", "not_applicable"]
    assert any("incumbent (there is none here)" in notice for notice in said.notices)
    reason = next(each.reason for each in silent.rulings if each.control == "PERF-03")
    assert "name it in the audit file, or say under absent why there is none" in reason


# The audit file


@pytest.mark.parametrize("name", get_args(Absent))
def test_what_is_named_cannot_be_absent(name: Absent) -> None:
    plain: dict[str, Any] = {
        "subject": {"run": "run.json", "predictions": "a.csv"},
        "base": {"model": "base", "head": "probe", "trained_on": ["web"]},
        "incumbent": {"predictions": "b.csv"},
        "data": {"train": {"path": "c.csv"}, "shifted": {"path": "d.csv"}},
        "reference": {"path": "census.csv"},
        "service": {"statement": "s.json", "trust": "t.yaml"},
        "columns": {"label": "y", "groups": ["sex"]},
    }
    Audit.model_validate(plain)
    with pytest.raises(ValueError, match=rf"absent\.{name}: the file names one too"):
        Audit.model_validate({**plain, "absent": {name: "there is none of it"}})
    Audit.model_validate(
        {"subject": {"predictions": "a.csv"}, "columns": {"label": "y"}, "absent": {name: "none of it"}}
    )


@pytest.mark.parametrize("reason", ["", "none", "a\nline of its own"])
def test_an_absence_needs_a_reason_on_one_line(reason: str) -> None:
    with pytest.raises(ValueError, match="absent"):
        Audit.model_validate(
            {"subject": {"predictions": "a.csv"}, "columns": {"label": "y"}, "absent": {"base": reason}}
        )
