"""Checks of the data: quality, duplicates, contamination and drift; and the key by which rows count as the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from govkit.core import Case, Dataset
from govkit.core.case import Array

_SPACE = re.compile(r"\s+")


def plain(text: str) -> str:
    """A text as a reader takes it: compatibility forms unified (NFKC), case folded, white space collapsed."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def row_keys(case: Case, data: Dataset, *, whole: bool = False) -> Array | None:
    """A key for each row, equal for rows with the same content, whatever their ids are.

    Args:
        case: Names the input columns.
        data: A data set of n rows.
        whole: For tables, rows count as the same only where every column but the declared id is the same.

    Returns:
        Keys ``(n,)`` of the texts, the images or the input columns; None where the data hold no inputs.
    """
    import pyarrow as pa

    if isinstance(data.inputs, list):
        return _table_keys(pa.table({"text": [plain(text) for text in data.inputs]}), ["text"])
    if hasattr(data.inputs, "columns"):
        held = data.table.column_names if whole else map(str, data.inputs.columns)
        return _table_keys(data.table, [name for name in held if not (whole and name == case.column.get("id"))])
    return None if data.inputs is None else _array_keys(data.inputs)


def _table_keys(table: Array, columns: Sequence[str]) -> Array:
    import numpy as np

    from govkit.data import content_digest

    _, digests, order = content_digest(table, columns=columns)
    keys = np.empty_like(digests)
    keys[order] = digests
    return keys


def _array_keys(rows: Array) -> Array:
    import numpy as np

    return np.array([hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest() for row in rows], dtype="S64")
