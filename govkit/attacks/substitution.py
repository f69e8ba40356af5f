"""Whole words put in the place of others where the gradient says that it pays (HotFlip, Ebrahimi et al. 2018).

Such a text may say something else than before ("room number" becomes "emails number"), so what breaks here tells where
a model is weak, and not that it is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from govkit.attacks.asking import climb
from govkit.attacks.margin import margin
from govkit.attacks.open_words import open_words, protected
from govkit.core.case import Differentiable
from govkit.lazy import torch

SPARE = 4
"""Candidates spelled out for each one that is asked about: some words do not survive beside their neighbors."""


@runtime_checkable
class Spelled(Differentiable, Protocol):
    """A text model whose tokens can be written and read again."""

    def tokens(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of the tokens of each text, special ones included, as the model reads them."""
        ...

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and stop of each of these tokens in the text; (0, 0) for what stands for no character."""
        ...

    def vocabulary(self) -> tuple[list[int], list[str]]:
        """Ids and spellings of the tokens that are a whole word and are read as themselves."""
        ...

    def table(self) -> Any:
        """Embeddings of all tokens, float32 ``(ids, width)``."""
        ...


class Guided:
    """Options of a search: the texts in which one whole word is another, the most promising by the gradient first.

    One gradient ranks all words at all places; whether a text is broken, only its own answer says. Every option is read
    by the tokenizer as the tokens that were ranked.

    Args:
        subject: The model.
        most: Texts to ask about for each change.

    Attributes:
        backward: Gradients that were taken.
    """

    def __init__(self, subject: Spelled, *, most: int) -> None:
        self.subject = subject
        self.most = most
        self.backward = 0
        self.ids, self.words = subject.vocabulary()
        self.table = subject.table()[self.ids]

    def __call__(self, text: str, label: int, _number: int) -> list[str]:
        """The texts to ask about, at most ``most``; one forward and one backward pass where a word may be replaced."""
        spans, words = self.subject.spans(text), set(open_words(text))
        places = [at for at, span in enumerate(spans) if span in words]
        return self._surviving(text, spans, self._ranked(text, label, places)) if places and self.words else []

    def _ranked(self, text: str, label: int, places: list[int]) -> list[tuple[int, int]]:
        """Places and words by how much the margin would grow if the model were linear, the most promising first."""
        batch = self.subject.encode([text])
        _, gradient = climb(self.subject.logits, batch, torch.tensor([label], device=batch["x"].device), margin)
        self.backward += 1
        slope, here = gradient[0, places], batch["x"][0, places].float()
        promise = slope @ self.table.T - (slope * here).sum(dim=1, keepdim=True)
        best = promise.flatten().topk(min(SPARE * self.most, promise.numel())).indices.tolist()
        return [(places[each // len(self.words)], each % len(self.words)) for each in best]

    def _surviving(self, text: str, spans: list[tuple[int, int]], ranked: list[tuple[int, int]]) -> list[str]:
        (tokens,) = self.subject.tokens([text])
        options = [text[: spans[at][0]] + self.words[word] + text[spans[at][1] :] for at, word in ranked]
        found: dict[str, None] = {}
        for option, read, (at, word) in zip(options, self.subject.tokens(options), ranked, strict=True):
            wanted = (*tokens[:at], self.ids[word], *tokens[at + 1 :])
            if read == wanted != tokens and protected(option) == protected(text) and len(found) < self.most:
                found[option] = None
        return list(found)
