"""What a remedy changed on the test rows, for everybody and for each group: before, after, and the paired change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from govkit import stats
from govkit.core import LEVELS, Interval, Predictions, Recorded
from govkit.core.case import Array
from govkit.lazy import np
from govkit.remedies.rows import Rows

Metric = Literal["accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "calibration_error"]
BETTER = {
    "accuracy": 1,
    "selection_rate": 0,
    "true_positive_rate": 1,
    "false_positive_rate": -1,
    "calibration_error": -1,
}
FEWEST = 20
"""Rows below which a calibration error says nothing."""


class Effect(Recorded):
    """One metric of one part of the test rows.

    Attributes:
        metric: ``selection_rate``, ``true_positive_rate`` and ``false_positive_rate`` are of the positive class.
        part: ``{"sex": "female"}``; empty means all rows.
        n: Rows that carry the values.
        before: Of the candidate, in [0, 1].
        after: Of the remedied candidate, None where it states no probabilities.
        change: Interval of ``after - before`` on the same rows, 95 %.
        worse: The value moved to the worse side; a selection rate has none.
        beyond_chance: The bounds of the change leave out 0, at 5 % for all effects together (Bonferroni; of more than
            49 parts at the strictest level that bounds have, 0.9999).
    """

    metric: Metric
    part: dict[str, str]
    n: int
    before: float
    after: float | None = None
    change: Interval | None = None
    worse: bool = False
    beyond_chance: bool = False


_Values = tuple[int, float, float | None, stats.Estimate | None]
"""Rows, before, after and the change of one metric; after and the change are None where it cannot be told."""


def effects(rows: Rows, after: Predictions, parts: Mapping[tuple[str, str], Array], *, seed: int) -> Iterator[Effect]:
    """Effects on all rows, then on each part.

    Args:
        rows: Test rows with the answers before.
        after: The answers after.
        parts: ``(column, group)`` -> its rows, truths ``(n,)``.
        seed: Seed of the interval of the change of the calibration error.
    """
    everybody = {("", ""): np.ones(len(rows.labels), dtype=bool)}
    wanted = 1 - 0.05 / 2 / (len(BETTER) * (1 + len(parts)))
    level = next((level for level in LEVELS if level >= wanted), LEVELS[-1])
    for (column, name), inside in (everybody | dict(parts)).items():
        part = {column: name} if column else {}
        for metric, (old, new, among) in _shares(rows, after).items():
            asked = among & inside
            if asked.any():
                yield _effect(metric, part, _share(old[asked], new[asked]), level)
        if inside.sum() >= FEWEST:
            yield _effect("calibration_error", part, _calibration(rows, after, inside, seed), level)


def _shares(rows: Rows, after: Predictions) -> dict[Metric, tuple[Array, Array, Array]]:
    """An event before and after, and the rows it can happen to, truths ``(n,)``."""
    every, true = np.ones(len(rows.labels), dtype=bool), rows.labels == rows.positive
    old, new = rows.predicted == rows.positive, after.labels == rows.positive
    return {
        "accuracy": (rows.predicted == rows.labels, after.labels == rows.labels, every),
        "selection_rate": (old, new, every),
        "true_positive_rate": (old, new, true),
        "false_positive_rate": (old, new, ~true),
    }


def _share(old: Array, new: Array) -> _Values:
    change = stats.paired_difference(int((new & ~old).sum()), int((old & ~new).sum()), len(old))
    return len(old), float(old.mean()), float(new.mean()), change


def _calibration(rows: Rows, after: Predictions, inside: Array, seed: int) -> _Values:
    """Of the positive class, with more than two classes of the answer given, as the check ``calibration`` does."""
    old, n = _stated(rows, rows.predicted, rows.probabilities, inside), int(inside.sum())
    before = stats.calibration(*old).value
    if after.probabilities is None:
        return n, before, None, None
    new = _stated(rows, after.labels, after.probabilities, inside)
    change = stats.calibration_difference(*new, *old, paired=True, seed=seed)
    return n, before, stats.calibration(*new).value, change


def _stated(rows: Rows, labels: Array, probabilities: Array, inside: Array) -> tuple[Array, Array]:
    """Stated probabilities, and whether they came true, of the rows inside."""
    asked = np.full(len(labels), rows.positive) if probabilities.shape[1] == 2 else labels
    stated = np.clip(probabilities[np.arange(len(asked)), asked], 0, 1)
    return stated[inside], (asked == rows.labels)[inside]


def _effect(metric: Metric, part: dict[str, str], values: _Values, level: float) -> Effect:
    n, before, after, change = values
    bound = None if change is None else next(each for each in change.bounds if each.level == level)
    return Effect(
        metric=metric,
        part=part,
        n=n,
        before=before,
        after=after,
        change=None if change is None else change.interval,
        worse=after is not None and (after - before) * BETTER[metric] < 0,
        beyond_chance=bound is not None and not bound.low <= 0 <= bound.high,
    )
