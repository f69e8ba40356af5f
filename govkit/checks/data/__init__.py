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


def row_keys(case: Case, data: Dataset, *, with_labels: bool = False) -> Array | None:
    """A key for each row, equal for rows with the same content, whatever their ids are.

    Args:
        case: Names the input columns.
        data: A data set of n rows.
        with_labels: For tables, rows count as the same only where the label is the same too.

    Returns:
        Keys ``(n,)`` of the texts, the images or the input columns; None where the data hold no inputs.
    """
    import pyarrow as pa

    if isinstance(data.inputs, list):
        return _table_keys(pa.table({"text": [plain(text) for text in data.inputs]}), ["text"])
    if hasattr(data.inputs, "columns"):
        named = [str(name) for name in data.inputs.columns]
        label = [case.column["label"]] if with_labels and "label" in case.column else []
        return _table_keys(data.table, list(dict.fromkeys([*named, *label])))
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
