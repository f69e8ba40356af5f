"""The bundle as NIST OSCAL 1.2.1: assessment results, and a plan of action with milestones for whatever is open."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from govkit.core import Attestation, Waiver
from govkit.report.exports.references import OSCAL_VERSION
from govkit.report.exports.shared import (
    all_rested_on,
    binding,
    first_moment,
    ident,
    last_moment,
    moment,
    outcome,
    rested_on,
    said,
    sentence,
    stated_for,
    title,
    waivers_of,
)
from govkit.report.model import Entry, Report
from govkit.report.read import Sources

NAMESPACE = "urn:govkit:oscal:v1"
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_REASON = {"pass": "pass", "fail": "fail"}
_FILES = (("policy", "policy.yaml", "application/yaml"), ("findings", "findings.sigstore.json", "application/json"),
          ("verdict", "verdict.sigstore.json", "application/json"))  # fmt: skip


def results(report: Report) -> dict[str, Any]:
    """Assessment results: an observation for each finding or statement used, a finding for each ruling."""
    sources = report.sources
    entries = [(place, entry) for place, entry in enumerate(report.entries) if entry.ruling.state != "not_applicable"]
    result = {
        "uuid": ident(sources, "result"),
        "title": f"Verdict on {said(report.name)}",
        "description": f"Verdict: {outcome(sources)}. All times are the time of judging, unless a person signed.",
        "start": moment(sources),
        "end": moment(sources),
        "props": _props((("verdict", sources.verdict.outcome), ("enforced", _truth(sources.verdict.enforced)))),
        "local-definitions": {"components": _components(report)},
        "reviewed-controls": _reviewed(report),
        "observations": _observations(report, [entry for _, entry in entries]),
        "risks": [*(_open_risk(place, entry, sources) for place, entry in entries if entry.open), *_declared(report)],
        "findings": [_finding(place, entry, sources) for place, entry in entries],
    }
    document = {
        "uuid": ident(sources, "assessment-results"),
        "metadata": _metadata(report, "Assessment results"),
        "import-ap": {"href": f"#{ident(sources, 'policy')}"},
        "results": [_filled(result)],
        "back-matter": _back_matter(sources),
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
        "metadata": _metadata(report, "Plan of action and milestones"),
        "system-id": {"identifier-type": NAMESPACE, "id": said(sources.verdict.subject)},
        "local-definitions": {"components": _components(report)},
        "observations": _observations(report, [entry for _, entry in entries]),
        "risks": [*(_open_risk(place, entry, sources) for place, entry in entries), *risks],
        "findings": [_finding(place, entry, sources) for place, entry in entries],
        "poam-items": items,
        "back-matter": _back_matter(sources),
    }
    return {"plan-of-action-and-milestones": _filled(document)}


def _filled(found: dict[str, Any]) -> dict[str, Any]:
    """Without empty lists, which OSCAL refuses."""
    return {key: value for key, value in found.items() if value != []}


def _truth(value: bool) -> str:
    return "true" if value else "false"


def token(text: str) -> str:
    """An id as an OSCAL token; one that is none already is told by its digest or gets an underscore in front."""
    if _TOKEN.fullmatch(text):
        return text
    return f"_{text}" if _TOKEN.fullmatch(f"_{text}") else f"_{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"


def _props(named: Iterable[tuple[str, object]]) -> list[dict[str, str]]:
    return [{"name": name, "ns": NAMESPACE, "value": said(value)} for name, value in named]


def _metadata(report: Report, kind: str) -> dict[str, Any]:
    sources = report.sources
    parties = [{"uuid": ident(sources, "party", place), "type": "person", "name": said(stated.signer)}
               for place, stated in enumerate(sources.attestations)]  # fmt: skip
    found = {
        "title": f"{kind}: {said(report.name)}",
        "last-modified": moment(sources),
        "version": moment(sources),
        "oscal-version": OSCAL_VERSION,
        "props": _props(binding(sources).items()),
        "parties": parties,
    }
    return _filled(found)


def _components(report: Report) -> list[dict[str, Any]]:
    sources = report.sources
    status = {"state": "other"}
    model = {
        "uuid": ident(sources, "model"),
        "type": "software",
        "title": said(report.name),
        "description": "The model that was judged.",
        "props": _props((("artifact-digest", sources.verdict.subject),)),
        "status": status,
    }
    tool = {
        "uuid": ident(sources, "tool"),
        "type": "software",
        "title": "govkit",
        "description": "What measured and judged.",
        "status": status,
    }
    return [model, tool]


def _back_matter(sources: Sources) -> dict[str, Any]:
    digests = {"policy": sources.verdict.policy, "findings": sources.findings_digest, "verdict": sources.verdict_digest}
    return {
        "resources": [
            {
                "uuid": ident(sources, kind),
                "title": name,
                "description": f"In the folder above: {name}. The digest is that of what was signed, not of the file.",
                "props": _props(((f"{kind}-digest", digests[kind]),)),
                "rlinks": [{"href": f"../{name}", "media-type": media}],
            }
            for kind, name, media in _FILES
        ]
    }


def _reviewed(report: Report) -> dict[str, Any]:
    """Controls that apply; one that does not is excluded, and so is neither satisfied nor open."""
    named: dict[bool, list[str]] = {True: [], False: []}
    for entry in report.entries:
        named[entry.ruling.state != "not_applicable"].append(token(entry.ruling.control))
    include, exclude = ([{"control-id": name} for name in dict.fromkeys(named[each])] for each in (True, False))
    chosen = {"include-controls": include} if include else {"include-all": {}}
    found: dict[str, Any] = {"control-selections": [_filled({**chosen, "exclude-controls": exclude})]}
    if include:
        objectives = [{"objective-id": each["control-id"]} for each in include]
        found["control-objective-selections"] = [{"include-objectives": objectives}]
    return found


def _observations(report: Report, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    sources, chosen = report.sources, list(entries)
    used = {place for entry in chosen for place in rested_on(entry.ruling, sources)}
    stated = dict(pair for entry in chosen for pair in stated_for(entry, sources))
    return [
        *(_observation(place, sources) for place in all_rested_on(report) if place in used),
        *(_statement(place, stated[place], sources) for place in sorted(stated)),
    ]


def _subject(sources: Sources) -> list[dict[str, str]]:
    return [{"subject-uuid": ident(sources, "model"), "type": "component"}]


def _observation(place: int, sources: Sources) -> dict[str, Any]:
    finding = sources.findings[place]
    return {
        "uuid": ident(sources, "observation", place),
        "title": said(f"{finding.check} {finding.name}".strip()),
        "description": sentence(finding),
        "props": _props((("kind", finding.kind),)),
        "methods": ["TEST"],
        "types": ["finding"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": ident(sources, "tool")}]}],
        "subjects": _subject(sources),
        "relevant-evidence": [{"href": f"#{ident(sources, 'findings')}", "description": "The signed findings."}],
        "collected": moment(sources),
    }


def _statement(place: int, stated: Attestation, sources: Sources) -> dict[str, Any]:
    answers = "; ".join(f"{said(name)}: {said(answer)}" for name, answer in sorted(stated.answers.items()))
    found = {
        "uuid": ident(sources, "statement", place),
        "title": said(f"statement of a person: {stated.kind}"),
        "description": said(answers, "no answers"),
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "origins": [{"actors": [{"type": "party", "actor-uuid": ident(sources, "party", place)}]}],
        "subjects": _subject(sources),
        "collected": first_moment(stated.signed_at),
    }
    until = stated.valid_until
    return found | ({"expires": last_moment(until)} if until is not None and until >= stated.signed_at else {})


def _finding(place: int, entry: Entry, sources: Sources) -> dict[str, Any]:
    """``satisfied`` for a pass alone; an exception excuses and does not satisfy."""
    ruling = entry.ruling
    used = [ident(sources, "observation", each) for each in rested_on(ruling, sources)]
    used += [ident(sources, "statement", each) for each, _ in stated_for(entry, sources)]
    found = {
        "uuid": ident(sources, "finding", place),
        "title": title(entry),
        "description": said(ruling.reason),
        "props": _state(entry),
        "target": {
            "type": "objective-id",
            "target-id": token(ruling.control),
            "status": {
                "state": "satisfied" if ruling.state == "pass" else "not-satisfied",
                "reason": _REASON.get(ruling.state, "other"),
            },
        },
        "related-observations": [{"observation-uuid": each} for each in used],
        "related-risks": [{"risk-uuid": ident(sources, "open", place)}] if entry.open else [],
    }
    return _filled(found)


def _state(entry: Entry) -> list[dict[str, str]]:
    ruling = entry.ruling
    named = (("control", ruling.control), ("state", ruling.state), ("severity", ruling.severity))
    return _props((*named, ("disposition", ruling.disposition), ("waived", _truth(ruling.waived))))


def _open_risk(place: int, entry: Entry, sources: Sources) -> dict[str, Any]:
    """What a ruling leaves open; with an exception it has a deadline, the last day of the first that ends."""
    waivers = [waiver for _, waiver in waivers_of(entry, sources)]
    waived = f" Waived; {entry.ruling.state} all the same." if entry.ruling.waived else ""
    advice = {
        "uuid": ident(sources, "advice", place),
        "lifecycle": "recommendation",
        "title": "What to do",
        "description": said(entry.next_step),
    }
    found: dict[str, Any] = {
        "uuid": ident(sources, "open", place),
        "title": title(entry),
        "description": said(entry.ruling.reason),
        "statement": f"{said(entry.ruling.control)}: {entry.ruling.state}.{waived}",
        "props": _state(entry),
        "status": "deviation-approved" if waivers else "open",
        "remediations": [advice, *(_accepted(place, index, each, sources) for index, each in enumerate(waivers))],
    }
    return found | ({"deadline": last_moment(min(each.expires for each in waivers))} if waivers else {})


def _accepted(place: int, index: int, waiver: Waiver, sources: Sources) -> dict[str, Any]:
    instead = "".join(f" Instead: {said(done)}" for done in waiver.compensating)
    people = (("waiver", waiver.id), ("owner", waiver.owner), ("approver", waiver.approver))
    return {
        "uuid": ident(sources, "waiver", place, index),
        "lifecycle": "planned",
        "title": "A signed exception",
        "description": f"{waiver.response}: {said(waiver.reason)}{instead}",
        "props": _props((*people, ("created", waiver.created), ("expires", waiver.expires))),
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
            "props": _props(
                (
                    ("risk", risk.id),
                    ("inherent", risk.inherent),
                    ("residual", risk.residual),
                    ("measured", _truth(risk.measured)),
                )
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
            "props": _props((("measured", "false"), *((("owner", item.owner),) if item.owner.strip() else ()))),
            "status": "open",
        }
        yield found | ({"deadline": last_moment(item.review_by)} if item.review_by else {})


def _item(place: int, entry: Entry, sources: Sources) -> dict[str, Any]:
    used = [ident(sources, "observation", each) for each in rested_on(entry.ruling, sources)]
    found = {
        "uuid": ident(sources, "item", place),
        "title": title(entry),
        "description": said(entry.ruling.reason),
        "props": _state(entry),
        "origins": [{"actors": [{"type": "tool", "actor-uuid": ident(sources, "tool")}]}],
        "related-findings": [{"finding-uuid": ident(sources, "finding", place)}],
        "related-observations": [{"observation-uuid": each} for each in used],
        "related-risks": [{"risk-uuid": ident(sources, "open", place)}],
    }
    return _filled(found)


def _risk_item(risk: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": _named(risk["uuid"]),
        "title": risk["title"],
        "description": risk["statement"],
        "related-risks": [{"risk-uuid": risk["uuid"]}],
    }
