"""What a terminal shows of a bundle: its findings beside their rulings, and what a reader asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from govkit.core import Finding, Measurement
from govkit.report import words
from govkit.report.escape import NAME, short
from govkit.report.model import Entry, Rulings
from govkit.report.numbers import UNBOUNDED, number
from govkit.report.saying import WORST_FIRST
from govkit.report.terminal.pictures import Axis, axis


@dataclass(frozen=True)
class Wish:
    """What a reader asked for.

    Attributes:
        check: Only of this check; empty for every one.
        state: Only what is judged like this; empty for everything.
        all: Every row of each section.
        width: Columns of the terminal.
    """

    check: str = ""
    state: str = ""
    all: bool = False
    width: int = 110

    @property
    def wide(self) -> bool:
        """Whether the columns of a row fit beside each other."""
        return self.width >= 100

    def first(self, most: int) -> int | None:
        """How many rows of a section are shown; None for all of them."""
        return None if self.all else most


@dataclass(frozen=True)
class Seen(Rulings):
    """A bundle as it was read; nothing of it is proved.

    Attributes:
        name: Of what was audited.
        base: Of the pretrained model, empty where there is no record of it.
        passes: Model passes made and declared.
        place: Where the bundle lies.
    """

    name: str
    base: str
    passes: dict[str, int]
    place: str

    @cached_property
    def _judged(self) -> dict[int, tuple[str, str]]:
        """Identity of a finding -> the worst state of a control on it, and the name of that control."""
        worst: dict[int, tuple[str, str]] = {}
        for entry in self.entries:
            for part in entry.ruling.parts:
                key = id(self.sources.findings[part.finding]) if part.finding >= 0 else 0
                if key not in worst or WORST_FIRST.index(part.state) < WORST_FIRST.index(worst[key][0]):
                    worst[key] = (part.state, entry.ruling.control)
        return worst

    @cached_property
    def _axes(self) -> dict[tuple[object, ...], Axis]:
        """What is measured -> an axis for all of its values, intervals and limits."""
        values: dict[tuple[object, ...], list[float]] = {}
        for found in self.measurements:
            if found.is_number:
                own = (float(found.value), *(ends_of(found) or ()), *self.limits(found, of="candidate"))
                values.setdefault(_about(found), []).extend(own)
        return {about: axis(own) for about, own in values.items()}

    def axis(self, found: Measurement) -> Axis:
        """The axis of a number."""
        return self._axes[_about(found)]

    def state(self, found: Finding) -> str:
        """The worst state of a control on a finding; empty where none rests on it."""
        return self._judged.get(id(found), ("", ""))[0]

    def ruling(self, found: Finding) -> str:
        """The state with its shape, and the control; empty where none rests on it."""
        state, control = self._judged.get(id(found), ("", ""))
        return f"{mark(state)} {short(control, NAME)}" if state else ""

    def chosen(self, wish: Wish) -> tuple[Entry, ...]:
        """Rulings that were asked for, the open ones first."""
        settled = (entry for entry in self.entries if not entry.open)
        return tuple(
            entry
            for entry in (*self.open_points, *settled)
            if wish.check in ("", entry.ruling.check) and wish.state in ("", entry.ruling.state)
        )

    def found(self, wish: Wish) -> Iterator[Finding]:
        """Findings that were asked for."""
        for each in self.sources.findings:
            if wish.check in ("", each.check) and (not wish.state or self.state(each) == wish.state):
                yield each

    def checks(self) -> frozenset[str]:
        """Every check that something is said of."""
        judged = (entry.ruling.check for entry in self.entries)
        return frozenset(filter(None, (*(each.check for each in self.sources.findings), *judged)))


def _about(found: Measurement) -> tuple[object, ...]:
    # Every model on one axis, so that the eye can compare them; a difference on one of its own.
    return (found.check, found.name, found.compared_with)


def ends_of(found: Measurement) -> Axis | None:
    """Both ends of the reader's interval, infinite where it ends nowhere."""
    shown = found.interval
    if shown is None:
        return None
    low = float("-inf") if shown.low < -UNBOUNDED else shown.low
    high = float("inf") if shown.high > UNBOUNDED else shown.high
    return low, high


def count(found: Measurement) -> str:
    """How many rows carry a value: ``n 600``."""
    return str(words.catalog()["joins"]["n"].format(count=number(found.n).text))


def mark(state: str) -> str:
    """A state: its shape and its word."""
    return words.mark("states", state).said


def varying(found: Iterable[Finding]) -> frozenset[str]:
    """Parameters of a check that are not the same for all of its findings."""
    pairs = [pair for each in found for pair in each.params.items()]
    first = dict(reversed(pairs))
    return frozenset(name for name, value in pairs if value != first[name])


def setting(found: Finding, names: Iterable[str]) -> str:
    """The parameters that tell a finding from others of its check."""
    own = ((name, found.params[name]) for name in sorted(names) if found.params.get(name) is not None)
    return ", ".join(f"{short(name, NAME).replace('_', ' ')} {_said(value)}" for name, value in own)


def _said(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value).text
    return short(str(value), NAME)


def title(found: Finding, names: Iterable[str] = ()) -> str:
    """What a finding is about: the measure, whose, which rows, and the settings that tell it from others."""
    pieces = [words.metric(found.name, found.check) if found.name != "*" else ""]
    if found.of != "candidate" or found.compared_with is not None:
        whose = words.word("of", found.of)
        less = words.catalog()["show"]["less"]
        other = f" {less} {words.word('of', found.compared_with)}" if found.compared_with else ""
        pieces.append(whose + other)
    if found.data is not None and found.data.role != "test":
        pieces.append(words.word("roles", found.data.role))
    pieces += [words.part(found.part) if found.part else "", setting(found, names)]
    return ", ".join(filter(None, pieces))
