"""Rulings in plain sentences, for a reader without statistics. The words stand in the catalog, under ``plain``."""

from __future__ import annotations

import re
from typing import Any

from govkit.core import Gap, Measurement, Requirement
from govkit.core.verdict import PartRuling
from govkit.report import words
from govkit.report.blocks import Cell, Num
from govkit.report.escape import sentences
from govkit.report.model import Entry, Report
from govkit.report.numbers import number, points

LONGEST = 200
"""Characters of a reason that is repeated as the verdict has it."""

WORST_FIRST = ("fail", "error", "missing", "unsupported", "inconclusive", "pass", "not_applicable")

JUDGED = ("pass", "fail", "inconclusive")

_HOLE = re.compile(r"\{(\w+)\}")
_NAME = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")


def worst_first(entry: Entry, report: Report) -> list[PartRuling]:
    """Parts of a ruling: what fails first, and of these the one that lies farthest beyond the limit."""
    require = entry.control.require if entry.control else None

    def weight(part: PartRuling) -> tuple[int, float]:
        found = _measured(part, report)
        return WORST_FIRST.index(part.state), -_beyond(found, require) if found and require else 0.0

    return sorted(entry.ruling.parts, key=weight)


def in_words(entry: Entry, report: Report) -> Cell:
    """One or two sentences: what was found beside what was asked, or what was not measured."""
    parts = worst_first(entry, report)
    control = entry.control
    if not parts or control is None:
        return (_repeated(entry.ruling.reason),)
    worst, says = parts[0], words.catalog()["plain"]
    found = report.sources.findings[worst.finding] if worst.finding >= 0 else None
    if isinstance(found, Gap):
        detail = found.detail or words.word("reasons", found.reason)
        return (f"{says['not_measured']} {_unnamed(sentences(detail, LONGEST))}",)
    if worst.state == "missing" and isinstance(found, Measurement):
        return (says["unknown"].get(found.name) or _fill(says["not_known"], metric=words.metric(found.name)),)
    if found is not None and found.name == control.metric and control.require and worst.state in JUDGED:
        return _judged(found, control.require, worst.state)
    if worst.state == "missing" and control.compared_with:
        return (_fill(says["no_comparison"], other=words.word("of", control.compared_with)),)
    if worst.state == "missing":
        return (says["no_measurement"],)
    return (_repeated(worst.reason or entry.ruling.reason),)


def _judged(found: Measurement, require: Requirement, state: str) -> Cell:
    """A measurement beside the limit, and whether the rows settle it."""
    says = words.catalog()["plain"]
    if require.equals is not None or isinstance(found.value, bool | str):
        told = says["not_met"].get(found.name) if state == "fail" else None
        value = words.word("values", str(found.value).lower())
        return (
            _fill(told, value=value) if told else _fill(says["word"], metric=words.metric(found.name), value=value),
        )
    where = f"For {words.place(found.part)} " if found.part else ""
    sentence = _capital((where, *_compared(found), "; ", *_limit(found, require), "."))
    if state != "inconclusive":
        return sentence
    suspect = found.trust not in (None, "trusted")
    return (*sentence, f" {says['suspect' if suspect else 'unsettled']}")


def _entry(found: Measurement) -> dict[str, str]:
    name = found.name
    own = words.catalog()["plain"]["metrics"].get(name)
    fallback = {"kind": "share" if found.unit == "share" else "number", "says": f"the {words.metric(name)}"}
    return dict(own or fallback)


def _kind(found: Measurement) -> str:
    kind = _entry(found)["kind"]
    if found.compared_with is None:
        return kind
    return {"share": "difference", "difference": "moved", "number": "apart"}.get(kind, kind)


def _compared(found: Measurement) -> Cell:
    """What was found, for example ``the accuracy is 2.1 points lower than that of its base``."""
    entry, value, says = _entry(found), float(found.value), words.catalog()["plain"]
    holes: dict[str, Any] = {
        "says": entry["says"],
        "value": number(found.value) if isinstance(found.value, int | float) else "",
        "points": points(value),
        "side": says["lower" if value < 0 else "higher"],
        "than": entry.get("than", ""),
    }
    if found.compared_with is not None:
        holes["than"] = says["than"][found.compared_with]
        holes["other"] = words.word("of", found.compared_with)
    return _holes(entry.get("template") or says["kinds"][_kind(found)], holes)


def _limit(found: Measurement, require: Requirement) -> Cell:
    """The limit, in the same measure as the value."""
    says, kind = words.catalog()["plain"]["limits"], _kind(found)
    if require.min is not None and require.max is not None and require.min == -require.max:
        return (
            _holes(says["both"], {"points": points(require.max)})
            if kind in ("difference", "moved")
            else _ends(says, kind, require)
        )
    return _ends(says, kind, require)


def _ends(says: dict[str, Any], kind: str, require: Requirement) -> Cell:
    shown: list[Cell] = []
    for end, edge in (("min", require.min), ("max", require.max)):
        if edge is None:
            continue
        sign = "zero" if edge == 0 else ("below" if edge < 0 else "above")
        template = says[kind][end]
        chosen = template if isinstance(template, str) else template[sign]
        shown.append(_holes(chosen, {"points": points(edge), "value": number(edge)}))
    return shown[0] if len(shown) == 1 else (*shown[0], " and ", *shown[1])


def _holes(template: str, found: dict[str, Any]) -> Cell:
    """A template with its holes filled by text or numbers."""
    pieces: list[str | Num] = []
    end = 0
    for match in _HOLE.finditer(template):
        pieces += [template[end : match.start()], found[match.group(1)]]
        end = match.end()
    return tuple(piece for piece in (*pieces, template[end:]) if piece != "")


def _fill(template: str, **found: str) -> str:
    return _HOLE.sub(lambda match: found[match.group(1)], template)


def _capital(cell: Cell) -> Cell:
    """The cell with a capital letter at its start."""
    kept = [piece for piece in cell if piece != ""]
    first = kept[0]
    return (first[:1].upper() + first[1:], *kept[1:]) if isinstance(first, str) else tuple(kept)


def _repeated(reason: str) -> str:
    """What the verdict says, with words for the names of metrics."""
    text = _unnamed(sentences(reason.split(" | ")[0], LONGEST))
    for known in ("no data", "no extra", "too few rows", "unsupported", "crashed"):
        if text.startswith(f"{known}: "):
            text = f"{words.catalog()['plain']['not_measured']} {text.removeprefix(f'{known}: ')}"
    return text[:1].upper() + text[1:]


def _unnamed(text: str) -> str:
    """Text in which names of metrics are words."""
    known = words.catalog()["metrics"]
    return _NAME.sub(lambda match: str(known.get(match.group(), match.group())), text)


def _measured(part: PartRuling, report: Report) -> Measurement | None:
    found = report.sources.findings[part.finding] if part.finding >= 0 else None
    return found if isinstance(found, Measurement) and not isinstance(found.value, bool | str) else None


def _beyond(found: Measurement, require: Requirement) -> float:
    value = float(found.value)
    low = require.min - value if require.min is not None else float("-inf")
    high = value - require.max if require.max is not None else float("-inf")
    return max(low, high)
