"""Judges findings by a policy: a pure function, replayed by whoever verifies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from govkit.core import Attestation, Control, Finding, Measurement, Policy, Ruling, State, Verdict, Waiver
from govkit.core.policy import RANK, When
from govkit.core.verdict import PartRuling
from govkit.core.words import SUSPICION, Disposition, Outcome
from govkit.policy.coverage import coverage
from govkit.policy.deciding import decide, entry_p, ruling, without_parts
from govkit.policy.form import digest
from govkit.policy.limits import holm, hypotheses
from govkit.policy.matching import SCOPE, Matched, by_check, match
from govkit.policy.people import attested, day, waived
from govkit.policy.risks import residual_risks
from govkit.policy.sentences import clipped

_OUTCOME: dict[Disposition, Outcome] = {
    "ignore": "PASS",
    "warn": "PASS_WITH_EXCEPTIONS",
    "review": "REVIEW",
    "block": "BLOCK",
}

Facts = Mapping[str, object]


def judge(
    policy: Policy,
    findings: Iterable[Finding],
    *,
    subject: str,
    as_of: str,
    attestations: Iterable[Attestation] = (),
    waivers: Iterable[Waiver] = (),
    enforced: bool = True,
    notices: Sequence[str] = (),
) -> Verdict:
    """Judge.

    Args:
        policy: A resolved policy; its controls carry every parameter of their checks.
        findings: What was measured, and what could not be.
        subject: Digest of what is judged; attestations and waivers must be about it.
        as_of: The time that counts as now, ISO 8601 with a zone. Days are UTC days.
        attestations: Signed statements of people.
        waivers: Signed exceptions.
        enforced: False marks a verdict whose exit code is 0 whatever it says.
        notices: What else the verdict is to say, as that its limits were locked.

    Returns:
        The verdict. Where no control came to pass or fail, or was left open by measurements, on all of its parts,
        nothing was judged and the outcome is BLOCK; so it is for a case outside of what the policy ``applies`` to. A
        policy whose ``review_by``, or one of whose relaxations, lies in the past gives REVIEW at least. A control that
        is not met is an exception at least, even where the policy says ignore.

    Raises:
        PolicyError: ``as_of`` is no time.
    """
    found, today, signed = tuple(findings), day(as_of), tuple(attestations)
    first = _rulings(policy, found, signed, subject=subject, today=today)
    rulings, idle = waived(first, policy, found, waivers, subject=subject, today=today)
    outcome, remarks = _outcome(policy, rulings, found, today)
    return Verdict(
        outcome=outcome,
        rulings=rulings,
        coverage=coverage(policy, rulings, found),
        risks=residual_risks(policy, rulings),
        subject=subject,
        policy=digest(policy),
        as_of=as_of,
        enforced=enforced,
        notices=(*_together(found), *remarks, *_relaxed(policy, today), *_absences(found), *idle, *notices),
    )


def _rulings(
    policy: Policy, findings: Sequence[Finding], attestations: Sequence[Attestation], *, subject: str, today: date
) -> tuple[Ruling, ...]:
    facts = _facts(findings)
    pool = by_check(findings)
    settled: dict[str, Ruling] = {}
    matched: dict[str, Matched] = {}
    for control in policy.controls:
        excluded = _excluded(control.when, facts) if control.when is not None else None
        if excluded is not None:
            settled[control.id] = without_parts(control, *excluded)
        elif control.attest is not None:
            owners = {each.name for each in (policy.owner, *policy.inherited_owners) if each is not None}
            state, reason = attested(control.attest, attestations, owners=owners, subject=subject, today=today)
            settled[control.id] = without_parts(control, state, reason)
        else:
            matched[control.id] = match(control, policy, pool)
    settled.update(_measured(policy, matched, settled))
    return tuple(settled[control.id] for control in policy.controls)


def _measured(policy: Policy, matched: Mapping[str, Matched], settled: Mapping[str, Ruling]) -> dict[str, Ruling]:
    """Rulings on the controls that have entries, one family of Holm's procedure a check."""
    alpha = 1.0 - policy.decision.confidence
    rulings: dict[str, Ruling] = {}
    for check, family in _families(policy, matched).items():
        asked: list[float] = []
        places = {control.id: _entered(control, matched[control.id], asked) for control in family}
        # A control whose facts are missing still belongs to its family: less evidence may not make failing easier.
        unseen = sum(each.check == check and each.state == "missing" for each in settled.values())
        rejected = holm(asked + [1.0] * unseen, alpha)
        for control in family:
            beyond = iter([rejected[place] for place in places[control.id]])
            rulings[control.id] = _ruled(control, matched[control.id], policy, beyond)
    return rulings


