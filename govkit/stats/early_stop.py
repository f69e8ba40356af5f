"""A share that is looked at before all rows are in, so that no more rows are measured than a limit needs.

Looks are fixed before the first row, ``k`` of them. Each look uses the exact bounds of Clopper and Pearson with the
error ``a/k``: the chance that those of any look miss is at most ``a``, hence also of the look where it stopped,
whatever made it stop (Bonferroni). Whoever looks again after every row, uncorrected, stops wrongly in half of the cases
where the share is the limit; ``tests/bench/early_stop.py`` computes both.
"""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.estimate import ALPHAS, READER, Estimate, assemble
from govkit.stats.inputs import count, denominator, fraction
from govkit.stats.paired import paired_difference, paired_lows
from govkit.stats.proportions import clopper_pearson, proportion

LOOKS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Rows after which a share is looked at."""


def looks_at(rows: int) -> tuple[int, ...]:
    """Numbers of rows at which a share of at most ``rows`` is looked at, the last of them ``rows``.

    Raises:
        ValueError: If there are no rows.
    """
    rows = denominator("the number of rows", rows)
    return (*(look for look in LOOKS if look < rows), rows)


def settled(x: Any, n: Any, limit: float, *, looks: int, alpha: float = 0.05) -> Array:
    """Does a look show on which side of the limit the share lies? Truths, any shape.

    Args:
        x: Successes.
        n: Rows.
        limit: Limit in [0, 1].
        looks: Number of looks that were planned.
        alpha: Chance of a wrong answer on each side, over all looks together, in (0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """
    if not (0 <= limit <= 1 and 0 < alpha < 1):
        raise ValueError(f"limit {limit} must lie in [0, 1] and alpha {alpha} in (0, 1)")
    low, high = clopper_pearson(x, n, np.asarray(alpha / denominator("the number of looks", looks)))
    return np.asarray((low > limit) | (high < limit))


def stopped_share(x: int, n: int, *, looks: int) -> Estimate:
    """A share ``x/n``, in [0, 1], whose number of rows was chosen at one of several looks.

    Raises:
        ValueError: If there are no rows or looks, or more successes than rows.
    """
    x, n = fraction(x, n)
    if denominator("the number of looks", looks) == 1:
        return proportion(x, n)
    low, high = clopper_pearson(np.asarray(x), np.asarray(n), np.array(ALPHAS) / looks)
    return assemble(
        x / n, n, low, high, method=_method("Clopper-Pearson", looks), within=(0.0, 1.0),
        interval=(float(low[READER]), float(high[READER])),
    )  # fmt: skip


def stopped_difference(b: int, c: int, n: int, *, looks: int) -> Estimate:
    """A paired difference ``(b - c)/n``, in [-1, 1], whose number of rows was chosen at one of several looks.

    Args:
        b: Rows where only the first is right.
        c: Rows where only the second is right.
        n: All rows.
        looks: Number of looks that were planned.

    Raises:
        ValueError: If there are no rows or looks, or the counts together exceed the rows.
    """
    if denominator("the number of looks", looks) == 1:
        return paired_difference(b, c, n)
    n = denominator("the number of rows", n)
    b, c = count("b", b, most=n), count("c", c, most=n)
    count("b + c", b + c, most=n)
    rows = np.array([n, n])
    lows, negative = paired_lows(np.array([b, c]), np.array([c, b]), rows, np.array(ALPHAS) / looks)
    return assemble((b - c) / n, n, lows, -negative, method=_method("corrected Tango", looks), within=(-1.0, 1.0))


def _method(name: str, looks: int) -> str:
    return f"{name}, Bonferroni over {looks} looks"
