"""Counterfactual: does an answer change when only who is spoken of changes?

Any changed word may move a model, so a changed answer alone proves nothing about people. Each row is therefore also
asked with as many other words swapped for neutral partners, and the two are compared on the same rows (Garg et al.
2019, "Counterfactual fairness in text classification through robustness").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from pydantic import PositiveInt, StringConstraints

from govkit import stats
from govkit.checks._asked import asked
from govkit.checks._clusters import clusters_in, paired, share
from govkit.checks._shared import READS_TEST, live_models, measured, missing
from govkit.checks._swaps import Words, word_lists
from govkit.core import Case, Dataset, Finding, Metric, Of, Passes, check
from govkit.core.case import Array
from govkit.lazy import np

FEWEST = 20
"""Rows that hold a word of a list, below which nothing is said about it."""

MOST_VALUES = 6
"""Values of a protected column that each row is asked with, the most frequent ones."""

OWN = "own"

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

METRICS = {
    "changed_share": Metric.share(
        "Share of rows whose answer changes when the words of a list are swapped, or a protected column is given "
        "another value.",
        better="lower",
    ),
    "neutral_changed_share": Metric.share("Share of rows whose answer changes when as many neutral words are swapped."),
    "changed_share_excess": Metric.difference(
        "Share changed by the words of a list less share changed by neutral words, on rows that hold both.",
        better="lower",
    ),
    "score_shift": Metric.share(
        "Mean size of the change of the positive class's probability when the words are swapped.", better="lower"
    ),
    "score_direction": Metric.difference(
        "Mean probability of the positive class with words of the second kind less that with words of the first, on "
        "rows that hold only one kind."
    ),
}


@dataclass(frozen=True)
class Rows:
    """Rows that hold a word of a list.

    Attributes:
        at: Place in the data set, ``(n,)``.
        swapped: Their texts with the words swapped.
        neutral: Their texts with as many neutral words swapped; None where a text holds none.
        sign: 1 where words of the first kind became the second, -1 the other way, 0 where a text holds both.
    """

    at: Array
    swapped: list[str]
    neutral: list[str | None]
    sign: Array


@dataclass(frozen=True)
class Changed:
    """What a model answered to the same rows, ``(n,)`` each: whether the answer changed, and by how much the score.

    Attributes:
        swapped: The answer changed with the words.
        neutral: The answer changed with the neutral words.
        shift: Probability of the positive class after less before.
    """

    swapped: Array
    neutral: Array
    shift: Array


def _extra(case: Case, *, rows: int, own: tuple[tuple[Word, Word], ...]) -> Passes:
    """Most passes: lists whose words are rare take fewer."""
    n, models = min(rows, len(case.data["test"])), len(live_models(case))
    if case.modality == "text":
        return Passes(forward=2 * n * models * len(_lists(own)))
    return Passes(forward=n * models * sum(len(values) for _, values in _protected(case)))


@check("counterfactual", crosswalk="check.bias", metrics=METRICS, needs={"inputs"}, reads=READS_TEST, extra=_extra)
def counterfactual(
    case: Case, *, rows: PositiveInt = 1000, own: tuple[tuple[Word, Word], ...] = ()
) -> Iterator[Finding]:
    """Answers to the same rows with names, pronouns and identity words swapped, or a protected column flipped.

    Of the candidate and of every other model that can be asked; ``compared_with`` is the paired difference of the
    shares. Each list of words is a part, ``{"list": "gender"}``; so is each protected column of a table. A swap keeps
    the meaning only as far as the words allow it: read some of the texts before you act on a number.

    Args:
        case: A live candidate and its test data.
        rows: Most rows for each list, the first in canonical order that hold one of its words.
        own: Further pairs of words, a list of its own by the name ``own``.
    """
    if case.modality == "text":
        yield from _texts(case, rows, _lists(own))
    elif case.modality == "table":
        yield from _tables(case, rows)
    else:
        yield missing("*", "unsupported", "People can be swapped in texts and in tables only.", data=case.data["test"])


def _lists(own: tuple[tuple[Word, Word], ...]) -> dict[str, Words]:
    return word_lists() | ({OWN: Words(own)} if own else {})


def _texts(case: Case, most: int, lists: dict[str, Words]) -> Iterator[Finding]:
    data = case.data["test"]
    for name, words in lists.items():
        part = {"list": name}
        rows = _rows(data.inputs, words, most)
        if len(rows.at) < FEWEST:
            detail = f"{len(rows.at)} texts hold a word of this list; it needs {FEWEST}."
            yield missing("*", "too few rows", detail, data=data, part=part)
            continue
        found = {of: _changed(case, of, rows) for of in live_models(case)}
        for of, changed in found.items():
            yield from _of_texts(changed, rows, data, of=of, part=part)
        yield from _beside({of: changed.swapped for of, changed in found.items()}, data, part, at=rows.at)


def _rows(texts: Sequence[str], words: Words, most: int) -> Rows:
    """The first texts that hold a word; their order is that of a digest, so they are as good as drawn."""
    swaps = ((at, words.swap(text)) for at, text in enumerate(texts))
    found = list(islice(((at, swap) for at, swap in swaps if swap.words), most))
    neutral = words.neutral
    others = [neutral.swap(texts[at], most=swap.words) for at, swap in found]
    return Rows(
        np.array([at for at, _ in found], dtype=np.int64),
        [swap.text for _, swap in found],
        [other.text if other.words else None for other in others],
        np.array([(swap.second == 0) * 1 - (swap.first == 0) * 1 for _, swap in found]),
    )


def _changed(case: Case, of: Of, rows: Rows) -> Changed:
    before = _kept(case, of, rows.at)
    both = np.array([text is not None for text in rows.neutral], dtype=bool)
    subject = live_models(case)[of]
    after = asked(case, of, subject, rows.swapped)
    other = asked(case, of, subject, [text for text in rows.neutral if text is not None])
    neutral = np.zeros(len(both), dtype=bool)
    neutral[both] = other.argmax(axis=1) != before[both].argmax(axis=1)
    shift = after[:, case.positive] - before[:, case.positive]
    return Changed(after.argmax(axis=1) != before.argmax(axis=1), neutral, shift)


def _kept(case: Case, of: Of, at: Array) -> Array:
    """Probabilities of the rows as they are; a live model has answered them already."""
    given = case.predictions(of)
    probabilities: Array = None if given is None else given.probabilities
    return probabilities[at]


def _of_texts(changed: Changed, rows: Rows, data: Dataset, *, of: Of, part: dict[str, str]) -> Iterator[Finding]:
    where = {"of": of, "part": part}
    yield share("changed_share", changed.swapped, data, at=rows.at, **where)
    shift = stats.mean(np.abs(changed.shift), low=0.0, high=1.0, clusters=clusters_in(data, rows.at))
    yield measured("score_shift", shift, data, **where)
    both = np.array([text is not None for text in rows.neutral], dtype=bool)
    if both.sum() < FEWEST:
        detail = f"{int(both.sum())} of these texts hold a neutral word too; it needs {FEWEST}."
        for name in ("neutral_changed_share", "changed_share_excess"):
            yield missing(name, "too few rows", detail, data=data, of=of, part=part)
    else:
        one, two = changed.swapped[both], changed.neutral[both]
        yield share("neutral_changed_share", two, data, at=rows.at[both], **where)
        yield paired("changed_share_excess", one, two, data, at=rows.at[both], **where)
    turned = (changed.shift * rows.sign)[rows.sign != 0]
    if len(turned) < FEWEST:
        detail = f"{len(turned)} of these texts hold words of one kind only; it needs {FEWEST}."
        yield missing("score_direction", "too few rows", detail, data=data, of=of, part=part)
    else:
        some = clusters_in(data, rows.at[rows.sign != 0])
        yield measured("score_direction", stats.mean(turned, low=-1.0, high=1.0, clusters=some), data, **where)


def _beside(swapped: dict[Of, Array], data: Dataset, part: dict[str, str], *, at: Array) -> Iterator[Finding]:
    """The candidate's changed share less that of each rival, on the same rows."""
    for rival in (of for of in swapped if of != "candidate"):
        both = swapped["candidate"], swapped[rival]
        yield paired("changed_share", *both, data, at=at, compared_with=rival, part=part)


