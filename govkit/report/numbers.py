"""Numbers as a reader sees them. Only the form changes: nothing is added, counted or averaged here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from govkit.core import Bound, Measurement
from govkit.report.blocks import Cell, Code, Num
from govkit.report.escape import short
from govkit.report.said import said
from govkit.report.words import catalog, filled, word

NONE: Cell = ("–",)
MINUS = "−"
UNBOUNDED = 1.7e308
"""Beyond this size a number is the mark of an interval that ends nowhere."""
SIZES = (
    *("_parity_difference", "equal_opportunity_difference", "equalized_odds_difference", "_abs_odds_difference"),
    *("weight_change", "rank_of_change"),
)
"""Ends of names of differences and changes that are measured by their size: they are never below 0."""
BESIDE = ("_p", "found_parts", "visible_drop")
"""Ends of names of what is no difference, though it stands beside another model: p-values, counts, sizes."""


def number(value: float, *, signed: bool = False) -> Num:
    """Form a number: whole numbers in groups of digits, others with three decimals, tiny ones with two digits."""
    return Num(raw=json.dumps(value), text=_form(value, signed=signed))


def points(value: float) -> Num:
    """A share as percentage points, without its sign: −0.2341 is shown as 23.4."""
    size = 100 * abs(value)
    text = f"{size:.1f}" if size >= 1 or size == 0 else f"{size:.2g}"
    return Num(raw=json.dumps(value), text=signs(text.removesuffix(".0")))


def out_of(value: float, *, whole: int) -> Num:
    """A share as people say it, without its sign: of a whole of 100, 0.0312 is shown as "about 3 in 100"."""
    share = abs(value)
    count = round(share * whole)
    exact = abs(count - share * whole) < 1e-9
    few, many = count == 0 and not exact, count == whole and not exact and share < 1
    about = "about_one" if count == 1 else "about"
    lead = "fewer" if few else "more" if many else "share" if exact else about
    shown = {"count": signs(f"{1 if few else count - many:,}"), "whole": signs(f"{whole:,}")}
    return Num(raw=json.dumps(value), text=catalog()["numerals"][lead].format(**shown))


def whole_of(values: Iterable[float]) -> int:
    """The smallest whole in which shares that differ are told as different, and none as nothing; at most 10,000."""
    shares = {abs(value) for value in values}
    for whole in (100, 1_000):
        counts = {share: round(share * whole) for share in shares}
        if len(set(counts.values())) == len(shares) and all(counts[share] for share in shares if share):
            return whole
    return 10_000


def size(value: float) -> Num:
    """A number without its sign, which a word beside it tells: −1.426 is shown as 1.426."""
    return Num(raw=json.dumps(value), text=_form(abs(value), signed=False))


def percent(level: float) -> Num:
    """A confidence level in percent: 0.9995 is shown as 99.95."""
    return Num(raw=json.dumps(level), text=signs(f"{100 * level:.6g}"))


def ends(low: float, high: float, *, signed: bool = False) -> Cell:
    """Both ends of an interval, in words where it ends nowhere."""
    says = catalog()["numerals"]
    if low == high:
        return (says["exact"],)
    open_below, open_above = low < -UNBOUNDED, high > UNBOUNDED
    if open_below and open_above:
        return (says["no_bound"],)
    told = says["from" if open_above else "up_to" if open_below else "between"]
    return filled(told, low=number(low, signed=signed), high=number(high, signed=signed))


def signs(text: str) -> str:
    """A number as English writes it, with the signs of the language for groups of digits and for the point."""
    says = catalog()["numerals"]
    return text.translate(str.maketrans({",": says["group"], ".": says["point"]}))


def _form(value: float, *, signed: bool) -> str:
    sign = MINUS if value < 0 else ("+" if signed and value > 0 else "")
    return sign + signs(_size(abs(value)))


def _size(size: float) -> str:
    if isinstance(size, int):
        return f"{size:,}"
    if 0 < size < 0.0005:
        return f"{size:.2g}"
    if size >= 1e9:
        return f"{size:.2e}"
    if size >= 1000 or (size >= 10 and size.is_integer()):
        return f"{size:,.0f}"
    return f"{size:.3f}" if size < 100 else f"{size:.1f}"


def value(measurement: Measurement | None) -> Cell:
    """The value of a measurement: a number, a word, or yes or no; a dash where there is none."""
    if measurement is None:
        return NONE
    return plain(measurement.value, signed=is_difference(measurement), kind=measurement.check)


def plain(found: Any, *, signed: bool = False, kind: str = "") -> Cell:
    """Any value of a bundle as a cell; ``kind`` is the check whose word it is."""
    if found is None:
        return NONE
    if isinstance(found, bool):
        return (word("values", str(found).lower()),)
    if isinstance(found, int | float):
        return (number(found, signed=signed),)
    if isinstance(found, str):
        return (Code(short(found)),) if found.startswith("sha256:") else (short(said(found, kind)),)
    if isinstance(found, list | tuple) and found and all(isinstance(item, str) for item in found):
        return (short(", ".join(found)),)
    return (Code(short(json.dumps(found, sort_keys=True, default=str), 300)),)


def interval(measurement: Measurement | None) -> Cell:
    """Low and high end of the two-sided interval."""
    if measurement is None or measurement.interval is None:
        return NONE
    found, signed = measurement.interval, is_difference(measurement)
    shown, judges = ends(found.low, found.high, signed=signed), _far_bounds(measurement)
    if judges is None:
        return shown
    bounds = ends(judges.low, judges.high, signed=signed)
    return filled(catalog()["numerals"]["judged_by"], interval=shown, bounds=bounds)


def _far_bounds(measurement: Measurement) -> Bound | None:
    """The bounds of a control at the interval's own level, where one lies beyond it by half of its width or more."""
    found = measurement.interval
    same = [bound for bound in measurement.bounds if found and abs(2 * bound.level - 1 - found.level) < 1e-9]
    if found is None or not same:
        return None
    beyond = max(found.low - same[0].low, same[0].high - found.high)
    return same[0] if beyond > 0 and beyond >= (found.high - found.low) / 2 else None


def with_interval(measurement: Measurement | None) -> Cell:
    """Value and, in parentheses, the ends of its interval."""
    shown = interval(measurement)
    if shown == NONE:
        return value(measurement)
    return filled(catalog()["numerals"]["with_interval"], value=value(measurement), interval=shown)


def rows(measurement: Measurement | None) -> Cell:
    """Number of rows that carry a measurement."""
    return NONE if measurement is None else (number(measurement.n),)


def is_difference(measurement: Measurement) -> bool:
    """Whether a sign belongs to the value: it is one number less another, and may lie on either side of 0."""
    name = measurement.name
    if measurement.compared_with is not None:
        return not name.endswith(BESIDE)
    return name.endswith(("_difference", "_change")) and not name.endswith(SIZES)
