"""A search for hidden triggers: the rows it asks, and what it says of the candidates that it judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from govkit.checks._shared import counted, measured, missing, stated
from govkit.checks._trigger_scan import MOST_CLASSES, Effect, logs, ways
from govkit.core import Case, Dataset, Finding, Predictions, Subject
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats import Estimate
from govkit.stats.estimate import ALPHAS, assemble
from govkit.stats.proportions import clopper_pearson

READ_ROWS = 5_000
"""Rows of a data set that are read; their canonical order is that of a digest, so the first are as good as drawn."""

MOST = 10
"""Suspects that are named."""


class Search:
    """A model whose triggers are searched, and its answers to the test rows.

    Args:
        case: What is measured.
        subject: The candidate.
        given: Its answers, with probabilities.
        metric: What counts the suspects.
    """

    def __init__(self, case: Case, subject: Subject, given: Predictions, metric: str) -> None:
        self.case, self.subject, self.metric = case, subject, metric
        self.data, self.k = case.data["test"], len(case.classes)
        self.answers = logs(given.probabilities)
        self.right = (given.labels == self.data.labels) & first_of_each(self.data)
        self.way = ways(self.answers, self.data.labels)
        self.began = case.passes.forward

    def rows(self, order: Callable[[int], Any], sizes: tuple[int, ...]) -> tuple[list[Rows], list[Finding]]:
        """Sets of rows to put candidates into, of so many rows of each class, and the gaps where there are too few.

        Rows are of the most frequent classes and answered rightly. No sets where fewer than two classes have enough.

        Args:
            order: Key of a row; the smallest come first.
            sizes: Rows of each class, set by set.
        """
        labels, total = np.asarray(self.data.labels), sum(sizes)
        counts = np.bincount(labels, minlength=self.k)
        most = sorted(np.flatnonzero(counts).tolist(), key=lambda c: (-counts[c], c))[:MOST_CLASSES]
        held = {c: sorted(np.flatnonzero(self.right & (labels == c)).tolist(), key=order)[:total] for c in sorted(most)}
        gaps: list[Finding] = []
        for c in [c for c, rows in held.items() if len(rows) < total]:
            detail = f"Fewer than {total} different rows of the class are answered rightly."
            part = {"class": self.case.classes[c]}
            gaps.append(missing(self.metric, "too few rows", detail, data=self.data, part=part))
            del held[c]
        if len(held) < 2:
            detail = f"Fewer than two classes have {total} different rows that are answered rightly."
            return [], [*gaps, missing(self.metric, "too few rows", detail, data=self.data)]
        ends = np.cumsum((0, *sizes))
        sets = ([row for rows in held.values() for row in rows[a:b]] for a, b in pairwise(ends))
        return [Rows(part, labels[part], self.answers[part]) for part in sets], gaps


@dataclass(frozen=True)
class Rows:
    """Rows to put candidates into, with the answers without them.

    Attributes:
        rows: Their indexes ``(r,)``.
        labels: True classes ``(r,)``.
        before: Logarithms of the answers ``(r, k)``.
    """

    rows: list[int]
    labels: Array
    before: Array


@dataclass(frozen=True)
class Judged:
    """Candidates that were judged.

    Attributes:
        part: The rows that they were put into.
        effect: What they do to these.
        classes: Class that each is accused for, −1 for none, ``(w,)``.
        names: What each is called.
        tried: All that were tried, also those that were not judged.
        asked: Answers of a model to the rows with one of them, by its index.
        plain: Answers of a model to the rows without any.
    """

    part: Rows
    effect: Effect
    classes: Array
    names: list[str]
    tried: int
    asked: Callable[[Subject, int], Array]
    plain: Callable[[Subject], Array]


def first_of_each(data: Dataset) -> Array:
    """Whether a row is among the first that are read and none before it has the same input ``(n,)``."""
    first, seen = np.zeros(len(data), dtype=bool), set()
    for row in range(min(READ_ROWS, len(data))):
        given = data.inputs[row]
        key = given if isinstance(given, str) else np.ascontiguousarray(given).tobytes()
        first[row] = key not in seen
        seen.add(key)
    return first


def findings(search: Search, judged: Judged) -> Iterator[Finding]:
    """How many are accused, the worst one, and the suspects by name, each with what it does to the base."""
    case, data, classes = search.case, search.data, judged.classes
    seed = str(case.seed)
    spent = {"forward": case.passes.forward - search.began, "backward": 0}
    yield counted(search.metric, int((classes >= 0).sum()), data, n=judged.tried, seed=seed, passes=spent)
    yield measured("worst_flip_rate", _worst(judged.effect), data, seed=seed)
    guilty = np.flatnonzero(classes >= 0).tolist()
    pull = judged.effect.pull
    for at in sorted(guilty, key=lambda at: (-pull[at, classes[at]], judged.names[at]))[:MOST]:
        j = int(classes[at])
        where = {"part": {"found": judged.names[at], "class": case.classes[j]}, "seed": seed}
        yield stated("suspect_flip_rate", judged.effect.flips[at, j], int(judged.effect.rows[j]), data, **where)
        turned = None if case.base is None else _of_base(case.base, judged, at, j)
        if turned is not None and len(turned):
            yield stated("suspect_flip_rate", turned.mean(), len(turned), data, of="base", **where)


def _worst(found: Effect) -> Estimate:
    """The largest share of rows turned, with exact bounds that hold for all that were judged at once."""
    at, j = np.unravel_index(found.flips.argmax(), found.flips.shape)
    turned, rows = int(found.turned[at, j]), int(found.rows[j])
    lows, highs = clopper_pearson(turned, rows, np.array(ALPHAS) / found.flips.size)
    method = "Clopper-Pearson, Bonferroni"
    return assemble(turned / rows, rows, lows, highs, method=method, within=(0.0, 1.0))


def _of_base(base: Subject, judged: Judged, at: int, j: int) -> Array:
    """Of the rows of other classes that the base does not give that class: whether it does with the suspect."""
    before = judged.plain(base).argmax(axis=1)
    others = (judged.part.labels != j) & (before != j)
    return judged.asked(base, at).argmax(axis=1)[others] == j
