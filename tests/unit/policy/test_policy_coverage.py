from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from govkit.core import Finding, Measurement, Policy, Verdict
from govkit.policy import judge
from govkit.policy.risks import level
from govkit.policy.standards import crosswalk, instruments, subcategories

SUBJECT = "sha256:" + "a" * 64

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]
Measure = Callable[..., Measurement]


def verdict(policy: Policy, findings: list[Finding]) -> Verdict:
    return judge(policy, findings, subject=SUBJECT, as_of="2026-11-24")


def cells(policy: Policy, findings: list[Finding]) -> dict[str, tuple[str, bool]]:
    return {cell.id: (cell.state, cell.partly) for cell in verdict(policy, findings).coverage.cells}


def test_the_standard_holds_72_outcomes_in_four_functions() -> None:
    names = Counter(name.split()[0] for name in subcategories())
    assert names == {"GOVERN": 19, "MAP": 18, "MEASURE": 22, "MANAGE": 13}
    assert Counter(each.evidence for each in subcategories().values()) == {
        "automated": 24,
        "documented": 36,
        "organisational": 12,
    }
    assert all(name in subcategories() for row in crosswalk().values() for name in row)
    assert {key for key, each in instruments().items() if each.stale} == {"sr_11_7", "ecoa_reg_b", "colorado"}


@pytest.mark.parametrize(
    ("rmf", "value", "cell"),
    [
        ("MEASURE 2.11", 0.9, ("evidenced_automatic", True)),
        ("MEASURE 2.3", 0.9, ("evidenced_automatic", True)),
        ("MAP 3.1", 0.9, ("open", True)),
        ("MEASURE 2.11", 0.5, ("failed", False)),
        ("MEASURE 2.11", 0.81, ("inconclusive", False)),
        ("MEASURE 2.11", "unknown", ("failed", False)),
    ],
)
def test_what_a_cell_may_claim(
    policy: Build, control: Fields, measured: Measure, rmf: str, value: Any, cell: tuple[str, bool]
) -> None:
    finding = measured(value, None if isinstance(value, str) else 0.02)
    found = cells(policy(control(rmf=[rmf])), [finding])
    assert found.pop(rmf) == cell
    assert set(found.values()) == {("open", False)}


def test_a_direct_outcome_is_whole_only_with_as_many_sources_as_are_listed(
    policy: Build, control: Fields, measured: Measure
) -> None:
    both = policy(control(rmf=["MEASURE 2.11"]), control(id="B-1", check="other", rmf=["MEASURE 2.11"]))
    found = cells(both, [measured(0.9), measured(0.9, check="other")])
    assert found["MEASURE 2.11"] == ("evidenced_automatic", False)


def test_the_worst_control_decides_a_cell(policy: Build, control: Fields, measured: Measure) -> None:
    both = policy(control(rmf=["MEASURE 2.11"]), control(id="B-1", metric="log_loss", rmf=["MEASURE 2.11"]))
    assert cells(both, [measured(0.9)])["MEASURE 2.11"] == ("failed", False)
    cell = next(cell for cell in verdict(both, []).coverage.cells if cell.id == "MEASURE 2.11")
    assert cell.controls == ("A-1", "B-1")


def test_a_cell_whose_controls_do_not_apply(policy: Build, control: Fields) -> None:
    fact = Measurement(check="scope", name="has_base", value=False, n=0)
    asked = policy(control(rmf=["MEASURE 2.11"], when={"has": ["base"]}))
    assert cells(asked, [fact])["MEASURE 2.11"] == ("not_applicable", False)


# Residual risk


def test_the_table_of_levels_never_falls_with_impact_or_likelihood() -> None:
    order = ["low", "medium", "high", "very high"]
    grid = [[order.index(level(impact, likelihood)) for likelihood in range(1, 6)] for impact in range(1, 6)]
    assert all(row == sorted(row) for row in grid)
    assert all(list(column) == sorted(column) for column in zip(*grid, strict=True))
    assert (level(1, 1), level(5, 5)) == ("low", "very high")


def risk(*controls: str, **changes: Any) -> dict[str, Any]:
    return {"id": "R-1", "description": "d", "impact": 5, "likelihood": 4, "controls": list(controls), **changes}


def test_passing_controls_lower_the_likelihood_by_at_most_two_steps(
    policy: Build, control: Fields, measured: Measure
) -> None:
    names = ("A-1", "B-1", "C-1")
    asked = policy(
        *[control(id=name) for name in names], risks=[risk(*names[:count], id=f"R-{count}") for count in range(4)]
    )
    found = verdict(asked, [measured(0.9)]).risks
    assert [each.residual for each in found] == ["very high", "high", "high", "high"]
    assert [each.measured for each in found] == [False, True, True, True]
    assert found[0].reason == "no control of this policy speaks to it: not measured"
    assert level(5, 2) == "high"


@pytest.mark.parametrize(
    ("value", "measured_", "reason"), [(0.5, True, "while A-1 fails"), (0.81, True, "inconclusive")]
)
def test_what_does_not_pass_lowers_nothing(
    policy: Build, control: Fields, measured: Measure, value: float, measured_: bool, reason: str
) -> None:
    found = verdict(policy(risks=[risk("A-1")]), [measured(value)]).risks[0]
    assert (found.inherent, found.residual, found.measured) == ("very high", "very high", measured_)
    assert reason in found.reason


def test_a_failing_control_cancels_the_others(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(), control(id="B-1", require={"min": 0.99}), risks=[risk("A-1", "B-1")])
    assert verdict(asked, [measured(0.9)]).risks[0].residual == "very high"


def test_what_is_missing_is_not_measured(policy: Build) -> None:
    found = verdict(policy(risks=[risk("A-1")]), []).risks[0]
    assert (found.residual, found.measured, found.reason) == ("very high", False, "not measured: A-1 missing")
