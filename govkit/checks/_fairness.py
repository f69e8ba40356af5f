"""Group rates from counts, agreed with fairlearn and aif360 on the same count table.

Every rate depends only on how many rows of each group fall into each cell (truth x answer x right). The two libraries
are called on this table with the counts as weights, which gives the same values as on the rows at a cost that does
not grow with them. Their definitions are the reference: where they and the counts differ, nothing is reported.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from govkit.checks._shared import loading
from govkit.core.case import Array

TOLERANCE = 1e-9


class LibrariesDisagree(Exception):
    """fairlearn or aif360 gives another value than the counts."""


@dataclass(frozen=True)
class Sides:
    """Rows, or cells of rows, as truths of one shape.

    Attributes:
        positive: The true class is the positive one.
        selected: The answer is the positive class.
        right: The answer is the true class.
    """

    positive: Array
    selected: Array
    right: Array


@dataclass(frozen=True)
class Rate:
    """A rate: ``event`` among the rows that are ``eligible``.

    Attributes:
        event: Sides -> truths; counted where eligible.
        eligible: Sides -> truths; the denominator.
        rows: The denominator in words.
    """

    event: Callable[[Sides], Array]
    eligible: Callable[[Sides], Array]
    rows: str


def _every(sides: Sides) -> Array:
    return sides.positive | ~sides.positive


RATES = {
    "selection_rate": Rate(lambda s: s.selected, _every, "rows"),
    "true_positive_rate": Rate(lambda s: s.selected, lambda s: s.positive, "rows of the positive class"),
    "false_positive_rate": Rate(lambda s: s.selected, lambda s: ~s.positive, "rows of another class"),
    "false_negative_rate": Rate(lambda s: ~s.selected, lambda s: s.positive, "rows of the positive class"),
    "accuracy": Rate(lambda s: s.right, _every, "rows"),
}


@dataclass(frozen=True)
class Table:
    """Rows by group and cell.

    Attributes:
        names: The groups, K of them.
        counts: int64 ``(K, 8)``; the cell is ``4 * positive + 2 * selected + right``.
        binary: There are two classes, so that being right is a matter of positive and selected alone.
    """

    names: tuple[str, ...]
    counts: Array
    binary: bool

    @property
    def cells(self) -> Sides:
        """The eight cells, each side ``(8,)``."""
        import numpy as np

        cell = np.arange(8)
        return Sides(cell & 4 > 0, cell & 2 > 0, cell & 1 > 0)

    def rate(self, rate: Rate) -> tuple[Array, Array]:
        """Events and denominators of each group, each ``(K,)``."""
        eligible = rate.eligible(self.cells)
        return self.counts[:, eligible & rate.event(self.cells)].sum(axis=1), self.counts[:, eligible].sum(axis=1)


def tabulate(codes: Array, names: tuple[str, ...], sides: Sides, *, binary: bool) -> Table:
    """Count rows by group and cell; ``codes`` ``(n,)`` are indices into ``names``."""
    import numpy as np

    cell = 4 * sides.positive.astype(np.int64) + 2 * sides.selected + sides.right
    counts = np.bincount(8 * codes.astype(np.int64) + cell, minlength=8 * len(names)).reshape(len(names), 8)
    return Table(names, counts, binary)


def agree(table: Table) -> None:
    """Compare rates and gaps of the table with fairlearn and aif360.

    Raises:
        LibrariesDisagree: A value differs by more than 1e-9.
        ModuleNotFoundError: A library is not installed.
    """
    with _quiet():
        _load()
        _agree_with_fairlearn(table)
        if len(table.names) > 1:
            for index in range(len(table.names)):
                _agree_with_aif360(table, index)


def _load() -> None:
    with loading():
        for name in ("fairlearn.metrics", "aif360.datasets", "aif360.metrics"):
            importlib.import_module(name)


def _agree_with_fairlearn(table: Table) -> None:
    """Every rate of every group, from a ``MetricFrame`` on the weighted cells."""
    from fairlearn import metrics as library
    from sklearn.metrics import accuracy_score

    functions: dict[str, Any] = {name: getattr(library, name) for name in RATES if name != "accuracy"}
    if table.binary:
        functions["accuracy"] = accuracy_score
    groups, cells, weights = _flat(table)
    frame = library.MetricFrame(
        metrics=functions,
        y_true=cells.positive.astype(int),
        y_pred=cells.selected.astype(int),
        sensitive_features=groups,
        sample_params={name: {"sample_weight": weights} for name in functions},
    )
    for name in functions:
        events, rows = table.rate(RATES[name])
        found = frame.by_group[name].sort_index().to_numpy(dtype=float)
        for index in (rows > 0).nonzero()[0]:
            _same(f"fairlearn, {name} of {table.names[index]!r}", found[index], events[index] / rows[index])


def _flat(table: Table) -> tuple[Array, Sides, Array]:
    """Group index, cell and weight of each cell of each group, each ``(8 K,)``."""
    import numpy as np

    cells, groups = table.cells, len(table.names)
    spread = Sides(*(np.tile(side, groups) for side in (cells.positive, cells.selected, cells.right)))
    return np.repeat(np.arange(groups), 8), spread, table.counts.ravel().astype(np.float64)


def _agree_with_aif360(table: Table, index: int) -> None:
    """Gaps of one group to everybody else, from a ``ClassificationMetric`` on the weighted cells."""
    metric = _classification_metric(table, index)
    differences = {
        "selection_rate": metric.statistical_parity_difference,
        "true_positive_rate": metric.equal_opportunity_difference,
        "false_positive_rate": metric.false_positive_rate_difference,
        "false_negative_rate": metric.false_negative_rate_difference,
    }
    for name, value in differences.items():
        (x, y), (n, m) = (one_and_rest(counts, index) for counts in table.rate(RATES[name]))
        if n and m:
            _same(f"aif360, {name} of {table.names[index]!r} less the rest", value(), x / n - y / m)
            if name == "selection_rate" and y:
                _same(f"aif360, ratio of {table.names[index]!r}", metric.disparate_impact(), (x / n) / (y / m))


def _classification_metric(table: Table, index: int) -> Any:
    import numpy as np
    import pandas as pd
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import ClassificationMetric

    groups, cells, weights = _flat(table)
    frame = pd.DataFrame({"group": (groups == index).astype(float), "label": cells.positive.astype(float)})
    truth = BinaryLabelDataset(df=frame, label_names=["label"], protected_attribute_names=["group"])
    truth.instance_weights = weights
    answer = truth.copy()
    answer.labels = cells.selected.astype(np.float64)[:, None]
    return ClassificationMetric(truth, answer, unprivileged_groups=[{"group": 1.0}], privileged_groups=[{"group": 0.0}])


def one_and_rest(counts: Array, index: int) -> tuple[int, int]:
    """Count of one group, and of all others together."""
    return int(counts[index]), int(counts.sum() - counts[index])


def _same(what: str, found: float, counted: float) -> None:
    if not abs(found - counted) <= TOLERANCE:
        raise LibrariesDisagree(f"{what}: the library gives {found}, the counts {counted}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the advice that the libraries log and warn about their own optional parts while they load."""
    root, handler = logging.getLogger(), logging.NullHandler()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.name != "root"

    # Without a handler the first message to the root logger would install one that prints.
    root.addHandler(handler)
    root.addFilter(elsewhere)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeFilter(elsewhere)
        root.removeHandler(handler)


__all__ = ["RATES", "LibrariesDisagree", "Rate", "Sides", "Table", "agree", "one_and_rest", "tabulate"]
