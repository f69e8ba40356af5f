"""Doubts about a policy that its checks alone do not raise: too few rows, old sources, dead waivers, open outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Literal

from govkit.core import Check, Control, Policy, Waiver, times
from govkit.core.words import known_as
from govkit.documents import nearest
from govkit.policy.chances import Situation, chance, decidable, rows_needed
from govkit.policy.people import LIFE
from govkit.policy.planning import WANTED, other_rows, planned_rows, situation
from govkit.policy.sentences import number
from govkit.policy.standards import instruments, subcategories

Complaint = tuple[Literal["error", "warning"], str]

OLD = 365
"""Days after which a legal source is looked up again."""


def undecided(control: Control, policy: Policy, catalog: Mapping[str, Check]) -> Iterator[Complaint]:
    """Limits of a control that the rows which the policy plans cannot decide."""
    case = situation(control, policy, catalog)
    for name in control.over or ("all rows",):
        rows, rule = planned_rows(policy, control, name), policy.slices.get(name)
        if rows is not None and rule is not None and rows < rule.min_n:
            yield "warning", f"the slice {name} asks for {rule.min_n} rows and {rows} are planned: it is never judged"
        elif rows is not None and isinstance(case, Situation):
            yield from _too_few(replace(case, others=case.others or other_rows(policy, control, name)), rows, name)


def _too_few(case: Situation, rows: int, name: str) -> Iterator[Complaint]:
    possible = decidable(case, rows)
    if possible and chance(case, rows) > 1 - WANTED:
        return
    needed = rows_needed(case, WANTED)
    enough = f"about {needed} rows" if needed is not None else "not even ten million rows"
    advice = f"{enough} would pass 9 audits in 10 if the truth is {number(case.truth)}"
    if possible:
        yield "warning", f"with the {rows} rows planned ({name}) 9 audits in 10 would not pass; {advice}"
    else:
        yield "error", f"the {rows} rows planned ({name}) could not pass even if each came out perfect; {advice}"


def open_outcomes(policy: Policy) -> Iterator[Complaint]:
    """Outcomes that want a signed statement and get only checks."""
    known, signed = subcategories(), {name for each in policy.controls if each.attest for name in each.rmf}
    measured: dict[str, list[str]] = {}
    for control in policy.controls:
        for name in control.rmf if control.check is not None else ():
            measured.setdefault(name, []).append(control.id)
    for name, ids in measured.items():
        if name in known and known[name].evidence == "documented" and name not in signed:
            whose = ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
            yield "warning", f"{name} wants a signed statement and stays open: {whose} only speaks to a part of it"


def aged(policy: Policy, as_of: date) -> Iterator[Complaint]:
    """Legal sources that nobody has looked up for a year."""
    sources = instruments()
    cited = {each.authority.ref for each in policy.controls if each.authority is not None}
    for ref in sorted((cited | {each.authority.ref for each in policy.triggers}) & set(sources)):
        checked = times.day(sources[ref].checked_on)
        if (as_of - checked).days > OLD:
            yield "warning", f"the source {ref} was last looked up on {checked}: see if it still says so"


def dead_waivers(policy: Policy, waivers: Iterable[Waiver], as_of: date) -> Iterator[tuple[str, str]]:
    """Waivers that can never hold: the id of the control, and why."""
    controls = {control.id: control for control in policy.controls}
    for waiver in waivers:
        control = controls.get(waiver.control)
        if control is None:
            yield "", f"waiver {waiver.id}: there is no control {waiver.control!r}{nearest(waiver.control, controls)}"
        elif control.severity == "critical":
            yield control.id, f"waiver {waiver.id} is dead: a critical control cannot be waived"
        elif control.attest is not None:
            yield control.id, f"waiver {waiver.id} is dead: missing evidence, as of a statement, cannot be waived"
        elif waiver.expires < as_of:
            yield control.id, f"waiver {waiver.id} is dead: it expired on {waiver.expires}"
        elif (waiver.expires - waiver.created).days > (life := LIFE.get(control.severity, 0)):
            yield control.id, f"waiver {waiver.id} is dead: it lives longer than {life} days ({control.severity})"
        elif control.severity == "high" and known_as(waiver.owner) == known_as(waiver.approver):
            yield control.id, f"waiver {waiver.id} is dead: owner and approver are the same person"
