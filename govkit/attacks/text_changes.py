"""Further changes that leave what a text says: white space, case, words that say nothing, and a user's synonyms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from govkit.attacks.open_words import draw, open_words
from govkit.attacks.text_search import Change

SPACES = "\u00a0\u2009\u202f\u3000"
"""Spaces that a reader takes for one: no-break, thin, narrow no-break, ideographic."""

UNSEEN = "\u200b\u200c\u2060\ufeff\u00ad"
"""Characters without width: zero width space and non-joiner, word joiner, byte order mark, soft hyphen."""

BEFORE = ("Hello.", "By the way,", "So,", "Well,", "Just to say,")
AFTER = ("Bye.", "That is all.", "End of message.", "See above.")
"""Words that say nothing, in English; those of another language are the user's to give."""

_GAP = re.compile(r" +")


def respace(text: str, key: str) -> str:
    """The text with other white space at one place: another kind of space, one too many or too few, or an unseen one.

    Args:
        text: Any text.
        key: Decides what and where; the same text and key give the same.
    """
    kind, place = draw(text, key)
    words = open_words(text)
    gaps = [(stop, start) for (_, stop), (start, _) in pairwise(words) if _GAP.fullmatch(text, stop, start)]
    long = [(start, stop) for start, stop in words if stop - start >= 4]
    if gaps and (kind % 2 or not long):
        stop, start = gaps[place % len(gaps)]
        between: str = ("", *SPACES)[place // len(gaps) % (1 + len(SPACES))]
        return text[:stop] + between + text[start:]
    if not long:
        return text
    start, stop = long[place % len(long)]
    place //= len(long)
    at = start + 1 + place % (stop - start - 1)
    return text[:at] + (" " + UNSEEN)[place // (stop - start - 1) % (1 + len(UNSEEN))] + text[at:]


def double_space(text: str, key: str) -> str:
    """The text with two spaces where one was, or one more at its end.

    Args:
        text: Any text.
        key: Decides where; the same text and key give the same.
    """
    _, place = draw(text, key)
    gaps = [at for at, letter in enumerate(text) if letter == " "]
    at = gaps[place % len(gaps)] if gaps else len(text)
    return f"{text[:at]} {text[at:]}"


def recase(text: str, key: str) -> str:
    """The text with one word in capitals, in small letters, or with a capital.

    Args:
        text: Any text.
        key: Decides which word and how; the same text and key give the same.
    """
    kind, place = draw(text, key)
    words = open_words(text)
    if not words:
        return text
    start, stop = words[place % len(words)]
    word = text[start:stop]
    cased = (word.upper(), word.capitalize(), word.lower())
    # Where a letter has no partner of its own, as the German sharp s, the word would come out longer.
    others = [each for each in cased if each != word and len(each) == len(word)]
    return text[:start] + others[kind % len(others)] + text[stop:] if others else text


def inserting(phrases: Sequence[str] = ()) -> Change:
    """A change that puts a phrase before or after the text.

    Args:
        phrases: Phrases that say nothing in the language of the texts, for both places; English ones if empty.
    """
    before, after = (phrases, phrases) if phrases else (BEFORE, AFTER)

    def insert(text: str, key: str) -> str:
        kind, place = draw(text, key)
        fresh = [phrase for phrase in (after if kind % 2 else before) if phrase not in text]
        if not fresh:
            return text
        phrase = fresh[place % len(fresh)]
        return f"{text} {phrase}" if kind % 2 else f"{phrase} {text}"

    return insert


def rewording(synonyms: Mapping[str, Sequence[str]]) -> Change:
    """A change that puts a user's synonym in place of one whole word, in capitals where the word has them.

    Args:
        synonyms: Word -> what may stand in its place; case does not count.
    """
    known = {word.lower(): tuple(others) for word, others in synonyms.items()}

    def reword(text: str, key: str) -> str:
        _, place = draw(text, key)
        spans = [(start, stop) for start, stop in open_words(text) if text[start:stop].lower() in known]
        if not spans:
            return text
        start, stop = spans[place % len(spans)]
        word = text[start:stop]
        others = known[word.lower()]
        other = others[place // len(spans) % len(others)] if others else word
        return text[:start] + _cased(other, word) + text[stop:]

    return reword


def _cased(other: str, word: str) -> str:
    """``other`` in the case of ``word``."""
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other[:1].upper() + other[1:] if word[:1].isupper() else other


def visible(text: str, original: str = "") -> str:
    """The text with everything that a reader cannot see or tell apart as its number, ``⟨U+200B⟩``; nothing is lost.

    Args:
        text: Any text.
        original: The text before it was changed; letters of other scripts than Latin stay where they occur in it.
    """
    own = {each for each in original if each.isprintable() and not each.isspace()}
    return "".join(each if _plain(each) or each in own - set("⟨⟩") else f"⟨U+{ord(each):04X}⟩" for each in text)


def _plain(character: str) -> bool:
    import unicodedata

    if " " <= character <= "~":
        return True
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")
