"""Precision, recall, F1 and the Matthews correlation: of one model, and of two on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from govkit import stats
from govkit.checks._cells import Cells, cells_of
from govkit.checks._clusters import clusters_in, designs_of, paired, share_of
from govkit.checks._drawn import NO_LIMIT, drawn
from govkit.checks._shared import measured, missing, stated
from govkit.core import Case, Dataset, Finding, Metric, Of, Predictions
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.agreement import f_scores, matthews, precisions, share
from govkit.stats.bootstrap import multinomial
from govkit.stats.f_score import f_score, macro_f_score, macro_precision

WHOSE = "of the positive class; with more than two classes the mean over the classes, and of each class"
SCORES = {
    "precision": Metric.share(f"Share of the rows answered with a class that are of it: {WHOSE}.", "higher"),
    "recall": Metric.share(f"Share of the rows of a class that are answered with it: {WHOSE}.", "higher"),
    "f1": Metric.share(f"Harmonic mean of precision and recall: {WHOSE}.", "higher"),
    "matthews_corrcoef": Metric(
        f"Correlation of answers and truths: 1 if all are right, 0 if the answers tell nothing of them. {NO_LIMIT}",
        "higher",
        unit="correlation",
        low=-1,
        high=1,
    ),
}
MOST_CELLS = 50_000
"""Largest table that is drawn anew; a larger one gives the number without an interval."""

UNDEFINED = {
    "precision": "No row is answered with the class.",
    "recall": "A class has no rows.",
    "f1": "No row is of the class or answered with it.",
    "matthews_corrcoef": "All truths or all answers are one class.",
}


@dataclass(frozen=True)
class Scored:
    """Two models, or one, on the same rows: what their scores are computed from."""

    case: Case
    data: Dataset
    cells: Cells

    @property
    def positive(self) -> int | None:
        """Index of the class whose scores these are; None for the mean over the classes."""
        return self.case.positive if self.cells.classes == 2 else None

    def resampled(self, name: str, *models: int, **whose: Of) -> Finding:
        """A score of one model, or of the first of two less that of the second, with an interval from draws."""
        counts, scores = self.cells.counts, [partial(self._score, name, model) for model in models]
        if counts.size > MOST_CELLS:
            values = [float(score(counts)) for score in scores]
            return stated(name, values[0] - sum(values[1:]), int(counts.sum()), self.data, **whose)
        resample = partial(multinomial, counts)
        return drawn(name, scores, resample, self.case, self.data, undefined=UNDEFINED[name], **whose)

    def _score(self, name: str, model: int, counts: Array) -> Array:
        """A score of counts ``(..., c)``: the positive class's, or the mean over classes."""
        margins = self.cells.margins(counts, model)
        if name == "matthews_corrcoef":
            return matthews(*margins)
        if self.positive is None:
            return np.asarray(np.nanmean((precisions if name == "precision" else f_scores)(*margins), axis=-1))
        found = share(margins[0], margins[2]) if name == "precision" else f_scores(*margins)
        return np.asarray(found[..., self.positive])


def class_scores(case: Case, data: Dataset, of: Of, given: Predictions) -> Iterator[Finding]:
    """The four scores of one model; with more than two classes also the first three of each class."""
    scored = Scored(case, data, cells_of((data.labels, given.labels), len(case.classes)))
    hits, truths, answered = margins = scored.cells.margins(scored.cells.counts)
    sides = data.labels, given.labels
    if scored.positive is not None:
        yield from _of_class(scored, margins, (scored.positive, sides), of, {})
    else:
        some, either = truths + answered > 0, truths + answered - hits
        clusters, right = clusters_in(data), given.labels == data.labels
        said, true = (
            designs_of(clusters, held > 0, column, lambda each, at: share_of(each, right[at]))
            for held, column in ((answered, given.labels), (truths, data.labels))
        )
        precision = macro_precision(hits[some], answered[some], design=said)
        yield measured("precision", precision, data, of=of)
        yield measured("recall", stats.macro_recall(hits[truths > 0], truths[truths > 0], design=true), data, of=of)
        yield measured("f1", macro_f_score(hits[some], either[some]), data, of=of)
        for index, name in enumerate(case.classes if of == "candidate" else ()):
            yield from _of_class(scored, margins, (index, sides), of, {"class": name})
    yield scored.resampled("matthews_corrcoef", 0, of=of)


def _of_class(
    scored: Scored, margins: tuple[Array, ...], whose: tuple[int, tuple[Array, Array]], of: Of, part: dict[str, str]
) -> Iterator[Finding]:
    index, (labels, answers) = whose
    hit, true, answered = (int(counts[index]) for counts in margins)
    is_it, said = labels == index, answers == index
    wanted = (
        ("precision", answered, stats.proportion, said),
        ("recall", true, stats.proportion, is_it),
        ("f1", true + answered - hit, f_score, is_it | said),
    )
    for name, rows, estimate, at in wanted:
        if rows:
            clusters = clusters_in(scored.data, at)
            design = {} if clusters is None else {"design": share_of(clusters, (is_it & said)[at])}
            yield measured(name, estimate(hit, rows, **design), scored.data, of=of, part=part)
        else:
            yield missing(name, "too few rows", UNDEFINED[name], data=scored.data, of=of, part=part)


def score_differences(
    case: Case, data: Dataset, given: Predictions, rival: Of, other: Predictions
) -> Iterator[Finding]:
    """Each score of the candidate less that of a rival on the same rows; all but recall without bounds."""
    columns = data.labels, given.labels, other.labels
    scored = Scored(case, data, cells_of(columns, len(case.classes)))
    yield _recall_difference(scored, rival, columns)
    for name in ("precision", "f1", "matthews_corrcoef"):
        yield scored.resampled(name, 0, 1, compared_with=rival)


def _recall_difference(scored: Scored, rival: Of, columns: tuple[Array, Array, Array]) -> Finding:
    cells, data = scored.cells, scored.data
    truth, one, two = cells.labels
    n = cells.margins(cells.counts)[1]
    only_one = cells.margins(cells.counts * (two != truth), 0)[0]
    only_two = cells.margins(cells.counts * (one != truth), 1)[0]
    if scored.positive is None:
        some = n > 0
        estimate = stats.macro_recall_difference(only_one[some], only_two[some], n[some])
    elif n[scored.positive]:
        at = columns[0] == scored.positive
        first, second = (one[at] == scored.positive for one in columns[1:])
        return paired("recall", first, second, data, at=at, compared_with=rival)
    else:
        return missing("recall", "too few rows", UNDEFINED["recall"], data=data, compared_with=rival)
    return measured("recall", estimate, data, compared_with=rival)
