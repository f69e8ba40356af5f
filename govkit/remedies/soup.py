"""Weights between the candidate and its base: how far toward the base costs nothing, and what it brings elsewhere.

WiSE-FT (Wortsman et al. 2021, "Robust fine-tuning of zero-shot models"): a tuned model that gives up some of its tuning
often loses nothing on rows like those it was tuned on, and answers shifted rows better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from govkit.core import Interval
from govkit.core.case import Array
from govkit.errors import DataError
from govkit.remedies.rows import FEWEST
from govkit.stats import paired_difference

WEIGHTS = tuple(step / 20 for step in range(1, 21))
"""Weights of the base that are tried."""


@dataclass(frozen=True)
class Choice:
    """A weight of the base, and the accuracy that each weight tried has on the rows it was chosen on."""

    weight: float
    accuracy: dict[float, float]


def choose(right: Callable[[float], Array]) -> Choice:
    """The largest weight of the base that loses nothing: as many rows are right as with the tuned weights alone.

    Args:
        right: Weight -> whether each row is answered right, truths ``(n,)``; never of rows that judge the result.

    Raises:
        DataError: There are fewer than 20 rows, or every weight that was tried loses rows.
    """
    tuned = right(0.0)
    if len(tuned) < FEWEST:
        raise DataError(f"data.calibration: found {len(tuned)} rows; to choose a weight takes {FEWEST}, add some")
    found = {0.0: tuned} | {weight: right(weight) for weight in WEIGHTS}
    kept = [weight for weight, rows in found.items() if weight and rows.sum() >= tuned.sum()]
    if not kept:
        raise DataError(
            f"data.calibration: with any weight of the base from {WEIGHTS[0]:g} on fewer of these rows are right, so "
            "the candidate stays as it is; --base-weight makes the model with a weight of your own"
        )
    return Choice(max(kept), {weight: float(rows.mean()) for weight, rows in found.items()})


@dataclass(frozen=True)
class Judged:
    """Accuracy before and after on rows that the weight was not chosen on, and the 95 % interval of the change."""

    before: float
    after: float
    change: Interval
    n: int

    def says(self, where: str, rows: str) -> str:
        """A sentence: better, worse or the same, and whether chance could explain it."""
        moved = self.after - self.before
        beyond = not self.change.low <= 0 <= self.change.high
        what = f"WORSE {where}" if moved < 0 else f"Better {where}" if moved else f"As good {where}"
        why = "more than chance explains" if beyond else "chance could explain it"
        return (
            f"{what}: accuracy {self.before:.3f} before and {self.after:.3f} after on {self.n} {rows} rows, change "
            f"{moved:+.3f} (95 % interval {self.change.low:+.3f} to {self.change.high:+.3f})"
            f"{f'; {why}' if moved else ''}."
        )


def judge(before: Array, after: Array) -> Judged:
    """Rows right before and after, truths ``(n,)``, side by side."""
    estimate = paired_difference(int((after & ~before).sum()), int((before & ~after).sum()), len(before))
    return Judged(float(before.mean()), float(after.mean()), estimate.interval, len(before))
