"""Losses that an attack climbs; both are per row, and larger means closer to a wrong answer."""

from __future__ import annotations

from typing import Any

from govkit.lazy import torch


def as_classes(logits: Any) -> Any:
    """Logits with one column per class.

    A single column is a sigmoid head: its logit z belongs to the second class, and softmax of (0, z) gives the same
    probabilities. Without this, an attack on such a head moves nothing and reports a perfectly robust model.
    """
    if logits.shape[1] == 1:
        return torch.cat([torch.zeros_like(logits), logits], dim=1)
    return logits


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Cross-entropy ``(n,)`` of logits ``(n, k)`` with class indexes ``(n,)``; its gradient can underflow."""
    return torch.nn.functional.cross_entropy(as_classes(logits), labels, reduction="none")


def margin(logits: Any, labels: Any) -> Any:
    """Largest other logit minus the true one, ``(n,)``: positive where the answer is wrong.

    The gradient does not shrink when a model is over-confident, unlike that of the cross-entropy (Carlini and Wagner,
    "Towards Evaluating the Robustness of Neural Networks", 2017).
    """
    scores = as_classes(logits)
    own = scores.gather(1, labels[:, None])[:, 0]
    others = scores.scatter(1, labels[:, None], -torch.inf)
    return others.max(dim=1).values - own


def targeted_margin(logits: Any, labels: Any, targets: Any) -> Any:
    """Logit of the class aimed at minus the true one, ``(n,)``; at most 0 where the true class is likelier.

    Of four classes or more in units of the spread of the largest logits, so that it does not change with their scale
    (the targeted DLR loss of Croce and Hein 2020, which needs four).

    Args:
        logits: ``(n, k)``.
        labels: True classes, int64 ``(n,)``.
        targets: Classes aimed at, int64 ``(n,)``.
    """
    scores = as_classes(logits)
    gap = (scores.gather(1, targets[:, None]) - scores.gather(1, labels[:, None]))[:, 0]
    if scores.shape[1] < 4:
        return gap
    largest = scores.topk(4, dim=1).values
    return gap / (largest[:, 0] - (largest[:, 2] + largest[:, 3]) / 2 + 1e-12)
