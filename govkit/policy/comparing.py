"""``govkit policy diff``, two policies side by side: what became looser, what tighter, and what is neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel

from govkit.core import Policy
from govkit.policy.extend import WHOLE, loosened

Direction = Literal["looser", "tighter", "neither"]

_NAMES = {
    "require": "the limit",
    "over": "the slices",
    "when": "where it applies",
    "rmf": "the outcomes it serves",
    "of": "whose value it is",
    "compared_with": "what it is compared with",
    "data": "the rows",
    "params": "the settings of the check",
    "attest": "the statement asked for",
    "then": "what the alarm calls for",
    "applies": "the cases it is for",
    "review_by": "the day of its review",
} | {
    f"on_{state}": f"what follows from {state}" for state in ("fail", "missing", "error", "unsupported", "inconclusive")
}

_JUDGED = frozenset({"controls", "triggers", "risks", "tier", "applies", "review_by", "schema_"})


@dataclass(frozen=True)
class Change:
    """One difference between two policies.

    Attributes:
        direction: Looser, tighter, or neither. What cannot be ordered, as another metric, is looser.
        name: Id of the control, trigger or risk; ``policy`` for the whole.
        field: What changed; ``added`` or ``removed`` for all of it.
        was: The old value in words.
        now: The new value in words.
    """

    direction: Direction
    name: str
    field: str
    was: str = ""
    now: str = ""

    @property
    def words(self) -> str:
        """The change as a sentence."""
        if self.field in ("added", "removed"):
            return f"{self.name}: {self.field}: {self.was or self.now}"
        return f"{self.name}: {_NAMES.get(self.field, self.field)} was {self.was}, is {self.now}"


def compare(old: Policy, new: Policy) -> tuple[Change, ...]:
    """All differences, looser ones first.

    What would be a loosening on the way back is a tightening. Titles, advice, authorities and the like are neither.

    Args:
        old: A policy as ``load`` or ``resolve`` gives it.
        new: The other one, read in the same way.
    """
    forth = {(name, field): (was, now) for name, field, was, now in loosened(old, new, said=False)}
    back = {(name, field): (was, now) for name, field, now, was in loosened(new, old, said=False)}
    found = [Change("looser", *key, *map(_shown, pair)) for key, pair in forth.items()]
    found += [Change("tighter", *key, *map(_shown, pair)) for key, pair in back.items() if key not in forth]
    found += [*_relaxed(old, new), *_came_and_went(old, new), *_neither(old, new, {*forth, *back})]
    order = {"looser": 0, "tighter": 1, "neither": 2}
    return tuple(sorted(found, key=lambda change: order[change.direction]))


def _relaxed(old: Policy, new: Policy) -> Iterator[Change]:
    """A relaxation that lasts longer; one that is gone while what it loosened stays has no end at all."""
    ends: dict[tuple[str, str], date] = {}
    for each in new.relax:
        key = each.control, each.field
        ends[key] = min(each.expires, ends.get(key, each.expires))
    tightened = {(name, field) for name, field, _, _ in loosened(new, old)}
    for each in old.relax:
        now = ends.get((each.control, each.field))
        gone = now is None and (each.control, each.field) not in tightened
        if gone or (now is not None and now > each.expires):
            yield Change("looser", each.control, f"relaxed {each.field}", str(each.expires), str(now or "without end"))


def _came_and_went(old: Policy, new: Policy) -> Iterator[Change]:
    for key, title in (("controls", "title"), ("triggers", "title"), ("risks", "description")):
        was, now = ({each.id: getattr(each, title) for each in getattr(policy, key)} for policy in (old, new))
        yield from (Change("looser", name, "removed", was=was[name]) for name in was if name not in now)
        yield from (Change("tighter", name, "added", now=now[name]) for name in now if name not in was)


def _neither(old: Policy, new: Policy, known: set[tuple[str, str]]) -> Iterator[Change]:
    pairs: list[tuple[str, BaseModel, BaseModel]] = [(WHOLE, old, new)]
    for key in ("controls", "triggers", "risks"):
        after = {each.id: each for each in getattr(new, key)}
        pairs += [(each.id, each, after[each.id]) for each in getattr(old, key) if each.id in after]
    for name, first, second in pairs:
        for field in type(first).model_fields:
            was, now = getattr(first, field), getattr(second, field)
            if was != now and (name, field) not in known and not (name == WHOLE and field in _JUDGED):
                yield Change("neither", name, field, _shown(was), _shown(now))


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        return str(value.model_dump(mode="json", exclude_defaults=True))
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "nothing"
    return "nothing" if value in (None, "", {}) else str(value)
