"""Contamination of the base: do rows of the test data stand in what the base was trained on?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from govkit.checks._clusters import share, shares_inside
from govkit.checks._shared import answers, counted, measured, missing
from govkit.checks.data import row_keys
from govkit.core import Case, Dataset, Finding, Measurement, Metric, Of, check
from govkit.core.case import Array
from govkit.core.words import CLASSES, TASKS
from govkit.data import bytes_digest
from govkit.data.shards import source
from govkit.lazy import np, pa

SCORED: tuple[Of, ...] = ("candidate", "base")
CLEAN, TOUCHED, CHANGE = "base_clean_accuracy", "base_touched_accuracy", "base_clean_accuracy_difference"
METRICS = {
    "base_shared_rows": Metric(
        "Rows whose input also stands in the training data of the base.", better="lower", unit="rows", low=0
    ),
    "base_shared_share": Metric.share("These rows as a share of all rows.", better="lower"),
    CLEAN: Metric.share("Accuracy on the rows that do not stand there.", better="higher"),
    TOUCHED: Metric.share("Accuracy on the rows that do."),
    "base_data": Metric("Digest of the bytes of a training set of the base."),
    CHANGE: Metric.difference("Accuracy on the rows that do not stand there minus that on those that do."),
}


@check(
    "base_contamination",
    crosswalk="check.contamination",
    tasks=TASKS,
    reads=tuple((of, "test") for of in SCORED),
    metrics=METRICS,
)
def base_contamination(case: Case) -> Iterator[Finding]:
    """Rows of the test data whose input stands in the training data of the base, as far as these are named.

    The audit file names them (``base.trained_on``); they are read in parts and may be larger than memory. Rows are
    compared as in the check ``contamination``, whole and not nearly. A text is looked for in the column that
    ``columns.input`` names, and where a file has no such column, in every column of text. A test row within a longer
    document is not found. That no row is found says nothing of training data that nobody named.
    """
    data = case.data["test"]
    if not case.base_trained_on:
        detail = "Nobody has named what the base was trained on (base.trained_on in the audit file)."
        yield missing("*", "no data", detail, data=data)
        return
    keys = row_keys(case, data)
    if keys is None or case.modality not in ("text", "table"):
        detail = "The test data hold no inputs that can be compared; expected texts, or columns of a table."
        yield missing("*", "unsupported", detail, data=data)
        return
    shared = _shared(case, data, keys)
    if isinstance(shared, str):
        yield missing("*", "no data", shared, data=data)
        return
    for path in case.base_trained_on:
        yield Measurement(name="base_data", value=bytes_digest(path), n=len(data), part={"source": path.name})
    yield counted("base_shared_rows", shared.sum(), data, which=shared)
    yield counted("base_shared_share", shared.mean(), data, which=shared)
    yield from _accuracies(case, data, shared)


def _shared(case: Case, data: Dataset, keys: Array) -> Array | str:
    """Rows that stand in a source, truths ``(n,)``; or what a source lacks."""
    shared = np.zeros(len(keys), dtype=bool)
    for path in case.base_trained_on:
        for part in source(path, {})[1]:
            views = list(_views(case, data, part))
            if not views:
                return f"{path.name} holds neither the input columns nor, for texts, any column of text."
            for view in views:
                known = row_keys(case, view)
                if known is not None:
                    shared |= np.isin(keys, known)
    return shared


def _views(case: Case, data: Dataset, part: Array) -> Iterator[Dataset]:
    """A part of a source as data sets with the inputs of the test data."""
    if not isinstance(data.inputs, Sequence):
        if set(map(str, data.inputs.columns)) <= set(part.column_names):
            yield replace(data, table=part)
        return
    declared = case.column.get("input")
    texts = [
        field.name for field in part.schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    for name in [declared] if declared in part.column_names else texts:
        yield replace(data, inputs=[str(text) for text in part[name].to_pylist() if text is not None])


def _accuracies(case: Case, data: Dataset, shared: Array) -> Iterator[Finding]:
    """Accuracy apart from these rows and on them; the two parts hold different rows, so nothing is paired."""
    if case.task not in CLASSES:
        for name in (CLEAN, TOUCHED, CHANGE):
            yield missing(name, "unsupported", f"The task is {case.task}; its answers have no accuracy.", data=data)
        return
    for of, predictions in answers(case, models=SCORED).items():
        right = predictions.labels == data.labels
        for name, rows in ((CLEAN, ~shared), (TOUCHED, shared)):
            if rows.any():
                yield share(name, right[rows], data, at=rows, of=of)
            else:
                yield missing(name, "too few rows", "There is no such row.", data=data, of=of)
        if shared.any() and not shared.all():
            yield measured(CHANGE, shares_inside(right, ~shared, data), data, of=of)
        else:
            yield missing(CHANGE, "too few rows", "Rows of only one of the two kinds.", data=data, of=of)
