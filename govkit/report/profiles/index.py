"""The index for auditors: which part of a report speaks to which point of a standard, and to which point none does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from govkit.report import words
from govkit.report.blocks import Block, Cell, Code, Section, Table, Text, joined, row
from govkit.report.escape import NAME, short
from govkit.report.model import Entry, Report
from govkit.report.said import said
from govkit.resources import load

SILENT = ("missing", "error", "unsupported", "not_applicable")
"""States of a control that speaks to nothing."""
MOST_CONTROLS = 12
"""Controls that one line names."""


def index(report: Report) -> Section:
    """A table a standard."""
    says, standards = words.catalog()["profiles"]["index"], load("policies/standards", "crosswalk.yaml")
    rows = speaking(report, standards)
    blocks: list[Block] = [*_table("rmf", "nist_ai_rmf", _rmf(report), standards, says)]
    for key, source in (("annex_iv", "eu_ai_act"), ("iso_42001", "iso_42001")):
        lines = _points(standards[f"{key}_gist"], key, rows, standards)
        blocks += _table(key, source, lines, standards, says)
    return Section("index", says["title"], says["lead"], tuple(blocks))


Line = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""Id of a point, what it is about, who speaks to it (controls as ``=ID``), and in which sections."""


def _table(
    key: str, source: str, lines: Iterable[Line], standards: Mapping[str, Any], says: dict[str, Any]
) -> Iterable[Block]:
    listed = tuple(lines)
    columns = words.columns({"point": 15, "about": 35, "by": 28, "where": 22}, titles=says["columns"])
    yield Table(says["captions"][key], columns, tuple(_row(line, says) for line in listed))
    status = said(str(standards["sources"][source]["status"]).replace("_", " "))
    yield Text((says["status"].format(status=status, day=standards["checked_on"]),))
    if open_ := joined(((Code(point),) for point, _, by, _ in listed if not by), ", "):
        yield Text((says["open"], " ", *open_))


def _row(line: Line, says: dict[str, Any]) -> tuple[Cell, ...]:
    point, about, by, where = line
    named = ((Code(short(e[1:], NAME)) if e.startswith("=") else short(e, NAME),) for e in by[:MOST_CONTROLS])
    more = (f" {words.catalog()['plain']['and_more']}",) if len(by) > MOST_CONTROLS else ()
    spoken: Cell = (*joined(named, ", "), *more) if by else (says["nothing"],)
    return row(Code(point), about, spoken, ", ".join(where) or "–")


def _rmf(report: Report) -> Iterable[Line]:
    """Subcategories as the verdict has them."""
    says, asks = words.catalog()["cells"], words.rmf()["cells"]
    entries = {entry.ruling.control: entry for entry in report.entries}
    for cell in report.sources.verdict.coverage.cells:
        about = said(str(asks[cell.id]["paraphrase"])) if cell.id in asks else ""
        spoken = cell.state not in ("open", "not_applicable")
        by = tuple(f"={name}" for name in cell.controls) or (says[cell.state]["text"],)
        where = [_section(entries[name], report) for name in cell.controls if name in entries]
        yield (cell.id, about, by if spoken else (), tuple(dict.fromkeys(where)) if spoken else ())


def _points(
    gists: Mapping[str, str], key: str, rows: Mapping[str, dict[str, str]], standards: Mapping[str, Any]
) -> Iterable[Line]:
    """Points of a standard that the crosswalk places checks, records and statements beside."""
    for point, about in gists.items():
        spoken: dict[str, str] = {}
        for name, found in standards["checks"].items():
            if point in found.get(key, ()):
                spoken |= rows.get(name, {})
        yield (point, said(about), tuple(spoken), tuple(dict.fromkeys(spoken.values())))


def speaking(report: Report, standards: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Row of the crosswalk -> who speaks for it in this bundle (controls as ``=ID``), and in which section."""
    rows: dict[str, dict[str, str]] = {}
    row_of: dict[str, str] = standards["rows_of_checks"]
    for entry in report.entries:
        attest = entry.control.attest if entry.control else None
        row = f"attest.{attest.kind}" if attest else row_of.get(entry.ruling.check or "", "")
        if row and entry.ruling.state not in SILENT:
            rows.setdefault(row, {})[f"={entry.ruling.control}"] = _section(entry, report)
    judged = {entry.ruling.check for entry in report.entries if entry.ruling.state not in SILENT}
    for check in dict.fromkeys(found.check for found in report.measurements):
        # What the audit could reach is no record of the run where there is none.
        recorded = row_of.get(check) != "record.run" or report.sources.run is not None
        if check in row_of and check not in judged and recorded:
            name = words.word("checks", check)
            rows.setdefault(row_of[check], {})[name] = _title(words.family(check))
    for row, section in _records(report):
        says = words.catalog()["profiles"]["index"]["records"]
        rows.setdefault(row, {})[says[row]] = _title(section)
    for each in report.sources.attestations:
        rows.setdefault(f"attest.{each.kind}", {}).setdefault(words.spaced(each.kind), _title("people"))
    return rows


def _records(report: Report) -> Iterable[tuple[str, str]]:
    """Rows of the crosswalk that something else than a check speaks for, and its section."""
    sources = report.sources
    yield from (("record.card", "scope"), ("record.report", "method"), ("record.gate", "register"))
    if sources.run is not None:
        yield from (("record.lineage", "scope"), ("record.run", "scope"))
    if any(notice.startswith("limits fixed before results: ") for notice in sources.verdict.notices):
        yield ("policy.lock", "method")
    if sources.verdict.risks:
        yield ("record.residual_risk", "risks")
    if sources.waivers:
        yield ("record.waiver", "people")
    if sources.selfcheck is not None:
        yield ("check.selfcheck", "method")


def _section(entry: Entry, report: Report) -> str:
    """Title of the section where a control is told; all of them stand in the register."""
    if entry.control is not None and entry.control.attest is not None:
        return _title("people" if report.sources.attestations else "register")
    return _title(words.family(entry.ruling.check or ""))


def _title(key: str) -> str:
    return str(words.catalog()["sections"][key]["title"])
