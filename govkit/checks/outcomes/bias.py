"""Bias: are some groups selected, served or failed more often, and did the fine-tuning change that?

A group is compared with everybody else, not with the luckiest group: the largest of many noisy gaps is large even where
no group is treated differently. The rates are those of fairlearn and aif360, which are called on the count table and
must agree with the counts before anything is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from pydantic import PositiveInt

from govkit.checks._agreement import agree
from govkit.checks._clusters import clusters_in
from govkit.checks._fairness import PARITIES, RATES, RATIOS, ROWS, RateName, metrics_of
from govkit.checks._group_rates import MOST_PAIRED, Estimates, changes, group_rates, spreads
from govkit.checks._shared import READS_TEST, answers, measured, missing, stated, unrivaled
from govkit.core import Case, Dataset, Finding, Measurement, Metric, Of, check, exact
from govkit.core.case import Array
from govkit.data.counts import CELLS, CountTable, cells_of, count_codes, count_pairs
from govkit.data.dataset import MOST_GROUPS
from govkit.lazy import np

DEFAULT: tuple[RateName, ...] = (
    "selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "accuracy",
    "positive_predictive_value", "negative_predictive_value",
)  # fmt: skip
ABSOLUTE = "average_abs_odds_difference"
OF_LABELS: tuple[RateName, ...] = ("selection_rate",)


def _of_rate(name: str) -> Iterator[tuple[str, Metric]]:
    what, title = RATES[name].what, name.replace("_", " ")
    yield name, Metric.share(f"{what.capitalize()}.")
    yield f"{name}_difference", Metric.difference(f"Of a group less everybody else: {what}.")
    if name in RATIOS:
        yield f"{name}_ratio", Metric(f"Of a group over everybody else: {what}.", unit="ratio", low=0)
    parity = PARITIES[name]
    yield (
        f"{parity}_difference",
        Metric.share(f"Largest less smallest {title} over the groups.", better="lower"),
    )
    yield (
        f"{parity}_ratio",
        Metric.share(f"Smallest over largest {title} over the groups.", better="higher", unit="ratio"),
    )
    worst = "lowest" if RATES[name].good else "highest"
    yield f"{parity}_worst_group", Metric(f"The group with the {worst} {title}.", unit="")


METRICS = {
    **{name: metric for rate in RATES for name, metric in _of_rate(rate)},
    "equalized_odds_difference": Metric.share(
        "The larger of two spreads over the groups: of the true positive rate and of the false positive rate.",
        better="lower",
    ),
    "equalized_odds_ratio": Metric.share(
        "The smaller of two ratios over the groups, smallest over largest: of the true positive rate and of the false "
        "positive rate.",
        better="higher",
        unit="ratio",
    ),
    "average_odds_difference": Metric.difference(
        "Of a group less everybody else: mean of the gaps in true positive rate and in false positive rate."
    ),
    ABSOLUTE: Metric.share(
        "Mean size of the two gaps between a group and everybody else: in true positive rate and false positive rate.",
        better="lower",
    ),
    "differential_fairness": Metric(
        "Largest log ratio of two groups' smoothed chances to be selected, or not to be.", better="lower", unit="nats"
    ),
    "differential_fairness_bias_amplification": Metric(
        "Differential fairness of the answers less that of the labels.", better="lower", unit="nats"
    ),
    "small_groups": Metric("Groups with too few rows to have a part in any spread.", unit="groups", low=0),
}


@dataclass(frozen=True)
class Grouped:
    """One column, or several crossed, of one data set.

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

    def table(self, cells: Array) -> CountTable:
        """Rows by group and cell."""
        counts, clusters = count_codes(self.codes, cells, (len(self.names), len(CELLS))), clusters_in(self.data)
        rows = None if clusters is None else (self.codes, cells, clusters.codes)
        return CountTable(tuple(map(" / ".join, self.names)), counts, rows)


