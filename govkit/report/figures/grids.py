"""Tables that are seen at a glance: flips, licenses, risks. Words in the cells, shades only beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govkit.core import Measurement
from govkit.report.charts import Chart
from govkit.report.charts.chart import tick
from govkit.report.charts.records import MOST_SOURCES
from govkit.report.escape import NAME, short
from govkit.report.figures.canvas import FAINT, GRID, SMALL, WASH, WIDE, Canvas
from govkit.report.figures.compared import counted, says
from govkit.report.numbers import interval, number, value
from govkit.report.text import plain
from govkit.report.words import catalog, mark, word

_BAD, _GOOD, _DOUBT = "#f3dcda", "#cfe3ea", "#f6ead2"
_FILLS = {"deny": _BAD, "allow": _GOOD, "unknown": _DOUBT}
_LEVELS = {"low": WASH, "medium": "#f6ead2", "high": "#f0d3b4", "very high": "#f3dcda"}
MOST_IDS = 3


def flips(chart: Chart) -> Canvas:
    """Rows: the rival right or wrong; columns: this model right or wrong. What did not flip has words and no number."""
    wide = WIDE / len(chart.panels) if len(chart.panels) > 1 else WIDE * 0.62
    canvas = Canvas(136)
    for at, (rival, lines) in enumerate(chart.panels.items()):
        _flips(canvas, rival, {line.label: line.points[0] for line in lines}, wide * at, wide - 14)
    return canvas


def _flips(canvas: Canvas, rival: str, found: dict[str, Measurement], x: float, wide: float) -> None:
    side, high, top = wide * 0.3, 44.0, 28.0
    left, cell = x + side, wide * 0.35
    for at, key in enumerate(("right", "wrong")):
        margins = [plain(value(found[name])) if name in found and at == 0 else "" for name in ("now", "before")]
        middle, y = left + cell * (at + 0.5), top + high * at + 18
        canvas.text(
            middle, 10, f"{word('of', 'candidate')} {says('flips', key)}", size=SMALL, anchor="middle", room=cell
        )
        canvas.text(middle, 21, margins[0], size=SMALL, color=FAINT, anchor="middle", room=cell)
        canvas.lines(x, y, f"{word('of', rival)} {says('flips', key)}", size=SMALL, room=side - 6)
        canvas.text(x, y + 18, margins[1], size=SMALL, color=FAINT, room=side - 6)
    cells = (("kept", None, WASH), ("lost", found["lost"], _BAD), ("won", found["won"], _GOOD), ("failed", None, WASH))
    for at, (key, flipped, fill) in enumerate(cells):
        cx, cy = left + cell * (at % 2), top + high * (at // 2)
        canvas.box(cx, cy, cell, high, fill=fill, edge=GRID)
        middle = cx + cell / 2
        canvas.text(middle, cy + 14, says("flips", key), anchor="middle", room=cell - 4)
        if flipped is not None:
            canvas.text(middle, cy + 26, plain(value(flipped)), anchor="middle", room=cell - 4)
            canvas.text(middle, cy + 37, plain(interval(flipped)), size=SMALL, anchor="middle", room=cell - 4)
    told = counted(found["lost"].n)
    if "p" in found:
        told += f"; {word('metrics', 'mcnemar_p')} {number(float(found['p'].value)).text}"
    canvas.text(x, top + 2 * high + 14, told, size=SMALL, color=FAINT, room=wide)


def licenses(chart: Chart) -> Canvas:
    """A row for each part, a column for each use; together the answer that was signed."""
    rows = chart.facts[: MOST_SOURCES + 1]
    uses = tuple(rows[0]["uses"]) if rows else ()
    left, high, top = 170.0, 26.0, 28.0
    cell = (WIDE - left) / max(len(uses), 1)
    canvas = Canvas(top + high * len(rows) + 22 + (12 if chart.more else 0))
    for at, use in enumerate(uses):
        canvas.lines(left + cell * (at + 0.5), 10, word("intents", use), size=SMALL, anchor="middle", room=cell - 6)
    for at, row in enumerate(rows):
        y = top + high * at
        canvas.text(0, y + 11, f"{word('roles', row['role'])}: {short(str(row['id'] or '–'), NAME)}", room=left - 8)
        said = row["license"] or catalog()["license_states"][row["state"]]["text"]
        canvas.text(0, y + 21, short(said, NAME), size=SMALL, color=FAINT, room=left - 8)
        for column, use in enumerate(uses):
            _allowed(canvas, row["uses"][use], (left + cell * column, y, cell, high))
    y = top + high * len(rows) + 16
    if chart.more:
        canvas.text(0, y, says("lineage", "more").format(more=number(chart.more).text), size=SMALL, color=FAINT)
        y += 12
    told = says("licenses", "together").format(together=chart.main["together"])
    canvas.text(0, y, told, room=WIDE)
    return canvas


def _allowed(canvas: Canvas, answer: str, place: tuple[float, float, float, float]) -> None:
    x, y, wide, high = place
    shape = says("licenses", f"{answer}_shape")
    canvas.box(x, y, wide, high, fill=_FILLS.get(answer, WASH), edge="#ffffff")
    canvas.text(x + wide / 2, y + high / 2 + 3, f"{shape} {word('values', answer)}", anchor="middle", room=wide - 6)


def risks(chart: Chart) -> Canvas:
    """On the left each risk where it was declared; on the right, by the same impact, its level after the controls."""
    left, high, top = 44.0, 40.0, 34.0
    canvas = Canvas(top + 5 * high + 30)
    half = (WIDE - left - 13) / 2
    canvas.text(left, 10, says("risks", "before"), room=half)
    canvas.text(left + half + 12, 10, says("risks", "after"), room=half)
    for at, impact in enumerate((5, 4, 3, 2, 1)):
        y = top + high * at
        canvas.text(left - 8, y + high / 2 + 3, tick(impact), size=SMALL, color=FAINT, anchor="right")
        for column in range(5):
            own = [row for row in chart.facts if (row["impact"], row["likelihood"]) == (impact, column + 1)]
            _risks(canvas, own, (left + half / 5 * column, y, half / 5, high), _shade(own, "before"))
        for column, level in enumerate(_LEVELS):
            own = [row for row in chart.facts if (row["impact"], row["after"]) == (impact, level)]
            _risks(canvas, own, (left + half + 12 + half / 4 * column, y, half / 4, high), _shade(own, "after"))
    for column in range(5):
        canvas.text(left + half / 5 * (column + 0.5), 28, tick(column + 1), size=SMALL, color=FAINT, anchor="middle")
    for column, level in enumerate(_LEVELS):
        x = left + half + 12 + half / 4 * (column + 0.5)
        canvas.text(x, 28, mark("levels", level).text, size=SMALL, color=FAINT, anchor="middle")
    canvas.text(0, 28, says("risks", "impact"), size=SMALL, color=FAINT, room=left - 4)
    canvas.text(left, top + 5 * high + 14, says("risks", "legend"), size=SMALL, color=FAINT, room=WIDE - left)
    return canvas


def _shade(own: Sequence[dict[str, Any]], key: str) -> str:
    return max((_LEVELS[row[key]] for row in own), key=list(_LEVELS.values()).index, default="#ffffff")


def _risks(canvas: Canvas, own: Sequence[dict[str, Any]], place: tuple[float, float, float, float], fill: str) -> None:
    x, y, wide, high = place
    canvas.box(x, y, wide, high, fill=fill, edge=GRID)
    shown = [str(row["id"]) for row in own[:MOST_IDS]]
    if len(own) > MOST_IDS:
        shown[-1] = str(catalog()["comment"]["more"])
    for at, name in enumerate(shown):
        canvas.text(x + wide / 2, y + 11 + 11 * at, short(name, NAME), size=SMALL, anchor="middle", room=wide - 4)
