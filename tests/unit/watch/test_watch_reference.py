from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from govkit.errors import DataError
from govkit.watch.reference import MOST_CATEGORIES, column_of, numbers_of, texts_of


def column(values: Any) -> Any:
    return column_of(pa.table({"x": values}), "x")


@pytest.mark.parametrize(
    "values",
    [
        pa.array(range(1000)),
        pa.array(np.arange(1000) / 7),
        pa.array([Decimal(number) / 4 for number in range(1000)]),
        pa.array(np.arange(1000), pa.uint64()),
    ],
)
def test_numbers_of_every_type_are_binned(values: Any) -> None:
    found = column(values)
    assert (found.kind, found.rows, found.missing) == ("number", 1000, 0)
    assert sum(found.bins[""].counts) == 1000
    assert len(found.bins[""].edges) == 256


def test_null_nan_and_infinity_are_missing_numbers() -> None:
    found = column(pa.array([1.0, 2.0, None, float("nan"), float("inf"), -float("inf"), 1e300]))
    assert (found.missing, sum(found.bins[""].counts)) == (5, 2)


def test_missing_texts_are_counted_and_no_category() -> None:
    found = column(["a", "b", None, "", "  ", "a"])
    assert (found.kind, found.missing, found.categories) == ("category", 3, {"a": 2, "b": 1})


@pytest.mark.parametrize("values", [[7] * 100, [7.0] * 100, [Decimal(7)] * 100])
def test_a_constant_number_is_a_category_for_ranks_among_equals_say_nothing(values: list[Any]) -> None:
    found = column(values)
    assert (found.kind, found.categories, found.bins) == ("category", {"7": 100}, {})


def test_truths_are_categories() -> None:
    assert column([True, False, True]).categories == {"false": 1, "true": 2}


def test_more_texts_than_categories_are_texts_without_words_of_anybody() -> None:
    texts = [f"Ada wrote letter {number}" for number in range(MOST_CATEGORIES + 1)]
    found = column(texts)
    assert (found.kind, set(found.bins), found.categories) == ("text", {"length", "unknown words"}, {})
    assert found.words
    assert "ada" not in found.model_dump_json().casefold()
    assert column(texts[:-1] * 2).kind == "category"


@pytest.mark.parametrize("rows", [100, 200, MOST_CATEGORIES])
def test_few_texts_that_stand_once_each_are_texts_and_are_not_remembered(rows: int) -> None:
    found = column([f"Ada wrote letter {number}" for number in range(rows)])
    assert (found.kind, found.categories) == ("text", {})
    assert "ada" not in found.model_dump_json().casefold()


def test_a_few_rare_categories_beside_frequent_ones_are_categories() -> None:
    assert column(["a"] * 60 + [f"rare {number}" for number in range(40)]).kind == "category"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([dt.datetime(2026, 1, 1)]), "timestamp"),
        (pa.array([dt.date(2026, 1, 1)]), "date32"),
        (pa.array([dt.time(1)]), "time64"),
        (pa.array([dt.timedelta(1)]), "duration"),
        (pa.array([[1, 2]]), "list"),
        (pa.array([{"a": 1}]), "struct"),
        (pa.array([None, None]), "has no value"),
        (pa.array([float("nan")]), "has no value"),
        (pa.array(["", " "]), "has no value"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(values: Any, said: str) -> None:
    with pytest.raises(DataError, match="column 'x'") as caught:
        column(values)
    assert said in str(caught.value)


def test_a_missing_column_is_told_with_those_that_are_there() -> None:
    for read in (column_of, numbers_of, texts_of):
        with pytest.raises(DataError, match="there is no column 'x'; found 'y'"):
            read(pa.table({"y": [1]}), "x")


def test_texts_where_the_reference_holds_numbers_are_refused_and_an_empty_column_is_not() -> None:
    with pytest.raises(DataError, match="holds string; the reference holds numbers"):
        numbers_of(pa.table({"x": ["1", "many"]}), "x")
    assert len(numbers_of(pa.table({"x": pa.array([None, None])}), "x")) == 0
    assert len(numbers_of(pa.table({"x": pa.array([None], pa.string())}), "x")) == 0
