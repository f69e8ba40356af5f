from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from govkit.core import Attestation, Finding, Gap, Measurement, Policy, Verdict, Waiver
from govkit.policy import judge

SUBJECT, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64

Build = Callable[..., Policy]
Fields = Callable[..., dict[str, Any]]
Measure = Callable[..., Measurement]


def verdict(policy: Policy, findings: list[Finding], as_of: str = "2026-11-24T12:00:00Z", **options: Any) -> Verdict:
    return judge(policy, findings, subject=SUBJECT, as_of=as_of, **options)


# Attestations


@pytest.fixture
def asked(policy: Build) -> Policy:
    attest = {"kind": "independent_review", "signer_role": "validator", "max_age_days": 100, "fields": ["scope"]}
    return policy({"id": "G-1", "title": "t", "rmf": ["MEASURE 1.3"], "severity": "high", "attest": attest})


def signed(**changes: Any) -> Attestation:
    fields = {
        "kind": "independent_review",
        "model": SUBJECT,
        "signer": "V",
        "role": "validator",
        "answers": {"scope": "all"},
        "signed_at": "2026-11-01",
    }
    return Attestation.model_validate({**fields, **changes})


def test_a_valid_statement_passes(asked: Policy) -> None:
    found = verdict(asked, [], attestations=[signed()])
    assert (found.rulings[0].state, found.outcome) == ("pass", "PASS")
    assert found.rulings[0].reason == "independent_review signed by V (validator) on 2026-11-01"
    assert [cell.state for cell in found.coverage.cells if cell.id == "MEASURE 1.3"] == ["evidenced_by_document"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kind": "approval"}, "no signed statement of the kind independent_review"),
        ({"model": OTHER}, "about another model"),
        ({"role": "trainer"}, "signed as trainer; expected validator"),
        ({"role": ""}, "signed as no role"),
        ({"signed_at": "2026-11-25"}, "after the day of judging"),
        ({"signed_at": "2026-08-15"}, "at most 100 days old"),
        ({"valid_until": "2026-11-23"}, "valid until 2026-11-23"),
        ({"answers": {"scope": " "}}, "without an answer to scope"),
    ],
)
def test_an_invalid_statement_is_missing(asked: Policy, changes: dict[str, Any], expected: str) -> None:
    found = verdict(asked, [], attestations=[signed(**changes)])
    assert (found.rulings[0].state, found.outcome) == ("missing", "BLOCK")
    assert expected in found.rulings[0].reason


def test_days_are_counted_to_the_end(asked: Policy) -> None:
    edge = signed(signed_at="2026-08-16", valid_until="2026-11-24")
    assert verdict(asked, [], attestations=[edge]).outcome == "PASS"
    # Late on the 24th west of Greenwich is the 25th in UTC.
    assert verdict(asked, [], "2026-11-24T23:00:00-05:00", attestations=[edge]).outcome == "BLOCK"


def test_one_valid_statement_among_others_is_enough(asked: Policy) -> None:
    assert verdict(asked, [], attestations=[signed(model=OTHER, signed_at="2026-11-20"), signed()]).outcome == "PASS"


# Waivers


def waiver(**changes: Any) -> Waiver:
    fields = {
        "id": "W-1",
        "control": "A-1",
        "model": SUBJECT,
        "owner": "T",
        "approver": "M",
        "reason": "A person bands the scores until January.",
        "created": "2026-11-01",
        "expires": "2026-11-30",
    }
    return Waiver.model_validate({**fields, **changes})


@pytest.mark.parametrize("value", [0.5, 0.81])
def test_a_waiver_turns_a_failure_or_an_open_question_into_an_exception(
    policy: Build, measured: Measure, value: float
) -> None:
    found = verdict(policy(), [measured(value)], waivers=[waiver(ceiling=0.5)])
    ruling = found.rulings[0]
    assert (ruling.waived, ruling.disposition, found.outcome) == (True, "warn", "PASS_WITH_EXCEPTIONS")
    assert [cell.state for cell in found.coverage.cells if cell.id == "MEASURE 2.5"] == ["excepted"]
    assert not found.notices


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"control": "B-1"}, "this policy has no such control"),
        ({"model": OTHER}, "it is for another model"),
        ({"created": "2026-11-25"}, "it begins on 2026-11-25"),
        ({"expires": "2026-11-23"}, "it expired on 2026-11-23"),
        ({"created": "2026-09-01"}, ""),
        ({"created": "2026-08-31"}, "it lives longer than the 90 days that severity medium allows"),
        ({"ceiling": 0.51}, "the value 0.5 is worse than its ceiling 0.51"),
        ({"owner": " "}, "owner or approver is empty"),
        ({"owner": "M"}, ""),
    ],
)
def test_when_a_waiver_holds(policy: Build, measured: Measure, changes: dict[str, Any], expected: str) -> None:
    found = verdict(policy(), [measured(0.5)], waivers=[waiver(**changes)])
    if expected:
        assert found.notices == (f"waiver W-1 of {waiver(**changes).control} is not applied: {expected}",)
        assert found.outcome == "BLOCK"
    else:
        assert (found.notices, found.outcome) == ((), "PASS_WITH_EXCEPTIONS")


