"""Count tables: rows that agree on their group, the truth and the answer, counted once.

Every rate of a group, and every gap between groups, depends on these counts alone. So the table stands in for the rows:
a hundred million of them and a hundred groups become five hundred numbers, and whatever follows costs the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from govkit.core.case import Array
from govkit.data.cells import canonical_text
from govkit.data.dataset import MISSING
from govkit.errors import DataError
from govkit.lazy import np, pa

TRUE_POSITIVE, FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_NEGATIVE, OTHER_ERROR = CELLS = range(5)
"""Cells of a table. ``OTHER_ERROR``: neither the truth nor the answer is the positive class, and the answer is wrong
all the same, as happens with more than two classes."""

BLOCK = 1 << 20
"""Rows that are counted at once, so that what a step holds beside the rows stays a few megabytes."""


@dataclass(frozen=True)
class CountTable:
    """Rows by group and cell.

    Attributes:
        names: The groups, K of them, sorted.
        counts: Rows of each group in each of ``CELLS``, int64 ``(K, 5)``; or their weights, float64.
        rows: Where rows belong together, group and cell of each row, and its cluster, each ``(n,)``.
    """

    names: tuple[str, ...]
    counts: Array
    rows: tuple[Array, Array, Array] | None = None


def cells_of(truth: Array, answer: Array, positive: int | str) -> Array:
    """Cell of each row, uint8 ``(n,)``; truth and answer are classes, or their indices, ``(n,)``."""
    cells = 2 * (truth != positive).astype(np.uint8) + (answer != positive)
    cells[(cells == TRUE_NEGATIVE) & (truth != answer)] = OTHER_ERROR
    return cells


def count_codes(codes: Array, cells: Array, shape: tuple[int, int], weights: Array | None = None) -> Array:
    """Rows of each group in each cell, int64 of that shape; or their weights, float64.

    Args:
        codes: Group of each row, whole numbers ``(n,)`` from 0.
        cells: Cell of each row, whole numbers ``(n,)`` from 0.
        shape: Number of groups and of cells.
        weights: Weight of each row ``(n,)``.
    """
    counts = np.zeros(shape[0] * shape[1], dtype=np.int64 if weights is None else np.float64)
    for start in range(0, len(codes), BLOCK):
        rows = slice(start, start + BLOCK)
        places = codes[rows].astype(np.int64) * shape[1] + cells[rows]
        counts += np.bincount(places, None if weights is None else weights[rows], counts.size)
    return counts.reshape(shape)


def count_pairs(codes: Array, one: Array, two: Array, groups: int) -> Array:
    """Rows by group, cell under one model and cell under another, int64 ``(groups, 5, 5)``; columns ``(n,)``."""
    cells = len(CELLS)
    return count_codes(codes, cells * one + two, (groups, cells * cells)).reshape(groups, cells, cells)


def count_table(
    source: Path | Array, *, groups: Sequence[str], label: str, answer: str, positive: str, weight: str | None = None
) -> dict[str, CountTable]:
    """Count the rows of a table by group, truth and answer, without holding them.

    One pass over the columns that are named; ``govkit.checks.group_rates`` turns each table into rates.

    Args:
        source: A Parquet file, or a ``pyarrow.Table``.
        groups: Group columns; each gets a table of its own. A row without a value is in the group ``(missing)``.
        label: Column of the true class.
        answer: Column of the class that the model answered.
        positive: The class that counts as the positive outcome, as text.
        weight: Column of weights; each row counts once if not given.

    Returns:
        Column -> its table.

    Raises:
        DataError: A column is missing, or a row has no label, no answer or no weight.
    """
    import duckdb

    found = {}
    with duckdb.connect() as database:
        for column in groups:
            rows = database.from_arrow(_numbered(source, (column, label, answer, *([weight] if weight else ()))))
            keys, amount = "c0, c1, c2", "sum(c3::DOUBLE)" if weight else "count(*)"
            distinct = rows.aggregate(f"{keys}, {amount}", keys).to_arrow_table()
            found[column] = _folded(distinct, (label, answer), positive)
    return found


def _numbered(source: Path | Array, columns: tuple[str, ...]) -> Array:
    """These columns as ``c0``, ``c1`` ...; DuckDB takes a path for a pattern, and the names ``A`` and ``a`` for one."""
    from pyarrow import parquet

    if isinstance(source, Path):
        stored = parquet.ParquetFile(pa.OSFile(str(source)), pre_buffer=False)
        schema = stored.schema_arrow
    else:
        schema = source.schema
    absent = [name for name in columns if name not in schema.names]
    if absent:
        raise DataError(f"there is no column {absent[0]!r} to count; the table has {', '.join(schema.names)}")
    chosen = pa.schema([schema.field(name).with_name(f"c{at}") for at, name in enumerate(columns)])
    if not isinstance(source, Path):
        return pa.Table.from_arrays([source[name] for name in columns], schema=chosen)
    parts = stored.iter_batches(columns=list(dict.fromkeys(columns)))
    batches = (pa.RecordBatch.from_arrays([each[name] for name in columns], schema=chosen) for each in parts)
    return pa.RecordBatchReader.from_batches(chosen, batches)


def _folded(distinct: Array, columns: tuple[str, str], positive: str) -> CountTable:
    """The count table from a table of group, truth, answer and amount, each combination once."""
    groups, truth, answer = (canonical_text(distinct.column(at)) for at in range(3))
    amount = distinct.column(3).to_numpy()
    for name, values in zip(columns, (truth, answer), strict=True):
        if None in values:
            raise DataError(f"a row has no value in the column {name!r}; fill it or drop the row")
    if positive not in {*truth, *answer}:
        raise DataError(f"no row has the positive class {positive!r}; found {', '.join(sorted({*truth, *answer}))}")
    if not np.all(amount >= 0):
        raise DataError("a weight is missing or negative; expected a number, 0 or more")
    groups[groups == None] = MISSING  # noqa: E711 - cell by cell
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    counts = count_codes(codes, cells_of(truth, answer, positive), (len(names), len(CELLS)), amount)
    return CountTable(tuple(map(str, names)), counts if amount.dtype.kind == "f" else counts.astype(np.int64))
