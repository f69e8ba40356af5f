"""Extending a policy: controls are merged by id, and a child may only tighten.

A loosening needs an entry ``relax`` with the control, the field, a reason and an approver. Whatever is neither tighter
nor looser (another check, another metric, other rows) counts as a loosening.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from govkit.core.policy import RANK, Control, Policy, Risk, Trigger, When
from govkit.documents import Document, Place, nearest

SEVERITY = {"info": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

THEN = {"review": 0, "retrain": 1, "withdraw": 2}

_MERGED = ("controls", "risks", "triggers", "slices", "decision")

_OWN = ("id", "version", "title", "relax", "planned")
"""What a policy says of itself; ``relax`` is added up."""

_BY_KEY = ("require", "params", "attest")
"""Parts of a control that are merged key by key; the others are replaced."""

_FIXED = ("check", "metric", "data", "of", "compared_with", "params")

TIER = {"low": 0, "medium": 1, "high": 2}

WHOLE = "policy"
"""What a ``relax`` calls the policy as a whole, in the place of a control."""

FIELDS = (
    frozenset(Control.model_fields)
    | {"watch", "limit", "then", "applies", "tier", "review_by", "impact", "likelihood", "controls"}
) - {"id", "title", "advice", "authority"}


def merged(parent: dict[str, Any], child: Document) -> Document:
    """The child laid over its parent, not yet validated.

    Args:
        parent: Plain data of the resolved parent.
        child: The file of the child.

    Returns:
        The merged data, with the lines of the child.
    """
    moved: dict[Place, Place] = {}
    file = child.data
    result = {key: value for key, value in parent.items() if key not in _OWN}
    result.update({key: value for key, value in file.items() if key not in (*_MERGED, "extends")})
    for key in ("controls", "risks", "triggers"):
        result[key] = _by_id(key, parent.get(key, []), file.get(key, []), moved)
    for key in ("slices", "decision"):
        inherited, own = parent.get(key, {}), file.get(key, {})
        result[key] = {**inherited, **own} if isinstance(own, dict) else own
    for key in ("not_measured", "relax"):
        own = file.get(key, [])
        result[key] = [*parent.get(key, []), *own] if isinstance(own, list) else own
        for index in range(len(own) if isinstance(own, list) else 0):
            moved[key, index] = (key, len(parent.get(key, [])) + index)
    lines = {(*moved.get(place[:2], place[:2]), *place[2:]): line for place, line in child.lines.items()}
    return replace(child, data=result, lines=lines)


def _by_id(key: str, inherited: list[Any], own: Any, moved: dict[Place, Place]) -> Any:
    if not isinstance(own, list):
        return own
    items: list[Any] = list(inherited)
    place = {item["id"]: index for index, item in enumerate(inherited)}
    filled: set[int] = set()
    for index, item in enumerate(own):
        name = item.get("id") if isinstance(item, dict) else None
        spot = place.get(name) if isinstance(name, str) else None
        laid = item if spot is None else _over(inherited[spot], item)
        if spot is None or spot in filled:
            # A second item of the same id is appended, so that building the policy refuses it as a duplicate.
            spot = len(items)
            items.append(laid)
        items[spot] = laid
        filled.add(spot)
        moved[key, index] = (key, spot)
    return items


def _over(inherited: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    result = {**inherited, **own}
    for key in _BY_KEY:
        first, second = inherited.get(key), own.get(key)
        if isinstance(first, dict) and isinstance(second, dict):
            result[key] = {**first, **second}
    return result


def refuse_loosening(parent: Policy, child: Policy, source: Document, *, idle: bool = False) -> None:
    """Raise where the child is looser than its parent and no ``relax`` of the child covers it.

    Args:
        parent: What is extended.
        child: What came of it.
        source: The file of the child.
        idle: A ``relax`` may cover nothing: what it loosened lies further up, or beside.

    Raises:
        PolicyError: A loosening, or a ``relax`` that covers nothing.
    """
    own = child.relax[len(parent.relax) :]
    covered = {(entry.control, entry.field): index for index, entry in enumerate(own)}
    risks = {risk.id for risk in child.risks}
    after = {WHOLE, *risks, *(control.id for control in child.controls), *(trigger.id for trigger in child.triggers)}
    places = _places(source)
    for name, field, was, now in loosened(parent, child):
        if covered.pop((name, field), None) is None:
            whose = "the policy" if name == WHOLE else f"{'risk' if name in risks else 'control'} {name}"
            raise source.fault(
                (*places.get(name, ()), field),
                f"{whose}: {field} is looser than in {parent.id} (there {was}, here {now}); "
                f"tighten it, or add a relax entry with control, field, reason and approver",
            )
    for (control, field), index in () if idle else covered.items():
        hint = (
            nearest(control, after) if control not in after else nearest(field, FIELDS) if field not in FIELDS else ""
        )
        raise source.fault(("relax", index), f"relax {control} {field} covers no loosening; remove it{hint}")


def _places(source: Document) -> dict[str, Place]:
    keys = ("risks", "controls", "triggers")
    rows = [(key, index, row) for key in keys for index, row in enumerate(source.data.get(key, []))]
    return {row["id"]: (key, index) for key, index, row in rows if isinstance(row, dict) and "id" in row}


def loosened(parent: Policy, child: Policy) -> Iterator[tuple[str, str, Any, Any]]:
    """Every field of a control, trigger or risk in both that became looser: whose, its name, the old value, the new."""
    yield from ((WHOLE, *change) for change in _looser_whole(parent, child))
    for control, now in _both(parent.controls, child.controls):
        yield from ((control.id, *change) for change in looser(control, now, parent, child))
    for trigger, then in _both(parent.triggers, child.triggers):
        yield from ((trigger.id, *change) for change in _looser_trigger(trigger, then))
    for risk, other in _both(parent.risks, child.risks):
        yield from ((risk.id, *change) for change in _smaller_risk(risk, other))


Named = TypeVar("Named", Control, Trigger, Risk)


def _both(before: Sequence[Named], after: Sequence[Named]) -> Iterator[tuple[Named, Named]]:
    found = {each.id: each for each in after}
    return ((each, found[each.id]) for each in before if each.id in found)


def _looser_whole(was: Policy, now: Policy) -> Iterator[tuple[str, Any, Any]]:
    if TIER[now.tier] < TIER[was.tier]:
        yield "tier", was.tier, now.tier
    if was.applies is not None and not _within(now.applies, was.applies):
        yield "applies", _words(was.applies), _words(now.applies)
    if was.review_by is not None and (now.review_by is None or now.review_by > was.review_by):
        yield "review_by", was.review_by, now.review_by


def _within(inner: When | None, outer: When) -> bool:
    """True where every case that ``inner`` lets in is one that ``outer`` lets in."""
    if inner is None:
        return False
    asked = [(getattr(inner, name), getattr(outer, name)) for name in ("task", "modality", "access")]
    words = all(wide is None or (narrow is not None and set(narrow) <= set(wide)) for narrow, wide in asked)
    return words and set(outer.has or ()) <= set(inner.has or ())


def _words(when: When | None) -> str:
    return str(when.model_dump(exclude_none=True)) if when is not None else "anything"


def _looser_trigger(was: Trigger, now: Trigger) -> Iterator[tuple[str, Any, Any]]:
    if now.watch != was.watch:
        yield "watch", was.watch, now.watch
    if now.limit > was.limit:
        yield "limit", was.limit, now.limit
    if THEN[now.then] < THEN[was.then]:
        yield "then", was.then, now.then


def _smaller_risk(was: Risk, now: Risk) -> Iterator[tuple[str, Any, Any]]:
    for field in ("impact", "likelihood"):
        if getattr(now, field) < getattr(was, field):
            yield field, getattr(was, field), getattr(now, field)
    if not set(was.controls) <= set(now.controls):
        yield "controls", was.controls, now.controls


def looser(was: Control, now: Control, parent: Policy, child: Policy) -> Iterator[tuple[str, Any, Any]]:
    """Every field in which a control became looser: its name, the old value, the new one."""
    for field in _FIXED:
        if getattr(was, field) != getattr(now, field):
            yield field, getattr(was, field), getattr(now, field)
    yield from _milder(was, now)
    levels = [control.confidence or policy.decision.confidence for control, policy in ((was, parent), (now, child))]
    if levels[1] < levels[0]:
        yield "confidence", levels[0], levels[1]
    if now.when is not None and not _within(was.when, now.when):
        yield "when", was.when, now.when
    if not set(was.rmf) <= set(now.rmf):
        yield "rmf", was.rmf, now.rmf
    if _narrower(was, now, parent, child):
        yield "over", was.over, now.over
    yield from _looser_limit(was, now)


def _milder(was: Control, now: Control) -> Iterator[tuple[str, Any, Any]]:
    if SEVERITY[now.severity] < SEVERITY[was.severity]:
        yield "severity", was.severity, now.severity
    for field in ("on_fail", "on_missing", "on_error", "on_unsupported", "on_inconclusive"):
        if RANK[getattr(now, field)] < RANK[getattr(was, field)]:
            yield field, getattr(was, field), getattr(now, field)


def _narrower(was: Control, now: Control, parent: Policy, child: Policy) -> bool:
    """True where fewer parts are judged. All rows and slices are different things, so neither replaces the other."""
    if bool(was.over) != bool(now.over) or not set(was.over) <= set(now.over):
        return True
    return any(parent.slices.get(name) != child.slices.get(name) for name in was.over)


def _looser_limit(was: Control, now: Control) -> Iterator[tuple[str, Any, Any]]:
    if was.require is not None:
        low, high = was.require.min, was.require.max
        new = now.require
        if (
            new is None
            or (low is not None and (new.min is None or new.min < low))
            or (high is not None and (new.max is None or new.max > high))
            or new.equals != was.require.equals
        ):
            yield "require", was.require.words, new.words if new is not None else "no limit"
    if was.attest is not None:
        new_attest = now.attest
        if (
            new_attest is None
            or (new_attest.kind, new_attest.signer_role) != (was.attest.kind, was.attest.signer_role)
            or new_attest.max_age_days > was.attest.max_age_days
            or not set(was.attest.not_same_as) <= set(new_attest.not_same_as)
            or not set(was.attest.fields) <= set(new_attest.fields)
        ):
            yield "attest", was.attest, now.attest