@pytest.mark.parametrize(
    ("severity", "days", "holds"),
    [("info", 365, 1), ("info", 366, 0), ("low", 180, 1), ("low", 181, 0), ("high", 30, 1), ("high", 31, 0)],
)
def test_the_life_of_a_waiver_follows_the_severity(
    policy: Build, control: Fields, measured: Measure, severity: str, days: int, holds: int
) -> None:
    import datetime

    created = datetime.date(2026, 11, 24)
    lasting = waiver(created=created, expires=created + datetime.timedelta(days=days))
    found = verdict(policy(control(severity=severity)), [measured(0.5)], waivers=[lasting])
    assert found.rulings[0].waived == bool(holds)


def test_a_critical_control_is_never_waived(policy: Build, control: Fields, measured: Measure) -> None:
    found = verdict(policy(control(severity="critical")), [measured(0.5)], waivers=[waiver()])
    assert (found.outcome, "a critical control cannot be waived" in found.notices[0]) == ("BLOCK", True)


def test_nobody_waives_a_high_control_alone(policy: Build, control: Fields, measured: Measure) -> None:
    found = verdict(policy(control(severity="high")), [measured(0.5)], waivers=[waiver(owner=" m "), waiver(id="W-2")])
    assert found.rulings[0].waived
    assert found.notices == ("waiver W-1 of A-1 is not applied: owner and approver are the same person",)


@pytest.mark.parametrize("reason", ["crashed", "unsupported", "no data"])
def test_missing_evidence_is_never_waived(policy: Build, reason: Any) -> None:
    found = verdict(policy(), [Gap(check="performance", reason=reason)], waivers=[waiver()])
    assert (found.rulings[0].waived, "missing evidence cannot be waived" in found.notices[-1]) == (False, True)
    assert found.exit_code != 0


def test_a_missing_part_behind_a_failing_one_is_not_waived(policy: Build, control: Fields, measured: Measure) -> None:
    findings = [
        measured(0.5, part={"sex": "f"}),
        Gap(check="performance", reason="crashed", part={"sex": "m"}),
    ]
    found = verdict(policy(control(over=["groups"])), findings, waivers=[waiver()])
    assert (found.rulings[0].state, found.rulings[0].waived, found.outcome) == ("fail", False, "BLOCK")


def test_the_ceiling_holds_on_every_part_and_either_side(policy: Build, control: Fields, measured: Measure) -> None:
    asked = policy(control(over=["groups"], require={"min": -0.1, "max": 0.1}))
    findings = [measured(value, part={"sex": name}) for name, value in (("f", -0.2), ("m", 0.3), ("x", 0.0))]
    assert verdict(asked, findings, waivers=[waiver(ceiling=0.3)]).rulings[0].waived
    assert not verdict(asked, findings, waivers=[waiver(ceiling=0.29)]).rulings[0].waived
    most = policy(control(metric="log_loss", require={"max": 0.1}))
    loss = [measured(0.3, name="log_loss")]
    assert verdict(most, loss, waivers=[waiver(ceiling=0.3)]).rulings[0].waived
    assert not verdict(most, loss, waivers=[waiver(ceiling=0.2)]).rulings[0].waived


def test_a_ceiling_means_nothing_beside_a_word(policy: Build, control: Fields) -> None:
    asked = policy(control(check="licenses", metric="composition", require={"equals": "allow"}))
    word = Measurement(check="licenses", name="composition", value="deny", n=0)
    assert "numeric limit" in verdict(asked, [word], waivers=[waiver(ceiling=1)]).notices[0]
    assert verdict(asked, [word], waivers=[waiver()]).outcome == "PASS_WITH_EXCEPTIONS"


