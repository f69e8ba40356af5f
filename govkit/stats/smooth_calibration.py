"""Calibration without bins: what was stated and what happened, smoothed with a kernel.

The smooth calibration error is the mean distance of the smoothed gap from 0, at the one bandwidth that equals the
error itself (Blasiok and Nakkiran 2023, "Smooth ECE: principled reliability diagrams via kernel smoothing"). It changes
little when probabilities change little, which binned errors do not. On few rows it too is above 0 by chance alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from govkit.core.case import Array
from govkit.stats.inputs import stated

CELLS = 4096
"""Cells of [0, 1] into which rows are rounded."""

NARROWEST = 4 / CELLS
"""Smallest bandwidth: narrower ones would see the cells."""

HALVINGS = 20


@dataclass(frozen=True)
class SmoothPoint:
    """A point of a smooth reliability diagram.

    Attributes:
        confidence: Stated probability.
        n: Rows that the kernel holds around it, rounded.
        observed: Share that came true among them.
    """

    confidence: float
    n: int
    observed: float


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


def smooth_diagram(confidence: Any, correct: Any, points: int = 25, fewest: int = 5) -> list[SmoothPoint]:
    """A smooth reliability diagram at the bandwidth of the smooth calibration error.

    What is smoothed is the gap, not what happened: a wide kernel then draws the line towards the mean gap, and not
    towards the horizontal, which is what every model would look like that is too certain.

    Args:
        confidence: Stated probabilities ``(n,)`` in [0, 1].
        correct: What happened, truths ``(n,)``.
        points: Places to look at, in the middle of as many equal parts of [0, 1]; those beyond all rows are left out.
        fewest: Places with fewer rows around them are left out.

    Raises:
        ValueError: If there are no rows, or a probability lies outside [0, 1].
    """
    import numpy as np

    f, y = stated(confidence, correct)
    bandwidth = _fixed_point(_waves(f, (f - y) / f.size))
    places = (np.arange(points) + 0.5) / points
    rows, gaps = (_smooth(_waves(f, of), bandwidth)[(places * CELLS).astype(int)] for of in (np.ones_like(f), f - y))
    held = rows * CELLS * bandwidth * math.sqrt(2 * math.pi)
    near = (places >= f.min() - 0.5 / points) & (places <= f.max() + 0.5 / points)
    return [
        SmoothPoint(float(places[k]), round(held[k]), float(np.clip(places[k] - gaps[k] / rows[k], 0, 1)))
        for k in np.flatnonzero(near & (held >= fewest))
    ]


def _waves(f: Array, values: Array) -> Array:
    """Sum of ``values`` in each cell, as cosine waves: reflected at 0 and 1, as the kernel is there."""
    import numpy as np
    from scipy.fft import dct

    cell = np.minimum((f * CELLS).astype(np.int64), CELLS - 1)
    return dct(np.bincount(cell, weights=values, minlength=CELLS), norm="ortho")


def _smooth(waves: Array, bandwidth: float) -> Array:
    """Values ``(CELLS,)`` under a Gaussian kernel reflected at 0 and 1, which damps each wave by a known factor."""
    import numpy as np
    from scipy.fft import idct

    return idct(waves * np.exp(-((math.pi * bandwidth * np.arange(CELLS)) ** 2) / 2), norm="ortho")


def _mean_distance(waves: Array, bandwidth: float) -> float:
    import numpy as np

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
