"""Flips: which right answers did the new model lose, and which wrong ones did it repair?

Two models of equal accuracy can still disagree on many rows. A user who relied on an answer feels the row that broke,
not the average (Yan et al. 2021, "Positive-congruent training: towards regression-free model updates").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from govkit import stats
from govkit.checks._cells import by_part
from govkit.checks._clusters import clusters_in, share_design
from govkit.checks._shared import READS_TEST, measured, missing, stated, unrivaled
from govkit.core import Case, Finding, Metric, check
from govkit.core.case import Array

Rival = Literal["base", "incumbent"]
RIVALS: tuple[Rival, ...] = ("base", "incumbent")

METRICS = {
    "negative_flip_rate_vs_base": Metric.share(
        "Share of rows that the base answers right and the candidate wrong.", better="lower"
    ),
    "positive_flip_rate_vs_base": Metric.share(
        "Share of rows that the base answers wrong and the candidate right.", better="higher"
    ),
    "negative_flip_rate_vs_incumbent": Metric.share(
        "Share of rows that the incumbent answers right and the candidate wrong.", better="lower"
    ),
    "positive_flip_rate_vs_incumbent": Metric.share(
        "Share of rows that the incumbent answers wrong and the candidate right.", better="higher"
    ),
    **{
        f"excess_flips_vs_{rival}": Metric(
            f"Share of rows that the {rival} answers right and the candidate wrong, less the share that two models of "
            "these accuracies would show if their errors had nothing to do with each other.",
            better="lower",
            low=-0.25,
            high=0.25,
        )
        for rival in RIVALS
    },
    "mcnemar_p": Metric.share(
        "Chance of a split of the flips as uneven as this one, if both kinds were equally likely.", unit="probability"
    ),
}


@check("flips", crosswalk="check.regression", metrics=METRICS, reads=READS_TEST)
def flips(case: Case) -> Iterator[Finding]:
    """Negative and positive flips against base and incumbent, on all test rows and in each part.

    References:
        Yan et al. 2021 (flip rates, and what unrelated errors would give); McNemar 1947, exact binomial form.
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
        yield from _rates(case, rival, predictions.labels == data.labels, new)


def _rates(case: Case, rival: Rival, old: Array, new: Array) -> Iterator[Finding]:
    data = case.data["test"]
    parts, held = by_part(data, 2 * old + new, 4)
    lost, won, rows = held[:, 2], held[:, 1], held.sum(axis=1)
    both = ("negative", lost, old & ~new), ("positive", won, ~old & new)
    for name, flipped, true in both:
        design = share_design(data, true)
        for part, estimate in zip(parts, stats.proportions(flipped, rows, design=design), strict=True):
            yield measured(f"{name}_flip_rate_vs_{rival}", estimate, data, part=part)
    for part, estimate in zip(parts, stats.excess_flips(lost, held[:, 3], held[:, 0], won), strict=True):
        yield measured(f"excess_flips_vs_{rival}", estimate, data, part=part)
    # McNemar's test knows independent rows only.
    tested = zip(parts, won.tolist(), lost.tolist(), rows.tolist(), strict=True) if clusters_in(data) is None else ()
    for part, *counts in tested:
        p_value = stats.mcnemar_exact(*counts[:2])
        yield stated("mcnemar_p", p_value, counts[2], data, compared_with=rival, part=part)


def _without(case: Case, rival: Rival) -> Iterator[Finding]:
    data = case.data["test"]
    names = [name for name in METRICS if name.endswith(f"_vs_{rival}")]
    for gap in unrivaled(rival, names, data):
        yield gap.model_copy(update={"compared_with": None})
    yield from unrivaled(rival, ("mcnemar_p",), data)
