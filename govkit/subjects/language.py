"""How well a language model foretells texts: its loss, in nats a token."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Passes
from govkit.engine import batches
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects.boundary import Boundary
from govkit.subjects.folder import max_tokens, open_folder, tokenize
from govkit.subjects.states import asked

CAUSAL, MASKED = "AutoModelForCausalLM", "AutoModelForMaskedLM"
ENDINGS = {"ForCausalLM": CAUSAL, "LMHeadModel": CAUSAL, "ForMaskedLM": MASKED, "ForPreTraining": MASKED}

COPIES = 8
"""Copies of a text for a masked model, each with every eighth token masked, about as many as in its training."""

BATCH = 4
"""Texts that are asked at once: their logits are over the whole vocabulary."""


def language_kind(folder: Path) -> str | None:
    """The class of transformers that loads the language model in a folder; None where it holds no such head."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        name = str(config["architectures"][0])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return next((kind for ending, kind in ENDINGS.items() if name.endswith(ending)), None)


def copies(folder: Path) -> int:
    """Rows that go forward for each text."""
    return COPIES if language_kind(folder) == MASKED else 1


class LanguageModel:
    """A causal or masked language model with the head that it was saved with.

    Args:
        folder: Folder that transformers saved, with safetensors.
        passes: Counter; every row that goes forward is added.

    Raises:
        SubjectError: There is no language-model head, a weight is missing, or the files are not safetensors.
    """

    def __init__(self, folder: Path, passes: Passes) -> None:
        kind = language_kind(folder)
        if kind is None:
            raise SubjectError(f"{folder} was saved without a language-model head")
        self.path, self.passes, self.masked = folder, passes, kind == MASKED
        self.model, self.tokenizer, _ = open_folder(folder, head=True, language=kind, strict=False)
        self.limit = max_tokens(self.model, self.tokenizer)
        self.special = {*self.tokenizer.all_special_ids}
        if self.masked and self.tokenizer.mask_token_id is None:
            raise SubjectError(f"{folder}: the tokenizer of a masked language model has no mask token")

    def losses(self, texts: Sequence[str]) -> Array:
        """Mean loss of each text over its tokens, float64 ``(n,)``; NaN where no token can be foretold.

        Of a causal model each token but the first, given those before it; of a masked one each token, given those that
        are not masked with it (after Salazar et al. 2020, "Masked language model scoring"). Special tokens and unknown
        ones do not count.
        """
        found = np.full(len(texts), np.nan)
        with Boundary(f"{self.path}"), asked(self.model), torch.no_grad():
            rows = [coded["input_ids"] for coded in tokenize(self.tokenizer, texts, self.limit)]
            order = np.argsort([len(ids) for ids in rows], kind="stable")
            for part in batches(len(rows), BATCH):
                found[order[part]] = self._batch([rows[at] for at in order[part]])
        return found

    def _batch(self, rows: list[list[int]]) -> Array:
        width = max(1, *map(len, rows))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], dtype=torch.long)
        there = torch.tensor([[at < len(row) for at in range(width)] for row in rows])
        counts = there & torch.tensor([[token not in self.special for token in row] for row in ids.tolist()])
        total, tokens = torch.zeros(len(rows), dtype=torch.float64), torch.zeros(len(rows), dtype=torch.float64)
        for asked_ids, asked_for in self._copies(ids, counts):
            logits = self.model(input_ids=asked_ids, attention_mask=there.long()).logits
            self.passes.forward += len(rows)
            if not self.masked:
                logits = logits.roll(1, dims=1)
            losses = torch.nn.functional.cross_entropy(logits[asked_for], ids[asked_for], reduction="none").double()
            place = asked_for.nonzero()[:, 0]
            total.index_add_(0, place, losses)
            tokens.index_add_(0, place, torch.ones_like(losses))
        return (total / tokens).numpy()

    def _copies(self, ids: Any, counts: Any) -> Iterator[tuple[Any, Any]]:
        """What is asked, and the tokens that are asked for."""
        place = torch.arange(ids.shape[1])
        if not self.masked:
            yield ids, counts & (place > 0)
            return
        for copy in range(COPIES):
            hidden = counts & (place % COPIES == copy)
            yield ids.masked_fill(hidden, self.tokenizer.mask_token_id), hidden
