"""What is to be seen by group, and what controls say of it."""

from __future__ import annotations

from dataclasses import dataclass

from govkit.report.escape import NAME, short
from govkit.report.model import GROUP_DIFFERENCES, GROUP_RATES, Report
from govkit.report.words import catalog

ERRORS, ERROR_DIFFERENCES = ("mean_absolute_error", "mean_error"), ("mean_absolute_error_gap",)
"""What stands for the rates by group, and for their differences, where the answers are numbers."""
MOST_GROUPS = 20
"""Groups that one figure draws; its table holds all of them."""
MOST_LABELS = 4
"""Labels of a multi-label task that have figures and tables of their own; the annex holds all of them."""
_WORST_FIRST = ("fail", "error", "missing", "inconclusive", "unsupported", "waived", "pass", "not_applicable")


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
        if not self.label:
            return column
        return str(catalog()["joins"]["label"].format(column=column, label=short(self.label, NAME)))

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


def states(report: Report) -> dict[int, str]:
    """Identity of a measurement -> the worst state of a control on it; an exception that holds is a state, too."""
    worst: dict[int, str] = {}
    for entry in report.entries:
        for part in entry.ruling.parts:
            if part.finding >= 0:
                state = "waived" if entry.ruling.waived and part.state != "pass" else part.state
                key = id(report.sources.findings[part.finding])
                worst[key] = min(state, worst.get(key, state), key=_WORST_FIRST.index)
    return worst
