"""Figures of other conditions: columns that moved, and answers under attack."""

from __future__ import annotations

from itertools import product
from typing import TypeAlias

from govkit.core import Measurement, Of
from govkit.report.charts.chart import SHARES, Chart, Line, axis_of
from govkit.report.charts.views import states
from govkit.report.escape import NAME, short
from govkit.report.model import Report
from govkit.report.numbers import number, value
from govkit.report.said import said as shipped
from govkit.report.text import plain
from govkit.report.words import catalog, mark, metric

MOST_COLUMNS = 30
"""Columns that the figure of drift draws, the farthest first; its table holds all of them."""
MOST_BUDGETS = 6
DISTANCES = ("wasserstein", "total_variation")
Size: TypeAlias = tuple[float | None, str]
ATTACKED = {
    "adversarial": ("clean_accuracy", "robust_accuracy", "random_accuracy"),
    "number_attacks": ("clean_error", "attacked_error"),
}
"""Check -> its value without an attack, under the worst one, and under noise."""
SUBJECTS: tuple[Of, ...] = ("candidate", "base")
_NORMS = ("linf", "l2")


def drift(report: Report) -> Chart | None:
    """How far each column of the shifted rows lies from the test rows, the farthest first."""
    known, panels = states(report), dict[str, tuple[Line, ...]]()
    for distance in DISTANCES:
        names = {distance: "", f"label_{distance}": "label", f"prediction_{distance}": "prediction"}
        found = [m for m in report.measurements if m.check == "drift" and m.name in names and _own(m)]
        lines = [Line(_column(m, names[m.name]), (m,), report.limits(m), known.get(id(m), "")) for m in found]
        if lines:
            panels[distance] = tuple(sorted(lines, key=lambda line: -float(line.points[0].value)))
    if not panels:
        return None
    behind = tuple(line.points[0] for lines in panels.values() for line in lines)
    each = MOST_COLUMNS // len(panels)
    drawn = {name: lines[:each] for name, lines in panels.items()}
    more = sum(len(lines) - len(drawn[name]) for name, lines in panels.items())
    axes = {name: axis_of(lines, zero=True) for name, lines in drawn.items()}
    told = (
        f"{metric(name)}: {short(own[0].label, NAME)} {plain(value(own[0].points[0]))}" for name, own in drawn.items()
    )
    return Chart("drift", "drift", drawn, axes, behind, main={"main": "; ".join(told)}, more=more)


def _own(found: Measurement) -> bool:
    return found.is_number and found.of == "candidate" and found.compared_with is None


def _column(found: Measurement, kind: str) -> str:
    own = found.part.get("column") or found.part.get("label", "")
    said = str(catalog()["figures"]["drift"].get(kind, ""))
    return ", ".join(filter(None, (said, own))) or metric(found.name)


def budget(report: Report) -> Chart | None:
    """What stands under attacks of each size, beside no attack."""
    panels: dict[str, tuple[Line, ...]] = {}
    # A size that was left to the check has no place among those that were named.
    for check, norm, usual in product(ATTACKED, _NORMS, (False, True)):
        own = [m for m in report.measurements if m.check == check and m.params.get("norm", "linf") == norm
               and (size(m)[0] is None) == usual and _plain(m)]  # fmt: skip
        clean, *names = ATTACKED[check]
        allowed = sorted({size(m) for m in own if m.name in names}, key=_rank)[:MOST_BUDGETS]
        each = (_attacked(own, (clean, name), of, allowed) for name in names for of in SUBJECTS)
        lines = tuple(line for line in each if line is not None)
        if lines:
            panels[" ".join((check, norm, *(["usual"] if usual else [])))] = lines
    if not panels:
        return None
    axes = {title: SHARES if title.startswith("adversarial") else axis_of(own, zero=True, most=3)
            for title, own in panels.items()}  # fmt: skip
    behind = tuple({id(m): m for own in panels.values() for line in own for m in line.points}.values())
    told = "; ".join(_told(lines[0]) for lines in panels.values())
    return Chart("budget", "budget", panels, axes, behind, main={"main": told})


def _plain(found: Measurement) -> bool:
    return found.is_number and found.compared_with is None and not found.part


def _attacked(own: list[Measurement], names: tuple[str, str], of: Of, allowed: list[Size]) -> Line | None:
    clean, attacked = names
    points = [m for m in own if m.of == of and m.name == attacked and size(m) in allowed]
    points.sort(key=lambda m: _rank(size(m)))
    before = next((m for m in own if m.of == of and m.name == clean), None)
    return Line(attacked, (before, *points)) if before and points else None


def size(found: Measurement) -> Size:
    """How large the changes of an attack may be, None where the check was left to choose, and how hard it tried."""
    eps = found.params.get("eps")
    return eps if isinstance(eps, int | float) else None, str(found.params.get("tier", ""))


def said(budget: Size) -> str:
    """The size of an attack for readers."""
    eps, tier = budget
    named = str(catalog()["figures"]["budget"]["usual"]) if eps is None else number(eps).text
    return ", ".join(filter(None, (named, shipped(tier))))


def _rank(budget: Size) -> tuple[bool, float, str]:
    return budget[0] is None, budget[0] or 0.0, budget[1]


def _told(line: Line) -> str:
    before, *_, last = line.points
    trust = f" ({mark('trust', last.trust).text})" if last.trust else ""
    told = (f"{metric(m.name, m.check)} {plain(value(m))}" for m in (before, last))
    return ", ".join(told) + trust
