"""What a person sees of a policy: explained, planned, compared, tested."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import govkit as gk
from govkit.cli.screen import Line, plain, put, put_json, wrapped

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


def show_problems(problems: Sequence[Any], *, json: bool) -> None:
    """What the linter found."""
    if json:
        put_json([dataclasses.asdict(each) for each in problems])
        return
    style = {"error": "red", "warning": "yellow"}
    for each in problems:
        place = f"{plain(each.place)}: " if each.place else ""
        told = f"{place}{each.level}: {plain(each.control or 'policy')}: {plain(each.message)}"
        put([(told, style[each.level])])
    put([(f"{len(problems)} found" if problems else "nothing found", "")])


def show_policy(policy: gk.Policy, *, json: bool) -> None:
    """A policy, control by control."""
    if json:
        put_json(policy.model_dump(mode="json", by_alias=True, exclude_none=True))
        return
    lines = [(f"{plain(policy.id)} {policy.version}  ({gk.policy_digest(policy)})", "bold")]
    for control in policy.controls:
        lines.append((f"{plain(control.id)} [{control.severity}] {plain(control.title)}", ""))
        lines.append((f"    {_asked(control)}; {', '.join(control.rmf)}", "dim"))
    for trigger in policy.triggers:
        lines.append((f"{plain(trigger.id)} [{trigger.then}] {plain(trigger.title)}", ""))
        asked = f"watch {trigger.watch}: max {trigger.limit:g} (authority: {trigger.authority.level})"
        lines.append((f"    {asked}; after the release", "dim"))
    put(lines)


def _asked(control: Any) -> str:
    """What a control asks for and who says so, on one line."""
    if control.attest is not None:
        return f"attestation {plain(control.attest.kind)}"
    return f"{control.check}.{control.metric}: {plain(control.require.words)} (authority: {control.authority.level})"


def show_packs(packs: Sequence[str], *, json: bool) -> None:
    """Names of the shipped policies."""
    if json:
        put_json(list(packs))
    else:
        put([(name, "") for name in packs])


def show_explanation(told: dict[str, Any], *, json: bool) -> None:
    """A control in words, heading by heading."""
    if json:
        put_json(told)
        return
    lines: list[Line] = [(f"{plain(told['control'])}  {plain(told['title'])}", "bold")]
    for heading, sentences in told["words"].items():
        lines += [("", ""), (heading, "bold")]
        for text in sentences:
            indent = "    - " if text.startswith("  ") else "  "
            lines += wrapped(indent, text.strip(), indent=len(indent))
    put(lines)


def show_plans(plans: Sequence[Plan], *, json: bool) -> None:
    """Rows for each control; those that need none and those that cannot be planned are named together."""
    if json:
        put_json([dataclasses.asdict(each) for each in plans])
        return
    lines: list[Line] = [("Rows at which each control passes in 9 audits of 10, of each part by itself:", "bold")]
    for each in plans:
        if each.counted:
            lines += _planned(each)
    counted = dict.fromkeys(each.control for each in plans if each.needed == 0)
    unknown = dict.fromkeys(each.control for each in plans if not each.counted and each.needed is None)
    lines += wrapped(
        "", f"Counted, not estimated, so that no rows are needed: {', '.join(counted) or 'none'}.", indent=4
    )
    why = "No formula tells it beforehand, because the width of the range depends on the data"
    lines += wrapped("", f"{why}: {', '.join(unknown) or 'none'}.", indent=4)
    put(lines)


def _planned(each: Plan) -> Iterator[Line]:
    needed = "      none" if each.needed is None else f"{each.needed:>10}"
    yield f"{needed}  {plain(each.control)} ({plain(each.over)}, {each.data})  {plain(each.title)}", "bold"
    chance = "" if each.chance is None else f"; with {each.rows}, {100 * each.chance:.0f} audits of 100 would pass"
    yield from wrapped(" " * 12, f"{each.counted}, {each.assumed}{chance}.", indent=12)


def show_changes(changes: Sequence[Change], *, json: bool) -> None:
    """What became looser, tighter or neither."""
    if json:
        put_json([{**dataclasses.asdict(each), "words": each.words} for each in changes])
        return
    lines: list[Line] = []
    for direction, several in itertools.groupby(changes, key=lambda each: each.direction):
        lines.append((f"{direction}:", STYLE[direction] or "bold"))
        lines += [line for text in _together(several) for line in wrapped("  ", text, indent=6)]
    put(lines or [("no difference", "")])


def _together(changes: Iterable[Change]) -> list[str]:
    """Sentences; controls that changed in the same way share one."""
    named: dict[str, list[str]] = {}
    for each in changes:
        named.setdefault(each.words.removeprefix(f"{each.name}: "), []).append(each.name)
    return [f"{', '.join(names)}: {words}" for words, names in named.items()]


def show_table(rows: Sequence[dict[str, Any]], *, json: bool) -> None:
    """The 72 outcomes by function, three columns of counts, and the open ones by name."""
    if json:
        put_json(list(rows))
        return
    lines: list[Line] = []
    for function, several in itertools.groupby(rows, key=lambda row: row["function"]):
        lines.append((str(function), "bold"))
        lines += [line for row in several for line in _outcome(row)]
    lines += [("", ""), (f"{'spoken to, of all':<20}" + "".join(f"{kind:>16}" for kind in KINDS), "bold")]
    every = Counter((row["function"], row["wants"]) for row in rows)
    spoken = Counter((row["function"], row["wants"]) for row in rows if not _is_open(row))
    for function in dict.fromkeys(row["function"] for row in rows):
        cells = (f"{spoken[function, kind]} of {every[function, kind]}" for kind in KINDS)
        lines.append((f"{function:<20}" + "".join(f"{cell:>16}" for cell in cells), ""))
    lines += [("", ""), ("Open:", "bold")]
    lines += [line for row in rows if _is_open(row) for line in wrapped("  ", f"{row['id']}  {row['says']}", indent=6)]
    put(lines)


def _is_open(row: dict[str, Any]) -> bool:
    return row["state"] in ("open", "not_applicable")


def _outcome(row: dict[str, Any]) -> list[Line]:
    state = SHOWN.get(row["state"], row["state"]) + (", in part" if row["partly"] and not _is_open(row) else "")
    whose = f" ({', '.join(row['controls'])})" if row["controls"] else ""
    return wrapped("  ", f"{row['id']:<13} {row['wants']:<15} {state}{whose}", indent=32)


def show_cases(results: Sequence[CaseResult], *, json: bool) -> None:
    """Which cases failed, and how."""
    if json:
        put_json([dataclasses.asdict(each) for each in results])
        return
    lines: list[Line] = []
    for each in results:
        lines.append(
            (f"  {'✗ fail' if each.wrong else '✓ pass'}  {plain(each.name)}", "bold red" if each.wrong else "")
        )
        lines += [line for text in each.wrong for line in wrapped(" " * 10, text, indent=10)]
    failed = sum(bool(each.wrong) for each in results)
    put([*lines, (f"{len(results)} cases, {failed} failed", "bold")])
