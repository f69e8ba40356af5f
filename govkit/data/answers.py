"""The columns that hold a model's answers, read as the task has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from govkit.core.case import Array, Predictions
from govkit.core.columns import READ_BY, Columns
from govkit.data.cells import coded_text, must_hold, numbers
from govkit.data.faults import RowFault
from govkit.data.labels import class_indices, labels_as_numbers, truths
from govkit.errors import DataError
from govkit.lazy import np

Which = Literal["candidate", "base", "incumbent"]

SUM_TOLERANCE = 1e-3
"""How far the stored probabilities of a row may sum from 1; they are then scaled to sum to exactly 1."""


@dataclass(frozen=True)
class Stored:
    """Names of the columns that hold the answers of one model.

    Attributes:
        columns: All names of the audit file.
        prediction: Column of predicted classes or numbers.
        score: Column of one score.
        predictions: Columns of answers 0 and 1, by label.
        scores: Columns of probabilities, by class or label.
    """

    columns: Columns
    prediction: str | None = None
    score: str | None = None
    predictions: Mapping[str, str] | None = None
    scores: Mapping[str, str] | None = None

    @classmethod
    def of(cls, columns: Columns, which: Which) -> Stored:
        """The columns of one model."""
        if which == "candidate":
            return cls(columns, columns.prediction, columns.score, columns.predictions, columns.scores)
        return cls(columns, getattr(columns, f"{which}_prediction"), getattr(columns, f"{which}_score"))

    @property
    def names(self) -> list[str]:
        """All names, each that is declared."""
        several = (*(self.predictions or {}).values(), *(self.scores or {}).values())
        return [name for name in (self.prediction, self.score, *several) if name]

    @property
    def wanted(self) -> str:
        """Which keys the task reads, for messages."""
        read = READ_BY[self.columns.declared_task or "multiclass"]
        keys = [key for key in ("prediction", "score", "predictions", "scores") if key in read]
        return " or ".join(", ".join(f"columns.{key}" for key in part) for part in (keys[:-1], keys[-1:]) if part)

    def held_by(self, path: Path, table: Array) -> Stored:
        """Those that a file holds; the columns of all classes stand or fall together.

        Raises:
            DataError: It holds none.
        """
        held = set(table.column_names)
        if not held & set(self.names):
            names = ", ".join(map(repr, self.names))
            raise DataError(f"{path} holds no predictions; expected at least one of the columns {names}")
        return Stored(
            self.columns,
            self.prediction if self.prediction in held else None,
            self.score if self.score in held else None,
            self.predictions if held & set((self.predictions or {}).values()) else None,
            self.scores if held & set((self.scores or {}).values()) else None,
        )


def read_answers(path: Path, table: Array, stored: Stored, *, classes: Sequence[str], positive: int) -> Predictions:
    """The answers in the order of the table.

    Args:
        path: The file, for messages.
        table: Its table of n rows.
        stored: The columns that hold the answers.
        classes: Names of the classes or labels.
        positive: Index of the class that ``score`` is the probability of.

    Raises:
        DataError: A column is missing, or a cell is not what the task has as an answer; names the row.
    """
    must_hold(path, table, stored.names)
    task = stored.columns.declared_task
    if task == "regression":
        return Predictions(labels_as_numbers(path, table, stored.columns, stored.prediction or ""))
    if task == "ranking":
        return Predictions(np.empty(0, dtype=np.int64), scores=numbers(path, table, stored.score or ""))
    if task == "multilabel":
        return _of_labels(path, table, stored, classes)
    probabilities = _probabilities(path, table, stored, classes=classes, positive=positive)
    if stored.prediction is not None:
        labels = coded_text(table[stored.prediction], what=f"{path}: column {stored.prediction!r}")
        what = f"predicted class in column {stored.prediction!r}"
        return Predictions(class_indices(path, labels, classes, what), probabilities)
    return Predictions(_most_probable(probabilities, stored, positive), probabilities)


def _of_labels(path: Path, table: Array, stored: Stored, labels: Sequence[str]) -> Predictions:
    """Answers to each label on its own; without stored ones the label is given from a probability of 0.5 on."""
    given: Array = None if stored.scores is None else _each(path, table, _columns(stored.scores, labels, key="scores"))
    if stored.predictions is not None:
        return Predictions(truths(path, table, _columns(stored.predictions, labels, key="predictions")), given)
    return Predictions(np.asarray(given >= 0.5, dtype=np.int64), given)


def _most_probable(probabilities: Array, stored: Stored, positive: int) -> Array:
    if stored.scores is not None:
        return probabilities.argmax(axis=1).astype(np.int64)
    return np.where(probabilities[:, positive] >= 0.5, positive, 1 - positive).astype(np.int64)


def _probabilities(path: Path, table: Array, stored: Stored, *, classes: Sequence[str], positive: int) -> Array | None:
    """Probabilities float64 ``(n, k)``, or None where only predicted classes are stored."""
    if stored.scores is not None:
        return _summing_to_one(path, _each(path, table, _columns(stored.scores, classes, key="scores")))
    if stored.score is None:
        return None
    if len(classes) != 2:
        raise DataError(f"columns.score needs two classes, found {len(classes)}; declare columns.scores, one per class")
    (score,) = _each(path, table, [stored.score]).T
    probabilities = np.empty((len(score), 2))
    probabilities[:, positive], probabilities[:, 1 - positive] = score, 1.0 - score
    return probabilities


def _columns(named: Mapping[str, str], classes: Sequence[str], *, key: str) -> list[str]:
    """The column of each class, in the order of the classes."""
    stripped = {name.strip(): column for name, column in named.items()}
    odd = sorted(set(stripped) ^ set(classes))
    if odd:
        what = "has no column" if odd[0] in classes else "is no class of the data"
        raise DataError(f"columns.{key}: {odd[0]!r} {what}; expected one column for each of {', '.join(classes)}")
    return [stripped[name] for name in classes]


def _each(path: Path, table: Array, columns: Sequence[str]) -> Array:
    """Probabilities that are read column by column, float64 ``(n, k)``."""
    found = np.empty((table.num_rows, len(columns)))
    for at, column in enumerate(columns):
        found[:, at] = numbers(path, table, column, what="a probability", low=0.0, high=1.0)
    return found


def _summing_to_one(path: Path, probabilities: Array) -> Array:
    total = probabilities.sum(axis=1)
    off = np.flatnonzero(np.abs(total - 1.0) > SUM_TOLERANCE)
    if len(off):
        row = int(off[0])
        raise RowFault(path, row, f"the scores sum to {total[row]:.6g}; expected 1")
    return probabilities / total[:, None]
