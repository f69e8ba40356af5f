"""A twin: a small network of our own, trained on the same rows, whose gradient nobody hid."""

from __future__ import annotations

from typing import Any

from govkit.attacks.asking import Logits
from govkit.lazy import torch

SIDE = 16
"""Largest side of an image that the twin looks at; larger ones are averaged down to it."""

ROWS, STEPS, TAKEN = 2000, 300, 64
"""Rows that it is trained on at most, steps of training, and rows a step."""


def twin(x: Any, labels: Any, classes: int, *, seed: int) -> Logits:
    """Train two convolutions, or one hidden layer for rows that are no images; a few CPU seconds at most.

    It knows nothing of the model that is audited. Inputs that break it often break another model of the same task too
    (Papernot, McDaniel and Goodfellow 2016, "Transferability in Machine Learning"), whatever that one's gradient says.

    Args:
        x: Rows, float ``(n, ...)``.
        labels: Their classes, int64 ``(n,)``.
        classes: Number of classes.
        seed: Seed of its weights and of the order of the rows.

    Returns:
        Its logits, ``batch -> (n, classes)``.
    """
    x, labels = x.detach().float()[:ROWS], labels[:ROWS]
    middle, scale = x.mean(dim=0), x.std(dim=0, correction=0).mean().clamp_min(1e-6)
    if x.dim() != 4:
        scale = x.std(dim=0, correction=0).clamp_min(1e-6)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = _network(x, classes).to(x.device)
        fit(net, (x - middle) / scale, labels, rate=3e-3)
    net.requires_grad_(requires_grad=False)
    return lambda batch: net((batch["x"].float() - middle) / scale)


def fit(net: Any, x: Any, labels: Any, *, rate: float, generator: Any = None) -> None:
    """Train a network on rows that are drawn by a generator, of torch if none is given."""
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(STEPS):
        rows = torch.randint(0, len(x), (TAKEN,), generator=generator).to(x.device)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x[rows]), labels[rows]).backward()
        optimizer.step()


def _network(x: Any, classes: int) -> Any:
    from torch import nn

    if x.dim() != 4:
        return nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), 64), nn.ReLU(), nn.Linear(64, classes))
    small = [nn.AdaptiveAvgPool2d(SIDE)] if max(x.shape[2:]) > SIDE else []
    return nn.Sequential(
        *small,
        nn.Conv2d(x.shape[1], 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, classes),
    )  # fmt: skip
