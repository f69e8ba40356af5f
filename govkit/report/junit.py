"""Rulings as JUnit XML: a test case for each control."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from govkit.core import State
from govkit.report.escape import clean
from govkit.report.model import Entry, Report

_ELEMENT: dict[State, str | None] = {
    "pass": None,
    "fail": "failure",
    "inconclusive": "failure",
    "missing": "error",
    "error": "error",
    "unsupported": "error",
    "not_applicable": "skipped",
}


def junit(report: Report) -> bytes:
    """The file: what is not a pass and not out of scope is a failure or an error, also where an exception covers it."""
    cases = [(_ELEMENT[entry.ruling.state], entry) for entry in report.entries]
    counts = {name: sum(kind == name for kind, _ in cases) for name in ("failure", "error", "skipped")}
    verdict = report.sources.verdict
    totals = {
        "tests": str(len(cases)),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "time": "0",
    }
    root = ET.Element("testsuites", totals)
    # The schema of the readers knows skipped cases of a suite only.
    more = {"skipped": str(counts["skipped"]), "timestamp": f"{report.sources.as_of:%Y-%m-%dT%H:%M:%S}"}
    stamp = {**more, "hostname": "govkit"}
    suite = ET.SubElement(root, "testsuite", {"name": clean(report.sources.policy.id), **totals, **stamp})
    properties = ET.SubElement(suite, "properties")
    for name, found in (
        ("verdict", verdict.outcome),
        ("enforced", str(verdict.enforced).lower()),
        ("subject", verdict.subject),
        ("findings", report.sources.findings_digest),
    ):
        ET.SubElement(properties, "property", {"name": name, "value": clean(found)})
    for kind, entry in cases:
        _case(suite, kind, entry)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ET.Element, kind: str | None, entry: Entry) -> None:
    ruling = entry.ruling
    name = clean(f"{ruling.control} {ruling.title}")
    case = ET.SubElement(
        suite, "testcase", {"classname": clean(ruling.check or "attestation"), "name": name, "time": "0"}
    )
    if kind is None:
        return
    waived = "covered by an exception: " if ruling.waived else ""
    found = ET.SubElement(case, kind, {"message": clean(f"{waived}{ruling.reason}")})
    if kind != "skipped":
        found.set("type", ruling.state)
        found.text = clean(f"{ruling.state}, severity {ruling.severity}. What to do: {entry.advice}")
