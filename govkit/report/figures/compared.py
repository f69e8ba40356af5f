"""Points with intervals beneath each other: models side by side, groups and columns beside their limits."""

from __future__ import annotations

from collections.abc import Sequence

from govkit.core import Measurement
from govkit.report.charts import Axis, Chart, Line
from govkit.report.charts.chart import ends, tick
from govkit.report.charts.views import MOST_GROUPS
from govkit.report.escape import NAME, short
from govkit.report.figures.canvas import COLORS, DASHED, FAINT, GRID, INK, LIMIT, MARKS, SMALL, WIDE, Canvas, Scale
from govkit.report.figures.widths import width
from govkit.report.numbers import number
from govkit.report.words import catalog, mark, metric, word

_ROW, _STATE = 16.0, 58.0
_HEIGHTS = {"base": -8.0, "candidate": 0.0, "incumbent": 8.0}


def says(kind: str, key: str) -> str:
    """Words inside of a figure."""
    return str(catalog()["figures"][kind][key])


def counted(rows: int) -> str:
    """A number of rows inside of a figure."""
    return str(catalog()["joins"]["n"].format(count=number(rows).text))


def legend(canvas: Canvas, sides: Sequence[str], y: float) -> None:
    """Marks of the models with their names, from the right."""
    x = WIDE - sum(width(word("of", of), SMALL) + 24 for of in sides)
    for of in sides:
        canvas.mark(MARKS[of], x + 4, y - 2.5, color=COLORS[of])
        x += 24 + canvas.text(x + 12, y, word("of", of), size=SMALL)


def ticks(canvas: Canvas, axis: Axis, scale: Scale, top: float, bottom: float) -> None:
    """Light lines across and their numbers beneath; a number that would touch the one before is left out."""
    free = -1.0
    for value in axis.ticks:
        x, half = scale(value), width(tick(value), SMALL) / 2
        canvas.line(x, top, x, bottom, color=GRID, wide=0.6)
        if x - half > free:
            canvas.text(x, bottom + 9, tick(value), size=SMALL, color=FAINT, anchor="middle")
            free = x + half + 4


def change(chart: Chart) -> Canvas:
    """One line a metric, each on its own scale: base, candidate and incumbent with their intervals."""
    high = 46.0
    canvas = Canvas(18 + high * len(chart.panels))
    sides = [of for of in MARKS if any(p.of == of for (line,) in chart.panels.values() for p in line.points)]
    legend(canvas, sorted(sides, key=list(_HEIGHTS).index), 10)
    for at, (name, (line,)) in enumerate(chart.panels.items()):
        middle = 36 + high * at
        scale = Scale(chart.axes[name], 180, WIDE - 8)
        ticks(canvas, chart.axes[name], scale, middle - 13, middle + 13)
        canvas.text(0, middle + 3, metric(name), room=164)
        way = [(scale(float(point.value)), middle + _HEIGHTS[point.of]) for point in line.points]
        canvas.curve(way, color=GRID, wide=2.5)
        for point in line.points:
            _point(canvas, point, scale, middle + _HEIGHTS[point.of])
    return canvas


def groups(chart: Chart) -> Canvas:
    """A panel a metric, a line a group: the difference to everybody else, beside zero and the limits."""
    names = tuple(dict.fromkeys(line.label for lines in chart.panels.values() for line in lines))[:MOST_GROUPS]
    top, left = 40.0, 152.0
    canvas = Canvas(top + _ROW * len(names) + 28 + (11 if chart.more else 0))
    rows = {name: top + _ROW * (at + 0.5) for at, name in enumerate(names)}
    first = {line.label: line.points[0] for lines in reversed(chart.panels.values()) for line in lines}
    for name, y in rows.items():
        _named(canvas, name, first[name], y, left)
    wide = (WIDE - left) / len(chart.panels)
    for at, (name, lines) in enumerate(chart.panels.items()):
        x = left + wide * at
        canvas.text(x + 8, 10, metric(name).split(",")[0], room=wide - 10)
        _forest(canvas, [line for line in lines if line.label in rows], chart.axes[name], rows, (x + 8, x + wide))
    bottom = top + _ROW * len(names) + 24
    canvas.text(0, bottom, says("groups", "legend"), size=SMALL, color=FAINT)
    if chart.more:
        canvas.text(0, bottom + 11, says("groups", "more"), size=SMALL, color=FAINT)
    return canvas


