"""Cells counted a piece at a time, against counts of all at once."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from govkit.checks import _quality
from govkit.checks._quality import outside, repeated, summary, unknown


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(_quality, "PIECE", 3)


CELLS = {
    "number": [1.5, None, float("nan"), -2.0, 7.0, 7.0],
    "truth": [True, None, False, True],
    "text": ["a", None, "", " \u00a0", "b", "a"],
    "time": [datetime.datetime(2024, 1, 1), None, datetime.datetime(2025, 1, 1)],
    "other": [[1], None, [1], [2]],
    "nothing": [None, None],
}


@pytest.mark.parametrize("kind", sorted(CELLS))
def test_what_a_column_holds(kind):
    column = pa.chunked_array([pa.array(CELLS[kind])])
    held = summary(column)
    assert (held.kind, held.rows) == (kind, len(column))
    assert held.absent == pd.isna(pd.Series(CELLS[kind], dtype=object)).sum()
    assert held.blank == (2 if kind == "text" else 0)
    assert held.varied == (kind != "nothing")


@pytest.mark.parametrize(
    "same",
    [
        [3, 3, None],
        [float("nan")] * 4,
        [True] * 4,
        ["x"] * 4,
        [[1], [1], None, [1]],
        [decimal.Decimal("1.5")] * 3,
        [None],
    ],
)
def test_a_column_of_one_value_does_not_vary(same):
    assert not summary(pa.chunked_array([pa.array(same)])).varied


def test_the_ends_of_numbers_leave_nan_out():
    held = summary(pa.chunked_array([pa.array([float("nan")] * 3), pa.array([4.0, float("nan"), 2.0, 9.0])]))
    assert (held.low, held.high) == (2.0, 9.0)


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.int8(), pa.uint64(), pa.decimal128(21, 2)])
def test_numbers_of_every_type_have_ends_and_an_outside(kind):
    values = pa.array([1, 2, 3, 4, 5])
    column = pa.chunked_array([pa.array(np.arange(1, 6), pa.float16()) if kind == pa.float16() else values.cast(kind)])
    held = summary(column)
    assert (held.low, held.high) == (1, 5)
    assert outside(column, 2, decimal.Decimal(4)).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64(), pa.time32("s"), pa.time64("us"), pa.timestamp("s", "UTC")])
def test_times_vary_also_where_python_has_no_such_time(kind):
    cells = pa.array([0, None, 2**31 - 1 if kind.bit_width == 32 else 2**60]).cast(f"int{kind.bit_width}").view(kind)
    assert summary(pa.chunked_array([cells])).varied
    assert not summary(pa.chunked_array([cells[:2]])).varied


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_every_type_are_categories(kind):
    cells = pa.array(["b", "a", None, "b", "c"])
    column = pa.chunked_array([cells.dictionary_encode() if pa.types.is_dictionary(kind) else cells.cast(kind)])
    assert summary(column).values == {"a", "b", "c"}
    new, rows = unknown(column, frozenset("ab"))
    assert (new, rows.tolist()) == (1, [False, False, False, False, True])


def test_categories_are_few_short_texts_with_ten_rows_each():
    assert summary(pa.chunked_array([["a", "b"] * 10])).categories == {"a", "b"}
    assert summary(pa.chunked_array([["a", "b"] * 9])).categories is None
    assert summary(pa.chunked_array([list(map(str, range(301))) * 10])).categories is None
    long = summary(pa.chunked_array([["x" * 1001, "y"] * 10]))
    assert (long.categories, long.varied) == (None, True)
    assert not summary(pa.chunked_array([["x" * 1001] * 10])).varied


def test_ids_that_repeat_are_seen_and_missing_ones_are_not_ids():
    assert repeated(pa.chunked_array([[1, 2], [3, 1]]))
    assert not repeated(pa.chunked_array([["a", None], ["b", None]]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, width=32)), min_size=1, max_size=20), st.integers(1, 5))
def test_pieces_and_chunks_change_no_count(cells, at):
    whole = pa.chunked_array([pa.array(cells, pa.float64())])
    held = summary(pa.chunked_array([whole.chunk(0)[:at], whole.chunk(0)[at:]], pa.float64()))
    series = pd.Series(cells, dtype=float)
    assert held == summary(whole)
    assert held.absent == series.isna().sum()
    assert (held.low is None) == series.isna().all()
    assert held.low is None or (held.low, held.high) == (series.min(), series.max())
