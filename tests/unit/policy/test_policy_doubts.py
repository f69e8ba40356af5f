from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from govkit import checks
from govkit.core import Check, Policy, Waiver
from govkit.errors import PolicyError
from govkit.policy import lint, load, resolve

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]
Catalog = Mapping[str, Check]
TODAY = date(2026, 11, 24)


def _told(policy: Policy, catalog: Catalog, **options: Any) -> str:
    return "\n".join(f"{each.level} {each.control}: {each.message}" for each in lint(policy, catalog, **options))


def test_a_limit_that_the_planned_rows_cannot_decide_is_an_error(policy: Build, control: Fields) -> None:
    mine = policy(control(require={"min": 0.99}), planned={"rows": {"test": 50}})
    with pytest.raises(
        PolicyError, match=r"the 50 rows planned \(all rows\) could not pass even if each came out perfect"
    ):
        resolve(mine, checks.catalog())
    assert resolve(policy(control(require={"min": 0.99}), planned={"rows": {"shifted": 50}}), checks.catalog())


def test_rows_that_settle_little_are_a_warning(policy: Build, control: Fields) -> None:
    paired = control(compared_with="base", require={"min": -0.02})
    many, few = ({"rows": {"test": n}} for n in (9000, 100))
    assert "rows planned" not in _told(policy(paired, planned=many), checks.catalog())
    told = _told(policy(paired, planned=few), checks.catalog())
    assert "warning A-1: with the 100 rows planned (all rows) 9 audits in 10 would not pass; about 8739 rows" in told


def test_planned_parts_are_looked_at_slice_by_slice(policy: Build, control: Fields) -> None:
    mine = policy(
        control(over=["sex", "age"]),
        slices={"sex": {"by": "sex"}, "age": {"by": "age", "min_n": 300}},
        planned={"rows": {"test": 5000}, "parts": {"sex": 10, "age": 200}},
    )
    told = _told(mine, checks.catalog())
    assert "error A-1: the 10 rows planned (sex) could not pass" in told
    assert "warning A-1: the slice age asks for 300 rows and 200 are planned: it is never judged" in told


def test_a_metric_without_a_formula_raises_no_doubt(policy: Build, control: Fields) -> None:
    mine = policy(control(metric="log_loss", require={"max": 0.1}), planned={"rows": {"test": 2}})
    assert "rows planned" not in _told(mine, checks.catalog())


def test_an_outcome_that_wants_a_statement_stays_open_until_somebody_signs(
    policy: Build, control: Fields, catalog: Catalog
) -> None:
    measured = control(rmf=["MEASURE 4.3"])
    signed = {"id": "S-1", "title": "t", "rmf": ["MEASURE 4.3"], "attest": {"kind": "approval"}, "severity": "low"}
    assert "MEASURE 4.3 wants a signed statement and stays open: A-1 only" in _told(policy(measured), catalog)
    assert "stays open" not in _told(policy(measured, signed), catalog)


def test_sources_that_nobody_has_looked_up_for_a_year(policy: Build, control: Fields, catalog: Catalog) -> None:
    mine = policy(control(authority={"level": "convention", "ref": "fda_gmlp"}))
    assert "last looked up" not in _told(mine, catalog, as_of=date(2027, 11, 24))
    assert "the source fda_gmlp was last looked up on 2026-11-24" in _told(mine, catalog, as_of=date(2027, 11, 25))
    assert "last looked up" not in _told(mine, catalog)


def test_waivers_that_can_never_hold_are_named(policy: Build, control: Fields, catalog: Catalog) -> None:
    def waiver(name: str, **changes: Any) -> Waiver:
        fields = {"model": "sha256:" + "a" * 64, "owner": "o", "approver": "p", "reason": "because it must be so"}
        days = {"created": "2026-11-01", "expires": "2026-12-01"}
        return Waiver(**{"id": name, "control": "A-1", **fields, **days, **changes})

    mine = policy(
        control(),
        control(id="C-1", severity="critical"),
        {"id": "S-1", "title": "t", "rmf": ["MAP 1.1"], "attest": {"kind": "approval"}, "severity": "low"},
    )
    given = [
        waiver("W-good"),
        waiver("W-lost", control="A-2"),
        waiver("W-critical", control="C-1"),
        waiver("W-signed", control="S-1"),
        waiver("W-old", expires="2026-11-23"),
        waiver("W-long", created="2026-01-01", expires="2028-11-23"),
    ]
    told = _told(mine, catalog, waivers=given, as_of=TODAY)
    assert "W-good" not in told
    assert "warning : waiver W-lost: there is no control 'A-2' (did you mean 'A-1'?)" in told
    assert "warning C-1: waiver W-critical is dead: a critical control cannot be waived" in told
    assert "warning S-1: waiver W-signed is dead: missing evidence" in told
    assert "warning A-1: waiver W-old is dead: it expired on 2026-11-23" in told
    assert "warning A-1: waiver W-long is dead: it lives longer than " in told


def test_problems_name_the_line_of_the_file_that_last_spoke_of_a_control(
    write: Callable[..., Path], text: Callable[..., str], catalog: Catalog
) -> None:
    write(text(metric="acuracy"))
    top = "schema: govkit.policy/v1\nid: child\nversion: 1.0.0\nextends: [policy.yaml]\ncontrols:\n"
    new = "  - {id: B-1, title: t, rmf: [MEASURE 2.5], check: nothing, metric: x, require: {min: 1}, severity: low,\n"
    path = write(top + new + "     authority: {level: none, note: n}}\n", "child.yaml")
    places = {each.control: each.place for each in lint(load(path), catalog, source=path) if each.level == "error"}
    assert places == {"A-1": f"{path.parent / 'policy.yaml'}:6", "B-1": f"{path}:6"}
    with pytest.raises(PolicyError, match=r"child.yaml:6: policy child, B-1: there is no check 'nothing'"):
        resolve(load(path), catalog, source=path)
    assert {each.place for each in lint(load(path), catalog)} == {""}
