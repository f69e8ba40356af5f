"""Contamination: do rows of the test data also stand in the training data?"""

from __future__ import annotations

from collections.abc import Iterator

from govkit.checks._shared import answers, measured, missing
from govkit.checks.data import row_keys
from govkit.core import Case, Dataset, Finding, Measurement, Metric, Of, Role, check, exact
from govkit.core.case import Array
from govkit.core.words import CLASSES, TASKS
from govkit.stats import difference, proportion

SCORED: tuple[Of, ...] = ("candidate", "base", "incumbent")
COUNTS = ("shared_rows", "shared_share", "conflicting_labels")
ACCURACIES = ("clean_accuracy", "clean_accuracy_difference")


@check(
    "contamination",
    crosswalk="check.contamination",
    tasks=TASKS,
    needs={"train"},
    reads=tuple((of, "test") for of in SCORED),
    metrics={
        "shared_rows": Metric("Rows whose input also stands in the training data.", better="lower", unit="rows", low=0),
        "shared_share": Metric("These rows as a share of all rows.", better="lower", low=0, high=1),
        "conflicting_labels": Metric(
            "Of these rows, those that the training data label otherwise.", better="lower", unit="rows", low=0
        ),
        "clean_accuracy": Metric(
            "Accuracy on the rows that do not stand in the training data.", better="higher", low=0, high=1
        ),
        "clean_accuracy_difference": Metric(
            "Accuracy on the rows outside the training data minus accuracy on the rows inside.", low=-1, high=1
        ),
    },
)
def contamination(case: Case) -> Iterator[Finding]:
    """Rows of the test data (and of the shifted data) whose input stands in the training data.

    Inputs are compared as in the check ``duplicates``, whatever the labels and ids; stored predictions without inputs
    are compared by their ids. A model may have learned such rows by heart, so accuracy is also given without them, and
    beside the accuracy on them: a negative ``clean_accuracy_difference`` says that the test flatters the model. Only
    answers that are one class of several have an accuracy.
    """
    roles: tuple[Role, ...] = ("test", "shifted")
    for role in roles:
        if role in case.data:
            yield from _of(case, case.data[role])


def _of(case: Case, data: Dataset) -> Iterator[Finding]:
    train = case.data["train"]
    known, keys = _keys(case, train, data)
    if keys is None or known is None:
        detail = f"The {data.role} or the training data hold neither inputs nor ids, so rows cannot be compared."
        for name in (*COUNTS, *ACCURACIES) if data.role == "test" else COUNTS:
            yield missing(name, "no data", detail, data=data)
        return
    shared = _shared(known, keys)
    values = (float(shared.sum()), float(shared.mean()), float(_conflicts(known, train.labels, keys, data.labels)))
    for name, value in zip(COUNTS, values, strict=True):
        interval, bounds = exact(value)
        yield Measurement(name=name, value=value, n=len(data), interval=interval, bounds=bounds, data=data.ref)
    if data.role == "test" and case.task in CLASSES:
        yield from _accuracies(case, data, shared)
    elif data.role == "test":
        for name in ACCURACIES:
            yield missing(name, "unsupported", f"The task is {case.task}; its answers have no accuracy.", data=data)


def _keys(case: Case, train: Dataset, data: Dataset) -> tuple[Array | None, Array | None]:
    """Keys of both by their inputs; by their ids where inputs are not at hand."""
    known, keys = row_keys(case, train), row_keys(case, data)
    if known is not None and keys is not None:
        return known, keys
    if train.ids is not None and data.ids is not None:
        return train.ids.astype(str), data.ids.astype(str)
    return None, None


def _shared(known: Array, keys: Array) -> Array:
    import numpy as np

    return np.isin(keys, known)


def _conflicts(known: Array, known_labels: Array, keys: Array, labels: Array) -> int:
    """Rows that the training data hold, but never with this label, or these labels."""
    import numpy as np

    n = len(known)
    _, row = np.unique(np.concatenate([known, keys]), return_inverse=True)
    _, label = np.unique(np.concatenate([known_labels, labels]), axis=0, return_inverse=True)
    row, label = row.reshape(-1), label.reshape(-1)
    labeled = row * (label.max(initial=0) + 1) + label
    return int((np.isin(row[n:], row[:n]) & ~np.isin(labeled[n:], labeled[:n])).sum())


def _accuracies(case: Case, data: Dataset, shared: Array) -> Iterator[Finding]:
    """Accuracy apart from the shared rows; the two parts hold different rows, so the difference is not paired."""
    clean, touched = int((~shared).sum()), int(shared.sum())
    for of, predictions in answers(case, models=SCORED).items():
        right = predictions.labels == data.labels
        if clean:
            yield measured("clean_accuracy", proportion(int(right[~shared].sum()), clean), data, of=of)
        else:
            yield missing(
                "clean_accuracy", "too few rows", "Every test row stands in the training data.", data=data, of=of
            )
        if clean and touched:
            estimate = difference(int(right[~shared].sum()), clean, int(right[shared].sum()), touched)
            yield measured("clean_accuracy_difference", estimate, data, of=of)