def test_a_waiver_that_nobody_needs_is_said_aloud(policy: Build, measured: Measure) -> None:
    found = verdict(policy(), [measured(0.9)], waivers=[waiver()])
    assert (found.outcome, "nothing has to be waived" in found.notices[0]) == ("PASS", True)


# Boundaries: to the second, the day, the person and the point


def high(control: Fields, **changes: Any) -> dict[str, Any]:
    return control(severity="high", **changes)


@pytest.mark.parametrize(
    ("as_of", "holds"),
    [
        ("2026-10-31T23:59:59Z", False),
        ("2026-11-01T00:00:00Z", True),
        ("2026-11-30T23:59:59Z", True),
        ("2026-12-01T00:00:00Z", False),
        # The same two seconds, told elsewhere.
        ("2026-12-01T08:59:59+09:00", True),
        ("2026-11-30T19:00:00-05:00", False),
    ],
)
def test_a_waiver_holds_from_the_first_second_of_its_first_day_to_the_last_of_its_last(
    policy: Build, measured: Measure, as_of: str, holds: bool
) -> None:
    found = verdict(policy(), [measured(0.5)], as_of, waivers=[waiver()])
    assert (found.rulings[0].waived, found.exit_code) == (holds, 0 if holds else 1)


@pytest.mark.parametrize(("days", "holds"), [(90, True), (91, False)])
def test_a_waiver_of_medium_severity_lives_ninety_days(
    policy: Build, measured: Measure, days: int, holds: bool
) -> None:
    import datetime

    created = datetime.date(2026, 11, 24)
    lasting = waiver(created=created, expires=created + datetime.timedelta(days=days))
    assert verdict(policy(), [measured(0.5)], waivers=[lasting]).rulings[0].waived == holds


@pytest.mark.parametrize(
    "owner",
    [
        "M. Risk", "m. risk", " M. Risk ", "M.  Risk", "M.\u00a0Risk", "Ｍ. RISK", "M.\tRisk", "M. Ri\u200bsk",
        "\u041c. Risk", "M. R\u0456sk", "M. RIS\u039a", "M. R\u0130SK", "M. R\u0131sk", "M. Ri\ufe0fsk", "M.\u2800Risk",
        "M.\u3164Risk", "M. Ri\u034fsk", "M. Ri\U000e0101sk",
    ],
)  # fmt: skip
def test_one_person_written_in_two_ways_is_one_person(
    policy: Build, control: Fields, measured: Measure, owner: str
) -> None:
    alone = waiver(owner=owner, approver="M. Risk")
    found = verdict(policy(high(control)), [measured(0.5)], waivers=[alone])
    assert (found.rulings[0].waived, found.exit_code) == (False, 1)
    assert "owner and approver are the same person" in found.notices[0]
    other = waiver(owner="T. Trainer", approver="M. Risk")
    assert verdict(policy(high(control)), [measured(0.5)], waivers=[other]).rulings[0].waived


@pytest.mark.parametrize("name", [" \t", "\u200b"])
@pytest.mark.parametrize("blank", ["owner", "approver"])
def test_nobody_is_no_person(policy: Build, measured: Measure, blank: str, name: str) -> None:
    found = verdict(policy(), [measured(0.5)], waivers=[waiver(**{blank: name})])
    assert (found.rulings[0].waived, "is empty" in found.notices[0]) == (False, True)


@pytest.mark.parametrize(
    ("require", "ceiling", "holding", "worse"),
    [
        ({"min": 0.8}, 0.5, [0.5, 0.6], [0.49]),
        ({"max": 0.1}, 0.3, [0.3, 0.2], [0.31]),
        ({"min": -0.1, "max": 0.1}, 0.3, [0.3, -0.3, 0.2], [0.31, -0.31]),
        ({"min": -0.1, "max": 0.1}, -0.3, [0.3, -0.3], [0.31, -0.31]),
        # Limits that are not the same on both sides: as far beyond the one as beyond the other.
        ({"min": 0.8, "max": 1.25}, 0.5, [0.5, 0.7, 1.5], [0.49, 0.1, 1.56]),
    ],
)
def test_a_value_at_the_ceiling_is_waived_and_one_point_worse_is_not(
    policy: Build, control: Fields, measured: Measure, require: Any, ceiling: float, holding: Any, worse: Any
) -> None:
    asked = policy(control(require=require))
    for value in (*holding, *worse):
        found = verdict(asked, [measured(value)], waivers=[waiver(ceiling=ceiling)])
        assert found.rulings[0].waived == (value in holding), value
        assert found.exit_code == (0 if value in holding else 1)


