"""Which figures a bundle calls for, and the findings behind each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from govkit.core import Measurement, Of
from govkit.report.blocks import Picture
from govkit.report.escape import NAME, short
from govkit.report.model import GROUP_DIFFERENCES, GROUP_RATES, Report
from govkit.report.words import catalog

CHANGED = (
    "accuracy", "subset_accuracy", "balanced_accuracy", "roc_auc", "average_precision", "hamming_loss",
    "mean_absolute_error", "calibration_error",
)  # fmt: skip
SIDES: tuple[Of, ...] = ("base", "candidate", "incumbent")
ERRORS, ERROR_DIFFERENCES = ("mean_absolute_error", "mean_error"), ("mean_absolute_error_gap",)
"""What stands for the rates by group, and for their differences, where the answers are numbers."""
MOST_GROUPS = 20
"""Groups that one figure draws; its table holds all of them."""
MOST_LABELS = 4
"""Labels of a multi-label task that have figures and tables of their own; the annex holds all of them."""


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
        panels: Title of a panel (a metric, whose model, or a label) -> its lines.
        limits: Title of a panel -> limits of the policy.
        findings: Everything behind it, for ``tables/<key>.json``.
        about: The protected attribute and the label, where there are such.
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


@dataclass(frozen=True)
class View:
    """The groups of one protected attribute; of a multi-label task as one label sees them."""

    column: str
    label: str
    groups: tuple[str, ...]

    @property
    def about(self) -> str:
        """Name for a caption."""
        column = short(self.column, NAME)
        return f"{column}, label {short(self.label, NAME)}" if self.label else column

    def part(self, group: str) -> dict[str, str]:
        """Rows of one group, as the findings name them."""
        return {**({"label": self.label} if self.label else {}), self.column: group}


def labels(report: Report) -> tuple[str, ...]:
    """Labels of a multi-label task, in the order of the findings; none for any other task."""
    task = report.find("task")
    if task is None or task.value != "multilabel":
        return ()
    return tuple(dict.fromkeys(m.part["label"] for m in report.measurements if "label" in m.part))


def views(report: Report) -> tuple[View, ...]:
    """What is to be seen by group, of the first labels."""
    known, failing = labels(report), failed(report)
    seen: dict[tuple[str, str], dict[str, bool]] = {}
    for found in report.measurements:
        if found.name in (*GROUP_RATES, *GROUP_DIFFERENCES, *ERROR_DIFFERENCES):
            part = dict(found.part)
            label = part.pop("label", "") if known else ""
            if len(part) == 1 and "*" not in part.values() and label in (known[:MOST_LABELS] or ("",)):
                ((column, group),) = part.items()
                groups = seen.setdefault((label, column), {})
                groups[group] = groups.get(group, False) or id(found) in failing
    return tuple(View(column, label, _in_order(groups)) for (label, column), groups in seen.items())


def _in_order(groups: dict[str, bool]) -> tuple[str, ...]:
    """Groups as they were found; where they are too many to be shown, those that fail first."""
    return tuple(groups) if len(groups) <= MOST_GROUPS else tuple(sorted(groups, key=groups.__getitem__, reverse=True))


def failed(report: Report) -> frozenset[int]:
    """Identities of the measurements for which a control is not met."""
    parts = (part for entry in report.entries for part in entry.ruling.parts if part.state == "fail")
    return frozenset(id(report.sources.findings[part.finding]) for part in parts if part.finding >= 0)


def choose(report: Report) -> tuple[Chart, ...]:
    """The figures that the findings of a bundle allow, in the order of the report."""
    found = [_change(report), *_groups(report), _reliability(report)]
    return tuple(chart for chart in found if chart is not None)


def _change(report: Report) -> Chart | None:
    panels: dict[str, tuple[Line, ...]] = {}
    behind: list[Measurement] = []
    for name in CHANGED:
        points = [found for of in SIDES if (found := report.find(name, of=of)) and found.is_number]
        if len(points) > 1:
            panels[name] = (Line("", tuple(points)),)
            behind += points
            behind += [found for other in ("base", "incumbent") if (found := report.find(name, compared_with=other))]
    return Chart("change", "change", panels, {}, tuple(behind)) if panels else None


def _groups(report: Report) -> list[Chart]:
    charts = []
    for index, view in enumerate(sorted(views(report), key=lambda view: view.column), start=1):
        panels: dict[str, tuple[Line, ...]] = {}
        limits: dict[str, tuple[float, ...]] = {}
        for name in (*GROUP_DIFFERENCES, *ERROR_DIFFERENCES):
            found = [m for g in view.groups if (m := report.find(name, part=view.part(g))) and m.is_number]
            if found:
                panels[name] = tuple(Line(m.part[view.column], (m,)) for m in found)
                limits[name] = _limits(report, name)
        if panels:
            behind = tuple(line.points[0] for lines in panels.values() for line in lines)
            charts.append(Chart(f"groups-{index}", "groups", panels, limits, behind, about=view.about))
    return charts


def _reliability(report: Report) -> Chart | None:
    panels: dict[str, tuple[Line, ...]] = {}
    curves: dict[str, tuple[tuple[float, Measurement], ...]] = {}
    # A panel a model; labels are told apart instead where there are several, and only of the candidate.
    known: list[tuple[Of, str]] = [("candidate", label) for label in labels(report)[:MOST_LABELS]]
    for of, label in known or [(of, "") for of in SIDES]:
        pairs = [pair for pair in report.bins(of) if not label or pair[1].part.get("label") == label]
        line = [(at, m) for at, m in report.curve(of) if not label or m.part.get("label") == label]
        if pairs:
            panels[label or of] = tuple(Line(label, pair) for pair in pairs)
            curves[label or of] = tuple((place, found) for place, found in line if found.is_number)
    behind = [point for lines in panels.values() for line in lines for point in line.points]
    behind += [found for curve in curves.values() for _, found in curve]
    return Chart("reliability", "reliability", panels, {}, tuple(behind), curves=curves) if panels else None


def _limits(report: Report, name: str) -> tuple[float, ...]:
    required = [c.require for c in report.sources.policy.controls if c.metric == name and c.compared_with is None]
    ends = {end for r in required if r is not None for end in (r.min, r.max) if end is not None}
    return tuple(sorted(ends))
