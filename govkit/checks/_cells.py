"""Rows counted by what happened to them: all that a measure of classes needs of a hundred rows or a hundred million."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from govkit.core import Dataset
from govkit.core.case import Array
from govkit.lazy import np

DENSE = 2**20
"""Most cells that are counted in one table; beyond it only those that occur are."""


@dataclass(frozen=True)
class Cells:
    """The combinations of truth and answers that occur.

    Attributes:
        counts: Rows in each cell ``(c,)``.
        labels: Class index of the truth, then of each model's answer, of each cell: ``(1 + models, c)``.
        classes: Number of classes ``K``.
    """

    counts: Array
    labels: Array
    classes: int

    def margins(self, counts: Array, model: int = 0) -> tuple[Array, Array, Array]:
        """Hits, truths and answers of each class, each ``(..., K)``, where the cells hold ``counts``, ``(..., c)``."""
        truth, answer = self.labels[0], self.labels[1 + model]
        return (counts * (truth == answer)) @ self._is(truth), counts @ self._is(truth), counts @ self._is(answer)

    def _is(self, label: Array) -> Array:
        """Whether a cell has a class, 0 or 1, sparse: ``(c, K)``."""
        from scipy.sparse import csr_array

        cells = np.arange(label.size)
        return csr_array((np.ones(label.size, dtype=np.int64), (cells, label)), shape=(label.size, self.classes))


def cells_of(columns: Sequence[Array], classes: int) -> Cells:
    """Count rows by truth and answers.

    Args:
        columns: Class index of each row, ``(n,)`` each: the truth, then one column a model.
        classes: Number of classes.
    """
    shape = (classes,) * len(columns)
    code = np.ravel_multi_index(tuple(columns), shape)
    if classes ** len(columns) <= DENSE:
        counts = np.bincount(code)
        held = np.flatnonzero(counts)
        counts = counts[held]
    else:
        held, counts = np.unique(code, return_counts=True)
    return Cells(counts, np.array(np.unravel_index(held, shape)), classes)


def by_part(data: Dataset, cell: Array, cells: int) -> tuple[list[dict[str, str]], Array]:
    """Count rows by cell, over all rows and in each group and declared part.

    Args:
        data: Where the parts are.
        cell: Index of each row's cell ``(n,)``.
        cells: Number of cells.

    Returns:
        The parts, all rows (``{}``) first, and their counts ``(parts, cells)``.
    """
    parts: list[dict[str, str]] = [{}]
    held = [np.bincount(cell, minlength=cells)[None]]
    for column, coded in {**data.groups, **data.parts}.items():
        parts += [{column: name} for name in coded.names]
        counts = np.bincount(coded.codes * np.int64(cells) + cell, minlength=len(coded.names) * cells)
        held.append(counts.reshape(-1, cells))
    return parts, np.concatenate(held)
