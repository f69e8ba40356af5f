"""The bundle as NIST OSCAL 1.2.1: assessment results, and a plan of action with milestones for whatever is open."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from govkit.core import Waiver
from govkit.report.exports import oscal_parts as parts, shared
from govkit.report.exports.oscal_parts import props
from govkit.report.exports.shared import ident, said
from govkit.report.model import Entry, Report
from govkit.report.read import Sources


def results(report: Report) -> dict[str, Any]:
    """Assessment results: an observation for each finding or statement used, a finding for each ruling."""
    sources = report.sources
    entries = [(place, entry) for place, entry in enumerate(report.entries) if entry.ruling.state != "not_applicable"]
    told = shared.outcome(sources)
    result = {
        "uuid": ident(sources, "result"),
        "title": f"Verdict on {said(report.name)}",
        "description": f"Verdict: {told}. All times are the time of judging, unless a person signed.",
        "start": shared.moment(sources),
        "end": shared.moment(sources),
        "props": props(("verdict", sources.verdict.outcome), ("enforced", parts.truth(sources.verdict.enforced))),
        "reviewed-controls": parts.reviewed(report),
        **_assessed(report, entries, _declared(report)),
    }
    document = {
        "uuid": ident(sources, "assessment-results"),
        "metadata": parts.metadata(report, "Assessment results"),
        "import-ap": {"href": f"#{ident(sources, 'policy')}"},
        "results": [parts.filled(result)],
        "back-matter": parts.back_matter(sources),
    }
    return {"assessment-results": document}


def plan(report: Report) -> dict[str, Any] | None:
    """The plan of action: an item for each ruling that is open, waived or not, and for each risk that is left.

    Returns:
        The document, or None where nothing is open: OSCAL has no plan without an item.
    """
    sources = report.sources
    entries = [(place, entry) for place, entry in enumerate(report.entries) if entry.open]
    risks = [*_declared(report), *_unmeasured(sources)]
    items = [*(_item(place, entry, sources) for place, entry in entries), *(_risk_item(risk) for risk in risks)]
    if not items:
        return None
    document = {
        "uuid": ident(sources, "poam"),
        "metadata": parts.metadata(report, "Plan of action and milestones"),
        "system-id": {"identifier-type": parts.NAMESPACE, "id": said(sources.verdict.subject)},
        **_assessed(report, entries, risks),
        "poam-items": items,
        "back-matter": parts.back_matter(sources),
    }
    return {"plan-of-action-and-milestones": parts.filled(document)}


def _assessed(report: Report, entries: list[tuple[int, Entry]], risks: list[dict[str, Any]]) -> dict[str, Any]:
    """What both documents hold: the model and the tool, and of these rulings what they rest on and leave open."""
    sources = report.sources
    return {
        "local-definitions": {"components": parts.components(report)},
        "observations": parts.observations(report, [entry for _, entry in entries]),
        "risks": [*(_open_risk(place, entry, sources) for place, entry in entries if entry.open), *risks],
        "findings": [_finding(place, entry, sources) for place, entry in entries],
    }


def _finding(place: int, entry: Entry, sources: Sources) -> dict[str, Any]:
    """``satisfied`` for a pass alone; an exception excuses and does not satisfy."""
    ruling = entry.ruling
    used = [ident(sources, "observation", each) for each in shared.rested_on(ruling, sources)]
    used += [ident(sources, "statement", each) for each, _ in shared.stated_for(entry, sources)]
    found = {
        "uuid": ident(sources, "finding", place),
        "title": shared.title(entry),
        "description": said(ruling.reason),
        "props": _state(entry),
        "target": {
            "type": "objective-id",
            "target-id": parts.token(ruling.control),
            "status": {
                "state": "satisfied" if ruling.state == "pass" else "not-satisfied",
                "reason": ruling.state if ruling.state in ("pass", "fail") else "other",
            },
        },
        "related-observations": [{"observation-uuid": each} for each in used],
        "related-risks": [{"risk-uuid": ident(sources, "open", place)}] if entry.open else [],
    }
    return parts.filled(found)


def _state(entry: Entry) -> list[dict[str, str]]:
    ruling = entry.ruling
    named = (("control", ruling.control), ("state", ruling.state), ("severity", ruling.severity))
    return props(*named, ("disposition", ruling.disposition), ("waived", parts.truth(ruling.waived)))


def _open_risk(place: int, entry: Entry, sources: Sources) -> dict[str, Any]:
    """What a ruling leaves open; with an exception it has a deadline, the last day of the first that ends."""
    waivers = [waiver for _, waiver in shared.waivers_of(entry, sources)]
    waived = f" Waived; {entry.ruling.state} all the same." if entry.ruling.waived else ""
    advice = {
        "uuid": ident(sources, "advice", place),
        "lifecycle": "recommendation",
        "title": "What to do",
        "description": said(entry.next_step),
    }
    found: dict[str, Any] = {
        "uuid": ident(sources, "open", place),
        "title": shared.title(entry),
        "description": said(entry.ruling.reason),
        "statement": f"{said(entry.ruling.control)}: {entry.ruling.state}.{waived}",
        "props": _state(entry),
        "status": "deviation-approved" if waivers else "open",
        "remediations": [advice, *(_accepted(place, index, each, sources) for index, each in enumerate(waivers))],
    }
    return found | ({"deadline": shared.last_moment(min(each.expires for each in waivers))} if waivers else {})


def _accepted(place: int, index: int, waiver: Waiver, sources: Sources) -> dict[str, Any]:
    instead = "".join(f" Instead: {said(done)}" for done in waiver.compensating)
    people = (("waiver", waiver.id), ("owner", waiver.owner), ("approver", waiver.approver))
    return {
        "uuid": ident(sources, "waiver", place, index),
        "lifecycle": "planned",
        "title": "A signed exception",
        "description": f"{waiver.response}: {said(waiver.reason)}{instead}",
        "props": props(*people, ("created", waiver.created), ("expires", waiver.expires)),
    }


def _declared(report: Report) -> list[dict[str, Any]]:
    """Declared risks that the controls did not bring down to low, or that were not measured."""
    sources = report.sources
    return [
        {
            "uuid": ident(sources, "risk", place),
            "title": said(risk.description or risk.id),
            "description": said(risk.description),
            "statement": said(risk.reason),
            "props": props(
                ("risk", risk.id),
                ("inherent", risk.inherent),
                ("residual", risk.residual),
                ("measured", parts.truth(risk.measured)),
            ),
            "status": "open",
        }
        for place, risk in enumerate(sources.verdict.risks)
        if risk.residual != "low" or not risk.measured
    ]


def _unmeasured(sources: Sources) -> Iterator[dict[str, Any]]:
    """Risks that the policy knows and does not measure."""
    for place, item in enumerate(sources.policy.not_measured):
        found = {
            "uuid": ident(sources, "unmeasured", place),
            "title": said(item.risk),
            "description": f"Known and not measured: {said(item.risk)}",
            "statement": said(item.reason),
            "props": props(("measured", "false"), *([("owner", item.owner)] if item.owner.strip() else [])),
            "status": "open",
        }
        yield found | ({"deadline": shared.last_moment(item.review_by)} if item.review_by else {})


def _item(place: int, entry: Entry, sources: Sources) -> dict[str, Any]:
    used = [ident(sources, "observation", each) for each in shared.rested_on(entry.ruling, sources)]
    found = {
        "uuid": ident(sources, "item", place),
        "title": shared.title(entry),
        "description": said(entry.ruling.reason),
        "props": _state(entry),
        "origins": [{"actors": [{"type": "tool", "actor-uuid": ident(sources, "tool")}]}],
        "related-findings": [{"finding-uuid": ident(sources, "finding", place)}],
        "related-observations": [{"observation-uuid": each} for each in used],
        "related-risks": [{"risk-uuid": ident(sources, "open", place)}],
    }
    return parts.filled(found)


def _risk_item(risk: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": str(uuid.uuid5(uuid.UUID(risk["uuid"]), "item")),
        "title": risk["title"],
        "description": risk["statement"],
        "related-risks": [{"risk-uuid": risk["uuid"]}],
    }
