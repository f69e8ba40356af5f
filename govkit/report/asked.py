"""What a control asks, by whose authority, and what to do: for readers who do not have the policy before them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from govkit.core import Control
from govkit.core.verdict import PartRuling
from govkit.report import text, words
from govkit.report.blocks import Cell
from govkit.report.escape import NAME, sentences, short
from govkit.report.judged import limit, state
from govkit.report.model import FREE, Entry, Report, Rulings
from govkit.report.saying import in_words, judged_number, reach, worst_first

MOST_PARTS = 3
"""Further open parts that are named on a terminal."""

_AFTER_ROWS = re.compile(r"\brows?\. (.+)$")
"""What the reason of a verdict says after the number and its rows: which rows, or how many would settle it."""


def asked(control: Control | None) -> str:
    """What is asked: ``accuracy of this model less that of its base, test rows: at least −0.02``."""
    says = words.catalog()["asked"]
    if control is None:
        return str(says["unknown"])
    if control.attest is not None:
        role = control.attest.signer_role or says["anybody"]
        return f"{says['attest']} {short(control.attest.kind, NAME)}, {says['signed_as']} {short(role, NAME)}"
    whose = words.word("of", control.of)
    if control.compared_with is not None:
        whose = f"{whose} {says['less']} {words.word('of', control.compared_with)}"
    each = f", {says['each']} {short(', '.join(control.over), NAME)}" if control.over else ""
    name = words.metric(control.metric or "", control.check or "")
    measure = f"{name} {says['of']} {whose}, {words.word('roles', control.data)}{each}"
    return f"{measure}: {text.plain(limit(control.require))}"


def authority(control: Control | None) -> str:
    """Who says so: ``a regulation, 29 CFR 1607.4(D)``, and the note of the policy."""
    if control is None or control.authority is None:
        return words.word("authorities", "people" if control and control.attest else "unknown")
    found = control.authority
    named = ", ".join(filter(None, (words.word("authorities", found.level), short(found.ref, NAME))))
    return f"{named}. {sentences(found.note, 300)}".strip()


def remedy(control: Control | None) -> str:
    """What to do when it is not met, whatever this audit found."""
    own = control.advice if control else ""
    return sentences(own, 300) or words.word("advice", "missing" if control and control.attest else "fail")


def told(report: Report) -> str:
    """The verdict and every open point on lines of plain text: what was asked, what was seen, what to do."""
    verdict, policy = report.sources.verdict, report.sources.policy
    outcome = words.catalog()["outcomes"][verdict.outcome]
    lines = [f"{outcome['stamp']}: {outcome['says']} ({short(policy.id, NAME)} {policy.version})"]
    for entry in report.open_points:
        lines += _point(entry, report)
    return "\n".join([*lines, *(short(notice) for notice in verdict.notices)])


def spoken(report: Rulings) -> dict[str, tuple[str, str]]:
    """Control -> what was seen and what to do, as lines of plain text for a terminal."""
    return {
        entry.ruling.control: (text.plain(_seen(entry, report)), _to_do(entry) if entry.open else "")
        for entry in report.entries
    }


def _to_do(entry: Entry) -> str:
    """The next step; of a statement that nobody signed also the command that asks its questions."""
    step, asked_for = sentences(entry.next_step, 400), entry.control.attest if entry.control else None
    kind = asked_for.kind if asked_for else ""
    asks = kind in words.statements() and "govkit attestation new" not in step
    return f"{step} {words.catalog()['plain']['form'].format(kind=kind)}" if asks else step


def _seen(entry: Entry, report: Rulings) -> Cell:
    """What was seen, how far it may be from the truth, what the verdict adds, and which other parts are open."""
    parts = worst_first(entry, report)
    if entry.ruling.state == "not_applicable":
        return ended((words.excluded(entry.ruling.reason),))
    seen: Cell = ended(in_words(entry, report))
    if not parts or not entry.open:
        return seen
    return (*seen, *_how_sure(parts[0], entry, report), *also_open(parts, MOST_PARTS))


def also_open(parts: Sequence[PartRuling], most: int) -> Cell:
    """Groups or parts of which the same holds as of the first, as many as are to be named."""
    says, others = words.catalog()["plain"], [words.place(p.part) for p in parts[1:] if p.state not in FREE and p.part]
    more = f" {says['and_more']}" if len(others) > most else ""
    return (f" {says['also']} {'; '.join(others[:most])}{more}.",) if others else ()


def _how_sure(part: PartRuling, entry: Entry, report: Rulings) -> Cell:
    """Where a number that was judged may truly lie, and which rows it is about or how many would settle it."""
    found, control = judged_number(part, report), entry.control
    if found is None or control is None:
        return ()
    if part.state not in ("fail", "inconclusive") or found.trust not in (None, "trusted"):
        return ()
    span, added = reach(found, report.confidence(control)), _AFTER_ROWS.search(part.reason)
    return (*((" ", *span) if span else ()), *(ended((f" {added[1]}",)) if added else ()))


def ended(cell: Cell) -> Cell:
    """The cell as a sentence."""
    return (*cell, ".") if cell and not text.plain(cell[-1:]).endswith((".", "!", "?")) else cell


def _point(entry: Entry, report: Report) -> list[str]:
    ruling = entry.ruling
    head: Cell = (short(ruling.control, NAME), " ", *state(entry), f", severity {ruling.severity}: ")
    return [
        f"{text.plain(head)} {sentences(ruling.title, 160)}",
        f"  asked: {asked(entry.control)}",
        f"  seen:  {text.plain(in_words(entry, report))}",
        f"  to do: {sentences(entry.next_step, 300)}",
    ]
