"""Arrays and counts in, numbers out: estimates with an interval for the reader and bounds for the judge.

Every estimate carries one-sided bounds at the nine levels of ``core.LEVELS``, so that whoever judges needs no
statistics. Bounds widen with the level and enclose the value. Those on counts miss no more often than they say at any
pair of rates that was enumerated; the others were simulated (``tests/bench/stats_coverage.py`` prints both). Means
leave room for rows that were not seen, so that their bounds are wide where one row can weigh much. Input without rows,
or of the wrong kind, raises ``ValueError``.
"""

from __future__ import annotations

from govkit.stats.amplification import gap_change
from govkit.stats.calibration_changes import calibration_difference
from govkit.stats.calibration_errors import calibration
from govkit.stats.drift import jensen_shannon, population_stability, total_variation, wasserstein
from govkit.stats.estimate import UNBOUNDED, Estimate
from govkit.stats.many_groups import spread, spread_ratio
from govkit.stats.means import mean, mean_change, mean_difference
from govkit.stats.multiplicity import holm
from govkit.stats.paired import Flips, flips, mcnemar_exact, paired_difference
from govkit.stats.proportions import proportion, rows_needed
from govkit.stats.ranking import auc, auc_difference
from govkit.stats.recall import macro_recall, macro_recall_difference
from govkit.stats.reliability import ReliabilityBin, consistency_test, ece, reliability_bins
from govkit.stats.two_groups import absolute_difference, difference, ratio

__all__ = [
    "UNBOUNDED",
    "Estimate",
    "Flips",
    "ReliabilityBin",
    "absolute_difference",
    "auc",
    "auc_difference",
    "calibration",
    "calibration_difference",
    "consistency_test",
    "difference",
    "ece",
    "flips",
    "gap_change",
    "holm",
    "jensen_shannon",
    "macro_recall",
    "macro_recall_difference",
    "mcnemar_exact",
    "mean",
    "mean_change",
    "mean_difference",
    "paired_difference",
    "population_stability",
    "proportion",
    "ratio",
    "reliability_bins",
    "rows_needed",
    "spread",
    "spread_ratio",
    "total_variation",
    "wasserstein",
]
