"""What a policy that extends another may change: one row for every field of a policy, which ``extend`` enforces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from govkit.core import Recorded
from govkit.core.policy import (
    RANK,
    Attest,
    Authority,
    Control,
    Decision,
    NotMeasured,
    Person,
    Planned,
    Policy,
    Relax,
    Requirement,
    Risk,
    Slice,
    Trigger,
    When,
)

ORDERS: Mapping[str, tuple[str, ...]] = {
    "level": ("none", "publication", "convention", "standard", "agency_rule_of_thumb", "regulation", "statute"),
    "severity": ("info", "low", "medium", "high", "critical"),
    "tier": ("low", "medium", "high"),
    "then": ("review", "retrain", "withdraw"),
} | {f"on_{state}": tuple(RANK) for state in ("fail", "missing", "error", "unsupported", "inconclusive")}
"""Words of a field, the mildest first."""

WAYS: Mapping[str, str] = {
    "own": "its own; nothing is inherited",
    "free": "yes: nothing is decided by it",
    "added": "it may add; what is inherited stays",
    "by id": "it may add; an inherited one is merged by its id, field by field",
    "fields": "field by field",
    "name": "no: it says which one is meant",
    "owner": "yes; whom it replaces counts as an owner still, so that four eyes stay four",
    "same": "no",
    "said": "no: people know the risk by it",
    "limit": "only with a limit of its own",
    "authority": "only to a higher level, or with a limit of its own",
    "open": "only where it is left open",
    "higher": "only upwards",
    "lower": "only downwards",
    "earlier": "only to an earlier day",
    "stricter": "only to a stricter word",
    "more": "it may name more, and none less",
    "narrower": "only to fewer cases",
    "wider": "only to more cases",
    "slices": "not of a slice that an inherited control uses",
    "judged": "no inherited control may be judged at a lower one",
    "parts": "it may name more, and none less; all rows and slices do not replace each other",
}
"""Way in which a field is inherited -> whether a child may change it, for people."""

TABLE: Mapping[type[Recorded], Mapping[str, str]] = {
    Policy: {
        "schema_": "own", "id": "own", "version": "own", "title": "own", "extends": "own", "relax": "added",
        "owner": "owner", "inherited_owners": "added", "review_by": "earlier", "tier": "stricter",
        "tier_rationale": "free", "applies": "narrower", "decision": "fields", "planned": "own", "slices": "slices",
        "controls": "by id", "risks": "by id", "not_measured": "added", "triggers": "by id",
    },
    Control: {
        "id": "name", "title": "limit", "rmf": "more", "check": "same", "params": "same", "metric": "same",
        "over": "parts", "data": "same", "of": "same", "compared_with": "same", "require": "fields",
        "attest": "fields", "authority": "authority", "severity": "stricter", "when": "wider", "confidence": "judged",
        "on_fail": "stricter", "on_missing": "stricter", "on_error": "stricter", "on_unsupported": "stricter",
        "on_inconclusive": "stricter", "advice": "free",
    },
    Requirement: {"min": "higher", "max": "lower", "equals": "same"},
    Attest: {"kind": "same", "signer_role": "open", "not_same_as": "more", "max_age_days": "lower", "fields": "more"},
    Authority: dict.fromkeys(("level", "ref", "note"), "authority"),
    When: dict.fromkeys(("task", "modality", "access", "has"), "wider"),
    Slice: dict.fromkeys(("by", "min_n", "below_min"), "slices"),
    Risk: {
        "id": "name", "description": "said", "affected": "free", "rmf": "more", "impact": "higher",
        "likelihood": "higher", "declared_by": "free", "controls": "more", "response": "same",
    },
    Trigger: {
        "id": "name", "title": "limit", "watch": "same", "limit": "lower", "then": "stricter", "authority": "authority",
        "advice": "free",
    },
    Decision: {"confidence": "judged", "signed_findings": "higher"},
    NotMeasured: dict.fromkeys(("risk", "reason", "owner", "review_by"), "added"),
    Person: dict.fromkeys(("name", "role"), "owner"),
    Relax: dict.fromkeys(("control", "field", "reason", "approver", "expires"), "added"),
    Planned: dict.fromkeys(("rows", "parts"), "own"),
}  # fmt: skip


def within(inner: When | None, outer: When) -> bool:
    """True where every case that ``inner`` lets in is one that ``outer`` lets in."""
    if inner is None:
        return False
    asked = [(getattr(inner, name), getattr(outer, name)) for name in ("task", "modality", "access")]
    words = all(wide is None or (narrow is not None and set(narrow) <= set(wide)) for narrow, wide in asked)
    return words and set(outer.has or ()) <= set(inner.has or ())


_LOOSER: Mapping[str, Callable[[Any, Any], bool]] = {
    "same": lambda was, now: was != now,
    "said": lambda was, now: was != now,
    "open": lambda was, now: bool(was) and was != now,
    "higher": lambda was, now: was is not None and (now is None or now < was),
    "lower": lambda was, now: was is not None and (now is None or now > was),
    "earlier": lambda was, now: was is not None and (now is None or now > was),
    "more": lambda was, now: not set(was) <= set(now),
    "narrower": lambda was, now: was is not None and not within(now, was),
    "wider": lambda was, now: now is not None and not within(was, now),
}


def looser_fields(was: Recorded, now: Recorded) -> Iterator[str]:
    """Fields of an item that became looser, of those that can be told from the item alone.

    Args:
        was: The item of the parent.
        now: That of the child, of the same class.
    """
    limit = any(getattr(was, key, None) != getattr(now, key, None) for key in ("require", "limit"))
    for field, way in TABLE[type(was)].items():
        first, second = getattr(was, field), getattr(now, field)
        if way == "stricter":
            loose = ORDERS[field].index(second) < ORDERS[field].index(first)
        elif way in ("limit", "authority"):
            loose = first is not None and first != second and not limit and not _higher(first, second)
        elif way == "fields" and isinstance(first, Recorded):
            loose = second is None or any(looser_fields(first, second))
        else:
            loose = way in _LOOSER and _LOOSER[way](first, second)
        if loose:
            yield field


def _higher(was: object, now: object) -> bool:
    """True for an authority of a higher level than another one."""
    ranks = [ORDERS["level"].index(each.level) for each in (was, now) if isinstance(each, Authority)]
    return len(ranks) == len((was, now)) and ranks[0] < ranks[1]


def rows() -> Iterator[tuple[str, str, str]]:
    """A row of the table for people: what, its field as files name it, and whether a child may change it."""
    for model, fields in TABLE.items():
        for field, way in fields.items():
            yield model.__name__, model.model_fields[field].alias or field, WAYS[way]