def drift(chart: Chart) -> Canvas:
    """A panel for numbers and one for categories, the column that moved farthest first."""
    left, head, foot = 180.0, 36.0, 24.0
    canvas = Canvas(sum(head + foot + _ROW * len(lines) for lines in chart.panels.values()) + 24)
    y = 0.0
    for name, lines in chart.panels.items():
        canvas.text(0, y + 10, metric(name), room=WIDE)
        rows = {str(at): y + head + _ROW * (at + 0.5) for at in range(len(lines))}
        for line, place in zip(lines, rows.values(), strict=True):
            _named(canvas, line.label, line.points[0], place, left)
        numbered = [Line(str(at), line.points, line.limits, line.state) for at, line in enumerate(lines)]
        _forest(canvas, numbered, chart.axes[name], rows, (left + 8, WIDE))
        y += head + foot + _ROW * len(lines)
    canvas.text(0, y + 6, says("drift", "legend"), size=SMALL, color=FAINT)
    if chart.more:
        canvas.text(0, y + 17, says("drift", "more").format(more=number(chart.more).text), size=SMALL, color=FAINT)
    return canvas


def _named(canvas: Canvas, name: str, found: Measurement, y: float, room: float) -> None:
    """A name on the left and its number of rows beside the lines."""
    count = counted(found.n)
    canvas.text(room - 2, y + 3, count, size=SMALL, color=FAINT, anchor="right")
    canvas.text(0, y + 3, short(name, NAME), room=room - width(count, SMALL) - 10)


def _forest(
    canvas: Canvas, lines: Sequence[Line], axis: Axis, rows: dict[str, float], span: tuple[float, float]
) -> None:
    """Points with intervals, their limits as dashed lines with the word above, and states as words on the right."""
    top, bottom = min(rows.values()) - _ROW / 2, max(rows.values()) + _ROW / 2
    left, right = span
    stated = any(line.state for line in lines)
    scale = Scale(axis, left, right - (_STATE if stated else 8))
    ticks(canvas, axis, scale, top, bottom)
    canvas.line(scale(0), top, scale(0), bottom, color=FAINT, wide=0.9)
    limits = sorted({limit for line in lines for limit in line.limits})
    if limits:
        told = f"{says('groups', 'limit')} {', '.join(number(limit).text for limit in limits)}"
        canvas.line(left, top - 12, left + 12, top - 12, color=LIMIT, dash=DASHED)
        canvas.text(left + 16, top - 9.5, told, room=right - left - 18, size=SMALL, color=LIMIT)
    for line in lines:
        y = rows[line.label]
        for limit in line.limits:
            canvas.line(scale(limit), y - _ROW / 2, scale(limit), y + _ROW / 2, color=LIMIT, dash=DASHED)
        _point(canvas, line.points[0], scale, y)
        if line.state:
            shown, color = mark("states", line.state).said, LIMIT if line.state == "fail" else INK
            canvas.text(right - _STATE + 6, y + 3, shown, room=_STATE - 6, size=SMALL, color=color)


def _point(canvas: Canvas, found: Measurement, scale: Scale, y: float) -> None:
    """A mark and its interval."""
    low, high = ends(found)
    color = COLORS.get(found.of, INK)
    canvas.line(scale(low), y, scale(high), y, color=color, wide=1.6)
    canvas.mark(MARKS.get(found.of, "circle"), scale(float(found.value)), y, color=color)
