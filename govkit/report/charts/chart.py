"""What a figure is before it is drawn: lines, their axes, and the rows of the bundle behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any, Literal

from govkit.core import Measurement
from govkit.report.blocks import Picture
from govkit.report.escape import NAME, short
from govkit.report.numbers import MINUS, UNBOUNDED, signs
from govkit.report.words import catalog

Kind = Literal["change", "flips", "groups", "reliability", "drift", "budget", "lineage", "licenses", "risks"]
_LARGEST = 1e300
"""Beyond this size a number stands at the end of its axis."""


@dataclass(frozen=True)
class Line:
    """One line of a figure.

    Attributes:
        label: Its name.
        points: The findings on it.
        limits: Limits of the policy for it.
        state: The worst state of a control on it, a key of the catalog's ``states``; empty where none speaks of it.
    """

    label: str
    points: tuple[Measurement, ...]
    limits: tuple[float, ...] = ()
    state: str = ""


@dataclass(frozen=True)
class Axis:
    """From where to where an axis goes, and the numbers that stand at it."""

    low: float
    high: float
    ticks: tuple[float, ...]


SHARES = Axis(0.0, 1.0, (0.0, 0.5, 1.0))


@dataclass(frozen=True)
class Chart:
    """A figure to draw.

    Attributes:
        key: Name of its files, without ending.
        kind: How it is drawn.
        panels: Title of a panel (a metric, whose model, or a label) -> its lines.
        axes: Title of a panel -> the axis of its numbers.
        findings: The measurements behind it.
        facts: What else of the bundle is behind it: boxes, cells.
        about: The protected attribute and the label, where there are such.
        curves: Title of a panel -> places ``x`` and findings of a line across it.
        main: What fills the holes of its words for readers who cannot see it.
        more: Lines that are not drawn, because there are too many.
    """

    key: str
    kind: Kind
    panels: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    axes: dict[str, Axis] = field(default_factory=dict)
    findings: tuple[Measurement, ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    about: str = ""
    curves: dict[str, tuple[tuple[float, Measurement], ...]] = field(default_factory=dict)
    main: dict[str, str] = field(default_factory=dict)
    more: int = 0

    @property
    def picture(self) -> Picture:
        """The figure as a block of the report."""
        says = catalog()["figures"][self.kind]
        title = f"{says['title']}: {short(self.about, NAME)}" if self.about else says["title"]
        return Picture(key=self.key, title=title, alt=f"{title}. {says['alt'].format(**self.main)}")

    @property
    def table(self) -> dict[str, Any]:
        """Every number of the figure: its rows, and where its axes have ticks."""
        rows = [*(found.model_dump(mode="json") for found in self.findings), *self.facts]
        ticks = {title: list(axis.ticks) for title, axis in self.axes.items()}
        limits = {title: sorted({end for line in lines for end in line.limits}) for title, lines in self.panels.items()}
        shown = {title: ends for title, ends in limits.items() if ends}
        return {"rows": rows, "ticks": ticks, "limits": shown, "not_drawn": self.more}


def ends(found: Measurement) -> tuple[float, float]:
    """Ends of the interval; the value itself where there is none, or where it ends nowhere."""
    value = float(found.value)
    low, high = (found.interval.low, found.interval.high) if found.interval else (value, value)
    return (low, high) if max(abs(low), abs(high)) < UNBOUNDED else (value, value)


def axis_of(lines: Iterable[Line], *, zero: bool = False, most: int = 4) -> Axis:
    """An axis that holds lines with their intervals and limits, and about ``most`` round ticks."""
    seen = [0.0] if zero else []
    for line in lines:
        seen += [number for point in line.points for number in (*ends(point), float(point.value))]
        seen += line.limits
    seen = [min(max(number, -_LARGEST), _LARGEST) for number in seen]
    low, high = min(seen), max(seen)
    if low == high:
        low, high = low - (abs(low) / 10 or 0.5), high + (abs(high) / 10 or 0.5)
    margin = (high - low) * 0.06
    return Axis(low - margin, high + margin, _round(low, high, most))


def _round(low: float, high: float, most: int) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    digits, power = f"{(high - low) / most:.9e}".split("e")
    factor = next(round_ for round_ in (1, 2, 5, 10) if float(digits) <= round_)
    step = float(f"{factor}e{power}")
    return tuple(float(f"{at * factor}e{power}") for at in range(ceil(low / step), floor(high / step) + 1))


def tick(value: float) -> str:
    """A number at an axis: as short as it can be."""
    return signs(f"{value:g}").replace("-", MINUS)
