"""Licenses of base and data, and what they allow together."""

import pytest
from case_fixture import make_case
from hypothesis import given, settings, strategies as st
from rows_fixture import gaps, measurements, run, value

from govkit.core import Component, Fact, LicenseEvidence, LicenseRecord, Run
from govkit.core.audit import License, Use
from govkit.licenses import conclude, declared

KNOWN = Fact(value="x", seen="observed")


def component(role, *expressions, id="x"):
    signs = [declared(text) for text in expressions]
    license = conclude(signs) if signs else LicenseRecord(expression=None, state="unknown", reason="no sign")
    name, digest = (Fact(value=text, seen="observed") for text in (id, f"sha256:{id}"))
    return Component(role=role, id=name, revision=KNOWN, digest=digest, rows=KNOWN, license=license)


def found_for(base, *data, intent=("internal",), licenses=(), stance="notice", reason="", **fields):
    record = Run(
        name="sms", base=base, data=data, seed=KNOWN, artifact=KNOWN, exit="finished", started="2026-01-01T00:00:00Z"
    )
    use = Use(intent=intent, data_stance=stance, data_stance_reason=reason)
    case = make_case([0, 1], [0.2, 0.7], run=record, use=use, licenses=licenses, **fields)
    return run("licenses", case)


def said(of, expression, id="x"):
    return License(of=of, id=id, expression=expression)


def test_known_licenses_that_allow():
    found = found_for(component("base", "Apache-2.0"), component("train", "CC-BY-4.0", id="t"), intent=("hosted",))
    assert value(found, "base_license", part={}) == "known"
    assert value(found, "data_license", part={}, role="train") == "known"
    assert value(found, "composition") == "allow"
    assert value(found, "license_expression", part={"base": "x"}) == "Apache-2.0"
    assert any("CC-BY-4.0" in item.value for item in measurements(found, "obligation"))


def test_a_forbidden_use_is_denied_with_its_reason():
    found = found_for(component("base", "CC-BY-NC-4.0"), component("train", "MIT", id="t"), intent=("commercial",))
    assert value(found, "composition") == "deny"
    assert any("CC-BY-NC-4.0" in item.value for item in measurements(found, "composition_reason"))


def test_unknown_and_conflict_are_words_of_their_own():
    found = found_for(component("base"), component("train", "MIT", "GPL-3.0-only", id="t"))
    assert value(found, "base_license", part={}) == "unknown"
    assert value(found, "data_license", part={}, role="train") == "conflict"
    assert value(found, "composition") == "unknown"


def test_the_worst_source_speaks_for_its_role_and_each_is_shown():
    found = found_for(component("base", "MIT"), component("train", "MIT", id="a"), component("train", id="b"))
    assert value(found, "data_license", part={}, role="train") == "unknown"
    assert value(found, "data_license", part={"source": "1 a"}) == "known"
    assert value(found, "data_license", part={"source": "2 b"}) == "unknown"


def test_a_declaration_fills_a_hole_and_never_overrules():
    filled = found_for(component("base"), component("train", "MIT", id="t"), licenses=(said("base", "MIT"),))
    assert value(filled, "base_license", part={}) == "known"
    contradicted = found_for(component("base", "GPL-3.0-only"), licenses=(said("base", "MIT"),))
    assert value(contradicted, "base_license", part={}) == "conflict"
    elsewhere = found_for(component("base"), licenses=(said("base", "MIT", id="another"),))
    assert value(elsewhere, "base_license", part={}) == "unknown"


def test_the_license_of_the_model_may_not_drop_a_restriction():
    parts = (component("base", "GPL-3.0-only"), component("train", "MIT", id="t"))
    kept = found_for(*parts, intent=("distribute",), licenses=(said("candidate", "GPL-3.0-only"),))
    assert value(kept, "composition") == "allow"
    dropped = found_for(*parts, intent=("distribute",), licenses=(said("candidate", "MIT"),))
    assert value(dropped, "composition") == "deny"


def test_without_a_run_the_declarations_stand_alone():
    licenses = (said("base", "MIT", id="b"), said("data", "CC-BY-4.0", id="d"))
    found = run("licenses", make_case([0, 1], [0.2, 0.7], licenses=licenses, use=Use(intent=("internal",))))
    assert value(found, "base_license", part={}) == "known"
    assert value(found, "composition") == "allow"
    assert {value(found, "data_license", part={}, role=role) for role in ("train", "test")} == {"known"}
    assert not gaps(found)


@pytest.mark.parametrize(
    ("stance", "reason", "verdict"),
    [("strict", "", "deny"), ("notice", "", "allow"), ("ignore", "facts only", "allow")],
)
def test_the_stance_of_the_audit_file_is_taken_and_shown(stance, reason, verdict):
    parts = (component("base", "MIT"), component("train", "CC-BY-NC-4.0", id="t"))
    found = found_for(*parts, intent=("commercial",), stance=stance, reason=reason)
    assert value(found, "composition") == verdict
    assert value(found, "data_stance") == stance
    assert [item.value for item in measurements(found, "data_stance_reason")] == ([reason] if reason else [])


def test_each_obligation_says_whether_it_is_met_in_the_folder(tmp_path):
    (tmp_path / "LICENSE").write_text("MIT\n")
    parts = (component("base", "MIT"), component("train", "CC-BY-4.0", id="t"))
    found = found_for(*parts, intent=("distribute",), model_path=tmp_path)
    said = {item.part["number"]: item.value for item in measurements(found, "obligation")}
    seen = {item.part["number"]: item.value for item in measurements(found, "obligation_met")}
    assert said.keys() == seen.keys() == {"1", "2"}
    assert seen == {"1": "met", "2": "by hand"}
    (tmp_path / "LICENSE").unlink()
    found = found_for(*parts, intent=("distribute",), model_path=tmp_path)
    assert value(found, "obligation_met", part={"number": "1"}) == "not found"
    assert not measurements(found_for(*parts, intent=("internal",), model_path=tmp_path), "obligation_met")
    assert not measurements(found_for(*parts, intent=("distribute",)), "obligation_met")


def test_roles_of_the_case_without_a_license_are_a_gap():
    found = found_for(component("base", "MIT"), component("train", "MIT", id="t"), shifted={"labels": [0, 1]})
    roles = {item.data.role for item in found if item.kind == "gap"}
    assert roles == {"test", "shifted"}


def test_gaps():
    assert gaps(run("licenses", make_case([0, 1], [0.2, 0.7]))) == {"*": "no data"}
    only_data = run("licenses", make_case([0, 1], [0.2, 0.7], licenses=(said("data", "MIT"),)))
    assert gaps(only_data)["base_license"] == "no data"


@settings(max_examples=6, deadline=None)
@given(st.permutations(["MIT", "Apache-2.0", None, "CC-BY-NC-4.0"]))
def test_the_order_of_sources_changes_no_word(expressions):
    parts = [component("train", *([text] if text else []), id=str(text)) for text in expressions]
    found = found_for(component("base", "MIT"), *parts, intent=("commercial",))
    assert value(found, "data_license", part={}, role="train") == "unknown"
    assert value(found, "composition") == "unknown"


@pytest.mark.parametrize("sign", ["Apache-2.0", "MIT"])
def test_a_license_file_that_says_otherwise_makes_a_conflict(sign):
    file = LicenseEvidence(source="license file", where="LICENSE", expression="GPL-3.0-only")
    base = component("base").model_copy(update={"license": conclude([file, declared(sign)])})
    assert value(found_for(base), "base_license", part={}) == "conflict"
