"""F1 and precision: exact bounds, from what is a plain share in them.

F1 is ``2t / (1 + t)`` with ``t`` the share of hits among the rows that are of the class or were answered with it. Given
the number of these rows, ``t`` is a binomial share, and what rises with it has its bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.clusters import Design, by_class, in_clusters, readers
from govkit.stats.estimate import ALPHAS, Estimate, assemble
from govkit.stats.inputs import counts, fraction, fractions
from govkit.stats.proportions import clopper_pearson, wilson


def f_score(hits: int, either: int, *, design: Design | None = None) -> Estimate:
    """F1 of one class, in [0, 1].

    Args:
        hits: Rows of the class that were answered with it.
        either: Rows that are of the class, or were answered with it, or both.
        design: Of the share of hits among these rows, where they lie in clusters.

    Raises:
        ValueError: If ``either`` is 0 or smaller than ``hits``.
    """
    x, n = fraction(hits, either)
    exact = clopper_pearson(np.array([[x]]), np.array([[n]]), np.array(ALPHAS))
    (lows,), (highs,) = in_clusters(design, [x / n], exact)
    (reader,) = readers(
        "Wilson, as F1", lambda *share: tuple(map(_f_of, wilson(*share))), design, *np.array([[x], [n]])
    )
    return assemble(_f_of(x / n), n, _f_of(lows), _f_of(highs), within=(0.0, 1.0), **reader)


def macro_f_score(hits: Any, either: Any, *, design: Design | None = None) -> Estimate:
    """Mean F1 over ``K`` classes, in [0, 1]; bounds average exact bounds at a ``K``-th of the error.

    Args:
        hits: Rows of each class that were answered with it, ``(K,)``.
        either: Rows that are of the class, or were answered with it, or both, ``(K,)``.
        design: Of the share of hits among these rows in each class, where they lie in clusters.

    Raises:
        ValueError: If ``either`` is 0 for a class, or smaller than ``hits``.
    """
    x, n = fractions(hits, either, at_least=1)
    # A wrong row counts with two classes, a right one with one.
    return _macro(x, n, int(x.sum() + (n - x).sum() // 2), _f_of, design)


def macro_precision(hits: Any, answered: Any, *, design: Design | None = None) -> Estimate:
    """Mean precision over ``K`` classes, in [0, 1]; one that is never answered counts 0 (as in scikit-learn).

    Nothing is known of such a class: its part of the bounds is 0 to 1.

    Args:
        hits: Rows of each class that were answered with it, ``(K,)``.
        answered: Rows answered with each class, ``(K,)``; not all 0.
        design: Of the precision of each class that was answered, in their order, where rows lie in clusters.

    Raises:
        ValueError: If no class was answered, or a class has more hits than answers.
    """
    n = counts("answered", answered)
    if not n.any():
        raise ValueError("no class was answered; expected at least one row")
    # A class that is never answered has no hits among its no answers.
    x, _ = fractions(hits, np.maximum(n, 1), at_least=1)
    if np.any(x > n):
        raise ValueError(f"class {int(np.argmax(x > n))} has more hits than answers")
    return _macro(x, n, int(n.sum()), lambda share: share, design)


def _macro(x: Array, n: Array, rows: int, shape: Callable[[Array], Array], design: Design | None) -> Estimate:
    """Mean of a rising function of each class's share."""
    alphas, some = np.array(ALPHAS) / x.size, n > 0
    lows, highs = clopper_pearson(x[:, None], n[:, None], alphas)
    plain = lows[some], highs[some]
    lows[some], highs[some] = in_clusters(design, x[some] / n[some], plain, alphas)
    value = float(np.mean(shape(x / np.maximum(n, 1))))
    ends = shape(lows).mean(axis=0), shape(highs).mean(axis=0)
    return assemble(value, rows, *ends, within=(0.0, 1.0), **by_class("Clopper-Pearson", design))


def _f_of(share: Any) -> Any:
    return 2 * share / (1 + share)
