"""Representation: do the rows stand for the people of a reference, and has each group enough of them to decide?

A group that is rare among the rows is judged on few of them: its gaps stay unsettled, whatever its treatment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Annotated

from pydantic import Field

from govkit.checks._shared import counted, measured, missing
from govkit.core import Bound, Case, Dataset, Finding, Interval, Measurement, Metric, Role, check
from govkit.core.case import Array
from govkit.core.words import TASKS, GapReason
from govkit.data import content_digest
from govkit.data.dataset import EVERY, MISSING
from govkit.lazy import np
from govkit.stats import Estimate, differences, proportions, ratios, rows_to_detect

ROLES: tuple[Role, ...] = ("test", "train", "shifted")
MOST = 300
"""Intersections of a data set that are compared at most."""

COMPARED = ("share_difference", "share_ratio")
SHARES = ("group_share", *COMPARED)
COUNTED = ("absent_groups", "unlisted_groups")
METRICS = {
    "reference": Metric("Digest of the reference, each combination of its groups once."),
    "group_share": Metric.share("Share of the rows whose group is known that are of this group."),
    "share_difference": Metric.difference("This share less that of the group in the reference."),
    "share_ratio": Metric("This share over that of the group in the reference.", unit="ratio", low=0),
    "rows_short": Metric(
        "Rows of the group that are lacking to show a gap of the size asked to everybody else.",
        better="lower",
        unit="rows",
        low=0,
    ),
    "absent_groups": Metric(
        "Groups of the reference that no row is of, intersections left out.", better="lower", unit="groups", low=0
    ),
    "unlisted_groups": Metric(
        "Groups of the rows that the reference does not know, intersections left out.",
        better="lower",
        unit="groups",
        low=0,
    ),
}
Name = tuple[str, ...]


@dataclass(frozen=True)
class _Grouping:
    """One group column, or two crossed, of a data set: k groups.

    Attributes:
        columns: The columns.
        names: The groups; crossed, those that the reference holds, and without one those of the rows.
        rows: Rows of each, int64 ``(k,)``.
        known: Rows whose group is known.
        people: People of each in the reference, int64, or their shares, float64 ``(k,)``; None where it lacks a column.
    """

    columns: Name
    names: list[Name]
    rows: Array
    known: int
    people: Array | None

    @property
    def parts(self) -> list[dict[str, str]]:
        """The part that stands for each group."""
        return [dict(zip(self.columns, name, strict=True)) for name in self.names]

    def missing(self, names: Sequence[str], reason: GapReason, detail: str, data: Dataset) -> Iterator[Finding]:
        """One gap a metric, for all groups together."""
        for name in names:
            yield missing(name, reason, detail, data=data, part=dict.fromkeys(self.columns, EVERY))


@check("representation", crosswalk="check.data_quality", tasks=TASKS, needs={"groups"}, metrics=METRICS)
def representation(
    case: Case,
    *,
    gap: Annotated[float, Field(ge=0.01, lt=1)] = 0.1,
    level: Annotated[float, Field(ge=0.9, lt=1)] = 0.95,
    power: Annotated[float, Field(ge=0.5, lt=1)] = 0.8,
) -> Iterator[Finding]:
    """Shares of the groups, and of two group columns crossed, beside those of a reference.

    The reference (``reference`` in the audit file) is a table of people with one or more of the group columns, one row
    each, or with a column of counts or of shares. Counted people are taken as a draw, so that a small reference accuses
    nobody; shares, and the counts of weighted people, which are to be given as shares, are taken as exact. Rows whose
    group is not known are left out of all shares but their own, which is that of all rows. Bounds cover the draw of the
    rows. Rows that were chosen to hold each group equally often are rightly found to differ.

    The rows that a group needs are those at which a gap of the size asked to a group as large, about a share of one
    half, has a lower bound above 0 with the power asked. Rates of a part of the rows, as the true positive rate, need
    so many rows in that part. They are counted for the test and the shifted rows, on which gaps are measured. Crossed
    groups are those that the reference holds, or else the rows, up to 300 of them in a data set.

    Args:
        case: Test, training and shifted data with groups.
        gap: Gap that is to be seen.
        level: One-sided level of the bound that is to be above 0.
        power: Chance of that.
    """
    needed = rows_to_detect(gap, level=level, power=power)
    if case.reference is not None:
        yield Measurement(name="reference", value=content_digest(case.reference)[0], n=case.reference.num_rows)
    for role in ROLES:
        if role in case.data:
            yield from _of(case, case.data[role], needed if role != "train" else None)


def _of(case: Case, data: Dataset, needed: int | None) -> Iterator[Finding]:
    wanted, room = SHARES if needed is None else (*SHARES, "rows_short"), MOST
    grouped = [_grouping(case.reference, data, (column,)) for column in data.groups]
    yield from _names(case, grouped, data)
    for column in data.groups:
        yield from _unknown(column, data, needed)
    for pair in combinations(data.groups, 2):
        crossed = _grouping(case.reference, data, pair)
        if len(crossed.names) <= room:
            grouped.append(crossed)
            room -= len(crossed.names)
        else:
            detail = f"{' and '.join(pair)} make {len(crossed.names)} groups; of {MOST} in all, {room} are left."
            yield from crossed.missing(wanted, "unsupported", detail, data)
    for each in grouped:
        if each.known:
            yield from _shares(each, data, needed)
            yield from _compared(each, data) if case.reference is not None else ()
        else:
            yield from each.missing(wanted, "no data", "The group of no row is known.", data)


def _grouping(reference: Array | None, data: Dataset, columns: Name) -> _Grouping:
    rows = {name: held for name, held in _rows(data, columns).items() if MISSING not in name}
    people = _people(reference, columns)
    names = sorted(people if people and len(columns) > 1 else {*rows, *people})
    return _Grouping(
        columns=columns,
        names=names,
        rows=np.array([rows.get(name, 0) for name in names], dtype=np.int64),
        known=sum(rows.values()),
        people=np.array([people.get(name, 0) for name in names]) if people else None,
    )


def _rows(data: Dataset, columns: Name) -> dict[Name, int]:
    """Rows of each group that has some."""
    coded = [data.groups[column] for column in columns]
    shape = tuple(len(column.names) for column in coded)
    places = np.ravel_multi_index(tuple(column.codes for column in coded), shape)
    counts = np.bincount(places, minlength=int(np.prod(shape))).tolist()
    names = product(*(column.names for column in coded))
    return {name: count for name, count in zip(names, counts, strict=True) if count}


def _people(reference: Array | None, columns: Name) -> dict[Name, float]:
    """People of each group, or their share; none where the reference lacks a column."""
    if reference is None or not set(columns) <= set(reference.column_names[:-1]):
        return {}
    weight = reference.column_names[-1]
    # One thread: the order in which shares are summed changes their last digit.
    summed = reference.group_by(list(columns), use_threads=False).aggregate([(weight, "sum")])
    keys = zip(*(summed[column].to_pylist() for column in columns), strict=True)
    people = summed[f"{weight}_sum"].to_pylist()
    return {key: held for key, held in zip(keys, people, strict=True) if MISSING not in key}


def _names(case: Case, grouped: Sequence[_Grouping], data: Dataset) -> Iterator[Finding]:
    """Groups that only one of the two sides has."""
    if case.reference is None:
        for name in (*COMPARED, *COUNTED):
            yield missing(
                name, "no data", "There is no reference to compare with (reference in the audit file).", data=data
            )
        return
    pairs = [(each.rows, each.people) for each in grouped if each.people is not None]
    for name, count in (
        ("absent_groups", sum(int(((rows == 0) & (people > 0)).sum()) for rows, people in pairs)),
        ("unlisted_groups", sum(int(((rows > 0) & (people == 0)).sum()) for rows, people in pairs)),
    ):
        yield counted(name, count, data)


def _unknown(column: str, data: Dataset, needed: int | None) -> Iterator[Finding]:
    """Rows whose group is not known are judged as a group of their own, as in the other checks."""
    count, part = _rows(data, (column,)).get((MISSING,), 0), {column: MISSING}
    if count:
        yield measured("group_share", proportions([count], [len(data)])[0], data, part=part)
        if needed is not None:
            yield counted("rows_short", max(0, needed - count), data, n=count, part=part)


def _shares(each: _Grouping, data: Dataset, needed: int | None) -> Iterator[Finding]:
    found = proportions(each.rows, [each.known] * len(each.rows))
    for part, estimate, count in zip(each.parts, found, each.rows.tolist(), strict=True):
        yield measured("group_share", estimate, data, part=part)
        if needed is not None:
            yield counted("rows_short", max(0, needed - count), data, n=count, part=part)


def _compared(each: _Grouping, data: Dataset) -> Iterator[Finding]:
    """Shares beside those of the reference."""
    if each.people is None:
        detail = f"The reference does not hold {' and '.join(each.columns)}."
        yield from each.missing(COMPARED, "no data", detail, data)
        return
    for part in (part for part, people in zip(each.parts, each.people, strict=True) if not people):
        for name in COMPARED:
            yield missing(name, "no data", "The reference does not know this group.", data=data, part=part)
    listed = np.flatnonzero(each.people)
    rows, people = each.rows[listed], each.people[listed]
    n = np.full(len(listed), each.known)
    if people.dtype.kind == "i":
        table = rows, n, people, np.full(len(listed), people.sum())
        pairs = list(zip(differences(*table), ratios(*table), strict=True))
    else:
        found = zip(proportions(rows, n), (people / people.sum()).tolist(), strict=True)
        pairs = [(_moved(share, 1.0, -theirs), _moved(share, 1 / theirs, 0.0)) for share, theirs in found]
    for place, pair in zip(listed, pairs, strict=True):
        for name, estimate in zip(COMPARED, pair, strict=True):
            yield measured(name, replace(estimate, n=each.known), data, part=each.parts[place])


def _moved(share: Estimate, factor: float, shift: float) -> Estimate:
    """The estimate of ``factor * share + shift``, both exact."""

    def ends(item: Interval | Bound) -> dict[str, float]:
        return {"low": factor * item.low + shift, "high": factor * item.high + shift}

    return Estimate(
        value=factor * share.value + shift,
        n=share.n,
        interval=share.interval.model_copy(update=ends(share.interval)),
        bounds=tuple(bound.model_copy(update=ends(bound)) for bound in share.bounds),
    )
