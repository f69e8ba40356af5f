"""What people signed: the exceptions and statements that stand beside the findings, each with its names and dates."""

from __future__ import annotations

from collections.abc import Iterable

from govkit.core import Attestation, Waiver
from govkit.report import text, words
from govkit.report.blocks import Block, Bullets, Cell, Code, Lines, Table, row
from govkit.report.escape import NAME, sentences, short
from govkit.report.model import Report
from govkit.report.numbers import NONE, number
from govkit.report.said import said

_WAIVED = {"exception": 16, "asked_by": 13, "granted_by": 15, "reason": 32, "ceiling": 12, "days": 12}
_STATED = {"statement": 18, "signed_by": 16, "as": 12, "signed": 11, "valid_until": 11, "in_their_words": 32}
"""Columns of the two tables, and their shares of the width."""


def people(report: Report) -> Iterable[Block]:
    """Tables of waivers and attestations, and what the verdict says of those that do not hold."""
    says = words.catalog()["people"]
    if report.sources.waivers:
        yield Table(says["waivers"], words.columns(_WAIVED), tuple(map(_waiver, report.sources.waivers)))
    idle = tuple((sentences(said(text), 400),) for text in report.sources.verdict.notices if text.startswith("waiver "))
    if idle:
        yield Bullets(idle)
    if report.sources.attestations:
        rows = tuple(map(_attestation, report.sources.attestations))
        yield Table(says["attestations"], words.columns(_STATED), rows)


def _waiver(each: Waiver) -> tuple[Cell, ...]:
    instead = tuple((short(done),) for done in each.compensating)
    ticket = ((short(each.ticket, NAME),),) if each.ticket else ()
    return row(
        (Code(short(each.control, NAME)), Lines(((short(each.id, NAME),),))),
        short(each.owner, NAME),
        short(each.approver, NAME),
        (short(each.reason), " ", f"({words.word('responses', each.response)})", Lines((*instead, *ticket))),
        NONE if each.ceiling is None else number(each.ceiling),
        words.catalog()["joins"]["dates"].format(first=each.created, last=each.expires),
    )


def _attestation(each: Attestation) -> tuple[Cell, ...]:
    answers = tuple((f"{words.spaced(name)}: {short(answer)}",) for name, answer in each.answers.items())
    role = short(said(each.role), NAME) if each.role else NONE
    until = str(each.valid_until) if each.valid_until else NONE
    told = Lines(answers) if answers else NONE
    return row(words.spaced(each.kind), short(each.signer, NAME), role, str(each.signed_at), until, told)


def in_lines(report: Report) -> list[str]:
    """A line of Markdown for each, for the summary."""
    waivers = (
        (
            f"{short(each.id, NAME)}, exception to {short(each.control, NAME)}: asked by {short(each.owner, NAME)}, ",
            f"granted by {short(each.approver, NAME)} until {each.expires}",
            *(() if each.ceiling is None else (", ceiling ", number(each.ceiling))), f". {short(each.reason, 200)}",
        )
        for each in report.sources.waivers
    )  # fmt: skip
    stated = (
        (
            f"{words.spaced(each.kind)}: signed by {short(each.signer, NAME)}",
            f" ({short(each.role, NAME)})" if each.role else "",
            f" on {each.signed_at}",
        )
        for each in report.sources.attestations
    )
    return [f"- {text.cell(line)}" for line in (*waivers, *stated)]
