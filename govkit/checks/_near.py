"""Near twins: rows whose content is almost that of another row, texts or images.

A short print of each row finds candidates, which count only where they are alike in full. Texts are sets of character
n-grams with a MinHash print (Broder 1997), images small copies with a hash of their lowest frequencies; both are looked
up by bands of the print (Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", 3.2 and 3.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.data.spool import filled, scratch, taken
from govkit.lazy import np

GRAM = 5
"""Characters of an n-gram, the number of the book for short texts. Both ends are padded, so that a letter more at
the end is as large a change as one in the middle."""

SIMILARITY = 0.9
"""Texts are near from this share of common n-grams (Jaccard): one letter in about 100 was changed."""

DIFFERENCE = 0.1
"""Images are near up to this root mean square difference of small copies, in standard deviations of their pixels."""

HASHES, SEED = 60, 0
SIDE, LOW = 32, 8
# Characters and rows that are worked on at once.
BLOCK, ROWS = 1 << 18, 1 << 12
# So many rows of a bucket are looked at, and so many of the best candidates of a row are compared in full: a million
# rows of one form letter must not make a million million pairs.
MOST_SEEN, MOST_COMPARED = 256, 64
# Stands between texts: no character but a code point that Unicode sets apart, so that texts do not hold it.
_PAD = "\U0010ffff" * (GRAM - 1)


@dataclass(frozen=True)
class Prints:
    """What the rows of a data set are found and compared by.

    Attributes:
        marks: Print of each row ``(n, k)``.
        width: Marks of a band; rows that agree in all marks of one band are candidates.
        agree: Marks that must agree before candidates are compared in full.
        content: What a row is compared by, from its number.
        alike: Whether two contents are near.
    """

    marks: Array
    width: int
    agree: int
    content: Callable[[int], Array]
    alike: Callable[[Array, Array], bool]

    def take(self, rows: Array) -> Prints:
        """The prints of some rows, by their numbers ``(m,)``."""
        marks = taken(self.marks, rows)
        return Prints(marks, self.width, self.agree, lambda row: self.content(rows[row]), self.alike)


def text_prints(texts: Sequence[str], plain: Callable[[str], str]) -> Prints:
    """Prints of n texts; ``plain`` is what their n-grams are taken of.

    Ten bands of six hashes find 99.9 % of the pairs that share nine n-grams in ten, and 15 % of those that share half.
    """
    marks = scratch((len(texts), HASHES), np.uint32)
    factors = np.random.default_rng(SEED).integers(0, 1 << 63, HASHES, dtype=np.uint64) * 2 + 1
    for rows, block in _blocks(texts, plain):
        grams, starts = _grams(block)
        held = np.empty_like(grams)
        for at, factor in enumerate(factors):
            marks[rows, at] = np.minimum.reduceat(np.multiply(grams, factor, out=held), starts) >> np.uint64(32)
    return Prints(marks, 6, 46, lambda row: _distinct(_grams([plain(texts[row])])[0]), _alike_sets)


def image_prints(images: Array) -> Prints:
    """Prints of n images ``(n, c, h, w)``: signs of the lowest frequencies of a gray copy, about their median.

    At least one of the six bands is untouched where five signs changed. Eight may differ.
    """
    from scipy.fft import dctn

    n, _, height, width = images.shape
    across, down = _shrinking(width), _shrinking(height)
    small = np.empty((n, images.shape[1], SIDE, SIDE), dtype=np.float32)
    for row in range(n):
        small[row] = down @ images[row] @ across.T
    waves = dctn(small.mean(axis=1), axes=(1, 2))[:, :LOW, :LOW].reshape(n, -1)[:, 1:]
    return Prints(waves > np.median(waves, axis=1, keepdims=True), 10, 55, small.__getitem__, _alike_images)


def near_rows(asked: Prints, known: Prints | None = None) -> Array:
    """Rows that are near to a known row, or, without known rows, to an earlier one: truths ``(n,)``."""
    return near_twins(asked, known) >= 0


def near_twins(asked: Prints, known: Prints | None = None) -> Array:
    """A known row, or without known rows an earlier one, that each row is near to; -1 for none: int64 ``(n,)``."""
    twins = asked if known is None else known
    bands = [slice(at, at + asked.width) for at in range(0, asked.marks.shape[1] - asked.width + 1, asked.width)]
    tables = [_table(twins.marks[:, band]) for band in bands]
    found = np.full(len(asked.marks), -1, dtype=np.int64)
    for start in range(0, len(found), ROWS):
        rows = np.arange(start, min(start + ROWS, len(found)))
        pairs = [
            pair
            for band, (keys, order) in zip(bands, tables, strict=True)
            for pair in _candidates(asked, twins, rows, keys=keys, order=order, band=band, earlier=known is None)
        ]
        last, content = -1, None
        for row, other in _best(*(np.concatenate(part) for part in zip(*pairs, strict=True))) if pairs else ():
            if row != last:
                last, content = row, asked.content(row)
            if found[row] < 0 and asked.alike(content, twins.content(other)):
                found[row] = other
    return found


def _table(marks: Array) -> tuple[Array, Array]:
    """Keys of a band, sorted, and the row of each."""
    keys = _keys(marks)
    order = np.argsort(keys, kind="stable").astype(np.uint32 if len(keys) < 1 << 32 else np.int64)
    return taken(keys, order), filled(len(order), order.dtype, [order])


def _candidates(
    asked: Prints, twins: Prints, rows: Array, *, keys: Array, order: Array, band: slice, earlier: bool
) -> Iterator[tuple[Array, Array, Array]]:
    """Rows, a row of the same bucket for each, and the marks in which the two agree, where these are enough."""
    sought = _keys(asked.marks[rows, band])
    at, ends = (np.asarray(np.searchsorted(keys, sought, side)) for side in ("left", "right"))
    for _ in range(MOST_SEEN):
        held = at < ends
        rows, at, ends = rows[held], at[held], ends[held]
        others = order[at]
        if earlier:
            held = others < rows
            rows, at, ends, others = rows[held], at[held], ends[held], others[held]
        if not len(rows):
            return
        agreeing = (twins.marks[others] == asked.marks[rows]).sum(axis=1)
        close = agreeing >= asked.agree
        yield rows[close], others[close], agreeing[close]
        at = at + 1


def _best(rows: Array, others: Array, agreeing: Array) -> list[tuple[int, int]]:
    """The pairs of each row that agree most, each once."""
    order = np.lexsort((others, -agreeing, rows))
    rows, others = rows[order], others[order]
    new = np.append(True, (rows[1:] != rows[:-1]) | (others[1:] != others[:-1]))[: len(rows)]
    rows, others = rows[new], others[new]
    first = np.arange(len(rows)) - np.searchsorted(rows, rows) < MOST_COMPARED
    return list(zip(rows[first].tolist(), others[first].tolist(), strict=True))


def _keys(marks: Array) -> Array:
    """One number for the marks of a band, uint64 ``(n,)``."""
    keys = np.zeros(len(marks), dtype=np.uint64)
    for column in marks.T:
        keys = mixed(keys + column.astype(np.uint64))
    return keys


def mixed(numbers: Array) -> Array:
    """Each uint64 as another that looks drawn at random (the finalizer of splitmix64, Steele et al. 2014)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ numbers >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ numbers >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return numbers ^ numbers >> np.uint64(31)


