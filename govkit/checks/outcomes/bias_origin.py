"""Origin of bias: was a gap between a group and the rest in the base, in the labels, or did the fine-tuning bring it?

What to do depends on the answer: a gap that the base had calls for another base, one that the labels show for a look
at the labels, and one that is in neither was made by the tuning. The gaps themselves are those of the check ``bias``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, get_args

from pydantic import Field

from govkit.checks._fairness import RATES
from govkit.checks._shared import answers, missing
from govkit.core import Case, Dataset, Finding, Measurement, Metric, check
from govkit.core.case import Array
from govkit.data.counts import cells_of, count_pairs
from govkit.stats.origin import WIDEST, BaseOrigin, Gaps, LabelOrigin, against_base, against_labels, gaps_to_rest

WORDS = {
    "selection_rate": "selection rate",
    "true_positive_rate": "true positive rate",
    "false_positive_rate": "false positive rate",
    "accuracy": "accuracy",
}
"""Rates whose gaps are traced. That of the false negative rate is the negative of the true positive rate's."""

ORIGINS = {
    f"{name}_origin": Metric(
        f"What the fine-tuning did to the gap of a group to everybody else in {words}, as far as the rows can tell.",
        words=get_args(BaseOrigin),
    )
    for name, words in WORDS.items()
}
LABEL_ORIGIN = "selection_rate_label_origin"
METRICS = {
    **ORIGINS,
    LABEL_ORIGIN: Metric(
        "Whether the labels show the gap of a group to everybody else in selection rate too.",
        words=get_args(LabelOrigin),
    ),
}
Tell = Callable[[Gaps], tuple[str, ...]]


@check(
    "bias_origin",
    crosswalk="check.bias_amplification",
    metrics=METRICS,
    needs={"groups"},
    reads=(("candidate", "test"), ("base", "test")),
)
def bias_origin(case: Case, *, margin: Annotated[float, Field(gt=0, le=WIDEST)] = 0.05) -> Iterator[Finding]:
    """One word for each group and rate, against the base and, for the selection rate, against the labels.

    A gap, or a change of one, up to ``margin`` counts as none. Against the base: ``none``, ``inherited`` (the change is
    within the margin), ``introduced``, ``amplified``, ``grown`` (introduced or amplified), ``reduced``. Against the
    labels: ``none``, ``in the data``, ``beyond the data``. A word is given only where the 99 % intervals of all gaps
    involved allow no other, and is ``cannot tell`` elsewhere: to show that a gap is inherited takes some 10,000 rows.

    References:
        Miettinen and Nurminen 1985, Tango 1998 (bounds, both corrected); Zou and Donner 2008 (their difference).
    """
    data = case.data["test"]
    given = answers(case, models=("candidate", "base"))
    if "candidate" not in given:
        yield missing("*", "no data", "There are no predictions of the candidate on the test data.")
        return
    cells = {of: cells_of(data.labels, predictions.labels, case.positive) for of, predictions in given.items()}
    candidate, base, labels = cells["candidate"], cells.get("base"), cells_of(data.labels, data.labels, case.positive)
    for column, coded in data.groups.items():
        table = RATES["selection_rate"].crossed(count_pairs(coded.codes, candidate, labels, len(coded.names)))
        yield from _words(data, column, LABEL_ORIGIN, table, partial(against_labels, margin=margin))
        if base is not None:
            joint = count_pairs(coded.codes, candidate, base, len(coded.names))
            for name in WORDS:
                table = RATES[name].crossed(joint)
                yield from _words(data, column, f"{name}_origin", table, partial(against_base, margin=margin))
    if base is None:
        for name in ORIGINS:
            yield missing(name, "no data", "There is no base to compare with (base in the audit file).", data=data)


def _words(data: Dataset, column: str, name: str, table: Array, tell: Tell) -> Iterator[Finding]:
    """The word of each group that has rows, where another has some too; a gap for the others."""
    full = table.sum(axis=(1, 2)).nonzero()[0].tolist()
    told = dict(zip(full, tell(gaps_to_rest(table[full])), strict=True)) if len(full) > 1 else {}
    for index, group in enumerate(data.groups[column].names):
        part = {column: group}
        if index in told:
            yield Measurement(name=name, value=told[index], n=int(table.sum()), data=data.ref, part=part)
        else:
            detail = f"{name} needs rows that its rate counts, in this group and outside it."
            yield missing(name, "too few rows", detail, data=data, part=part)
