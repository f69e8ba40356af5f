from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from govkit import checks
from govkit.core import Policy, Ruling
from govkit.policy import explain, load, resolve

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]


def _words(policy: Policy, control: str, **options: Any) -> dict[str, str]:
    told = explain(policy, control, checks.catalog(), **options)["words"]
    return {heading: " ".join(sentences) for heading, sentences in told.items()}


def test_a_limit_on_a_sample_is_told_without_statistics(policy: Build, control: Fields) -> None:
    told = _words(policy(control(compared_with="base", require={"min": -0.02}, confidence=0.9)), "A-1")
    assert "with its base, the model before its fine-tuning, on the same rows" in told["What is asked"]
    assert "must be at most 2 in 100 lower than that of its base" in told["What counts as met"]
    assert "even the cautious end of the range (the lower end)" in told["What counts as met"]
    assert "in 90 of 100 audits" in told["What counts as met"]
    assert told["Who says so"].startswith("No law, standard or publication: this is our own margin.")
    assert "MEASURE 2.5: Show validity" in told["What it serves"]
    assert "data.test: rows that the model has never seen" in told["What it takes"]
    assert "base: the model before its fine-tuning" in told["What it takes"]
    assert "If it is not met: the model is blocked." in told["What follows"]


def test_counts_and_words_are_no_ranges(policy: Build, control: Fields) -> None:
    counted = control(check="contamination", metric="shared_rows", require={"max": 0})
    exact = _words(policy(counted), "A-1")["What counts as met"]
    assert exact.startswith("There must be none.")
    assert "counted and not estimated" in exact
    said = control(check="licenses", metric="composition", require={"equals": "allow"})
    told = _words(policy(said), "A-1")["What counts as met"]
    assert told == "The answer must be: allowed. What is unknown never counts as met."


def test_an_authority_is_told_with_its_status_and_day(policy: Build, control: Fields) -> None:
    old = control(authority={"level": "regulation", "ref": "sr_11_7", "note": "Banks."})
    told = _words(policy(old), "A-1")["Who says so"]
    assert told.startswith("A regulation. SR 11-7 / OCC 2011-12 model risk management: superseded, looked up on 2026-")
    assert told.endswith("now see sr_26_2. Banks.")


def test_slices_settings_and_where_it_applies(policy: Build, control: Fields) -> None:
    mine = policy(
        control(
            check="bias",
            metric="true_positive_rate_difference",
            require={"min": -0.1, "max": 0.1},
            rmf=["MEASURE 2.11"],
            over=["groups", "sex_age"],
            params={"min_rows": 50},
            when={"task": ["binary", "multiclass"], "has": ["groups"]},
        ),
        slices={"sex_age": {"by": ["sex", "age"], "min_n": 100, "below_min": "report"}},
    )
    told = _words(resolve(mine, checks.catalog()), "A-1")
    asked = told["What is asked"]
    assert "never seen; only rows whose label is positive count." in asked
    assert "Every group of people, and every declared part of the rows, must meet it by itself." in asked
    assert "Every part by sex and age must meet it by itself; fewer than 100 rows are left out, and named." in asked
    assert "With min rows 50, which is not the usual setting." in asked
    assert asked.count("usual setting") == 1
    assert "only where the answer is one of two classes or one of several classes, and where there is a column" in asked
    limits = "at most 10 in 100 lower and at most 10 in 100 higher than that of everybody else"
    assert limits in told["What counts as met"]
    assert "(both ends)" in told["What counts as met"]
    assert "the columns age, sex in the test data" in told["What it takes"]


def test_a_statement_of_a_person(policy: Build) -> None:
    attest = {"kind": "approval", "signer_role": "validator", "not_same_as": ["owner"], "fields": ["scope"]}
    mine = policy({"id": "S-1", "title": "Signed", "rmf": ["MAP 1.1"], "attest": attest, "severity": "low"})
    told = _words(mine, "S-1")
    assert "What counts as met" not in told
    asked = told["What is asked"]
    assert "A person signs, as validator, that this is true: Somebody who may decide has approved" in asked
    assert "`govkit attestation new approval` writes a form" in asked
    assert "What exactly is approved" in asked
    assert "The statement counts for 365 days." in asked
    assert "somebody else than: the owner of the policy" in asked
    assert "must also answer: scope" in asked
    assert told["What follows"].count("If ") == 2, "met, or not signed"


def test_a_statement_of_ones_own_kind(policy: Build) -> None:
    attest = {"kind": "fire_drill", "fields": ["who_came"]}
    mine = policy({"id": "S-1", "title": "Signed", "rmf": ["MAP 1.1"], "attest": attest, "severity": "low"})
    asked = _words(mine, "S-1")["What is asked"]
    assert "A person signs a statement of the kind fire drill. It must answer: who came." in asked


def test_what_follows_is_what_the_judge_makes_of_it(policy: Build, control: Fields) -> None:
    """A mild word beside a strict one does not open the gate, and the explanation does not say that it would."""
    mild = control(on_fail="warn", on_missing="ignore", on_inconclusive="review")
    assert "If there is no evidence: a person must decide." in _words(policy(mild), "A-1")["What follows"]


def test_with_a_ruling_it_says_what_was_seen(policy: Build) -> None:
    seen = Ruling(
        control="A-1", state="fail", severity="medium", disposition="warn", waived=True, reason="accuracy 0.7."
    )
    told = _words(policy(), "A-1", ruling=seen)["What was seen"]
    assert told.startswith("State: fail, it is not met.")
    assert told.endswith("A waiver covers it. accuracy 0.7.")
    assert _words(policy(), "A-1", ruling=seen, seen="In words.")["What was seen"].endswith("In words.")


@pytest.mark.parametrize("control", [each.id for each in load("nist-ai-rmf-core").controls])
def test_every_control_of_the_core_pack_can_be_explained(control: str) -> None:
    told = explain(load("nist-ai-rmf-core"), control, checks.catalog())["words"]
    assert all(sentence.strip() for sentences in told.values() for sentence in sentences)
    assert {"What is asked", "Who says so", "What it takes", "What follows"} <= set(told)
