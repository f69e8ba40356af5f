"""``govkit policy plan``, before there are data: the rows that each control needs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from govkit.core import Check, Control, Policy
from govkit.core.words import Role
from govkit.documents import nearest
from govkit.errors import PolicyError
from govkit.policy.chances import TWO_SETS, Kind, Situation, chance, kind_of, rows_needed, stored
from govkit.policy.sentences import number, percent

WANTED = 0.9
"""Chance to pass that rows are planned for."""

DIFFERING = 0.1
"""Share of rows on which two models are taken to differ, where nobody says it."""

_COUNTED = {
    "recall": "rows of the positive class",
    "precision": "rows that the model calls positive",
    "true_positive_rate": "rows whose label is positive",
    "false_negative_rate": "rows whose label is positive",
    "false_positive_rate": "rows whose label is negative",
    "true_negative_rate": "rows whose label is negative",
    "positive_predictive_value": "rows that the model calls positive",
    "false_discovery_rate": "rows that the model calls positive",
    "negative_predictive_value": "rows that the model calls negative",
    "false_omission_rate": "rows that the model calls negative",
    "selective_accuracy": "rows that the model answers",
    "changed_share": "texts that hold a word of the list",
    "clean_accuracy": "rows of the test data that the training data do not hold",
}
"""Rows that carry a metric, where they are not all rows of the part."""


@dataclass(frozen=True)
class Plan:
    """Rows that one control needs on one slice.

    Attributes:
        control: Id of the control.
        title: What it asks.
        over: Name of the slice, ``groups`` or ``all rows``; every part of it needs these rows.
        data: Role of the rows.
        counted: Which rows count.
        needed: Rows at which it passes in 9 of 10 audits; None where that cannot be told or none would do.
        assumed: What the number rests on, in words; or why there is none.
        rows: Rows planned, if somebody said so.
        chance: Chance to pass with these.
    """

    control: str
    title: str
    over: str
    data: Role
    counted: str
    needed: int | None
    assumed: str
    rows: int | None = None
    chance: float | None = None


def plan(
    policy: Policy,
    catalog: Mapping[str, Check],
    *,
    rows: int | None = None,
    values: Mapping[str, float] | None = None,
    differing: float = DIFFERING,
) -> tuple[Plan, ...]:
    """Rows for every control with a check and each of its slices.

    Args:
        policy: A policy as ``resolve`` gives it.
        catalog: Checks by name.
        rows: Rows of the test data at hand, instead of the policy's ``planned``.
        values: Metric or id of a control -> the true value to assume.
        differing: Share of rows on which the candidate and another model give different answers, in (0, 1].

    Raises:
        PolicyError: A value is no number of its metric, or of a metric that no control asks for.
    """
    given = dict(values or {})
    controls = [control for control in policy.controls if control.check is not None]
    names = {name for control in controls for name in (control.id, control.metric or "")}
    for name, said in given.items():
        if name not in names:
            raise PolicyError(f"--value {name}: no control is called so or asks for it{nearest(name, names)}")
        if not math.isfinite(said) or not -1 <= said <= 1:
            raise PolicyError(f"--value {name}={said}: expected a share or a difference of shares, from -1 to 1")
    if not 0 < differing <= 1 or (rows is not None and rows < 1):
        raise PolicyError("expected at least one row, and a share of differing rows above 0 and at most 1")
    found = []
    for control in controls:
        value = given.get(control.id, given.get(control.metric or ""))
        for name in control.over or ("all rows",):
            have = rows if rows is not None and name == "all rows" and control.data == "test" else None
            at_hand = have or planned_rows(policy, control, name)
            found.append(_plan(control, policy, catalog, name, (value, differing, at_hand)))
    return tuple(found)


def planned_rows(policy: Policy, control: Control, name: str) -> int | None:
    """Rows that the policy plans for a slice, or for ``all rows``."""
    if policy.planned is None:
        return None
    return policy.planned.rows.get(control.data) if name == "all rows" else policy.planned.parts.get(name)


def other_rows(policy: Policy, control: Control, name: str) -> int | None:
    """Rows outside of the smallest part of a slice, where the policy plans both."""
    part, every = planned_rows(policy, control, name), planned_rows(policy, control, "all rows")
    return every - part if part is not None and every is not None and every > part else None


def _plan(
    control: Control,
    policy: Policy,
    catalog: Mapping[str, Check],
    name: str,
    given: tuple[float | None, float, int | None],
) -> Plan:
    value, differing, rows = given
    case = situation(control, policy, catalog, value=value, differing=differing)
    if isinstance(case, Situation):
        case = replace(case, others=case.others or other_rows(policy, control, name))
    entry = Plan(control.id, control.title, name, control.data, "", None, "", rows)
    if case == "exact":
        return replace(
            entry, rows=None, needed=0, assumed="it is counted, not estimated, and needs no rows; few rows show little"
        )
    if case is None:
        return replace(entry, assumed="no formula is known beforehand: the width of its range depends on the data")
    says = f"if the truth is {number(case.truth)}{_beside(case)}, at {percent(case.level)} confidence"
    entry = replace(entry, counted=counted(control), assumed=says)
    if not _meets(case):
        return replace(entry, assumed=f"none would do: {number(case.truth)} does not meet the limit")
    if rows is not None:
        entry = replace(entry, chance=round(chance(case, rows), 3))
    needed = rows_needed(case, WANTED)
    return replace(entry, needed=needed, assumed=says if needed else f"more than ten million, {says}")


def _beside(case: Situation) -> str:
    if case.kind == "paired":
        return f" and the two models differ on {number(100 * case.differing)} rows in 100"
    if case.kind == "groups":
        others = f"{case.others}" if case.others else "as many"
        return f" and the other rows are {others}, with a share of {number(case.share)}"
    return ""


def _meets(case: Situation) -> bool:
    low, high = case.require.min, case.require.max
    return (low is None or case.truth > low) and (high is None or case.truth < high)


def counted(control: Control) -> str:
    """Which rows carry the metric, in words."""
    name = (control.metric or "").removesuffix("_difference")
    return _COUNTED.get(name, "rows")


def situation(
    control: Control,
    policy: Policy,
    catalog: Mapping[str, Check],
    *,
    value: float | None = None,
    differing: float = DIFFERING,
) -> Situation | Literal["exact"] | None:
    """What is assumed of the rows of a control; ``exact`` where it is counted, None where no formula is known."""
    check, require = catalog.get(control.check or ""), control.require
    if check is None or require is None or control.metric not in check.metrics:
        return None
    kind = kind_of(control, check.metrics[control.metric])
    if kind is None or kind == "exact":
        return kind
    low, high = require.min, require.max
    ends = low if low is not None else high, _best(kind, low, high, differing)
    # With two limits the worse of the two ends is as far from the middle as the other.
    truth = (float(ends[0] or 0.0) + ends[1]) / 2 if value is None else value
    planned = policy.planned.rows if policy.planned is not None else {}
    other = TWO_SETS.get((control.check or "", control.metric))
    return Situation(
        kind=kind,
        require=require,
        level=stored(control.confidence or policy.decision.confidence),
        truth=truth,
        differing=max(differing, abs(truth)),
        others=planned.get(other) if other else None,  # type: ignore[call-overload]
    )


def _best(kind: Kind, low: float | None, high: float | None, differing: float) -> float:
    """The best that can be hoped for. Of a difference whose limit tolerates a loss it is no difference at all."""
    if kind == "share":
        return 1.0 if high is None else 0.0 if low is None else (low + high) / 2
    if low is not None and high is not None:
        return min(max(0.0, low), high)
    if kind == "loss":
        return 0.0 if high is not None else 1.0
    limit, toward = (low, 1) if low is not None else (high or 0.0, -1)
    tolerant = limit * toward < 0
    return 0.0 if tolerant else toward * max(differing, min(1.0, 2 * abs(limit)))
