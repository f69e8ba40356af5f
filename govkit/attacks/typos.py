"""Typing mistakes: changes that a reader overlooks and a text model should too.

Digits, addresses and amounts of money are never touched, because changing them changes what the text says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Predict = Callable[[list[str]], Any]

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_TOKEN = re.compile(r"\S+")
_PROTECTED = re.compile(r"[\d$€£¥₹%@]|://|^www\.|\.(?:com|org|net|edu|gov|info|io|co|uk|de|eu)\b", re.I)
_WORD = re.compile(r"[^\W\d_]+")


def _neighbours() -> dict[str, str]:
    """Letters beside each letter on the same row of an English keyboard."""
    return {
        letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
        for row in _KEYBOARD
        for place, letter in enumerate(row)
    }


NEIGHBOURS = _neighbours()


@dataclass(frozen=True)
class Mistyped:
    """What the typos did.

    Attributes:
        texts: The texts it ended with; where ``broken``, exactly the text that was asked about.
        broken: Rows answered wrongly, a list of n truths.
        forward: Rows that the model was asked.
    """

    texts: list[str]
    broken: list[bool]
    forward: int


def edit(text: str, key: str) -> str:
    """The text with one typing mistake: letters swapped, dropped, mistyped, in the other case, or a space too many.

    Args:
        text: Any text.
        key: Decides which mistake and where; the same text and key give the same mistake.

    Returns:
        A text one edit away (a swap of neighbours counts as one), or the text itself if nothing may be changed.
    """
    digest = hashlib.sha256(f"{key}\0{text}".encode("utf-8", "surrogatepass")).digest()
    kind, place = digest[0], int.from_bytes(digest[1:9], "big")
    words = list(_open_words(text))
    long = [(start, stop) for start, stop in words if stop - start >= 4]
    for change in _order(kind):
        spans = long if change in (_swap, _drop, _mistype) else words
        if spans:
            start, stop = spans[place % len(spans)]
            changed = change(text, start, stop, place // len(spans))
            if changed != text:
                return changed
    return text


def typos(
    predict: Predict, texts: Sequence[str], labels: Sequence[int], *, edits: int = 2, tries: int = 8, seed: int = 0
) -> Mistyped:
    """Search greedily for typos that change the answer.

    At each edit every unbroken text is tried with several mistakes and keeps the one that leaves the true class the
    least probable (a random greedy search as in Pruthi, Dhingra and Lipton 2019). What is broken stays as it is.

    Args:
        predict: ``list[str] -> (n, k)`` probabilities.
        texts: ``n`` texts that are answered rightly.
        labels: True classes.
        edits: Most edits in one text.
        tries: Most mistakes tried at each edit.
        seed: Seed of the mistakes; they depend on it and on the text alone, not on its neighbours.

    Returns:
        At most ``edits * tries`` forward passes for each row.
    """
    current, broken, forward = list(texts), [False] * len(texts), 0
    for number in range(edits):
        asked: list[tuple[int, str]] = []
        for row, text in enumerate(current):
            if not broken[row]:
                asked += [(row, option) for option in _options(text, f"{seed}:{number}", tries)]
        if not asked:
            break
        answers = predict([text for _, text in asked])
        forward += len(asked)
        for row, (text, fooled) in _worst(asked, answers, labels).items():
            current[row], broken[row] = text, fooled
    return Mistyped(current, broken, forward)


def _options(text: str, key: str, tries: int) -> list[str]:
    """Different texts one edit away; a short text may not have as many."""
    options: dict[str, None] = {}
    for attempt in range(4 * tries):
        options[edit(text, f"{key}:{attempt}")] = None
        if len(options) - (text in options) == tries:
            break
    return [option for option in options if option != text]


def _worst(asked: list[tuple[int, str]], answers: Any, labels: Sequence[int]) -> dict[int, tuple[str, bool]]:
    """For each row the text with the least probability of the true class, and whether its answer is wrong."""
    best: dict[int, tuple[bool, float, str]] = {}
    for (row, text), answer in zip(asked, answers, strict=True):
        fooled = int(answer.argmax()) != labels[row]
        score = (not fooled, float(answer[labels[row]]), text)
        best[row] = min(best.get(row, score), score)
    return {row: (text, not unbroken) for row, (unbroken, _, text) in best.items()}


def _open_words(text: str) -> list[tuple[int, int]]:
    """Start and stop of the words in tokens that hold no digit, address or amount of money."""
    return [
        word.span()
        for token in _TOKEN.finditer(text)
        if not _PROTECTED.search(token.group())
        for word in _WORD.finditer(text, token.start(), token.end())
    ]


def _swap(text: str, start: int, stop: int, place: int) -> str:
    at = start + 1 + place % (stop - start - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _drop(text: str, start: int, stop: int, place: int) -> str:
    at = start + 1 + place % (stop - start - 1)
    return text[:at] + text[at + 1 :]


def _mistype(text: str, start: int, stop: int, place: int) -> str:
    at = start + 1 + place % (stop - start - 1)
    beside = NEIGHBOURS.get(text[at].lower(), "")
    if not beside:
        return text
    typed = beside[place % len(beside)]
    return text[:at] + (typed.upper() if text[at].isupper() else typed) + text[at + 1 :]


def _case(text: str, start: int, stop: int, place: int) -> str:
    at = start + place % (stop - start)
    other = text[at].swapcase()
    return text[:at] + other + text[at + 1 :] if len(other) == 1 else text


def _space(text: str, start: int, _stop: int, place: int) -> str:
    """A space too many before the word, or one too few where two words stand beside each other."""
    before = text[: start - 1].rsplit(maxsplit=1)[-1:] if start and text[start - 1] == " " else []
    if place % 2 and before and before[0].isalpha():
        return text[: start - 1] + text[start:]
    return f"{text[:start]} {text[start:]}"


_CHANGES = (_swap, _drop, _mistype, _case, _space)


def _order(kind: int) -> tuple[Callable[[str, int, int, int], str], ...]:
    """All kinds of mistake, beginning with one of them."""
    first = kind % len(_CHANGES)
    return (*_CHANGES[first:], *_CHANGES[:first])
