"""Contamination: do rows of the test data also stand in the training data, exactly or nearly?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from govkit.checks._clusters import share, shares_inside
from govkit.checks._near import Prints, near_rows
from govkit.checks._shared import answers, counted, measured, missing
from govkit.checks.data import prints, row_keys
from govkit.core import Case, Dataset, Finding, Metric, Of, Role, check
from govkit.core.case import Array
from govkit.core.words import CLASSES, TASKS
from govkit.data.cells import coded_text
from govkit.data.spool import pieces
from govkit.lazy import np

SCORED: tuple[Of, ...] = ("candidate", "base", "incumbent")
COUNTS = ("shared_rows", "shared_share", "conflicting_labels")
NEAR, CROSSING = "near_shared_rows", "crossing_rows"
LEAKED, LEAKED_SHARE = "shared_clusters", "shared_cluster_share"
ROLES: tuple[Role, ...] = ("test", "shifted", "calibration")
ACCURACIES = ("clean_accuracy", "clean_accuracy_difference")


@check(
    "contamination",
    crosswalk="check.contamination",
    tasks=TASKS,
    needs={"train"},
    reads=tuple((of, "test") for of in SCORED),
    metrics={
        "shared_rows": Metric("Rows whose input also stands in the training data.", better="lower", unit="rows", low=0),
        "shared_share": Metric.share("These rows as a share of all rows.", better="lower"),
        "conflicting_labels": Metric(
            "Of these rows, those that the training data label otherwise.", better="lower", unit="rows", low=0
        ),
        NEAR: Metric(
            "Rows of texts or images that do not stand in the training data but nearly so.",
            better="lower",
            unit="rows",
            low=0,
        ),
        CROSSING: Metric(
            "Rows that stand, exactly or nearly, in another one of the test, shifted and calibration data.",
            better="lower",
            unit="rows",
            low=0,
        ),
        LEAKED: Metric(
            "Clusters, such as persons, of which the training data hold rows too.",
            better="lower",
            unit="clusters",
            low=0,
        ),
        LEAKED_SHARE: Metric.share("These clusters as a share of all clusters.", better="lower"),
        "clean_accuracy": Metric.share(
            "Accuracy on the rows that do not stand, exactly or nearly, in the training data.", better="higher"
        ),
        "clean_accuracy_difference": Metric.difference(
            "Accuracy on these rows minus accuracy on the rows that do stand there, exactly or nearly."
        ),
    },
)
def contamination(case: Case) -> Iterator[Finding]:
    """Rows of the test data (and of the shifted and calibration data) whose input stands in the training data.

    Inputs are compared as in the check ``duplicates``, whatever the labels and ids; stored predictions without inputs
    are compared by their ids. A model may have learned such rows by heart, so accuracy is also given without them, and
    beside the accuracy on them: a negative ``clean_accuracy_difference`` says that the test flatters the model. Only
    answers that are one class of several have an accuracy.
    Where calibration or shifted rows also stand in the test data (``crossing_rows``), what was set by the ones is
    tested on the same. Of clusters (``columns.cluster``) it is counted how many have rows in the training data too:
    what a model learned of a person flatters it on the same person.
    """
    found_by = {role: prints(case, case.data[role]) for role in ("train", *ROLES) if role in case.data}
    for role in ROLES:
        if role in case.data:
            yield from _of(case, case.data[role], found_by)
            yield from _crossing(case, case.data[role], found_by)
            yield from _leaked(case, case.data["train"], case.data[role])


FoundBy = Mapping[Role, Prints | None]


def _of(case: Case, data: Dataset, found_by: FoundBy) -> Iterator[Finding]:
    train = case.data["train"]
    known, keys = _keys(case, train, data)
    if keys is None or known is None:
        detail = f"The {data.role} or the training data hold neither inputs nor ids, so rows cannot be compared."
        for name in (*COUNTS, NEAR, *ACCURACIES) if data.role == "test" else (*COUNTS, NEAR):
            yield missing(name, "no data", detail, data=data)
        return
    shared = _shared(known, keys)
    conflicts = _conflicts(known, train.labels, keys, data.labels)
    for name, rows in zip(COUNTS, (shared, shared, conflicts), strict=True):
        yield counted(name, rows.mean() if name == "shared_share" else rows.sum(), data, which=rows)
    near = _near(found_by[data.role], found_by["train"], shared)
    if near is None:
        yield missing(NEAR, "unsupported", "Only texts and images are searched for near rows.", data=data)
    else:
        yield counted(NEAR, near.sum(), data, which=near)
        shared = shared | near
    if data.role == "test" and case.task in CLASSES:
        yield from _accuracies(case, data, shared)
    elif data.role == "test":
        for name in ACCURACIES:
            yield missing(name, "unsupported", f"The task is {case.task}; its answers have no accuracy.", data=data)


def _leaked(case: Case, train: Dataset, data: Dataset) -> Iterator[Finding]:
    """Clusters that have a value of a cluster column in common with the training data."""
    if data.cluster is None:
        return
    named = case.column["cluster"]
    rows = np.zeros(len(data), dtype=bool)
    for column in (named,) if isinstance(named, str) else named:
        known, keys = (coded_text(side.table[column]) for side in (train, data))
        rows |= np.isin(np.array(keys.names), known.names)[keys.codes]
    leaked, clusters = len(set(data.cluster[rows].tolist())), int(data.cluster.max()) + 1
    yield counted(LEAKED, leaked, data, n=clusters, which=rows)
    yield counted(LEAKED_SHARE, leaked / clusters, data, n=clusters, which=rows)


def _crossing(case: Case, data: Dataset, found_by: FoundBy) -> Iterator[Finding]:
    """Rows that another of the sets that no model may learn from holds too."""
    others = [case.data[role] for role in ROLES if role in case.data and role != data.role]
    crossing = np.zeros(len(data), dtype=bool)
    for other in others:
        known, keys = _keys(case, other, data)
        if keys is None or known is None:
            detail = f"The {data.role} or the {other.role} data hold neither inputs nor ids."
            yield missing(CROSSING, "no data", detail, data=data)
            return
        shared = _shared(known, keys)
        near = _near(found_by[data.role], found_by[other.role], shared)
        crossing |= shared if near is None else shared | near
    if others:
        yield counted(CROSSING, crossing.sum(), data, which=crossing)


def _near(asked: Prints | None, known: Prints | None, shared: Array) -> Array | None:
    """Rows that are not shared but near to a known row, truths ``(n,)``; None where neither texts nor images."""
    if asked is None or known is None:
        return None
    near = np.zeros(len(shared), dtype=bool)
    rest = np.flatnonzero(~shared)
    near[rest] = near_rows(asked.take(rest), known)
    return near


def _keys(case: Case, train: Dataset, data: Dataset) -> tuple[Array | None, Array | None]:
    """Keys of both by their inputs; by their ids where inputs are not at hand."""
    known, keys = row_keys(case, train), row_keys(case, data)
    if known is not None and keys is not None:
        return known, keys
    if train.ids is not None and data.ids is not None:
        return train.ids.astype(str), data.ids.astype(str)
    return None, None


def _shared(known: Array, keys: Array) -> Array:
    """Rows whose key is known, truths ``(n,)``."""
    return np.isin(keys, known[_met(known, keys)])


def _met(known: Array, keys: Array) -> Array:
    """Rows of the known, which may be far more, that have one of the keys: truths ``(m,)``."""
    distinct, met = np.unique(keys), np.zeros(len(known), dtype=bool)
    for at in pieces(len(known) if len(distinct) else 0):
        place = np.searchsorted(distinct, known[at])
        met[at] = distinct[np.minimum(place, len(distinct) - 1)] == known[at]
    return met


def _conflicts(known: Array, known_labels: Array, keys: Array, labels: Array) -> Array:
    """Rows that the training data hold, but never with this label, or these labels: truths ``(n,)``."""
    met = _met(known, keys)
    known, known_labels = known[met], known_labels[met]
    n = len(known)
    _, row = np.unique(np.concatenate([known, keys]), return_inverse=True)
    _, label = np.unique(np.concatenate([known_labels, labels]), axis=0, return_inverse=True)
    row, label = row.reshape(-1), label.reshape(-1)
    labeled = row * (label.max(initial=0) + 1) + label
    return np.isin(row[n:], row[:n]) & ~np.isin(labeled[n:], labeled[:n])


def _accuracies(case: Case, data: Dataset, shared: Array) -> Iterator[Finding]:
    """Accuracy apart from these rows; the two parts hold different rows, so the difference is not paired."""
    clean, touched = int((~shared).sum()), int(shared.sum())
    for of, predictions in answers(case, models=SCORED).items():
        right = predictions.labels == data.labels
        if clean:
            yield share("clean_accuracy", right[~shared], data, at=~shared, of=of)
        else:
            yield missing(
                "clean_accuracy",
                "too few rows",
                "Every test row stands, exactly or nearly, in the training data.",
                data=data,
                of=of,
            )
        if clean and touched:
            yield measured("clean_accuracy_difference", shares_inside(right, ~shared, data), data, of=of)
