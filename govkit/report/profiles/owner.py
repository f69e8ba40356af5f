"""The page for whoever answers for the model and reads no statistics: plain words, everyday numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from govkit.core import Measurement
from govkit.core.limit import bound_for
from govkit.report import words
from govkit.report.asked import also_open, ended
from govkit.report.blocks import Block, Bullets, Cell, Code, Facts, Section, Text
from govkit.report.cover import VERIFY, VERIFY_FILE, chosen, unmeasured
from govkit.report.escape import NAME, brief, sentences, short
from govkit.report.model import Entry, Report
from govkit.report.said import said
from govkit.report.saying import JUDGED, everyday, in_words, judged_number, reach, worst_first

MOST_POINTS = 3
MOST_GAPS = 5
MOST_PARTS = 2
"""Further groups that a point names."""
MOST_NAMES = 5
"""People who signed or are to sign."""


def owner(report: Report, *, signed: bool = True) -> tuple[Section, ...]:
    """The sections of the page, in their order; ``signed``: whether its PDF gets a signature that can be checked."""
    says = _says()
    blocks: dict[str, Callable[[Report, dict[str, Any]], Iterable[Block]]] = {
        "use": _use,
        "open": _open,
        "gaps": _gaps,
        "people": _people,
        "check": partial(_check, signed=signed),
    }
    return tuple(
        Section(f"owner-{key}", says["sections"][key], "", tuple(made(report, says))) for key, made in blocks.items()
    )


def _says() -> dict[str, Any]:
    found: dict[str, Any] = words.catalog()["profiles"]["owner"]
    return found


def _use(report: Report, says: dict[str, Any]) -> Iterable[Block]:
    use = report.sources.audit.use
    excluded = "; ".join(short(each).rstrip(".") for each in use.excluded)
    lines: list[tuple[str, Cell]] = [
        (says["rows"]["does"], (sentences(use.purpose, 300) or words.catalog()["cover"]["no_purpose"],)),
        (says["rows"]["not_for"], (f"{brief(excluded, 300)}." if excluded else says["no_excluded"],)),
    ]
    if use.conditions:
        known = " ".join(sentences(each, 200) for each in use.conditions)
        lines.append((says["rows"]["known"], (sentences(known, 300),)))
    yield Facts(tuple(lines))


def _open(report: Report, says: dict[str, Any]) -> Iterable[Block]:
    points = chosen(report, MOST_POINTS)
    yield from (_point(entry, report, says) for entry in points)
    if not points:
        yield Text((says["nothing_open"],))
    more = (f" {says['more']}",) if len(report.open_points) > len(points) else ()
    if points:
        yield Text((says["hand_over"], *more))


def _point(entry: Entry, report: Report, says: dict[str, Any]) -> Facts:
    told: dict[str, Cell] = {
        "found": (
            *ended(in_words(entry, report, everyday_numbers=True)),
            *also_open(worst_first(entry, report), MOST_PARTS),
        ),
        "sure": how_sure(entry, report),
        "means": (means(entry, report),),
        "next": (sentences(_next_step(entry), 190),),
    }
    title = brief(_plainly(entry.ruling.title) or entry.ruling.control, 110)
    rows = tuple((str(says["rows"][key]), cell) for key, cell in told.items())
    return Facts(rows, title=(title, " ", words.mark("states", entry.ruling.state)))


def _next_step(entry: Entry) -> str:
    """What to do next; the advice of a pack in words that anybody knows."""
    own = entry.control.advice if entry.control else ""
    return _plainly(own) if own and entry.next_step == said(own) else entry.next_step


def _plainly(text: str) -> str:
    """A sentence of a pack in words that anybody knows; that of another policy stays, in the language of the page."""
    return str(_says()["plainly"].get(text) or said(text))


def how_sure(entry: Entry, report: Report) -> Cell:
    """How sure an open point is: what the verdict has it to be, and between which values the truth may lie."""
    says, control, parts = _says()["sure"], entry.control, worst_first(entry, report)
    if control is not None and control.attest is not None:
        return (says["unsigned"],)
    if control is None or control.require is None or not parts or parts[0].state not in JUDGED:
        return (says["unknown"],)
    found, state = judged_number(parts[0], report), parts[0].state
    if found is None:
        return (says[state],)
    if found.trust not in (None, "trusted"):
        return (says["suspect"],)
    bound = bound_for(found, report.confidence(control))
    if bound is not None and bound.low == bound.high:
        return (says["exact"],)
    span = reach(found, report.confidence(control), everyday(found, control.require))
    return (says[state], " ", *span) if span else (says[state],)


def means(entry: Entry, report: Report) -> str:
    """What an open point means for people: the policy's own words where it names them, else those of the catalog.

    A risk that a pack tells in words too broad for the point gives way to the meaning of what was measured.
    """
    says, control = _says()["means"], entry.control
    for risk in report.sources.policy.risks:
        general = risk.description in _says()["general"]
        if risk.affected and entry.ruling.control in risk.controls and not general:
            return f"{sentences(said(risk.description), 140).rstrip('.')} ({brief(said(risk.affected), NAME)})."
    if control is not None and control.attest is not None:
        return str(says["statements"].get(control.attest.kind, says["families"]["people"]))
    own = says["measures"].get(entry.ruling.metric or "")
    told = own.get(_side(entry, report)) if isinstance(own, dict) else own
    return str(told or says["families"][words.family(entry.ruling.check or "")])


def _side(entry: Entry, report: Report) -> str:
    """On which side of everybody else the group lies that is told first, or the word that was found."""
    parts = worst_first(entry, report)
    found = report.sources.findings[parts[0].finding] if parts and parts[0].finding >= 0 else None
    if not isinstance(found, Measurement) or isinstance(found.value, bool):
        return ""
    if isinstance(found.value, str):
        return found.value
    beside_a_model = found.compared_with is not None
    return "" if beside_a_model or not found.part or not found.value else "below" if found.value < 0 else "above"


def _gaps(report: Report, says: dict[str, Any]) -> Iterable[Block]:
    found = unmeasured(report, says["plainly"])
    if not found:
        yield Text((says["no_gaps"],))
        return
    yield Bullets(tuple((each,) for each in found[:MOST_GAPS]))
    if len(found) > MOST_GAPS:
        yield Text((says["more_gaps"],))


def _people(report: Report, says: dict[str, Any]) -> Iterable[Block]:
    """Who signed, who let a point stand, and who is still to sign."""
    waived = {entry.ruling.control: entry.ruling.title for entry in report.entries if entry.ruling.waived}
    signed = [
        says["stated"].format(kind=_kind(each.kind), signer=short(each.signer, NAME), day=each.signed_at)
        for each in report.sources.attestations
    ]
    excepted = [
        says["excepted"].format(
            approver=short(each.approver, NAME), day=each.expires, title=brief(said(waived[each.control]), 90)
        )
        for each in report.sources.waivers
        if each.control in waived
    ]
    asked = [
        says["to_sign"].format(kind=_kind(attest.kind), role=short(said(attest.signer_role), NAME) or says["anybody"])
        for attest in (entry.control and entry.control.attest for entry in report.open_points)
        if attest
    ]
    lines = [says["numbers"], *signed[:MOST_NAMES], *excepted[:MOST_NAMES], *asked[:MOST_NAMES]]
    yield Bullets(tuple((line,) for line in lines))
    if max(map(len, (signed, excepted, asked))) > MOST_NAMES:
        yield Text((says["more_gaps"],))


def _kind(kind: str) -> str:
    words_ = words.spaced(kind)
    return words_[:1].upper() + words_[1:]


def _check(_report: Report, says: dict[str, Any], *, signed: bool) -> Iterable[Block]:
    yield Text((says["check"], " ", Code(VERIFY)))
    if signed:
        yield Text((says["check_file"], " ", Code(VERIFY_FILE)))
    yield Text((says["not_proof"],))
