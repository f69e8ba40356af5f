"""Equal content has one digest whatever carries it; any changed cell has another."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from govkit.data import content_digest, first_rows
from govkit.data.digest import _order
from govkit.errors import DataError


def digest(**columns: object) -> str:
    return content_digest(pa.table(columns))[0]


def test_the_scheme_by_hand() -> None:
    """Two rows, written out with struct-like bytes and hashlib, no numpy."""

    def number(value: int) -> bytes:
        return bytes([2]) + value.to_bytes(8, "little", signed=True) + bytes(24)

    def text(value: str) -> bytes:
        return bytes([4]) + hashlib.sha256(value.encode()).digest()

    rows = [hashlib.sha256(number(n) + text(t)).digest() for n, t in ((7, "x"), (-1, ""))]
    whole = hashlib.sha256(json.dumps(["govkit.rows/v1", ["a", "b"], 2]).encode() + b"".join(sorted(rows)))
    found, digests, order = content_digest(pa.table({"b": ["x", ""], "a": [7, -1]}))
    assert found == f"sha256:{whole.hexdigest()}"
    assert [d.decode() for d in digests] == sorted(row.hex() for row in rows)
    assert [rows[i].hex() for i in order] == [d.decode() for d in digests]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array([1, 2]), pa.array([1, 2], pa.int32())),
        (pa.array([1, 2]), pa.array([1.0, 2.0])),
        (pa.array([1, 2]), pa.array([1, 2], pa.uint64())),
        (pa.array([2**63, 2**64 - 2048], pa.uint64()), pa.array([2.0**63, 2.0**64 - 2048.0])),
        (pa.array([0.5, 1.0], pa.float32()), pa.array([0.5, 1.0])),
        (pa.array([Decimal("1.50"), Decimal(2)]), pa.array([1.5, 2.0])),
        (pa.array(["a", "b"]), pa.array(["a", "b"]).dictionary_encode()),
        (pa.array(["a", None]), pa.array(["a", None], pa.large_string())),
        (pa.array([None, None], pa.string()), pa.array([None, None], pa.int64())),
        (pa.array([None, None]), pa.array([None, None], pa.float64())),
        (pa.array([date(2020, 1, 2)] * 2), pa.array([datetime(2020, 1, 2)] * 2)),
        (pa.array([datetime(2020, 1, 2, tzinfo=UTC)] * 2), pa.array([datetime(2020, 1, 2)] * 2)),
        (pa.array([0, 10**18], pa.timestamp("ns")), pa.array([0, 10**15], pa.timestamp("us"))),
    ],
)
def test_the_same_values_have_the_same_digest(left: pa.Array, right: pa.Array) -> None:
    assert digest(a=left) == digest(a=right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([1], ["1"]),
        ([True], [1]),
        ([True], ["true"]),
        ([None], [""]),
        ([None], [float("nan")]),
        ([0.0], [-0.0]),
        ([1.0], [1.0000000000000002]),
        ([b"a"], ["a"]),
        ([date(1970, 1, 1)], [0]),
        ([[1, 2]], ["[1, 2]"]),
        ([[1, 2]], [[1, 3]]),
        ([2**63 - 1], [-1]),
        ([float("inf")], [float("-inf")]),
    ],
)
def test_different_values_have_different_digests(left: list[object], right: list[object]) -> None:
    assert digest(a=left) != digest(a=right)


def test_all_nan_are_one() -> None:
    other = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    assert digest(a=pa.array(other, from_pandas=False)) == digest(a=[float("nan")])


def test_count_names_and_repetition_matter() -> None:
    assert digest(a=[1, 1]) != digest(a=[1])
    assert digest(a=[1, 1, 2]) != digest(a=[1, 2, 2])
    assert digest(a=[1]) != digest(b=[1])
    # Sums and XORs of row hashes fall for pairs that swap a cell.
    assert digest(a=[1, 2], b=[1, 2]) != digest(a=[1, 2], b=[2, 1])


def test_a_row_digest_does_not_depend_on_the_other_rows() -> None:
    alone = content_digest(pa.table({"a": [1], "b": pa.array([None], pa.null())}))[1]
    among = content_digest(pa.table({"a": [2.5, 1.0], "b": ["x", None]}))[1]
    assert alone[0] in among


def test_columns_choose_what_counts() -> None:
    table = pa.table({"a": [1, 2], "b": [3, 4]})
    assert content_digest(table, columns=["a"])[0] == digest(a=[2, 1])
    with pytest.raises(DataError, match="column 'c' does not exist; found 'a', 'b'"):
        content_digest(table, columns=["c"])


def test_batches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"t": [f"t{i % 7}" for i in range(100)], "n": [i / 3 for i in range(100)]})
    whole = content_digest(table)[0]
    monkeypatch.setattr("govkit.data.digest.BATCH", 7)
    assert content_digest(table)[0] == whole
    assert content_digest(pa.concat_tables([table.slice(60), table.slice(0, 60)]))[0] == whole


@given(st.lists(st.binary(max_size=1), max_size=60), st.integers(1, 9))
def test_many_digests_are_sorted_in_piles_as_few_are(values: list[bytes], most: int) -> None:
    """Digests that share their first bytes and twins included; equal ones keep their order."""
    rows = np.array([value.rjust(32, b"a") for value in values] + [value.ljust(32, b"b") for value in values], "S32")
    expected = np.argsort(rows.astype(object), kind="stable").tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("govkit.data.digest.SORTED", most)
        patch.setattr("govkit.data.spool.PIECE", most)
        assert _order(rows).tolist() == expected
        assert np.flatnonzero(first_rows(rows)).tolist() == sorted(np.unique(rows, return_index=True)[1].tolist())
