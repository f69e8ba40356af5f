"""What assessment results and a plan of action have in common: metadata, components, controls, observations."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from govkit.core import Attestation
from govkit.report.exports import shared
from govkit.report.exports.references import OSCAL_VERSION
from govkit.report.exports.shared import ident, said
from govkit.report.model import Entry, Report
from govkit.report.read import Sources

NAMESPACE = "urn:govkit:oscal:v1"
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
_FILES = (("policy", "policy.yaml", "application/yaml"), ("findings", "findings.sigstore.json", "application/json"),
          ("verdict", "verdict.sigstore.json", "application/json"))  # fmt: skip


def filled(found: dict[str, Any]) -> dict[str, Any]:
    """Without empty lists, which OSCAL refuses."""
    return {key: value for key, value in found.items() if value != []}


def truth(value: bool) -> str:
    """A truth as OSCAL has it: text."""
    return "true" if value else "false"


def token(text: str) -> str:
    """An id as an OSCAL token; one that is none already is told by its digest or gets an underscore in front."""
    if _TOKEN.fullmatch(text):
        return text
    return (
        f"_{text}" if _TOKEN.fullmatch(f"_{text}") else f"_{hashlib.sha256(text.encode(errors='replace')).hexdigest()}"
    )


def props(*named: tuple[str, object]) -> list[dict[str, str]]:
    """Properties in the name space of govkit."""
    return [{"name": name, "ns": NAMESPACE, "value": said(value)} for name, value in named]


def metadata(report: Report, kind: str) -> dict[str, Any]:
    """Title, times, the three digests, and the people who signed statements."""
    sources = report.sources
    parties = [{"uuid": ident(sources, "party", place), "type": "person", "name": said(stated.signer)}
               for place, stated in enumerate(sources.attestations)]  # fmt: skip
    found = {
        "title": f"{kind}: {said(report.name)}",
        "last-modified": shared.moment(sources),
        "version": shared.moment(sources),
        "oscal-version": OSCAL_VERSION,
        "props": props(*shared.binding(sources).items()),
        "parties": parties,
    }
    return filled(found)


def components(report: Report) -> list[dict[str, Any]]:
    """The model and the tool."""
    sources = report.sources
    status = {"state": "other"}
    model = {
        "uuid": ident(sources, "model"),
        "type": "software",
        "title": said(report.name),
        "description": "The model that was judged.",
        "props": props(("artifact-digest", sources.verdict.subject)),
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


def back_matter(sources: Sources) -> dict[str, Any]:
    """The files of the bundle that the document refers to."""
    digests = {"policy": sources.verdict.policy, "findings": sources.findings_digest, "verdict": sources.verdict_digest}
    return {
        "resources": [
            {
                "uuid": ident(sources, kind),
                "title": name,
                "description": f"In the folder above: {name}. The digest is that of what was signed, not of the file.",
                "props": props((f"{kind}-digest", digests[kind])),
                "rlinks": [{"href": f"../{name}", "media-type": media}],
            }
            for kind, name, media in _FILES
        ]
    }


def reviewed(report: Report) -> dict[str, Any]:
    """Controls that apply; one that does not is excluded, and so is neither satisfied nor open."""
    named: dict[bool, list[str]] = {True: [], False: []}
    for entry in report.entries:
        named[entry.ruling.state != "not_applicable"].append(token(entry.ruling.control))
    include, exclude = ([{"control-id": name} for name in dict.fromkeys(named[each])] for each in (True, False))
    chosen: dict[str, Any] = {"include-controls": include} if include else {"include-all": {}}
    found: dict[str, Any] = {"control-selections": [filled({**chosen, "exclude-controls": exclude})]}
    if include:
        objectives = [{"objective-id": each["control-id"]} for each in include]
        found["control-objective-selections"] = [{"include-objectives": objectives}]
    return found


def observations(report: Report, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Findings and statements that these rulings rest on, each once."""
    sources, chosen = report.sources, list(entries)
    used = {place for entry in chosen for place in shared.rested_on(entry.ruling, sources)}
    stated = dict(pair for entry in chosen for pair in shared.stated_for(entry, sources))
    return [
        *(_observation(place, sources) for place in sorted(used)),
        *(_statement(place, stated[place], sources) for place in sorted(stated)),
    ]


def _subject(sources: Sources) -> list[dict[str, str]]:
    return [{"subject-uuid": ident(sources, "model"), "type": "component"}]


def _observation(place: int, sources: Sources) -> dict[str, Any]:
    finding = sources.findings[place]
    return {
        "uuid": ident(sources, "observation", place),
        "title": said(f"{finding.check} {finding.name}".strip()),
        "description": shared.sentence(finding),
        "props": props(("kind", finding.kind)),
        "methods": ["TEST"],
        "types": ["finding"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": ident(sources, "tool")}]}],
        "subjects": _subject(sources),
        "relevant-evidence": [{"href": f"#{ident(sources, 'findings')}", "description": "The signed findings."}],
        "collected": shared.moment(sources),
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
        "collected": shared.first_moment(stated.signed_at),
    }
    until = stated.valid_until
    return found | ({"expires": shared.last_moment(until)} if until is not None and until >= stated.signed_at else {})
