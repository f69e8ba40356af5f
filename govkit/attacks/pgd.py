"""Projected gradient descent: many small steps, each back into the ball."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, Loss, answer, climb, flat_rows, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import margin
from govkit.lazy import torch


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
    onward: bool = False,
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
        onward: Where a coordinate has no gradient it goes on as before, at first at random (linf with ``seeds``). What
            a clamp cuts off is left that way, and what was pushed into a clamp stays there.

    Returns:
        At most ``steps + 1`` forward and ``steps`` backward passes for each row.
    """
    center = batch["x"].detach().float()
    path = ball.project(center if seeds is None else center + ball.noise(center, seeds), center)
    found, broken = path.clone(), torch.zeros(len(labels), dtype=torch.bool, device=center.device)
    flat, forward, backward, stride = broken.clone(), 0, 0, ball.scaled(2.5 / steps)
    rows = torch.arange(len(labels), device=center.device)
    going = ball.noise(center, seeds, surface=True).sign() if onward and seeds and ball.norm == "linf" else None
    for step in range(steps + 1):
        if not len(rows):
            break
        point, truth, last = ball.snap(path, center), labels[rows], step == steps
        asked = take(batch, rows, point)
        scores, gradient = (answer(logits, asked), point) if last else climb(logits, asked, truth, loss)
        forward, backward = forward + len(rows), backward + (0 if last else len(rows))
        flat = flat if step else flat_rows(gradient)
        out = wrong(scores, truth)
        leaving = out if stop and not last else torch.full_like(out, last)
        if bool(leaving.any()):
            found[rows[leaving]], broken[rows[leaving]] = point[leaving], out[leaving]
            rows, path, center, gradient = (kept[~leaving] for kept in (rows, path, center, gradient))
            going = going if going is None else going[~leaving]
        if going is not None:
            gradient = going = torch.where(gradient == 0, going, torch.sign(gradient))
        if len(rows):
            # The path keeps fractions of the grid, so that steps shorter than it add up.
            path = ball.project(path + stride.direction(gradient), center)
    return Attacked(found, broken, flat, forward=forward, backward=backward)
