"""The head of a bundle on a terminal: verdict, counts, open points in plain words, and what is settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from govkit.report import words
from govkit.report.asked import spoken
from govkit.report.escape import NAME, brief, sentences, short
from govkit.report.judged import limit
from govkit.report.model import Entry
from govkit.report.numbers import interval, number, value
from govkit.report.saying import WORST_FIRST, judged_number, worst_first
from govkit.report.terminal.paper import STYLES, Line, broken, cells, columns, told
from govkit.report.terminal.pictures import interval as picture
from govkit.report.terminal.seen import Seen, Wish, count, ends_of, mark
from govkit.report.text import plain

Item = TypeVar("Item")
MOST_RULINGS = 12
"""Rulings of a section, where not all of them were asked for."""
OUTCOMES = {"PASS": "green", "PASS_WITH_EXCEPTIONS": "green", "REVIEW": "yellow", "BLOCK": "bold red"}
INDENT = 6


def head(seen: Seen, wish: Wish) -> Iterator[Line]:
    """Name, stamp, what it rests on, and that nothing is proved."""
    says, verdict, policy = words.catalog()["show"], seen.sources.verdict, seen.sources.policy
    yield from _stamp(seen, wish)
    title = brief(policy.title, NAME) if policy.title else ""
    named = f"{short(policy.id, NAME)} {short(policy.version, NAME)}"
    facts = {
        "policy": f"{title} ({named})" if title else named,
        "as_of": verdict.as_of,
        "base": seen.base or says["no_base"],
        "bundle": seen.place,
    }
    wide = max(cells(says["facts"][key]) for key in facts)
    for key, said in facts.items():
        row = ((says["facts"][key], wide, False), (short(said), wish.width - wide - 4, False))
        yield from columns(row)
    yield from told(says["unproved"], wish.width, style="dim")
    for notice in verdict.notices:
        yield from told(f"{says['note']} {short(notice)}", wish.width, style="yellow")


def _stamp(seen: Seen, wish: Wish) -> Iterator[Line]:
    """The outcome in a frame, with its sentences beside it."""
    verdict = seen.sources.verdict
    outcome, shape = words.catalog()["outcomes"][verdict.outcome], words.catalog()["badge"][verdict.outcome]["shape"]
    stamp = f"{shape} {outcome['stamp']}"
    framed = [f"┌{'─' * (cells(stamp) + 2)}┐", f"│ {stamp} │", f"└{'─' * (cells(stamp) + 2)}┘"]
    beside = [short(seen.name), outcome["says"], outcome["more"]]
    if not verdict.enforced:
        beside.insert(1, f"{words.catalog()['not_enforced']}. {words.catalog()['not_enforced_says']}")
    room = wish.width - cells(framed[0]) - 2
    lines = [line for text in beside for line in broken(text, room)]
    framed += [" " * cells(framed[0])] * (len(lines) - len(framed))
    lines += [""] * (len(framed) - len(lines))
    yield from (
        (f"{frame}  {line}".rstrip(), OUTCOMES[verdict.outcome]) for frame, line in zip(framed, lines, strict=True)
    )


def counts(seen: Seen, wish: Wish) -> Iterator[Line]:
    """How many controls are in which state, a shape each; what was measured and what was not."""
    says, coverage = words.catalog()["show"], seen.sources.verdict.coverage
    counted = dict(sorted(coverage.controls.items(), key=lambda each: WORST_FIRST.index(each[0])))
    strip = "".join(words.mark("states", state).shape * n for state, n in counted.items())
    yield from told(strip, wish.width)
    yield from told(" · ".join(f"{number(n).text} {mark(state)}" for state, n in counted.items() if n), wish.width)
    answered = sum(cell.state != "open" for cell in coverage.cells)
    holes = {
        "findings": coverage.findings,
        "gaps": coverage.gaps,
        "answered": answered,
        "open": len(coverage.cells) - answered,
        "all": len(coverage.cells),
        **seen.passes,
    }
    yield from told(says["counts"].format(**{name: number(n).text for name, n in holes.items()}), wish.width)


def rulings(seen: Seen, wish: Wish) -> Iterator[Line]:
    """Open points in plain words, then what is settled."""
    says, chosen = words.catalog()["show"], seen.chosen(wish)
    open_ = [entry for entry in chosen if entry.open]
    settled = sorted((entry for entry in chosen if not entry.open), key=lambda entry: entry.ruling.state != "pass")
    texts = spoken(seen) if chosen else {}

    def told_of(entry: Entry) -> Iterator[Line]:
        yield from _ruling(entry, seen, wish, *texts[entry.ruling.control])

    for key, own in (("open", open_), ("settled", settled)):
        yield from section(says["titles"][key], "", own, told_of, wish, most=MOST_RULINGS)


def _ruling(entry: Entry, seen: Seen, wish: Wish, said: str, to_do: str) -> Iterator[Line]:
    """What was asked, its number beside the limit, what was seen, what to do."""
    ruling = entry.ruling
    waived = f", {mark('waived')}" if ruling.waived else ""
    style = STYLES["waived" if ruling.waived else ruling.state]
    first = f"{mark(ruling.state)}{waived}"
    title = f"{short(ruling.control, NAME)} {sentences(ruling.title, 160)}"
    yield from columns(((first, 16, False), (title, wish.width - 20, False)), style=style)
    if number_ := _number(entry, seen):
        yield from told(number_, wish.width, indent=INDENT, style=style)
    if ruling.state == "pass":
        return
    yield from told(said, wish.width, indent=INDENT)
    if to_do:
        yield from told(f"{words.catalog()['show']['to_do']} {to_do}", wish.width, indent=INDENT)


def _number(entry: Entry, seen: Seen) -> str:
    """The number that a ruling rests on, its picture and its rows, and what was asked; nothing where it is none."""
    parts, control = worst_first(entry, seen), entry.control
    found = judged_number(parts[0], seen) if parts else None
    if found is None or control is None or found.name != control.metric:
        return ""
    drawn = picture(float(found.value), ends_of(found), seen.limits(found), seen.axis(found))
    ends = plain(interval(found)) if found.interval else ""
    pieces = (plain(value(found)), drawn, ends, count(found), plain(limit(control.require)))
    return "  ".join(filter(None, pieces))


def section(
    title: str, lead: str, found: Sequence[Item], made: Callable[[Item], Iterator[Line]], wish: Wish, *, most: int
) -> Iterator[Line]:
    """What was found beneath its title, the first of it; how many are not shown, and how to see them."""
    if not found:
        return
    shown, says = found[: wish.first(most)], words.catalog()["show"]
    yield from (("", ""), (title, "bold"))
    if lead:
        yield from told(lead, wish.width, style="dim")
    for each in shown:
        yield from made(each)
    if left := len(found) - len(shown):
        more = says["one_more"] if left == 1 else says["more"].format(n=number(left).text)
        yield from told(more, wish.width, style="dim")
