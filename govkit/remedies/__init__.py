"""Remedies: a new candidate from an audited one, fitted on rows that do not judge it.

Most change answers: each is a function of what the candidate states, of the group or of numeric inputs where it says
so, fitted by one function, ``Rows -> Remedy``. Two change weights: ``harden`` trains them, ``soup`` mixes them with
those of the base. ``effects`` says what a remedy changed, and for whom.
"""

from __future__ import annotations

from govkit.remedies.effects import Effect, effects
from govkit.remedies.harden import Hardened, Method, Training, harden
from govkit.remedies.isotonic import isotonic
from govkit.remedies.reweigh import reweigh
from govkit.remedies.rows import Fitted, Remedy, Rows, refuse_shared, rows_of, shared_rows
from govkit.remedies.temperature import temperature
from govkit.remedies.threshold import CONSTRAINTS, threshold
