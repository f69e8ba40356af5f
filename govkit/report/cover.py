"""Page one: for a reader without statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from govkit.core import Gap
from govkit.report import words
from govkit.report.blocks import Cell, Code, Num, joined
from govkit.report.escape import NAME, brief, sentences, short
from govkit.report.language import DEFAULT, catalog_of
from govkit.report.model import FREE, Entry, Report
from govkit.report.numbers import number
from govkit.report.said import said
from govkit.report.saying import in_words
from govkit.report.standing import Standing

MOST_POINTS = 4
MOST_UNMEASURED = 4
MOST_NOTICES = 2
NOTICE = 200
"""Characters of a notice on page one; the register of rulings has the others, and what does not fit."""
LONGEST_NAME = 320
"""Characters of the name of the model."""
VERIFY = "govkit verify BUNDLE --model DIR --trust trust.yaml"
VERIFY_FILE = "govkit verify report.pdf --trust trust.yaml"


@dataclass(frozen=True)
class Point:
    """An open point: its title, state and reason, and what to do next."""

    control: str
    title: str
    state: Cell
    reason: Cell
    advice: str


@dataclass(frozen=True)
class Cover:
    """What page one shows; ``name`` is that of the model as far as it can be shown, ``model`` the start of it."""

    name: str
    model: str
    outcome: str
    stamp: str
    says: str
    more: str
    enforced: bool
    date: str
    purpose: str
    facts: tuple[tuple[str, Cell], ...]
    counts: tuple[tuple[Num, str], ...]
    points: tuple[Point, ...]
    more_points: Cell
    unmeasured: tuple[str, ...]
    more_unmeasured: bool
    notices: tuple[str, ...]
    digests: tuple[tuple[str, str], ...]
    verify: str
    standing: Standing | None = None


def cover(report: Report, standing: Standing | None = None) -> Cover:
    """Choose what page one says; ``standing`` is how far the document may be believed, if that is to be said."""
    verdict = report.sources.verdict
    says = words.catalog()["outcomes"][verdict.outcome]
    lacking = unmeasured(report)
    return Cover(
        name=short(report.name, LONGEST_NAME),
        model=brief(report.name, NAME),
        outcome=verdict.outcome,
        stamp=says["stamp"],
        says=says["says"],
        more=says["more"],
        enforced=verdict.enforced,
        date=f"{report.sources.as_of:%Y-%m-%d}",
        purpose=brief(report.sources.audit.use.purpose, 160) or words.catalog()["cover"]["no_purpose"],
        facts=_facts(report),
        counts=tuple(
            (number(count), words.mark("states", state).text)
            for state, count in verdict.coverage.controls.items()
            if count
        ),
        points=tuple(_point(entry, report) for entry in chosen(report, MOST_POINTS)),
        more_points=_more(report) if len(report.open_points) > MOST_POINTS else (),
        unmeasured=lacking[:MOST_UNMEASURED],
        more_unmeasured=len(lacking) > MOST_UNMEASURED,
        notices=tuple(sentences(said(text), NOTICE) for text in verdict.notices[:MOST_NOTICES]),
        digests=_digests(report),
        verify=VERIFY,
        standing=standing,
    )


def _facts(report: Report) -> tuple[tuple[str, Cell], ...]:
    run, policy, says = report.sources.run, report.sources.policy, words.catalog()["cover"]
    unknown = words.absent("fact")
    base = brief(str(run.base.id.value or unknown), NAME) if run else str(says["no_run"])
    title = brief(said(policy.title) or policy.id, NAME)
    return (
        (says["base"], (base,)),
        (says["policy"], (title, " ", Code(policy.version))),
        (says["day"], (f"{report.sources.as_of:%Y-%m-%d}",)),
    )


def chosen(report: Report, most: int) -> tuple[Entry, ...]:
    """The first open points; where none of them blocks, what does stands before them."""
    first = report.open_points[:most]
    blocking = [e for e in report.open_points if e.ruling.disposition == "block" and not e.ruling.waived]
    return first if not blocking or blocking[0] in first else (blocking[0], *first[:-1])


def _more(report: Report) -> Cell:
    """How many points of each kind are open in all: counts of the verdict, none of this page's own."""
    open_ = [(state, n) for state, n in report.sources.verdict.coverage.controls.items() if n and state not in FREE]
    says = words.catalog()["joins"]
    counts = (words.filled(says["counts"], count=number(n), name=words.mark("states", s).text) for s, n in open_)
    return words.filled(says["open_in_all"], counts=joined(counts, ", "))


def _point(entry: Entry, report: Report) -> Point:
    ruling = entry.ruling
    return Point(
        control=ruling.control,
        title=brief(said(ruling.title) or ruling.control, 90),
        state=words.state(ruling.state, waived=ruling.waived),
        reason=in_words(entry, report),
        advice=sentences(entry.next_step, 190),
    )


def unmeasured(report: Report, plainly: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What this audit lacks for its open points, then what no audit by this policy measures, then the other gaps.

    ``plainly`` has plain words for what a shipped policy says in English that it does not measure.
    """
    known = [
        (plainly or {}).get(_risk(item.risk, item.reason, catalog_of(DEFAULT)))
        or _risk(said(item.risk), said(item.reason), words.catalog())
        for item in report.sources.policy.not_measured
    ]
    findings = report.sources.findings
    asked = [findings[part.finding] for e in report.open_points for part in e.ruling.parts if part.finding >= 0]
    lacking = _lacking(found for found in asked if isinstance(found, Gap) and not found.part)
    return tuple(dict.fromkeys((*lacking, *known, *_lacking(report.gaps))))


def _risk(risk: str, reason: str, says: Mapping[str, Any]) -> str:
    return str(
        says["joins"]["said_of_risk"].format(
            risk=_ended(sentences(risk, 80)).rstrip("."), reason=_ended(sentences(reason, 100))
        )
    )


def _lacking(gaps: Iterable[Gap]) -> list[str]:
    """Gaps of this model in words, those of all rows before those of a part."""
    own = sorted(
        (gap for gap in gaps if gap.of == "candidate" and gap.compared_with is None), key=lambda g: bool(g.part)
    )
    says = words.catalog()["joins"]
    return [
        says["gap_in" if gap.part else "gap"].format(
            check=words.word("checks", gap.check), place=words.place(gap.part), reason=words.word("reasons", gap.reason)
        )
        for gap in own
    ]


def _digests(report: Report) -> tuple[tuple[str, str], ...]:
    sources, says = report.sources, words.catalog()["cover"]["digests"]
    found = [
        (says["model"], sources.verdict.subject),
        (says["findings"], sources.findings_digest),
        (says["policy"], sources.verdict.policy),
    ]
    if sources.run and sources.run.base.digest.value:
        found.insert(1, (says["base"], str(sources.run.base.digest.value)))
    return tuple((name, brief(digest, 80)) for name, digest in found)


def _ended(text: str) -> str:
    """Text that ends like a sentence."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
