"""Repeatability: does the model give the same answer when it is asked again, among other rows?

A model that answers by lot (dropout left on, one of several networks, a random crop) passes or fails by luck. Of such a
model each row is asked alone, so that its draws are independent: shares, means and calibration are then those over
all draws, and their bounds hold the spread of the draws too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import PositiveInt

from govkit.checks._shared import measured, missing
from govkit.core import Case, Finding, Metric, Passes, Subject, check
from govkit.core.case import Array
from govkit.engine import Answers, again, moved, rows_of, spread_rows
from govkit.stats import proportion


class Apart:
    """A model that is asked about a few rows at a time, each among rows that lie far away from it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.digest, self.path, self.classes = subject.digest, subject.path, subject.classes
        self.access, self.modality = subject.access, subject.modality

    def predict(self, inputs: Any) -> Array:
        """What the model answers, ``(n, k)``."""
        return again(self.subject.predict, inputs, spread_rows(len(inputs), len(inputs)))


def _extra(case: Case, *, rows: int) -> Passes:
    return Passes(forward=min(rows, len(case.data["test"])))


@check(
    "repeatability",
    crosswalk="check.performance",
    needs={"inputs"},
    tasks={"binary", "multiclass", "ordinal", "multilabel", "regression"},
    reads=(("candidate", "test"),),
    extra=_extra,
    metrics={
        "random_answers": Metric.share(
            "Share of rows whose probabilities, or whose number, move when the model is asked again.", better="lower"
        ),
        "changed_answers": Metric.share(
            "Share of rows that get another class when the model is asked again.", better="lower"
        ),
    },
)
def repeatability(case: Case, *, rows: PositiveInt = 128) -> Iterator[Finding]:
    """Some rows asked again in small batches, in another order and from other random states.

    A probability has moved if it moves by more than 0.005, a number by more than that share of the standard deviation
    of the answers; less comes from summing in another order. Attacks and other questions beyond the kept answers are
    ``suspect`` of a model whose answers are random: they saw one draw for each batch.

    Args:
        case: The candidate.
        rows: Rows that are asked again, spread evenly over the test rows.
    """
    data, given = case.data["test"], case.predictions("candidate")
    if case.subject is None or given is None or not len(data):
        yield missing("*", "no data", "There are no answers of the candidate to test data.", data=data)
        return
    which, numbers = spread_rows(len(data), rows), case.task == "regression"
    some = replace(data, inputs=rows_of(data.inputs, which), labels=data.labels[which])
    second = Answers({"candidate": Apart(case.subject)}, {"test": some}, classes=case.classes, task=case.task)
    other = second("candidate", "test")
    if other is None:
        raise ValueError("expected answers of a model that was asked")
    values = [each.labels if each.probabilities is None else each.probabilities for each in (given, other)]
    changed = moved(values[0][which], values[1], numbers=numbers)
    yield measured("random_answers", proportion(int(changed.sum()), len(which)), data)
    if not numbers:
        labels = given.labels[which] != other.labels
        turned = labels.reshape(len(which), -1).any(axis=1)
        yield measured("changed_answers", proportion(int(turned.sum()), len(which)), data)
