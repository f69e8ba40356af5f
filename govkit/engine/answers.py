"""Answers of every model to every data set, asked once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from govkit.core.case import Array, Dataset, Predictions, Subject
from govkit.core.columns import LARGEST
from govkit.core.words import CLASSES, Of, Role, Task
from govkit.engine import repeats
from govkit.errors import SubjectError
from govkit.lazy import np

SUM_TOLERANCE = 1e-3
"""How far the probabilities of a row may sum from 1; they are then scaled to sum to exactly 1."""

EDGE_TOLERANCE = 1e-6
"""How far a probability may lie outside [0, 1], as rounding leaves it; it is then cut to the edge."""


class Answers:
    """``(of, role) -> Predictions`` or None, as ``Case.answers`` wants it.

    A model is asked on the first call and the answer is kept. Stored predictions win over asking. ``labels`` has no
    answers, it is the truth itself.

    Args:
        subjects: The models by whose they are; None or absent where there is none.
        data: Data sets by role.
        classes: Names of the classes or labels. A subject that names the same ones in another order has its columns
            reordered.
        task: What the answers are.
        span: Smallest and largest number that a regression may answer, where they are declared.
        stored: Predictions that were read from files.
        progress: Called with ``(of, role, rows)`` before a model is asked.
        twice: Ask a few rows of each model again, and each row alone of a model that then answers otherwise: chance
            that is drawn once for a batch would make its rows err together.

    Attributes:
        random: The models that answered otherwise when they were asked again.
    """

    def __init__(
        self,
        subjects: Mapping[Of, Subject | None],
        data: Mapping[Role, Dataset],
        *,
        classes: Sequence[str],
        task: Task = "multiclass",
        span: tuple[float, float] | None = None,
        stored: Mapping[tuple[Of, Role], Predictions] | None = None,
        progress: Callable[[Of, Role, int], None] | None = None,
        twice: bool = False,
    ) -> None:
        self.subjects = subjects
        self.data = data
        self.classes = tuple(classes)
        self.task = task
        self.span = span or (-LARGEST, LARGEST)
        self.progress = progress
        self.twice = twice
        self.random: set[Of] = set()
        self._steady: set[Of] = set() if twice else {"candidate", "base", "incumbent"}
        self._kept: dict[tuple[Of, Role], Predictions | None] = {**(stored or {})}

    def __call__(self, of: Of, role: Role) -> Predictions | None:
        """Predictions of one model on one data set, or None where either does not exist.

        Raises:
            SubjectError: The model's answers are not what the task has as answers.
        """
        if (of, role) not in self._kept:
            self._kept[of, role] = self._ask(of, role)
        return self._kept[of, role]

    def _ask(self, of: Of, role: Role) -> Predictions | None:
        dataset = self.data.get(role)
        if dataset is None:
            return None
        if of == "trivial":
            return self._trivial(dataset)
        subject = self.subjects.get(of)
        if subject is None or dataset.inputs is None:
            return None
        if self.progress is not None:
            self.progress(of, role, len(dataset))
        if self.task == "ranking":
            raise SubjectError("a ranking is judged by stored scores (columns.score); a model is not asked")
        answer = self._answer(of, subject, dataset.inputs, what=f"the {of} on the {role} data")
        if self.task == "regression":
            return Predictions(answer)
        if self.task in CLASSES:
            return Predictions(answer.argmax(axis=1).astype("int64"), answer)
        return Predictions((answer >= 0.5).astype("int64"), answer)

    def _answer(self, of: Of, subject: Subject, inputs: Any, *, what: str) -> Array:
        """What the model answers to all rows; of one that answers by lot an independent draw for each row."""

        def ask(inputs: Any) -> Array:
            return self._checked(subject, inputs, what=what)

        if of in self.random:
            return repeats.one_by_one(ask, inputs)
        answer, rows = ask(inputs), repeats.spread_rows(len(inputs))
        # A probe on features is a fixed function of them; asking it in small parts would drive out those it keeps.
        if of in self._steady or not len(rows) or hasattr(subject, "head"):
            return answer
        self._steady.add(of)
        second = repeats.again(ask, inputs, rows)
        if not repeats.moved(answer[rows], second, numbers=self.task == "regression").any():
            return answer
        self.random.add(of)
        return repeats.one_by_one(ask, inputs)

    def _checked(self, subject: Subject, inputs: Any, *, what: str) -> Array:
        """Numbers ``(n,)`` of a regression, or probabilities ``(n, k)`` in the order of the case's classes."""
        answer, n, k = subject.predict(inputs), len(inputs), len(self.classes)
        if self.task == "regression":
            return checked_numbers(answer, n=n, span=self.span, what=what)
        columns = class_order(subject.classes, self.classes, what=what)
        return checked_probabilities(answer, n=n, k=k, what=what, sums=self.task in CLASSES)[:, columns]

    def _trivial(self, dataset: Dataset) -> Predictions:
        """What is most frequent among the labels of these rows, with their frequencies; of equals, the first.

        The frequencies of other rows would be a weaker rival: an answer that always names what is frequent here could
        beat it and know nothing.
        """
        known, n = dataset.labels, len(dataset)
        if self.task == "regression":
            return Predictions(np.full(n, known.mean()))
        if self.task == "ranking":
            return Predictions(np.empty(0, dtype=np.int64), scores=np.zeros(n))
        if self.task == "multilabel":
            share = known.mean(axis=0)
            return Predictions(np.tile((share > 0.5).astype(np.int64), (n, 1)), np.tile(share, (n, 1)))
        frequency = np.bincount(known, minlength=len(self.classes)) / len(known)
        return Predictions(np.full(n, frequency.argmax(), dtype=np.int64), np.tile(frequency, (n, 1)))


