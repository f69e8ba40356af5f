"""The greedy search of texts and of table rows: one change at a time, asking a model for its answers only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from govkit.lazy import np

Input = TypeVar("Input")


@dataclass(frozen=True)
class Searched(Generic[Input]):
    """What a search found; lists of n.

    Attributes:
        inputs: Those it ended with; where ``broken``, exactly the input that was asked about.
        broken: Rows answered wrongly.
        edits: Changes made to each input.
        tried: Options asked about for each.
        forward: Inputs that were asked about.
    """

    inputs: list[Input]
    broken: list[bool]
    edits: list[int]
    tried: list[int]
    forward: int


def greedy(
    predict: Callable[[list[Input]], Any],
    inputs: Sequence[Input],
    labels: Sequence[int],
    options: Callable[[int, Input, int], Sequence[Input]],
    *,
    edits: int,
    tie: Callable[[Input], Any] = lambda _input: 0,
) -> Searched[Input]:
    """At each change every unbroken input keeps the option that leaves the true class the least probable.

    Args:
        predict: ``m`` inputs -> probabilities ``(m, k)``.
        inputs: ``n`` inputs that are answered rightly.
        labels: True classes.
        options: Row, its input so far and the number of the change, from 0 -> the inputs to ask about.
        edits: Most changes of one input.
        tie: What decides between options that are equally good, the least of it; the first if not given.
    """
    current, broken, forward = list(inputs), [False] * len(inputs), 0
    made, tried = [0] * len(inputs), [0] * len(inputs)
    for number in range(edits):
        asked = [
            (row, option)
            for row, each in enumerate(current)
            if not broken[row]
            for option in options(row, each, number)
        ]
        if not asked:
            break
        answers = predict([option for _, option in asked])
        forward += len(asked)
        for row, _ in asked:
            tried[row] += 1
        for row, (option, fooled) in _worst(asked, answers, labels, tie).items():
            current[row], broken[row] = option, fooled
            made[row] += 1
    return Searched(current, broken, made, tried, forward)


def misled(answer: Any, label: int) -> bool:
    """A row answered wrongly; numbers that are not finite are no answer."""
    return int(answer.argmax()) != label or not bool(np.isfinite(answer).all())


def _worst(
    asked: Sequence[tuple[int, Input]], answers: Any, labels: Sequence[int], tie: Callable[[Input], Any]
) -> Mapping[int, tuple[Input, bool]]:
    """For each row the option with the least probability of the true class, and whether its answer is wrong."""
    best: dict[int, tuple[tuple[bool, float, Any], Input]] = {}
    for (row, option), answer in zip(asked, answers, strict=True):
        score = (not misled(answer, labels[row]), float(answer[labels[row]]), tie(option))
        if row not in best or score < best[row][0]:
            best[row] = score, option
    return {row: (option, not right) for row, ((right, *_), option) in best.items()}
