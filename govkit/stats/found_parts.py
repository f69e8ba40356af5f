"""Parts of the rows where one model is worse than another, or weaker than elsewhere, though nobody named them.

A part is a row of packed bits (``pack`` of the truths of its membership), so that hundreds of parts of a million rows
fit into memory and are counted at once. Parts must have been chosen without looking at any outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import METHOD, Clusters
from govkit.stats.designs import difference_design, paired_design
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import denominator, same_length, truths
from govkit.stats.multiplicity import holm
from govkit.stats.paired import paired_lows
from govkit.stats.proportions import clopper_pearson

ERROR = 0.05
"""Chance of any false alarm in one search."""

POWER = 0.8
"""Chance with which a drop must be found to count as visible."""

DROPS = 50
"""Drops of 1, 2 ... points that ``visible_drop`` tries."""

PLANTED, DRAWS = 16, 25
"""Parts that ``visible_drop`` plants a drop in, and draws of the signs for each."""

CHUNK = 8192
"""Rows whose memberships and signs are unpacked at a time."""


@dataclass(frozen=True)
class Drops:
    """What a search for drops found.

    Attributes:
        found: Parts with a drop, as index and change of accuracy, the surest first. The bounds hold for all parts that
            were tested at once.
        p_value: Chance of a largest drop at least this clear, if the models were equally likely right on each row.
    """

    found: tuple[tuple[int, Estimate], ...]
    p_value: float


def found_drops(
    members: Any,
    new_right: Any,
    old_right: Any,
    *,
    screen: int,
    flips: int,
    seed: int,
    clusters: Clusters | None = None,
) -> Drops:
    """Parts where the new model is right less often than the old one.

    Only the ``screen`` parts in which the models disagree clearly most are tested. That choice would be the same with
    the models swapped, so it tells nothing about the signs. Under the null hypothesis each row that only one
    model answers right is as likely for either; the largest ``(lost - won) / sqrt(lost + won)`` is compared with its
    distribution over random signs (max-statistic of Westfall and Young 1993; sign flips as in McNemar 1947). Rows of a
    cluster get one sign: under the null hypothesis its losses and gains trade places together.

    Args:
        members: Packed memberships ``(parts, ceil(n / 64))``.
        new_right: Truths ``(n,)``: is the new answer right?
        old_right: The same of the old one.
        screen: Parts that are tested.
        flips: Draws of the signs.
        seed: Seed of the draws.
        clusters: Of the rows, where they belong together.

    Raises:
        ValueError: If there is no part, or the lengths differ.
    """
    members, new, old = _checked(members, new_right, old_right)
    if clusters is not None and clusters.count == new.size:
        clusters = None
    kept = _screened(sizes(members), _counted(members, new != old), new.size, screen)
    tested = members[kept]
    lost, won = counts(tested, old & ~new), counts(tested, new & ~old)
    rows, rng = np.flatnonzero(new != old), np.random.default_rng(seed)
    if clusters is None:
        scale = np.sqrt(np.maximum(lost + won, 1))
        drawn = 2 * _random_losses(tested, rows, flips, rng) - (lost + won)[:, None]
    else:
        totals = _losses_by_cluster(tested, rows, np.where(old[rows], 1.0, -1.0), clusters.codes[rows])
        scale = np.sqrt(np.maximum((totals * totals).sum(axis=1), 1))
        drawn = totals @ (2.0 * rng.integers(0, 2, (totals.shape[1], flips), dtype=np.int8) - 1)
    observed = (lost - won) / scale
    highest = (drawn / scale[:, None]).max(axis=0)
    # The observed signs are one more draw, which makes the test exact.
    chance = (1 + (highest[:, None] >= observed - 1e-9).sum(axis=0)) / (1 + flips)
    order = [at for at in np.argsort(-observed, kind="stable") if chance[at] <= ERROR]
    rows_in = sizes(tested)
    found = []
    for at in order:
        change = _change(int(won[at]), int(lost[at]), int(rows_in[at]), slices=kept.size)
        if clusters is not None:
            change = _held(change, _rows_of(tested[at], new.size), (new, old), clusters, slices=kept.size)
        found.append((int(kept[at]), change))
    return Drops(tuple(found), float(chance.min()))


def visible_drop(
    members: Any, new_right: Any, old_right: Any, *, share: float, screen: int, seed: int
) -> Estimate | None:
    """Smallest drop of accuracy that ``found_drops`` would find with a chance of 80 %, in points of 0.01.

    A drop is planted in parts of half to twice ``share`` of the rows, beside the losses that are there, and the signs
    of the rows on which the models disagree are drawn anew. Other parts share the planted losses by their overlap.
    The bounds hold the error of the simulation.

    Args:
        members: Packed memberships ``(parts, ceil(n / 64))``.
        new_right: Truths ``(n,)``.
        old_right: Truths ``(n,)``.
        share: Share of the rows in the part, in (0, 1).
        screen: Parts that are tested.
        seed: Seed of the draws.

    Returns:
        The drop, in (0, 0.5]; None if no part is that large, or not even the largest drop would be found so often.

    Raises:
        ValueError: If there is no part, or the lengths differ.
    """
    members, new, old = _checked(members, new_right, old_right)
    size = sizes(members)
    near = np.flatnonzero((size >= share * new.size / 2) & (size <= share * new.size * 2))
    if not near.size:
        return None
    rng = np.random.default_rng(seed)
    planted = rng.choice(near, PLANTED)
    differ = new != old
    losses = _random_losses(members, np.flatnonzero(differ), PLANTED * DRAWS, rng)
    split = _counted(members, differ)
    signs = (2 * losses - split[:-1, None]).reshape(-1, PLANTED, DRAWS)
    hits = np.zeros(DROPS)
    for at, part in enumerate(planted):
        overlap = sizes(members & members[part])
        hits += _hits(size, split, signs[:, at], overlap, rows=new.size, screen=screen)
    return _smallest(hits, PLANTED * DRAWS, new.size)


def weak_parts(members: Any, right: Any, *, clusters: Clusters | None = None) -> tuple[tuple[int, float], ...]:
    """Parts where a model is wrong more often than elsewhere.

    Fisher's exact test, part against rest, one-sided; Holm over the parts keeps the chance of any false alarm at 5 %.
    In clusters a part must also keep its gap by the bound that holds for clusters, the error split over all parts.

    Args:
        members: Packed memberships ``(parts, ceil(n / 64))``.
        right: Truths ``(n,)``: is the answer right?
        clusters: Of the rows, where they belong together.

    Returns:
        Index and accuracy less accuracy elsewhere, the surest first.

    Raises:
        ValueError: If there is no part, or the lengths differ.
    """
    from scipy.stats import hypergeom

    members, right, _ = _checked(members, right, right)
    size, wrong = sizes(members), counts(members, ~right)
    every, n = int((~right).sum()), right.size
    p = holm(np.clip(hypergeom.sf(wrong - 1, n, every, size), 0, 1))
    gap = (every - wrong) / np.maximum(n - size, 1) - wrong / np.maximum(size, 1)
    weak = [int(at) for at in np.argsort(p, kind="stable") if p[at] <= ERROR]
    if clusters is not None and clusters.count < n:
        weak = [at for at in weak if _still_weak(_rows_of(members[at], n), ~right, clusters, ERROR / len(members))]
    return tuple((at, float(gap[at])) for at in weak)


def _still_weak(part: Array, wrong: Array, clusters: Clusters, alpha: float) -> bool:
    """Whether a part errs more often than the rest by the bound that holds for rows in clusters."""
    if part.all():
        return False
    inside, outside = ((clusters.sums(wrong, rows), clusters.sums(rows)) for rows in (part, ~part))
    value = wrong[part].mean() - wrong[~part].mean()
    plain = np.array([[np.inf]]), np.array([[-np.inf]])
    low, _ = difference_design(inside, outside).bounds([value], plain, np.array([alpha]))
    return bool(low[0, 0] > 0)


def pack(rows: Array) -> Array:
    """Truths ``(n,)`` as bits, uint64 ``(ceil(n / 64),)``."""
    bits = np.packbits(rows)
    return np.pad(bits, (0, -bits.size % 8)).view(np.uint64)


def sizes(members: Array) -> Array:
    """Rows of each part, int64 ``(parts,)``."""
    return np.bitwise_count(members).sum(axis=1, dtype=np.int64)


def counts(members: Array, rows: Array) -> Array:
    """Rows of each part that are among ``rows``, truths ``(n,)``: int64 ``(parts,)``."""
    return sizes(members & pack(rows))


def _checked(members: Any, new_right: Any, old_right: Any) -> tuple[Array, Array, Array]:
    new, old = truths("new_right", new_right), truths("old_right", old_right)
    same_length(new_right=new, old_right=old)
    bits = np.asarray(members, dtype=np.uint64)
    denominator("the number of parts", bits.shape[0])
    if bits.shape[1:] != (-(-new.size // 64),):
        raise ValueError(f"members has shape {bits.shape}; expected packed bits of {new.size} rows")
    return bits, new, old


def _counted(members: Array, rows: Array) -> Array:
    """As ``counts``, and all of ``rows`` as the last value."""
    return np.append(counts(members, rows), rows.sum())


def _screened(size: Array, split: Array, rows: int, most: int) -> Array:
    """The ``most`` parts with clearly most of the rows that split the models, in standard errors from all rows."""
    excess = split[:-1] - size * (split[-1] / rows)
    z = excess / np.sqrt(np.maximum(size * (1 - size / rows), 1e-9))
    return np.argsort(-z, kind="stable")[:most]


def _random_losses(members: Array, rows: Array, draws: int, rng: Any) -> Array:
    """Rows of each part that fall to one side when each of ``rows`` falls by chance: ``(parts, draws)``."""
    octets = np.ascontiguousarray(members).view(np.uint8)
    total = np.zeros((len(members), draws), dtype=np.float32)
    for start in range(0, rows.size, CHUNK):
        at = rows[start : start + CHUNK]
        inside = (octets[:, at >> 3] >> (7 - (at & 7)).astype(np.uint8)) & 1
        bits = rng.integers(0, 256, (at.size, -(-draws // 8)), dtype=np.uint8)
        total += inside.astype(np.float32) @ np.unpackbits(bits, axis=1, count=draws).astype(np.float32)
    return total


def _losses_by_cluster(members: Array, rows: Array, loss: Array, codes: Array) -> Array:
    """Losses less gains of each part in each cluster that has some, ``(parts, C)``."""
    found, code = np.unique(codes, return_inverse=True)
    octets = np.ascontiguousarray(members).view(np.uint8)
    inside = (octets[:, rows >> 3] >> (7 - (rows & 7)).astype(np.uint8)) & 1
    return np.stack([np.bincount(code, loss * held, found.size) for held in inside])


def _rows_of(bits: Array, rows: int) -> Array:
    """Truths ``(n,)`` of one part."""
    return np.unpackbits(np.ascontiguousarray(bits).view(np.uint8), count=rows).astype(bool)


def _held(change: Estimate, part: Array, right: tuple[Array, Array], clusters: Clusters, *, slices: int) -> Estimate:
    """The change with bounds that hold for rows in clusters, for all parts at once."""
    new, old = right
    wins, losses, rows = (clusters.sums(each, part) for each in (new & ~old, old & ~new, part))
    design = paired_design(wins, losses, rows)
    plain = [np.array([[getattr(bound, side) for bound in change.bounds]]) for side in ("low", "high")]
    lows, highs = design.bounds([change.value], plain, np.array(ALPHAS) / slices)
    method = f"{METHOD}, {slices} parts at once"
    count = int(design.clusters[0])
    return assemble(change.value, change.n, lows[0], highs[0], method=method, within=(-1.0, 1.0), clusters=count)


def _change(won: int, lost: int, rows: int, *, slices: int) -> Estimate:
    """Change of accuracy in a part, with bounds that hold for ``slices`` parts at once (Bonferroni)."""
    alpha = np.array(ALPHAS) / slices
    lows, negative = paired_lows(np.array([won, lost]), np.array([lost, won]), np.array([rows, rows]), alpha)
    method = f"corrected Tango, {slices} parts at once"
    return assemble((won - lost) / rows, rows, lows, -negative, method=method, within=(-1.0, 1.0))


def _hits(size: Array, split: Array, signs: Array, overlap: Array, *, rows: int, screen: int) -> Array:
    """Draws in which a drop planted in one part is found, by points of the drop ``(DROPS,)``.

    Args:
        size: Rows of each part.
        split: Rows of each part on which the models differ, and of all rows as the last value.
        signs: Drawn losses less gains of each part ``(parts, draws)``.
        overlap: Rows of each part that are in the planted one.
        rows: All rows.
        screen: Parts that are tested.
    """
    from scipy.special import ndtri

    # Bonferroni's limit in place of the drawn one, which depends on the parts that the screen would keep.
    limit = -ndtri(ERROR / min(screen, size.size))
    hits = np.empty(DROPS)
    for points in range(1, DROPS + 1):
        extra = overlap * (points / 100)
        found = split + np.append(extra, extra.max())
        kept = _screened(size, found, rows, screen)
        reached = (signs[kept] + extra[kept, None]) / np.sqrt(np.maximum(found[kept], 1))[:, None]
        hits[points - 1] = (reached.max(axis=0) > limit).sum()
    return hits


def _smallest(hits: Array, draws: int, rows: int) -> Estimate | None:
    """Smallest drop that is found often enough, with exact bounds on how often it is."""
    low, high = clopper_pearson(hits[:, None], draws, np.array(ALPHAS))

    def first(often: Array) -> Array:
        return np.where(often.any(axis=0), (often.argmax(axis=0) + 1) / 100, 1.0)

    if (hits < POWER * draws).all():
        return None
    value = float(first(hits >= POWER * draws))
    return assemble(value, rows, first(high >= POWER), first(low >= POWER), method="simulation", within=(0.0, 1.0))
