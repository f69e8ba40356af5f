"""Performance: how good are the answers, beside those of the base, the incumbent and a trivial answer?

The metrics are those of scikit-learn under the same names. Candidate and rival answered the same rows, so each
difference between them is paired, which settles it with a fraction of the rows that two separate samples would need
(Dror et al. 2018, "The hitchhiker's guide to testing statistical significance in NLP"). Between test and shifted data
the rows are different ones, and the difference is that of two independent samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from govkit import stats
from govkit.checks._class_scores import SCORES, class_scores, score_differences
from govkit.checks._clusters import both_in, clusters_in, designs_of, paired_of, share_of, shares_apart
from govkit.checks._means import shares
from govkit.checks._shared import MODELS, answers, log_losses, measured, missing, no_probabilities, stated, unrivaled
from govkit.core import Case, Dataset, Finding, Metric, Of, Predictions, Role, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.ranking import Placements, auc_difference_of, auc_of, placements
from govkit.stats.recall import macro_recall_change

METRICS = {
    "accuracy": Metric.share("Share of rows with the right answer.", better="higher"),
    "balanced_accuracy": Metric.share(
        "Mean over the classes of the share of their rows that got the right answer.", better="higher"
    ),
    "roc_auc": Metric.share(
        "Chance that a row of the positive class gets a higher probability than another row; "
        "with more than two classes the mean over the classes, each against the rest.",
        better="higher",
    ),
    **SCORES,
    "log_loss": Metric("Mean negative logarithm of the probability of the true class.", better="lower", unit="nats"),
    "accuracy_change": Metric("Accuracy on the shifted data less accuracy on the test data.", better="higher"),
    "balanced_accuracy_change": Metric(
        "Balanced accuracy on the shifted data less balanced accuracy on the test data.", better="higher"
    ),
    "log_loss_change": Metric(
        "Log loss on the shifted data less log loss on the test data.", better="lower", unit="nats"
    ),
}
COMPARED = ("accuracy", "balanced_accuracy", "roc_auc", "log_loss", *SCORES)
CHANGES = ("accuracy_change", "balanced_accuracy_change", "log_loss_change")
RIVALS: tuple[Of, ...] = ("base", "incumbent", "trivial")
ROLES: tuple[Role, ...] = ("test", "shifted")
WORST = 36.05
"""Largest log loss of a row, in nats, from above: that of a probability of 0, which counts as the machine epsilon."""


@dataclass(frozen=True)
class Answered:
    """One model's answers to one data set, beside the truth."""

    of: Of
    data: Dataset
    given: Predictions
    classes: int
    positive: int

    @cached_property
    def right(self) -> Array:
        """Truths ``(n,)``."""
        return self.given.labels == self.data.labels

    @cached_property
    def losses(self) -> Array | None:
        """Log loss of each row ``(n,)``, or None without probabilities."""
        return log_losses(self.given, self.data)

    @cached_property
    def placed(self) -> list[Placements]:
        """Ranking by the probability of the positive class, or by that of each class; none where a class is missing."""
        probabilities, labels = self.given.probabilities, self.data.labels
        ranked = range(self.classes) if self.classes != 2 else (self.positive,)
        if probabilities is None or self.classes < 2 or len(_present(self)[1]) < self.classes:
            return []
        some = clusters_in(self.data)
        return [placements(probabilities[:, index], labels == index, clusters=some) for index in ranked]


