"""Cells of a column, counted in Arrow a piece at a time, so that a memory-mapped table is never in memory whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np, pa, pc

PIECE = 1 << 16
"""Cells that are counted at once."""

MOST_CATEGORIES = 300
"""Distinct texts of a column beyond which it holds no categories."""

LONGEST = 1000
"""Bytes of the longest category."""

ROWS_EACH = 10
"""Rows that a category stands for on the average, at least: fewer are names, or texts."""


@dataclass(frozen=True)
class Summary:
    """What a column holds.

    Attributes:
        kind: ``number``, ``truth``, ``time``, ``text``, ``other``, or ``nothing`` where every cell is missing.
        rows: How many cells.
        absent: Cells that are null or NaN.
        blank: Cells of blank text.
        low: Smallest value of numbers, truths and times, of times the integer that stores it; None where there is none.
        high: Largest value.
        values: The distinct texts; None of other kinds, and beyond ``MOST_CATEGORIES``.
        varied: Whether two cells with a value differ.
    """

    kind: str
    rows: int
    absent: int
    blank: int
    low: Any
    high: Any
    values: frozenset[str] | None
    varied: bool

    @property
    def categories(self) -> frozenset[str] | None:
        """The distinct texts, where they are categories."""
        few = self.values is not None and len(self.values) * ROWS_EACH <= self.rows - self.absent
        return self.values if few else None


def pieces(column: Array) -> Iterator[tuple[int, Array]]:
    """The cells of a column ``(n,)`` as plain arrays of at most ``PIECE``, each with the row that it begins at."""
    at = 0
    for chunk in column.chunks:
        for start in range(0, len(chunk), PIECE):
            cells = chunk.slice(start, PIECE)
            if isinstance(cells, pa.ExtensionArray):
                cells = cells.storage
            if pa.types.is_dictionary(cells.type):
                cells = cells.dictionary_decode()
            # Arrow counts neither half floats nor views.
            plain = pa.float32() if pa.types.is_float16(cells.type) else pa.large_string()
            odd = pa.types.is_float16(cells.type) or pa.types.is_string_view(cells.type)
            yield at, cells.cast(plain) if odd else cells
            at += len(cells)


def marked(column: Array, ask: Callable[[Array], Array]) -> Array:
    """Whether each cell of a column is what ``ask`` says of a piece: truths ``(n,)``, false where it says null."""
    found = np.zeros(len(column), dtype=bool)
    for at, cells in pieces(column):
        found[at : at + len(cells)] = pc.fill_null(ask(cells), fill_value=False).to_numpy(zero_copy_only=False)
    return found


def kind_of(kind: Array) -> str:
    """What a reader calls an Arrow type, as ``Summary.kind``; whole numbers and others are both numbers."""
    is_ = pa.types
    kind = getattr(kind, "storage_type", kind)
    if is_.is_dictionary(kind):
        return kind_of(kind.value_type)
    if is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
        return "number"
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return "text"
    if is_.is_date(kind) or is_.is_timestamp(kind) or is_.is_time(kind):
        return "time"
    return "truth" if is_.is_boolean(kind) else "other"


def absent(cells: Array) -> Array:
    """Whether each cell of a piece is null or NaN, ``(m,)``."""
    return pc.is_null(cells, nan_is_null=True)


def blank(cells: Array) -> Array:
    """Whether each cell of a piece is text that is empty or white space alone ``(m,)``."""
    if kind_of(cells.type) != "text":
        return pa.repeat(pa.scalar(value=False), len(cells))
    return pc.fill_null(pc.or_(pc.utf8_is_space(cells), pc.equal(pc.binary_length(cells), 0)), fill_value=False)


def summary(column: Array) -> Summary:
    """Count the cells of a ``pyarrow.ChunkedArray`` of any type, once."""
    kind, lacking, void, low, high = kind_of(column.type), 0, 0, None, None
    names = _Names()
    for _, cells in pieces(column):
        lacking += _count(absent(cells)) if kind == "number" else cells.null_count
        if kind == "text":
            void += _count(blank(cells))
            names.add(cells)
        elif kind in ("number", "truth", "time"):
            low, high = _widened(low, high, pc.min_max(_bits(cells) if kind == "time" else cells))
    varied = names.varied if kind == "text" else _differ(column) if kind == "other" else low != high
    kind = "nothing" if lacking == len(column) else kind
    return Summary(kind, len(column), lacking, void, low, high, names.values if kind == "text" else None, varied)


def _count(truths: Array) -> int:
    return int(pc.sum(truths, min_count=0).as_py())


@dataclass
class _Names:
    """The distinct texts of the pieces seen so far, None where they are too many or too long for categories."""

    values: frozenset[str] | None = frozenset()
    first: Any = None
    varied: bool = False

    def add(self, cells: Array) -> None:
        if self.varied and self.values is None:
            return
        found = pc.unique(cells).drop_null()
        if not len(found):
            return
        self.first = found[0] if self.first is None else self.first
        self.varied = self.varied or len(found) > 1 or found[0] != self.first
        few = len(found) <= MOST_CATEGORIES and pc.max(pc.binary_length(found)).as_py() <= LONGEST
        held = self.values | set(found.to_pylist()) if few and self.values is not None else None
        self.values = held if held is not None and len(held) <= MOST_CATEGORIES else None


def _bits(cells: Array) -> Array:
    """Times as the integers that store them: Python has not every time that Arrow has."""
    return cells.view(pa.int32() if cells.type.bit_width == 32 else pa.int64())


def _widened(low: Any, high: Any, ends: Any) -> tuple[Any, Any]:
    """A range that holds the ends of one more piece, which may be null or NaN."""
    first, last = ends["min"].as_py(), ends["max"].as_py()
    if first is None or first != first:
        return low, high
    return (first if low is None else min(low, first)), (last if high is None else max(high, last))


def _differ(column: Array) -> bool:
    """Whether two cells of a type that Arrow cannot compare differ."""
    held = (cell for _, cells in pieces(column) for cell in cells.drop_null() if cell.is_valid)
    first = next(held, None)
    return any(cell.as_py() != first.as_py() for cell in held) if first is not None else False


def outside(column: Array, low: Any, high: Any) -> Array:
    """Whether each number, as the nearest float64, lies outside [low, high], truths ``(n,)``."""

    def ask(cells: Array) -> Array:
        values = pc.cast(cells, pa.float64(), safe=False)
        return pc.or_(pc.less(values, float(low)), pc.greater(values, float(high)))

    return marked(column, ask)


def unknown(column: Array, known: frozenset[str]) -> tuple[int, Array]:
    """Distinct texts of a column that are not known, and whether each cell ``(n,)`` is one of them."""
    new: set[str] = set()

    def ask(cells: Array) -> Array:
        strange = pc.and_(cells.is_valid(), pc.invert(pc.is_in(cells, pa.array(sorted(known), cells.type))))
        new.update(pc.unique(cells.filter(strange)).to_pylist())
        return strange

    rows = marked(column, ask)
    return len(new), rows


def repeated(column: Array) -> bool:
    """Whether two cells with a value are equal; DuckDB counts them, and on disk what a gigabyte does not hold."""
    import duckdb

    with TemporaryDirectory() as folder:
        limits = {"memory_limit": "1GB", "temp_directory": folder, "preserve_insertion_order": False}
        with duckdb.connect(config=limits) as database:
            rows = database.from_arrow(pa.table([column], names=["id"]))
            held, distinct = rows.aggregate("count(id), count(DISTINCT id)").fetchall()[0]
    return bool(held != distinct)
