from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from govkit.core import Check, Policy
from govkit.errors import PolicyError
from govkit.policy import explain, lint, load, resolve

Catalog = Mapping[str, Check]
Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]


def test_parameters_are_written_out_in_full(policy: Build, control: Fields, catalog: Catalog) -> None:
    resolved = resolve(policy(control(params={"bins": 5})), catalog)
    assert resolved.controls[0].params == {"bins": 5, "kind": "plain"}
    assert resolve(resolved, catalog) == resolved


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"check": "perfomance"}, "there is no check 'perfomance' (did you mean 'performance'?)"),
    ({"metric": "acuracy"}, "no metric 'acuracy' (did you mean 'accuracy'?)"),
    ({"params": {"bin": 5}}, "no parameter 'bin' (did you mean 'bins'?)"),
    ({"params": {"bins": "many"}}, "parameter bins of the check performance"),
    ({"rmf": ["MEASUR 2.5"]}, "'MEASUR 2.5' is no subcategory of the NIST AI RMF (did you mean 'MEASURE 2.5'?)"),
    ({"rmf": ["MEASURE 3.3"]}, "can only be shown by the organisation"),
    ({"authority": {"level": "convention", "ref": "gmlp"}}, "is no source of the crosswalk (did you mean 'fda_gmlp'?)"),
    ({"authority": {"level": "statute"}}, "authority statute needs a ref"),
    ({"require": {"max": 0.9}}, "accuracy is better when higher; a max alone would ask for worse"),
    ({"require": {"min": 0.1}, "metric": "log_loss"}, "log_loss is better when lower"),
    ({"require": {"min": 80}}, "min 80.0 lies outside the range of accuracy, 0 to 1"),
    ({"require": {"min": -1.5}, "compared_with": "base"}, "outside the range of accuracy, -1 to 1"),
    ({"require": {"equals": "good"}}, "accuracy holds no words"),
    ({"require": {"equals": True}}, "accuracy holds no words"),
    ({"on_fail": "ignore"}, "on_fail: ignore would let a failure pass in silence; use warn, review or block"),
    ({"on_fail": "warn"}, "on_fail warn is milder than on_inconclusive review: a worse value would do better"),
    ({"compared_with": "candidate"}, "candidate is compared with itself"),
    ({"check": "licenses", "metric": "composition"}, "composition is a word (allow, deny, unknown); use equals"),
    ({"check": "licenses", "metric": "composition", "require": {"equals": "alow"}}, "did you mean 'allow'"),
    ({"check": "licenses", "metric": "composition", "require": {"equals": True}}, "found equals true"),
    ({"check": "licenses", "metric": "composition", "require": {"equals": "unknown"}}, "can never be met"),
]


