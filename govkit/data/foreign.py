"""Rows that are none of a model's task: the user's own, which have no labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from govkit.core.case import Dataset
from govkit.core.columns import Columns
from govkit.core.words import Modality
from govkit.data.cells import must_hold
from govkit.data.dataset import read_dataset
from govkit.data.rows import read_rows
from govkit.lazy import pa

LABEL = "label of a foreign row"


def read_foreign(
    path: Path, columns: Columns, modality: Modality, *, input_range: tuple[float, float] | None = None
) -> Dataset:
    """Read rows of which only the inputs are looked at; no label or group need be there, and none says anything.

    Args:
        path: As ``read_rows`` takes it.
        columns: Names of the columns, of which the input columns must be there.
        modality: What the inputs are.
        input_range: Values of black and of full brightness of images.

    Returns:
        Rows in canonical order, each with the same label.

    Raises:
        DataError: An input column or a value of it is missing, or the file cannot be read.
    """
    rows = read_rows(path)
    must_hold(path, rows.table, _inputs(columns))
    held = rows.table.select([name for name in rows.table.column_names if name in _inputs(columns)])
    labeled = held.append_column(LABEL, pa.array(["foreign"] * rows.table.num_rows, pa.string()))
    return read_dataset(
        path,
        role="test",
        columns=Columns(input=columns.input, label=LABEL),
        modality=modality,
        classes=("foreign",),
        table=replace(rows, table=labeled),
        input_range=input_range,
    )


def _inputs(columns: Columns) -> tuple[str, ...]:
    return (columns.input,) if isinstance(columns.input, str) else columns.input or ()
