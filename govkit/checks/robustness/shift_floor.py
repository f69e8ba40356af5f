"""Shift floor: under changed conditions, is the candidate at least as good as a linear probe on its own base?

Fine-tuning distorts features that the pretrained base had right for rows unlike the training rows: over ten shifts it
gained two points where nothing had changed and lost seven where something had, against a linear probe that leaves the
base as it is (Kumar et al. 2022, "Fine-tuning can distort pretrained features and underperform out-of-distribution").
The probe costs next to nothing, so that a candidate below it was not worth the tuning there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from govkit import stats
from govkit.checks._clusters import both_in, paired, share
from govkit.checks._shared import answers, measured, missing
from govkit.core import Case, Dataset, Finding, Measurement, Metric, Of, Role, check
from govkit.core.case import Array
from govkit.subjects import Probe

METRICS = {
    "floor_accuracy": Metric.share(
        "Share of rows with the right answer, of the candidate and of a linear probe on its base.", better="higher"
    ),
    "shift_cost": Metric(
        "How much more accuracy the candidate loses from the test data to the shifted data than the probe does.",
        better="lower",
        low=-2,
        high=2,
    ),
    "tuned_too_far": Metric(
        "Whether the candidate is surely worse on the shifted data than a linear probe on its own base.",
        words=("yes", "no", "cannot tell"),
    ),
}
ROLES: tuple[Role, ...] = ("test", "shifted")
SIDES: tuple[Of, ...] = ("candidate", "base")
LEVEL = 0.95
"""One-sided level of the word: a candidate as good as the probe is called worse in one of twenty cases at most."""

Share = Annotated[float, Field(ge=0, lt=1)]


@check(
    "shift_floor",
    crosswalk="check.ood",
    metrics=METRICS,
    needs={"shifted", "base"},
    reads=tuple((of, role) for of in SIDES for role in ROLES),
)
def shift_floor(case: Case, *, tolerated: Share = 0.02) -> Iterator[Finding]:
    """Accuracy of the candidate and of a linear probe on its base, on test and shifted data, paired row by row.

    A base of stored answers is taken for such a probe, for only its owner knows. The word ``yes`` is said where the
    candidate is surely below the probe on the shifted data, ``no`` where it surely is not by more than ``tolerated``,
    each with 95 % confidence, and ``cannot tell`` elsewhere. A control should rest on the difference of the accuracies.

    Args:
        case: Shifted data, with answers of the candidate and of its base.
        tolerated: Share of the rows by which the candidate may be below the probe.
    """
    if case.base is not None and not isinstance(case.base, Probe):
        detail = "The base answers with its own head; the floor is a linear probe (base.head: probe)."
        for name in METRICS:
            yield missing(name, "no data", detail, data=case.data["shifted"], of="candidate")
        return
    apart: dict[Role, Array] = {}
    for role in ROLES:
        data, right = case.data[role], _right(case, role)
        for of, rows in right.items():
            yield share("floor_accuracy", rows, data, of=of)
        lacking = [of for of in SIDES if of not in right]
        if lacking:
            yield from _unanswered(data, lacking[0])
            continue
        first, second = (right[of] for of in SIDES)
        difference = paired("floor_accuracy", first, second, data, compared_with="base")
        yield difference
        apart[role] = first.astype(int) - second
        if role == "shifted":
            yield _word(difference, tolerated)
    yield from _cost(apart, case)


def _right(case: Case, role: Role) -> dict[Of, Array]:
    return {of: given.labels == case.data[role].labels for of, given in answers(case, role, SIDES).items()}


def _unanswered(data: Dataset, of: Of) -> Iterator[Finding]:
    detail = f"The {of} has no answers to the {data.role} data; store them beside its rows."
    yield missing("floor_accuracy", "no data", detail, data=data, of=of)
    yield missing("floor_accuracy", "no data", detail, data=data, compared_with="base")
    if data.role == "shifted":
        yield missing("tuned_too_far", "no data", detail, data=data)


def _word(found: Measurement, tolerated: float) -> Measurement:
    low, high = next((bound.low, bound.high) for bound in found.bounds if bound.level == LEVEL)
    word = "yes" if high < 0 else "no" if low > -tolerated else "cannot tell"
    return Measurement(name="tuned_too_far", value=word, n=found.n, clusters=found.clusters, data=found.data)


def _cost(apart: dict[Role, Array], case: Case) -> Iterator[Finding]:
    """What the candidate gains on the probe on the test rows, less what it gains on the shifted ones."""
    data = case.data["shifted"]
    if len(apart) < len(ROLES):
        detail = "Candidate and base have not both answered test and shifted data."
        yield missing("shift_cost", "no data", detail, data=data, compared_with="base")
    elif min(map(len, apart.values())) < 2:
        detail = "It needs two rows of each data set."
        yield missing("shift_cost", "too few rows", detail, data=data, compared_with="base")
    else:
        some = both_in(case.data["test"], data)
        estimate = stats.mean_change(apart["test"], apart["shifted"], low=-1.0, high=1.0, clusters=some)
        yield measured("shift_cost", estimate, data, compared_with="base")
