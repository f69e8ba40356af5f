"""What all exports share: the digests that bind, ids that are the same each time, clean words, and JSON."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

from govkit.core import Attestation, Fact, Finding, Measurement, Ruling, Waiver
from govkit.licenses import normalize
from govkit.report import words
from govkit.report.escape import clean, short
from govkit.report.model import Entry
from govkit.report.numbers import UNBOUNDED
from govkit.report.read import Sources

BINDING = ("artifact-digest", "findings-digest", "verdict-digest")
"""What every export names: the model, and the payloads of the two statements that it is a rendering of."""

MAX_EXACT = 2**53 - 1
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def binding(sources: Sources) -> dict[str, str]:
    """The digests that tie a document to its bundle."""
    found = (clean(sources.verdict.subject), sources.findings_digest, sources.verdict_digest)
    return dict(zip(BINDING, found, strict=True))


def hex_of(digest: object) -> str | None:
    """The 64 hex digits of ``sha256:<hex>``; None for anything else."""
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    return match[1] if match else None


def ident(sources: Sources, *names: str | int) -> str:
    """A UUID (version 5) of a thing in these two statements; never of free text."""
    name = ":".join(map(str, (sources.findings_digest, sources.verdict_digest, *names)))
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:govkit:export:{name}"))


def dumps(document: Any) -> bytes:
    """Sorted JSON in ASCII."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False).encode("ascii") + b"\n"


def said(text: object, fallback: str = "not said") -> str:
    """Free text, clean and never empty."""
    return short(str(text)) or fallback


def moment(sources: Sources) -> str:
    """The time of judging, the only time that a document may take as its own."""
    return f"{sources.as_of:%Y-%m-%dT%H:%M:%SZ}"


def first_moment(day: date) -> str:
    """When a day begins, UTC."""
    return f"{day.isoformat()}T00:00:00Z"


def last_moment(day: date) -> str:
    """When a day ends, UTC: a waiver still holds on its last day."""
    return f"{day.isoformat()}T23:59:59Z"


def tool_version(sources: Sources) -> str:
    """Version of what measured."""
    tool = sources.measured.get("tool")
    return said((tool if isinstance(tool, dict) else {}).get("version", "unknown"), "unknown")


def outcome(sources: Sources) -> str:
    """The verdict in words that nobody can take for more."""
    verdict = sources.verdict
    return verdict.outcome if verdict.enforced else f"{verdict.outcome}, NOT ENFORCED"


def expression(text: str | None) -> str | None:
    """An SPDX expression; None where the text names no license exactly."""
    return normalize(text) if text else None


def tidy(value: Any) -> Any:
    """A recorded value as plain JSON with clean texts; a number that JSON cannot carry exactly becomes text."""
    if isinstance(value, dict):
        return {said(key, "unnamed"): tidy(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) <= MAX_EXACT):
        return value
    return said(value)


def fact(found: Fact) -> str | None:
    """A fact as text; None where it is not known."""
    if found.value is None or found.seen in ("unknown", "not_applicable"):
        return None
    text = found.value if isinstance(found.value, str) else json.dumps(tidy(found.value), sort_keys=True)
    return said(text)


def number(value: object) -> str:
    """A value exactly as the statement has it."""
    return said(value) if isinstance(value, str) else json.dumps(value)


def ends(found: Measurement) -> dict[str, str]:
    """``low`` and ``high`` of the interval, without an end that is none."""
    if found.interval is None:
        return {}
    named = {"low": found.interval.low, "high": found.interval.high}
    return {name: number(end) for name, end in named.items() if abs(end) <= UNBOUNDED}


def rows_of(finding: Finding) -> str:
    """Which rows: ``test rows; sex: Female``."""
    role = f"{finding.data.role} rows" if finding.data else "no rows named"
    return f"{role}; {words.part(finding.part)}"


def sentence(finding: Finding) -> str:
    """A finding in one line, with its numbers as the statement has them."""
    other = f" minus {finding.compared_with}" if finding.compared_with else ""
    about = f"{said(finding.check)}: {said(finding.name)} of {finding.of}{other}, {rows_of(finding)}"
    if not isinstance(finding, Measurement):
        return f"{about}: not measured, {finding.reason}. {short(finding.detail)}".strip()
    within = "".join(f", interval {name} {end}" for name, end in ends(finding).items())
    trust = f", trust: {finding.trust}" if finding.trust else ""
    return f"{about}: {number(finding.value)}{within}, n {finding.n}{trust}"


def rested_on(ruling: Ruling, sources: Sources) -> list[int]:
    """Places of the findings that a ruling rests on, each once."""
    known = range(len(sources.findings))
    return list(dict.fromkeys(part.finding for part in ruling.parts if part.finding in known))


def waivers_of(entry: Entry, sources: Sources) -> Iterator[tuple[int, Waiver]]:
    """Exceptions that cover a ruling which the verdict calls waived, on the day of judging."""
    today = sources.as_of.date()
    for place, waiver in enumerate(sources.waivers):
        about = (waiver.control, waiver.model) == (entry.ruling.control, sources.verdict.subject)
        if entry.ruling.waived and about and waiver.created <= today <= waiver.expires:
            yield place, waiver


def stated_for(entry: Entry, sources: Sources) -> Iterator[tuple[int, Attestation]]:
    """Statements of people about this model of the kind that a control asks for."""
    asked = entry.control.attest if entry.control else None
    for place, stated in enumerate(sources.attestations):
        if asked is not None and (stated.kind, stated.model) == (asked.kind, sources.verdict.subject):
            yield place, stated


def title(entry: Entry) -> str:
    """What a ruling is about."""
    return said(entry.ruling.title or entry.ruling.control)


def properties(*named: tuple[str, object]) -> list[dict[str, str]]:
    """CycloneDX properties in the name space ``govkit:``; one without a value is left out."""
    return [{"name": f"govkit:{name}", "value": said(value)} for name, value in named if value is not None]
