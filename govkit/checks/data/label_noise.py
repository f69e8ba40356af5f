"""Label noise: how many of the labels look wrong?

A label is doubted where a model that has not seen the row is surer of another class than it usually is of that class
(confident learning). Nothing but the rows themselves is asked: labels that are wrong for a whole kind of rows are
learned like right ones, and rows whose inputs do not tell their class look like wrong labels.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import PositiveInt

from govkit.checks._probes import FEWEST, drawn_rows, out_of_fold, probe_features
from govkit.checks._shared import missing, named_rows, stated
from govkit.core import Case, Dataset, Finding, Interval, Metric, Role, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import proportion

DRAWS = 1000
"""Bootstrap draws behind the reader's interval."""

USELESS = 0.75
"""Errors of the probe, relative to those of always giving the most frequent class, above which it tells nothing."""

METRICS = {
    "label_noise": Metric.share(
        "Share of rows whose label looks wrong (confident learning); no bounds, since labels that are wrong for a "
        "whole kind of rows are not seen.",
        better="lower",
    ),
    "suspect_rows": Metric(
        "Rows whose label a probe contradicts with confidence; by given class too.", better="lower", unit="rows", low=0
    ),
    "probe_accuracy": Metric.share(
        "Share of rows whose given label a probe names that has not seen the row.", better="higher"
    ),
}


@check("label_noise", crosswalk="check.data_quality", metrics=METRICS)
def label_noise(case: Case, *, sample: PositiveInt = 10_000) -> Iterator[Finding]:
    """Share of wrong labels in the training and the test data, by confident learning.

    Linear probes in five folds give each row probabilities by a model that has not seen it. A row is counted for class
    j where its probability of j is at least the mean of the rows labeled j; counts of label against class, scaled to
    the rows of each label, make the joint distribution, and what lies off its diagonal is the noise. Inputs of the
    probes: features of the frozen base, character n-grams of texts (of the first 100,000 characters of each), columns
    of tables, pixels.

    The interval covers the draw of rows, not the error of the probe. Without bounds the share satisfies no limit. Where
    the probe avoids less than a quarter of the errors of a constant answer, there is a gap; where it avoids more and
    its accuracy is low all the same, rows that are hard to tell count as wrong labels.

    Args:
        case: Training and test data.
        sample: Most rows of each, drawn at random.

    References:
        Northcutt, Jiang and Chuang 2021, Confident learning, JAIR 70.
    """
    roles: tuple[Role, ...] = ("train", "test")
    for role in roles:
        if role in case.data:
            yield from _of(case, case.data[role], sample)


def _of(case: Case, data: Dataset, sample: int) -> Iterator[Finding]:
    rows, few = drawn_rows(data, most=sample, seed=case.seed)
    for at in few:
        detail = f"Fewer than {FEWEST} rows; they are left out."
        yield missing("suspect_rows", "too few rows", detail, data=data, part={"class": case.classes[at]})
    held, labels = np.unique(data.labels[rows], return_inverse=True)
    features = probe_features(case, data, rows) if len(held) > 1 else None
    if features is None:
        yield from _unmeasured(data, classes=len(held))
        return
    probabilities = out_of_fold(features, labels, case.seed)
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    yield stated("probe_accuracy", accuracy, len(rows), data)
    constant = np.bincount(labels).max() / len(rows)
    if 1 - accuracy > USELESS * (1 - constant):
        detail = f"A probe is right on {accuracy:.0%} of the rows, always the same answer on {constant:.0%}: too close."
        for name in ("label_noise", "suspect_rows"):
            yield missing(name, "unsupported", detail, data=data)
        return
    named = confident_classes(probabilities, labels)
    yield _noise(confident_counts(probabilities, labels), data, case.seed)
    suspect = (named != labels) & (named < len(held))
    yield stated("suspect_rows", suspect.sum(), len(rows), data, rows=named_rows(data, rows[suspect]))
    for at, name in enumerate(held):
        doubted, size = rows[suspect & (labels == at)], int((labels == at).sum())
        part = {"class": case.classes[name]}
        yield stated("suspect_rows", len(doubted), size, data, part=part, rows=named_rows(data, doubted))


def _unmeasured(data: Dataset, *, classes: int) -> Iterator[Finding]:
    few = classes < 2
    detail = f"Fewer than two classes have {FEWEST} rows." if few else f"The {data.role} data hold no inputs."
    for name in METRICS:
        yield missing(name, "too few rows" if few else "no data", detail, data=data)


def _noise(counts: Array, data: Dataset, seed: int) -> Finding:
    """The share with an interval for the reader and no bounds."""
    value, n = float(noise_share(counts)), int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(n, counts.ravel() / n, DRAWS).reshape(DRAWS, *counts.shape)
    low, high = np.quantile(noise_share(drawn), [0.025, 0.975])
    method = "percentile bootstrap of the counts, the probe held fixed"
    interval = Interval(level=0.95, low=float(min(low, value)), high=float(max(high, value)), method=method)
    if low == high:
        # Draws of counts that hold no doubt hold none either; that says nothing of rows to come.
        interval = proportion(round(value * n), n).interval
    return stated("label_noise", value, n, data).model_copy(update={"interval": interval})


def confident_classes(probabilities: Array, labels: Array) -> Array:
    """The class that the probe is confident of, int64 ``(n,)``; k for none.

    Args:
        probabilities: Of rows that the probe has not seen, ``(n, k)``.
        labels: Given classes, 0 to k - 1, each on some row, ``(n,)``.
    """
    k = probabilities.shape[1]
    usual = np.array([probabilities[labels == at, at].mean() for at in range(k)])
    confident = probabilities >= usual
    return np.where(confident.any(axis=1), np.where(confident, probabilities, -1).argmax(axis=1), k)


def confident_counts(probabilities: Array, labels: Array) -> Array:
    """Rows by given label and by ``confident_classes`` (same arguments), int64 ``(k, k + 1)``, the last for none."""
    k, named = probabilities.shape[1], confident_classes(probabilities, labels)
    return np.bincount(labels * (k + 1) + named, minlength=k * (k + 1)).reshape(k, k + 1)


def noise_share(counts: Array) -> Array:
    """Share of wrong labels: each label's rows in the proportions of its confident ones.

    Args:
        counts: As ``confident_counts`` makes them, ``(..., k, k + 1)``.
    """
    confident = counts[..., :-1]
    right, all_of = np.diagonal(confident, axis1=-2, axis2=-1), confident.sum(axis=-1)
    wrong = np.where(all_of > 0, 1 - right / np.maximum(all_of, 1), 0)
    return (wrong * counts.sum(axis=-1)).sum(axis=-1) / counts.sum(axis=(-2, -1))