def _blocks(texts: Sequence[str], plain: Callable[[str], str]) -> Iterator[tuple[slice, list[str]]]:
    """Texts as ``plain`` has them, about ``BLOCK`` characters at once, and where they stand."""
    start, size = 0, 0
    block: list[str] = []
    for row, text in enumerate(texts):
        block.append(plain(text))
        size += len(text)
        if size >= BLOCK or row + 1 == len(texts):
            yield slice(start, row + 1), block
            start, size, block = row + 1, 0, []


def _grams(texts: Sequence[str]) -> tuple[Array, Array]:
    """Hashes of the n-grams of some texts in a row, uint64 ``(m,)``, and where each text starts ``(n,)``."""
    letters = np.frombuffer(_PAD.join(["", *texts, ""]).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    at = [letters[start : len(letters) - GRAM + 1 + start].astype(np.uint64) for start in range(GRAM)]
    # Three letters of 21 bits fill a number.
    first = at[0] | at[1] << np.uint64(21) | at[2] << np.uint64(42)
    counts = np.array([len(text) + GRAM - 1 for text in texts])
    return mixed(mixed(first) + (at[3] | at[4] << np.uint64(21))), np.cumsum(counts) - counts


def _distinct(grams: Array) -> Array:
    """Each once, sorted; several times faster than ``np.unique``."""
    grams = np.sort(grams)
    return grams[np.append(True, grams[1:] != grams[:-1])]


def _alike_sets(one: Array, other: Array) -> bool:
    common = len(np.intersect1d(one, other, assume_unique=True))
    return bool(common >= SIMILARITY * (len(one) + len(other) - common))


def _shrinking(size: int) -> Array:
    """Matrix ``(SIDE, size)`` that averages a line of pixels to ``SIDE`` pixels."""
    edges = np.linspace(0, size, SIDE + 1)
    pixel = np.arange(size)
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.clip(covered, 0, None) * SIDE / size, dtype=np.float32)


def _alike_images(one: Array, other: Array) -> bool:
    if one.shape != other.shape:
        return False
    spread = max(float(one.std()), float(other.std()))
    return bool(((one - other) ** 2).mean() <= (DIFFERENCE * spread) ** 2)


def texts_of(column: Any) -> list[str]:
    """The text of each cell of a column ``(n,)``: of a chat or a record that of all its fields, without their names."""
    return [" ".join(_leaves(cell)) for cell in column.to_pylist()]


def _leaves(cell: Any) -> Iterator[str]:
    if isinstance(cell, dict | list):
        for part in cell.values() if isinstance(cell, dict) else cell:
            yield from _leaves(part)
    elif cell is not None:
        yield str(cell)
