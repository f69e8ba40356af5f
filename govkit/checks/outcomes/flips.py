"""Flips: which right answers did the new model lose, and which wrong ones did it repair?

Two models of equal accuracy can still disagree on many rows. A user who relied on an answer feels the row that broke,
not the average (Yan et al. 2021, "Positive-congruent training: towards regression-free model updates").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from govkit import stats
from govkit.checks._shared import READS_TEST, measured, missing, parts_of, stated, unrivaled
from govkit.core import Case, Finding, Metric, check
from govkit.core.case import Array

Rival = Literal["base", "incumbent"]
RIVALS: tuple[Rival, ...] = ("base", "incumbent")

METRICS = {
    "negative_flip_rate_vs_base": Metric(
        "Share of rows that the base answers right and the candidate wrong.", better="lower", low=0, high=1
    ),
    "positive_flip_rate_vs_base": Metric(
        "Share of rows that the base answers wrong and the candidate right.", better="higher", low=0, high=1
    ),
    "negative_flip_rate_vs_incumbent": Metric(
        "Share of rows that the incumbent answers right and the candidate wrong.", better="lower", low=0, high=1
    ),
    "positive_flip_rate_vs_incumbent": Metric(
        "Share of rows that the incumbent answers wrong and the candidate right.", better="higher", low=0, high=1
    ),
    "mcnemar_p": Metric(
        "Chance of a split of the flips as uneven as this one, if both kinds were equally likely.",
        unit="probability",
        low=0,
        high=1,
    ),
}


@check("flips", crosswalk="check.regression", metrics=METRICS, reads=READS_TEST)
def flips(case: Case) -> Iterator[Finding]:
    """Negative and positive flips against base and incumbent, on all test rows and in each group.

    References:
        Yan et al. 2021 (flip rates); McNemar 1947, exact binomial form.
    """
    data = case.data["test"]
    candidate = case.predictions("candidate")
    if candidate is None:
        yield missing("*", "no data", "There are no predictions of the candidate on the test data.")
        return
    new = candidate.labels == data.labels
    for rival in RIVALS:
        predictions = case.predictions(rival)
        if predictions is None:
            yield from _without(case, rival)
            continue
        old = predictions.labels == data.labels
        yield from _rates(case, rival, (old, new), {})
        for part, rows in parts_of(data):
            yield from _rates(case, rival, (old[rows], new[rows]), part)


def _rates(case: Case, rival: Rival, right: tuple[Array, Array], part: dict[str, str]) -> Iterator[Finding]:
    data, found = case.data["test"], stats.flips(*right)
    yield measured(f"negative_flip_rate_vs_{rival}", found.negative, data, part=part)
    yield measured(f"positive_flip_rate_vs_{rival}", found.positive, data, part=part)
    yield stated("mcnemar_p", found.p_value, found.negative.n, data, compared_with=rival, part=part)


def _without(case: Case, rival: Rival) -> Iterator[Finding]:
    data = case.data["test"]
    for gap in unrivaled(rival, (f"negative_flip_rate_vs_{rival}", f"positive_flip_rate_vs_{rival}"), data):
        yield gap.model_copy(update={"compared_with": None})
    yield from unrivaled(rival, ("mcnemar_p",), data)
