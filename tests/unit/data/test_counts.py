from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings, strategies as st

from govkit.data import CountTable, count_table
from govkit.data.counts import BLOCK, cells_of, count_codes, count_pairs
from govkit.errors import DataError

ROWS = pa.table(
    {
        "sex": ["f", None, "m", "", " f"],
        "age": [1, 1, 2, 2, 2],
        "truth": ["yes", "no", "yes", "yes", "maybe"],
        "answer": ["yes", "yes", "no", "maybe", "no"],
        "weight": [0.5, 1, 2, 3, 4],
    }
)
COLUMNS = {"label": "truth", "answer": "answer", "positive": "yes"}


def test_each_row_falls_into_its_cell_by_hand() -> None:
    """True positive, false negative, false positive, true negative, and wrong without the positive class."""
    truth, answer = np.array([2, 2, 0, 0, 0, 1]), np.array([2, 0, 2, 0, 1, 1])
    assert cells_of(truth, answer, 2).tolist() == [0, 1, 2, 3, 4, 3]


def test_a_count_table_by_hand() -> None:
    counted = count_table(ROWS, groups=["sex", "age"], **COLUMNS)
    assert counted["sex"].names == ("(missing)", "f", "m")
    assert counted["sex"].counts.tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1], [0, 1, 0, 0, 0]]
    assert counted["age"].names == ("1", "2")
    assert counted["age"].counts.dtype == np.int64


def test_weights_count_as_rows() -> None:
    counted = count_table(ROWS, groups=["age"], weight="weight", **COLUMNS)["age"]
    assert counted.counts.tolist() == [[0.5, 0, 1, 0, 0], [0, 5, 0, 0, 4]]


def test_a_file_is_counted_as_the_table_is(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    table = ROWS.rename_columns(["sex", 'an "age"', "truth", "answer", "weight"])
    pq.write_table(table, path)
    found = count_table(path, groups=['an "age"'], **COLUMNS)
    assert found['an "age"'].counts.tolist() == count_table(ROWS, groups=["age"], **COLUMNS)["age"].counts.tolist()


def test_a_file_is_never_a_pattern_or_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB reads ``rows1`` where ``rows[1]`` is asked for, and Arrow ``/x`` for ``file:/x``."""
    monkeypatch.chdir(tmp_path)
    (place := Path(f"file:{tmp_path}")).mkdir(parents=True)
    mine = count_table(ROWS, groups=["age"], **COLUMNS)["age"].counts.tolist()
    for name, path in (("rows1.parquet", "rows[1].parquet"), ("b.parquet", place / "b.parquet")):
        pq.write_table(ROWS.slice(0, 2), tmp_path / name)
        with Path(path).open("wb") as file:
            pq.write_table(ROWS, file)
        assert count_table(Path(path), groups=["age"], **COLUMNS)["age"].counts.tolist() == mine


def test_columns_that_differ_in_case_alone_are_two() -> None:
    """DuckDB calls the second ``age_1``, which may be the name of a third."""
    other = pa.array(["x", "y", "x", "y", "x"])
    rows = ROWS.append_column("AGE", other).append_column("age_1", other)
    for name in ("age", "AGE", "age_1"):
        alone = pa.table({"age": rows[name], **{each: ROWS[each] for each in ("truth", "answer")}})
        found = count_table(rows, groups=[name], **COLUMNS)[name]
        wanted = count_table(alone, groups=["age"], **COLUMNS)["age"]
        assert (found.names, found.counts.tolist()) == (wanted.names, wanted.counts.tolist())


def test_a_name_of_a_column_is_no_code() -> None:
    name = "g\") FROM read_csv('/etc/passwd') --"
    rows = ROWS.rename_columns(["sex", name, "truth", "answer", "weight"])
    assert count_table(rows, groups=[name], **COLUMNS)[name].names == ("1", "2")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"groups": ["race"]}, "no column 'race'"),
        ({"label": "sex"}, "no value in the column 'sex'"),
        ({"positive": "yse"}, "no row has the positive class 'yse'; found maybe, no, yes"),
        ({"weight": "age", "table": ROWS.set_column(1, "age", pa.array([1, 1, -2, 2, 2]))}, "a weight is missing"),
    ],
)
def test_what_cannot_be_counted_is_refused(change: dict, what: str) -> None:
    options = {"groups": ["weight"], **COLUMNS, **change}
    with pytest.raises(DataError, match=what):
        count_table(options.pop("table", ROWS), **options)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_rows_and_codes_are_counted_alike_and_every_row_once(rows: list[tuple[str, int, int]]) -> None:
    group, truth, answer = (np.array(column) for column in zip(*rows, strict=True))
    names, codes = np.unique(group, return_inverse=True)
    expected = count_codes(codes, cells_of(truth, answer, truth[0]), (len(names), 5))
    table = pa.table({"g": group, "t": truth, "a": answer})
    counted = count_table(table, groups=["g"], label="t", answer="a", positive=str(truth[0]))["g"]
    assert isinstance(counted, CountTable)
    assert (counted.names, counted.counts.tolist()) == (tuple(names), expected.tolist())
    assert counted.counts.sum() == len(rows)


def test_blocks_add_up() -> None:
    rng = np.random.default_rng(0)
    codes, cells = rng.integers(0, 3, BLOCK + 5).astype(np.int32), rng.integers(0, 5, BLOCK + 5).astype(np.uint8)
    expected = np.histogram2d(codes, cells, bins=[np.arange(4), np.arange(6)])[0]
    assert (count_codes(codes, cells, (3, 5)) == expected).all()
    weights = rng.random(BLOCK + 5)
    expected = np.histogram2d(codes, cells, bins=[np.arange(4), np.arange(6)], weights=weights)[0]
    np.testing.assert_allclose(count_codes(codes, cells, (3, 5), weights), expected)


def test_pairs_keep_the_cells_of_both_models() -> None:
    one, two = np.array([0, 4, 4], dtype=np.uint8), np.array([1, 4, 3], dtype=np.uint8)
    joint = count_pairs(np.array([0, 1, 1]), one, two, 2)
    assert joint.shape == (2, 5, 5)
    assert np.argwhere(joint).tolist() == [[0, 0, 1], [1, 4, 3], [1, 4, 4]]
