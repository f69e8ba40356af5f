"""Which figures a bundle calls for, and the findings behind each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from govkit.core import Measurement, Of
from govkit.report.blocks import Picture
from govkit.report.escape import NAME, short
from govkit.report.model import GROUP_DIFFERENCES, Report
from govkit.report.words import catalog

CHANGED = ("accuracy", "balanced_accuracy", "roc_auc", "calibration_error")
SIDES: tuple[Of, ...] = ("base", "candidate", "incumbent")
MOST_GROUPS = 20
"""Groups that one figure draws; its table holds all of them."""


@dataclass(frozen=True)
class Line:
    """One line of a figure: its label, the points on it, and the limits of the policy for it."""

    label: str
    points: tuple[Measurement, ...]


@dataclass(frozen=True)
class Chart:
    """A figure to draw.

    Attributes:
        key: Name of its files, without ending.
        kind: How it is drawn.
        panels: Title of a panel -> its lines.
        limits: Title of a panel -> limits of the policy.
        findings: Everything behind it, for ``tables/<key>.json``.
        about: The protected attribute, where there is one.
        curves: Title of a panel -> places ``x`` and findings of a line across it.
    """

    key: str
    kind: Literal["reliability", "change", "groups"]
    panels: dict[str, tuple[Line, ...]]
    limits: dict[str, tuple[float, ...]]
    findings: tuple[Measurement, ...]
    about: str = ""
    curves: dict[str, tuple[tuple[float, Measurement], ...]] = field(default_factory=dict)

    @property
    def picture(self) -> Picture:
        """The figure as a block of the report."""
        says = catalog()["figures"][self.kind]
        title = f"{says['title']}: {short(self.about, NAME)}" if self.about else says["title"]
        return Picture(key=self.key, title=title, alt=f"{title}. {says['alt']}")


def choose(report: Report) -> tuple[Chart, ...]:
    """The figures that the findings of a bundle allow, in the order of the report."""
    found = [_change(report), *_groups(report), _reliability(report)]
    return tuple(chart for chart in found if chart is not None)


def _change(report: Report) -> Chart | None:
    panels: dict[str, tuple[Line, ...]] = {}
    behind: list[Measurement] = []
    for name in CHANGED:
        points = [found for of in SIDES if (found := report.find(name, of=of)) and _is_number(found)]
        if len(points) > 1:
            panels[name] = (Line("", tuple(points)),)
            behind += points
            behind += [found for other in ("base", "incumbent") if (found := report.find(name, compared_with=other))]
    return Chart("change", "change", panels, {}, tuple(behind)) if panels else None


def _groups(report: Report) -> list[Chart]:
    charts = []
    for index, (column, groups) in enumerate(sorted(report.group_columns.items()), start=1):
        panels: dict[str, tuple[Line, ...]] = {}
        limits: dict[str, tuple[float, ...]] = {}
        for name in GROUP_DIFFERENCES:
            found = [m for group in groups if (m := report.find(name, part={column: group})) and _is_number(m)]
            if found:
                panels[name] = tuple(Line(m.part[column], (m,)) for m in found)
                limits[name] = _limits(report, name)
        if panels:
            behind = tuple(line.points[0] for lines in panels.values() for line in lines)
            charts.append(Chart(f"groups-{index}", "groups", panels, limits, behind, about=column))
    return charts


def _reliability(report: Report) -> Chart | None:
    panels: dict[str, tuple[Line, ...]] = {}
    for of in SIDES:
        pairs = report.bins(of)
        if pairs:
            panels[of] = tuple(Line("", pair) for pair in pairs)
    curves: dict[str, tuple[tuple[float, Measurement], ...]] = {
        of: tuple((place, found) for place, found in report.curve(of) if _is_number(found))
        for of in SIDES
        if of in panels
    }
    behind = [point for lines in panels.values() for line in lines for point in line.points]
    behind += [found for curve in curves.values() for _, found in curve]
    return Chart("reliability", "reliability", panels, {}, tuple(behind), curves=curves) if panels else None


def _limits(report: Report, name: str) -> tuple[float, ...]:
    required = [c.require for c in report.sources.policy.controls if c.metric == name and c.compared_with is None]
    ends = {end for r in required if r is not None for end in (r.min, r.max) if end is not None}
    return tuple(sorted(ends))


def _is_number(found: Measurement) -> bool:
    return isinstance(found.value, int | float) and not isinstance(found.value, bool)
