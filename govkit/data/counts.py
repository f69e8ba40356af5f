"""Count tables: rows that agree on groups, truth and prediction, counted once."""

from __future__ import annotations

from collections.abc import Mapping

from govkit.core.case import Array
from govkit.errors import DataError


def count_table(groups: Mapping[str, Array], truth: Array, predicted: Array) -> Array:
    """Count the rows of every cell of groups × truth × predicted.

    Every rate-based metric depends on these counts alone, so the result stands in for the rows, weighted by ``n``.

    Args:
        groups: Column -> group names ``(n,)``; may be empty.
        truth: True class indices ``(n,)``.
        predicted: Predicted class indices ``(n,)``.

    Returns:
        A pandas frame with the columns of ``groups``, ``truth``, ``predicted`` and ``n`` (int64), sorted, one row for
        each cell that occurs.

    Raises:
        DataError: Lengths differ, or a group column has one of the names ``truth``, ``predicted``, ``n``.
    """
    import numpy as np
    import pandas as pd

    taken = {"truth", "predicted", "n"} & set(groups)
    if taken:
        raise DataError(f"a group column may not be named {sorted(taken)[0]!r}; rename it")
    columns = {**groups, "truth": np.asarray(truth), "predicted": np.asarray(predicted)}
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns to count differ in length: {lengths}")
    cell = np.zeros(len(columns["truth"]), dtype=np.int64)
    codes, names = {}, {}
    for name, column in columns.items():
        codes[name], names[name] = pd.factorize(column, sort=True)
        # Pack after each column, so that the number of a cell never outgrows 64 bits.
        _, cell = np.unique(cell * len(names[name]) + codes[name], return_inverse=True)
    _, first, count = np.unique(cell, return_index=True, return_counts=True)
    frame = {name: np.asarray(names[name])[codes[name][first]] for name in columns}
    return pd.DataFrame({**frame, "n": count.astype(np.int64)})
