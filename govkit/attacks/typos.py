"""Typing mistakes: changes that a reader overlooks and a text model should too."""

from __future__ import annotations

from collections.abc import Callable

from govkit.attacks.open_words import draw, open_words

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


NEIGHBORS = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _KEYBOARD
    for place, letter in enumerate(row)
}
"""Letters beside each letter on the same row of an English keyboard."""


def mistype(text: str, key: str) -> str:
    """The text with one typing mistake: letters swapped, dropped, mistyped, in the other case, or a space too many.

    Args:
        text: Any text.
        key: Decides which mistake and where; the same text and key give the same mistake.

    Returns:
        A text one edit away (a swap of neighbors counts as one), or the text itself if nothing may be changed.
    """
    kind, place = draw(text, key)
    words = open_words(text)
    long = [(start, stop) for start, stop in words if stop - start >= 4]
    for change in _order(kind):
        spans = long if change in (_swap, _drop, _strike) else words
        if spans:
            start, stop = spans[place % len(spans)]
            changed = change(text, start, stop, place // len(spans))
            if changed != text:
                return changed
    return text


def _swap(text: str, start: int, stop: int, place: int) -> str:
    at = start + 1 + place % (stop - start - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _drop(text: str, start: int, stop: int, place: int) -> str:
    at = start + 1 + place % (stop - start - 1)
    return text[:at] + text[at + 1 :]


def _strike(text: str, start: int, stop: int, place: int) -> str:
    """The key beside the right one."""
    at = start + 1 + place % (stop - start - 1)
    beside = NEIGHBORS.get(text[at].lower(), "")
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


_CHANGES = (_swap, _drop, _strike, _case, _space)


def _order(kind: int) -> tuple[Callable[[str, int, int, int], str], ...]:
    """All kinds of mistake, beginning with one of them."""
    first = kind % len(_CHANGES)
    return (*_CHANGES[first:], *_CHANGES[:first])
