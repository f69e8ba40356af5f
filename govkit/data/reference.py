"""Whom the rows are to stand for: a table of people, of numbers of people, or of shares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from govkit.core.audit import Reference
from govkit.core.case import Array
from govkit.data.cells import must_hold
from govkit.data.dataset import coded_groups
from govkit.data.tables import read_table
from govkit.errors import DataError
from govkit.lazy import np, pa, pd

ROUNDING = 0.01
"""So far the shares may be from a sum of 1: those of published tables are rounded."""

BEYOND = 2**53
"""People from which on a sum of float64 is not exact."""


def read_reference(path: Path, reference: Reference, groups: Sequence[str]) -> Array:
    """Read a reference.

    Args:
        path: Where the table is.
        reference: Which column counts.
        groups: The group columns of the audit; those that the table lacks are left out.

    Returns:
        A table as ``Case.reference`` has it.

    Raises:
        DataError: The table has none of the group columns, or a count or a share is none; or it holds sums, and nothing
            says of what.
    """
    table = read_table(path)
    held = [name for name in groups if name in table.column_names]
    if not held:
        raise DataError(f"{path} has none of the group columns ({', '.join(groups) or 'none is declared'})")
    kind = "count" if reference.share is None else "share"
    for name in {"count", "share"} & {*held}:
        raise DataError(f"{path}: a group column may not be called {name!r} beside a reference; rename it")
    weights = _weights(path, table, reference)
    coded = [coded_groups(path, table, name) for name in held]
    frame = pd.DataFrame({at: column.codes for at, column in enumerate(coded)}).assign(weight=weights)
    summed = frame.groupby([*range(len(held))], as_index=False).sum()
    if reference.count is reference.share and 1 < table.num_rows == len(summed):
        raise DataError(
            f"{path}: each combination of {', '.join(held)} stands once, which people would not: "
            "name the column that says how many they are (count), or which share (share)"
        )
    summed = summed[summed["weight"] > 0]
    people = summed["weight"].to_numpy(dtype=np.float64)
    names = [np.array(column.names)[summed[at]] for at, column in enumerate(coded)]
    last = people.astype(np.int64) if kind == "count" else people / people.sum()
    return pa.table([*map(pa.array, names), pa.array(last)], names=[*held, kind])


def _weights(path: Path, table: Array, reference: Reference) -> Array:
    """People, or their share, of each row: float64 ``(n,)``."""
    name = reference.count or reference.share
    if name is None:
        return np.ones(table.num_rows)
    must_hold(path, table, [name])
    weights = pd.to_numeric(table[name].to_pandas(), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    whole = reference.count is not None
    wrong = ~(weights >= 0) | ~np.isfinite(weights) | (whole & (weights != np.floor(weights)))
    if wrong.any():
        row = int(wrong.argmax())
        wanted = "a whole number of people (weighted ones are shares: name the column as share)" if whole else "a share"
        raise DataError(f"{path}, row {row + 1}: {name} is {table[name][row].as_py()!r}; expected {wanted}, 0 or more")
    total = float(weights.sum())
    if not 0 < total < BEYOND or not (whole or abs(total - 1) <= ROUNDING):
        wanted = f"more than 0 and less than {BEYOND:g}" if whole else "1"
        raise DataError(f"{path}: the column {name!r} sums to {total:g}; expected {wanted}")
    return weights
