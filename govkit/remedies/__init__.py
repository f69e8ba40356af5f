"""Remedies: a new candidate from an audited one, fitted on the calibration rows alone.

A remedy changes answers, not weights: it is a function of what the candidate states, of the group or of numeric inputs
where it says so. Each is fitted by one function, ``Rows -> Remedy``; ``effects`` says what it changed, and for whom.
"""

from __future__ import annotations

from govkit.remedies.effects import Effect, effects
from govkit.remedies.isotonic import isotonic
from govkit.remedies.reweigh import reweigh
from govkit.remedies.rows import Remedy, Rows, refuse_shared, rows_of, shared_rows
from govkit.remedies.temperature import temperature
from govkit.remedies.threshold import CONSTRAINTS, threshold

__all__ = [
    "CONSTRAINTS",
    "Effect",
    "Remedy",
    "Rows",
    "effects",
    "isotonic",
    "refuse_shared",
    "reweigh",
    "rows_of",
    "shared_rows",
    "temperature",
    "threshold",
]
