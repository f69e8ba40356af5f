"""Selective risk: how good are the answers of which the model is surest, and how many of them can be relied on?

A model need not answer every row: what it is unsure of may go to a person. That helps only where the rows that it gets
wrong are those that it is unsure of, which fine-tuning can make better or worse at one and the same accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from govkit.checks._clusters import share
from govkit.checks._shared import MODELS, READS_TEST, answers, measured, missing, no_probabilities, unrivaled
from govkit.core import Case, Dataset, Finding, Metric, Of, Predictions, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.selective import answered, coverage_within, risk_area, risk_area_difference

METRICS = {
    "selective_accuracy": Metric.share(
        "Share of right answers among the rows of which the model is surest, as many as the part says.", better="higher"
    ),
    "risk_area": Metric.share(
        "Share of wrong answers among the surest rows, in the mean over all shares of rows that might be answered "
        "(area under the risk-coverage curve).",
        better="lower",
    ),
    "coverage_within_limit": Metric.share(
        "Largest share of rows, the surest ones, among which no more answers are wrong than the limit allows.",
        better="higher",
    ),
}
Share = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class Sure:
    """One model's answers: probability stated of each ``(n,)``, and whether it was right."""

    of: Of
    data: Dataset
    confidence: Array
    right: Array


@check(
    "selective_risk", crosswalk="check.calibration", metrics=METRICS, needs={"probabilities"}, reads=READS_TEST
)  # fmt: skip
def selective_risk(
    case: Case, *, coverages: tuple[Share, ...] = (1.0, 0.9, 0.8, 0.7, 0.5), limit: Rate = 0.05
) -> Iterator[Finding]:
    """Accuracy on the surest rows, the area under the risk-coverage curve, and how many rows stay within an error.

    Of the candidate, the base and the incumbent, with the paired difference of the area. A row counts as sure by the
    probability that the model states of its own answer; rows that are equally sure are answered together, so that more
    rows may be answered than a part says, and their number stands beside the value.

    Args:
        case: Answers with probabilities to the test data.
        coverages: Shares of the rows to be answered, the surest ones.
        limit: Share of wrong answers that ``coverage_within_limit`` allows.

    References:
        El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification"; Geifman and El-Yaniv
        2017, "Selective classification for deep neural networks" (coverage at a guaranteed risk); Zhou et al. 2024, "A
        novel characterization of the population area under the risk coverage curve" (area as a mean over rows).
    """
    data, given = case.data["test"], answers(case)
    models = {of: sure for of, each in given.items() if (sure := _sure(of, data, each)) is not None}
    for of in (of for of in given if of not in models):
        yield from no_probabilities(of, tuple(METRICS), data)
    for one in models.values():
        yield from _alone(one, sorted(set(coverages), reverse=True), limit)
    for rival in MODELS[1:]:
        if rival not in given:
            yield from unrivaled(rival, ("risk_area",), data)
        elif rival in models and len(data) > 1:
            sides = [(side.confidence, side.right) for side in (models["candidate"], models[rival])]
            yield measured("risk_area", risk_area_difference(*sides), data, compared_with=rival)


def _sure(of: Of, data: Dataset, given: Predictions) -> Sure | None:
    if given.probabilities is None:
        return None
    # Stored probabilities may miss 0 and 1 by a last digit.
    confidence = np.clip(given.probabilities[np.arange(len(data)), given.labels], 0, 1)
    return Sure(of, data, confidence, given.labels == data.labels)


def _alone(one: Sure, coverages: list[float], limit: float) -> Iterator[Finding]:
    if len(one.data) < 2:
        for name in METRICS:
            yield missing(name, "too few rows", "It needs two rows.", data=one.data, of=one.of)
        return
    for coverage in coverages:
        rows = answered(one.confidence, coverage)
        part = {"coverage": f"{coverage:.0%}"}
        yield share("selective_accuracy", one.right[rows], one.data, at=rows, of=one.of, part=part)
    yield measured("risk_area", risk_area(one.confidence, one.right), one.data, of=one.of)
    yield measured("coverage_within_limit", coverage_within(one.confidence, one.right, limit), one.data, of=one.of)
