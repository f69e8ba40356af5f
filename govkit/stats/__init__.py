"""Arrays and counts in, numbers out: estimates with an interval for the reader and bounds for the judge.

Every estimate carries one-sided bounds at the nine levels of ``core.LEVELS``, so that whoever judges needs no
statistics. Bounds widen with the level and enclose the value. Those on counts miss no more often than they say at any
pair of rates that was enumerated; the others were simulated (``tests/bench/stats_coverage.py`` prints both). Means
leave room for rows that were not seen, so that their bounds are wide where one row can weigh much. Input without rows,
or of the wrong kind, raises ``ValueError``.

The interval is for the reader, and nothing is judged by it. Those of Wilson and Newcombe are near 95 % on average and
miss too often where shares are close to 0 or 1 (``tests/bench/reader_intervals.py``).
"""

from __future__ import annotations

from govkit.stats.amplification import gap_change, gap_changes
from govkit.stats.calibration_changes import calibration_difference
from govkit.stats.calibration_errors import calibration
from govkit.stats.clusters import Clusters, Design, clusters_of, crossed, joined
from govkit.stats.designs import (
    design_of,
    difference_design,
    gap_change_design,
    mean_change_design,
    mean_design,
    paired_design,
    share_design,
)
from govkit.stats.drift import jensen_shannon, population_stability, total_variation, wasserstein
from govkit.stats.early_stop import looks_at, settled, stopped_difference, stopped_share
from govkit.stats.estimate import UNBOUNDED, Estimate
from govkit.stats.flip_excess import excess_flips
from govkit.stats.looks import category_looks, rank_bins, rank_shift, rank_variance, unseen_share
from govkit.stats.many_groups import spread, spread_ratio
from govkit.stats.means import mean, mean_change, mean_difference
from govkit.stats.multiplicity import holm
from govkit.stats.paired import Flips, flips, mcnemar_exact, paired_difference, paired_differences
from govkit.stats.planning import (
    clusters_for,
    detectable_difference,
    detectable_paired_difference,
    detectable_share,
    rows_for_difference,
    rows_for_paired_difference,
    rows_for_share,
    rows_to_detect,
    worth,
)
from govkit.stats.proportions import proportion, proportions, rows_needed
from govkit.stats.ranking import auc, auc_difference
from govkit.stats.recall import macro_recall, macro_recall_difference
from govkit.stats.reliability import ReliabilityBin, consistency_test, cumulated_gap, ece, reliability_bins
from govkit.stats.sequential import Look, MeanStream, RateStream, StreamState
from govkit.stats.smooth_calibration import SmoothPoint, smooth_calibration_error, smooth_diagram
from govkit.stats.two_groups import absolute_difference, difference, differences, ratio, ratios
