"""Where a gap between a group and the rest comes from: from the base, from the labels, or from the tuning.

A word is a claim about the true gaps. It is given only if the 99 % intervals of every gap that it speaks of leave no
other answer open; else the word is ``cannot tell``. ``tests/bench/origin.py`` prints how often a word is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.inputs import counts
from govkit.stats.paired import paired_lows
from govkit.stats.two_groups import difference_low

BaseOrigin = Literal["none", "inherited", "introduced", "amplified", "grown", "reduced", "cannot tell"]
LabelOrigin = Literal["none", "in the data", "beyond the data", "cannot tell"]

ERROR = 0.005
"""One-sided error of a bound; the two bounds of a gap make a 99 % interval."""

WIDEST = 0.3
"""Largest margin. The bounds on a change are known to hold up to here."""


@dataclass(frozen=True)
class Gaps:
    """Intervals of the signed gaps (group less rest) of K groups, each ``(2, K)``: lower, then upper bounds.

    Attributes:
        candidate: Gap of the candidate, in [-1, 1].
        other: Gap of what it is compared with, the base or the labels, on the same rows.
        change: Gap of the candidate less that of the other, in [-2, 2].
    """

    candidate: Array
    other: Array
    change: Array


def gaps_to_rest(tables: Any) -> Gaps:
    """Gaps of each of K groups to all others together, of two models on the same rows.

    Args:
        tables: Rows of each group by two truths, ``(K, 2, 2)``: ``[k, 1, 0]`` counts those of group ``k`` with the
            event (selected, wrong, ...) under the candidate and not under the other.

    Raises:
        ValueError: If there are fewer than two groups, or one of them has no row.
    """
    table = np.asarray(tables)
    if table.ndim != 3 or table.shape[1:] != (2, 2) or len(table) < 2:
        raise ValueError(f"tables has shape {table.shape}; expected (K, 2, 2) with at least two groups")
    table = counts("tables", table.ravel()).reshape(table.shape)
    rows = table.sum(axis=(1, 2))
    if not rows.all():
        raise ValueError(f"group {int(np.argmin(rows))} has no row; its rate is undefined")
    return gaps_between(table, table.sum(axis=0) - table)


def gaps_between(inside: Array, outside: Array) -> Gaps:
    """Gaps of K pairs of a group and its rest, each side ``(K, 2, 2)`` as in :func:`gaps_to_rest`, no side empty.

    A gap has the corrected Miettinen-Nurminen bounds. A change is paired row by row within a side: the corrected Tango
    bounds of the sides, joined by the square-and-add rule (Zou and Donner 2008). The rule misses too often where nearly
    every row changes, and changes in the group are opposite to those outside; but a word only asks whether a change
    exceeds the margin, and no bound on a change up to ``WIDEST`` missed more often than ``ERROR`` says.
    """
    return Gaps(
        candidate=_gap(inside.sum(axis=2), outside.sum(axis=2)),
        other=_gap(inside.sum(axis=1), outside.sum(axis=1)),
        change=joined(paired_change(inside), paired_change(outside)),
    )


def against_base(gaps: Gaps, *, margin: float) -> tuple[BaseOrigin, ...]:
    """What the tuning did to the gap of each group; ``gaps.other`` is the base's.

    With C, B the gaps of candidate and base, s the sign of C, and m the margin, the first of these claims that is sure:

    - ``none``: abs(C) <= m.
    - ``inherited``: abs(C) > m, and abs(C - B) <= m.
    - ``introduced``: abs(C) > m, s(C - B) > m, and sB <= m: the base had no such gap, or one to the other side.
    - ``amplified``: abs(C) > m, s(C - B) > m, and sB > m.
    - ``grown``: abs(C) > m, and s(C - B) > m: introduced or amplified.
    - ``reduced``: abs(B) > m, and C is nearer to 0 by more than m and not beyond m on the other side. What is left may
      be more than m or less.

    Args:
        gaps: Gaps of K groups.
        margin: Largest gap, and largest change of one, that counts as none, in (0, 0.3].

    Raises:
        ValueError: If the margin lies outside (0, 0.3].
    """
    side, had = _side(gaps.candidate, margin), _side(gaps.other, margin)
    base, change = _toward(side, gaps.other), _toward(side, gaps.change)
    left, moved = _toward(had, gaps.candidate), _toward(had, gaps.change)
    grown = (side != 0) & (change[0] > margin)
    claims: dict[BaseOrigin, Array] = {
        "none": _within(gaps.candidate, margin),
        "inherited": (side != 0) & _within(change, margin),
        "introduced": grown & (base[1] <= margin),
        "amplified": grown & (base[0] > margin),
        "grown": grown,
        "reduced": (had != 0) & (moved[1] < -margin) & (left[0] >= -margin),
    }
    return tuple(_first(claims))


def against_labels(gaps: Gaps, *, margin: float) -> tuple[LabelOrigin, ...]:
    """Whether the labels show the gap of each group too; ``gaps.other`` is that of the labels.

    With C, Y the gaps of candidate and labels, s the sign of C, and m the margin:

    - ``none``: abs(C) <= m.
    - ``in the data``: abs(C) > m, sY > m, and s(C - Y) <= m.
    - ``beyond the data``: abs(C) > m, and sY <= m or s(C - Y) > m: the labels account for less than the gap.

    Args:
        gaps: Gaps of K groups.
        margin: As in :func:`against_base`.

    Raises:
        ValueError: If the margin lies outside (0, 0.3].
    """
    side = _side(gaps.candidate, margin)
    labels, excess = _toward(side, gaps.other), _toward(side, gaps.change)
    claims: dict[LabelOrigin, Array] = {
        "none": _within(gaps.candidate, margin),
        "in the data": (side != 0) & (labels[0] > margin) & (excess[1] <= margin),
        "beyond the data": (side != 0) & ((labels[1] <= margin) | (excess[0] > margin)),
    }
    return tuple(_first(claims))


def _gap(inside: Array, outside: Array) -> Array:
    """Bounds ``(2, K)`` of a gap; each side ``(K, 2)`` counts the rows without and with the event."""
    from scipy.special import ndtri

    group, rest = (inside[:, 1], inside.sum(axis=1)), (outside[:, 1], outside.sum(axis=1))
    z = -ndtri(ERROR)
    return np.stack([difference_low(*group, *rest, z=z), -difference_low(*rest, *group, z=z)])


def paired_change(side: Array) -> tuple[Array, Array, Array]:
    """Change of the rate on one side ``(K, 2, 2)``, and its lower and upper bound, each ``(K,)``."""
    won, lost, rows = side[:, 1, 0], side[:, 0, 1], side.sum(axis=(1, 2))
    alpha = np.array([ERROR])
    return (won - lost) / rows, paired_lows(won, lost, rows, alpha)[:, 0], -paired_lows(lost, won, rows, alpha)[:, 0]


def joined(inside: tuple[Array, Array, Array], outside: tuple[Array, Array, Array]) -> Array:
    """Bounds ``(2, ...)`` of the change inside less that outside, by square-and-add; the two broadcast."""
    (here, low, high), (there, least, most) = inside, outside
    return here - there + np.stack([-np.hypot(here - low, most - there), np.hypot(high - here, there - least)])


def _side(gap: Array, margin: float) -> Array:
    """Sign of a gap that surely exceeds the margin, 0 where that is not sure, ``(K,)``."""
    if not 0 < margin <= WIDEST:
        raise ValueError(f"margin is {margin}; expected a share above 0 and up to {WIDEST}")
    return np.where(gap[0] > margin, 1, np.where(gap[1] < -margin, -1, 0))


def _toward(side: Array, gap: Array) -> Array:
    """Bounds of a gap, counted toward a side."""
    return np.where(side < 0, -gap[::-1], gap)


def _within(gap: Array, margin: float) -> Array:
    return (gap[0] >= -margin) & (gap[1] <= margin)


def _first(claims: Mapping[Any, Array]) -> list[Any]:
    """The first claim of each group that is sure."""
    words: list[Any] = np.select(list(claims.values()), list(claims), "cannot tell").tolist()
    return words