@check(
    "performance",
    crosswalk="check.performance",
    metrics=METRICS,
    reads=tuple((of, role) for of in MODELS for role in ROLES),
)
def performance(case: Case) -> Iterator[Finding]:
    """Accuracy, precision, recall, F1, ROC AUC, log loss on all rows, accuracy by part, and the change under shift.

    Of the candidate, the base and the incumbent, each candidate value also as the paired difference to them; the
    trivial answer (always the most frequent label) stands beside them with accuracy and log loss. More than
    two classes give ROC AUC without bounds. The Matthews correlation and differences of precision and F1 have an
    interval for the reader and no bounds.

    References:
        scikit-learn, ``accuracy_score``, ``balanced_accuracy_score``, ``precision_score``, ``recall_score``,
        ``f1_score``, ``matthews_corrcoef``, ``roc_auc_score``, ``log_loss``.
        DeLong, DeLong and Clarke-Pearson 1988 (bounds of ROC AUC); Tango 1998 (paired difference of shares).
    """
    answered = {role: _answered(case, role) for role in ROLES if role in case.data}
    for role, models in answered.items():
        right = {of: one.right for of, one in models.items()}
        yield from shares("accuracy", right, case.data[role], whole=role != "test")
        yield from _all_rows(models)
        yield from _scores(case, models)
    for rival in (of for of in MODELS[1:] if of not in answered["test"]):
        yield from unrivaled(rival, COMPARED, case.data["test"])
    if "shifted" in answered:
        for of in (of for of in MODELS if of in answered["shifted"]):
            yield from _change(answered["test"][of], answered["shifted"][of])
        if "candidate" not in answered["shifted"]:
            yield from _unanswered(case.data["shifted"], [of for of in RIVALS if of in answered["shifted"]])
    else:
        for name in CHANGES:
            yield missing(name, "no data", "There are no shifted data (data.shifted in the audit file).")


def _answered(case: Case, role: Role) -> dict[Of, Answered]:
    found = answers(case, role, (*MODELS, "trivial"))
    return {of: Answered(of, case.data[role], given, len(case.classes), case.positive) for of, given in found.items()}


def _unanswered(data: Dataset, rivals: list[Of]) -> Iterator[Finding]:
    """Gaps for shifted rows that the candidate has no stored answers to."""
    detail = "The candidate has no answers to the shifted data; store them beside its rows."
    for name in (*COMPARED, *CHANGES):
        yield missing(name, "no data", detail, data=data)
    for rival in rivals:
        for name in COMPARED:
            yield missing(name, "no data", detail, data=data, compared_with=rival)


def _all_rows(models: dict[Of, Answered]) -> Iterator[Finding]:
    """What depends on probabilities or on the classes of the right answers, and paired differences."""
    for one in models.values():
        if one.of != "trivial":
            yield _balanced(one)
            yield from _roc_auc(one)
        yield from _log_loss(one)
    candidate = models.get("candidate")
    if candidate is None:
        return
    for rival in (models[of] for of in RIVALS if of in models):
        if rival.of != "trivial":
            yield _balanced_difference(candidate, rival)
            yield from _roc_auc_difference(candidate, rival)
        yield from _log_loss_difference(candidate, rival)


def _scores(case: Case, models: dict[Of, Answered]) -> Iterator[Finding]:
    """What depends on which class was answered, not only on whether it was the right one."""
    present = [models[of] for of in MODELS if of in models]
    for one in present:
        yield from class_scores(case, one.data, one.of, one.given)
    if "candidate" in models:
        for rival in present[1:]:
            yield from score_differences(case, rival.data, present[0].given, rival.of, rival.given)


def _balanced(one: Answered) -> Finding:
    present, totals = _present(one)
    hits = _class_counts(one, one.right)[present]
    design = designs_of(clusters_in(one.data), present, one.data.labels, lambda some, at: share_of(some, one.right[at]))
    return measured("balanced_accuracy", stats.macro_recall(hits, totals, design=design), one.data, of=one.of)


def _balanced_difference(one: Answered, two: Answered) -> Finding:
    present, totals = _present(one)
    first = _class_counts(one, one.right & ~two.right)[present]
    second = _class_counts(one, ~one.right & two.right)[present]
    design = designs_of(
        clusters_in(one.data), present, one.data.labels, lambda some, at: paired_of(some, one.right[at], two.right[at])
    )
    estimate = stats.macro_recall_difference(first, second, totals, design=design)
    return measured("balanced_accuracy", estimate, one.data, compared_with=two.of)


