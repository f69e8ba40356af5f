"""The attacks on texts that leave what they say, one after the other on the same rows, and what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from govkit.attacks import (
    Change,
    Predict,
    Searched,
    disguise,
    inserting,
    mistype,
    recase,
    remembering,
    respace,
    rewording,
    search,
    trying,
    visible,
)
from govkit.checks._attacked import Sample
from govkit.checks._shared import named_rows
from govkit.core import Measurement
from govkit.core.case import Array
from govkit.core.words import Trust
from govkit.lazy import np

WOBBLE = 0.01
"""Difference of two probabilities of one text that batches and rounding do not explain."""

REACHED = 0.5
"""Share of the rows in which an attack finds something to change, at least; of fewer it does not tell."""

UNSTEADY = "the same text gets different answers: what broke once need not break again, and the other way round"


@dataclass(frozen=True)
class Plan:
    """How hard each attack tries.

    Attributes:
        typos: Most typing mistakes in one text.
        tries: Mistakes tried for each.
        edits: Most changes of another kind in one text.
        options: Changes tried for each.
        phrases: Phrases to insert; English ones if empty.
        synonyms: Word -> what may stand in its place.
    """

    typos: int
    tries: int
    edits: int
    options: int
    phrases: tuple[str, ...]
    synonyms: Mapping[str, Sequence[str]]

    @property
    def kinds(self) -> dict[str, tuple[Change, int, int]]:
        """Name of an attack -> its change, most changes in one text, and how many are tried for each."""
        others: dict[str, Change] = {
            "homoglyphs": disguise, "spaces": respace, "casing": recase, "insertions": inserting(self.phrases),
        }  # fmt: skip
        if self.synonyms:
            others["synonyms"] = rewording(self.synonyms)
        return {
            "typos": (mistype, self.typos, self.tries),
            **{name: (change, self.edits, self.options) for name, change in others.items()},
        }

    @property
    def most_passes(self) -> int:
        """Most forward passes of one row: the searches, and asking twice about its text and the worst of its texts."""
        return sum(edits * tries for _, edits, tries in self.kinds.values()) + 2


@dataclass(frozen=True)
class Tried:
    """What the attacks found on the n rows of a sample.

    Attributes:
        stands: Attack -> rows that are still right, truths ``(n,)``.
        found: Attack -> what its search found on the rows that were right.
        forward: Attack -> rows that went forward.
        ask: The model, which remembers what it was asked.
        reasons: Why the numbers are not to be believed.
    """

    stands: dict[str, Array]
    found: dict[str, Searched[str]]
    forward: dict[str, int]
    ask: Predict
    reasons: tuple[str, ...]

    def standing(self, *attacks: str) -> Array:
        """Rows that each of these attacks left right, all of them if none is named, truths ``(n,)``."""
        return np.logical_and.reduce([self.stands[name] for name in attacks or self.stands])

    def reach(self, *attacks: str) -> float:
        """Share of the rows that were right in which one of these attacks found something to change, in [0, 1]."""
        made = [self.found[name].edits for name in attacks or self.found]
        changed = [any(edits) for edits in zip(*made, strict=True)]
        return sum(changed) / max(len(changed), 1)

    def trust(self, *attacks: str) -> Trust | None:
        """Whether to believe what these attacks left: texts that hold nothing to change are not hard to attack."""
        if self.reasons:
            return "suspect"
        return None if self.reach(*attacks) >= REACHED else "not evaluated"


def tried(sample: Sample, plan: Plan) -> Tried:
    """Every attack of the plan on every row that is right from the start."""
    # A probe reads what its base reads.
    reader = getattr(sample.subject, "base", sample.subject)
    ask = remembering(sample.subject.predict, getattr(reader, "tokens", list))
    rows = sample.right.nonzero()[0]
    texts, labels = [sample.inputs[row] for row in rows], [int(sample.own_labels[row]) for row in rows]
    stands, found, forward = {}, {}, {}
    for name, (change, edits, tries) in plan.kinds.items():
        before = sample.case.passes.forward
        options = trying(change, tries=tries, seed=sample.case.seed)
        found[name] = search(ask, texts, labels, options, edits=edits)
        stands[name] = sample.right.copy()
        stands[name][rows] = [not broken for broken in found[name].broken]
        forward[name] = sample.case.passes.forward - before
    worst = [_worst_text(at, list(found.values())) for at in range(len(rows))]
    return Tried(stands, found, forward, ask, _doubts(sample, ask, worst))


def _worst_text(row: int, found: list[Searched[str]]) -> str:
    """The text of a row that broke it, else the last that was tried for it by the first attack."""
    return next((each.inputs[row] for each in found if each.broken[row]), found[0].inputs[row])


def _doubts(sample: Sample, ask: Predict, worst: list[str]) -> tuple[str, ...]:
    """Asks again, in another order and so in other company, about the texts as they are and about the worst ones.

    A model that is not steady is broken by asking often, and a text that it got wrong once it may get right next time.
    """
    texts = [*sample.inputs, *worst]
    again = np.asarray(sample.subject.predict(texts[::-1]))[::-1]
    first = np.concatenate([before(sample), ask(worst)]) if worst else before(sample)
    # A difference that is no number is one, too.
    return () if float(np.abs(again - first).max()) <= WOBBLE else (UNSTEADY,)


def before(sample: Sample) -> Array:
    """Probabilities ``(n, k)`` of the texts as they are, in the columns of the subject, from when it was first asked.

    Stored answers may be labels alone; then the model is asked now.
    """
    predictions, names = sample.case.predictions(sample.of), sample.subject.classes
    if predictions is None or predictions.probabilities is None:
        return np.asarray(sample.subject.predict(list(sample.inputs)))
    columns = [sample.case.classes.index(name) for name in names or sample.case.classes]
    return np.asarray(predictions.probabilities[: len(sample)])[:, columns]


def shown(sample: Sample, result: Tried, most: int) -> Iterator[Measurement]:
    """Broken texts, each as it was scored, and a sentence on what was done and answered."""
    clean, names = before(sample), list(sample.subject.classes) or list(sample.case.classes)
    rows = sample.right.nonzero()[0]
    number = 0
    for at, row in enumerate(rows):
        broke = [(found.edits[at], name) for name, found in result.found.items() if found.broken[at]]
        if not broke or number == most:
            continue
        number += 1
        edits, name = min(broke, key=lambda each: each[0])
        text = result.found[name].inputs[at]
        was, now = (_said(answer, names) for answer in (clean[row], result.ask([text])[0]))
        where: dict[str, Any] = {"of": sample.of, "part": {"number": str(number)}, "data": sample.data.ref, "n": 1}
        where["rows"] = named_rows(sample.data, [int(row)])
        yield Measurement(name="broken_text", value=visible(text, sample.inputs[row]), **where)
        story = f"{name}, {edits} {'edit' if edits == 1 else 'edits'}: {was} became {now}"
        yield Measurement(name="broken_text_story", value=story, **where)


def _said(answer: Array, names: list[str]) -> str:
    return f"{names[int(answer.argmax())]} ({float(answer.max()):.3f})"
