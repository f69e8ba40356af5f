"""Losses that an attack climbs; both are per row, and larger means closer to a wrong answer."""

from __future__ import annotations

from typing import Any


def as_classes(logits: Any) -> Any:
    """Logits with one column per class.

    A single column is a sigmoid head: its logit z belongs to the second class, and softmax of (0, z) gives the same
    probabilities. Without this, an attack on such a head moves nothing and reports a perfectly robust model.
    """
    import torch

    if logits.shape[1] == 1:
        return torch.cat([torch.zeros_like(logits), logits], dim=1)
    return logits


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Cross-entropy ``(n,)`` of logits ``(n, k)`` with class indexes ``(n,)``; its gradient can underflow."""
    import torch

    return torch.nn.functional.cross_entropy(as_classes(logits), labels, reduction="none")


def margin(logits: Any, labels: Any) -> Any:
    """Largest other logit minus the true one, ``(n,)``: positive where the answer is wrong.

    The gradient does not shrink when a model is over-confident, unlike that of the cross-entropy (Carlini and Wagner,
    "Towards Evaluating the Robustness of Neural Networks", 2017).
    """
    import torch

    scores = as_classes(logits)
    own = scores.gather(1, labels[:, None])[:, 0]
    others = scores.scatter(1, labels[:, None], -torch.inf)
    return others.max(dim=1).values - own


__all__ = ["as_classes", "cross_entropy", "margin"]
