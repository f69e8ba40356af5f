"""How far the mean of few bounded values may lie from what was seen: Gaffke's bound.

Each value gets a random weight, exponential, and so does one value more that was not seen, the worst possible. The
bound is the quantile of the mean with such weights (Gaffke 2005; Learned-Miller and Thomas 2020, "A new confidence
interval for the mean of a bounded random variable"). It needs no variance, no shape and no number of values: of
truths it is the exact bound of Clopper and Pearson, of many values that of Student's t with its skewness. No miss
above the nominal rate is known, though only special cases are proved.

The tail is that of a sum of exponential variables, by the saddlepoint (Barndorff-Nielsen's r*); its tilt is the one of
empirical likelihood. Against Clopper and Pearson it errs by less than 0.3 % of a bound, to the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np

ROUNDS = 60
"""Most trials of the tilt."""

STEPS = 4
"""Steps towards the shift of one tilt, each from where the last tilt ended."""

CLOSE = 1e-7
"""Error of a normal quantile at which the search for the tilt ends."""

HALF_GRID = 80
"""Places on each side of 0 that the pulls of more clusters are split over; each is 10 % farther out than the last."""

FINEST = 1e-3
"""The first of these places, beside the last."""


@dataclass(frozen=True)
class Points:
    """What each cluster, and one that was not seen, adds to an estimate when a trial value lies below what was seen.

    With ``shift`` between the two, cluster ``c`` adds ``pull[c] + shift * mass[c]``.

    Attributes:
        pull: What clusters add to the estimate, 0 in sum, ``(p,)``.
        mass: Their part of the rows, 1 in sum, ``(p,)``; of a ratio, in its own unit.
        times: Clusters behind each point, ``(p,)``.
        lost: What the cluster not seen takes away from the estimate at most, and from its negative, ``(2,)``.
        weight: Its part of the rows, ``(2,)``.
    """

    pull: Array
    mass: Array
    times: Array
    lost: tuple[float, float]
    weight: tuple[float, float]


def points(pull: Array, mass: Array, lost: tuple[float, float], weight: tuple[float, float]) -> Points:
    """Points of clusters ``(C,)``; many are split over a grid, which leaves their mean and adds to their spread."""
    most = float(np.abs(pull).max(initial=0))
    if pull.size <= 2 * HALF_GRID or not most:
        return Points(pull, mass, np.ones(pull.size), lost, weight)
    side = most * np.geomspace(FINEST, 1, HALF_GRID)
    grid = np.concatenate([-side[::-1], [0.0], side])
    at = np.clip(np.searchsorted(grid, pull, "right") - 1, 0, grid.size - 2)
    up = np.clip((pull - grid[at]) / (grid[at + 1] - grid[at]), 0, 1)

    def split(values: Any) -> Array:
        below = np.bincount(at, (1 - up) * values, grid.size)
        return below + np.bincount(at + 1, up * values, grid.size)

    times = split(1.0)
    kept = times > 0
    return Points(grid[kept], split(mass)[kept] / times[kept], times[kept], lost, weight)


def shifts(held: list[Points], z: Array, *, side: int) -> Array:
    """How far the truth may lie below (``side`` 0) or above (1) each of ``k`` estimates, ``(k, levels)``.

    Args:
        held: Points of each estimate.
        z: Normal quantiles of the one-sided errors, ``(levels,)`` or ``(k, levels)``, each above 0.
        side: Which of the two.

    Returns:
        Shifts, 0 or more; infinite where no value is ruled out.
    """
    z = np.broadcast_to(z, (len(held), np.shape(z)[-1]))
    widest = max(each.pull.size for each in held) + 1
    pull, mass, times = (np.zeros((len(held), 1, widest)) for _ in range(3))
    for at, each in enumerate(held):
        last = each.pull.size
        pull[at, 0, :last] = -each.pull if side else each.pull
        mass[at, 0, :last], times[at, 0, :last] = each.mass, each.times
        pull[at, 0, last], mass[at, 0, last], times[at, 0, last] = -each.lost[side], each.weight[side], 1.0
    scale = np.sqrt((times * pull * pull).sum(axis=-1))
    flat = scale <= 0
    found = _search(pull, mass, times, np.where(flat, 1.0, scale), z)
    return np.where(flat, 0.0, found)


def _search(pull: Array, mass: Array, times: Array, scale: Array, z: Array) -> Array:
    """Shifts whose tail is that of ``z``: secants in the logarithm of the tilt, between trials on both sides of it."""
    tilt, shift = np.log(z / scale), scale * z
    below, above = np.full(z.shape, -np.inf), np.full(z.shape, np.inf)
    # Near the normal distribution the quantile rises as the tilt does.
    slope, last = np.array(z), None
    for _ in range(ROUNDS):
        shift, reached = _tail(np.exp(tilt), shift, pull, mass, times)
        short = z - reached
        if np.all(np.abs(short) < CLOSE):
            break
        below, above = np.where(short > 0, tilt, below), np.where(short > 0, above, tilt)
        if last is not None:
            moved = tilt - last[0]
            slope = np.where(np.abs(moved) > 1e-12, (reached - last[1]) / np.where(moved == 0, 1, moved), slope)
        last = tilt, reached
        trial = tilt + np.clip(short / np.where(slope > 1e-9, slope, z), -2, 2)
        inside = (trial > below) & (trial < above)
        middle = np.where(np.isfinite(below + above), (below + above) / 2, tilt + np.where(short > 0, 2.0, -2.0))
        tilt = np.where(np.abs(short) < CLOSE, tilt, np.where(inside, trial, middle))
    return np.where(np.abs(short) < 1e-3, shift, np.inf)


def _tail(tilt: Array, shift: Array, pull: Array, mass: Array, times: Array) -> tuple[Array, Array]:
    """Shift at which 0 has this tilt, and the normal quantile of the chance of less than 0 there; ``(k, levels)``."""
    tilt = tilt[..., None]
    total = times.sum(axis=-1)
    heavy = mass > 0
    # No cluster may be tilted past its pole; the shift at which the first one is there is too small.
    pole = np.max((-1 / tilt - pull) / np.where(heavy, mass, 1), axis=-1, where=heavy, initial=-np.inf)
    room = 1 / (tilt[..., 0] * mass.max(axis=-1))
    shift = np.maximum(shift, pole + 1e-3 * room)
    for _ in range(STEPS):
        held = 1 / (1 + tilt * (pull + shift[..., None] * mass))
        weighed = times * held
        sums = weighed.sum(axis=-1)
        slope = tilt[..., 0] * (weighed * held * mass).sum(axis=-1)
        # The reciprocal of the sum is concave in the shift: from below, steps never go too far.
        shift = np.maximum(shift + (sums / total - 1) * sums / slope, (shift + pole) / 2)
    adds = pull + shift[..., None] * mass
    held = 1 + tilt * adds
    # A point without rows does not move with the shift: past its pole the tilt is too large.
    past = (held <= 0).any(axis=-1)
    held = np.where(held <= 0, 1.0, held)
    root = np.sqrt(np.maximum(2 * (times * np.log(held)).sum(axis=-1), 1e-30))
    spread = tilt[..., 0] * np.sqrt((times * (adds / held) ** 2).sum(axis=-1))
    return shift, np.where(past, 1e3, root + np.log(np.maximum(spread, 1e-300) / root) / root)
