"""Variance from cluster totals against statsmodels' cluster-robust covariance."""

from __future__ import annotations

import numpy as np
import pytest

from govkit import stats

sm = pytest.importorskip("statsmodels.api")


def test_the_variance_of_a_difference_is_that_of_a_regression_on_the_group():
    rng = np.random.default_rng(0)
    key, group = rng.integers(0, 40, 900), rng.random(900) < 0.4
    right = rng.random(900) < rng.beta(4, 1, 40)[key]
    fit = sm.OLS(right.astype(float), sm.add_constant(group.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": key, "use_correction": False}
    )
    clusters = stats.clusters_of(key)
    sides = [[clusters.sums(each) for each in (right & rows, rows)] for rows in (group, ~group)]
    design = stats.difference_design(*sides)
    pull = design.points[0][0].pull
    assert float(pull @ pull) == pytest.approx(float(fit.cov_params()[1, 1]), rel=1e-10)
