"""How easy a Spanish text is to read."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W\d_]+")
_VOWELS = re.compile(r"[aeiouáéíóúü]+(?:y(?![aeiouáéíóúü]))?|y(?![aeiouáéíóúü])")
_BREAK = re.compile(r"[aeoáéó](?=[aeoáéóíú])|[íú](?=[aeoáéó])")
"""Where two vowels beside each other are two syllables: two strong ones, or a weak one with an accent."""


def syllables(word: str) -> int:
    """Syllables of a Spanish word: groups of vowels, of which hiatus makes two; every word has one."""
    plain = re.sub(r"qu(?=[eiéí])", "q", re.sub(r"gu(?=[eiéí])", "g", word.lower()))
    return max(1, sum(1 + len(_BREAK.findall(group)) for group in _VOWELS.findall(plain)))


def ease(text: str) -> float:
    """Perspicuity of Szigriszt Pazos (1993): on the INFLESZ scale (Barrio-Cantalejo et al. 2008) 55 to 65 is normal.

    Higher is easier: beneath 40 very hard, from 65 rather easy, from 80 very easy. A line is a sentence at least.
    """
    sentences = [part for part in re.split(r"[.!?]+(?=\s|$)|\n", text) if _WORD.search(part)]
    words = _WORD.findall(text)
    return 206.835 - 62.3 * sum(map(syllables, words)) / len(words) - len(words) / len(sentences)
