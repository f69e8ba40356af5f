"""Labels: which task they make, which classes they name, and each of them as the task has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from govkit.core.case import Array, Coded
from govkit.core.columns import LARGEST, Columns
from govkit.core.words import Task
from govkit.data.cells import coded_text, no_long_names, no_missing, numbers
from govkit.data.faults import RowFault
from govkit.data.spool import scratch, taken
from govkit.errors import DataError
from govkit.lazy import np


def task_of(columns: Columns, classes: Sequence[str]) -> Task:
    """The task that the columns declare, or else the number of classes tells.

    Args:
        columns: Names of the columns.
        classes: What ``classes_of`` found.

    Raises:
        DataError: The declared task is not the one of the data.
    """
    declared, found = columns.declared_task, "binary" if len(classes) == 2 else "multiclass"
    if declared in ("ordinal", "multilabel", "regression") or (declared == "ranking" and found == "binary"):
        return declared
    if declared not in (None, found):
        raise DataError(
            f"columns.task is {declared}, the labels show {len(classes)} classes: {', '.join(classes[:8])}; a task of "
            "numbers is regression, binary and ranking need two classes, multiclass more"
        )
    return "binary" if len(classes) == 2 else "multiclass"


def classes_of(labels: Iterable[Array], columns: Columns, *, named: Sequence[str] = ()) -> tuple[str, ...]:
    """All classes, sorted (as numbers where all are whole numbers), or the declared ones as declared.

    Args:
        labels: Tables with the label column, or arrays of labels.
        columns: Names of the columns; ``columns.classes`` wins over what the labels show.
        named: Names that the model itself gives its classes, in its order; where classes have no order they win.

    Returns:
        The classes; of a multi-label task the labels, of a regression nothing.

    Raises:
        DataError: Fewer than two classes, a declared class stands twice, two names stand for the same value, or an
            order cannot be told from words.
    """
    if columns.declared_task == "regression":
        return ()
    if columns.declared_task == "multilabel":
        return columns.labels
    if columns.declared_task == "ordinal":
        return _in_order(columns, _declared(columns) or named or _seen(labels, columns))
    return tuple(named) or _declared(columns) or sort_classes(_seen(labels, columns))


def _in_order(columns: Columns, names: Sequence[str]) -> tuple[str, ...]:
    if columns.classes is None and not all(map(_whole, names)):
        raise DataError(
            f"the order of the classes {', '.join(map(repr, sort_classes(names)))} cannot be told from their names; "
            "list them in order as columns.classes"
        )
    return tuple(names) if columns.classes is not None else sort_classes(names)


def _declared(columns: Columns) -> tuple[str, ...]:
    if columns.classes is None:
        return ()
    declared = tuple(name.strip() for name in columns.classes)
    if len(set(declared)) < max(2, len(declared)):
        found = ", ".join(map(repr, columns.classes))
        raise DataError(f"columns.classes must name two or more classes, each once but for blanks; found {found}")
    return declared


def _seen(labels: Iterable[Array], columns: Columns) -> tuple[str, ...]:
    """Names of the classes that the labels show; the same value may not come under two names."""
    label, seen = columns.labels[0], set[str]()
    for source in labels:
        column = source[label] if hasattr(source, "column_names") else source
        seen.update(coded_text(column, what=f"column {label!r}").names)
    if len(seen) < 2:
        found = ", ".join(map(repr, seen)) or "none"
        raise DataError(
            f"column {label!r} holds fewer than two classes (found {found}); "
            "declare all of them as columns.classes if the data does not show each"
        )
    values: dict[float | str, str] = {}
    for name in sorted(seen):
        twin = values.setdefault(_value(name), name)
        if twin != name:
            raise DataError(
                f"column {label!r} holds {twin!r} and {name!r}, which look like one class written in two ways; "
                "write it in one way, in every file"
            )
    return tuple(seen)


def _value(name: str) -> float | str:
    """What a class name stands for: a number, also where it is written as text, and a truth as 0 or 1."""
    truths = {"true": 1.0, "false": 0.0}
    try:
        return truths[name.lower()] if name.lower() in truths else float(name)
    except ValueError:
        return name


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Sort class names, as numbers where all are whole numbers."""
    names = set(names)
    whole = all(map(_whole, names))
    return tuple(sorted(names, key=lambda name: (int(name), name) if whole else (0, name)))


def _whole(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def read_labels(path: Path, table: Array, columns: Columns, classes: Sequence[str] | None) -> Array:
    """Labels as the task has them: class indices int64 ``(n,)``, truths int64 ``(n, k)``, or numbers float64 ``(n,)``.

    Args:
        path: The file, for messages.
        table: Its table of n rows.
        columns: Names of the columns.
        classes: All classes; the sorted labels of this table if not given.

    Raises:
        DataError: A label is missing, not in ``classes``, longer than ``LONGEST_NAME``, neither 0 nor 1, or not a
            number in ``columns.range``; names the row.
    """
    if columns.declared_task == "regression":
        return labels_as_numbers(path, table, columns, columns.labels[0])
    if columns.declared_task == "multilabel":
        return truths(path, table, columns.labels)
    (column,) = columns.labels
    labels = coded_text(table[column], what=f"{path}: column {column!r}")
    no_missing(path, labels.codes < 0, column)
    no_long_names(path, labels, column)
    return class_indices(path, labels, sort_classes(labels.names) if classes is None else classes, column)


def labels_as_numbers(path: Path, table: Array, columns: Columns, column: str) -> Array:
    """Labels or answers of a regression, float64 ``(n,)``, within ``columns.range`` where it is declared."""
    low, high = columns.range or (-LARGEST, LARGEST)
    return numbers(path, table, column, low=low, high=high)


def truths(path: Path, table: Array, names: Sequence[str]) -> Array:
    """Columns of 0 and 1, or of false and true, int64 ``(n, k)``.

    Raises:
        DataError: Another value; names row and column.
    """
    found = scratch((table.num_rows, len(names)), np.int64)
    for at, name in enumerate(names):
        cells = coded_text(table[name], what=f"{path}: column {name!r}")
        no_missing(path, cells.codes < 0, name)
        # Even places are no, odd ones yes.
        found[:, at] = class_indices(path, cells, ("0", "1", "false", "true"), name) % 2
    return found


def class_indices(path: Path, labels: Coded, classes: Sequence[str], column: str) -> Array:
    """Index of each label in ``classes``, int64 ``(n,)``; a label that is missing has the code -1.

    Raises:
        DataError: A label is not in ``classes``; names the row and the label.
    """
    known = {name: at for at, name in enumerate(classes)}
    index = np.array([known.get(name, -1) for name in labels.names] + [-1], dtype=np.int64)
    unknown = np.flatnonzero((index < 0)[labels.codes])
    if len(unknown):
        row = int(unknown[0])
        found = (*labels.names, None)[labels.codes[row]]
        raise RowFault(path, row, f"{column} is {found!r}; expected one of {', '.join(map(repr, classes))}")
    return taken(index, labels.codes)
