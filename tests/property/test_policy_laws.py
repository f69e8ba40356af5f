"""Laws of judging, on random policies, findings, waivers and statements.

What holds, and under which condition: taking evidence away, turning it into gaps, adding gaps, widening bounds,
worsening values, tightening limits, and raising confidence, severity and consequences never turn an exit code other
than 0 into 0. A control that gates a failure and lets an open question through cannot be built; one that gates an
open question and lets a failure through is refused by ``resolve``, and not drawn here. The scope of the case must
name its parts: a group that no finding ever mentions cannot be missed.

``GOVKIT_LAW_CASES`` is the number of cases of each law; ``tests/bench/policy_laws.py`` tries 10,000.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from hypothesis import HealthCheck, event, given, settings, strategies as st
from policy_strategies import (
    SUBJECT,
    WORSE,
    evidence,
    gaps,
    policies,
    statements,
    waivers,
)

from govkit.core import Attestation, Control, Finding, Gap, Measurement, Policy, Requirement, Verdict, Waiver
from govkit.core.finding import Bound
from govkit.core.policy import RANK
from govkit.core.words import Severity
from govkit.documents import Document, validate
from govkit.errors import PolicyError
from govkit.policy import digest, dump, judge, load
from govkit.policy.extend import merged, refuse_loosening
from govkit.policy.form import plain

CASES = int(os.environ.get("GOVKIT_LAW_CASES", "80"))
QUICK = settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
ON = ("on_fail", "on_missing", "on_error", "on_unsupported", "on_inconclusive")


def verdict(
    policy: Policy,
    findings: Sequence[Finding],
    waived: Sequence[Waiver] = (),
    signed: Sequence[Attestation] = (),
) -> Verdict:
    return judge(policy, findings, subject=SUBJECT, as_of="2026-11-24", waivers=waived, attestations=signed)


def never_opens(before: Verdict, after: Verdict) -> None:
    assert before.exit_code == 0 or after.exit_code != 0, (before.outcome, after.outcome)


def moved(finding: Measurement, by: float) -> Measurement:
    """The same measurement with its value and bounds moved."""
    bounds = tuple(Bound(level=b.level, low=b.low + by, high=b.high + by) for b in finding.bounds)
    return finding.model_copy(update={"value": float(finding.value) + by, "bounds": bounds})


def with_controls(policy: Policy, change: Any) -> Policy:
    return policy.model_copy(update={"controls": tuple(map(change, policy.controls))})


def is_evidence(finding: Finding) -> bool:
    return isinstance(finding, Measurement) and not (finding.check == "scope" and bool(finding.part))


@QUICK
@given(policies(), evidence(), waivers, st.randoms(use_true_random=False))
def test_less_evidence_never_opens_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], chance: random.Random
) -> None:
    # One by one, in a random order: once shut, the gate stays shut.
    left, shut = list(findings), False
    for finding in chance.sample(findings, len(findings)):
        shut = shut or verdict(policy, left, waived).exit_code != 0
        if is_evidence(finding):
            left.remove(finding)
            assert not shut or verdict(policy, left, waived).exit_code != 0


@QUICK
@given(policies(), evidence(), waivers, st.sampled_from(["no data", "crashed", "unsupported", "no extra"]))
def test_a_measurement_that_becomes_a_gap_never_opens_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], reason: Any
) -> None:
    before = verdict(policy, findings, waived)
    for index, finding in enumerate(findings):
        if isinstance(finding, Measurement) and finding.check == "performance":
            gap = Gap(check=finding.check, name=finding.name, part=finding.part, reason=reason)
            after = verdict(policy, [*findings[:index], gap, *findings[index + 1 :]], waived)
            assert before.exit_code == 0 or after.exit_code != 0


@QUICK
@given(policies(), evidence(), waivers, st.randoms(use_true_random=False))
def test_wider_bounds_never_open_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], chance: random.Random
) -> None:
    def wider(finding: Finding) -> Finding:
        if not isinstance(finding, Measurement) or chance.random() < 0.5:
            return finding
        by = chance.random() / 2
        bounds = tuple(Bound(level=b.level, low=b.low - by, high=b.high + by) for b in finding.bounds)
        return finding.model_copy(update={"bounds": bounds})

    before = verdict(policy, findings, waived)
    after = verdict(policy, [wider(finding) for finding in findings], waived)
    assert before.exit_code == 0 or after.exit_code != 0
    for one, two in zip(before.rulings, after.rulings, strict=True):
        assert two.state != "pass" or one.state == "pass"


@QUICK
@given(policies(), evidence(), waivers, statements, st.lists(gaps(), min_size=1, max_size=3))
def test_more_gaps_never_open_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], signed: list[Attestation], more: list[Gap]
) -> None:
    before = verdict(policy, findings, waived, signed)
    for gap in more:
        findings = [*findings, gap]
        never_opens(before, verdict(policy, findings, waived, signed))


@QUICK
@given(policies(one_sided=True), evidence(), waivers, st.randoms(use_true_random=False))
def test_worse_values_never_open_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], chance: random.Random
) -> None:
    before = verdict(policy, findings, waived)
    for index, finding in enumerate(findings):
        if isinstance(finding, Measurement) and finding.check == "performance" and chance.random() < 0.5:
            findings[index] = moved(finding, WORSE[finding.name] * chance.random())
            never_opens(before, verdict(policy, findings, waived))


@QUICK
@given(policies(), evidence(), waivers, statements, st.randoms(use_true_random=False))
def test_fewer_waivers_and_statements_never_open_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], signed: list[Attestation], chance: random.Random
) -> None:
    before = verdict(policy, findings, waived, signed)
    while waived or signed:
        fewer = waived if waived and (not signed or chance.random() < 0.5) else signed
        del fewer[chance.randrange(len(fewer))]
        after = verdict(policy, findings, waived, signed)
        never_opens(before, after)
        before = after


@QUICK
@given(policies(), evidence(), waivers, statements, st.floats(0, 0.2), st.floats(0, 0.2))
def test_tighter_limits_never_open_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], signed: list[Attestation], up: float, down: float
) -> None:
    def tighter(control: Control) -> Control:
        require = control.require
        if require is None:
            return control
        low = None if require.min is None else require.min + up
        high = None if require.max is None else require.max - down
        return control.model_copy(update={"require": Requirement(min=low, max=high)})

    before = verdict(policy, findings, waived, signed)
    never_opens(before, verdict(with_controls(policy, tighter), findings, waived, signed))


@QUICK
@given(policies(), evidence(), waivers, st.lists(st.floats(0.5, 0.9999), min_size=2, max_size=2), st.booleans())
def test_more_confidence_never_opens_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], levels: list[float], own: bool
) -> None:
    def at(level: float) -> Policy:
        if own:
            return with_controls(policy, lambda control: control.model_copy(update={"confidence": level}))
        return policy.model_copy(update={"decision": policy.decision.model_copy(update={"confidence": level})})

    low, high = sorted(levels)
    never_opens(verdict(at(low), findings, waived), verdict(at(high), findings, waived))


@QUICK
@given(policies(), evidence(), waivers, statements, st.randoms(use_true_random=False))
def test_more_severity_and_harder_consequences_never_open_the_gate(
    policy: Policy, findings: list[Finding], waived: list[Waiver], signed: list[Attestation], chance: random.Random
) -> None:
    def harder(control: Control) -> Control:
        own = {
            name: chance.choice([each for each in RANK if RANK[each] >= RANK[getattr(control, name)]]) for name in ON
        }
        worse = SEVERITIES[SEVERITIES.index(control.severity) :]
        return control.model_copy(update={**own, "severity": chance.choice(worse)})

    before = verdict(policy, findings, waived, signed)
    never_opens(before, verdict(with_controls(policy, harder), findings, waived, signed))


@QUICK
@given(policies(), evidence(), waivers, statements, st.randoms(use_true_random=False))
def test_no_order_of_anything_changes_the_outcome_or_a_state(
    policy: Policy, findings: list[Finding], waived: list[Waiver], signed: list[Attestation], chance: random.Random
) -> None:
    def told(found: Verdict) -> Any:
        rulings = {each.control: (each.state, each.disposition, each.waived, each.reason) for each in found.rulings}
        return found.outcome, rulings

    other = policy.model_copy(update={"controls": tuple(chance.sample(policy.controls, len(policy.controls)))})
    mixed = [chance.sample(each, len(each)) for each in (findings, waived, signed)]
    assert told(verdict(policy, findings, waived, signed)) == told(verdict(other, *mixed))


@QUICK
@given(policies(), evidence(), waivers, st.randoms(use_true_random=False))
def test_the_order_of_findings_changes_nothing_but_their_places(
    policy: Policy, findings: list[Finding], waived: list[Waiver], chance: random.Random
) -> None:
    def placeless(found: Verdict, order: list[Finding]) -> Any:
        data = found.model_dump()
        for ruling in data["rulings"]:
            for part in ruling["parts"]:
                part["finding"] = order[part["finding"]] if part["finding"] >= 0 else None
        return data

    shuffled = chance.sample(findings, len(findings))
    one, two = verdict(policy, findings, waived), verdict(policy, shuffled, waived[::-1])
    assert placeless(one, findings) == placeless(two, shuffled)


@QUICK
@given(policies(), evidence(), waivers)
def test_judging_twice_gives_the_same_verdict(policy: Policy, findings: list[Finding], waived: list[Waiver]) -> None:
    copies = [type(finding).model_validate_json(finding.model_dump_json()) for finding in findings]
    again = Policy.model_validate_json(policy.model_dump_json(by_alias=True))
    assert verdict(policy, findings, waived) == verdict(again, copies, waived)


@QUICK
@given(policies(), evidence())
def test_unknown_never_passes(policy: Policy, findings: list[Finding]) -> None:
    blurred = [
        finding.model_copy(update={"value": "unknown"}) if isinstance(finding, Measurement) else finding
        for finding in findings
    ]
    assert all(ruling.state != "pass" for ruling in verdict(policy, blurred).rulings)


@QUICK
@given(policies(), evidence())
def test_a_verdict_accounts_for_everything(policy: Policy, findings: list[Finding]) -> None:
    found = verdict(policy, findings)
    assert sum(found.coverage.controls.values()) == len(policy.controls) == len(found.rulings)
    assert found.coverage.findings + found.coverage.gaps == len(findings)
    assert len(found.coverage.cells) == 72
    for ruling in found.rulings:
        assert ruling.parts or ruling.state in ("missing", "not_applicable")
        if ruling.state == "pass":
            assert {part.state for part in ruling.parts} == {"pass"}
    assert (found.outcome in ("PASS", "PASS_WITH_EXCEPTIONS")) == (found.exit_code == 0)


@QUICK
@given(policies(), evidence(), st.sampled_from([1, 600]))
def test_what_is_beyond_the_limit_at_the_strictest_level_fails_in_any_family(
    policy: Policy, findings: list[Finding], size: int
) -> None:
    first = policy.controls[0]
    extra = tuple(first.model_copy(update={"id": f"X-{number}", "metric": "none"}) for number in range(size))
    larger = policy.model_copy(update={"controls": (*policy.controls, *extra)})
    for control, ruling in zip(larger.controls, verdict(larger, findings).rulings, strict=True):
        for part in ruling.parts:
            finding = findings[part.finding] if part.finding >= 0 else None
            if part.state == "inconclusive" and "asks for" in part.reason:
                continue
            if isinstance(finding, Measurement) and control.require is not None:
                low, high = control.require.min, control.require.max
                last = finding.bounds[-1]
                gross = (low is not None and last.high < low) or (high is not None and last.low > high)
                assert not gross or part.state == "fail"


@QUICK
@given(policies(), evidence())
def test_a_clean_pass_means_that_every_control_is_met(policy: Policy, findings: list[Finding]) -> None:
    found = verdict(policy, findings)
    met = all(ruling.state in ("pass", "not_applicable") for ruling in found.rulings)
    assert found.outcome != "PASS" or met


@settings(max_examples=80, deadline=None)
@given(
    policies(),
    st.text(min_size=1, max_size=60),
    st.dictionaries(
        st.text(max_size=8), st.one_of(st.none(), st.booleans(), st.floats(-1e9, 1e9), st.text(max_size=9))
    ),
)
def test_any_policy_survives_its_own_yaml(policy: Policy, title: str, params: dict[str, Any]) -> None:
    first = policy.controls[0].model_copy(update={"title": title, "params": params})
    policy = policy.model_copy(update={"title": title, "controls": (first, *policy.controls[1:])})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.yaml")
        path.write_text(dump(policy), encoding="utf-8", newline="")
        again = load(path)
    assert again == policy
    assert digest(again) == digest(policy)


def _changed(parent: Policy, draw: st.DrawFn) -> dict[str, Any]:
    """The file of a child that changes anything of its parent at random, tighter or looser."""
    other = plain(draw(policies()))
    data = plain(parent)
    child: dict[str, Any] = {"schema": "govkit.policy/v1", "id": "c", "version": "1.0.0", "controls": []}
    for was in data["controls"]:
        given = [each for each in other["controls"] if ("attest" in each) == ("attest" in was)]
        new = draw(st.sampled_from(given)) if given else was
        names = [name for name in new if name != "id" and draw(st.integers(0, 3)) == 0]
        child["controls"].append({"id": was["id"], **{name: new[name] for name in names}})
    child |= {key: value for key, value in (
        ("owner", {"name": draw(st.sampled_from(["v", "w"]))}),
        ("decision", {"confidence": draw(st.sampled_from([0.9, 0.95, 0.99]))}),
        ("tier", draw(st.sampled_from(["low", "medium", "high"]))),
        ("review_by", draw(st.sampled_from(["2026-01-01", "2027-01-01"]))),
    ) if draw(st.booleans())}  # fmt: skip
    return child


@QUICK
@given(st.data())
def test_a_child_that_is_accepted_is_never_milder_than_its_parent(data: st.DataObject) -> None:
    """On any findings, waivers and statements; most random children are refused, which is as well."""
    parent = data.draw(policies())
    findings, waived, signed = (data.draw(each) for each in (evidence(), waivers, statements))
    source = Document("child.yaml", _changed(parent, data.draw), {}, PolicyError)
    try:
        child = validate(merged(plain(parent), source), Policy)
        refuse_loosening(parent, child, source)
    except PolicyError:
        event("refused")
        return
    event("accepted")
    never_opens(verdict(parent, findings, waived, signed), verdict(child, findings, waived, signed))
