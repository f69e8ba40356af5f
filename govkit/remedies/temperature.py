"""Temperature scaling: one number that makes a model as sure as it is right (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

from collections.abc import Callable

from govkit.core import Predictions
from govkit.core.case import Array
from govkit.errors import DataError
from govkit.lazy import np
from govkit.remedies.rows import Remedy, Rows, must_be

COLDEST, HOTTEST = 0.05, 20.0
"""Temperatures outside mean that the rows do not determine one: a model that is never wrong, or never right."""

PROFILE = 3.841458820694124
"""95 % point of chi-square with one degree of freedom: how far twice the log-likelihood may fall in the interval."""


def temperature(rows: Rows) -> Remedy:
    """Divide the logits by the temperature T that minimizes the negative log-likelihood (NLL) of the rows.

    The NLL is convex in 1/T, so T is the root of its slope. Its interval is that of the profile likelihood, cut to the
    range of T. The order of the classes of a row never changes, so its answer stays as it is.

    Raises:
        UsageError: Too few rows, or T lies outside [0.05, 20].
    """
    from scipy.optimize import brentq

    must_be(rows)
    z, truth = _logits(rows.probabilities), rows.labels
    least, most = 1 / HOTTEST, 1 / COLDEST
    if not _slope(z, truth, least) < 0 < _slope(z, truth, most):
        raise DataError(
            f"data.calibration: no temperature in [{COLDEST:g}, {HOTTEST:g}] is best; either the candidate is never "
            "wrong on these rows, or it knows nothing of them"
        )
    beta = brentq(lambda b: _slope(z, truth, b), least, most, xtol=1e-13)
    low, high = _profile(lambda b: 2 * len(z) * (_nll(z, truth, b) - _nll(z, truth, beta)) - PROFILE, beta, least, most)
    numbers = {
        "temperature": 1 / beta,
        "interval": {"level": 0.95, "low": 1 / high, "high": 1 / low, "method": "profile likelihood"},
        "nll_before": _nll(z, truth, 1.0),
        "nll_after": _nll(z, truth, beta),
    }
    was = "as sure as it was right, for all these rows tell"
    if not low <= 1 <= high:
        was = "surer than it was right" if beta < 1 else "less sure than it was right"
    remarks = (
        f"T = {1 / beta:.4g} (95 % interval {1 / high:.4g} to {1 / low:.4g}, {len(z)} calibration rows): the candidate "
        f"was {was}.",
        "One temperature for all: unequally calibrated groups stay unequal, and under shifted data it may not fit.",
    )
    return Remedy("temperature scaling", numbers, remarks, lambda other: _scaled(other, beta))


def _scaled(rows: Rows, beta: float) -> Predictions:
    from scipy.special import softmax

    return Predictions(rows.predicted, softmax(beta * _logits(rows.probabilities), axis=1))


def _logits(probabilities: Array) -> Array:
    """Logits up to a constant a row, ``(n, k)``; a probability is kept off 0 by the machine epsilon."""
    return np.log(np.maximum(probabilities, np.finfo(np.float64).eps))


def _nll(z: Array, truth: Array, beta: float) -> float:
    from scipy.special import log_softmax

    return float(-log_softmax(beta * z, axis=1)[np.arange(len(z)), truth].mean())


def _slope(z: Array, truth: Array, beta: float) -> float:
    """Derivative of the NLL in beta: the logit that is expected less the one that came true."""
    from scipy.special import softmax

    return float(((softmax(beta * z, axis=1) * z).sum(axis=1) - z[np.arange(len(z)), truth]).mean())


def _profile(excess: Callable[[float], float], beta: float, least: float, most: float) -> tuple[float, float]:
    """Where the likelihood has fallen too far on either side of its peak."""
    from scipy.optimize import brentq

    low = brentq(excess, least, beta) if excess(least) > 0 else least
    return low, brentq(excess, beta, most) if excess(most) > 0 else most
