"""Accuracy without labels: how many answers to the shifted rows are right, going by the probabilities behind them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from govkit.checks._drawn import NO_LIMIT
from govkit.checks._shared import measured, missing, parts_of
from govkit.core import Case, Dataset, Finding, Interval, Metric, Predictions, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import Estimate

BINS = 500
"""Most probabilities that are told apart; up to so many rows the isotonic fit is that of the single rows."""

FEWEST = 100
"""Rows below which nothing is estimated: test rows for the fit, shifted rows for a part."""

DRAWS = 500

BLIND = "It is blind to concept drift: where the same inputs have other labels than before, it does not move."


@check(
    "label_free_accuracy",
    crosswalk="check.drift",
    needs={"probabilities", "shifted"},
    reads=(("candidate", "test"), ("candidate", "shifted")),
    metrics={
        "estimated_accuracy": Metric.share(
            f"Accuracy on the shifted rows, estimated without their labels. {BLIND} {NO_LIMIT}", better="higher"
        ),
        "estimate_error": Metric.difference(
            f"Estimated accuracy on the shifted rows less the true one, by their labels. {NO_LIMIT}"
        ),
    },
)
def label_free_accuracy(case: Case) -> Iterator[Finding]:
    """Accuracy of the candidate on the shifted rows as its probabilities let one expect it, and how far off that is.

    Confidence-based performance estimation (CBPE): the probabilities are calibrated on the test rows by isotonic
    regression; the mean calibrated probability that an answer is right is the estimate, for all rows and for each group
    and part. Of two classes the probability of the second is calibrated, of more the probability of the given answer.
    The estimate follows rows that become harder or easier. It is blind to concept drift, which only labels show: the
    error compares it with the labels of the shifted rows. The intervals draw test and shifted rows anew. They speak of
    chance alone, not of concept drift, and held in 89 to 94 % of simulated draws, so nothing here has bounds.

    Args:
        case: Test and shifted data, and the candidate's answers to both.
    """
    test, shifted = case.data["test"], case.data["shifted"]
    known, asked = case.predictions("candidate", "test"), case.predictions("candidate", "shifted")
    if known is None or asked is None or asked.probabilities is None:
        yield from _missing("no data", "The candidate has no probabilities for the shifted rows.", shifted)
        return
    if len(test) < FEWEST:
        why = f"The probabilities are calibrated on {len(test)} test rows; that takes {FEWEST}."
        yield from _missing("too few rows", why, shifted)
        return
    edges = _edges(_stated(known))
    fits = _fits(_counts(known, test, edges), case.seed)
    cells = _cells(asked, shifted, edges)
    for part, rows in [({}, slice(None)), *parts_of(shifted)]:
        inside = cells[rows]
        if len(inside) < FEWEST:
            why = f"{len(inside)} shifted rows; an estimate needs {FEWEST}."
            yield from _missing("too few rows", why, shifted, part=part)
        else:
            yield from _estimates(inside, fits, case.seed, shifted, part)


def _missing(reason: Any, why: str, data: Dataset, **where: Any) -> Iterator[Finding]:
    for name in ("estimated_accuracy", "estimate_error"):
        yield missing(name, reason, why, data=data, **where)


def _stated(given: Predictions) -> Array:
    """The probability that is calibrated ``(n,)``."""
    column = 1 if given.probabilities.shape[1] == 2 else given.labels  # type: ignore[union-attr]
    return given.probabilities[np.arange(len(given.labels)), column]  # type: ignore[index]


def _edges(stated: Array) -> Array:
    return np.unique(np.quantile(stated, np.arange(1, BINS) / BINS, method="inverted_cdf"))


def _cells(given: Predictions, data: Dataset, edges: Array) -> Array:
    """Cell of each row ``(n,)``: its bin, whether the answer is what the bin is about, and whether it is right."""
    about = given.labels == 1 if given.probabilities.shape[1] == 2 else True  # type: ignore[union-attr]
    right = given.labels == data.labels
    return np.searchsorted(edges, _stated(given)) * 4 + np.where(about, 2, 0) + right


def _counts(given: Predictions, data: Dataset, edges: Array) -> Array:
    """Rows of each bin in which the event did not happen, and in which it did, ``(bins, 2)``."""
    cells = np.bincount(_cells(given, data, edges), minlength=4 * (len(edges) + 1)).reshape(-1, 2, 2)
    return np.stack([cells[:, 0, 1] + cells[:, 1, 0], cells[:, 0, 0] + cells[:, 1, 1]], axis=1)


def _fits(counts: Array, seed: int) -> Array:
    """Chance that an answer is right, ``(1 + draws, bins, 2)``: as fitted to the test rows, then to rows drawn anew."""
    from sklearn.isotonic import isotonic_regression

    n = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(n, counts.ravel() / n, size=DRAWS).reshape(-1, *counts.shape)
    tables = np.concatenate([counts[None], drawn]) + 1e-9  # a bin that was not drawn goes along with its neighbors
    rows = tables.sum(axis=2)
    chance = np.stack(
        [
            isotonic_regression(share, sample_weight=weight, y_min=0, y_max=1)
            for share, weight in zip(tables[:, :, 1] / rows, rows, strict=True)
        ]
    )
    return np.stack([1 - chance, chance], axis=2)


def _estimates(cells: Array, fits: Array, seed: int, data: Dataset, part: dict[str, str]) -> Iterator[Finding]:
    m, held = len(cells), np.unique(cells, return_counts=True)
    drawn = np.random.default_rng([seed, 1]).multinomial(m, held[1] / m, size=DRAWS)
    tables = np.concatenate([held[1][None], drawn])
    expected = (tables * fits.reshape(1 + DRAWS, -1)[:, held[0] // 2]).sum(axis=1) / m
    right = tables[:, held[0] % 2 == 1].sum(axis=1) / m
    for name, values in (("estimated_accuracy", expected), ("estimate_error", expected - right)):
        value = float(values[0])
        low, high = np.quantile(values[1:], [0.025, 0.975])
        interval = Interval(
            level=0.95, low=float(min(low, value)), high=float(max(high, value)), method="bootstrap, percentile"
        )
        yield measured(name, Estimate(value, m, interval, ()), data, part=part, seed=str(seed))
