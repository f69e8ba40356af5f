"""The fast gradient sign method: one step to the surface of the ball."""

from __future__ import annotations

from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, Loss, answer, climb, flat_rows, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import cross_entropy
from govkit.lazy import torch


def fgsm(logits: Logits, batch: Batch, labels: Any, ball: Ball, *, loss: Loss = cross_entropy) -> Attacked:
    """Move each row once along its gradient (Goodfellow, Shlens and Szegedy 2015).

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed.
        loss: What the step climbs.

    Returns:
        Two forward passes and one backward pass for each row.
    """
    center = batch["x"].detach().float()
    before, gradient = climb(logits, {**batch, "x": center}, labels, loss)
    point = ball.settle(center + ball.direction(gradient), center)
    scores = answer(logits, take(batch, torch.arange(len(labels)), point))
    n = len(labels)
    broken = wrong(scores, labels)
    return Attacked(point, broken, flat_rows(gradient), forward=2 * n, backward=n, scores=before)
