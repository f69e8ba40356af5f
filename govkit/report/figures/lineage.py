"""Where the model comes from: boxes for base and data, the run, the model, and arrows between them."""

from __future__ import annotations

from typing import Any

from govkit.report.charts import Chart
from govkit.report.charts.records import LEARNED, MOST_SOURCES
from govkit.report.escape import NAME, short
from govkit.report.figures.canvas import DASHED, FAINT, INK, SMALL, WASH, WIDE, Canvas
from govkit.report.figures.compared import counted, says
from govkit.report.numbers import number
from govkit.report.said import said
from govkit.report.words import mark, word

_LEFT, _MIDDLE, _RIGHT, _HIGH, _GAP = 196.0, 108.0, 118.0, 42.0, 6.0


def lineage(chart: Chart) -> Canvas:
    """Sources on the left, the run in the middle, the model on the right."""
    *sources, run, model = chart.facts
    shown = sources[: MOST_SOURCES + 1]
    whole = max(len(shown) * (_HIGH + _GAP), 60.0) + (14 if chart.more else 0)
    canvas = Canvas(whole + 16)
    middle = len(shown) * (_HIGH + _GAP) / 2 - _GAP / 2
    x = (WIDE - _RIGHT - _LEFT - _MIDDLE) / 2 + _LEFT
    trunk = (_LEFT + x) / 2
    for at, source in enumerate(shown):
        y = at * (_HIGH + _GAP) + 1
        _source(canvas, source, y)
        dash = "" if source["role"] in LEARNED else DASHED
        canvas.line(_LEFT, y + _HIGH / 2, trunk, y + _HIGH / 2, color=FAINT, dash=dash)
        canvas.line(trunk, y + _HIGH / 2, trunk, middle, color=FAINT, dash=dash)
    _arrow(canvas, trunk, x, middle)
    if chart.more:
        canvas.text(0, whole - 4, says("lineage", "more").format(more=number(chart.more).text), size=SMALL, color=FAINT)
    _arrow(canvas, x + _MIDDLE, WIDE - _RIGHT, middle)
    lines = (says("lineage", "run"), short(str(run["id"]), NAME), f"{run['method'] or '–'}, {said(str(run['exit']))}")
    _box(canvas, (x, middle - _HIGH / 2, _MIDDLE), lines)
    lines = (says("lineage", "model"), short(str(model["id"]), NAME), _digest(model["digest"]))
    _box(canvas, (WIDE - _RIGHT - 1, middle - _HIGH / 2, _RIGHT), lines)
    canvas.text(0, canvas.height - 4, says("lineage", "legend"), size=SMALL, color=FAINT)
    return canvas


def _source(canvas: Canvas, source: dict[str, Any], y: float) -> None:
    rows = f", {counted(source['rows'])}" if isinstance(source["rows"], int) else ""
    license_ = f"{source['license'] or says('lineage', 'license')} {mark('license_states', source['state']).said}"
    head = f"{word('roles', source['role'])}: {short(str(source['id'] or '–'), NAME)}"
    _box(canvas, (1.0, y, _LEFT - 1), (head, f"{_digest(source['digest'])}{rows}", license_))


def _box(canvas: Canvas, place: tuple[float, float, float], lines: tuple[str, str, str]) -> None:
    x, y, wide = place
    canvas.box(x, y, wide, _HIGH, fill=WASH, edge=FAINT)
    for at, line in enumerate(lines):
        color = INK if at < 2 else FAINT
        canvas.text(x + 6, y + 13 + 12 * at, line, size=SMALL, color=color, room=wide - 12)


def _digest(found: Any) -> str:
    """The beginning of a digest; a dash where there is none."""
    return str(found)[:15] if isinstance(found, str) and found.startswith("sha256:") else "–"


def _arrow(canvas: Canvas, start: float, end: float, y: float) -> None:
    canvas.line(start, y, end - 2, y, color=FAINT)
    canvas.curve([(end - 7, y - 3), (end - 1, y), (end - 7, y + 3)], color=FAINT)
