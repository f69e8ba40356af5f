"""What a control asks, by whose authority, and what to do: for readers who do not have the policy before them."""

from __future__ import annotations

from govkit.core import Control
from govkit.report import text, words
from govkit.report.blocks import Cell
from govkit.report.escape import NAME, sentences, short
from govkit.report.judged import limit, state
from govkit.report.model import Entry, Report
from govkit.report.saying import in_words


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
    measure = f"{words.metric(control.metric or '')} {says['of']} {whose}, {words.word('roles', control.data)}{each}"
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


def _point(entry: Entry, report: Report) -> list[str]:
    ruling = entry.ruling
    head: Cell = (short(ruling.control, NAME), " ", *state(entry), f", severity {ruling.severity}: ")
    return [
        f"{text.plain(head)} {sentences(ruling.title, 160)}",
        f"  asked: {asked(entry.control)}",
        f"  seen:  {text.plain(in_words(entry, report))}",
        f"  to do: {sentences(entry.next_step, 300)}",
    ]
