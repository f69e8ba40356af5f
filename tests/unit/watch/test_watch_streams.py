from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from govkit.core import Trigger
from govkit.errors import DataError
from govkit.stats import Look
from govkit.stats.days import Days
from govkit.watch.form import WatchColumns
from govkit.watch.reference import column_of
from govkit.watch.streams import DaysLearned, Right, day_effects, look_at, right_of, streams_of

KINDS = ("accuracy", "shift", "missing", "new")


def trigger(watch: str, name: str = "", limit: float = 0.02) -> Trigger:
    plain = {"id": name or watch, "title": "t", "watch": watch, "limit": limit, "then": "review"}
    return Trigger.model_validate({**plain, "authority": {"level": "none"}})


TRIGGERS = tuple(trigger(watch) for watch in KINDS)


def values(kind: str, n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    made = {
        "number": lambda: rng.normal(size=n),
        "whole": lambda: rng.poisson(2, size=n),
        "constant": lambda: np.full(n, 3),
        "category": lambda: rng.choice(["a", "b = c", ""], n),
        "truth": lambda: rng.integers(0, 2, n).astype(bool),
        "many": lambda: [f"code {number}" for number in rng.zipf(1.5, n) % 250],
        "text": lambda: [f"word{one} word{two}" for one, two in rng.integers(0, 400, (n, 2))],
        "empty": lambda: pa.nulls(n),
    }
    return made[kind]()


COLUMN = st.sampled_from(["number", "whole", "constant", "category", "truth", "many", "text"])


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(COLUMN, max_size=4),
    broken=st.sets(st.integers(0, 3)),
    labeled=st.booleans(),
    watched=st.sets(st.sampled_from(KINDS), min_size=1),
    rows=st.integers(1, 60),
)
def test_every_stream_gets_its_look(
    kinds: list[str], broken: set[int], labeled: bool, watched: set[str], rows: int
) -> None:
    def table(n: int, seed: int, holes: set[int]) -> Any:
        held = {f"c{at}": values("empty" if at in holes else kind, n, seed + at) for at, kind in enumerate(kinds)}
        return pa.table({**held, "y": values("truth", n, seed), "p": values("truth", n, seed + 9)})

    reference = table(400, 0, set())
    columns = {f"c{at}": column_of(reference, f"c{at}") for at in range(len(kinds))}
    names = WatchColumns(watch=tuple(columns), label="y" if labeled else None, prediction="p" if labeled else None)
    triggers = tuple(each for each in TRIGGERS if each.watch in watched)
    right = right_of(reference, names) if labeled else None
    streams = streams_of(triggers, columns, right, alpha=0.05, looks=365)
    looks = look_at(table(rows, 50, broken), triggers, columns, names)
    assert set(streams) == set(looks)
    for name, stream in streams.items():
        state = stream.test.update(stream.test.start(), looks[name])
        assert np.isfinite(state.log_evidence)
        assert stream.test.streams == len(streams)


def streams_for(reference: Any, *triggers: Trigger) -> dict[str, Any]:
    columns = {name: column_of(reference, name) for name in reference.column_names}
    return streams_of(triggers, columns, None, alpha=0.05, looks=365)


def test_streams_are_named_by_trigger_column_and_part() -> None:
    reference = pa.table({name: values(name, 400, 0) for name in ("number", "truth", "text")})
    assert list(streams_for(reference, trigger("shift", "S"), trigger("new", "N"), trigger("missing", "M"))) == [
        "S number",
        "S number distance from the middle",
        "S truth = false",
        "S truth = true",
        "S text length",
        "S text unknown words",
        "N truth unlike any before",
        "M number without a value",
        "M truth without a value",
        "M text without a value",
    ]


def test_two_streams_of_one_name_are_refused_for_one_would_be_lost() -> None:
    reference = pa.table({"a": values("text", 400, 0), "a length": values("number", 400, 1)})
    with pytest.raises(DataError, match="two streams of the name 'shift a length'; rename a column"):
        streams_for(reference, trigger("shift"))


def test_the_same_thing_may_be_watched_at_two_limits() -> None:
    reference = pa.table({"a": values("number", 400, 0)})
    found = streams_for(reference, trigger("shift", "NEAR", 0.1), trigger("shift", "FAR", 0.5))
    assert {name: stream.test.limit for name, stream in found.items() if name in ("NEAR a", "FAR a")} == {
        "NEAR a": 0.1,
        "FAR a": 0.5,
    }


