"""A suite of great-expectations made from training data, as a beginning for the user's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.metadata import version
from math import ceil, floor, log10
from typing import Any

from govkit.checks._identifiers import KINDS
from govkit.checks._quality import Summary, pieces, repeated, summary
from govkit.core.case import Array
from govkit.core.columns import LARGEST, Columns
from govkit.lazy import pa, pc

MOST_VALUES = 50
"""Values of a column that are listed at most."""

LONGEST = 60
"""Characters of the longest value that is listed."""

FEWEST = 100
"""The suite asks for one row where the training data hold this many."""

_TYPES = {
    "number": [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]
    + ["float16", "float32", "float64"],
    "truth": ["bool", "bool_"],
}
"""What a frame calls the types; texts are known by having a length, and times have too many names."""

Expectation = tuple[str, str, dict[str, Any]]
"""Severity, type without ``expect_``, arguments."""


def suggested_suite(table: Array, columns: Columns) -> dict[str, Any]:
    """The suite as great-expectations 1.x stores it; the table that it is made from meets it.

    Args:
        table: The training data, a ``pyarrow.Table``.
        columns: The declared columns; only those that the table holds are spoken of.

    Returns:
        Rows, types, missing cells, ranges with some slack, lengths of texts, classes and categories, unique ids. Values
        stand in it as the ends of ranges, rounded, and as names of categories; neither where one looks like personal
        data.
    """
    asked = (columns.input,) if isinstance(columns.input, str) else columns.input or ()
    names = dict.fromkeys((*asked, *columns.labels, *columns.groups, *columns.parts, *filter(None, [columns.id])))
    there = set(table.column_names)
    found: list[Expectation] = [
        ("warning", "table_row_count_to_be_between", {"min_value": max(1, table.num_rows // FEWEST)})
    ]
    for name in names:
        if name in there:
            of = _of(name, table[name], columns, free=name == columns.input)
            found += [(severity, kind, {"column": name, **kwargs}) for severity, kind, kwargs in of]
    return {
        "name": "suggested",
        "id": None,
        "meta": {"great_expectations_version": version("great-expectations")},
        "notes": "Made from the training data by govkit data suggest; read it, and change what you know better.",
        "expectations": [
            {"type": f"expect_{kind}", "kwargs": kwargs, "meta": {}, "severity": severity}
            for severity, kind, kwargs in found
        ],
    }


def _of(name: str, column: Array, columns: Columns, *, free: bool) -> Iterator[Expectation]:
    """What is expected of one column; a ``free`` one holds texts or paths, no categories."""
    held = summary(column)
    if not held.absent:
        yield "critical", "column_values_to_not_be_null", {}
    # A frame holds decimals as objects, and coded columns as categories.
    if held.kind in _TYPES and not pa.types.is_decimal(column.type) and not pa.types.is_dictionary(column.type):
        yield "critical", "column_values_to_be_in_type_list", {"type_list": _TYPES[held.kind]}
    if name == columns.id:
        if not repeated(column):
            yield "critical", "column_values_to_be_unique", {}
        return
    if free and held.kind == "text" and not held.blank:
        yield "critical", "column_values_to_match_regex", {"regex": r"\S"}
    yield from _label(name, column, held, columns) if name in columns.labels else _values(name, column, held, free=free)


def _label(name: str, column: Array, held: Summary, columns: Columns) -> Iterator[Expectation]:
    if columns.declared_task == "regression":
        yield from _values(name, column, held, free=True)
        return
    if held.varied:
        yield "critical", "column_unique_value_count_to_be_between", {"min_value": 2}
    values = {value for _, cells in pieces(column) for value in cells.unique().drop_null().to_pylist()}
    if not _personal(name, values):
        yield "critical", "column_values_to_be_in_set", {"value_set": sorted(values)}


def _values(name: str, column: Array, held: Summary, *, free: bool) -> Iterator[Expectation]:
    names = held.categories
    if held.kind == "text" and names and not free and _listed(name, names):
        yield "warning", "column_values_to_be_in_set", {"value_set": sorted(names)}
    elif held.kind == "text":
        yield "warning", "column_value_lengths_to_be_between", {"min_value": 0, "max_value": 2 * _longest(column)}
    elif held.kind == "number" and held.low is not None and not _personal(name, {held.low, held.high}):
        low, high = float(held.low), float(held.high)
        if low >= -LARGEST and high <= LARGEST:
            first, last = _widened(low, high)
            yield "warning", "column_values_to_be_between", {"min_value": first, "max_value": last}


def _listed(name: str, values: Collection[str]) -> bool:
    few = len(values) <= MOST_VALUES and max(map(len, values)) <= LONGEST
    return few and not _personal(name, values)


def _personal(name: str, values: Collection[Any]) -> bool:
    return any(kind.within(f"{name}: {value}") for value in values for kind in KINDS)


def _longest(column: Array) -> int:
    return max((pc.max(pc.utf8_length(cells)).as_py() or 0 for _, cells in pieces(column)), default=0)


def _widened(low: float, high: float) -> tuple[float, float]:
    """A tenth more at either end, rounded outwards to two digits of the range; not below 0 where nothing was."""
    span = high - low or abs(high) or 1.0
    digits = min(1 - floor(log10(span)), 300)
    step = 10.0**-digits
    first, last = floor((low - span / 10) / step) * step, ceil((high + span / 10) / step) * step
    first = max(first, 0.0) if low >= 0 else first
    # Where the numbers are far larger than their range, rounding may lose it.
    return min(round(first, digits), low), max(round(last, digits), high)
