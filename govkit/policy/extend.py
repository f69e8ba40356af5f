"""Extending a policy: controls are merged by id, and a child may only tighten.

A loosening needs an entry ``relax`` with the control, the field, a reason and an approver. Whatever is neither tighter
nor looser (another check, another metric, other rows, another title) counts as a loosening. What holds
for which field says the table in ``inheritance``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from govkit.core import Recorded
from govkit.core.policy import Control, Policy, Requirement, Risk, Trigger, When
from govkit.documents import Document, Place, nearest
from govkit.policy.inheritance import TABLE, looser_fields

_MERGED = ("controls", "risks", "triggers", "slices", "decision")

_OWN = ("id", "version", "title", "relax", "planned")
"""What a policy says of itself; ``relax`` is added up."""

_BY_KEY = ("require", "params", "attest")
"""Parts of a control that are merged key by key; the others are replaced."""

WHOLE = "policy"
"""What a ``relax`` calls the policy as a whole, in the place of a control."""

FIELDS = frozenset(
    field
    for model in (Policy, Control, Trigger, Risk)
    for field, way in TABLE[model].items()
    if way not in ("own", "free", "added", "by id", "name", "owner")
)


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
    owners = [*parent.get("inherited_owners", []), *filter(None, [parent.get("owner")])]
    own = result.get("owner")
    if kept := [each for each in owners if not (isinstance(own, dict) and own.get("name") == each["name"])]:
        result["inherited_owners"] = kept
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


def loosened(parent: Policy, child: Policy, *, said: bool = True) -> Iterator[tuple[str, str, Any, Any]]:
    """Every field that became looser, of the policy and of what is in both: whose, its name, the old value, the new.

    Args:
        parent: What is extended.
        child: What came of it.
        said: Whether a rule by another title or authority, which judges the same, is looser too.
    """
    yield from ((WHOLE, *change) for change in _changes(parent, child, said))
    for control, now in _both(parent.controls, child.controls):
        yield from ((control.id, *change) for change in _changes(control, now, said))
        yield from ((control.id, *change) for change in _looser_judging(control, now, parent, child))
    for trigger, then in _both(parent.triggers, child.triggers):
        yield from ((trigger.id, *change) for change in _changes(trigger, then, said))
    for risk, other in _both(parent.risks, child.risks):
        yield from ((risk.id, *change) for change in _changes(risk, other, said))


Named = TypeVar("Named", Control, Trigger, Risk)


def _both(before: Sequence[Named], after: Sequence[Named]) -> Iterator[tuple[Named, Named]]:
    found = {each.id: each for each in after}
    return ((each, found[each.id]) for each in before if each.id in found)


def _changes(was: Recorded, now: Recorded, said: bool) -> Iterator[tuple[str, Any, Any]]:
    for field in looser_fields(was, now):
        if said or TABLE[type(was)][field] not in ("said", "limit", "authority"):
            yield field, _shown(getattr(was, field)), _shown(getattr(now, field))


def _shown(value: Any) -> Any:
    if isinstance(value, Requirement):
        return value.words
    if isinstance(value, When):
        return str(value.model_dump(mode="json", exclude_none=True))
    return "nothing" if value is None else value


def _looser_judging(was: Control, now: Control, parent: Policy, child: Policy) -> Iterator[tuple[str, Any, Any]]:
    """What the policy around a control has a part in: its confidence and its slices."""
    levels = [control.confidence or policy.decision.confidence for control, policy in ((was, parent), (now, child))]
    if levels[1] < levels[0]:
        yield "confidence", levels[0], levels[1]
    if _narrower(was, now, parent, child):
        yield "over", was.over, now.over


def _narrower(was: Control, now: Control, parent: Policy, child: Policy) -> bool:
    """True where fewer parts are judged. All rows and slices are different things, so neither replaces the other."""
    if bool(was.over) != bool(now.over) or not set(was.over) <= set(now.over):
        return True
    return any(parent.slices.get(name) != child.slices.get(name) for name in was.over)