def test_a_constant_that_changes_is_seen() -> None:
    reference = pa.table({"a": [3] * 400})
    columns = {"a": column_of(reference, "a")}
    looks = look_at(pa.table({"a": [3] * 90 + [4] * 10}), TRIGGERS[1:], columns, WatchColumns(watch=("a",)))
    assert looks["new a unlike any before"] == Look(10, 100)
    assert looks["shift a = 3"] == Look(90, 100)


def test_rows_without_a_label_say_nothing_about_accuracy() -> None:
    table = pa.table({"y": [1, 0, None, None, 1], "p": [1, 1, 1, None, None]})
    assert right_of(table, WatchColumns(label="y", prediction="p")) == Right(1, 3)


def test_a_label_is_the_answer_whatever_the_file_format() -> None:
    table = pa.table({"y": ["1", "0", " 1 "], "p": [1.0, 0.0, 0.0]})
    assert right_of(table, WatchColumns(label="y", prediction="p")) == Right(2, 3)


def test_accuracy_needs_both_columns() -> None:
    with pytest.raises(DataError, match="there is no column 'p'; found 'y'"):
        right_of(pa.table({"y": [1]}), WatchColumns(label="y", prediction="p"))


def test_a_wider_spread_is_seen_where_the_middle_stays() -> None:
    rng = np.random.default_rng(0)
    columns = {"a": column_of(pa.table({"a": rng.normal(5, 1, 4000)}), "a")}
    table = pa.table({"a": rng.normal(5, 1.5, 4000)})
    looks = look_at(table, (trigger("shift", "S"),), columns, WatchColumns(watch=("a",)))
    assert abs(looks["S a"].value) < 0.1
    assert looks["S a distance from the middle"].value > 0.4


def test_a_part_of_the_limit_is_kept_for_days_half_of_it_where_they_are_independent() -> None:
    stream = streams_for(pa.table({"a": values("number", 400, 0)}), trigger("shift", limit=0.1))["shift a"]
    known = DaysLearned((Days(0.05, 0.0), Days(0.08, 0.0), Days(0.08, 0.8)))
    none, some, more = stream.among_days(known, 60).tests
    assert none.day_sd == 0
    assert some.day_sd == pytest.approx(0.03)
    assert (more.day_sd, more.correlation) == (pytest.approx(0.08 - 0.05 / math.sqrt(3)), 0.8)


def test_only_all_ways_in_which_days_may_differ_together_raise_an_alarm() -> None:
    stream = streams_for(pa.table({"a": values("number", 4000, 0)}), trigger("shift", limit=0.0))["shift a"]
    calm = stream.among_days(DaysLearned((Days(0.0, 0.0),)), 60)
    wary = stream.among_days(DaysLearned((Days(0.0, 0.0), Days(0.3, 0.8))), 60)
    after = [each.update(each.start(), Look(0.3, 1000), None) for each in (calm, wary)]
    assert [all(state.alarm for state in states) for states in after] == [True, False]


def test_what_was_learned_of_days_survives_a_file() -> None:
    learned = DaysLearned((Days(0.1, 0.8), Days(0.2, 0.5)), (0.1, -0.2))
    assert DaysLearned(**json.loads(json.dumps(asdict(learned)))) == learned


@pytest.mark.parametrize(("days", "seasonal"), [(90, False), (365, True)])
def test_the_season_is_learned_from_a_reference_that_spans_it(days: int, seasonal: bool) -> None:
    first = date(2025, 1, 1)
    stream = streams_for(pa.table({"a": values("number", 4000, 0)}), trigger("shift", "S", limit=0.0))
    seen = [
        (first + timedelta(day), {"S a": Look(0.15 * math.sin(2 * math.pi * day / 365.25), 1000)})
        for day in range(days)
    ]
    learned = day_effects({"S a": stream["S a"]}, seen)["S a"]
    assert (learned.season is not None) == seasonal
    if seasonal:
        test = stream["S a"].among_days(learned, days)
        states = test.start()
        for day, looks in seen[90:150]:
            states = test.update(states, looks["S a"], day.toordinal())
        assert max(state.log_evidence for state in states) < 0
        blind = test.start()
        for _, looks in seen[90:150]:
            blind = test.update(blind, looks["S a"], None)
        assert all(state.alarm for state in blind)
