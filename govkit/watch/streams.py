"""What a watch counts: one sequential test for each column, category and trigger, and what a look says to each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from govkit.core import Trigger
from govkit.core.case import Array
from govkit.data import canonical_text
from govkit.errors import DataError
from govkit.lazy import np
from govkit.stats import (
    Look,
    MeanStream,
    RateStream,
    StreamState,
    category_looks,
    rank_shift,
    rank_variance,
    unseen_share,
)
from govkit.stats.days import FEWEST_DAYS, Days, possible_days, season_of, seasonal, spans_a_year
from govkit.watch.form import WatchColumns
from govkit.watch.reference import Column, cells_of, number_features, numbers_of, text_features, texts_of


@dataclass(frozen=True)
class Right:
    """Answers of the reference that agree with the labels: how many, of how many."""

    count: int
    rows: int


@dataclass(frozen=True)
class DaysLearned:
    """What the reference says of how the days of a stream differ.

    Attributes:
        possible: The ways in which they may, as far as it says.
        season: Sine and cosine of the wave of a year; None where it does not span one.
    """

    possible: tuple[Days, ...] = (Days(),)
    season: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        # From a file they come as lists.
        object.__setattr__(self, "possible", tuple(Days(*each) for each in self.possible))
        object.__setattr__(self, "season", None if self.season is None else tuple(self.season))


@dataclass(frozen=True)
class Stream:
    """A sequential test.

    Attributes:
        trigger: The trigger that it serves.
        what: What is watched, in words.
        test: The test.
        column: The watched column; empty for accuracy.
        row_variance: Of a shift, the variance of one row of the reference in the units of the test.
    """

    trigger: Trigger
    what: str
    test: MeanStream | RateStream
    row_variance: float = 1.0
    column: str = ""
    others: tuple[MeanStream | RateStream, ...] = ()
    season: tuple[float, float] | None = None

    @property
    def variance(self) -> float:
        """Variance of one row of the reference."""
        return self.row_variance if isinstance(self.test, MeanStream) else self.usual * (1 - self.usual)

    def among_days(self, learned: DaysLearned, days: int) -> Stream:
        """The same for rows whose days differ.

        Of what is tolerated a part is kept for days, half where they are independent: simulated, the limit alone bears
        day effects of that size, and the test sees a change sooner (``tests/bench/watch.py``).

        Args:
            learned: What the reference says of its days, in the units of the test.
            days: Days of the reference.
        """
        tolerated = self.test.limit if isinstance(self.test, MeanStream) else self.test.tolerance
        tests = tuple(
            replace(
                self.test,
                day_sd=max(0.0, each.sd - tolerated / 2 / each.inflation**0.25),
                correlation=each.correlation,
                reference_days=days,
                seasonal=learned.season is not None,
            )
            for each in learned.possible
        )
        return replace(self, test=tests[0], others=tests[1:], season=learned.season)

    @property
    def tests(self) -> tuple[MeanStream | RateStream, ...]:
        """One for each way in which days may differ; only all of them together raise an alarm."""
        return (self.test, *self.others)

    def start(self) -> list[StreamState]:
        """The states before the first look."""
        return [test.start() for test in self.tests]

    def update(self, states: Sequence[StreamState], look: Look, day: int | None) -> list[StreamState]:
        """The states after one more look, of the ``day`` with this ordinal."""
        if self.season is not None and day is not None:
            look = look._replace(season=float(seasonal(self.season, day)))
        return [test.update(state, look) for test, state in zip(self.tests, states, strict=True)]

    @property
    def usual(self) -> float:
        """The value of the reference: 0 for a shift, else a share."""
        return 0.0 if isinstance(self.test, MeanStream) else self.test.reference_count / self.test.reference_rows

    def value(self, look: Look) -> float:
        """What a look with rows showed: a shift in standard deviations, or a share."""
        return look.value if isinstance(self.test, MeanStream) else look.value / look.rows


def streams_of(
    triggers: tuple[Trigger, ...], columns: Mapping[str, Column], right: Right | None, *, alpha: float, looks: int
) -> dict[str, Stream]:
    """Every test of a watch, by name; together they raise a false alarm in a year with a chance of at most ``alpha``.

    Args:
        triggers: Those of the policy.
        columns: Watched columns of the reference.
        right: Accuracy of the reference, where labels are.
        alpha: Chance of a false alarm.
        looks: Looks of a year.
    """
    found = {}
    for trigger in triggers:
        if trigger.watch == "accuracy" and right is not None:
            test = RateStream(reference_count=right.count, reference_rows=right.rows, tolerance=trigger.limit)
            found[trigger.id] = Stream(trigger, "accuracy", test)
        for name, column in columns.items():
            for stream in _of_column(trigger, name, column):
                known = f"{trigger.id} {stream.what}"
                if known in found:
                    raise DataError(f"columns.watch makes two streams of the name {known!r}; rename a column")
                found[known] = replace(stream, column=name)
    size = max(1, len(found))
    return {
        name: replace(stream, test=replace(stream.test, alpha=alpha, streams=size, looks_a_year=looks))
        for name, stream in found.items()
    }


def day_effects(
    streams: Mapping[str, Stream], days: Sequence[tuple[date, Mapping[str, Look]]]
) -> dict[str, DaysLearned]:
    """How each stream may vary from day to day, beyond chance; in the units of its test.

    Args:
        streams: As ``streams_of`` makes them.
        days: What each day of the reference says to each of them, in the order of time; at least 60.
    """
    effects = {}
    for name, stream in streams.items():
        held = [(day.toordinal(), looks[name]) for day, looks in days if looks[name].rows]
        if len(held) >= FEWEST_DAYS:
            values, ordinals = [stream.value(look) for _, look in held], [day for day, _ in held]
            season = season_of(values, ordinals) if spans_a_year(ordinals) else None
            if season is not None:
                values = [value - seasonal(season, day) for value, day in zip(values, ordinals, strict=True)]
            rows = [look.rows for _, look in held]
            possible = possible_days(values, rows, variance=stream.variance, season=season is not None)
            effects[name] = DaysLearned(possible, season)
    return effects


def _of_column(trigger: Trigger, name: str, column: Column) -> Iterator[Stream]:
    if trigger.watch == "missing":
        test = RateStream(
            reference_count=column.missing, reference_rows=column.rows, tolerance=trigger.limit, direction="up"
        )
        yield Stream(trigger, f"{name} without a value", test)
    if trigger.watch == "new" and column.kind == "category":
        count, rows = unseen_share(list(column.categories.values()))
        test = RateStream(reference_count=count, reference_rows=rows, tolerance=trigger.limit, direction="up")
        yield Stream(trigger, f"{name} unlike any before", test)
    if trigger.watch == "shift":
        for feature, bins in column.bins.items():
            shift = MeanStream(reference_rows=sum(bins.counts), limit=trigger.limit)
            yield Stream(trigger, f"{name} {feature}".strip(), shift, rank_variance(bins.counts))
        yield from _of_categories(trigger, name, column)


def _of_categories(trigger: Trigger, name: str, column: Column) -> Iterator[Stream]:
    """Each frequent category; its tolerance is the limit in standard deviations of a truth."""
    rows = sum(column.categories.values())
    for category in category_looks(column.categories, column.categories):
        if category is not None:
            count = column.categories[category]
            share = min(max(count, 0.5), rows - 0.5) / rows
            tolerance = trigger.limit * math.sqrt(share * (1 - share))
            test = RateStream(reference_count=count, reference_rows=rows, tolerance=tolerance, direction="both")
            yield Stream(trigger, f"{name} = {category}", test)


def look_at(
    table: Array, triggers: tuple[Trigger, ...], columns: Mapping[str, Column], names: WatchColumns
) -> dict[str, Look]:
    """What the rows of one look say to each stream, by the names of ``streams_of``.

    Raises:
        DataError: A column is missing, or holds something else than in the reference.
    """
    found = {name: _seen(table, name, column) for name, column in columns.items()}
    seen: dict[str, Look] = {}
    for trigger in triggers:
        if trigger.watch == "accuracy" and names.label is not None:
            right = right_of(table, names)
            seen[trigger.id] = Look(right.count, right.rows)
        for looks in found.values():
            seen.update({f"{trigger.id} {what}": look for (kind, what), look in looks.items() if kind == trigger.watch})
    return seen


def _seen(table: Array, name: str, column: Column) -> dict[tuple[str, str], Look]:
    """What the rows say of one column, by what a trigger may watch."""
    looks: dict[tuple[str, str], Look] = {}
    if column.kind == "number":
        values = numbers_of(table, name)
        held, features = len(values), number_features(values, column.middle)
    else:
        texts = texts_of(table, name)
        held = len(texts)
        features = text_features(texts, frozenset(column.words)) if column.kind == "text" else {}
        if column.kind == "category":
            for category, look in category_looks(Counter(texts), column.categories).items():
                told = f"{name} unlike any before" if category is None else f"{name} = {category}"
                looks["new" if category is None else "shift", told] = look
    for feature, values in features.items():
        bins = column.bins[feature]
        shift = rank_shift(values, bins.edges, bins.counts) if held else 0.0
        looks["shift", f"{name} {feature}".strip()] = Look(shift, held)
    looks["missing", f"{name} without a value"] = Look(len(table) - held, len(table))
    return looks


def right_of(table: Array, names: WatchColumns) -> Right:
    """Rows whose answer is the label, of those whose label is there.

    Raises:
        DataError: A column is missing.
    """
    cells = [cells_of(table, name or "") for name in (names.label, names.prediction)]
    labels, answers = map(canonical_text, cells)
    labeled = labels != None  # noqa: E711 - cell by cell
    return Right(int(np.sum((labels == answers) & labeled)), int(labeled.sum()))
