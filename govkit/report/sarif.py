"""Rulings as SARIF 2.1.0 (OASIS standard): a result for each ruling that is not a pass."""

from __future__ import annotations

from typing import Any

from govkit.report.asked import asked, authority, remedy
from govkit.report.escape import NAME, clean, markdown, sarif as plain, short
from govkit.report.exports.shared import dumps
from govkit.report.model import Entry, Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LOCATION = {"physicalLocation": {"artifactLocation": {"uri": "policy.yaml"}, "region": {"startLine": 1}}}
"""The policy of the bundle; code scanning shows nothing without a line."""

_LEVEL = {"block": "error", "review": "warning", "warn": "note", "ignore": "note"}


def sarif(report: Report) -> bytes:
    """The file, with a rule for each control; ``not_applicable`` is a result of its own kind, never silence."""
    entries = report.entries
    tool = report.sources.measured.get("tool") or {}
    driver = {
        "name": "govkit",
        "version": clean(str(tool.get("version", "unknown"))),
        "rules": [_rule(entry) for entry in entries],
    }
    verdict = report.sources.verdict
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"govkit/{short(report.name, NAME)}/"},
        "columnKind": "utf16CodeUnits",
        "results": [_result(index, entry) for index, entry in enumerate(entries) if entry.ruling.state != "pass"],
        "properties": {
            "verdict": verdict.outcome,
            "enforced": verdict.enforced,
            "subject": clean(verdict.subject),
            "findings": report.sources.findings_digest,
        },
    }
    return dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(entry: Entry) -> dict[str, Any]:
    ruling, control = entry.ruling, entry.control
    title = short(ruling.title or ruling.control)
    told = {"Asked": asked(control), "Authority": authority(control), "If it is not met": remedy(control)}
    return {
        "id": clean(ruling.control),
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}: {told['Asked']}"},
        "help": {
            "text": "\n".join(f"{name}: {says}" for name, says in told.items()),
            "markdown": "\n\n".join(f"**{name}:** {markdown(says)}" for name, says in told.items()),
        },
        "defaultConfiguration": {"level": _LEVEL[control.on_fail] if control else "none"},
        "properties": {
            "severity": ruling.severity,
            "rmf": [clean(i) for i in control.rmf] if control else [],
            "tags": ["governance", *(clean(i) for i in (control.rmf if control else ()))],
        },
    }


def _result(index: int, entry: Entry) -> dict[str, Any]:
    ruling = entry.ruling
    applies = ruling.state != "not_applicable"
    said = f"{ruling.title or ruling.control}: {ruling.reason}"
    if applies:
        said = f"{said} What to do: {entry.next_step}"
    found: dict[str, Any] = {
        "ruleId": clean(ruling.control),
        "ruleIndex": index,
        "kind": "fail" if applies else "notApplicable",
        "level": _LEVEL[ruling.disposition] if applies else "none",
        "message": {"text": plain(said), "markdown": markdown(said)},
        "locations": [_LOCATION],
        "partialFingerprints": {"control": clean(ruling.control)},
        "properties": {"state": ruling.state, "severity": ruling.severity, "waived": ruling.waived},
    }
    if ruling.waived:
        found["suppressions"] = [{"kind": "external", "justification": "covered by a signed exception"}]
    return found
