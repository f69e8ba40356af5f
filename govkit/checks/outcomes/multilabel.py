"""Multi-label: how good are answers that may name any number of labels?

Whatever is asked of two classes is asked of each label by the checks of two classes. Here is what takes all labels of a
row together. The labels of a row are not independent, so the row is what is counted and what is drawn anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from govkit.checks._drawn import NO_LIMIT, drawn
from govkit.checks._means import means, shares
from govkit.checks._shared import MODELS, READS_TEST, answers, missing, unrivaled
from govkit.core import Case, Finding, Metric, Of, Predictions, check
from govkit.core.case import Array
from govkit.lazy import np
from govkit.stats.agreement import share
from govkit.stats.bootstrap import clustered

METRICS = {
    "subset_accuracy": Metric.share("Share of rows with every label right.", better="higher"),
    "hamming_loss": Metric.share("Mean share of a row's labels that are wrong.", better="lower"),
    "micro_f1": Metric.share(
        f"F1 of all labels of all rows thrown together; labels that are frequent weigh most. {NO_LIMIT}",
        better="higher",
    ),
    "macro_f1": Metric.share(
        f"Mean over the labels of the F1 of each; every label weighs the same. {NO_LIMIT}", better="higher"
    ),
}


@check("multilabel", crosswalk="check.performance", metrics=METRICS, tasks={"multilabel"}, reads=READS_TEST)
def multilabel(case: Case) -> Iterator[Finding]:
    """Subset accuracy and Hamming loss, in all rows and in each part; micro and macro F1 of all rows.

    Of the candidate, the base and the incumbent, and as paired differences; the first two also of the trivial answer.
    A label that no row has and no answer names is left out of the macro F1.

    References:
        scikit-learn, ``accuracy_score``, ``hamming_loss``, ``f1_score(average="micro"|"macro")``.
    """
    data, found = case.data["test"], answers(case, "test", (*MODELS, "trivial"))
    if "candidate" not in found:
        yield missing("*", "no data", "There are no predictions of the candidate on the test data.", data=data)
        return
    wrong = {of: given.labels != data.labels for of, given in found.items()}
    yield from shares("subset_accuracy", {of: ~each.any(axis=1) for of, each in wrong.items()}, data)
    yield from means("hamming_loss", {of: each.mean(axis=1) for of, each in wrong.items()}, data, (0.0, 1.0))
    for of in (of for of in MODELS if of in found):
        yield from _f1(case, (found[of],), of=of)
        if of != "candidate":
            yield from _f1(case, (found["candidate"], found[of]), compared_with=of)
    for rival in (of for of in MODELS if of not in found):
        yield from unrivaled(rival, METRICS, data)


def _f1(case: Case, given: tuple[Predictions, ...], **whose: Of) -> Iterator[Finding]:
    """Both F1 of one model, or of the first of two less that of the second."""
    data = case.data["test"]
    truth = data.labels.astype(np.int8)
    # A row adds its hits on each label, and how often each label is among its truths and answers.
    sums = np.stack([np.stack([truth * one.labels, truth + one.labels], axis=1) for one in given], axis=1)
    draw = partial(clustered, sums.reshape(len(data), -1))
    for name, score in (("micro_f1", _micro), ("macro_f1", _macro)):
        scores = [partial(score, sums.shape[1:], model) for model in range(len(given))]
        undefined = "No row has a label and no answer names one."
        yield drawn(name, scores, draw, case, data, undefined=undefined, **whose)


def _micro(shape: tuple[int, ...], model: int, drawn: Array) -> Array:
    both = drawn.reshape(-1, *shape)[:, model].sum(axis=-1)
    return share(2 * both[:, 0], both[:, 1])


def _macro(shape: tuple[int, ...], model: int, drawn: Array) -> Array:
    """Mean over the labels that a truth or an answer names."""
    both = drawn.reshape(-1, *shape)[:, model]
    named = both[:, 1] > 0
    return share(share(2 * both[:, 0], both[:, 1]).sum(axis=-1, where=named), named.sum(axis=-1))
