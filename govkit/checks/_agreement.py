"""fairlearn and aif360 on the same count table: their definitions are the reference.

They are called with the counts as weights, which gives the same values as on the rows at a cost that does not grow with
them. Where they and the counts differ, nothing is reported.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from govkit.checks._fairness import POSITIVE, SELECTED, metrics_of
from govkit.checks._shared import loading
from govkit.core.case import Array
from govkit.data.counts import CELLS, OTHER_ERROR, CountTable
from govkit.lazy import np, pd

TOLERANCE = 1e-9
EXACT = ("accuracy", "error_rate")
"""With more than two classes these count the exact class, which the libraries do not see."""


class LibrariesDisagree(Exception):
    """fairlearn or aif360 gives another value than the counts."""


def agree(table: CountTable, rates: Iterable[str]) -> None:
    """Compare rates of the table, and their gaps to everybody else, with fairlearn and aif360.

    Raises:
        LibrariesDisagree: A value differs by more than 1e-9.
        ModuleNotFoundError: A library is not installed.
    """
    names = [name for name in rates if name not in EXACT or not table.counts[:, OTHER_ERROR].any()]
    counted = metrics_of(table)
    with _quiet():
        _load()
        for name, values in _fairlearn(table, names).items():
            _same(f"fairlearn, {name}", values, counted[name], table)
        if len(table.names) > 1:
            gaps = [_aif360(table, index, names) for index in range(len(table.names))]
            for name in names:
                _same(
                    f"aif360, {name} less the rest", [gap[name] for gap in gaps], counted[f"{name}_difference"], table
                )


def _load() -> None:
    with loading():
        for name in ("fairlearn.metrics", "aif360.datasets", "aif360.metrics"):
            importlib.import_module(name)


def _same(what: str, found: Any, counted: Array, table: CountTable) -> None:
    """Compare group by group; where a denominator is 0 the libraries say 0 and we say nothing."""
    for group, theirs, ours in zip(table.names, found, counted, strict=True):
        if ours == ours and not abs(theirs - ours) <= TOLERANCE:
            raise LibrariesDisagree(f"{what} of {group!r}: the library gives {theirs}, the counts {ours}")


def _fairlearn(table: CountTable, names: list[str]) -> dict[str, Array]:
    """Rates of every group, each ``(K,)``, from a ``MetricFrame`` on the weighted cells."""
    from fairlearn import metrics as library
    from sklearn.metrics import accuracy_score, zero_one_loss

    known = {"accuracy": accuracy_score, "error_rate": zero_one_loss, **vars(library)}
    functions = {name: known[name] for name in names if name in known}
    if not functions:
        return {}
    groups, truth, answer, weights = _flat(table)
    frame = library.MetricFrame(
        metrics=functions,
        y_true=truth,
        y_pred=answer,
        sensitive_features=groups,
        sample_params={name: {"sample_weight": weights} for name in functions},
    )
    return {name: np.asarray(frame.by_group[name].sort_index(), dtype=float) for name in functions}


def _aif360(table: CountTable, index: int, names: list[str]) -> dict[str, float]:
    """Gaps of one group to everybody else, from a ``ClassificationMetric`` on the weighted cells."""
    from aif360.datasets import BinaryLabelDataset
    from aif360.metrics import ClassificationMetric

    groups, labels, answers, weights = _flat(table)
    frame = pd.DataFrame({"group": (groups == index).astype(float), "label": labels.astype(float)})
    truth = BinaryLabelDataset(df=frame, label_names=["label"], protected_attribute_names=["group"])
    truth.instance_weights = weights
    answer = truth.copy()
    answer.labels = answers.astype(np.float64)[:, None]
    metric = ClassificationMetric(truth, answer, [{"group": 1.0}], [{"group": 0.0}])
    return {name: float(metric.difference(getattr(metric, name))) for name in names}


def _flat(table: CountTable) -> tuple[Array, Array, Array, Array]:
    """Group, truth, answer and weight of each cell of each group, each ``(5 K,)``."""
    cells = np.tile(CELLS, len(table.names))
    truth, answer = (np.isin(cells, part).astype(int) for part in (POSITIVE, SELECTED))
    return np.repeat(np.arange(len(table.names)), len(CELLS)), truth, answer, table.counts.ravel().astype(np.float64)


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
