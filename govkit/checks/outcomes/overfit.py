"""Overfit: how much better are the answers on the rows that the model was trained on?

A gap says that test rows, not training rows, have to carry every other number, and that training rows may be told from
others by the model's certainty (Yeom et al. 2018, "Privacy risk in machine learning: analyzing the connection to
overfitting").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from govkit import stats
from govkit.checks._clusters import both_in, shares_apart
from govkit.checks._shared import log_losses, measured, missing, no_probabilities, unrivaled
from govkit.core import Case, Dataset, Finding, Metric, Of, check
from govkit.core.case import Array
from govkit.lazy import np

METRICS = {
    "accuracy_gap": Metric.difference("Accuracy on the training data less accuracy on the test data.", better="lower"),
    "log_loss_gap": Metric(
        "Log loss on the test data less log loss on the training data.", better="lower", unit="nats"
    ),
}
MODELS: tuple[Of, ...] = ("candidate", "base")
WORST = 36.05
"""Largest log loss of a row, in nats, from above: that of a probability of 0, which counts as the machine epsilon."""


@dataclass(frozen=True)
class Fit:
    """One model on the training and the test rows: truths and losses of each row, training first."""

    right: tuple[Array, Array]
    losses: tuple[Array | None, Array | None]


@check(
    "overfit",
    crosswalk="check.overfit",
    metrics=METRICS,
    needs={"train"},
    reads=(("candidate", "train"), ("candidate", "test"), ("base", "train"), ("base", "test")),
)
def overfit(case: Case) -> Iterator[Finding]:
    """Gap between training and test rows in accuracy and log loss, of the candidate and the base, and how it grew.

    The base's gap is that of its head alone. ``compared_with: base`` is the candidate's gap less the base's: on each
    data set the two models answered the same rows, so it is the paired difference on one less that on the other.
    """
    data = case.data["test"]
    fits = {of: fit for of in MODELS if (fit := _fit(case, of)) is not None}
    if "candidate" not in fits:
        yield missing("*", "no data", "There are no predictions of the candidate on the training data.", data=data)
        return
    for of, fit in fits.items():
        yield _accuracy_gap(case, fit, of, data)
        yield from _log_loss_gap(case, fit, of, data)
    if "base" in fits:
        yield from _grown(case, fits["candidate"], fits["base"], data)
    else:
        yield from unrivaled("base", METRICS, data)


def _fit(case: Case, of: Of) -> Fit | None:
    train, test = case.predictions(of, "train"), case.predictions(of, "test")
    if train is None or test is None:
        return None
    both = (train, case.data["train"]), (test, case.data["test"])
    right = [given.labels == data.labels for given, data in both]
    losses = [log_losses(given, data) for given, data in both]
    return Fit((right[0], right[1]), (losses[0], losses[1]))


def _accuracy_gap(case: Case, fit: Fit, of: Of, data: Dataset) -> Finding:
    estimate = shares_apart(*fit.right, (case.data["train"], data))
    return measured("accuracy_gap", estimate, data, of=of)


def _log_loss_gap(case: Case, fit: Fit, of: Of, data: Dataset) -> Iterator[Finding]:
    train, test = fit.losses
    if train is None or test is None:
        yield from no_probabilities(of, ("log_loss_gap",), data)
    elif min(len(train), len(test)) < 2:
        detail = "It needs two rows in each data set."
        yield missing("log_loss_gap", "too few rows", detail, data=data, of=of)
    else:
        some = both_in(data, case.data["train"])
        estimate = stats.mean_change(test, train, low=0.0, high=WORST, clusters=some)
        yield measured("log_loss_gap", estimate, data, of=of)


def _grown(case: Case, candidate: Fit, base: Fit, data: Dataset) -> Iterator[Finding]:
    """Gap of the candidate less gap of the base."""
    one, two = np.concatenate(candidate.right), np.concatenate(base.right)
    in_train = np.arange(len(one)) < len(candidate.right[0])
    train = case.data["train"]
    estimate = stats.gap_change(one, two, in_train, np.ones(len(one), dtype=bool), clusters=both_in(train, data))
    yield measured("accuracy_gap", estimate, data, compared_with="base")
    pairs = list(zip(candidate.losses, base.losses, strict=True))
    changes = [first - second for first, second in pairs if first is not None and second is not None]
    if len(changes) == 2 and min(map(len, changes)) >= 2:
        # Differences of the two losses of the same row: two independent samples of them.
        some = both_in(data, train)
        estimate = stats.mean_change(changes[1], changes[0], low=-WORST, high=WORST, clusters=some)
        yield measured("log_loss_gap", estimate, data, compared_with="base")
