"""Ancestry of weights: does the candidate share its weights with the base that it is said to come from?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from govkit.checks._shared import missing
from govkit.checks._stamp import cleaned
from govkit.core import Case, Finding, Measurement, Metric, check, exact
from govkit.core.words import TASKS
from govkit.errors import SubjectError
from govkit.stats.ancestry import SHARED, Answer
from govkit.subjects import Layer, compare_weights


@check(
    "ancestry",
    crosswalk="record.lineage",
    tasks=TASKS,
    metrics={
        "ancestry": Metric("Whether the candidate shares its weights with the base.", words=get_args(Answer)),
        "derived_from_base": Metric("Whether its origin is that of the base; not measured where it cannot be told."),
        "ancestry_reason": Metric("Why, in a sentence."),
        "weight_change": Metric("Norm of the change in a layer over the norm of the base.", unit="ratio", low=0),
        "rank_of_change": Metric("Most directions that carry 99 % of a tensor's change.", unit="directions", low=0),
        "limit": Metric("What the method cannot rule out, one sentence each."),
    },
)
def ancestry(case: Case) -> Iterator[Finding]:
    """Rows of the candidate's weight matrices beside the rows of the base, and what moved in each layer.

    Equal row numbers agree more than unequal ones where weights share an origin, through tuning, merging of adapters,
    pruning, quantization, another type of number, other names, more words and another head. What moved is told for at
    most 60 layers, those that moved most. Nothing is run; files that only run code can open are not read.
    """
    if case.model_path is None or case.access == "predictions":
        yield missing("*", "unsupported", "There are no files of the candidate's weights.")
        return
    if case.base_path is None:
        yield missing("*", "no data", "No folder of the base is known (base in the audit file: a model, or from: run).")
        return
    try:
        found = compare_weights(case.model_path, case.base_path)
    except SubjectError as error:
        yield missing("*", "unsupported", f"Weights cannot be compared: {cleaned(error)}")
        return
    n = found.tensors
    yield Measurement(name="ancestry", value=found.answer, n=n)
    yield Measurement(name="ancestry_reason", value=found.reason, n=n)
    if found.answer == "cannot tell":
        yield missing("derived_from_base", "unsupported", f"It cannot be told: {found.reason}")
    else:
        yield Measurement(name="derived_from_base", value=found.answer in SHARED, n=n)
    for number, limit in enumerate(found.limits, 1):
        yield Measurement(name="limit", value=limit, n=n, part={"number": str(number)})
    for layer in found.layers:
        yield from _moved(layer)


def _moved(layer: Layer) -> Iterator[Finding]:
    for name, value in (("weight_change", layer.change), ("rank_of_change", float(layer.rank))):
        interval, bounds = exact(value)
        where = {"layer": layer.name}
        yield Measurement(name=name, value=value, n=layer.tensors, interval=interval, bounds=bounds, part=where)
