"""Parts of the rows worth looking at, chosen from what is known of the rows and never from the answers to them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Any

from govkit.core import Case, Dataset
from govkit.core.case import Array, Coded
from govkit.data import canonical_text
from govkit.data.dataset import MISSING
from govkit.errors import DataError
from govkit.lazy import np, pa, pc, pd
from govkit.stats.found_parts import pack

BINS = 20
"""Bins of a number, equal in rows; its parts are windows of some of them."""

WINDOWS, FEW_WINDOWS, MANY = (1, 2, 3, 4, 6, 8), (2, 4), 6
"""Widths of the windows; those where more than ``MANY`` columns hold numbers, which would leave no room for pairs."""

THIRDS = 3
"""Bins of a number where it is paired with another column."""

CLUSTERS = (10, 20)
"""Numbers of clusters of similar inputs."""

NO_COLUMNS = frozenset({"input", "groups", "parts", "time", "task", "positive", "classes", "range", "independent"})
"""What the audit file says of columns without naming one that holds labels, answers or ids."""

SMALLEST, LARGEST_PAIR = 0.02, 0.25
"""Share of the rows in the smallest part, and in the largest part that two columns make together."""

FEW_VALUES = 20
"""Values up to which a column of numbers is taken value by value."""


def candidate_parts(case: Case, *, most: int) -> tuple[tuple[str, ...], Array]:
    """Parts of the test rows: values of a column, ranges of a number, and pairs of both, the largest pairs first.

    Args:
        case: The columns are those of the input, the groups and the declared parts, length and kind of the texts, and,
            beside stored predictions, whatever else the table holds; never one that holds labels, answers or ids.
        most: Parts up to which pairs are added; values and ranges are all taken.

    Returns:
        Names for the reader, and packed memberships ``(parts, ceil(n / 64))``; no two parts have the same rows.
    """
    found: dict[bytes, str] = {}
    crossed = []
    columns = {name: (values, _numbers(values)) for name, values in _columns(case, case.data["test"]).items()}
    many = sum(numbers is not None for _, numbers in columns.values()) > MANY
    for name, (values, numbers) in columns.items():
        singles, coarse = _split(name, values, numbers, FEW_WINDOWS if many else WINDOWS)
        crossed += [coarse] if coarse.names else []
        _add(found, singles)
    # Every pair of columns is counted before the largest is known, which wide tables would do in vain.
    if len(found) < most:
        _add(found, _pairs(crossed), most=most)
    words = -(-len(case.data["test"]) // 64)
    return tuple(found.values()), np.frombuffer(b"".join(found), dtype=np.uint64).reshape(len(found), words)


def _add(found: dict[bytes, str], parts: Iterator[tuple[str, Array]], *, most: int | None = None) -> None:
    """Add parts whose rows and whose name are new, until there are ``most``."""
    taken = set(found.values())
    for label, rows in parts:
        if most is not None and len(found) >= most:
            return
        if label not in taken:
            taken.add(found.setdefault(pack(rows).tobytes(), label))


def _columns(case: Case, data: Dataset) -> dict[str, Any]:
    """Columns by name, declared ones first: coded ones, columns of the table, and arrays of numbers."""
    declared = case.column.get("input") or ()
    inputs = [] if isinstance(declared, str) else list(declared)
    if hasattr(data.inputs, "columns"):
        inputs = list(map(str, data.inputs.columns))
    if case.access == "predictions":
        inputs += data.table.column_names
    there = set(data.table.column_names)
    held = {name: data.table[name] for name in inputs if name in there}
    sources: tuple[Mapping[str, Any], ...] = (data.groups, data.parts, held, _lengths(data.inputs), _clusters(case))
    used = used_columns(case.column, aside=NO_COLUMNS)
    found: dict[str, Any] = {}
    for name, values in (item for source in sources for item in source.items()):
        if name not in used:
            found.setdefault(name, values)
    return found


def _lengths(inputs: Any) -> dict[str, Array]:
    """Characters and words of each text; nothing where the inputs are no texts."""
    if not isinstance(inputs, Sequence):
        return {}
    return {
        "text length": np.array([len(text) for text in inputs]),
        "words": np.array([len(text.split()) for text in inputs]),
    }


def used_columns(column: Mapping[str, Any], *, aside: Collection[str]) -> set[str]:
    """Names of the columns that the audit file names, but for what it says under the keys ``aside``."""
    named: set[str] = set()
    for value in (value for use, value in column.items() if use not in aside):
        named |= {value} if isinstance(value, str) else set(value.values() if isinstance(value, dict) else value)
    return named


def _clusters(case: Case) -> dict[str, Array]:
    """Cluster of each row by the features of the frozen base, which knows nothing of the task."""
    features = case.embed("test")
    if features is None:
        return {}
    from sklearn.cluster import MiniBatchKMeans

    return {
        f"cluster of {k}": MiniBatchKMeans(k, random_state=case.seed, n_init=3).fit_predict(features) + 1
        for k in CLUSTERS
    }


def _split(
    name: str, values: Any, numbers: Array | None, widths: tuple[int, ...]
) -> tuple[Iterator[tuple[str, Array]], Coded]:
    """Parts by one column, and the coarser column that is paired with others."""
    if numbers is not None and _distinct(numbers) > FEW_VALUES:
        return _windows(name, numbers, widths), _thirds(name, numbers)
    coarse = _frequent(name, values)
    singles = ((label, coarse.codes == at) for at, label in enumerate(coarse.names))
    # Of few numbers each value is a part, and so are ranges of them; numbers of clusters, in an array, have no order.
    ordered = numbers is not None and not isinstance(values, np.ndarray) and _distinct(numbers) > 2
    return chain(singles, _windows(name, numbers, widths) if ordered else ()), coarse


def _numbers(values: Any) -> Array | None:
    """Numbers float64 ``(n,)``, NaN where there is none; None for a column of anything else.

    A column that the audit file names as a group or part comes as names; so do its numbers.
    """
    if isinstance(values, Coded):
        try:
            named = [math.nan if name == MISSING else float(name) for name in values.names]
        except ValueError:
            return None
        values = np.array([*named, math.nan])[values.codes]
    if isinstance(values, pa.ChunkedArray):
        kind = values.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            return None
        values = pc.cast(values, pa.float64(), safe=False).to_numpy()
    numbers: Array = np.array(values, dtype=np.float64)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _distinct(numbers: Array) -> int:
    return int(pd.Series(numbers).nunique())


def _frequent(name: str, values: Any) -> Coded:
    """The values that make a part; rows with another value have the code -1."""
    if not isinstance(values, Coded):
        try:
            texts = canonical_text(values)
        except (pa.ArrowException, DataError):
            # Lists and records have no text; they are rarely equal anyway.
            return Coded(np.full(len(values), -1, dtype=np.int16), ())
        texts[pd.isna(texts)] = MISSING
        codes, found = pd.factorize(texts, sort=True)
        values = Coded(codes, tuple(map(str, found)))
    rows = np.bincount(values.codes, minlength=len(values.names))
    kept = np.flatnonzero(_large_enough(rows, len(values.codes)))
    place: Array = np.full(len(values.names), -1, dtype=np.int16)
    place[kept] = np.arange(kept.size)
    return Coded(place[values.codes], tuple(f"{name} = {values.names[at]}" for at in kept))


def _windows(name: str, numbers: Array, widths: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Ranges of a number, and the rows that have none."""
    codes, edges = _bins(numbers, BINS)
    bins, ends = edges.size + 1, _plain(edges)
    # Where many rows share one number bins fall together, and a single one may hold half of the rows.
    for width in widths if bins == BINS else sorted({1, *widths}):
        for start in range(bins - width + 1):
            rows = (codes >= start) & (codes < start + width)
            if _large_enough(np.count_nonzero(rows), rows.size):
                yield f"{name} {_range(ends, start, start + width)}", rows
    if _large_enough(np.count_nonzero(codes < 0), codes.size):
        yield f"{name} = {MISSING}", codes < 0


