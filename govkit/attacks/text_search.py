"""One search for all changes of a text: greedy, one change at a time, asking a model for its answers only."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from govkit.attacks.greedy import Searched, greedy
from govkit.attacks.open_words import protected
from govkit.lazy import np

Predict = Callable[[list[str]], Any]
"""``n`` texts -> probabilities ``(n, k)``."""

Change = Callable[[str, str], str]
"""Text and key -> the text after one change that the key decides, or the text itself where there is none to make."""

Options = Callable[[str, int, int], list[str]]
"""Text, its true class and the number of the change, from 0 -> the texts to ask about."""


def search(
    predict: Predict, texts: Sequence[str], labels: Sequence[int], options: Options, *, edits: int = 2
) -> Searched[str]:
    """Search greedily for changes that break the answer.

    At each change every unbroken text is tried with several and keeps the one that leaves the true class the least
    probable (a random greedy search as in Pruthi, Dhingra and Lipton 2019). What is broken stays as it is.

    Args:
        predict: The model.
        texts: ``n`` texts that are answered rightly.
        labels: True classes.
        options: What is tried.
        edits: Most changes of one text.

    Returns:
        At most ``edits`` times the number of options forward passes for each row.
    """

    def own(row: int, text: str, number: int) -> list[str]:
        return options(text, labels[row], number)

    return greedy(predict, texts, labels, own, edits=edits, tie=str)


def trying(change: Change, *, tries: int, seed: int) -> Options:
    """Several changes of one kind, drawn; they depend on seed and text alone, not on the rows beside it.

    Whatever the kind, a text whose digits, addresses or amounts of money came out otherwise is not among them.

    Args:
        change: The kind.
        tries: Most texts to ask about; a short text may not have as many.
        seed: Seed of the draws.
    """

    def options(text: str, _label: int, number: int) -> list[str]:
        found: dict[str, None] = {}
        kept = protected(text)
        for attempt in range(4 * tries):
            option = change(text, f"{seed}:{number}:{attempt}")
            if option != text and protected(option) == kept:
                found[option] = None
            if len(found) == tries:
                break
        return list(found)

    return options


def remembering(predict: Predict, key: Callable[[list[str]], Sequence[Hashable]] = list) -> Predict:
    """The same model, asked but once about texts with the same key, for example the same tokens."""
    known: dict[Hashable, Any] = {}

    def ask(texts: list[str]) -> Any:
        keys = key(texts) if texts else []
        fresh = {each: text for each, text in zip(keys, texts, strict=True) if each not in known}
        if fresh:
            known.update(zip(fresh, predict(list(fresh.values())), strict=True))
        return np.stack([known[each] for each in keys]) if texts else predict([])

    return ask