@check("bias", crosswalk="check.bias", metrics=METRICS, needs={"groups"}, reads=READS_TEST)
def bias(
    case: Case, *, rates: tuple[RateName, ...] = DEFAULT, min_rows: PositiveInt = 30, intersections: bool = False
) -> Iterator[Finding]:
    """Rates of every group, gaps between a group and the rest, and spreads over the groups.

    Of the candidate, the base, the incumbent and the labels themselves (their selection rate is the base rate); gaps of
    the candidate also less those of the base (``compared_with``). With more than two classes the positive class stands
    against all others, and accuracy still counts the exact class.

    Args:
        case: The case.
        rates: Which rates.
        min_rows: A group with fewer rows below the line of a rate has no part in its spread over the groups and is not
            named as the worst; it is reported with its interval all the same.
        intersections: Every pair of group columns as well, crossed.

    References:
        Hardt, Price and Srebro 2016 (equalized odds); Foulds et al. 2020 (differential fairness); fairlearn
        ``MetricFrame``; aif360 ``ClassificationMetric``; Miettinen and Nurminen 1985 (bounds, corrected).
    """
    data = case.data["test"]
    if not any(
        (rows == case.positive).any() for rows in (data.labels, *(given.labels for given in answers(case).values()))
    ):
        name = case.classes[case.positive]
        detail = f"No row is of the class {name}, and no answer names it; columns.positive says which outcome counts."
        yield missing("*", "too few rows", detail, data=data)
        return
    cells = {of: cells_of(data.labels, given.labels, case.positive) for of, given in answers(case).items()}
    of_labels = cells_of(data.labels, data.labels, case.positive)
    for grouped in _groupings(data, intersections=intersections):
        if len(grouped.names) > MOST_GROUPS:
            detail = f"There are {len(grouped.names)} groups, at most {MOST_GROUPS} can be judged."
            yield missing("*", "unsupported", detail, data=data, part=grouped.every)
            continue
        for of, held in cells.items():
            table = grouped.table(held)
            agree(table, rates)
            yield from _of_model(grouped, of, table, rates=rates, min_rows=min_rows)
            yield from _stated(grouped, of, table, min_rows=min_rows)
        labels = grouped.table(of_labels)
        yield from _of_model(grouped, "labels", labels, rates=OF_LABELS, min_rows=min_rows)
        yield _small(grouped, labels, min_rows=min_rows)
        if "base" in cells:
            yield from _against_base(grouped, cells["candidate"], cells["base"], rates=rates)
    if "base" not in cells:
        yield from unrivaled("base", [f"{name}_difference" for name in rates], data)


def _groupings(data: Dataset, *, intersections: bool) -> Iterator[Grouped]:
    for column, coded in data.groups.items():
        yield Grouped(data, (column,), tuple((name,) for name in coded.names), coded.codes)
    for columns in combinations(data.groups, 2) if intersections else ():
        one, two = (data.groups[column] for column in columns)
        codes = one.codes.astype(np.int64) * len(two.names) + two.codes
        # Not every pair of values has rows.
        held = np.bincount(codes, minlength=len(one.names) * len(two.names)) > 0
        names = tuple(pair for pair, some in zip(product(one.names, two.names), held, strict=True) if some)
        yield Grouped(data, columns, names, (np.cumsum(held) - 1)[codes])


def _of_model(
    grouped: Grouped, of: Of, table: CountTable, *, rates: tuple[RateName, ...], min_rows: int
) -> Iterator[Finding]:
    """Everything about one model in one grouping."""
    yield from _by_group(grouped, group_rates(table, rates), table, of=of)
    yield from _over_groups(grouped, table, rates, of=of, min_rows=min_rows)


def _by_group(grouped: Grouped, found: Estimates, table: CountTable, **where: Any) -> Iterator[Finding]:
    for name, estimates in found.items():
        for index, estimate in enumerate(estimates):
            part = grouped.part(index)
            if estimate is not None:
                # Of two groups each is the other's rest: one comparison, which the judge counts once.
                twin = name.endswith("_difference") and len(grouped.names) == 2
                yield measured(name, estimate, grouped.data, part=part, mirrored=twin, **where)
            else:
                yield missing(name, "too few rows", _why(table, name, index), data=grouped.data, part=part, **where)


