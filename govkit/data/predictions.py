"""Stored predictions: a predicted class, a probability, or both, for each row of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from govkit.core.audit import Columns
from govkit.core.case import Array, Dataset, Predictions
from govkit.data.dataset import canonical_text, class_indices, file_order, label_indices, must_hold, row_ids
from govkit.data.tables import read_table
from govkit.errors import DataError

Which = Literal["candidate", "base", "incumbent"]

SUM_TOLERANCE = 1e-3
"""How far the stored probabilities of a row may sum from 1; they are then scaled to sum to exactly 1."""


@dataclass(frozen=True)
class _Stored:
    """Names of the columns that hold the answers of one model."""

    prediction: str | None
    score: str | None
    scores: Mapping[str, str] | None

    @property
    def names(self) -> list[str]:
        return [name for name in (self.prediction, self.score, *(self.scores or {}).values()) if name]


def stored_predictions(
    dataset: Dataset, columns: Columns, *, which: Which, classes: Sequence[str], positive: int
) -> Predictions | None:
    """Answers that stand in columns of the data set itself.

    A score alone (two classes) predicts the positive class from 0.5 on; scores alone predict the most probable class,
    the first of equals. Where predictions are stored too, they are the predicted labels.

    Args:
        dataset: The data set.
        columns: Names of the columns.
        which: Whose answers.
        classes: Names of the classes.
        positive: Index of the class that ``score`` is the probability of.

    Returns:
        The answers in the order of the data set, or None where no column is declared for the base or the incumbent, or
        where a data set other than ``test`` holds none of the columns: rows to compare with need no predictions.

    Raises:
        DataError: A column is missing, a predicted class is unknown, a probability is missing, not finite or not in
            [0, 1], probabilities of a row do not sum to 1, or nothing is declared for the candidate.
    """
    stored = _stored(columns, which)
    if not stored.names:
        if which == "candidate":
            raise DataError(
                f"{dataset.path}: stored predictions need columns.prediction, columns.score or columns.scores"
            )
        return None
    if dataset.role != "test" and not set(stored.names) & set(dataset.table.column_names):
        return None
    import numpy as np

    # Read in the order of the file, so that a message names the row of the file.
    order = file_order(dataset)
    back = np.argsort(order)
    answers = _answers(dataset.path, dataset.table.take(back), stored, classes=classes, positive=positive)
    return _reordered(answers, order)


def read_predictions(
    path: Path | str, dataset: Dataset, columns: Columns, classes: Sequence[str], positive: int
) -> Predictions:
    """Answers in a file of their own, with the columns ``label``, ``prediction``, ``score`` or ``scores``, and ``id``.

    Rows are joined by id where ``columns.id`` is declared, otherwise by the order of the data set's file. The columns
    are declared for the candidate; another model's file may lack some of them, as long as one kind of answer is there.

    Raises:
        DataError: None of the declared columns is there, or only some of ``scores``; as ``stored_predictions``; also
            rows or ids that are missing or too many, and a label that is not the data set's.
    """
    path = Path(path)
    table = read_table(path)
    must_hold(path, table, [columns.label, *filter(None, [columns.id])])
    stored = _stored(columns, "candidate")
    if not stored.names:
        raise DataError(f"{path}: expected columns.prediction, columns.score or columns.scores to be declared")
    stored = _present(path, table, stored)
    rows = _rows(path, table, dataset, columns)
    labels = label_indices(path, table, columns, classes)
    wrong = [int(row) for row, truth in zip(rows, dataset.labels, strict=True) if labels[row] != truth]
    if wrong:
        row = min(wrong)
        found, expected = (classes[int(index)] for index in (labels[row], dataset.labels[list(rows).index(row)]))
        raise DataError(f"{path}, row {row + 1}: label is {found!r}, {dataset.path} says {expected!r}; same rows?")
    return _reordered(_answers(path, table, stored, classes=classes, positive=positive), rows)


def _stored(columns: Columns, which: Which) -> _Stored:
    if which == "candidate":
        return _Stored(columns.prediction, columns.score, columns.scores)
    return _Stored(getattr(columns, f"{which}_prediction"), getattr(columns, f"{which}_score"), None)


def _present(path: Path, table: Array, stored: _Stored) -> _Stored:
    """Those of the declared columns that a file holds; the scores of all classes stand or fall together."""
    held = set(table.column_names)
    if not held & set(stored.names):
        names = ", ".join(map(repr, stored.names))
        raise DataError(f"{path} holds no predictions; expected at least one of the columns {names}")
    return _Stored(
        stored.prediction if stored.prediction in held else None,
        stored.score if stored.score in held else None,
        stored.scores if held & set((stored.scores or {}).values()) else None,
    )


def _rows(path: Path, table: Array, dataset: Dataset, columns: Columns) -> Array:
    """Row of the table that belongs to each row of the data set, int64 ``(n,)``."""
    import numpy as np

    ids = row_ids(path, table, columns)
    if ids is None or dataset.ids is None:
        if table.num_rows != len(dataset):
            raise DataError(
                f"{path} has {table.num_rows} rows, {dataset.path} has {len(dataset)}; expected one answer a row "
                "(declare columns.id to join by id)"
            )
        return file_order(dataset)
    at = {name: row for row, name in enumerate(ids)}
    back = np.argsort(file_order(dataset))
    missing = next((name for name in dataset.ids[back] if name not in at), None)
    if missing is not None:
        raise DataError(f"{path} has no row with {columns.id} {missing!r}, which {dataset.path} has")
    extra = sorted(set(at) - set(dataset.ids), key=at.__getitem__)
    if extra:
        row = at[extra[0]] + 1
        raise DataError(f"{path}, row {row}: {columns.id} {extra[0]!r} is not in {dataset.path}")
    return np.array([at[name] for name in dataset.ids], dtype=np.int64)


def _answers(path: Path, table: Array, stored: _Stored, *, classes: Sequence[str], positive: int) -> Predictions:
    """Answers in the order of the table."""
    must_hold(path, table, stored.names)
    probabilities = _probabilities(path, table, stored, classes=classes, positive=positive)
    if stored.prediction is not None:
        return Predictions(_labels(path, table, stored.prediction, classes), probabilities)
    return Predictions(_most_probable(probabilities, stored, positive), probabilities)


def _labels(path: Path, table: Array, column: str, classes: Sequence[str]) -> Array:
    labels = canonical_text(table[column])
    return class_indices(path, labels, classes, f"predicted class in column {column!r}")


def _most_probable(probabilities: Array, stored: _Stored, positive: int) -> Array:
    import numpy as np

    if stored.scores is not None:
        return probabilities.argmax(axis=1).astype(np.int64)
    return np.where(probabilities[:, positive] >= 0.5, positive, 1 - positive).astype(np.int64)


def _probabilities(path: Path, table: Array, stored: _Stored, *, classes: Sequence[str], positive: int) -> Array | None:
    """Probabilities float64 ``(n, k)``, or None where only predicted classes are stored."""
    import numpy as np

    if stored.scores is not None:
        return _from_scores(path, table, stored.scores, classes)
    if stored.score is None:
        return None
    if len(classes) != 2:
        raise DataError(f"columns.score needs two classes, found {len(classes)}; declare columns.scores, one per class")
    score = _score(path, table, stored.score)
    probabilities = np.empty((len(score), 2))
    probabilities[:, positive], probabilities[:, 1 - positive] = score, 1.0 - score
    return probabilities


def _from_scores(path: Path, table: Array, scores: Mapping[str, str], classes: Sequence[str]) -> Array:
    import numpy as np

    named = {name.strip(): column for name, column in scores.items()}
    odd = sorted(set(named) ^ set(classes))
    if odd:
        what = "has no column" if odd[0] in classes else "is no class of the data"
        raise DataError(f"columns.scores: {odd[0]!r} {what}; expected one column for each of {', '.join(classes)}")
    probabilities = np.stack([_score(path, table, named[name]) for name in classes], axis=1)
    total = probabilities.sum(axis=1)
    off = np.flatnonzero(np.abs(total - 1.0) > SUM_TOLERANCE)
    if len(off):
        row = int(off[0])
        raise DataError(f"{path}, row {row + 1}: the scores sum to {total[row]:.6g}; expected 1")
    return probabilities / total[:, None]


def _score(path: Path, table: Array, column: str) -> Array:
    """A column of probabilities, float64 ``(n,)``."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = table[column]
    kind = cells.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if not number and cells.null_count < len(cells):
        raise DataError(f"{path}: column {column!r} holds {kind}; expected probabilities{_first_word(cells)}")
    values = pc.cast(cells, pa.float64()).to_numpy().astype(np.float64)
    bad = np.flatnonzero(~((values >= 0.0) & (values <= 1.0)))
    if len(bad):
        row = int(bad[0])
        found = "has no value" if cells[row].as_py() is None else f"is {values[row]:g}"
        raise DataError(f"{path}, row {row + 1}: {column} {found}; expected a probability in [0, 1]")
    return values


def _first_word(cells: Array) -> str:
    """Where a text column stops being numbers, as an addition to a message."""
    for row, cell in enumerate(cells.to_pylist()):
        try:
            float(cell)
        except (TypeError, ValueError):
            return f" (row {row + 1} is {cell!r})"
    return ""


def _reordered(answers: Predictions, order: Array) -> Predictions:
    chosen = None if answers.probabilities is None else answers.probabilities[order]
    return Predictions(answers.labels[order], chosen)
