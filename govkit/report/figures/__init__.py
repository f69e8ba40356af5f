"""Draws the figures as SVG, with text kept as text. Same findings, same bytes: no date, no ids, no font is asked."""

from __future__ import annotations

from collections.abc import Callable

from govkit.report.charts import Chart
from govkit.report.charts.chart import Kind
from govkit.report.figures.canvas import Canvas
from govkit.report.figures.compared import change, drift, groups
from govkit.report.figures.diagrams import budget, reliability
from govkit.report.figures.grids import flips, licenses, risks
from govkit.report.figures.lineage import lineage

_DRAWN: dict[Kind, Callable[[Chart], Canvas]] = {
    "lineage": lineage,
    "licenses": licenses,
    "change": change,
    "flips": flips,
    "groups": groups,
    "reliability": reliability,
    "drift": drift,
    "budget": budget,
    "risks": risks,
}


def draw(chart: Chart) -> bytes:
    """Draw one figure.

    Returns:
        SVG, the same bytes for the same findings.
    """
    return _DRAWN[chart.kind](chart).svg()
