"""Types of columns that come as text, or that a schema declares."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from govkit.core.case import Array
from govkit.lazy import pa, pc

KINDS = ("time", "int", "float", "bool", "text")
"""What a column can be declared as. Text looks like the first of these that fits, ``text`` if none does."""

_LOOKS = {
    "time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?)?$",
    "int": r"^(0|-?[1-9][0-9]*)$",
    "float": r"^-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$|^(?i:nan|-?inf|-?infinity)$",
    "bool": r"^(?i:true|false)$",
}
_ARROW = {
    "time": "date|timestamp",
    "int": "u?int",
    "float": "halffloat|float|double|decimal",
    "bool": "bool",
    "text": "(large_)?string",
}
"""How the names of the Arrow types begin that hold a kind."""


def column_types(table: Array) -> dict[str, str]:
    """What each column of a ``pyarrow.Table`` holds: one of ``KINDS``, or else the name of its Arrow type."""
    return {field.name: _held(field.type) or str(field.type) for field in table.schema}


def _held(type: Array) -> str:
    return next((word for word, name in _ARROW.items() if re.match(name, str(type))), "")


def typed(table: Array, among: Sequence[str] = KINDS) -> Array:
    """Give each text column the type that all its filled cells look like.

    Whole numbers, numbers (``nan`` and ``inf`` too), ``true``/``false`` in any case, ISO times (as UTC, microseconds),
    otherwise text as it stands. Blanks around numbers do not count. A column without one filled cell stays text.

    Args:
        table: A ``pyarrow.Table``.
        among: The kinds to choose from; text is always one. Formats that hold numbers and truths offer fewer.
    """
    columns = dict(zip(table.column_names, table.columns, strict=True))
    columns.update({name: parsed(columns[name], kind) for name, kind in kinds([table], among).items()})
    return pa.table(columns)


def kinds(parts: Iterable[Array], among: Sequence[str], *, known: Collection[str] = ()) -> dict[str, str]:
    """What all filled cells of each text column look like, over all parts of a table: column -> one of ``KINDS``.

    A column without one filled cell is absent. Reading stops where every column is known to be text.

    Args:
        parts: Tables with the same columns.
        among: As for ``typed``.
        known: Columns not to look at.
    """
    found: dict[str, str] = {}
    for part in parts:
        asked = [f.name for f in part.schema if pa.types.is_string(f.type) and f.name not in known]
        for name in asked:
            column = part[name]
            if found.get(name) != "text" and column.null_count < len(column):
                kind = next((kind for kind in among if _fits(column, kind)), "text")
                found[name] = _common(found.get(name, kind), kind)
        if all(found.get(name) == "text" for name in asked):
            break
    return found


def _common(one: str, other: str) -> str:
    return one if one == other else "float" if {one, other} == {"int", "float"} else "text"


def _fits(column: Array, kind: str) -> bool:
    try:
        parsed(column, kind)
    except pa.ArrowInvalid:
        # It may look like one and be none, for example month 13.
        return False
    return True


def parsed(column: Array, kind: str) -> Array:
    """A text column as what it looks like.

    Raises:
        pyarrow.ArrowInvalid: A filled cell is no such thing.
    """
    if kind == "text":
        return column
    cells = pc.ascii_trim_whitespace(column)
    if not _all(cells, _LOOKS[kind]):
        raise pa.ArrowInvalid("text that is none")
    if kind == "time":
        return pc.cast(pc.replace_substring_regex(cells, "Z$", ""), pa.timestamp("us"))
    if kind == "bool":
        return pc.equal(pc.ascii_lower(cells), "true")
    return pc.cast(cells, pa.int64() if kind == "int" else pa.float64())


def _all(cells: Array, pattern: str) -> bool:
    """True if every filled cell matches; the first cells are asked first, because most columns fail there."""
    return all(pc.all(pc.match_substring_regex(part, pattern)).as_py() is not False for part in (cells[:64], cells))


def declared(column: Array, kind: str, *, readable: Collection[str]) -> Array:
    """A column as what a schema says it is. Numbers become each other where nothing is lost, nothing else changes.

    Args:
        column: One column, of any type.
        kind: One of ``KINDS``.
        readable: Kinds that may be read from text: all of them in CSV, times in JSON, none where the format has types.

    Raises:
        pyarrow.ArrowInvalid: A cell is no such thing.
    """
    if column.null_count == len(column):
        return column
    if pa.types.is_dictionary(column.type):
        column = pc.cast(column, column.type.value_type)
    held = _held(column.type)
    if held == "text" and kind in readable:
        # Programs that have only floats for numbers with gaps write 1 as 1.0.
        return parsed(pc.replace_substring_regex(column, r"\.0*\s*$", "") if kind == "int" else column, kind)
    if (held, kind) == ("int", "float"):
        return pc.cast(column, pa.float64(), safe=False)
    if (held, kind) == ("float", "int") and not pc.any(pc.greater(pc.abs(column), 2**53)).as_py():
        return pc.cast(column, pa.int64())
    if held != kind:
        raise pa.ArrowInvalid(f"found {column.type}, expected {kind}")
    return column
