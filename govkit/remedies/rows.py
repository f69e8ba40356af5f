"""What a remedy is fitted on and applied to: the candidate's answers to the rows of one role."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from govkit.core import Case, Dataset, Predictions, Role
from govkit.core.case import Array
from govkit.data import content_digest
from govkit.errors import DataError, UsageError
from govkit.lazy import np

FEW = 100
"""Rows of a group below which a remark says that chance decides much: a rate is known to within ten points at best."""

FEWEST = 20
"""Calibration rows below which a fit says nothing, as many as the check ``calibration`` asks for."""

ADD = "add rows of it to the calibration rows, or join it with another group of that column in all files"
"""What to do about a group that is too small."""


@dataclass(frozen=True)
class Rows:
    """Rows and what the candidate answers to them.

    Attributes:
        labels: True class index, int64 ``(n,)``.
        predicted: Predicted class index, int64 ``(n,)``.
        probabilities: float64 ``(n, k)``.
        positive: Index of the positive class.
        groups: Group of each row, str ``(n,)``; None where no column was named.
        inputs: Numeric inputs by column, float64 ``(n,)`` each, NaN where missing.
    """

    labels: Array
    predicted: Array
    probabilities: Array
    positive: int
    groups: Array | None = None
    inputs: Mapping[str, Array] = field(default_factory=dict)

    @property
    def score(self) -> Array:
        """Probability of the positive class, ``(n,)``."""
        return self.probabilities[:, self.positive]


@dataclass(frozen=True)
class Fitted:
    """What a remedy came to.

    Attributes:
        name: What was done, in words.
        numbers: Everything that was fitted or chosen, as plain data.
        remarks: What whoever uses it has to know.
    """

    name: str
    numbers: dict[str, Any]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Remedy(Fitted):
    """A fitted remedy that changes answers.

    Attributes:
        apply: The answers in place of the candidate's.
    """

    apply: Callable[[Rows], Predictions]


def rows_of(case: Case, role: Role, group: str | None) -> Rows | None:
    """The rows of a role; None where there are none, or where the candidate has not answered them.

    Raises:
        UsageError: The candidate gives labels only, or there is no such group column.
    """
    answers = case.predictions("candidate", role)
    if answers is None:
        return None
    if answers.probabilities is None:
        raise UsageError("the candidate gives labels only; a remedy starts from probabilities (columns.score)")
    data = case.data[role]
    return Rows(
        labels=data.labels,
        predicted=answers.labels,
        probabilities=answers.probabilities,
        positive=case.positive,
        groups=None if group is None else _groups(data, group),
        inputs=_numeric(case, data),
    )


def _groups(data: Dataset, group: str) -> Array:
    if group not in data.groups:
        found = ", ".join(data.groups) or "none"
        raise UsageError(f"--group {group}: is no group column of the audit file (columns.groups: {found})")
    coded = data.groups[group]
    return np.array(coded.names)[coded.codes]


def _numeric(case: Case, data: Dataset) -> dict[str, Array]:
    """Numeric inputs of a table; a column that is also a protected attribute is none."""
    if case.modality != "table" or data.inputs is None:
        return {}
    frame = data.inputs.select_dtypes("number").drop(columns=[*data.groups], errors="ignore")
    return {str(name): frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in frame.columns}


def shared_rows(one: Dataset, other: Dataset) -> int:
    """Rows that two data sets both hold, a repeated row counted once.

    Rows are the same if all columns that both tables have are equal, or if they have the same id; pictures are the same
    if the bytes of their files are.
    """
    common = sorted(set(one.table.column_names) & set(other.table.column_names))
    ours, theirs = (content_digest(data.table, columns=common)[1] for data in (one, other))
    shared = max(len(np.intersect1d(ours, theirs)), len(np.intersect1d(one.row_digests, other.row_digests)))
    if one.ids is None or other.ids is None:
        return shared
    return max(shared, len(set(one.ids) & set(other.ids)))


def refuse_shared(fitted: Dataset, other: Dataset) -> None:
    """Not one of the rows that a remedy is fitted on may be among rows that judge it, or that the candidate knows.

    What is fitted on test rows flatters itself on them; rows that the candidate was tuned on flatter the candidate.

    Args:
        fitted: Rows that the remedy is fitted on.
        other: Rows of another role.

    Raises:
        DataError: Some rows are in both.
    """
    shared = shared_rows(fitted, other)
    if shared:
        why = f"a remedy that was fitted on {other.role} rows flatters itself there"
        if other.role == "train":
            why = "the candidate was tuned on these and answers them better than new ones"
        raise DataError(
            f"{fitted.path}: {shared} of its rows (repeats counted once) are {other.role} rows too ({other.path}); "
            f"{why}: remove them from one of the two files, or declare columns.id if they are different cases that "
            "look alike"
        )


def must_be(rows: Rows, *, binary: bool = False, groups: bool = False) -> None:
    """Refuse rows that a remedy cannot be fitted on.

    Raises:
        UsageError: Too few rows, more than two classes, no group column, or a group without rows of both classes.
    """
    n, k = rows.probabilities.shape
    if n < FEWEST:
        raise DataError(f"data.calibration: found {n} rows; a remedy needs at least {FEWEST}, add some")
    if binary and k != 2:
        raise UsageError(f"this remedy needs two classes, found {k}")
    if len(set(rows.labels.tolist())) < 2:
        raise DataError("data.calibration: all rows are of one class, so nothing can be fitted; add rows of another")
    if not groups:
        return
    if rows.groups is None:
        raise UsageError("this remedy needs the column of the groups: name it with --group")
    for name in sorted(_names(rows)):
        if len(set(rows.labels[rows.groups == name])) < 2:
            raise DataError(
                f"data.calibration: the group {name!r} has rows of one class only; the fit needs both: {ADD}"
            )


def few_rows(rows: Rows) -> tuple[str, ...]:
    """A remark on groups that the fit knows little of; none where there are no such groups."""
    named: list[str] = [] if rows.groups is None else rows.groups.tolist()
    held = {name: named.count(name) for name in sorted(_names(rows))}
    few = [f"{name} ({n} rows)" for name, n in held.items() if n < FEW]
    return (
        (f"Of these groups few calibration rows were at hand, so chance decides much: {', '.join(few)}.",)
        if few
        else ()
    )


def refuse_unknown_groups(fitted: Rows, asked: Rows) -> None:
    """A remedy says nothing of a group that it never saw.

    Raises:
        DataError: Some asked row is of such a group.
    """
    unknown = sorted(_names(asked) - _names(fitted))
    if unknown:
        raise DataError(f"data.calibration: the group {unknown[0]!r} has no rows, so nothing was fitted for it: {ADD}")


def _names(rows: Rows) -> set[str]:
    return set() if rows.groups is None else set(rows.groups.tolist())


def chosen(rows: Rows, probabilities: Array) -> Predictions:
    """Probabilities ``(n, k)`` as answers: the most probable class, of two classes the positive one from 0.5 on."""
    labels = probabilities.argmax(axis=1)
    if probabilities.shape[1] == 2:
        labels = np.where(probabilities[:, rows.positive] >= 0.5, rows.positive, 1 - rows.positive)
    return Predictions(labels.astype(np.int64), probabilities)
