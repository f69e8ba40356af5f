"""Small text models, honest and masked: words are looked up in a table, so that their embeddings can be attacked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout

SPAM = [
    "prize", "winner", "claim", "free", "cash", "urgent", "offer", "voucher", "bonus", "reward", "award", "selected",
    "guaranteed", "deal", "credit",
]  # fmt: skip
HAM = [
    "lunch", "home", "sorry", "tomorrow", "dinner", "mum", "meeting", "sleep", "later", "class", "office", "friend",
    "morning", "train", "happy",
]  # fmt: skip
NEUTRAL = [
    "the", "a", "to", "and", "you", "is", "in", "it", "for", "on", "with", "this", "that", "have", "will", "now",
    "just", "your", "call", "me", "can", "get", "see", "go",
]  # fmt: skip
WORDS = ["", "?", *SPAM, *HAM, *NEUTRAL]


class Lost(torch.autograd.Function):
    """The input itself, with a gradient that is random."""

    @staticmethod
    def forward(_ctx, x):
        return x.clone()

    @staticmethod
    def backward(_ctx, gradient):
        return torch.randn(gradient.shape)


Twist = Callable[[torch.Tensor], torch.Tensor]


def messages(n: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Texts of 6 to 14 words, half of them spam: a third of the words tell, one in ten of those for the other class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    texts = []
    for label in labels:
        own, other = (SPAM, HAM) if label else (HAM, SPAM)
        size = int(rng.integers(6, 15))
        telling = {0, *np.flatnonzero(rng.random(size) < 0.35).tolist()}
        pools = [(other if rng.random() < 0.1 else own) if at in telling else NEUTRAL for at in range(size)]
        texts.append(" ".join(rng.choice(pool) for pool in rng.permutation(np.array(pools, dtype=object))))
    return texts, labels


class Bag(nn.Module):
    """Linear in the mean of the embeddings."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.table = nn.Embedding(len(WORDS), width)
        self.head = nn.Linear(width, 2)

    def read(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        weight = mask[..., None].to(x.dtype)
        return self.head((x * weight).sum(1) / weight.sum(1).clamp(min=1))


class Rippled(Bag):
    """Another network behind waves on its logits, honest in their gradient, that lead nowhere."""

    def __init__(self, net: Bag) -> None:
        super().__init__()
        self.table, self.net = net.table, net

    def read(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        signs = torch.tensor([1.0, -1.0])
        return self.net.read(x, mask) + 4 * torch.sin(400 * x.sum(-1).mean(1, keepdim=True)) * signs


class Small(Bag):
    """A transformer of one layer."""

    def __init__(self, width: int = 32) -> None:
        super().__init__(width)
        self.layer = nn.TransformerEncoderLayer(width, 2, 64, dropout=0.0, batch_first=True)

    def read(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return super().read(self.layer(x, src_key_padding_mask=~mask.bool()), mask)


@cache
def trained(kind: str, seed: int) -> Bag:
    """``bag``, ``plain`` or ``over-trained``, in about a second."""
    texts, labels = messages(400, 1000 + seed)
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Bag() if kind == "bag" else Small()
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-2 if kind == "bag" else 3e-3)
        for _ in range(400 if kind == "over-trained" else 120):
            rows = rng.integers(0, len(texts), 64)
            ids, mask = spelled([texts[row] for row in rows])
            optimizer.zero_grad()
            cross_entropy(net.read(net.table(ids), mask), torch.tensor(labels[rows])).backward()
            optimizer.step()
    return net.eval()


def spelled(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of the words ``(n, most words)`` and which of them are no padding."""
    rows = [[WORDS.index(word) if word in WORDS else 1 for word in text.split()] or [1] for text in texts]
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    return ids, (ids > 0).long()


class TinyText:
    """A differentiable text subject; ``twist`` sits between embeddings and network, ``scale`` behind its logits."""

    access, path, digest, modality, input_range, classes = "weights", None, "sha256:02", "text", None, ()

    def __init__(self, net: Bag, passes: Any, *, twist: Twist | None = None, scale: float = 1.0) -> None:
        self.net, self.passes, self.twist, self.scale = net, passes, twist or (lambda x: x), scale

    def encode(self, inputs: list[str]) -> dict[str, torch.Tensor]:
        ids, mask = spelled(inputs)
        return {"x": self.net.table(ids), "attention_mask": mask}

    def logits(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        self.passes.forward += len(batch["x"])
        return self.net.read(self.twist(batch["x"]), batch["attention_mask"]) * self.scale

    def predict(self, inputs: list[str]) -> np.ndarray:
        with torch.no_grad():
            parts = [self.logits(self.encode(inputs[at : at + 64])) for at in range(0, len(inputs), 64)]
            return torch.cat(parts).double().softmax(1).numpy()


HONEST = ("plain", "over-trained", "bag")

MASKED: dict[str, dict[str, Any]] = {
    "logits x300": {"scale": 300.0},
    "logits x10000": {"scale": 1e4},
    "dropout .1 left on": {"twist": lambda x: dropout(x, 0.1, training=True)},
    "quantized embeddings": {"twist": lambda x: torch.round(x * 4) / 4},
    "random gradient": {"twist": Lost.apply},
    "cut gradient": {"twist": torch.Tensor.detach},
}
"""Name -> how a model hides its gradient."""
