"""Projected gradient descent: many small steps, each back into the ball."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, Loss, answer, climb, flat_rows, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import margin


def pgd(
    logits: Logits,
    batch: Batch,
    labels: Any,
    ball: Ball,
    *,
    loss: Loss = margin,
    steps: int = 10,
    seeds: Sequence[int] | None = None,
    stop: bool = True,
) -> Attacked:
    """Climb a loss from each row (Madry et al. 2018), and leave a row alone as soon as it is broken.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed.
        loss: What the steps climb; the margin by default, because an over-confident model hides the gradient of the
            cross-entropy.
        steps: Number of steps, each 2.5/steps of the radius.
        seeds: One seed a row for a random start inside the ball; None starts at the input itself.
        stop: Leave broken rows alone. Without it every row takes all steps, and counts as broken where it ends.

    Returns:
        At most ``steps + 1`` forward and ``steps`` backward passes for each row.
    """
    import torch

    center = batch["x"].detach().float()
    inside = center if seeds is None else center + ball.noise(center, seeds)
    path = ball.project(inside, center)
    found, broken = ball.settle(path, center), torch.zeros(len(labels), dtype=torch.bool, device=center.device)
    flat, forward, backward = broken.clone(), 0, 0
    for step in range(steps + 1):
        active = torch.nonzero(~broken if stop else broken | True)[:, 0]
        if not len(active):
            break
        point = ball.settle(path[active], center[active])
        asked = take(batch, active, point)
        forward += len(active)
        if step == steps:
            scores = answer(logits, asked)
        else:
            scores, gradient = climb(logits, asked, labels[active], loss)
            backward += len(active)
            if step == 0:
                flat[active] = flat_rows(gradient)
            # The path keeps fractions of the grid, so that steps shorter than it add up.
            moved = path[active] + ball.direction(gradient) * (2.5 / steps)
            path[active] = ball.project(moved, center[active])
        found[active] = point
        broken[active] = wrong(scores, labels[active])
    return Attacked(found, broken, flat, forward=forward, backward=backward)