def class_order(own: Sequence[str], wanted: Sequence[str], *, what: str) -> list[int]:
    """Column of a subject for each class of the case; a subject without names has them in the order of the case.

    Raises:
        SubjectError: The subject names other classes.
    """
    if not own:
        return list(range(len(wanted)))
    if sorted(own) != sorted(wanted):
        raise SubjectError(f"{what}: the model names the classes {', '.join(own)}; expected {', '.join(wanted)}")
    return [list(own).index(name) for name in wanted]


def checked_probabilities(answer: Array, *, n: int, k: int, what: str, sums: bool = True) -> Array:
    """Check what a model answered and return it as float64 ``(n, k)``.

    Args:
        answer: What it answered.
        n: Rows.
        k: Classes or labels.
        what: Whose answer it is, for messages.
        sums: Whether rows sum to 1, as those of classes do; they are then scaled to sum to exactly 1. Each label of
            several has a probability of its own.

    Raises:
        SubjectError: The shape is not ``(n, k)``, or a row is not finite, not in [0, 1], or does not sum to 1; names
            the row, counted from 1 in the order of the data set.
    """
    values = _array(answer, what=what, shape=f"({n}, {k})")
    if values.shape != (n, k):
        raise SubjectError(f"{what}: the answer has shape {values.shape}; expected ({n}, {k}), a column for each class")
    within = (values >= -EDGE_TOLERANCE) & (values <= 1.0 + EDGE_TOLERANCE)
    total = values.sum(axis=1)
    bad = np.flatnonzero(~within.all(axis=1) | (sums & ~(np.abs(total - 1.0) <= SUM_TOLERANCE)))
    if len(bad):
        row = int(bad[0])
        found = ", ".join(f"{value:.6g}" for value in values[row][:5])
        raise SubjectError(
            f"{what}, row {row + 1}: the answer is ({found}); expected probabilities in [0, 1]"
            f"{' that sum to 1 (logits need a softmax)' if sums else ', one for each label (logits need a sigmoid)'}"
        )
    inside: Array = np.clip(values, 0.0, 1.0)
    return inside / inside.sum(axis=1, keepdims=True) if sums else inside


def checked_numbers(answer: Array, *, n: int, span: tuple[float, float], what: str) -> Array:
    """Check what a model of a regression answered and return it as float64 ``(n,)``.

    Raises:
        SubjectError: The shape is neither ``(n,)`` nor ``(n, 1)``, or a number is not finite or outside ``span``; names
            the row, counted from 1 in the order of the data set.
    """
    values = _array(answer, what=what, shape=f"({n},)")
    if values.shape not in ((n,), (n, 1)):
        raise SubjectError(f"{what}: the answer has shape {values.shape}; expected ({n},), a number for each row")
    values = values.reshape(n)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= span[0]) & (values <= span[1])))
    if len(bad):
        row = int(bad[0])
        raise SubjectError(
            f"{what}, row {row + 1}: the answer is {values[row]:.6g}; expected a finite number in "
            f"[{span[0]:g}, {span[1]:g}] (columns.range)"
        )
    return values


def _array(answer: Array, *, what: str, shape: str) -> Array:
    try:
        return np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SubjectError(f"{what}: the answer is no array of numbers ({error}); expected shape {shape}") from error