@pytest.mark.parametrize("reason", ["no data", "no extra", "unsupported", "crashed"])
def test_one_part_without_evidence_keeps_the_others_from_being_waived(
    policy: Build, control: Fields, measured: Measure, reason: Any
) -> None:
    parts = [{"sex": name} for name in ("f", "m", "x")]
    findings = [
        measured(0.5, part=parts[0]),
        measured(0.95, part=parts[1]),
        Gap(check="performance", reason=reason, part=parts[2]),
    ]
    found = verdict(policy(control(over=["groups"])), findings, waivers=[waiver()])
    assert (found.rulings[0].waived, found.exit_code) == (False, 1)
    assert "missing evidence cannot be waived" in found.notices[-1]
    assert verdict(policy(control(over=["groups"])), findings[:2], waivers=[waiver()]).rulings[0].waived


def test_of_two_waivers_for_one_control_one_that_holds_is_enough_and_the_other_is_named(
    policy: Build, measured: Measure
) -> None:
    old = waiver(id="W-0", expires="2026-11-23")
    for order in ([old, waiver()], [waiver(), old]):
        found = verdict(policy(), [measured(0.5)], waivers=order)
        assert (found.rulings[0].waived, found.outcome) == (True, "PASS_WITH_EXCEPTIONS")
        assert found.notices == ("waiver W-0 of A-1 is not applied: it expired on 2026-11-23",)
    both = verdict(policy(), [measured(0.5)], waivers=[waiver(), waiver(id="W-2")])
    assert (both.rulings[0].waived, both.notices) == (True, ())


def test_the_next_model_needs_its_own_waiver(policy: Build, measured: Measure) -> None:
    found = judge(policy(), [measured(0.5)], subject=OTHER, as_of="2026-11-24", waivers=[waiver()])
    assert (found.exit_code, "it is for another model" in found.notices[0]) == (1, True)


@pytest.fixture
def independent(policy: Build) -> Callable[..., Policy]:
    def building(*not_same_as: str, owner: str = "M. Risk") -> Policy:
        attest = {"kind": "independent_review", "not_same_as": list(not_same_as)}
        return policy(
            {"id": "G-1", "title": "t", "rmf": ["MEASURE 1.3"], "severity": "high", "attest": attest},
            owner={"name": owner},
        )

    return building


@pytest.mark.parametrize("signer", ["M. Risk", "m. risk", " M. RISK", "M.  Risk"])
def test_the_owner_of_the_policy_does_not_review_it(independent: Callable[..., Policy], signer: str) -> None:
    asked = independent("owner")
    found = verdict(asked, [], attestations=[signed(signer=signer)])
    assert (found.rulings[0].state, "the owner of the policy" in found.rulings[0].reason) == ("missing", True)
    assert verdict(asked, [], attestations=[signed(signer="V")]).outcome == "PASS"


def test_who_approved_does_not_review(independent: Callable[..., Policy]) -> None:
    asked = independent("approval")
    approval = signed(kind="approval", signer="v")
    assert "nobody is known as approval" in verdict(asked, [], attestations=[signed()]).rulings[0].reason
    found = verdict(asked, [], attestations=[signed(), approval])
    assert (found.rulings[0].state, "the one who signed approval" in found.rulings[0].reason) == ("missing", True)
    assert verdict(asked, [], attestations=[signed(signer="W"), approval]).outcome == "PASS"
    of_another = [signed(signer="W"), signed(kind="approval", signer="Z", model=OTHER)]
    assert "nobody is known" in verdict(asked, [], attestations=of_another).rulings[0].reason


def test_a_statement_counts_from_its_own_day_on_and_through_its_last(asked: Policy) -> None:
    today = signed(signed_at="2026-11-24", valid_until="2026-11-24")
    assert verdict(asked, [], "2026-11-24T00:00:00Z", attestations=[today]).outcome == "PASS"
    assert verdict(asked, [], "2026-11-24T23:59:59Z", attestations=[today]).outcome == "PASS"
    for as_of in ("2026-11-23T23:59:59Z", "2026-11-25T00:00:00Z"):
        assert verdict(asked, [], as_of, attestations=[today]).outcome == "BLOCK"