def _why(table: CountTable, name: str, index: int) -> str:
    if name in RATES:
        return f"There are no {ROWS[RATES[name].among]} in this group."
    if len(table.names) < 2:
        return "There is only one group."
    if name in ("average_odds_difference", ABSOLUTE):
        return "It needs rows of every class in this group and outside it."
    rate = RATES[name.removesuffix("_difference").removesuffix("_ratio")]
    rows = rate.counted(table.counts)[1]
    if name.endswith("_ratio") and rows[index] and rows.sum() > rows[index]:
        return "The rate of everybody else is 0; a ratio to it is undefined."
    return f"There are no {ROWS[rate.among]} in this group, or none outside it."


def _over_groups(
    grouped: Grouped, table: CountTable, rates: tuple[RateName, ...], *, of: Of, min_rows: int
) -> Iterator[Finding]:
    """Spreads over the groups that have enough rows, and the groups at the wrong end of them."""
    where: dict[str, Any] = {"data": grouped.data, "of": of, "part": grouped.every}
    for name, estimate in spreads(table, rates, min_rows=min_rows).items():
        if estimate is not None:
            yield measured(name, estimate, **where)
        elif len(table.names) > MOST_PAIRED:
            detail = (
                f"It compares every pair of groups; there are more than {MOST_PAIRED}. Each is set against the rest."
            )
            yield missing(name, "unsupported", detail, **where)
        else:
            ratio = ", and a ratio an event in one of them" if name.endswith("_ratio") else ""
            detail = f"A spread needs two groups with {min_rows} rows in the denominator{ratio}."
            yield missing(name, "too few rows", detail, **where)
    yield from _worst(table, rates, min_rows=min_rows, where=where)


def _worst(
    table: CountTable, rates: tuple[RateName, ...], *, min_rows: int, where: dict[str, Any]
) -> Iterator[Finding]:
    for name in rates:
        events, rows = RATES[name].counted(table.counts)
        seen = np.flatnonzero(rows >= min_rows)
        metric = f"{PARITIES[name]}_worst_group"
        if len(seen) < 2:
            yield missing(
                metric, "too few rows", f"It needs two groups with {min_rows} rows in the denominator.", **where
            )
            continue
        share = events[seen] / rows[seen]
        at = seen[share.argmin() if RATES[name].good else share.argmax()]
        yield Measurement(name=metric, value=table.names[at], n=int(rows[at]), **where | {"data": where["data"].ref})


def _stated(grouped: Grouped, of: Of, table: CountTable, *, min_rows: int) -> Iterator[Finding]:
    """Values without bounds, for the reader."""
    rows, data = table.counts.sum(axis=1), grouped.data
    for index, value in enumerate(metrics_of(table)[ABSOLUTE]):
        part = grouped.part(index)
        if value == value:
            yield stated(ABSOLUTE, value, int(rows.sum()), data, of=of, part=part)
        else:
            yield missing(ABSOLUTE, "too few rows", _why(table, ABSOLUTE, index), data=data, of=of, part=part)
    kept = np.flatnonzero(rows >= min_rows)
    values = metrics_of(CountTable(tuple(table.names[at] for at in kept), table.counts[kept])) if len(kept) > 1 else {}
    for name in ("differential_fairness", "differential_fairness_bias_amplification"):
        if name in values:
            yield stated(name, values[name], int(rows[kept].sum()), data, of=of, part=grouped.every)
        else:
            detail = f"It needs two groups with {min_rows} rows."
            yield missing(name, "too few rows", detail, data=data, of=of, part=grouped.every)


def _small(grouped: Grouped, table: CountTable, *, min_rows: int) -> Finding:
    rows = table.counts.sum(axis=1)
    interval, bounds = exact(float((rows < min_rows).sum()))
    return Measurement(
        name="small_groups",
        of="labels",
        value=int((rows < min_rows).sum()),
        n=int(rows.sum()),
        interval=interval,
        bounds=bounds,
        part=grouped.every,
        data=grouped.data.ref,
    )


def _against_base(grouped: Grouped, one: Array, two: Array, *, rates: tuple[RateName, ...]) -> Iterator[Finding]:
    """Gap of a group to the rest, of the candidate less of the base."""
    joint = count_pairs(grouped.codes, one, two, len(grouped.names))
    yield from _by_group(grouped, changes(joint, rates), grouped.table(one), compared_with="base")
