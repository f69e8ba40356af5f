"""The contrastive attack: break one model and leave its siblings standing, so that what transfers names the origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, answer, climb, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import as_classes, margin
from govkit.lazy import torch

STANDS = 6.0
"""Another model whose margin lies this far below zero moves no step: it surely stands, and the target has the say."""


def contrastive(
    target: Logits, others: Sequence[Logits], batch: Batch, labels: Any, ball: Ball, *, steps: int = 20
) -> Attacked:
    """Climb the margin of ``target`` less the log-sum-exp of the margins of ``others``, with momentum.

    An attack that breaks a model also breaks most others that learned the same task, whoever they come from. Only what
    breaks this one and not its siblings says something of it (the ensemble of Liu et al. 2017, "Delving into
    Transferable Adversarial Examples", turned around). The target is driven ever deeper into the wrong class, in steps
    of a quarter radius along the sum of all gradients so far, each by its mean size (Dong et al. 2018, "Boosting
    Adversarial Attacks with Momentum", with a decay of 1): both make it carry over to a student with another head.

    Args:
        target: The model to break, ``batch -> (n, k)``.
        others: Those that are to stand, at least one, with the same classes in the same order.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed.
        steps: Number of steps; each row takes them all.

    Returns:
        ``broken`` where ``target`` is broken and none of the others is. ``(steps + 1) * (1 + len(others))`` forward
        and ``steps * (1 + len(others))`` backward passes for each row.

    Raises:
        ValueError: There are no others.
    """
    if not others:
        raise ValueError("others: expected at least one model that is to stand")
    models = (target, *others)

    def side_by_side(asked: Batch) -> Any:
        return torch.cat([as_classes(model(asked)).float() for model in models], dim=1)

    def contrast(scores: Any, truth: Any) -> Any:
        own, *rest = (margin(part, truth) for part in scores.chunk(len(models), dim=1))
        return own - torch.stack([part.clamp(min=-STANDS) for part in rest]).logsumexp(dim=0)

    center = batch["x"].detach().float()
    rows, path, stride = torch.arange(len(labels), device=center.device), center, ball.scaled(0.25)
    momentum = torch.zeros_like(center)
    for _ in range(steps):
        asked = take(batch, rows, ball.snap(path, center))
        _, gradient = climb(side_by_side, asked, labels, contrast)
        size = gradient.abs().flatten(1).mean(dim=1).clamp_min(torch.finfo(torch.float32).tiny)
        momentum = momentum + gradient / size.reshape(-1, *[1] * (gradient.dim() - 1))
        path = ball.project(path + stride.direction(momentum), center)
    found = ball.snap(path, center)
    fell, *stand = (wrong(answer(model, take(batch, rows, found)), labels) for model in models)
    broken = fell & ~torch.stack(stand).any(dim=0)
    passes = len(labels) * len(models)
    return Attacked(found, broken, torch.zeros_like(broken), forward=(steps + 1) * passes, backward=steps * passes)
