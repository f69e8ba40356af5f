"""Cut rows into batches."""

from __future__ import annotations

from collections.abc import Iterator


def batches(n: int, size: int) -> Iterator[slice]:
    """Slices that cover ``range(n)`` in order, each of ``size`` rows, the last of what is left.

    Raises:
        ValueError: ``size`` is below 1.
    """
    if size < 1:
        raise ValueError(f"a batch holds at least one row; found size {size}")
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
