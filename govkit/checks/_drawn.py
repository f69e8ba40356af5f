"""Numbers whose interval comes from rows drawn anew: for the reader, never for a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from govkit.checks._shared import measured, missing
from govkit.core import Case, Dataset, Finding, Of
from govkit.core.case import Array
from govkit.stats import Estimate
from govkit.stats.bootstrap import Statistic, Undefined

NO_LIMIT = "It has no bounds, so that no limit can rest on it."
"""What the text of such a metric says."""


def drawn(
    name: str,
    scores: Sequence[Statistic],
    resample: Callable[..., Estimate],
    case: Case,
    data: Dataset,
    *,
    undefined: str,
    **whose: Of,
) -> Finding:
    """The score of one model, or of the first of two less that of the second on the same rows.

    Args:
        name: The metric.
        scores: One statistic, or two.
        resample: A bootstrap that lacks only statistic and seed.
        case: Where the seed is from.
        data: The rows.
        undefined: What the gap says where the score does not exist.
        whose: ``of`` or ``compared_with``.
    """

    def less(rows: Array) -> Array:
        found = [score(rows) for score in scores]
        return found[0] - found[1] if len(found) == 2 else found[0]

    seed = case.seed
    try:
        return measured(name, resample(statistic=less, seed=seed), data, seed=str(seed), **whose)
    except Undefined:
        return missing(name, "too few rows", undefined, data=data, **whose)