def _present(one: Answered) -> tuple[Array, Array]:
    """Which classes have rows, and how many; scikit-learn too leaves the others out of the mean."""
    totals = np.bincount(one.data.labels, minlength=one.classes)
    return totals > 0, totals[totals > 0]


def _class_counts(one: Answered, rows: Array) -> Array:
    return np.bincount(one.data.labels[rows], minlength=one.classes)


def _roc_auc(one: Answered) -> Iterator[Finding]:
    if one.given.probabilities is None:
        yield from no_probabilities(one.of, ("roc_auc",), one.data)
    elif not one.placed:
        detail = "Some class has no rows; ROC AUC needs rows of every class."
        yield missing("roc_auc", "too few rows", detail, data=one.data, of=one.of)
    elif len(one.placed) == 1:
        yield measured("roc_auc", auc_of(one.placed[0]), one.data, of=one.of)
    else:
        areas = [placed.area for placed in one.placed]
        yield stated("roc_auc", float(np.mean(areas)), len(one.right), one.data, of=one.of)


def _roc_auc_difference(one: Answered, two: Answered) -> Iterator[Finding]:
    if not one.placed or not two.placed:
        # The gap of one side's own value speaks for the difference too.
        return
    if len(one.placed) > 1:
        detail = "A difference of ROC AUC with bounds needs exactly two classes."
        yield missing("roc_auc", "unsupported", detail, data=one.data, compared_with=two.of)
        return
    estimate = auc_difference_of(one.placed[0], two.placed[0])
    yield measured("roc_auc", estimate, one.data, compared_with=two.of)


def _log_loss(one: Answered) -> Iterator[Finding]:
    if one.losses is None:
        yield from no_probabilities(one.of, ("log_loss",), one.data)
    elif len(one.losses) < 2:
        yield missing("log_loss", "too few rows", "A mean with bounds needs two rows.", data=one.data, of=one.of)
    else:
        estimate = stats.mean(one.losses, low=0.0, high=WORST, clusters=clusters_in(one.data))
        yield measured("log_loss", estimate, one.data, of=one.of)


def _log_loss_difference(one: Answered, two: Answered) -> Iterator[Finding]:
    if one.losses is not None and two.losses is not None and len(one.losses) >= 2:
        some = clusters_in(one.data)
        estimate = stats.mean_difference(one.losses, two.losses, low=-WORST, high=WORST, clusters=some)
        yield measured("log_loss", estimate, one.data, compared_with=two.of)


def _change(before: Answered, after: Answered) -> Iterator[Finding]:
    """Shifted less test, of one model; the rows are different ones."""
    change = shares_apart(after.right, before.right, (after.data, before.data))
    yield measured("accuracy_change", change, after.data, of=after.of)
    yield _balanced_change(before, after)
    if after.losses is None or before.losses is None:
        yield from no_probabilities(after.of, ("log_loss_change",), after.data)
    elif min(len(after.losses), len(before.losses)) < 2:
        detail = "A mean with bounds needs two rows in each data set."
        yield missing("log_loss_change", "too few rows", detail, data=after.data, of=after.of)
    else:
        some = both_in(after.data, before.data)
        estimate = stats.mean_change(after.losses, before.losses, low=0.0, high=WORST, clusters=some)
        yield measured("log_loss_change", estimate, after.data, of=after.of)


def _balanced_change(before: Answered, after: Answered) -> Finding:
    (some, n), (same, m) = _present(after), _present(before)
    name = "balanced_accuracy_change"
    if (some != same).any():
        detail = "A class has rows in one of the data sets only; the two means are over different classes."
        return missing(name, "too few rows", detail, data=after.data, of=after.of)
    hits = [_class_counts(one, one.right)[some] for one in (after, before)]
    return measured(name, macro_recall_change(hits[0], n, hits[1], m), after.data, of=after.of)
