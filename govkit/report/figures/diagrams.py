"""Diagrams with two axes: stated and observed probabilities, answers under attack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from govkit.core import Measurement
from govkit.report.charts import Axis, Chart, Line
from govkit.report.charts.chart import SHARES, ends, tick
from govkit.report.charts.conditions import said, size
from govkit.report.figures.canvas import COLORS, DASHED, FAINT, GRID, INK, MARKS, SMALL, WIDE, Canvas, Scale
from govkit.report.figures.compared import says, ticks
from govkit.report.numbers import number, value
from govkit.report.text import plain
from govkit.report.words import mark, metric, word

_BARS = 20.0


def reliability(chart: Chart) -> Canvas:
    """A panel a model or a label: observed share against stated probability, and the rows of each bin beneath."""
    side = min(WIDE / len(chart.panels) - 40, 170.0)
    canvas = Canvas(side + _BARS + 92)
    for at, (key, lines) in enumerate(chart.panels.items()):
        left = WIDE / len(chart.panels) * at + 26
        title = lines[0].label or word("of", lines[0].points[0].of)
        canvas.text(left, 10, title, room=side + 10)
        _diagram(canvas, lines, chart.curves.get(key, ()), (left, 18.0, side))
    smooth = says("reliability", "smooth") if any(chart.curves.values()) else ""
    canvas.lines(
        0, canvas.height - 13, says("reliability", "legend").format(smooth=smooth), room=WIDE, size=SMALL, color=FAINT
    )
    return canvas


def _diagram(canvas: Canvas, lines: Sequence[Line], curve: Sequence[tuple[float, Measurement]],
             place: tuple[float, float, float]) -> None:  # fmt: skip
    left, top, side = place
    across, up = Scale(SHARES, left, left + side), Scale(SHARES, top + side, top)
    _axes(canvas, SHARES, across, up, place)
    color = COLORS[lines[0].points[0].of]
    canvas.line(left, top + side, left + side, top, color=FAINT, wide=0.9, dash=DASHED)
    for piece in unbroken(curve):
        band = [(across(x), *map(up, ends(found))) for x, found in piece]
        edge = [(x, low) for x, low, _ in band] + [(x, high) for x, _, high in reversed(band)]
        canvas.area(edge, fill=color)
        canvas.curve([(across(x), up(float(found.value))) for x, found in piece], color=color)
    for stated, observed in (line.points for line in lines):
        low, high = ends(observed)
        x = across(float(stated.value))
        canvas.line(x, up(low), x, up(high), color=color, wide=1.4)
        canvas.mark(MARKS[observed.of], x, up(float(observed.value)), color=color, size=2.2)
    _rows(canvas, lines, across, top + side + 34)


def _axes(canvas: Canvas, axis: Axis, across: Scale, up: Scale, place: tuple[float, float, float]) -> None:
    left, top, side = place
    for at in axis.ticks:
        canvas.line(left, up(at), left + side, up(at), color=GRID, wide=0.6)
        canvas.text(left - 4, up(at) + 2.5, tick(at), size=SMALL, color=FAINT, anchor="right")
    ticks(canvas, axis, across, top, top + side)
    canvas.text(left + side / 2, top + side + 20, says("reliability", "x"), size=SMALL, color=FAINT, anchor="middle",
                room=side + 20)  # fmt: skip


def _rows(canvas: Canvas, lines: Sequence[Line], across: Scale, top: float) -> None:
    """A bar for the rows of each bin; the fewest and the most are written."""
    most = max(lines, key=lambda line: line.points[1].n).points[1].n
    fewest = min(lines, key=lambda line: line.points[1].n).points[1].n
    for stated, observed in (line.points for line in lines):
        high = _BARS * observed.n / max(most, 1)
        canvas.box(across(float(stated.value)) - 2.5, top + _BARS - high, 5, high, fill="#b9c6cf")
    told = says("reliability", "rows").format(fewest=number(fewest).text, most=number(most).text)
    canvas.text(across.start, top + _BARS + 10, told, size=SMALL, color=FAINT, room=across.end - across.start + 20)


def unbroken(curve: Sequence[tuple[float, Measurement]]) -> Iterator[list[tuple[float, Measurement]]]:
    """Pieces of a curve between places that were left out because too few rows lie there."""
    places = [place for place, _ in curve]
    step = min((after - before for before, after in pairwise(places)), default=0.0)
    piece: list[tuple[float, Measurement]] = []
    for place, found in curve:
        if piece and place - piece[-1][0] > 1.5 * step:
            yield piece
            piece = []
        piece.append((place, found))
    if piece:
        yield piece


def budget(chart: Chart) -> Canvas:
    """A panel a kind of attack: what stands without one and under each size of it."""
    high = 150.0
    canvas = Canvas((high + 66) * len(chart.panels) + 6)
    for at, (title, lines) in enumerate(chart.panels.items()):
        check, norm, *_ = title.split(" ")
        top = (high + 66) * at
        canvas.text(0, top + 10, f"{word('checks', check)}: {says('budget', norm)}", room=WIDE)
        _attacked(canvas, lines, chart.axes[title], top + 20, high)
    canvas.text(0, canvas.height - 4, says("budget", "legend"), size=SMALL, color=FAINT)
    return canvas


def _attacked(canvas: Canvas, lines: Sequence[Line], axis: Axis, top: float, high: float) -> None:
    left, right = 34.0, 250.0
    up = Scale(axis, top + high, top)
    for at in axis.ticks:
        canvas.line(left, up(at), right, up(at), color=GRID, wide=0.6)
        canvas.text(left - 6, up(at) + 2.5, tick(at), size=SMALL, color=FAINT, anchor="right")
    budgets = list(dict.fromkeys(size(point) for line in lines for point in line.points[1:]))
    step = (right - left - 24) / len(budgets)
    places = {budget: left + 12 + step * at for at, budget in enumerate(budgets, start=1)}
    canvas.text(left + 12, top + high + 12, says("budget", "none"), size=SMALL, color=FAINT, anchor="middle", room=60)
    for budget, x in places.items():
        canvas.text(x, top + high + 12, said(budget), size=SMALL, color=FAINT, anchor="middle", room=max(step, 60) - 4)
        trusts = [point.trust for point in lines[0].points[1:] if size(point) == budget and point.trust]
        for believed in trusts[:1]:
            shown = mark("trust", believed).said
            canvas.text(x, top + high + 22, shown, size=SMALL, color=FAINT, anchor="middle", room=max(step, 60) - 4)
    for line in lines:
        before, *attacked = line.points
        way = [(left + 12, up(float(before.value)))]
        way += [(places[size(point)], up(float(point.value))) for point in attacked]
        color = COLORS.get(before.of, INK)
        canvas.curve(way, color=color, dash="" if line is lines[0] or "random" not in line.label else "2 2")
        for (x, y), point in zip(way, line.points, strict=True):
            low, upper = ends(point)
            canvas.line(x, up(low), x, up(upper), color=color)
            canvas.mark(MARKS.get(point.of, "circle"), x, y, color=color, hollow=point.trust not in (None, "trusted"))
    _ends(canvas, lines, up, (right + 6, top + 4, top + high))


def _ends(canvas: Canvas, lines: Sequence[Line], up: Scale, place: tuple[float, float, float]) -> None:
    """What each line is, with its last value and whether to believe it, beneath each other beside their ends."""
    x, free, bottom = place
    apart = 30.0
    last = sorted((line.points[-1] for line in lines), key=lambda point: up(float(point.value)))
    for at, point in enumerate(last):
        y = max(min(up(float(point.value)), bottom - apart * (len(last) - 1 - at) - 18), free)
        free = y + apart
        canvas.line(x - 2, up(float(point.value)), x + 8, y, color=GRID)
        canvas.mark(MARKS.get(point.of, "circle"), x + 12, y, color=COLORS.get(point.of, INK),
                    hollow=point.trust not in (None, "trusted"), size=2.4)  # fmt: skip
        believed = f"  {mark('trust', point.trust).said}" if point.trust else ""
        told = f"{word('of', point.of)}: {plain(value(point))}{believed}"
        canvas.text(x + 20, y + 1, told, size=SMALL, room=WIDE - x - 20)
        canvas.lines(x + 20, y + 10, metric(point.name, point.check), size=6.5, color=FAINT, room=WIDE - x - 20)
