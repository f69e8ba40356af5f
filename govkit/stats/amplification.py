"""How a gap between a group and the rest differs between two models on the same rows."""

from __future__ import annotations

from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Clusters, Design, in_clusters, readers
from govkit.stats.designs import gap_change_design
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import counts, fractions, same_length, truths
from govkit.stats.paired import paired_lows

FEWEST = 20
"""Below this number of rows on a side the squares may not be added; the error is split over the sides instead."""

STRICT = 0.01


def gap_change(
    event_a: Any, event_b: Any, in_group: Any, eligible: Any, *, clusters: Clusters | None = None
) -> Estimate:
    """Signed gap (group less rest) under model ``a``, less the same gap under model ``b``, in [-2, 2].

    Inside each side the two models are paired, row by row; the two sides are independent. The corrected Tango bounds
    of the sides are joined by the square-and-add rule (Zou and Donner 2008). A normal bound on the paired
    contributions misses up to 80 times too often where an event is rare.

    Args:
        event_a: Did the event (selected, wrong, ...) happen under ``a``? Truths ``(n,)``.
        event_b: The same under ``b``.
        in_group: Rows of the group; all others are the rest.
        eligible: Rows of the denominator: all of them for selection rates, the true positives' rows for a true
            positive rate.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If the lengths differ, or the group or the rest has no eligible row.
    """
    a, b = truths("event_a", event_a), truths("event_b", event_b)
    group, counted = truths("in_group", in_group), truths("eligible", eligible)
    same_length(event_a=a, event_b=b, in_group=group, eligible=counted)
    inside, outside = _table(a, b, group & counted), _table(a, b, ~group & counted)
    for name, (_, _, rows) in (("group", inside), ("rest", outside)):
        if rows == 0:
            raise ValueError(f"the {name} has no eligible row; its rate is undefined")
    here, there = (([only_a], [only_b], [rows]) for only_a, only_b, rows in (inside, outside))
    if clusters is None:
        return gap_changes(here, there)[0]
    held = [clusters.sums(each, rows & counted) for rows in (group, ~group) for each in (a & ~b, b & ~a, counted)]
    here_held, there_held = (held[0], held[1], held[2]), (held[3], held[4], held[5])
    return gap_changes(here, there, design=gap_change_design(here_held, there_held))[0]


def gap_changes(
    inside: tuple[Any, Any, Any], outside: tuple[Any, Any, Any], *, design: Design | None = None
) -> list[Estimate]:
    """One change for each of ``k`` groups, all at once; same estimates as from ``gap_change``.

    Args:
        inside: Of each group, ``(k,)`` each: rows with the event only under ``a``, rows with it only under ``b``, and
            all eligible rows.
        outside: The same of everybody else.
        design: Of these changes, where rows lie in clusters.

    Raises:
        ValueError: If the lengths differ, a side has no rows, or more rows with a change than rows.
    """
    here, there = _checked(inside), _checked(outside)
    same_length(inside=here[2], outside=there[2])
    changes = (here[0] - here[1]) / here[2] - (there[0] - there[1]) / there[2]
    rows, few = here[2] + there[2], np.minimum(here[2], there[2]) < FEWEST
    plain = _lows(here, there, few), -_lows(_swapped(here), _swapped(there), few)
    lows, highs = in_clusters(design, changes, plain)
    by_method = readers("corrected Tango, square-and-add", lambda _: None, design, rows)
    found = []
    for value, n, low, high, small, reader in zip(changes, rows, lows, highs, few, by_method, strict=True):
        if small and "interval" in reader:
            reader["method"] = "corrected Tango, error split"
        found.append(assemble(value, n, low, high, within=(-2.0, 2.0), **reader))
    return found


def _table(a: Array, b: Array, rows: Array) -> tuple[int, int, int]:
    """Rows with the event only under ``a``, only under ``b``, and all rows."""
    return int((a & ~b & rows).sum()), int((~a & b & rows).sum()), int(rows.sum())


def _checked(side: tuple[Any, Any, Any]) -> tuple[Array, Array, Array]:
    only_a, only_b = (counts("rows with a change", part, at_least=0) for part in side[:2])
    same_length(only_a=only_a, only_b=only_b)
    return only_a, only_b, fractions(only_a + only_b, side[2], at_least=0)[1]


def _swapped(side: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    return side[1], side[0], side[2]


def _lows(inside: tuple[Array, Array, Array], outside: tuple[Array, Array, Array], few: Array) -> Array:
    """Lower bounds of the change inside less the change outside, at ``LEVELS``, ``(k, 9)``."""
    # At strict levels the square-and-add rule misses up to twice too often, so it gets half the error there.
    alphas = np.array(ALPHAS)
    alpha = np.where(few[:, None] | (alphas < STRICT), alphas / 2, alphas)
    # The upper bound of the rest is the negative lower bound of its swapped table.
    a, b, n = (np.stack(column) for column in zip(inside, _swapped(outside), strict=True))
    first, second = paired_lows(a, b, n, alpha)
    here, there = ((side[0] - side[1])[:, None] / side[2][:, None] for side in (inside, outside))
    added = here - there - np.hypot(here - first, -second - there)
    return np.where(few[:, None], first + second, added)
