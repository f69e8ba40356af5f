"""What people sign: attestations that a control asks for, and waivers of one control for one model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from govkit.core import Attest, Attestation, Control, Finding, Measurement, Policy, Ruling, State, Waiver, times
from govkit.core.limit import distance
from govkit.core.words import known_as
from govkit.errors import PolicyError

LIFE = {"info": 365, "low": 180, "medium": 90, "high": 30}
"""Severity -> the longest life of a waiver, in days; critical has none."""


def day(as_of: str) -> date:
    """UTC day of a time in ISO 8601.

    Raises:
        PolicyError: Not a time, or a time without a zone.
    """
    try:
        return times.day(as_of) if len(as_of) == len("2026-11-24") else times.instant(as_of).date()
    except ValueError as error:
        raise PolicyError(f"as_of {as_of!r}: {error}") from None


def attested(
    asked: Attest, attestations: Sequence[Attestation], *, owners: Collection[str], subject: str, today: date
) -> tuple[State, str]:
    """``pass`` where a valid statement of that kind is on file, else ``missing`` with the nearest miss.

    Args:
        asked: What the control asks for.
        attestations: All that are on file.
        owners: Owner of the policy and of those that it extends, for ``not_same_as: [owner]``.
        subject: Digest of the model.
        today: UTC day of judging.
    """
    same = sorted(
        (each for each in attestations if each.kind == asked.kind),
        key=lambda each: (each.signed_at, each.signer, each.role),
        reverse=True,
    )
    if not same:
        return "missing", f"no signed statement of the kind {asked.kind}"
    others = {name: _people(name, attestations, owners, subject) for name in asked.not_same_as}
    refusals = [_same_person(each, others) or _refusal(each, asked, subject, today) for each in same]
    for each, refusal in zip(same, refusals, strict=True):
        if refusal is None:
            role = f" ({each.role})" if each.role else ""
            return "pass", f"{asked.kind} signed by {each.signer}{role} on {each.signed_at}"
    return "missing", f"no valid statement of the kind {asked.kind}: {refusals[0]}"


def _people(name: str, attestations: Iterable[Attestation], owners: Collection[str], subject: str) -> set[str]:
    """Those whom ``not_same_as`` means by a word: the owner of the policy, or who signed that kind of statement."""
    found = {each.signer for each in attestations if each.kind == name and each.model == subject}
    return {known_as(person) for person in (found.union(owners) if name == "owner" else found)}


def _same_person(each: Attestation, others: Mapping[str, set[str]]) -> str | None:
    for name, people in others.items():
        if not people - {""}:
            return f"nobody is known as {name}, whom the signer must not be"
        if known_as(each.signer) in people:
            who = "the owner of the policy" if name == "owner" else f"the one who signed {name}"
            return f"signed by {each.signer}, {who}; expected somebody else"
    return None


def _refusal(each: Attestation, asked: Attest, subject: str, today: date) -> str | None:
    age = (today - each.signed_at).days
    blank = [name for name in asked.fields if not each.answers.get(name, "").strip()]
    reasons = (
        (each.model != subject, "the one on file is about another model"),
        (
            bool(asked.signer_role) and each.role != asked.signer_role,
            f"signed as {each.role or 'no role'}; expected {asked.signer_role}",
        ),
        (age < 0, f"signed on {each.signed_at}, after the day of judging"),
        (age > asked.max_age_days, f"signed on {each.signed_at}; it may be at most {asked.max_age_days} days old"),
        (each.valid_until is not None and each.valid_until < today, f"valid until {each.valid_until}"),
        (bool(blank), f"without an answer to {', '.join(blank)}"),
    )
    return next((reason for found, reason in reasons if found), None)


def waived(
    rulings: Sequence[Ruling],
    policy: Policy,
    findings: Sequence[Finding],
    waivers: Iterable[Waiver],
    *,
    subject: str,
    today: date,
) -> tuple[tuple[Ruling, ...], tuple[str, ...]]:
    """Apply waivers to rulings.

    Returns:
        The rulings, and a notice for every waiver that was not applied.
    """
    controls = {control.id: control for control in policy.controls}
    by_id = {ruling.control: ruling for ruling in rulings}
    after = dict(by_id)
    notices = []
    for waiver in sorted(waivers, key=lambda each: each.model_dump_json()):
        ruling, control = by_id.get(waiver.control), controls.get(waiver.control)
        if ruling is None or control is None:
            why: str | None = "this policy has no such control"
        else:
            why = refusal(waiver, ruling, control, findings, subject=subject, today=today)
        if why is None and ruling is not None:
            after[waiver.control] = ruling.model_copy(update={"waived": True, "disposition": "warn"})
        else:
            notices.append(f"waiver {waiver.id} of {waiver.control} is not applied: {why}")
    return tuple(after[ruling.control] for ruling in rulings), tuple(notices)


def refusal(
    waiver: Waiver, ruling: Ruling, control: Control, findings: Sequence[Finding], *, subject: str, today: date
) -> str | None:
    """Why a waiver does not hold for a ruling, or None where it does."""
    return _not_waivable(waiver, ruling, subject, today) or _above_ceiling(waiver, ruling, control, findings)


def _not_waivable(waiver: Waiver, ruling: Ruling, subject: str, today: date) -> str | None:
    life = LIFE.get(ruling.severity, 0)
    states = {part.state for part in ruling.parts} or {ruling.state}
    alone = known_as(waiver.owner) == known_as(waiver.approver)
    reasons = (
        (waiver.model != subject, "it is for another model"),
        (ruling.severity == "critical", "a critical control cannot be waived"),
        (ruling.disposition in ("ignore", "warn"), "nothing has to be waived"),
        (
            not states <= {"fail", "inconclusive", "pass"} or ruling.state not in ("fail", "inconclusive"),
            "missing evidence cannot be waived",
        ),
        (ruling.severity in ("high", "critical") and alone, "owner and approver are the same person"),
        (not known_as(waiver.owner) or not known_as(waiver.approver), "owner or approver is empty"),
        (waiver.created > today, f"it begins on {waiver.created}"),
        (waiver.expires < today, f"it expired on {waiver.expires}"),
        (
            (waiver.expires - waiver.created).days > life,
            f"it lives longer than the {life} days that severity {ruling.severity} allows",
        ),
    )
    return next((reason for found, reason in reasons if found), None)


def _above_ceiling(waiver: Waiver, ruling: Ruling, control: Control, findings: Sequence[Finding]) -> str | None:
    """A waiver holds while no value lies farther beyond the limit, on whichever side, than its ceiling does."""
    if waiver.ceiling is None:
        return None
    require = control.require
    if require is None or require.equals is not None:
        return "a ceiling needs a control with a numeric limit"
    worst = worst_value(ruling, control, findings)
    if worst is None:
        return None
    at_ceiling = worst.model_copy(update={"value": waiver.ceiling})
    if distance(worst, require) > distance(at_ceiling, require):
        return f"the value {worst.value} is worse than its ceiling {waiver.ceiling}"
    return None


def worst_value(ruling: Ruling, control: Control, findings: Sequence[Finding]) -> Measurement | None:
    """Of the parts that do not pass, the number that lies farthest beyond the limit; None where there is none."""
    open_ = [findings[part.finding] for part in ruling.parts if part.state != "pass" and part.finding >= 0]
    numbers = [each for each in open_ if isinstance(each, Measurement) and each.is_number]
    return max(numbers, key=lambda each: distance(each, control.require), default=None)
