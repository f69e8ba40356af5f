"""Inputs that were made to break another model, asked of this one: for a model that hides its own gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, answer, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.pgd import pgd
from govkit.lazy import torch

Lender = Callable[[Batch, Any, Sequence[int], Ball, int], Attacked]
"""Makes inputs that break another model: batch, true classes, seeds, ball and steps; its passes are those to count."""


def lender(logits: Logits, *, columns: Any | None = None, counted: bool = True) -> Lender:
    """Projected gradient descent on another model, all steps, since what breaks it well breaks others more often.

    Args:
        logits: The other model, ``batch -> (n, k)``.
        columns: Its column of each class of the model that is attacked, int64 ``(k,)``; None if they are the same.
        counted: Its passes are passes of the audit.
    """

    def make(batch: Batch, labels: Any, seeds: Sequence[int], ball: Ball, steps: int) -> Attacked:
        own = labels if columns is None else columns.to(labels.device)[labels]
        made = pgd(logits, batch, own, ball, steps=steps, seeds=seeds, stop=False)
        return made if counted else Attacked(made.x, made.broken, made.flat, forward=0, backward=0)

    return make


def transfer(logits: Logits, batch: Batch, labels: Any, made: Attacked) -> Attacked:
    """Ask a model about inputs that were made to break another.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        made: The inputs, in the ball of this batch.

    Returns:
        The passes of ``made``, and one forward pass more for each row.
    """
    n = len(labels)
    scores = answer(logits, take(batch, torch.arange(n), made.x))
    return Attacked(made.x, wrong(scores, labels), made.flat, forward=made.forward + n, backward=made.backward)