def _entered(control: Control, matched: Matched, asked: list[float]) -> list[int]:
    """Place of each entry's p-value among those of the family; two entries that ask the same share one."""
    chances = [entry_p(entry, control.require) if control.require else 1.0 for entry in matched.entries]
    first = hypotheses(matched.entries, control.require) if control.require else list(range(len(chances)))
    places: list[int] = []
    for place, chance in enumerate(chances):
        if first[place] < place:
            places.append(places[first[place]])
            continue
        places.append(len(asked))
        asked.append(chance)
    return places


def _families(policy: Policy, matched: Mapping[str, Matched]) -> dict[str, list[Control]]:
    families: dict[str, list[Control]] = {}
    for control in policy.controls:
        if control.id in matched and control.check is not None:
            families.setdefault(control.check, []).append(control)
    return families


def _ruled(control: Control, matched: Matched, policy: Policy, rejected: Iterator[bool]) -> Ruling:
    confidence = control.confidence or policy.decision.confidence
    states = [
        (entry, *decide(entry, control, confidence=confidence, rejected=next(rejected))) for entry in matched.entries
    ]
    return ruling(control, states, matched)


def _facts(findings: Iterable[Finding]) -> Facts:
    """Facts of the case by name; a fact told twice in different ways is None."""
    facts: dict[str, object] = {}
    for finding in findings:
        if isinstance(finding, Measurement) and finding.check == SCOPE and not finding.part:
            told = facts.get(finding.name, finding.value)
            same = type(told) is type(finding.value) and told == finding.value
            facts[finding.name] = finding.value if same else None
    return facts


def _excluded(when: When, facts: Facts) -> tuple[State, str] | None:
    """None where the control applies; ``not_applicable`` where a fact excludes it; ``missing`` where one is unknown."""
    misses, unknown = [], []
    asked = {"task": when.task, "modality": when.modality, "access": when.access}
    for name, wanted in ((name, wanted) for name, wanted in asked.items() if wanted is not None):
        fact = facts.get(name)
        if not isinstance(fact, str) or fact == "unknown":
            unknown.append(f"the {name} is not known")
        elif fact not in wanted:
            misses.append(f"the {name} is {fact}, not {' or '.join(wanted)}")
    for thing in when.has or ():
        there = facts.get(f"has_{thing}")
        if not isinstance(there, bool):
            way = " (name it in the audit file, or say under absent why there is none)" if there == "unknown" else ""
            unknown.append(f"nothing says if there is {_A[thing]}{way}")
        elif not there:
            misses.append(f"there is no {_A[thing].removeprefix('a ').removeprefix('an ')}")
    if misses:
        return "not_applicable", f"does not apply: {'; '.join(misses)}"
    return ("missing", f"it cannot be told whether this applies: {'; '.join(unknown)}") if unknown else None


_A = {
    "base": "a base",
    "incumbent": "an incumbent",
    "run": "a record of the run",
    "shifted": "a shifted data set",
    "train": "a training data set",
    "groups": "a group column",
    "parts": "a column of parts to be seen apart",
    "base_data": "a training set of the base",
    "reference": "a reference of whom the rows stand for",
    "service": "a statement of a watch",
    "clusters": "a column of rows that belong together",
    "texts": "a text among the inputs",
    "media": "a text or an image among the inputs",
}


