"""Draws the figures as SVG. Same findings, same bytes: no date, fixed ids, text kept as text."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from govkit.core import Measurement
from govkit.errors import missing_extra
from govkit.report.charts import MOST_GROUPS, Chart
from govkit.report.escape import drawable, short
from govkit.report.numbers import UNBOUNDED
from govkit.report.words import metric, word

INK, FAINT, GRID = "#1d2a33", "#66737d", "#dfe4e8"
COLORS = {"candidate": "#0b5c7a", "base": "#7b8790", "incumbent": "#b07a24"}
MARKERS = {"candidate": "o", "base": "s", "incumbent": "D"}
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "govkit", "font.family": ["DejaVu Sans"], "font.size": 8,
    "text.parse_math": False, "axes.edgecolor": GRID, "axes.labelcolor": FAINT, "text.color": INK,
    "xtick.color": FAINT, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 8, "axes.titlelocation": "left", "axes.axisbelow": True, "legend.frameon": False,
    "axes.unicode_minus": True, "xtick.labelsize": 7.5,
}  # fmt: skip


def draw(chart: Chart) -> bytes:
    """Draw one figure.

    Returns:
        SVG, the same bytes for the same findings and version of matplotlib.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_size(chart), layout="constrained")
        {"change": _change, "groups": _groups, "reliability": _reliability}[chart.kind](figure, chart)
        target = io.BytesIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return target.getvalue()


def _size(chart: Chart) -> tuple[float, float]:
    """Width and height in inches."""
    if chart.kind == "reliability":
        return (6.7, 3.1 if len(chart.panels) > 2 else 4.0)
    lines = max(len(lines) for lines in chart.panels.values())
    return (
        (6.7, 0.55 * len(chart.panels) + 0.5)
        if chart.kind == "change"
        else (6.7, 0.85 + 0.24 * min(lines, MOST_GROUPS))
    )


def _label(text: str, longest: int = 28) -> str:
    whole = drawable(short(text, longest=200))
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def _error(found: Measurement) -> tuple[float, float]:
    """Ends of the interval; the value itself where there is none, or where it ends nowhere."""
    low, high = (found.interval.low, found.interval.high) if found.interval else (_y(found), _y(found))
    return (low, high) if max(abs(low), abs(high)) < UNBOUNDED else (_y(found), _y(found))


def _y(found: Measurement) -> float:
    return float(found.value)


@contextmanager
def _quiet(axis: Any) -> Iterator[None]:
    """An axis with a light grid across it and no box around it."""
    axis.grid(axis="x", color=GRID, linewidth=0.6)
    axis.tick_params(length=0)
    yield
    axis.spines["left"].set_visible(False)


def _change(figure: Any, chart: Chart) -> None:
    """One line a metric, each on its own scale: base, candidate and incumbent with their intervals."""
    axes = figure.subplots(len(chart.panels), 1, squeeze=False)[:, 0]
    seen: dict[str, Any] = {}
    for axis, (name, (line,)) in zip(axes, chart.panels.items(), strict=True):
        with _quiet(axis):
            values = [_y(point) for point in line.points]
            axis.hlines(0, min(values), max(values), color=GRID, linewidth=3, zorder=1)
            for offset, point in enumerate(line.points):
                height = 0.34 - 0.34 * offset
                axis.hlines(height, *_error(point), color=COLORS[point.of], linewidth=1.6, zorder=2)
                seen[point.of] = axis.plot(
                    [_y(point)], [height], MARKERS[point.of], color=COLORS[point.of], markersize=5, zorder=3
                )[0]
            axis.set(ylim=(-0.7, 0.7), yticks=[0], yticklabels=[_label(metric(name))])
            axis.margins(x=0.08)
    figure.legend(
        seen.values(), [word("of", of) for of in seen], loc="outside upper right", ncols=len(seen), fontsize=8
    )


def _groups(figure: Any, chart: Chart) -> None:
    """One panel a metric, one line a group: the difference to everybody else, beside zero and the limits."""
    names = tuple(dict.fromkeys(line.label for lines in chart.panels.values() for line in lines))[:MOST_GROUPS]
    rows = {name: len(names) - index for index, name in enumerate(names)}
    axes = figure.subplots(1, len(chart.panels), squeeze=False, sharey=True)[0]
    for axis, (metric_name, lines) in zip(axes, chart.panels.items(), strict=True):
        with _quiet(axis):
            axis.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
            for limit in chart.limits[metric_name]:
                axis.axvline(limit, color="#9b1c1c", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            for line in (line for line in lines if line.label in rows):
                (point,), row = line.points, rows[line.label]
                axis.hlines(row, *_error(point), color=COLORS["candidate"], linewidth=1.6, zorder=2)
                axis.plot([_y(point)], [row], "o", color=COLORS["candidate"], markersize=4.5, zorder=3)
            axis.set_title(_label(metric(metric_name).split(",")[0]), color=INK)
            axis.set(yticks=list(rows.values()), yticklabels=[_label(name, 24) for name in rows])
            axis.set_ylim(0.4, len(rows) + 0.6)
            axis.locator_params(axis="x", nbins=4)
    figure.supxlabel("difference to everybody else; dashed: limit of the policy" if _limited(chart) else
                     "difference to everybody else", fontsize=7.5, color=FAINT)  # fmt: skip


def _limited(chart: Chart) -> bool:
    return any(chart.limits.values())


def _reliability(figure: Any, chart: Chart) -> None:
    """One panel a model or a label: observed share against stated probability, binned and smooth, and the diagonal."""
    axes = figure.subplots(1, max(2, len(chart.panels)), squeeze=False)[0]
    for spare in axes[len(chart.panels) :]:
        spare.set_axis_off()
    for axis, (key, lines) in zip(axes, chart.panels.items(), strict=False):
        of, label = lines[0].points[0].of, lines[0].label
        axis.grid(color=GRID, linewidth=0.6)
        axis.tick_params(length=0)
        axis.plot([0, 1], [0, 1], color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        pairs = sorted((_y(stated), _y(seen), *_error(seen)) for stated, seen in (line.points for line in lines))
        stated, observed, low, high = zip(*pairs, strict=True)
        axis.vlines(stated, low, high, color=COLORS[of], linewidth=1.4, alpha=0.55, zorder=2)
        axis.plot(stated, observed, MARKERS[of], color=COLORS[of], markersize=4.5, zorder=3)
        for piece in _unbroken(chart.curves.get(key, ())):
            axis.plot(*zip(*piece, strict=True), color=COLORS[of], linewidth=1.1, zorder=3)
        axis.set_title(_label(label, 20) if label else word("of", of), color=INK)
        axis.set(
            xticks=(0, 0.5, 1),
            yticks=(0, 0.5, 1),
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
            aspect="equal",
            xlabel="stated probability",
        )
    axes[0].set_ylabel("observed share")
    smooth = "; line: smoothed without bins" if any(chart.curves.values()) else ""
    says = f"points: bins, with intervals{smooth}; dashed: stated as observed"
    figure.supxlabel(says, x=0.01, ha="left", fontsize=7.5, color=FAINT)


def _unbroken(curve: Sequence[tuple[float, Measurement]]) -> Iterator[list[tuple[float, float]]]:
    """Pieces of a curve between places that were left out because too few rows lie there."""
    places = [place for place, _ in curve]
    step = min((after - before for before, after in pairwise(places)), default=0.0)
    piece: list[tuple[float, float]] = []
    for place, found in curve:
        if piece and place - piece[-1][0] > 1.5 * step:
            yield piece
            piece = []
        piece.append((place, _y(found)))
    if piece:
        yield piece
