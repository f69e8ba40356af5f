"""Digest and readers against tables that hypothesis invents."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given, settings, strategies as st
from pyarrow import csv, parquet

from govkit.data import content_digest, read_table

# Letters first: a column of which every cell looks like a number or a time is one, where the format has no types.
text = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=8).map(lambda t: f"x{t}")
number = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**63), 2**63 - 1)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    n = draw(st.integers(1, 8))

    def column(cells: st.SearchStrategy[object], kind: pa.DataType) -> pa.Array:
        return pa.array(draw(st.lists(st.none() | cells, min_size=n, max_size=n)), kind)

    return pa.table(
        {
            "t": column(text, pa.string()),
            "f": column(number, pa.float64()),
            "i": column(whole, pa.int64()),
            "b": column(st.booleans(), pa.bool_()),
            "row": pa.array(range(n)),
        }
    )


@settings(max_examples=60, deadline=None)
@given(tables(), st.randoms(use_true_random=False))
def test_the_digest_is_the_same_over_formats_and_orders(table: pa.Table, random: object) -> None:
    expected, rows, order = content_digest(table)
    assert list(rows) == sorted(rows)
    assert sorted(order) == list(range(table.num_rows))
    shuffled = table.take(random.sample(range(table.num_rows), table.num_rows)).select(
        random.sample(table.column_names, table.num_columns)
    )
    with TemporaryDirectory() as folder:
        places = [Path(folder, name) for name in ("t.csv", "t.jsonl", "t.parquet")]
        csv.write_csv(shuffled, places[0])
        places[1].write_text("".join(json.dumps(row) + "\n" for row in shuffled.to_pylist()))
        parquet.write_table(shuffled, places[2])
        assert {content_digest(read_table(place))[0] for place in places} == {expected}


@settings(max_examples=60, deadline=None)
@given(tables(), st.data())
def test_any_changed_cell_changes_the_digest(table: pa.Table, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, table.num_rows - 1))
    name = data.draw(st.sampled_from(["t", "f", "i", "b"]))
    cells = table[name].to_pylist()
    cells[row] = data.draw(
        {"t": text, "f": number, "i": whole, "b": st.booleans()}[name].filter(
            lambda value: repr(value) != repr(cells[row])
        )
    )
    changed = table.set_column(table.column_names.index(name), name, pa.array(cells, table[name].type))
    assert content_digest(changed)[0] != content_digest(table)[0]
