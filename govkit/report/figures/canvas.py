"""A page to draw on: lines, boxes, marks and texts, written as SVG. Same calls, same bytes."""

from __future__ import annotations

from html import escape

from govkit.report.charts import Axis
from govkit.report.figures.widths import fitted, split, width

WIDE = 482.0
"""Width of every figure in points; heights differ."""
INK, FAINT, GRID, WASH, LIMIT = "#1d2a33", "#5b6871", "#dfe4e8", "#f4f7f8", "#9b1c1c"
COLORS = {"candidate": "#0b5c7a", "base": "#7b8790", "incumbent": "#b07a24"}
MARKS = {"candidate": "circle", "base": "square", "incumbent": "diamond"}
SIZE, SMALL = 8.0, 7.0
_ANCHORS = {"left": "start", "middle": "middle", "right": "end"}
DASHED = "4 3"


class Canvas:
    """Collects shapes. Places are points from the left and from the top."""

    def __init__(self, height: float) -> None:
        self.height = height
        self._shapes: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, *, color: str, wide: float = 1.0,
             dash: str = "") -> None:  # fmt: skip
        """A straight line."""
        way = f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"
        self._add(f'<path d="{way}" stroke="{color}" stroke-width="{_n(wide)}"{_dashed(dash)}/>')

    def curve(self, points: list[tuple[float, float]], *, color: str, wide: float = 1.2, dash: str = "") -> None:
        """A line through points."""
        way = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._add(f'<path d="M{way}" fill="none" stroke="{color}" stroke-width="{_n(wide)}"{_dashed(dash)}/>')

    def area(self, points: list[tuple[float, float]], *, fill: str) -> None:
        """What lies inside of a line through points."""
        way = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._add(f'<path d="M{way}Z" fill="{fill}" fill-opacity="0.18"/>')

    def box(self, x: float, y: float, wide: float, high: float, *, fill: str = "none", edge: str = "none") -> None:
        """A rectangle."""
        size = f'width="{_n(wide)}" height="{_n(high)}"'
        self._add(f'<rect x="{_n(x)}" y="{_n(y)}" {size} fill="{fill}" stroke="{edge}"/>')

    def mark(self, shape: str, x: float, y: float, *, color: str, hollow: bool = False, size: float = 3.0) -> None:
        """A circle, square or diamond; a hollow one is not filled."""
        style = f'fill="{"#ffffff" if hollow else color}" stroke="{color}" stroke-width="1.2" class="mark"'
        if shape == "circle":
            self._add(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(size)}" {style}/>')
        elif shape == "square":
            corner = f'x="{_n(x - size)}" y="{_n(y - size)}"'
            self._add(f'<rect {corner} width="{_n(2 * size)}" height="{_n(2 * size)}" {style}/>')
        else:
            r = 1.3 * size
            way = f"M{_n(x)} {_n(y - r)}L{_n(x + r)} {_n(y)}L{_n(x)} {_n(y + r)}L{_n(x - r)} {_n(y)}Z"
            self._add(f'<path d="{way}" {style}/>')

    def text(self, x: float, y: float, text: str, *, room: float = WIDE, size: float = SIZE, color: str = INK,
             anchor: str = "left") -> float:  # fmt: skip
        """A free text on the base line ``y``, cut to ``room``; returns its width."""
        shown = fitted(text, size, room)
        place = "" if anchor == "left" else f' text-anchor="{_ANCHORS[anchor]}"'
        self._add(f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" fill="{color}"{place}>{escape(shown)}</text>')
        return width(shown, size)

    def lines(self, x: float, y: float, text: str, *, room: float, size: float = SIZE, color: str = INK,
              anchor: str = "left") -> None:  # fmt: skip
        """A free text on two lines at most, the first of them on the base line ``y``."""
        first, rest = split(text, size, room)
        self.text(x, y, first, room=room, size=size, color=color, anchor=anchor)
        if rest:
            self.text(x, y + 1.25 * size, rest, room=room, size=size, color=color, anchor=anchor)

    def svg(self) -> bytes:
        """The file."""
        frame = f'width="{_n(WIDE)}pt" height="{_n(self.height)}pt" viewBox="0 0 {_n(WIDE)} {_n(self.height)}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {frame} font-family="\'DejaVu Sans\', Verdana, sans-serif">'
        return "\n".join([head, *self._shapes, "</svg>", ""]).encode("ascii", "xmlcharrefreplace")

    def _add(self, shape: str) -> None:
        self._shapes.append(shape)


class Scale:
    """Places of numbers between two ends of a line; what lies outside stands at its end."""

    def __init__(self, axis: Axis, start: float, end: float) -> None:
        self.axis, self.start, self.end = axis, start, end

    def __call__(self, value: float) -> float:
        """Place of a number."""
        low, high = self.axis.low, self.axis.high
        share = (min(max(value, low), high) / 2 - low / 2) / (high / 2 - low / 2)
        return self.start + share * (self.end - self.start)


def _dashed(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""


def _n(value: float) -> str:
    """A length with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
