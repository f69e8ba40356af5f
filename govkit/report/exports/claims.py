"""Rulings as CycloneDX declarations: what was asked, what was shown, and what was not."""

from __future__ import annotations

from typing import Any

from govkit.core import Attestation, Control, Waiver
from govkit.report.exports import shared
from govkit.report.exports.shared import said
from govkit.report.model import Entry, Report

TOOL = "assessor-govkit"


def definitions(report: Report) -> dict[str, Any]:
    """The policy as a standard, a requirement for each ruling."""
    policy = report.sources.policy
    standard = {
        "bom-ref": "policy",
        "name": said(policy.id),
        "version": said(policy.version),
        "description": said(policy.title or policy.id),
        "requirements": [_requirement(place, entry) for place, entry in enumerate(report.entries)],
    }
    if policy.owner is not None:
        standard["owner"] = said(policy.owner.name)
    return {"standards": [standard]}


def _requirement(place: int, entry: Entry) -> dict[str, Any]:
    control = entry.control
    authority = control.authority if control else None
    return {
        "bom-ref": f"requirement-{place}",
        "identifier": said(entry.ruling.control),
        "title": shared.title(entry),
        "text": _asked(control),
        "properties": shared.properties(
            ("severity", entry.ruling.severity),
            ("authority", f"{authority.level} {said(authority.ref, '')}".strip() if authority else None),
            *(("rmf", name) for name in (control.rmf if control else ())),
        ),
    }


def _asked(control: Control | None) -> str:
    if control is None:
        return "what every policy asks"
    if control.attest is not None:
        return f"a signed statement of the kind {said(control.attest.kind)}"
    limit = control.require.words if control.require else ""
    return said(f"{control.metric} of the check {control.check}: {limit}")


def declarations(report: Report, model: str) -> dict[str, Any]:
    """A claim for each control that applies, for or against; only a pass is a claim, whatever excuses the rest."""
    sources = report.sources
    entries = list(enumerate(report.entries))
    used = {place for entry in report.entries for place in shared.rested_on(entry.ruling, sources)}
    people = dict.fromkeys(stated.signer for stated in sources.attestations)
    assessors = [{"bom-ref": TOOL, "organization": {"name": "govkit"}}]
    assessors += [{"bom-ref": f"assessor-{place}", "organization": {"name": said(name)}}
                  for place, name in enumerate(people)]  # fmt: skip
    return {
        "assessors": assessors,
        "claims": [_claim(place, entry, report, model) for place, entry in entries if _applies(entry)],
        "evidence": [
            *(_finding(place, report) for place in sorted(used)),
            *(_stated(place, each) for place, each in enumerate(sources.attestations)),
            *(_waiver(place, each) for place, each in enumerate(sources.waivers)),
        ],
        "attestations": [
            {
                "summary": f"Verdict: {shared.outcome(sources)}",
                "assessor": TOOL,
                "map": [_mapped(place, entry, report) for place, entry in entries],
            }
        ],
    }


def _applies(entry: Entry) -> bool:
    return entry.ruling.state != "not_applicable"


def _claim(place: int, entry: Entry, report: Report, model: str) -> dict[str, Any]:
    passed = entry.ruling.state == "pass"
    told = shared.title(entry)
    refs = [f"finding-{index}" for index in shared.rested_on(entry.ruling, report.sources)]
    refs += [f"statement-{index}" for index, _ in shared.stated_for(entry, report.sources)]
    return {
        "bom-ref": f"claim-{place}",
        "target": model,
        "predicate": told if passed else f"Not shown ({entry.ruling.state}): {told}",
        "reasoning": said(entry.ruling.reason),
        "evidence": refs,
    }


def _mapped(place: int, entry: Entry, report: Report) -> dict[str, Any]:
    """The score is 1 for a pass and 0 for whatever is open: the mean of what is left out would look like a pass."""
    ruling = entry.ruling
    waived = ", waived" if ruling.waived else ""
    conformance: dict[str, Any] = {"rationale": f"{ruling.state}{waived}: {said(ruling.reason)}"}
    mapped: dict[str, Any] = {"requirement": f"requirement-{place}", "conformance": conformance}
    if not _applies(entry):
        return mapped
    conformance["score"] = 1 if ruling.state == "pass" else 0
    if covering := [f"waiver-{index}" for index, _ in shared.waivers_of(entry, report.sources)]:
        conformance["mitigationStrategies"] = covering
    mapped["claims" if ruling.state == "pass" else "counterClaims"] = [f"claim-{place}"]
    return mapped


def _finding(place: int, report: Report) -> dict[str, Any]:
    finding = report.sources.findings[place]
    return {
        "bom-ref": f"finding-{place}",
        "propertyName": f"govkit:{said(finding.name)}",
        "description": shared.sentence(finding),
    }


def _stated(place: int, stated: Attestation) -> dict[str, Any]:
    answers = "; ".join(f"{said(name)}: {said(answer)}" for name, answer in sorted(stated.answers.items()))
    found: dict[str, Any] = {
        "bom-ref": f"statement-{place}",
        "propertyName": f"govkit:{said(stated.kind)}",
        "description": f"Statement of a person about {stated.model}. {answers}".strip(),
        "created": shared.first_moment(stated.signed_at),
        "author": {"name": said(stated.signer)},
    }
    return found | ({"expires": shared.last_moment(stated.valid_until)} if stated.valid_until else {})


def _waiver(place: int, waiver: Waiver) -> dict[str, Any]:
    instead = "".join(f" Instead: {said(done)}" for done in waiver.compensating)
    return {
        "bom-ref": f"waiver-{place}",
        "propertyName": "govkit:waiver",
        "description": f"Exception to {said(waiver.control)} for {waiver.model}. {said(waiver.reason)}{instead}",
        "created": shared.first_moment(waiver.created),
        "expires": shared.last_moment(waiver.expires),
        "author": {"name": said(waiver.owner)},
        "reviewer": {"name": said(waiver.approver)},
    }
