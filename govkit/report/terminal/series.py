"""Values of one measure over the groups of a column, the bins of a diagram or the budgets of an attack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from govkit.core import Finding, Measurement
from govkit.report import words
from govkit.report.escape import NAME, short
from govkit.report.numbers import number
from govkit.report.terminal.seen import title

FEWEST = 3
"""Values that make a series."""

Points: TypeAlias = tuple[tuple[str, Measurement | None], ...]


@dataclass(frozen=True)
class Series:
    """One measure over several rows or settings.

    Attributes:
        title: What is measured, over what.
        points: Name and value of each, None where there is a gap.
        own: Whether it is about this model alone.
    """

    title: str
    points: Points
    own: bool

    @property
    def ends(self) -> tuple[tuple[str, Measurement], tuple[str, Measurement]]:
        """The lowest and the highest, with their names."""
        known = [(name, point) for name, point in self.points if point is not None]
        return min(known, key=_height), max(known, key=_height)

    @property
    def known(self) -> int:
        """How many values there are."""
        return sum(point is not None for _, point in self.points)


def _height(point: tuple[str, Measurement]) -> float:
    return float(point[1].value)


def series(found: Sequence[Finding], names: frozenset[str]) -> list[Series]:
    """Numbers of a check that differ in one column of their parts, or in one setting, three or more of them.

    Args:
        found: Findings of one check.
        names: Its parameters that are not the same for all of them.
    """
    kept: dict[tuple[object, ...], list[Finding]] = {}
    for each in found:
        for over in _over(each, names):
            kept.setdefault((*over, *_apart_from(each, *over)), []).append(each)
    made = [_made(str(key[0]), str(key[1]), own) for key, own in kept.items() if len(own) >= FEWEST]
    return sorted((each for each in made if each is not None), key=lambda each: not each.own)


def _made(kind: str, name: str, found: Sequence[Finding]) -> Series | None:
    """A series of these findings; None where there are too few values, or two of the same name."""
    placed = sorted(found, key=lambda each: float(each.params[name])) if kind == "setting" else found
    labels = (short(f.part[name], NAME) if kind == "part" else number(f.params[name]).text for f in placed)
    named = list(zip(labels, placed, strict=True))
    known = [(label, each) for label, each in named if isinstance(each, Measurement)]
    measured = {label for label, _ in known}
    if len(known) < FEWEST or len(measured) < len(known):
        return None
    points = tuple(
        (label, each if isinstance(each, Measurement) else None)
        for label, each in named
        if isinstance(each, Measurement) or label not in measured
    )
    first = known[0][1]
    part = {column: group for column, group in first.part.items() if (kind, column) != ("part", name)}
    about = first.model_copy(update={"part": part})
    over = short(name, NAME).replace("_", " ") if kind == "setting" else short(name, NAME)
    told = words.catalog()["show"]["over"].format(measure=title(about), over=over)
    return Series(told, points, about.of == "candidate" and about.compared_with is None)


def _over(found: Finding, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Columns of its part and settings of its check over which it can be a point."""
    if found.name == "*" or (isinstance(found, Measurement) and not found.is_number):
        return
    yield from (("part", column) for column, group in found.part.items() if group != "*")
    numeric = (name for name in names if type(found.params.get(name)) in (int, float))
    yield from (("setting", name) for name in numeric)


def _apart_from(found: Finding, kind: str, name: str) -> tuple[object, ...]:
    """All that is the same for the points of a series."""
    part = tuple(item for item in sorted(found.part.items()) if (kind, item[0]) != ("part", name))
    params = repr([item for item in sorted(found.params.items()) if (kind, item[0]) != ("setting", name)])
    return (found.name, found.of, found.compared_with, part, params, found.data.role if found.data else "test")
