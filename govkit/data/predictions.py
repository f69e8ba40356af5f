"""Stored predictions: an answer for each row of a data set, in its own columns or in a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from govkit.core.case import Array, Dataset, Predictions
from govkit.core.columns import Columns
from govkit.data.answers import Stored, Which, read_answers
from govkit.data.cells import must_hold
from govkit.data.dataset import file_order, row_ids
from govkit.data.faults import by_place
from govkit.data.labels import read_labels
from govkit.data.tables import read_table
from govkit.errors import DataError
from govkit.lazy import np

SAME_NUMBER = 1e-6
"""Part by which two files may write the same true number differently: seven digits."""


def stored_predictions(
    dataset: Dataset, columns: Columns, *, which: Which, classes: Sequence[str], positive: int
) -> Predictions | None:
    """Answers that stand in columns of the data set itself.

    A score alone (two classes) predicts the positive class from 0.5 on; scores alone predict the most probable class,
    the first of equals, and of several labels each from 0.5 on. Where predictions are stored too, they are the
    predicted labels. The answer of a regression is its number, of a ranking its score.

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
        DataError: A column is missing, a predicted class is unknown, a number or probability is missing, not finite or
            out of its range, probabilities of a row do not sum to 1, or nothing is declared for the candidate.
    """
    stored = Stored.of(columns, which)
    if not stored.names:
        if which == "candidate":
            raise DataError(f"{dataset.path}: stored predictions need {stored.wanted}")
        return None
    if dataset.role != "test" and not set(stored.names) & set(dataset.table.column_names):
        return None
    # Read in the order of the file, so that a message names the row of the file.
    order = file_order(dataset)
    back = np.argsort(order)
    must_hold(dataset.path, dataset.table, stored.names)
    table = dataset.table.select(sorted(set(stored.names)))
    with by_place(order[back]):
        answers = read_answers(dataset.path, table.take(back), stored, classes=classes, positive=positive)
    return _reordered(answers, np.argsort(back))


@by_place(None)
def read_predictions(
    path: Path | str, dataset: Dataset, columns: Columns, classes: Sequence[str], positive: int
) -> Predictions:
    """Answers in a file of their own, which holds the labels, the answers, and ids where they are declared.

    Rows are joined by id where ``columns.id`` is declared, otherwise by the order of the data set's file. The columns
    are declared for the candidate; another model's file may lack some of them, as long as one kind of answer is there.

    Raises:
        DataError: None of the declared columns is there, or only some of ``scores`` or ``predictions``; as
            ``stored_predictions``; also rows or ids missing or too many, and a label that the data set has not.
    """
    path = Path(path)
    table = read_table(path)
    must_hold(path, table, [*columns.labels, *filter(None, [columns.id])])
    stored = Stored.of(columns, "candidate")
    if not stored.names:
        raise DataError(f"{path}: expected {stored.wanted} to be declared")
    stored = stored.held_by(path, table)
    rows = _rows(path, table, dataset, columns)
    _same_labels(path, read_labels(path, table, columns, classes)[rows], dataset, rows, classes=classes)
    return _reordered(read_answers(path, table, stored, classes=classes, positive=positive), rows)


def _same_labels(path: Path, labels: Array, dataset: Dataset, rows: Array, *, classes: Sequence[str]) -> None:
    """Both files must say the same about each row: otherwise it is not the same row."""
    tolerance = SAME_NUMBER if labels.dtype.kind == "f" else 0.0
    differ = ~np.isclose(labels, dataset.labels, rtol=tolerance, atol=0.0)
    wrong = np.flatnonzero(np.reshape(differ, (len(rows), -1)).any(axis=1))
    if len(wrong):
        at = wrong[rows[wrong].argmin()]
        found, expected = (_shown(side[at], classes) for side in (labels, dataset.labels))
        raise DataError(f"{path}, row {rows[at] + 1}: label is {found}, {dataset.path} says {expected}; same rows?")


def _shown(label: Array, classes: Sequence[str]) -> str:
    """One label as a message shows it."""
    if label.ndim:
        return repr([name for name, truth in zip(classes, label, strict=True) if truth])
    return str(float(label)) if label.dtype.kind == "f" else repr(classes[int(label)])


def _rows(path: Path, table: Array, dataset: Dataset, columns: Columns) -> Array:
    """Row of the table that belongs to each row of the data set, int64 ``(n,)``."""
    ids = row_ids(path, table, columns)
    if ids is None or dataset.ids is None:
        rows = len(dataset) + len(dataset.broken)
        if table.num_rows != rows:
            raise DataError(
                f"{path} has {table.num_rows} rows, {dataset.path} has {rows}; expected one answer a row "
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


def _reordered(answers: Predictions, order: Array) -> Predictions:
    """Answers row by row in another order; a ranking has no labels to reorder."""
    labels = answers.labels[order] if answers.scores is None else answers.labels
    probabilities, scores = (None if side is None else side[order] for side in (answers.probabilities, answers.scores))
    return Predictions(labels, probabilities, scores)
