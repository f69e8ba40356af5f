"""Figures of what was measured: the transfer, the flips, the groups, the probabilities."""

from __future__ import annotations

from govkit.core import Measurement, Of
from govkit.report.charts.chart import SHARES, Chart, Line, axis_of
from govkit.report.charts.views import ERROR_DIFFERENCES, MOST_GROUPS, MOST_LABELS, View, labels, states, views
from govkit.report.escape import NAME, short
from govkit.report.model import GROUP_DIFFERENCES, Report
from govkit.report.numbers import value
from govkit.report.text import plain
from govkit.report.words import catalog, metric, word

CHANGED = (
    "accuracy", "subset_accuracy", "balanced_accuracy", "roc_auc", "average_precision", "hamming_loss",
    "mean_absolute_error", "calibration_error",
)  # fmt: skip
SIDES: tuple[Of, ...] = ("base", "candidate", "incumbent")
RIVALS: tuple[Of, ...] = ("base", "incumbent")


def change(report: Report) -> Chart | None:
    """The same measure for each model."""
    panels: dict[str, tuple[Line, ...]] = {}
    behind: list[Measurement] = []
    for name in CHANGED:
        points = [found for of in SIDES if (found := report.find(name, of=of)) and found.is_number]
        if len(points) > 1:
            panels[name] = (Line("", tuple(points)),)
            behind += points
            behind += [found for other in RIVALS if (found := report.find(name, compared_with=other))]
    if not panels:
        return None
    axes = {name: axis_of(lines) for name, lines in panels.items()}
    first, ((line,), *_) = next(iter(panels)), panels.values()
    told = ", ".join(f"{word('of', point.of)} {plain(value(point))}" for point in line.points)
    main = {"main": f"{metric(first)}: {told}"}
    return Chart("change", "change", panels, axes, tuple(behind), main=main)


def flips(report: Report) -> Chart | None:
    """Right and wrong answers of a rival beside those of this model."""
    panels: dict[str, tuple[Line, ...]] = {}
    told: list[str] = []
    for rival in RIVALS:
        lost, won = (report.find(f"{kind}_flip_rate_vs_{rival}") for kind in ("negative", "positive"))
        if lost is None or won is None or not (lost.is_number and won.is_number):
            continue
        beside = {
            "before": report.find("accuracy", of=rival),
            "now": report.find("accuracy"),
            "p": report.find("mcnemar_p", compared_with=rival),
        }
        # The margins of the table belong to it only where they speak of the same rows.
        same = {name: m for name, m in beside.items() if m is not None and (m.n, m.data) == (lost.n, lost.data)}
        named = {"lost": lost, "won": won, **same}
        panels[rival] = tuple(Line(name, (found,)) for name, found in named.items())
        says = catalog()["told"]["flips"]
        told.append(says.format(of=word("of", rival), lost=plain(value(lost)), won=plain(value(won))))
    behind = tuple(point for lines in panels.values() for line in lines for point in line.points)
    return Chart("flips", "flips", panels, findings=behind, main={"main": "; ".join(told)}) if panels else None


def groups(report: Report) -> list[Chart]:
    """A figure for each column of groups."""
    shown = sorted(views(report), key=lambda view: view.column)
    found = (_by_group(report, view, f"groups-{index}") for index, view in enumerate(shown, start=1))
    return [chart for chart in found if chart is not None]


def _by_group(report: Report, view: View, key: str) -> Chart | None:
    known, panels = states(report), dict[str, tuple[Line, ...]]()
    for name in (*GROUP_DIFFERENCES, *ERROR_DIFFERENCES):
        found = [m for g in view.groups if (m := report.find(name, part=view.part(g))) and m.is_number]
        if found:
            panels[name] = tuple(Line(m.part[view.column], (m,), report.limits(m), known.get(id(m), "")) for m in found)
    if not panels:
        return None
    behind = tuple(line.points[0] for lines in panels.values() for line in lines)
    drawn = {
        name: [line for line in lines if line.label in view.groups[:MOST_GROUPS]] for name, lines in panels.items()
    }
    axes = {name: axis_of(lines or panels[name], zero=True, most=3) for name, lines in drawn.items()}
    first, lines = next(iter(panels.items()))
    far = max(lines, key=lambda line: abs(float(line.points[0].value)))
    main = {"main": f"{metric(first)}: {short(far.label, NAME)} {plain(value(far.points[0]))}"}
    more = max(len(view.groups) - MOST_GROUPS, 0)
    return Chart(key, "groups", panels, axes, behind, about=view.about, main=main, more=more)


def reliability(report: Report) -> Chart | None:
    """Observed share against stated probability."""
    panels: dict[str, tuple[Line, ...]] = {}
    curves: dict[str, tuple[tuple[float, Measurement], ...]] = {}
    # A panel a model; labels are told apart instead where there are several, and only of the candidate.
    known: list[tuple[Of, str]] = [("candidate", label) for label in labels(report)[:MOST_LABELS]]
    for of, label in known or [(of, "") for of in SIDES]:
        pairs = [pair for pair in report.bins(of) if not label or pair[1].part.get("label") == label]
        line = [(at, m) for at, m in report.curve(of) if not label or m.part.get("label") == label]
        if pairs:
            panels[label or of] = tuple(Line(label, pair) for pair in pairs)
            curves[label or of] = tuple((place, found) for place, found in line if found.is_number)
    if not panels:
        return None
    behind = [point for lines in panels.values() for line in lines for point in line.points]
    behind += [found for curve in curves.values() for _, found in curve]
    error = report.find("calibration_error")
    main = f"; {metric('calibration_error')} {plain(value(error))}" if error is not None and error.is_number else ""
    axes = dict.fromkeys(panels, SHARES)
    return Chart("reliability", "reliability", panels, axes, tuple(behind), curves=curves, main={"main": main})
