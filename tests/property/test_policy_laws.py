"""Laws of judging, on random policies and findings.

What holds, and under which condition: taking measurements away, turning them into gaps, or widening their bounds never
turns an exit code other than 0 into 0, as long as no control that gates a failure lets an open question through
(``on_inconclusive`` is review unless a policy says otherwise). The scope of the case must name its parts: a group that
no finding ever mentions cannot be missed.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from govkit.core import Finding, Gap, Measurement, Policy, Verdict, Waiver
from govkit.core.finding import LEVELS, Bound
from govkit.core.policy import RANK
from govkit.policy import digest, dump, judge, load

SUBJECT = "sha256:" + "a" * 64
GROUPS = ("f", "m", "x")
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])

dispositions = st.sampled_from(["ignore", "warn", "review", "block"])


@st.composite
def controls(draw: Any, number: int) -> dict[str, Any]:
    on_fail = draw(dispositions)
    gated = RANK[on_fail] >= RANK["review"]
    strict = st.sampled_from(["review", "block"]) if gated else dispositions
    over = draw(st.sampled_from([[], ["groups"], ["sex"]]))
    return {
        "id": f"C-{number}",
        "title": "t",
        "rmf": ["MEASURE 2.5"],
        "check": "performance",
        "metric": draw(st.sampled_from(["accuracy", "recall"])),
        "over": over,
        "require": draw(st.sampled_from([{"min": 0.5}, {"max": 0.5}, {"min": 0.3, "max": 0.7}])),
        "authority": {"level": "none"},
        "severity": draw(st.sampled_from(["info", "medium"])),
        "when": draw(st.sampled_from([None, None, {"has": ["base"]}])),
        "on_fail": on_fail,
        "on_inconclusive": draw(strict),
        **{name: draw(strict) for name in ("on_missing", "on_error", "on_unsupported")},
    }


@st.composite
def policies(draw: Any) -> Policy:
    count = draw(st.integers(1, 4))
    rows = {"by": "sex", "min_n": 50, "below_min": draw(st.sampled_from(["inconclusive", "report"]))}
    data = {"schema": "govkit.policy/v1", "id": "p", "version": "1.0.0", "slices": {"sex": rows}}
    return Policy.model_validate({**data, "controls": [draw(controls(number)) for number in range(count)]})


@st.composite
def measurements(draw: Any, name: str, part: dict[str, str], n: int) -> Measurement:
    value = draw(st.floats(0, 1))
    low, high = draw(st.floats(0, 0.2)), draw(st.floats(0, 0.2))
    bounds = tuple(
        Bound(level=level, low=value - low * (1 + step / 4), high=value + high * (1 + step / 4))
        for step, level in enumerate(LEVELS)
    )
    trust = draw(st.sampled_from([None, None, "trusted", "suspect"]))
    return Measurement(check="performance", name=name, value=value, n=n, part=part, bounds=bounds, trust=trust)


@st.composite
def evidence(draw: Any) -> list[Finding]:
    """Facts and sizes of the scope, then measurements and a few gaps."""
    sizes = {group: draw(st.sampled_from([20, 400])) for group in GROUPS}
    told: list[Finding] = [Measurement(check="scope", name="has_base", value=draw(st.booleans()), n=0)]
    told += [Measurement(check="scope", name="rows", value=n, n=n, part={"sex": name}) for name, n in sizes.items()]
    for metric in ("accuracy", "recall"):
        for part, n in (({}, 1000), *(({"sex": name}, n) for name, n in sizes.items())):
            if draw(st.integers(0, 9)) > 1:
                told.append(draw(measurements(metric, part, n)))
            elif draw(st.booleans()):
                reason = draw(st.sampled_from(["no data", "crashed", "unsupported", "too few rows"]))
                told.append(Gap(check="performance", name=metric, part=part, reason=reason))
    return told


waivers = st.lists(
    st.builds(
        Waiver,
        id=st.just("W"),
        control=st.sampled_from(["C-0", "C-1"]),
        model=st.just(SUBJECT),
        owner=st.just("a"),
        approver=st.just("b"),
        reason=st.just("a reason that is long enough"),
        ceiling=st.one_of(st.none(), st.floats(0, 1)),
        created=st.just("2026-11-01"),
        expires=st.just("2026-12-01"),
    ),
    max_size=2,
)


def verdict(policy: Policy, findings: list[Finding], waived: list[Waiver] | None = None) -> Verdict:
    return judge(policy, findings, subject=SUBJECT, as_of="2026-11-24", waivers=waived or ())


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
