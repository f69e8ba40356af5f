from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from govkit import checks
from govkit.core import Check, Policy
from govkit.documents import read_model
from govkit.errors import PolicyError
from govkit.policy import PolicyTests, load, packs, resolve, run_cases
from govkit.resources import find

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]
Catalog = Mapping[str, Check]


def _tests(*cases: dict[str, Any]) -> PolicyTests:
    return PolicyTests.model_validate({"schema": "govkit.policy-tests/v1", "cases": list(cases)})


def _case(expect: dict[str, Any], *findings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "one", "findings": list(findings), "expect": expect, **more}


RIGHT = {"check": "performance", "metric": "accuracy", "value": 0.9, "low": 0.85, "high": 0.95}


def test_a_case_that_comes_out_as_expected_passes(policy: Build, control: Fields, catalog: Catalog) -> None:
    mine = resolve(policy(control(), review_by="2030-01-01"), catalog)
    (result,) = run_cases(mine, _tests(_case({"outcome": "PASS", "controls": {"A-1": "pass"}}, RIGHT)), catalog)
    assert result.wrong == ()


def test_a_case_that_does_not_says_what_was_found(policy: Build, control: Fields, catalog: Catalog) -> None:
    mine = resolve(policy(control()), catalog)
    expect = {"outcome": "PASS", "controls": {"A-1": "pass"}, "waived": ["A-1"]}
    (result,) = run_cases(mine, _tests(_case(expect, {**RIGHT, "low": 0.7})), catalog)
    outcome, state, waiver = result.wrong
    assert outcome == "expected PASS, found REVIEW"
    assert state.startswith("A-1: expected pass, found inconclusive (accuracy 0.9")
    assert waiver == "A-1: expected a waiver to cover it; there is none"


def test_facts_gaps_words_counts_and_statements_can_be_made_up(
    policy: Build, control: Fields, catalog: Catalog
) -> None:
    mine = resolve(
        policy(
            control(when={"task": ["binary"], "has": ["base"]}),
            control(id="B-1", check="licenses", metric="composition", require={"equals": "allow"}),
            control(id="C-1", check="licenses", metric="seen", require={"equals": True}),
            {"id": "S-1", "title": "t", "rmf": ["MAP 1.1"], "attest": {"kind": "approval"}, "severity": "low"},
        ),
        catalog,
    )
    states = {"A-1": "not_applicable", "B-1": "fail", "C-1": "error", "S-1": "pass"}
    case = _case(
        {"controls": states},
        {"check": "licenses", "metric": "composition", "value": "deny"},
        {"check": "licenses", "metric": "seen", "gap": "crashed"},
        facts={"task": "multiclass"},
        attestations=[{"kind": "approval", "signer": "M. Risk", "signed_at": "2026-11-30"}],
    )
    assert run_cases(mine, _tests(case), catalog)[0].wrong == ()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"check": "perfomance", "metric": "accuracy", "value": 1}, "no check 'perfomance' .did you mean 'performance'"),
    ({**RIGHT, "metric": "acuracy"}, "no metric 'acuracy' .did you mean 'accuracy'"),
    ({**RIGHT, "metric": "*"}, "no metric '.'"),
    ({**RIGHT, "params": {"bin": 3}}, "parameters of performance"),
]


@pytest.mark.parametrize(("finding", "expected"), WRONG)
def test_findings_of_things_that_do_not_exist_are_refused(
    policy: Build, catalog: Catalog, finding: dict[str, Any], expected: str
) -> None:
    with pytest.raises(PolicyError, match=f"one: .*{expected}"):
        run_cases(resolve(policy(), catalog), _tests(_case({"outcome": "PASS"}, finding)), catalog)


@pytest.mark.parametrize("expect", [{"controls": {"A-2": "pass"}}, {"waived": ["A-2"]}])
def test_a_control_that_does_not_exist_is_refused(policy: Build, catalog: Catalog, expect: dict[str, Any]) -> None:
    with pytest.raises(PolicyError, match=r"no control 'A-2' \(did you mean 'A-1'"):
        run_cases(policy(), _tests(_case(expect)), catalog)


BAD = [
    ("expect: {}", "expect is empty"),
    ("expect: {outcome: PAS}", "did you mean 'PASS'"),
    ("expect: {outcome: PASS}, findings: [{check: c, metric: m}]", "expected a value or a gap"),
    ("expect: {outcome: PASS}, findings: [{check: c, metric: m, value: 1, gap: crashed}]", "expected a value or a gap"),
    ("expect: {outcome: PASS}, findings: [{check: c, metric: m, value: 1, low: 0}]", "low and high stand together"),
    ("expect: {outcome: PASS}, findings: [{check: c, metric: m, value: 1, low: 2, high: 3}]", "from low to high"),
    ("expect: {outcome: PASS}, findings: [{check: c, metric: m, value: yes, low: 0, high: 3}]", "from low to high"),
    ("expect: {outcome: PASS}, facts: {has: [bass]}", "did you mean 'base'"),
    ("expect: {outcome: PASS}, finding: []", "did you mean 'findings'"),
]


@pytest.mark.parametrize(("body", "expected"), BAD)
def test_files_that_are_wrong_are_refused_with_their_line(write: Callable[..., Path], body: str, expected: str) -> None:
    path = write("schema: govkit.policy-tests/v1\ncases:\n  - {name: one, " + body + "}\n")
    with pytest.raises(PolicyError, match=rf"policy.yaml:3: .*{expected}"):
        read_model(path, PolicyTests, error=PolicyError)


def test_the_shipped_tests_pass() -> None:
    files = sorted((find("policies") / "tests").glob("*.yaml"))
    assert files
    for path in files:
        assert path.stem in packs()
        results = run_cases(
            resolve(load(path.stem), checks.catalog()),
            read_model(path, PolicyTests, error=PolicyError),
            checks.catalog(),
        )
        assert not [each for each in results if each.wrong]
