"""Cells by their value, whatever their type."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from govkit.checks.data import categories, split

NOON = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
SAME = [
    (pa.array([1]), "1"),
    (pa.array([1.0]), "1"),
    (pa.array(["1.0 "]), "1"),
    (pa.array(["1"]).dictionary_encode(), "1"),
    (pa.chunked_array([["1"], []]), "1"),
    (pa.array([Decimal("1.00")]), "1"),
    (pa.array([-0.0]), "0"),
    (pa.array(["-0"]), "0"),
    (pa.array([0.1], pa.float32()), "0.1"),
    (pa.array([np.float16(0.1)], pa.float16()), "0.1"),
    (pa.array([".10"]), "0.1"),
    (pa.array([2**62 + 1]), str(2**62 + 1)),
    (pa.array(["inf"]), "inf"),
    (pa.array(["1e400"]), "inf"),
    (pa.array(["007"]), "007"),
    (pa.array(["1_000"]), "1_000"),
    (pa.array([True]), "true"),
    (pa.array(["TRUE"]), "true"),
    (pa.array([datetime.date(2020, 1, 1)]), "2020-01-01T00:00:00"),
    (pa.array(["2020-01-01"]), "2020-01-01T00:00:00"),
    (pa.array([NOON]), "2020-01-01T11:00:00"),
    (pa.array(["2020-01-01 11:00:00Z"]), "2020-01-01T11:00:00"),
    (pa.array(["2020-13-45"]), "2020-13-45"),
    (pa.array([[1, 2]]), "[1, 2]"),
    (pa.array([float("nan")]), None),
    (pa.array(["nan"]), None),
    (pa.array([" "]), None),
    (pa.array([None]), None),
]


@pytest.mark.parametrize(("column", "name"), SAME, ids=[f"{column.type}-{name}" for column, name in SAME])
def test_the_category_of_a_cell(column: pa.Array, name: str | None) -> None:
    assert categories(column).tolist() == [name]


def test_a_cell_is_a_number_or_a_text_or_missing() -> None:
    numbers, texts = split(pa.array(["2", None, " HIGH  risk", "n/a", "1.5", ""]), fold=True)
    assert numbers.to_pylist() == [2.0, None, None, None, 1.5, None]
    assert texts.to_pylist() == [None, None, "high risk", "n/a", None, None]
    assert split(pa.array([" HIGH"]), fold=False)[1].to_pylist() == ["HIGH"]


def test_whole_numbers_of_text_stay_exact() -> None:
    large = [2**59 + 1, 2**59 + 2]
    numbers, _ = split(pa.array([*map(str, large), "word"]), fold=True)
    assert numbers.to_pylist() == [*large, None]
