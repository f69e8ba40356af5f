"""Small networks on scikit-learn's digits, plain and adversarially trained; the same everywhere but for rounding."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HELD_OUT = 1000
"""Digits that no network is trained on."""


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images ``(1797, 1, 8, 8)`` on the 8-bit grid, and their classes."""
    pixels, labels = load_digits(return_X_y=True)
    x = torch.tensor(np.round(pixels / 16 * 255) / 255, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return x, torch.tensor(labels)


def held_out(n: int = HELD_OUT) -> tuple[torch.Tensor, torch.Tensor]:
    x, labels = digits()
    return x[-HELD_OUT:][:n], labels[-HELD_OUT:][:n]


@cache
def network(seed: int = 0, *, hardened: float = 0.0, classes: int = 10) -> nn.Module:
    """A network in eval mode, trained on the other digits; ``hardened`` is the radius of its adversarial training.

    Fewer classes than ten are those of the remainder of the digit.
    """
    x, labels = (part[:-HELD_OUT] for part in digits())
    labels = labels % classes
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, classes),
        )  # fmt: skip
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        for _ in range(500 if hardened else 150):
            rows = torch.randint(0, len(x), (96,), generator=generator)
            asked = _worse(net, x[rows], labels[rows], hardened) if hardened else x[rows]
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(asked), labels[rows]).backward()
            optimizer.step()
    return net.eval()


def _worse(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, radius: float) -> torch.Tensor:
    """Four steps up the cross-entropy inside the radius, written apart from the attacks that the tests look at."""
    point = x.clone()
    for _ in range(4):
        point.requires_grad_()
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(net(point), labels), point)
        point = (x + (point.detach() + radius / 2 * gradient.sign() - x).clamp(-radius, radius)).clamp(0, 1)
    return point.detach()
