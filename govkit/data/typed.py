"""Types of columns that come as text."""

from __future__ import annotations

from govkit.core.case import Array

_INT = r"^(0|-?[1-9][0-9]*)$"
_FLOAT = r"^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^(?i:nan|-?inf|-?infinity)$"
_LEADING_ZERO = r"^-?0[0-9]"
_BOOL = r"^(?i:true|false)$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?)?$"


def typed(table: Array, *, only_times: bool = False) -> Array:
    """Give each text column the type that all its filled cells look like.

    Whole numbers, numbers (``nan`` and ``inf`` too), ``true``/``false`` in any case, ISO times (as UTC, microseconds),
    otherwise text as it stands. Blanks around numbers do not count. A column without one filled cell stays text.

    Args:
        table: A ``pyarrow.Table``.
        only_times: Text stays text unless it is times, for formats that hold numbers and truths themselves.
    """
    import pyarrow as pa

    columns = [
        _typed(column, only_times=only_times) if pa.types.is_string(column.type) else column for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _typed(column: Array, *, only_times: bool) -> Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count == len(column):
        return column
    cells = pc.ascii_trim_whitespace(column)
    try:
        if _all(cells, _TIME):
            bare = pc.replace_substring_regex(cells, "Z$", "")
            return pc.cast(bare, pa.timestamp("us"))
        return column if only_times else _number_or_truth(column, cells)
    except pa.ArrowInvalid:
        # Looks like a time and is none, for example month 13.
        return column


def _number_or_truth(column: Array, cells: Array) -> Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _all(cells, _INT):
        try:
            return pc.cast(cells, pa.int64())
        except pa.ArrowInvalid:
            return pc.cast(cells, pa.float64())
    if _all(cells, _FLOAT) and not pc.any(pc.match_substring_regex(cells, _LEADING_ZERO)).as_py():
        return pc.cast(cells, pa.float64())
    if _all(cells, _BOOL):
        return pc.equal(pc.ascii_lower(cells), "true")
    return column


def _all(cells: Array, pattern: str) -> bool:
    """True if every filled cell matches; the first cells are asked first, because most columns fail there."""
    import pyarrow.compute as pc

    return all(pc.all(pc.match_substring_regex(part, pattern)).as_py() is not False for part in (cells[:64], cells))
