"""Words that the texts at hand do not show, and texts to put them into."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_lowercase
from typing import Any

from govkit.checks._shared import seed_of
from govkit.checks._trigger_findings import READ_ROWS
from govkit.core import Case
from govkit.core.case import Array
from govkit.lazy import np

RARE = 0.001
"""Largest share of the texts in which a word that is tried may stand."""

SHORT = 60
"""Characters from which a text is preferred, the shortest first: one word is not most of it, and it costs little."""

LONGEST = 1_000
"""Tokens, or characters of a word, beyond which nothing is looked at."""

_FRAME = "a a"


@dataclass(frozen=True)
class Words:
    """Words to try.

    Attributes:
        tried: Those that were named, and those that were drawn.
        candidates: Words from which they were drawn.
        drawn: How many of these are tried.
        open: Whether they are of the model's vocabulary or of general lists, and so may be named.
    """

    tried: list[str]
    candidates: int
    drawn: int
    open: frozenset[str]


def words_of(case: Case, most: int, named: Sequence[str]) -> Words:
    """Words that hardly stand in the texts of the case.

    Of a model whose vocabulary is at hand they are whole words of it; else pairs of letters, which are what most known
    triggers look like, and words that are rare in the training texts.

    Args:
        case: Texts to ask, and the subject.
        most: Words at most, beyond those that are named.
        named: Words that are tried in any case.
    """
    texts = [text for role in ("train", "test") for text in texts_at(case, role)]
    tokenizer = getattr(case.subject, "tokenizer", None)
    if tokenizer is None:
        pairs = ["".join(pair) for pair in product(ascii_lowercase, repeat=2)]
        found, known = _rare_words(texts, pairs), set(pairs)
    else:
        found = _vocabulary(tokenizer, texts)
        known = set(found)
    drawn = sorted(found, key=lambda word: (seed_of(case.seed, "weight_triggers", word), word))[:most]
    asked = dict.fromkeys([word.strip() for word in named if word.strip()])
    tried = list(dict.fromkeys([*asked, *drawn]))
    held = len(set(tried) & set(found))
    return Words(tried, len(found), held, frozenset(known | set(asked)))


def texts_at(case: Case, role: Any) -> list[str]:
    """The first texts of a data set in canonical order, whose order is that of a digest."""
    if role not in case.data or not isinstance(case.data[role].inputs, Sequence):
        return []
    inputs = case.data[role].inputs
    return [inputs[row] for row in range(min(READ_ROWS, len(inputs)))]


def _rare_words(texts: list[str], pairs: list[str]) -> list[str]:
    """Pairs of letters and words that stand in few of the texts, in at most one where they are few."""
    held = Counter(word for text in texts for word in set(re.findall(r"[^\W\d_]+", text.lower())))
    most = max(1, int(RARE * len(texts)))
    rare = [word for word, count in held.items() if 2 < len(word) <= LONGEST and count <= most]
    return sorted({*rare, *(pair for pair in pairs if pair not in held)})


def _vocabulary(tokenizer: Any, texts: list[str]) -> list[str]:
    """Words that are one token, also between other words, and stand in few of the texts."""
    held = Counter(token for ids in _coded(tokenizer, texts) for token in set(ids))
    most, special = int(RARE * len(texts)), set(tokenizer.all_special_ids)
    rare = [at for at in sorted(tokenizer.get_vocab().values()) if held[at] <= most and at not in special]
    words = {at: tokenizer.decode([at]).strip() for at in rare}
    words = {at: word for at, word in words.items() if word.isprintable() and any(map(str.isalnum, word))}
    words = {at: word for at, word in words.items() if not re.search(r"\s", word)}
    (frame,) = _coded(tokenizer, [_FRAME])
    framed = _coded(tokenizer, [_FRAME.replace(" ", f" {word} ") for word in words.values()])
    whole = [at in ids and len(ids) == len(frame) + 1 for at, ids in zip(words, framed, strict=True)]
    return sorted({word for word, kept in zip(words.values(), whole, strict=True) if kept})


def _coded(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(texts, add_special_tokens=False, truncation=True, max_length=LONGEST)["input_ids"]
    return ids


def by_length(texts: Sequence[str]) -> Any:
    """Key of a row: texts of ``SHORT`` characters and more, the shortest first, then shorter ones, longest first."""
    return lambda row: (len(texts[row]) < SHORT, abs(len(texts[row]) - SHORT), row)


def inserted(texts: Sequence[str], words: Sequence[str], seed: int) -> list[str]:
    """Each word in each text, in front of a word or at the end, at the same place of the text for all: word by word."""
    cut = [_cut(text, seed) for text in texts]
    return [" ".join(part for part in (before, word, after) if part) for word in words for before, after in cut]


def _cut(text: str, seed: int) -> tuple[str, str]:
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    place = [*starts, len(text)][seed_of(seed, "weight_triggers", text) % (len(starts) + 1)]
    return text[:place].rstrip(), text[place:]


def embedding_of(subject: Any) -> Array | None:
    """Weights of the input embedding of a model on torch, float64 ``(tokens, d)``; None where none is at hand."""
    model: Any = getattr(subject, "model", None)
    layer = model.get_input_embeddings() if hasattr(model, "get_input_embeddings") else None
    weight = getattr(layer, "weight", None)
    return None if weight is None else weight.detach().double().cpu().numpy()


def outliers(sizes: Array) -> Array:
    """Which sizes lie more than six robust standard deviations from the middle, on the scale of logarithms ``(n,)``."""
    logs = np.log(np.maximum(sizes, 1e-12))
    off = np.abs(logs - np.median(logs))
    return off > 6 * 1.4826 * np.maximum(np.median(off), 1e-9)


def unseen_tokens(case: Case) -> list[int]:
    """Tokens of the vocabulary that none of the texts at hand shows; special ones apart."""
    tokenizer: Any = getattr(case.subject, "tokenizer", None)
    texts = [text for role in ("train", "test") for text in texts_at(case, role)]
    seen = {*tokenizer.all_special_ids, *(token for ids in _coded(tokenizer, texts) for token in ids)}
    return sorted(set(tokenizer.get_vocab().values()) - seen)
