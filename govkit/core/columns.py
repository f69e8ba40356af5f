"""What the columns of the data are: truth, answers, groups of people, ids, and which rows belong together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from govkit.core.recorded import Recorded
from govkit.core.words import CLASSES, Task

_OF_CLASSES = frozenset(
    {"prediction", "score", "scores", "base_prediction", "base_score", "incumbent_prediction", "incumbent_score"}
    | {"classes", "positive"}
)
READ_BY: dict[Task, frozenset[str]] = {
    **dict.fromkeys(CLASSES, _OF_CLASSES),
    "multilabel": frozenset({"predictions", "scores"}),
    "regression": frozenset({"prediction", "base_prediction", "incumbent_prediction", "range"}),
    "ranking": frozenset({"score", "base_score", "incumbent_score", "classes", "positive"}),
}
"""Keys of ``columns`` that a task reads, of those that not every task reads."""

LARGEST = 1e40
"""Largest size of a number, above all of 32 bits: the sixth power, which the skewness of squares needs, is finite."""


class Columns(Recorded):
    """Names of the columns.

    Attributes:
        input: Column of text or image paths, or the list of a table's feature columns.
        label: Column of the true class, or of the true number; a list of columns of 0 and 1 is a multi-label task,
            whose labels have the names of these columns.
        task: ``ordinal``, ``regression`` or ``ranking``; else the labels tell: two classes, more, or several labels.
            Another task may be named too, and must be the one that the data show.
        prediction: Column of the predicted class, or of the predicted number (stored predictions).
        score: Column of the positive class's probability (two classes); of a ranking any number, the higher the more
            relevant.
        predictions: Columns of the answers 0 and 1 of a multi-label task, label -> column; where none are stored, a
            probability from 0.5 on answers 1.
        scores: Columns of the probabilities, class name (of a multi-label task: label) -> column. Those of classes sum
            to 1, those of labels stand alone.
        base_score: As ``score`` for the base, in the same file.
        incumbent_score: As ``score`` for the incumbent.
        base_prediction: As ``prediction`` for the base.
        incumbent_prediction: As ``prediction`` for the incumbent.
        groups: Columns of protected attributes.
        parts: Further columns whose values are parts of the rows to be seen apart, for example a region.
        range: Smallest and largest possible number of a regression, for labels and answers; bounds need it.
        id: Column of unique row ids.
        time: Column of times.
        cluster: Column, or columns, of what makes rows belong together: person, site, conversation, day. Rows that
            share a value of any of them are not independent, and every bound respects it.
        independent: Who says that the rows are independent of each other, and why; in place of ``cluster``.
        paraphrase: Column of the test data with the same text in other words, for the check ``memory_signal``.
        positive: Class that counts as the positive outcome; the last in sorted order if not given.
        classes: All classes, where the data does not show each of them; of an ordinal task in their order, which words
            need and whole numbers have.
    """

    input: str | tuple[str, ...] | None = None
    label: str | tuple[str, ...]
    task: Task | None = None
    prediction: str | None = None
    score: str | None = None
    predictions: dict[str, str] | None = None
    scores: dict[str, str] | None = None
    base_prediction: str | None = None
    base_score: str | None = None
    incumbent_prediction: str | None = None
    incumbent_score: str | None = None
    groups: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    id: str | None = None
    time: str | None = None
    cluster: str | tuple[str, ...] | None = None
    independent: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")] | None = None
    paraphrase: str | None = None
    positive: str | None = None
    classes: tuple[str, ...] | None = None

    @property
    def clusters(self) -> tuple[str, ...]:
        """The columns of ``cluster``; none where it is not declared."""
        return (self.cluster,) if isinstance(self.cluster, str) else self.cluster or ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The label columns: one, or one a label."""
        return (self.label,) if isinstance(self.label, str) else self.label

    @property
    def declared_task(self) -> Task | None:
        """The task as far as the file says it; None where the number of classes tells."""
        return self.task if isinstance(self.label, str) else "multilabel"

    @model_validator(mode="after")
    def _labels_of_the_task(self) -> Columns:
        several = not isinstance(self.label, str)
        if len(set(self.labels)) < max(1, len(self.labels)):
            raise ValueError(f"label names no column, or one twice: {', '.join(self.labels) or 'nothing'}")
        if several and self.task not in (None, "multilabel"):
            raise ValueError(f"label is a list of columns, which is a multilabel task; found task: {self.task}")
        if self.task == "multilabel" and not several:
            raise ValueError("a multilabel task has a list as label: a column of 0 and 1 for each label")
        return self

    @model_validator(mode="after")
    def _keys_of_the_task(self) -> Columns:
        task: Task = self.declared_task or "multiclass"
        for key in sorted(frozenset().union(*READ_BY.values()) - READ_BY[task]):
            if getattr(self, key) is not None:
                what = "classes" if task in CLASSES else task
                raise ValueError(f"{key} says nothing in a task of {what}; it reads {', '.join(sorted(READ_BY[task]))}")
        if self.range is not None and not -LARGEST <= self.range[0] < self.range[1] <= LARGEST:
            found, size = list(self.range), f"{LARGEST:g} in size"
            raise ValueError(f"range is {found}; expected the smallest number before the largest, both up to {size}")
        return self

    @model_validator(mode="after")
    def _each_column_once(self) -> Columns:
        if "" in {*self.groups, *self.parts, *self.labels, *self.clusters, self.id, self.time}:
            raise ValueError("a column without a name cannot be declared; give it one in the file")
        if self.cluster is not None and len(set(self.clusters)) < max(1, len(self.clusters)):
            raise ValueError("cluster is a column or a list of columns, each once; found none or one twice")
        if self.cluster is not None and self.independent is not None:
            raise ValueError("found cluster and independent; rows that belong together are not independent, keep one")
        if set(self.clusters) & {*self.labels}:
            raise ValueError("cluster names a label column; rows of one class do not belong together for that alone")
        both = sorted({*self.groups} & {*self.parts})
        if both:
            raise ValueError(f"{both[0]!r} stands in groups and in parts; groups are parts already, keep it in groups")
        return self