def _thirds(name: str, numbers: Array) -> Coded:
    codes, edges = _bins(numbers, THIRDS)
    ends = _plain(edges)
    return Coded(codes, tuple(f"{name} {_range(ends, at, at + 1)}" for at in range(edges.size + 1)))


def _bins(numbers: Array, bins: int) -> tuple[Array, Array]:
    """Bin of each row, int16, -1 without a number; and the smallest number of each bin but the first."""
    held = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(held, np.arange(1, bins) / bins, method="inverted_cdf"))
    edges = edges[edges > held.min()]
    codes: Array = np.searchsorted(edges, numbers, side="right").astype(np.int16)
    codes[np.isnan(numbers)] = -1
    return codes, edges


def _range(ends: list[str], start: int, stop: int) -> str:
    """Words for the bins from ``start`` to before ``stop``."""
    low = ends[start - 1] if start else ""
    high = ends[stop - 1] if stop <= len(ends) else ""
    if low and high:
        return f"{low} to under {high}"
    return f"under {high}" if high else f"{low} or more" if low else "given"


def _plain(edges: Array) -> list[str]:
    """Different numbers with as few digits, six at least, as tell them apart."""
    for digits in range(6, 17):
        ends = [str(int(edge)) if float(edge).is_integer() else f"{edge:.{digits}g}" for edge in edges]
        if len(set(ends)) == len(ends):
            return ends
    return [repr(float(edge)) for edge in edges]


def _large_enough(rows: Any, n: int) -> Any:
    """Whether so many of ``n`` rows are a part: neither a few nor nearly all."""
    return (rows >= SMALLEST * n) & (rows <= (1 - SMALLEST) * n)


def _pairs(columns: list[Coded]) -> Iterator[tuple[str, Array]]:
    """Parts that two columns make together, the largest first."""
    sized = []
    for one, two in combinations(columns, 2):
        width = len(two.names) + 1
        cell = (one.codes + 1) * width + two.codes + 1
        joint = np.bincount(cell, minlength=(len(one.names) + 1) * width).reshape(-1, width)[1:, 1:]
        fits = _large_enough(joint, cell.size) & (joint <= LARGEST_PAIR * cell.size)
        sized += [(int(joint[i, j]), one, int(i), two, int(j)) for i, j in np.argwhere(fits)]
    for _, one, i, two, j in sorted(sized, key=lambda pair: -pair[0]):
        yield f"{one.names[i]}, {two.names[j]}", (one.codes == i) & (two.codes == j)
