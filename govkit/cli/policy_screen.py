"""What a person sees of a policy: explained, planned, compared, tested."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import govkit as gk
from govkit.cli.screen import Line, plain, printed, records, wrapped

if TYPE_CHECKING:
    from govkit.policy import CaseResult, Change, Plan

STYLE = {"looser": "bold red", "tighter": "green", "neither": ""}
KINDS = ("automated", "documented", "organisational")
SHOWN = {
    "open": "open",
    "not_applicable": "does not apply",
    "evidenced_automatic": "shown by measurement",
    "evidenced_by_document": "shown by a signed statement",
    "linked": "pointed to",
}


@printed(records)
def show_problems(problems: Sequence[Any]) -> Iterator[Line]:
    """What the linter found."""
    style = {"error": "red", "warning": "yellow"}
    for each in problems:
        place = f"{plain(each.place)}: " if each.place else ""
        told = f"{place}{each.level}: {plain(each.control or 'policy')}: {plain(each.message)}"
        yield told, style[each.level]
    yield f"{len(problems)} found" if problems else "nothing found", ""


@printed(lambda policy: policy.model_dump(mode="json", by_alias=True, exclude_none=True))
def show_policy(policy: gk.Policy) -> Iterator[Line]:
    """A policy, control by control."""
    yield f"{plain(policy.id)} {policy.version}  ({gk.policy_digest(policy)})", "bold"
    for control in policy.controls:
        yield f"{plain(control.id)} [{control.severity}] {plain(control.title)}", ""
        yield f"    {_asked(control)}; {', '.join(control.rmf)}", "dim"
    for trigger in policy.triggers:
        yield f"{plain(trigger.id)} [{trigger.then}] {plain(trigger.title)}", ""
        asked = f"watch {trigger.watch}: max {trigger.limit:g} (authority: {trigger.authority.level})"
        yield f"    {asked}; after the release", "dim"


def _asked(control: Any) -> str:
    """What a control asks for and who says so, on one line."""
    if control.attest is not None:
        return f"attestation {plain(control.attest.kind)}"
    return f"{control.check}.{control.metric}: {plain(control.require.words)} (authority: {control.authority.level})"


@printed(list)
def show_packs(packs: Sequence[str]) -> Iterator[Line]:
    """Names of the shipped policies."""
    yield from ((name, "") for name in packs)


@printed(dict)
def show_explanation(told: dict[str, Any]) -> Iterator[Line]:
    """A control in words, heading by heading."""
    yield f"{plain(told['control'])}  {plain(told['title'])}", "bold"
    for heading, sentences in told["words"].items():
        yield from (("", ""), (heading, "bold"))
        for text in sentences:
            indent = "    - " if text.startswith("  ") else "  "
            yield from wrapped(indent, text.strip(), indent=len(indent))


@printed(records)
def show_plans(plans: Sequence[Plan]) -> Iterator[Line]:
    """Rows for each control; those that need none and those that cannot be planned are named together."""
    yield "Rows at which each control passes in 9 audits of 10, of each part by itself:", "bold"
    for each in plans:
        if each.counted:
            yield from _planned(each)
    counted = dict.fromkeys(each.control for each in plans if each.needed == 0)
    unknown = dict.fromkeys(each.control for each in plans if not each.counted and each.needed is None)
    none_needed = f"Counted, not estimated, so that no rows are needed: {', '.join(counted) or 'none'}."
    yield from wrapped("", none_needed, indent=4)
    why = "No formula tells it beforehand, because the width of the range depends on the data"
    yield from wrapped("", f"{why}: {', '.join(unknown) or 'none'}.", indent=4)


def _planned(each: Plan) -> Iterator[Line]:
    needed = "      none" if each.needed is None else f"{each.needed:>10}"
    yield f"{needed}  {plain(each.control)} ({plain(each.over)}, {each.data})  {plain(each.title)}", "bold"
    chance = "" if each.chance is None else f"; with {each.rows}, {100 * each.chance:.0f} audits of 100 would pass"
    yield from wrapped(" " * 12, f"{each.counted}, {each.assumed}{chance}.", indent=12)


@printed(lambda changes: [{**dataclasses.asdict(each), "words": each.words} for each in changes])
def show_changes(changes: Sequence[Change]) -> Iterator[Line]:
    """What became looser, tighter or neither."""
    for direction, several in itertools.groupby(changes, key=lambda each: each.direction):
        yield f"{direction}:", STYLE[direction] or "bold"
        for text in _together(several):
            yield from wrapped("  ", text, indent=6)
    if not changes:
        yield "no difference", ""


def _together(changes: Iterable[Change]) -> list[str]:
    """Sentences; controls that changed in the same way share one."""
    named: dict[str, list[str]] = {}
    for each in changes:
        named.setdefault(each.words.removeprefix(f"{each.name}: "), []).append(each.name)
    return [f"{', '.join(names)}: {words}" for words, names in named.items()]


@printed(list)
def show_table(rows: Sequence[dict[str, Any]]) -> Iterator[Line]:
    """The 72 outcomes by function, three columns of counts, and the open ones by name."""
    for function, several in itertools.groupby(rows, key=lambda row: row["function"]):
        yield str(function), "bold"
        for row in several:
            yield from _outcome(row)
    yield from (("", ""), (f"{'spoken to, of all':<20}" + "".join(f"{kind:>16}" for kind in KINDS), "bold"))
    every = Counter((row["function"], row["wants"]) for row in rows)
    spoken = Counter((row["function"], row["wants"]) for row in rows if not _is_open(row))
    for function in dict.fromkeys(row["function"] for row in rows):
        cells = (f"{spoken[function, kind]} of {every[function, kind]}" for kind in KINDS)
        yield f"{function:<20}" + "".join(f"{cell:>16}" for cell in cells), ""
    yield from (("", ""), ("Open:", "bold"))
    for row in filter(_is_open, rows):
        yield from wrapped("  ", f"{row['id']}  {row['says']}", indent=6)


def _is_open(row: dict[str, Any]) -> bool:
    return row["state"] in ("open", "not_applicable")


def _outcome(row: dict[str, Any]) -> list[Line]:
    state = SHOWN.get(row["state"], row["state"]) + (", in part" if row["partly"] and not _is_open(row) else "")
    whose = f" ({', '.join(row['controls'])})" if row["controls"] else ""
    return wrapped("  ", f"{row['id']:<13} {row['wants']:<15} {state}{whose}", indent=32)


@printed(records)
def show_cases(results: Sequence[CaseResult]) -> Iterator[Line]:
    """Which cases failed, and how."""
    for each in results:
        yield f"  {'✗ fail' if each.wrong else '✓ pass'}  {plain(each.name)}", "bold red" if each.wrong else ""
        for text in each.wrong:
            yield from wrapped(" " * 10, text, indent=10)
    failed = sum(bool(each.wrong) for each in results)
    yield f"{len(results)} cases, {failed} failed", "bold"
