"""The ancestry statistics against the same things written with other tools."""

import numpy as np
import pytest
import scipy.linalg
from scipy.spatial.distance import cdist

from govkit.stats import ancestry as gs


def reference(candidate, base):
    """Centre, limit singular values to their median by scipy's SVD, cosines by cdist, moments by masks."""
    sides = []
    for given in (candidate, base):
        flat = np.asarray(given, dtype=np.float64).reshape(len(given), -1)
        u, s, vt = scipy.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
        s = s[s > 1e-3 * s[0]]
        s = np.minimum(s, max(np.sqrt(np.median(s**2)), 0.01 * s[0]))
        sides.append(u[:, : len(s)] @ np.diag(s) @ vt[: len(s)])
    cosines = 1 - cdist(*sides, metric="cosine")
    unequal = cosines[~np.eye(len(cosines), dtype=bool)]
    d = np.diag(cosines).mean() - unequal.mean()
    return d, d / (unequal.std() / np.sqrt(len(cosines)))


@pytest.mark.parametrize("shape", [(12, 12), (30, 100), (200, 16), (24, 3, 3, 3)])
@pytest.mark.parametrize("noise", [0.0, 1.0, 50.0])
def test_alignment(shape, noise):
    dice = np.random.default_rng(7)
    base = dice.normal(size=shape) * dice.lognormal(size=shape[-1])
    candidate = base + noise * dice.normal(size=shape)
    found = gs.alignment(gs.unit_rows(candidate, even=True), gs.unit_rows(base, even=True))
    assert found == pytest.approx(reference(candidate, base), rel=2e-3, abs=2e-3)


def test_rank_of_change():
    dice = np.random.default_rng(8)
    base, change = dice.normal(size=(80, 50)), dice.normal(size=(80, 50)) * 0.9 ** np.arange(50)
    energy = scipy.linalg.svdvals(change) ** 2
    needed = next(k for k in range(1, 51) if energy[:k].sum() >= 0.99 * energy.sum())
    assert gs.moved(base + change, base)[2] == pytest.approx(needed, abs=1)


def test_distance_of_spectra():
    dice = np.random.default_rng(9)
    base, candidate = dice.normal(size=(40, 30)), dice.normal(size=(40, 30)) * 1.2
    ours, theirs = scipy.linalg.svdvals(base), scipy.linalg.svdvals(candidate)
    assert gs.spectra_apart(candidate, base) == pytest.approx(30 * np.median(abs(theirs - ours) / ours))
