"""What a model stated about each row, and whether it came true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from govkit.checks._shared import answers
from govkit.core import Case, Dataset, Of, Predictions, Role
from govkit.core.case import Array
from govkit.lazy import np


@dataclass(frozen=True)
class Certainty:
    """One model's certainty on some rows.

    Attributes:
        of: The model.
        data: The data set.
        confidence: Stated probability, ``(n,)``: of the positive class, with more than two classes of the answer given.
        correct: Whether it came true, truths ``(n,)``.
        squares: Brier score of each row, ``(n,)``; as in scikit-learn, 0 to 1 with two classes and else 0 to 2.
        most: Largest Brier score that a row can have.
    """

    of: Of
    data: Dataset
    confidence: Array
    correct: Array
    squares: Array
    most: float

    def among(self, rows: Array) -> Certainty:
        """The same on some of the rows."""
        return replace(self, confidence=self.confidence[rows], correct=self.correct[rows], squares=self.squares[rows])


def certainties(case: Case, role: Role) -> Iterator[tuple[Of, Certainty]]:
    """Certainty of each model that gives probabilities for the rows of a role."""
    for of, given in answers(case, role).items():
        if given.probabilities is not None:
            yield of, _of_rows(of, case.data[role], given, positive=case.positive)


def _of_rows(of: Of, data: Dataset, given: Predictions, *, positive: int) -> Certainty:
    probabilities: Array = given.probabilities
    rows, classes = np.arange(len(data)), probabilities.shape[1]
    # With two classes the answer's probability would fold both tails into one and hide gaps of opposite signs.
    asked = np.full(len(data), positive) if classes == 2 else given.labels
    most = 1.0 if classes == 2 else 2.0
    # Stored probabilities may miss 0, 1 and their sum by a last digit.
    away = probabilities - (np.arange(classes) == data.labels[:, None])
    squares = np.minimum((away**2).sum(axis=1) * most / 2, most)
    confidence = np.clip(probabilities[rows, asked], 0, 1)
    return Certainty(of, data, confidence, asked == data.labels, squares, most)
