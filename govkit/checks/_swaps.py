"""Swap words of a text for their partners: one word for another, everything else byte for byte as it was."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

_NEXT = re.compile(r"\s+([^\W\d_]+)")


@dataclass(frozen=True)
class Swapped:
    """A text after its words were swapped.

    Attributes:
        text: The new text.
        first: Words of the first kind that became the second.
        second: Words of the second kind that became the first.
    """

    text: str
    first: int
    second: int

    @property
    def words(self) -> int:
        """Words that were swapped."""
        return self.first + self.second


@dataclass(frozen=True)
class Words:
    """Pairs of words, of a first and a second kind.

    Attributes:
        pairs: ``(first, second)``. An entry with a capital is only found where the text has one.
        unclear: Word with two partners -> the one before a noun, and the one elsewhere.
        elsewhere_before: Words that follow where no noun does.
        names: The words are names, so that another of the same kind says nothing else.
    """

    pairs: tuple[tuple[str, str], ...]
    unclear: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    elsewhere_before: frozenset[str] = frozenset()
    names: bool = False

    @property
    def neutral(self) -> Words:
        """What stands against these words: pairs that should make no difference; of names, others of the same kind."""
        kinds = zip(*self.pairs, strict=True) if self.names else ()
        return Words((*neutral_pairs(), *(pair for kind in kinds for pair in zip(kind[::2], kind[1::2], strict=False))))

    @cached_property
    def _partners(self) -> dict[str, tuple[str, int]]:
        """Word, without regard to case -> its partner, and which kind the word is of."""
        partners: dict[str, tuple[str, int]] = {}
        for first, second in self.pairs:
            partners.setdefault(first.lower(), (second, 0))
            partners.setdefault(second.lower(), (first, 1))
        for word, (before_noun, _) in self.unclear.items():
            if word not in partners:
                partners[word] = (before_noun, 1 - partners[before_noun][1])
        return partners

    @cached_property
    def _capital(self) -> frozenset[str]:
        return frozenset(word.lower() for pair in self.pairs for word in pair if word[:1].isupper())

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest = sorted(self._partners, key=lambda word: (-len(word), word))
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)

    def swap(self, text: str, *, most: int | None = None) -> Swapped:
        """Swap every word that has a partner, or the first ``most`` of them; the case of each is kept."""
        counts = [0, 0]

        def partner(match: re.Match[str]) -> str:
            word = match.group()
            key = word.lower()
            if (key in self._capital and not word[0].isupper()) or (most is not None and sum(counts) >= most):
                return word
            other, kind = self._partners[key]
            if key in self.unclear:
                other = self.unclear[key][self._stands_alone(text, match.end())]
            counts[kind] += 1
            return _as_written(other, word)

        return Swapped(self._pattern.sub(partner, text), *counts)

    def _stands_alone(self, text: str, end: int) -> bool:
        """Whether no noun follows, as far as the next word tells."""
        follows = _NEXT.match(text, end)
        return follows is None or follows.group(1).lower() in self.elsewhere_before


def _as_written(word: str, like: str) -> str:
    """The word in the case of another: all capitals, a first capital, or none."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:].lower() if like[:1].isupper() else word.lower()


@cache
def word_lists() -> dict[str, Words]:
    """The shipped lists by name; their sources stand in ``words.yaml``."""
    return {
        name: Words(
            tuple((first, second) for first, second in said["pairs"]),
            {word: (noun, alone) for word, (noun, alone) in said.get("unclear", {}).items()},
            frozenset(said.get("elsewhere_before", ())),
            said.get("names", False),
        )
        for name, said in _file()["lists"].items()
    }


@cache
def neutral_pairs() -> tuple[tuple[str, str], ...]:
    """Pairs that should make no difference."""
    return tuple((first, second) for first, second in _file()["neutral"]["pairs"])


@cache
def _file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yaml").read_text(encoding="utf-8"))
    return loaded
