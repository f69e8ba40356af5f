"""Words for rulings: plain sentences with the value found, its bound, the limit and the number of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping

from govkit.core import Bound, Measurement, Requirement

LONGEST_NAME = 80
LONGEST_DETAIL = 400
UNBOUNDED = 1.7e308
"""Beyond this size a number is the mark of an interval that ends nowhere."""
MOST_ROWS = 10_000_000
"""Rows beyond which a number of rows is no advice."""


def number(value: float) -> str:
    """A number with four significant digits; a whole number in full."""
    if float(value).is_integer() and abs(value) < 2**53:
        return str(int(value))
    return f"{value:.4g}"


def percent(level: float) -> str:
    """A confidence level, for example ``97.5 %``."""
    return f"{number(round(100 * level, 6))} %"


def part_name(part: Mapping[str, str]) -> str:
    """The rows of a part in words: ``sex Female, age 60+``; ``all rows`` for the whole."""
    return clipped(", ".join(f"{key} {value}" for key, value in sorted(part.items())), LONGEST_NAME) or "all rows"


def clipped(text: str, longest: int = LONGEST_DETAIL) -> str:
    """Text of bounded length, so that no hostile name floods a report."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def found(measurement: Measurement) -> str:
    """Metric, whose value it is, and the value: ``accuracy of candidate minus base -0.012``."""
    value = measurement.value
    shown = number(value) if isinstance(value, int | float) and not isinstance(value, bool) else _word(value)
    if measurement.compared_with is not None:
        return f"{measurement.name} of {measurement.of} minus {measurement.compared_with} {shown}"
    whose = "" if measurement.of == "candidate" else f" of {measurement.of}"
    return f"{measurement.name}{whose} {shown}"


def _word(value: bool | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else clipped(str(value), LONGEST_NAME)


def limit(require: Requirement) -> str:
    """The limit in words."""
    if require.equals is not None:
        return f"required {_word(require.equals)}"
    if require.min is not None and require.max is not None:
        return f"limits {number(require.min)} to {number(require.max)}"
    return f"limit {number(require.min if require.min is not None else require.max or 0.0)}"


def passed(measurement: Measurement, require: Requirement, bound: Bound) -> str:
    """The sentence of a number whose bound clears the limit."""
    return f"{_with_bound(measurement, require, bound)}; {limit(require)}; {rows(measurement)}"


def failed(measurement: Measurement, require: Requirement, bound: Bound) -> str:
    """The sentence of a number that lies wholly beyond the limit."""
    if is_exact(measurement):
        ground = f"{found(measurement)}, counted exactly, is beyond the {limit(require)}; {rows(measurement)}"
        return f"{ground}. {_named(measurement)}" if measurement.rows else ground
    below = require.min is not None and bound.high < require.min
    side = at_most(bound.high) if below else at_least(bound.low)
    confidence = f"with {percent(bound.level)} confidence {side}"
    return f"{found(measurement)}, {confidence}, is beyond the {limit(require)}; {rows(measurement)}"


def undecided(measurement: Measurement, require: Requirement, bound: Bound) -> str:
    """The sentence of a number whose interval holds the limit, with the rows that would settle it."""
    ground = f"{_with_bound(measurement, require, bound)}; {limit(require)}; {rows(measurement)}"
    return f"{ground}. {_settled_by(measurement, require, bound)}"


def worded(measurement: Measurement, require: Requirement) -> str:
    """The sentence of a word or a truth."""
    return f"{found(measurement)}; {limit(require)}"


def rows(measurement: Measurement) -> str:
    """How many rows carry the value."""
    return f"{measurement.n} row" if measurement.n == 1 else f"{measurement.n} rows"


def _named(measurement: Measurement, most: int = 5) -> str:
    """The first rows that were counted, by name."""
    names = ", ".join(clipped(name, LONGEST_NAME) for name in measurement.rows[:most])
    return f"Among them: {names}" if len(measurement.rows) > most else f"They are: {names}"


def is_exact(measurement: Measurement) -> bool:
    """True for a number that was counted, not estimated: zero width at every level."""
    return (
        measurement.interval is not None
        and measurement.interval.method == "exact count"
        and bool(measurement.bounds)
        and all(bound.low == bound.high == measurement.value for bound in measurement.bounds)
    )


def _with_bound(measurement: Measurement, require: Requirement, bound: Bound) -> str:
    if is_exact(measurement):
        return f"{found(measurement)}, counted exactly"
    if require.min is not None and require.max is not None:
        side = _between(bound)
    elif require.min is not None:
        side = at_least(bound.low)
    else:
        side = at_most(bound.high)
    return f"{found(measurement)}, with {percent(bound.level)} confidence {side}"


def _settled_by(measurement: Measurement, require: Requirement, bound: Bound) -> str:
    """Rows that would settle it, from the width of an interval that shrinks with the root of n."""
    value = float(measurement.value)
    needed = 0
    for edge, reach, sign in ((require.min, value - bound.low, 1), (require.max, bound.high - value, -1)):
        if edge is None:
            continue
        room = sign * (value - edge)
        if room < 0:
            return "The value itself is beyond the limit: more rows will more likely confirm the failure."
        if room <= 1e-9 * max(1.0, abs(edge)):
            return "The value lies on the limit: no number of rows is sure to settle it."
        if reach > UNBOUNDED / 2:
            return ""
        needed = max(needed, _two_digits((max(reach, 0.0) / room) ** 2 * measurement.n))
    if needed > MOST_ROWS:
        return "No number of rows that anybody has would settle it."
    return f"About {needed} rows would settle it, if the value stays." if needed > measurement.n else ""


def at_least(low: float) -> str:
    """A lower bound in words."""
    return "no lower bound" if low < -UNBOUNDED else f"at least {number(low)}"


def at_most(high: float) -> str:
    """An upper bound in words."""
    return "no upper bound" if high > UNBOUNDED else f"at most {number(high)}"


def _between(bound: Bound) -> str:
    if bound.low < -UNBOUNDED or bound.high > UNBOUNDED:
        return f"{at_least(bound.low)} and {at_most(bound.high)}"
    return f"between {number(bound.low)} and {number(bound.high)}"


def _two_digits(count: float) -> int:
    """Rounded up to two significant digits."""
    if count < 10:
        return math.ceil(count)
    step = 10.0 ** (math.floor(math.log10(count)) - 1)
    return int(math.ceil(count / step) * step)
