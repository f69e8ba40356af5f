"""How hard a text is to read: the grade of Flesch and Kincaid (Kincaid et al. 1975, Navy report 8-75)."""

from __future__ import annotations

import re

SILENT = re.compile(r"(?:[^laeiouy]es|[^aeiouy]ed|[^leaiouy]e)$")
"""Endings without a sound of their own: times, based, rate; but not table or wanted."""


def syllables(word: str) -> int:
    """Groups of vowels, less a silent ending; at least one."""
    word = word.lower()
    heard = word if re.search(r"(?:[td]ed|[cgsxz]es|[^aeiouy]le)$", word) else SILENT.sub("", word)
    return max(1, len(re.findall(r"[aeiouy]+", heard)))


def grade(text: str) -> float:
    """School year of the United States that reads a text with ease; a line ends a sentence too."""
    words = re.findall(r"[A-Za-z]+(?:'[a-z]+)?", text)
    sentences = [piece for piece in re.split(r"[.!?]\s|\n", f"{text}\n") if re.search(r"[A-Za-z]", piece)]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59