@pytest.mark.parametrize(("changes", "expected"), ERRORS)
def test_what_resolve_refuses(
    policy: Build, control: Fields, catalog: Catalog, changes: dict[str, Any], expected: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(policy(control(**changes)), catalog)
    assert "policy mine, A-1: " in str(caught.value)
    assert expected in str(caught.value)


def test_a_limit_in_the_bad_direction_is_fine_with_both_ends_or_beside_another_model(
    policy: Build, control: Fields, catalog: Catalog
) -> None:
    for changes in ({"require": {"min": 0.1, "max": 0.9}}, {"require": {"max": 0.1}, "compared_with": "base"}):
        resolve(policy(control(**changes)), catalog)


def test_a_truth_is_asked_for_with_equals(policy: Build, control: Fields, catalog: Catalog) -> None:
    seen = control(check="licenses", metric="seen", require={"equals": True})
    assert resolve(policy(seen), catalog).controls[0].require is not None


def test_an_attestation_has_no_limit(policy: Build, control: Fields, catalog: Catalog) -> None:
    signed = control(check=None, metric=None, authority=None, attest={"kind": "intended_use"})
    with pytest.raises(PolicyError, match="require has no meaning beside attest"):
        resolve(policy(signed), catalog)


def test_unresolved_parents_are_refused(policy: Build, catalog: Catalog) -> None:
    with pytest.raises(PolicyError, match="is not resolved"):
        resolve(policy(extends=["other.yaml"]), catalog)


def test_every_error_is_listed_at_once(policy: Build, control: Fields, catalog: Catalog) -> None:
    with pytest.raises(PolicyError) as caught:
        resolve(policy(control(rmf=["X"]), control(id="B-1", check="nothing")), catalog)
    assert len(str(caught.value).splitlines()) == 2


def test_warnings(policy: Build, control: Fields, catalog: Catalog) -> None:
    found = lint(
        policy(
            control(authority={"level": "regulation", "ref": "sr_11_7"}, require={"min": 0.0}, rmf=["MEASURE 2.11"]),
            control(id="B-1", advice="Do it.", on_fail="review", on_inconclusive="block"),
            {
                "id": "C-1",
                "title": "t",
                "rmf": ["MAP 1.1"],
                "attest": {"kind": "intended_us"},
                "severity": "low",
            },
            slices={"sex": {"by": "sex"}},
            risks=[{"id": "R-1", "description": "d", "impact": 1, "likelihood": 1}],
        ),
        catalog,
    )
    assert {problem.level for problem in found} == {"warning"}
    text = "\n".join(f"{problem.control}: {problem.message}" for problem in found)
    for expected in (
        ": review_by is missing",
        ": risk R-1 has no control",
        ": slice sex is used by no control",
        "A-1: authority sr_11_7 is superseded; see sr_26_2",
        "A-1: min 0.0 is the end of the range of accuracy",
        "A-1: the crosswalk does not connect check.performance with MEASURE 2.11",
        "A-1: advice is missing",
        "B-1: authority none has no note",
        "B-1: on_fail review is milder than on_inconclusive block: a worse value would do better",
        "C-1: no outcome of the RMF lists a statement of the kind 'intended_us' (did you mean 'intended_use'?)",
    ):
        assert expected in text


@pytest.mark.parametrize("key", ["on_missing", "on_error", "on_unsupported", "on_inconclusive"])
def test_to_ignore_what_is_not_a_failure_is_worth_a_warning(
    policy: Build, control: Fields, catalog: Catalog, key: str
) -> None:
    found = lint(policy(control(**{"on_fail": "warn", "on_inconclusive": "warn", key: "ignore"})), catalog)
    assert [each.level for each in found if f"{key}: ignore counts as warn" in each.message] == ["warning"]
    assert not [each for each in found if each.level == "error"]


def test_a_risk_names_outcomes_that_exist(policy: Build, catalog: Catalog) -> None:
    risk = {"id": "R-1", "description": "d", "impact": 1, "likelihood": 1, "controls": ["A-1"], "rmf": ["MAP 9.9"]}
    with pytest.raises(PolicyError, match=r"as a whole: risk R-1: 'MAP 9.9' is no subcategory"):
        resolve(policy(risks=[risk]), catalog)


def test_explain_says_what_is_asked_and_by_whom() -> None:
    told = explain(load("nist-ai-rmf-core"), "DATA-01")
    assert told["measures"] == "contamination.shared_rows"
    assert told["source"]["status"] == "in_force_guidance"
    assert told["serves"]["MAP 2.3"].startswith("Document scientific integrity")
    assert told["then"]["on_fail"] == "block"
    with pytest.raises(PolicyError, match=r"no control 'DATA-1'.*did you mean"):
        explain(load("nist-ai-rmf-core"), "DATA-1")


def test_the_core_pack_says_who_sets_every_limit_and_what_to_do() -> None:
    policy = load("nist-ai-rmf-core")
    # The checks are not here; whatever does not depend on them must be clean. What people sign is up to who extends it.
    expected = ("there is no check", "wants a signed statement and stays open")
    found = [problem for problem in lint(policy, {}) if not any(each in problem.message for each in expected)]
    assert not found
    assert len(policy.controls) >= 15
    assert all(control.authority is not None and control.authority.note for control in policy.controls)