def _protected(case: Case) -> list[tuple[str, list[Any]]]:
    """Group columns that the model reads, each with its most frequent values."""
    inputs, declared = case.data["test"].inputs, case.data["test"].groups
    columns = [column for column in declared if column in getattr(inputs, "columns", ())]
    return [(column, inputs[column].value_counts().index[:MOST_VALUES].tolist()) for column in columns]


def _tables(case: Case, most: int) -> Iterator[Finding]:
    """Each row with every other value of a protected column: did any of them change the answer?"""
    data, protected = case.data["test"], _protected(case)
    if not protected:
        detail = "No group column is among the columns that the model reads (columns.input); there is nothing to flip."
        yield missing("changed_share", "unsupported", detail, data=data)
    at = np.arange(min(most, len(data)))
    for column, values in protected:
        part = {"list": column}
        if len(values) < 2:
            yield missing("changed_share", "too few rows", "The column holds one value only.", data=data, part=part)
            continue
        found = {of: _flipped(case, of, at, column=column, values=values) for of in live_models(case)}
        for of, changed in found.items():
            yield share("changed_share", changed, data, at=at, of=of, part=part)
        yield from _beside(found, data, part, at=at)


def _flipped(case: Case, of: Of, at: Array, *, column: str, values: list[Any]) -> Array:
    """Rows whose answer some other value of the column changes, truths ``(n,)``."""
    frame, before = case.data["test"].inputs.iloc[at], _kept(case, of, at).argmax(axis=1)
    subject, changed = live_models(case)[of], np.zeros(len(at), dtype=bool)
    for value in values:
        changed |= asked(case, of, subject, frame.assign(**{column: value})).argmax(axis=1) != before
    return changed
