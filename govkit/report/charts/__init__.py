"""Which figures a bundle calls for, and the findings behind each of them."""

from __future__ import annotations

from govkit.report.charts.chart import Axis, Chart, Line
from govkit.report.charts.conditions import budget, drift
from govkit.report.charts.outcomes import CHANGED, RIVALS, SIDES, change, flips, groups, reliability
from govkit.report.charts.records import licenses, lineage, risks
from govkit.report.model import Report


def choose(report: Report) -> tuple[Chart, ...]:
    """The figures that a bundle allows, in the order of the report."""
    before, after = (lineage, licenses, change, flips), (reliability, drift, budget, risks)
    found = (*(made(report) for made in before), *groups(report), *(made(report) for made in after))
    return tuple(chart for chart in found if chart is not None)
