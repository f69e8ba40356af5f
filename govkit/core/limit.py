"""Where a measurement stands beside a limit: what the judge and the documents both have to say."""

from __future__ import annotations

from govkit.core.finding import Bound, Measurement
from govkit.core.policy import Requirement

SLACK = 1e-9
"""Levels such as 1 − 0.95 are not exact in binary; comparisons forgive that and nothing more."""


def bound_for(measurement: Measurement, confidence: float) -> Bound | None:
    """The bound at the smallest stored level that is at least ``confidence``."""
    levels = [bound for bound in measurement.bounds if bound.level >= confidence - SLACK]
    return min(levels, key=lambda bound: bound.level, default=None)


def beyond(bound: Bound, require: Requirement) -> bool:
    """True where the whole of what the bound allows lies beyond a limit."""
    under = require.min is not None and bound.high < require.min
    over = require.max is not None and bound.low > require.max
    return under or over


def distance(measurement: Measurement | None, require: Requirement | None) -> float:
    """How far a number lies beyond its limit, below 0 inside of it; minus infinity where neither is a number."""
    value = measurement.value if measurement is not None else ""
    if require is None or isinstance(value, bool | str):
        return float("-inf")
    under = require.min - value if require.min is not None else float("-inf")
    over = value - require.max if require.max is not None else float("-inf")
    return max(under, over)
