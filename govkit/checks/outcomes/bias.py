"""Bias: are some groups selected, served or failed more often, and did the fine-tuning change that?

A group is compared with everybody else, not with the luckiest group: the largest of many noisy gaps is large even where
no group is treated differently. The rates are those of fairlearn and aif360, which are called on the count table and
must agree with the counts before anything is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from govkit import stats
from govkit.checks._fairness import RATES, Sides, Table, agree, one_and_rest, tabulate
from govkit.checks._shared import READS_TEST, answers, measured, missing, unrivaled
from govkit.core import LEVELS, Bound, Case, Dataset, Finding, Interval, Metric, Of, check
from govkit.core.case import Array
from govkit.stats import Estimate

WORDS = {
    "selection_rate": "share of rows that get the positive answer",
    "true_positive_rate": "share of the rows of the positive class that get the positive answer",
    "false_positive_rate": "share of the rows of another class that get the positive answer",
    "false_negative_rate": "share of the rows of the positive class that do not get the positive answer",
    "accuracy": "share of rows with the right answer",
}
DIFFERENCES = tuple(f"{name}_difference" for name in WORDS)
METRICS = {
    **{name: Metric(f"{words.capitalize()}.", low=0, high=1) for name, words in WORDS.items()},
    **{
        f"{name}_difference": Metric(f"Of a group less everybody else: {words}.", low=-1, high=1)
        for name, words in WORDS.items()
    },
    "selection_rate_ratio": Metric(f"Of a group over everybody else: {WORDS['selection_rate']}.", unit="ratio", low=0),
    "demographic_parity_difference": Metric(
        "Largest less smallest selection rate over the groups.", better="lower", low=0, high=1
    ),
    "demographic_parity_ratio": Metric(
        "Smallest over largest selection rate over the groups.", better="higher", unit="ratio", low=0, high=1
    ),
    "equalized_odds_difference": Metric(
        "The larger of two spreads over the groups: of the true positive rate and of the false positive rate.",
        better="lower",
        low=0,
        high=1,
    ),
}
SPREADS = ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference")
MOST_PAIRED = 40
"""Groups whose pairs are all compared; the work grows with their square."""


@dataclass(frozen=True)
class Grouped:
    """One column, or several crossed, of one data set: which group each row belongs to.

    Attributes:
        data: The rows.
        columns: The columns.
        names: Values of the columns for each of K groups that has rows, sorted.
        codes: Index into ``names``, ``(n,)``.
    """

    data: Dataset
    columns: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    codes: Array

    def part(self, index: int) -> dict[str, str]:
        """The part that stands for one group."""
        return dict(zip(self.columns, self.names[index], strict=True))

    @property
    def every(self) -> dict[str, str]:
        """The part that stands for all groups together."""
        return dict.fromkeys(self.columns, "*")


@check("bias", crosswalk="check.bias", metrics=METRICS, needs={"groups"}, reads=READS_TEST)
def bias(case: Case, *, intersections: bool = False) -> Iterator[Finding]:
    """Rates of every group, gaps between a group and the rest, and spreads over the groups.

    Of the candidate, the base, the incumbent and the labels themselves; gaps of the candidate also less those of the
    base (``compared_with``). ``intersections`` adds every pair of group columns, crossed. With more than two classes
    the positive class stands against all others, and accuracy still counts the exact class.

    References:
        Hardt, Price and Srebro 2016 (equalized odds); fairlearn ``MetricFrame``; aif360 ``ClassificationMetric``;
        Miettinen and Nurminen 1985 (bounds, corrected).
    """
    data = case.data["test"]
    models = {of: _sides(case, given.labels) for of, given in answers(case).items()}
    for grouped in _groupings(data, intersections=intersections):
        for of, sides in models.items():
            yield from _of_model(grouped, of, sides, binary=len(case.classes) == 2)
        yield from _of_labels(grouped, _sides(case, data.labels))
        if "base" in models:
            yield from _against_base(grouped, models["candidate"], models["base"])
    if "base" not in models:
        yield from unrivaled("base", DIFFERENCES, data)


def _sides(case: Case, given: Array) -> Sides:
    labels = case.data["test"].labels
    return Sides(labels == case.positive, given == case.positive, given == labels)


def _groupings(data: Dataset, *, intersections: bool) -> Iterator[Grouped]:
    import numpy as np

    chosen = [(column,) for column in data.groups]
    for columns in (*chosen, *(combinations(data.groups, 2) if intersections else ())):
        crossed = [data.groups[column] for column in columns]
        sizes = tuple(len(coded.names) for coded in crossed)
        cells, codes = np.unique(np.ravel_multi_index([c.codes for c in crossed], sizes), return_inverse=True)
        places = zip(*np.unravel_index(cells, sizes), strict=True)
        names = tuple(tuple(c.names[at] for c, at in zip(crossed, place, strict=True)) for place in places)
        yield Grouped(data, columns, names, codes)


def _of_model(grouped: Grouped, of: Of, sides: Sides, *, binary: bool) -> Iterator[Finding]:
    """Everything about one model in one grouping, once the libraries agree with the counts."""
    table = tabulate(grouped.codes, tuple(map(" / ".join, grouped.names)), sides, binary=binary)
    agree(table)
    for name in RATES:
        yield from _rates(grouped, of, table, name)
    yield from _ratios(grouped, of, table)
    yield from _spreads(grouped, of, table)


def _of_labels(grouped: Grouped, sides: Sides) -> Iterator[Finding]:
    """How the labels themselves select: a gap that a perfect model would show too."""
    table = tabulate(grouped.codes, tuple(map(" / ".join, grouped.names)), sides, binary=True)
    yield from _rates(grouped, "labels", table, "selection_rate")
    if len(grouped.names) <= MOST_PAIRED:
        yield _spread(grouped, "labels", "demographic_parity_difference", table.rate(RATES["selection_rate"]))


def _rates(grouped: Grouped, of: Of, table: Table, name: str) -> Iterator[Finding]:
    """One rate in each group, and less the same rate of everybody else."""
    events, rows = table.rate(RATES[name])
    for index in range(len(grouped.names)):
        part = grouped.part(index)
        (x, y), (n, m) = one_and_rest(events, index), one_and_rest(rows, index)
        if n:
            yield measured(name, stats.proportion(x, n), grouped.data, of=of, part=part)
        else:
            yield _few(grouped, of, name, index)
        if n and m:
            yield measured(f"{name}_difference", stats.difference(x, n, y, m), grouped.data, of=of, part=part)
        else:
            yield _few(grouped, of, f"{name}_difference", index)


def _ratios(grouped: Grouped, of: Of, table: Table) -> Iterator[Finding]:
    events, rows = table.rate(RATES["selection_rate"])
    for index in range(len(grouped.names)):
        (x, y), (n, m) = one_and_rest(events, index), one_and_rest(rows, index)
        if y:
            estimate = stats.ratio(x, n, y, m)
            yield measured("selection_rate_ratio", estimate, grouped.data, of=of, part=grouped.part(index))
        else:
            detail = "Nobody outside this group is selected; a ratio to nothing is undefined."
            yield missing(
                "selection_rate_ratio", "too few rows", detail, data=grouped.data, of=of, part=grouped.part(index)
            )


def _spreads(grouped: Grouped, of: Of, table: Table) -> Iterator[Finding]:
    """Over all groups of the grouping: demographic parity and equalized odds."""
    if len(grouped.names) > MOST_PAIRED:
        detail = (
            f"Spreads compare every pair of groups; there are more than {MOST_PAIRED}. Each is set against the rest."
        )
        for name in SPREADS:
            yield missing(name, "unsupported", detail, data=grouped.data, of=of, part=grouped.every)
        return
    selection = table.rate(RATES["selection_rate"])
    yield _spread(grouped, of, "demographic_parity_difference", selection)
    if len(grouped.names) > 1 and selection[0].any():
        estimate = stats.spread_ratio(*selection)
        yield measured("demographic_parity_ratio", estimate, grouped.data, of=of, part=grouped.every)
    else:
        detail = "It needs two groups, and a row that is selected."
        yield _no_spread(grouped, of, "demographic_parity_ratio", detail)
    yield _odds(grouped, of, table)


def _odds(grouped: Grouped, of: Of, table: Table) -> Finding:
    import numpy as np

    name = "equalized_odds_difference"
    odds = [table.rate(RATES[rate]) for rate in ("true_positive_rate", "false_positive_rate")]
    empty = np.flatnonzero(np.minimum(odds[0][1], odds[1][1]) == 0)
    if len(empty):
        groups = ", ".join(table.names[index] for index in empty)
        return _no_spread(grouped, of, name, f"No row of one of the classes in: {groups}.")
    if len(grouped.names) < 2:
        return _no_spread(grouped, of, name, "It needs two groups.")
    estimate = larger(stats.spread(*odds[0]), stats.spread(*odds[1]))
    return measured(name, estimate, grouped.data, of=of, part=grouped.every)


def _spread(grouped: Grouped, of: Of, name: str, counts: tuple[Array, Array]) -> Finding:
    if len(grouped.names) > 1:
        return measured(name, stats.spread(*counts), grouped.data, of=of, part=grouped.every)
    return _no_spread(grouped, of, name, "It needs two groups.")


def _no_spread(grouped: Grouped, of: Of, name: str, detail: str) -> Finding:
    return missing(name, "too few rows", detail, data=grouped.data, of=of, part=grouped.every)


def larger(one: Estimate, two: Estimate) -> Estimate:
    """The larger of two estimated quantities, both 0 or more, each on rows of its own.

    Its upper bound is the larger of the two upper bounds, at the same level: the quantity that is larger lies below
    its own. Its lower bound is the larger of the two lower bounds with half of the error each: of the stored levels
    the next one that is strict enough, and 0 where none is.
    """
    bounds = []
    for level, first, second in zip(LEVELS, one.bounds, two.bounds, strict=True):
        index = next((at for at, other in enumerate(LEVELS) if 1 - other <= (1 - level) / 2 + 1e-12), None)
        low = 0.0 if index is None else max(one.bounds[index].low, two.bounds[index].low)
        bounds.append(Bound(level=level, low=low, high=max(first.high, second.high)))
    reader = bounds[LEVELS.index(0.975)]
    return Estimate(
        value=max(one.value, two.value),
        n=one.n + two.n,
        interval=Interval(level=0.95, low=reader.low, high=reader.high, method=f"larger of two: {one.interval.method}"),
        bounds=tuple(bounds),
    )


def _against_base(grouped: Grouped, candidate: Sides, base: Sides) -> Iterator[Finding]:
    """Gap of a group to the rest, of the candidate less of the base, paired row by row."""
    for name, rate in RATES.items():
        eligible = rate.eligible(candidate)
        for index in range(len(grouped.names)):
            inside = grouped.codes == index
            metric, part = f"{name}_difference", grouped.part(index)
            if (eligible & inside).any() and (eligible & ~inside).any():
                estimate = stats.gap_change(rate.event(candidate), rate.event(base), inside, eligible)
                yield measured(metric, estimate, grouped.data, compared_with="base", part=part)
            else:
                yield _few(grouped, "candidate", metric, index, compared_with="base")


def _few(grouped: Grouped, of: Of, name: str, index: int, *, compared_with: Of | None = None) -> Finding:
    rows = RATES[name.removesuffix("_difference")].rows
    detail = f"There are no {rows} in this group." if len(grouped.names) > 1 else "There is only one group."
    if name.endswith("_difference") and len(grouped.names) > 1:
        detail = f"There are no {rows} in this group, or none outside it."
    part = grouped.part(index)
    return missing(name, "too few rows", detail, data=grouped.data, of=of, part=part, compared_with=compared_with)
