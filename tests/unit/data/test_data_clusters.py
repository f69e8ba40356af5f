"""Rows that belong together: clusters are read from columns, and what cannot be one is refused with its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from govkit.core.case import Array
from govkit.core.columns import Columns
from govkit.data import file_order, read_dataset
from govkit.errors import DataError

ROWS = {
    "id": [f"r{row}" for row in range(8)],
    "label": [0, 1] * 4,
    "person": ["p1", "p1", "p2", "p2", "p3", "p3", "p4", "p4"],
    "site": ["a", "a", "a", "a", "b", "b", "b", "b"],
    "day": [1, 2, 3, 1, 4, 5, 6, 7],
}


def read(cluster: str | tuple[str, ...], changed: dict[str, list[object]] | None = None) -> Array:
    """Cluster of each row, in the order of the file."""
    columns = Columns(label="label", id="id", cluster=cluster)
    table = pa.table(ROWS | (changed or {}))
    data = read_dataset(Path("t.parquet"), role="test", columns=columns, modality="unknown", table=table)
    assert data.cluster.dtype == np.int32
    return data.cluster[np.argsort(file_order(data))]


def alike(codes: Array) -> list[list[int]]:
    return sorted(np.flatnonzero(codes == code).tolist() for code in set(codes.tolist()))


def test_rows_of_one_value_are_one_cluster() -> None:
    assert alike(read("person")) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert alike(read("id")) == [[row] for row in range(8)]
    assert set(read("person").tolist()) == {0, 1, 2, 3}


def test_nested_columns_make_the_coarser_clusters() -> None:
    assert alike(read(("person", "site"))) == alike(read("site")) == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_crossing_columns_join_what_shares_any_value() -> None:
    # Persons 1 and 2 share day 1; 3 and 4 share none.
    assert alike(read(("person", "day"))) == [[0, 1, 2, 3], [4, 5], [6, 7]]


def test_a_column_is_read_alike_from_numbers_and_text() -> None:
    clusters = [[0, 1, 2], [3, 4], [5], [6], [7]]
    assert alike(read("day", {"day": [1.0, 1, 1, 2, 2, 3, 4, 5]})) == clusters
    assert alike(read("day", {"day": ["1", " 1", "1", "2", "2", "3", "4", "5"]})) == clusters


def test_a_row_without_a_cluster_is_refused_by_its_place() -> None:
    with pytest.raises(DataError, match="row 4: column 'person' has no value"):
        read(("site", "person"), {"person": ["p1", "p1", "p2", None, "p3", "p3", "p4", "p4"]})


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="no column 'persons'; did you mean 'person'"):
        read("persons")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"cluster": ()}, "found none or one twice"),
        ({"cluster": ("a", "a")}, "found none or one twice"),
        ({"cluster": "a", "independent": "the registrar"}, "keep one"),
        ({"cluster": "label"}, "names a label column"),
        ({"cluster": ""}, "a column without a name"),
        ({"independent": "  "}, "should match pattern"),
    ],
)
def test_what_cannot_be_declared(changes: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Columns.model_validate({"label": "label", **changes})


def test_no_cluster_is_declared() -> None:
    data = read_dataset(
        Path("t.parquet"), role="test", columns=Columns(label="label"), modality="unknown", table=pa.table(ROWS)
    )
    assert data.cluster is None
