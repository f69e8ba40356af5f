"""Calibration without bins: what was stated and what happened, smoothed with a kernel.

The smooth calibration error is the mean distance of the smoothed gap from 0, at the one bandwidth that equals the
error itself (Blasiok and Nakkiran 2023, "Smooth ECE: principled reliability diagrams via kernel smoothing"). It changes
little when probabilities change little, which binned errors do not. On few rows it too is above 0 by chance alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core import Interval
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.inputs import stated

CELLS = 4096
"""Cells of [0, 1] into which rows are rounded."""

NARROWEST = 4 / CELLS
"""Smallest bandwidth: narrower ones would see the cells."""

HALVINGS = 20

DRAWS = 4000
"""Draws behind the width of the band."""

LEVEL = 0.95


@dataclass(frozen=True)
class SmoothPoint:
    """A point of a smooth reliability diagram.

    Attributes:
        confidence: Stated probability.
        n: Rows that the kernel holds around it, rounded; a row at the place counts as one, one farther away as less.
        observed: Share that came true among them.
        band: Where the line may lie; it holds at all places of the diagram at once.
    """

    confidence: float
    n: int
    observed: float
    band: Interval


def smooth_calibration_error(confidence: Any, correct: Any, bandwidth: float | None = None) -> float:
    """Smooth calibration error, in [0, 1].

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        bandwidth: Standard deviation of the kernel, > 0; that of the definition if not given.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct)
    gaps = _waves(f, (f - y) / f.size)
    return _mean_distance(gaps, _fixed_point(gaps) if bandwidth is None else bandwidth)


def smooth_diagram(confidence: Any, correct: Any, seed: int, points: int = 25, fewest: int = 5) -> list[SmoothPoint]:
    """A smooth reliability diagram at the bandwidth of the smooth calibration error.

    What is smoothed is the gap, not what happened: a wide kernel then draws the line towards the mean gap, and not
    towards the horizontal, which is what every model would look like that is too certain.

    The band is for the line under this kernel, were the rows without number at the same probabilities. About 95 of 100
    such bands hold their whole line (in simulations of 30 rows and more, 91 to 99). It is the line and a multiple of
    its standard error, the same at each place, and the multiple is drawn from the joint normal distribution of the
    places (Faraway and Sun 1995, "Simultaneous confidence bands for linear regression with heteroscedastic errors").

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        seed: Of the draws behind the band.
        points: Places to look at, in the middle of as many equal parts of [0, 1]; those beyond all rows are left out.
        fewest: Places with fewer rows around them are left out.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    f, y = stated(confidence, correct)
    bandwidth = _fixed_point(_waves(f, (f - y) / f.size))
    rows, gaps = (_smooth(_waves(f, of), bandwidth) for of in (np.ones_like(f), f - y))
    held = np.clip(rows / _heights(bandwidth), 0, f.size)
    middles = (np.arange(points) + 0.5) / points
    near = (middles >= f.min() - 0.5 / points) & (middles <= f.max() + 0.5 / points)
    places = middles[near & (held[(middles * CELLS).astype(int)] >= fewest)]
    cells = (places * CELLS).astype(int)
    line = places - gaps[cells] / rows[cells]
    reach = _reach(f, y, bandwidth, cells, seed)
    return [
        SmoothPoint(
            float(places[k]),
            round(held[cells[k]]),
            float(np.clip(line[k], 0, 1)),
            Interval(level=LEVEL, low=low, high=high, method="simultaneous band of a smoothed line, normal draws"),
        )
        for k, (low, high) in enumerate(np.clip([line - reach, line + reach], 0, 1).T.tolist())
    ]


def _reach(f: Array, y: Array, bandwidth: float, cells: Array, seed: int) -> Array:
    """How far the band reaches to each side of the line at each of ``cells``."""
    if not cells.size:
        return np.zeros(0)
    deltas = np.zeros((CELLS, cells.size))
    deltas[cells, np.arange(cells.size)] = 1
    weights = _smooth(_cosines(deltas).T, bandwidth)
    rows, came = (_counted(f, of) for of in (np.ones_like(f), y))
    # The share that comes true, at the place of each row; two rows more keep it from 0 and 1, where nothing varies.
    held, true = (np.maximum(_smooth(_cosines(of), bandwidth), 0) / _heights(bandwidth) for of in (rows, came))
    share = (true + 1) / (held + 2)
    # The larger of two variances, as it came and as it was stated: the same rows have chosen the bandwidth.
    meant = (np.arange(CELLS) + 0.5) / CELLS
    varies = np.maximum(share * (1 - share), meant * (1 - meant))
    spread = weights * np.sqrt(rows * varies) / (weights @ rows)[:, None]
    error = np.sqrt((spread**2).sum(axis=1))
    # Places beside each other may move as one; the little that is added keeps their correlation from being singular.
    alike = spread / error[:, None]
    root = np.linalg.cholesky(alike @ alike.T + 1e-9 * np.eye(cells.size))
    drawn = np.random.default_rng(seed).standard_normal((DRAWS, cells.size)) @ root.T
    reach: Array = error * np.quantile(np.abs(drawn).max(axis=1), LEVEL)
    return reach


def _heights(bandwidth: float) -> Array:
    """Height ``(CELLS,)`` of the kernel of a row at its own place, with what comes back from 0 and 1."""
    place, turns = (np.arange(CELLS) + 0.5) / CELLS, 2 * np.arange(-4, 5)[:, None]
    images = [np.exp(-((away / bandwidth) ** 2) / 2).sum(axis=0) for away in (turns, turns + 2 * place)]
    heights: Array = (images[0] + images[1]) / (CELLS * bandwidth * math.sqrt(2 * math.pi))
    return heights


def _waves(f: Array, values: Array) -> Array:
    """Sum of ``values`` in each cell, as cosine waves."""
    return _cosines(_counted(f, values))


def _counted(f: Array, values: Array) -> Array:
    """Sum of ``values`` in each cell, ``(CELLS,)``."""
    cell = np.minimum((f * CELLS).astype(np.int64), CELLS - 1)
    return np.bincount(cell, weights=values, minlength=CELLS)


def _cosines(cells: Array) -> Array:
    """Cells as cosine waves: reflected at 0 and 1, as the kernel is there."""
    from scipy.fft import dct

    waves: Array = dct(cells, norm="ortho", axis=0)
    return waves


def _smooth(waves: Array, bandwidth: float) -> Array:
    """Values ``(CELLS,)`` under a Gaussian kernel reflected at 0 and 1, which damps each wave by a known factor."""
    from scipy.fft import idct

    return idct(waves * np.exp(-((math.pi * bandwidth * np.arange(CELLS)) ** 2) / 2), norm="ortho")


def _mean_distance(waves: Array, bandwidth: float) -> float:
    return float(np.abs(_smooth(waves, bandwidth)).sum())


def _fixed_point(waves: Array) -> float:
    """The bandwidth that equals the error under it, unless it is narrower than the cells allow.

    The error does not grow with the bandwidth, so that there is one such place, and halving finds it.
    """
    low, high = NARROWEST, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_distance(waves, middle) > middle else (low, middle)
    return low
