"""Ordinal: how far from the truth are answers that have an order?

A grade that is one step off is a smaller fault than one that is three steps off; accuracy does not tell them apart.
Ranks are counted from 0 in the declared order of the classes, one step apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from govkit.checks._cells import Cells, cells_of
from govkit.checks._drawn import NO_LIMIT, drawn
from govkit.checks._means import means, shares
from govkit.checks._shared import MODELS, READS_TEST, answers, missing, unrivaled
from govkit.core import Case, Finding, Metric, Of, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.agreement import quadratic_kappa
from govkit.stats.bootstrap import multinomial

METRICS = {
    "mean_absolute_error": Metric("Mean distance of answer and truth.", better="lower", unit="ranks", low=0),
    "within_one": Metric.share("Share of rows whose answer is at most one rank off.", better="higher"),
    "quadratic_kappa": Metric(
        "Agreement of answers and truths beyond chance, where a fault counts by the square of its ranks: 1 if all are "
        f"right, 0 if the answers tell nothing of the truths. {NO_LIMIT}",
        better="higher",
        unit="kappa",
        high=1,
    ),
}


@check("ordinal", crosswalk="check.performance", metrics=METRICS, tasks={"ordinal"}, reads=READS_TEST)
def ordinal(case: Case) -> Iterator[Finding]:
    """Mean distance in ranks and share within one rank, in all rows and in each part; quadratic kappa of all rows.

    Of the candidate, the base, the incumbent and the trivial answer, and as paired differences.

    References:
        Cohen 1968 (weighted kappa); scikit-learn, ``cohen_kappa_score(weights="quadratic")``.
    """
    data, found = case.data["test"], answers(case, "test", (*MODELS, "trivial"))
    if "candidate" not in found:
        yield missing("*", "no data", "There are no predictions of the candidate on the test data.", data=data)
        return
    off = {of: np.abs(given.labels - data.labels) for of, given in found.items()}
    yield from means("mean_absolute_error", off, data, (0.0, len(case.classes) - 1.0))
    yield from shares("within_one", {of: ranks <= 1 for of, ranks in off.items()}, data)
    for of in (of for of in MODELS if of in found):
        yield _kappa(case, (found[of].labels,), of=of)
        if of != "candidate":
            yield _kappa(case, (found["candidate"].labels, found[of].labels), compared_with=of)
    for rival in (of for of in MODELS if of not in found):
        yield from unrivaled(rival, METRICS, data)


def _kappa(case: Case, given: tuple[Array, ...], **whose: Of) -> Finding:
    """Quadratic kappa of one model, or of the first of two less that of the second."""
    data = case.data["test"]
    cells = cells_of((data.labels, *given), len(case.classes))
    scores = [partial(_kappa_of, _sums(cells, model)) for model in range(len(given))]
    undefined = "All truths and all answers are one class; there is no chance to compare with."
    draw = partial(multinomial, cells.counts)
    return drawn("quadratic_kappa", scores, draw, case, data, undefined=undefined, **whose)


def _kappa_of(sums: Array, counts: Array) -> Array:
    return quadratic_kappa(counts @ sums)


def _sums(cells: Cells, model: int) -> Array:
    """What a row of each cell adds to the sums of ``quadratic_kappa``, ``(c, 6)``."""
    truth, answer = cells.labels[0], cells.labels[1 + model]
    return np.stack((np.ones_like(truth), truth, answer, truth**2, answer**2, truth * answer), axis=1)
