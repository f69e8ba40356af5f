"""Draws the figures as SVG, with text kept as text. Same findings, same bytes: no date, no ids, no font is asked."""

from __future__ import annotations

from collections.abc import Callable

from govkit.report.charts import Chart
from govkit.report.figures.canvas import Canvas
from govkit.report.figures.compared import change, drift, groups
from govkit.report.figures.diagrams import budget, reliability
from govkit.report.figures.grids import flips, licenses, risks
from govkit.report.figures.lineage import lineage

_MADE: tuple[Callable[[Chart], Canvas], ...] = (
    lineage, licenses, change, flips, groups, reliability, drift, budget, risks,
)  # fmt: skip
_DRAWN = {made.__name__: made for made in _MADE}
"""Kind of a chart, which is the name of the function that draws it."""


def draw(chart: Chart) -> bytes:
    """Draw one figure.

    Returns:
        SVG, the same bytes for the same findings.
    """
    return _DRAWN[chart.kind](chart).svg()
