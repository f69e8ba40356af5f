"""Random noise: the attack without a gradient, which a sound gradient attack must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, answer, take, wrong
from govkit.attacks.ball import Ball
from govkit.lazy import torch


def random_noise(
    logits: Logits, batch: Batch, labels: Any, ball: Ball, *, seeds: Sequence[int], draws: int = 10
) -> Attacked:
    """Ask about random corners of the ball until one breaks the row.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed.
        seeds: One seed a row.
        draws: Tries for each row.

    Returns:
        At most ``draws`` forward passes for each row.
    """
    center = batch["x"].detach().float()
    found, broken = center.clone(), torch.zeros(len(labels), dtype=torch.bool, device=center.device)
    forward = 0
    for draw in range(draws):
        active = torch.nonzero(~broken)[:, 0]
        if not len(active):
            break
        own = [seeds[row] + draw for row in active.tolist()]
        moved = center[active] + ball.noise(center[active], own, surface=True)
        point = ball.settle(moved, center[active])
        scores = answer(logits, take(batch, active, point))
        forward += len(active)
        found[active] = point
        broken[active] = wrong(scores, labels[active])
    return Attacked(found, broken, torch.zeros_like(broken), forward=forward, backward=0)