def _outcome(
    policy: Policy, rulings: Sequence[Ruling], findings: Sequence[Finding], today: date
) -> tuple[Outcome, tuple[str, ...]]:
    own = max((each.disposition for each in rulings), key=RANK.__getitem__)
    raised = tuple(_raised(policy, rulings, findings, today))
    worst = max((own, *(disposition for disposition, _ in raised)), key=RANK.__getitem__)
    return _OUTCOME[worst], tuple(notice for _, notice in raised)


def _raised(
    policy: Policy, rulings: Sequence[Ruling], findings: Sequence[Finding], today: date
) -> Iterator[tuple[Disposition, str]]:
    """What the policy as a whole adds to its rulings: the least that follows, and why."""
    ignored = [f"{each.control} ({each.state})" for each in rulings if _ignored(each)]
    if ignored:
        yield "warn", f"the policy ignores what is not met; it counts as an exception: {', '.join(ignored)}"
    if policy.review_by is not None and policy.review_by < today:
        yield "review", f"this policy was to be reviewed by {policy.review_by}; a person must decide"
    for each in policy.relax:
        if each.expires < today:
            what = f"the relaxed {each.field} of {each.control} expired on {each.expires}"
            yield "review", f"{what}; a person must decide"
    outside = _excluded(policy.applies, _facts(findings)) if policy.applies is not None else None
    if outside is not None:
        yield "block", f"this policy was not written for such a case: {outside[1]}"
    if not any(_judged(each, findings) for each in rulings):
        yield "block", "no control could be judged; nothing speaks for this model"


def _judged(each: Ruling, findings: Sequence[Finding]) -> bool:
    """True where a statement counts, or every part passed, failed, or was left open by a measurement."""
    return all(_spoken(part, findings) for part in each.parts) if each.parts else each.state == "pass"


def _spoken(part: PartRuling, findings: Sequence[Finding]) -> bool:
    measured = part.finding >= 0 and isinstance(findings[part.finding], Measurement)
    return part.state in ("pass", "fail") or (part.state == "inconclusive" and measured)


def _ignored(each: Ruling) -> bool:
    """True where the policy says ignore to something else than a pass: no policy switches the gate off in silence."""
    return each.disposition == "ignore" and each.state not in ("pass", "not_applicable")


def _absences(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What the audit file says there is none of: a word that whoever signs stands for, so it is said beside them."""
    told = [
        f"{finding.part.get('fact', '')} ({finding.value})"
        for finding in findings
        if isinstance(finding, Measurement) and (finding.check, finding.name) == (SCOPE, "absence") and finding.part
    ]
    return (f"the audit file says that there is none of these: {'; '.join(sorted(told))}",) if told else ()


def _together(findings: Iterable[Finding]) -> Iterator[str]:
    """That rows seem to belong together in a way that nobody declared: the way with the largest effect."""
    found = [
        each
        for each in findings
        if isinstance(each, Measurement) and (each.check, each.name) == SUSPICION and each.is_number and each.part
    ]
    for each in sorted(found, key=lambda each: float(each.value))[-1:]:
        way, worth = clipped(each.part.get("found", ""), 60), round(each.n / max(float(each.value), 1.0))
        yield (
            f"rows seem to belong together ({way}), which no bound respects: {each.n} are worth about {worth} "
            "independent ones; declare it in columns.cluster"
        )


def _relaxed(policy: Policy, today: date) -> tuple[str, ...]:
    return tuple(
        f"relaxed until {each.expires}: {each.field} of {each.control}, approved by {each.approver}: {each.reason}"
        for each in policy.relax
        if each.expires >= today and each.field != "title"
    ) + tuple(
        # Another name judges the same; one line for all of them.
        f"renamed with approval of {approver}: {', '.join(sorted(names))}"
        for approver, names in sorted(_renamed(policy, today).items())
    )


def _renamed(policy: Policy, today: date) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in policy.relax:
        if each.field == "title" and each.expires >= today:
            found.setdefault(each.approver, set()).add(each.control)
    return found
