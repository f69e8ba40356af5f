"""The rows that a model was released on, small enough to be remembered: what each watched column looked like."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from govkit.core import Recorded
from govkit.core.case import Array
from govkit.core.columns import LARGEST
from govkit.data import canonical_text
from govkit.errors import DataError
from govkit.lazy import np, pa, pc
from govkit.stats import rank_bins

MOST_CATEGORIES = 300
"""Different texts of a column above which it holds texts and no categories; so it does where most stand once."""

FEWEST_ROWS = 100
"""Rows of a reference below which next to no change would be seen within a year."""

SPREAD = "distance from the middle"
"""What is watched of a number beside itself, so that a wider spread is seen where the middle stays."""

FEATURES = ("length", "unknown words")
"""What is watched of a text: its characters, and the share of its words that half of the reference does not hold."""

_WORD = re.compile(r"\w+")


class Bins(Recorded):
    """Numbers of the reference, as ``stats.rank_bins`` makes them."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class Column(Recorded):
    """A watched column of the reference.

    Attributes:
        kind: What its cells are.
        rows: All rows.
        missing: Rows without a value.
        bins: Of numbers, under ``""`` and ``SPREAD``; of texts, under each of ``FEATURES``.
        middle: Of numbers, their median.
        categories: Rows of each category.
        words: Of texts, hashes of known words.
    """

    kind: Literal["number", "category", "text"]
    rows: Annotated[int, Field(ge=1)]
    missing: Annotated[int, Field(ge=0)]
    bins: dict[str, Bins] = {}
    middle: float = 0.0
    categories: dict[str, int] = {}
    words: tuple[int, ...] = ()


def column_of(table: Array, name: str) -> Column:
    """What is remembered of a column.

    Raises:
        DataError: It is missing, has no value, or holds what cannot be compared.
    """
    kind = cells_of(table, name).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = numbers_of(table, name)
        _some(values, name)
        # Ranks among equal values say nothing: a constant is watched as the one category that there is.
        if values.min() < values.max():
            middle = float(np.median(values))
            bins = {feature: _bins(each) for feature, each in number_features(values, middle).items()}
            return Column(kind="number", rows=len(table), missing=len(table) - len(values), bins=bins, middle=middle)
    if pa.types.is_temporal(kind):
        raise DataError(f"column {name!r} holds {kind}; watch numbers, categories or texts")
    texts = texts_of(table, name)
    _some(texts, name)
    counts, missing = Counter(texts), len(table) - len(texts)
    # Where most rows are alone in what they hold there are no categories: texts of a few people, kept in plain words.
    alone = sum(rows == 1 for rows in counts.values())
    if len(counts) <= MOST_CATEGORIES and 2 * alone <= len(texts):
        return Column(kind="category", rows=len(table), missing=missing, categories=dict(sorted(counts.items())))
    return _of_texts(texts, rows=len(table), missing=missing)


def _of_texts(texts: list[str], *, rows: int, missing: int) -> Column:
    """Texts of one half say which words are known, those of the other how many unknown ones are usual."""
    known, other = ([text for text in texts if _half(text) == half] for half in (0, 1))
    words = frozenset(_code(word) for text in known for word in _WORD.findall(text.casefold()))
    found = text_features(other or texts, words)
    bins = {name: _bins(values) for name, values in found.items()}
    return Column(kind="text", rows=rows, missing=missing, bins=bins, words=tuple(sorted(words)))


def number_features(values: Array, middle: float) -> dict[str, Array]:
    """The numbers, and how far each lies from the middle of the reference, float64 ``(n,)`` each."""
    return {"": values, SPREAD: abs(values - middle)}


def text_features(texts: list[str], known: frozenset[int]) -> dict[str, Array]:
    """``FEATURES`` of texts, float64 ``(n,)`` each."""
    words = [_WORD.findall(text.casefold()) for text in texts]
    unknown = [sum(_code(word) not in known for word in each) / max(1, len(each)) for each in words]
    lengths = [float(len(text)) for text in texts]
    return dict(zip(FEATURES, (np.array(lengths), np.array(unknown)), strict=True))


def numbers_of(table: Array, name: str) -> Array:
    """The finite numbers of a column, float64 ``(m,)``.

    Raises:
        DataError: The column is missing, or holds something else.
    """
    cells = cells_of(table, name)
    if cells.null_count == len(cells):
        return np.empty(0)
    if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type) or pa.types.is_decimal(cells.type)):
        raise DataError(f"column {name!r} holds {cells.type}; the reference holds numbers there")
    values = pc.cast(cells, pa.float64(), safe=False).to_numpy()
    return values[np.abs(values) <= LARGEST]


def texts_of(table: Array, name: str) -> list[str]:
    """The texts of a column that are there, in whatever form they are stored.

    Raises:
        DataError: The column is missing, or holds lists or records.
    """
    return [text for text in canonical_text(cells_of(table, name), what=f"column {name!r}") if text is not None]


def cells_of(table: Array, name: str) -> Array:
    """A column.

    Raises:
        DataError: There is none of this name.
    """
    if name not in table.column_names:
        raise DataError(f"there is no column {name!r}; found {', '.join(map(repr, table.column_names))}")
    return table[name]


def _some(values: Array | list[str], name: str) -> None:
    if not len(values):
        raise DataError(f"column {name!r} of the reference has no value; leave it out of columns.watch")


def _bins(values: Array) -> Bins:
    edges, counts = rank_bins(values)
    return Bins(edges=tuple(edges), counts=tuple(counts))


@lru_cache(maxsize=1 << 16)
def _code(word: str) -> int:
    """32 bits that stand for a word: the memory of a watch holds no words of anybody."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")


def _half(text: str) -> int:
    return hashlib.sha256(text.encode()).digest()[0] & 1
