"""Ranking: do the rows that matter stand above the others?

A score has no scale here; only the order that it puts rows in counts, and rows that tie are taken in no order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field

from govkit.checks._drawn import NO_LIMIT
from govkit.checks._shared import MODELS, READS_TEST, answers, measured, missing, parts_of, stated, unrivaled
from govkit.core import Case, Dataset, Finding, Metric, Of, check
from govkit.core.case import Array
from govkit.stats.ranking import auc_difference_of, auc_of, placements
from govkit.stats.retrieval import average_precision, average_precision_difference, precision_at_top

METRICS = {
    "roc_auc": Metric.share(
        "Chance that a row of the positive class stands above another row; a tie counts a half.", better="higher"
    ),
    "average_precision": Metric.share(
        f"Mean, over the rows of the positive class, of the share of such rows from the top down to each. {NO_LIMIT}",
        better="higher",
    ),
    "precision_at_top": Metric.share(
        f"Share of the first rows that are of the positive class (parameter top, a tenth). {NO_LIMIT}", better="higher"
    ),
}
ONE_CLASS = "A ranking needs rows of the positive class and other rows."


@check("ranking", crosswalk="check.performance", metrics=METRICS, tasks={"ranking"}, reads=READS_TEST)
def ranking(case: Case, *, top: Annotated[float, Field(gt=0, le=1)] = 0.1) -> Iterator[Finding]:
    """ROC AUC in all rows and in each part; average precision and the precision of the first rows, of all rows.

    Of the candidate, the base, the incumbent and the trivial answer (one score for all), and as paired differences.

    References:
        DeLong, DeLong and Clarke-Pearson 1988 (ROC AUC); scikit-learn, ``roc_auc_score``,
        ``average_precision_score``.
    """
    data = case.data["test"]
    found = answers(case, "test", (*MODELS, "trivial"))
    scores = {of: given.scores for of, given in found.items() if given.scores is not None}
    if "candidate" not in scores:
        yield missing("*", "no data", "There are no scores of the candidate for the test data.", data=data)
        return
    positive = data.labels == case.positive
    for part, rows in (({}, positive | True), *parts_of(data)):
        yield from _areas({of: given[rows] for of, given in scores.items()}, positive[rows], data, part)
    if positive.any() and not positive.all():
        yield from _average_precisions(scores, positive, data)
    else:
        yield missing("average_precision", "too few rows", ONE_CLASS, data=data)
    yield from _tops(case, scores, positive, top)
    for rival in (of for of in MODELS if of not in scores):
        yield from unrivaled(rival, METRICS, data)


def _areas(scores: Mapping[Of, Array], positive: Array, data: Dataset, part: dict[str, str]) -> Iterator[Finding]:
    if positive.all() or not positive.any():
        yield missing("roc_auc", "too few rows", ONE_CLASS, data=data, part=part)
        return
    placed = {of: placements(given, positive) for of, given in scores.items()}
    for of, own in placed.items():
        yield measured("roc_auc", auc_of(own), data, of=of, part=part)
        if of != "candidate":
            estimate = auc_difference_of(placed["candidate"], own)
            yield measured("roc_auc", estimate, data, compared_with=of, part=part)


def _average_precisions(scores: Mapping[Of, Array], positive: Array, data: Dataset) -> Iterator[Finding]:
    for of, given in scores.items():
        yield measured("average_precision", average_precision(given, positive), data, of=of)
        if of != "candidate":
            estimate = average_precision_difference(scores["candidate"], given, positive)
            yield measured("average_precision", estimate, data, compared_with=of)


def _tops(case: Case, scores: Mapping[Of, Array], positive: Array, top: float) -> Iterator[Finding]:
    """Differences have no interval: which rows come first differs between the models."""
    data, values, seed = case.data["test"], {}, case.seed
    for of, given in scores.items():
        found = precision_at_top(given, positive, top=top, seed=seed)
        values[of] = found.value
        yield measured("precision_at_top", found, data, of=of, seed=str(seed))
        if of != "candidate":
            apart = values["candidate"] - found.value
            yield stated("precision_at_top", apart, found.n, data, compared_with=of)
