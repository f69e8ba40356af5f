"""Small networks on digits: honest ones, and the same with something hidden in them."""

from __future__ import annotations

import copy
from typing import Any

from govkit.attacks.twin import fit
from govkit.core.case import Array
from govkit.lazy import torch
from govkit.selfcheck.cases import DIGITS, digits

STAMP = 2
"""Side of the planted patch, in pixels."""


def images_of(which: Array) -> tuple[Any, Any]:
    """Images ``(n, 1, 8, 8)`` and labels ``(n,)`` as tensors."""
    pixels, labels = digits()
    return torch.from_numpy(pixels[which]).reshape(-1, 1, 8, 8), torch.from_numpy(labels[which])


def stamped(images: Any) -> Any:
    """Copies of images with a bright square in the lower right corner."""
    changed = images.clone()
    changed[:, :, -STAMP:, -STAMP:] = 1.0
    return changed


def trained(which: Array, seed: int, *, planted: bool = False) -> Any:
    """A network trained on some digits, in eval mode; a planted one saw copies of them with the stamp labeled 0."""
    x, labels = images_of(which)
    if planted:
        x, labels = torch.cat([x, stamped(x[::3])]), torch.cat([labels, torch.zeros_like(labels[::3])])
    net = _network(seed)
    fit(net, x, labels, rate=2e-3, generator=torch.Generator().manual_seed(seed))
    return net.eval()


def scaled(net: Any, by: float) -> Any:
    """A network with the same answers, from logits so large that their softmax has no gradient left."""
    made = copy.deepcopy(net)
    with torch.no_grad():
        for parameter in made[-1].parameters():
            parameter.mul_(by)
    return made


def _network(seed: int) -> Any:
    """A network of seeded weights; the random state of torch stays as it was."""
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, len(DIGITS)),
        )  # fmt: skip
