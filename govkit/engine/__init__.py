"""Where models are asked: once for each model and data set, in batches, with the answers checked and kept."""

from __future__ import annotations

from govkit.engine.answers import Answers, checked_probabilities
from govkit.engine.batches import batches
from govkit.engine.repeats import again, moved, rows_of, spread_rows
