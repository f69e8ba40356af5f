"""Can the number of an attack be believed? Facts about a model that hides its gradients.

A model whose gradient is cut, rounded away or random looks robust to every attack that follows the gradient. These
probes look at the model, not at the attack (Carlini et al. 2019, "On Evaluating Adversarial Robustness"; the flags of
Croce and Hein's AutoAttack).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from govkit.attacks.asking import Batch, Logits, answer, climb, flat_rows, take
from govkit.attacks.ball import Ball
from govkit.attacks.margin import margin

ROUNDING = 4 * 2.0**-23
"""How far two margins may lie apart by rounding alone, as a share of the largest logit: a few steps of float32."""


@dataclass(frozen=True)
class Probe:
    """What the gradient of the margin is worth.

    Attributes:
        flat: Rows without any gradient ``(n,)``.
        gains: Rows where a small step along the gradient gains more margin than a random step of the same size.
        tied: Rows where both steps come to the same, as they must where few features count: a random corner is the one
            that the gradient points to with chance 2^-d. Such a row says nothing of the gradient.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
    """

    flat: Any
    gains: Any
    tied: Any
    forward: int
    backward: int


def probe_gradients(logits: Logits, batch: Batch, labels: Any, ball: Ball, *, seeds: Sequence[int]) -> Probe:
    """Compare one small step along the gradient with one random step.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: A small ball, for example 1/255 of the input range.
        seeds: One seed a row, for the random step.

    Returns:
        Three forward passes and one backward pass for each row.
    """
    import torch

    rows = torch.arange(len(labels))
    center = batch["x"].detach().float()
    scores, gradient = climb(logits, {**batch, "x": center}, labels, margin)
    along = ball.settle(center + ball.direction(gradient), center)
    aside = ball.settle(center + ball.noise(center, seeds, surface=True), center)
    gain = margin(answer(logits, take(batch, rows, along)), labels)
    chance = margin(answer(logits, take(batch, rows, aside)), labels)
    rounding = ROUNDING * scores.abs().amax(dim=1)
    close, moved = (gain - chance).abs() <= rounding, gain - margin(scores, labels) > rounding
    # Where both steps leave the margin as it was, only steps to one point explain it; a rounded model does it too.
    flat, same = flat_rows(gradient), ((along == aside) | (gradient == 0)).flatten(1).all(dim=1)
    tied = close & (same | moved) & ~flat
    n = len(labels)
    return Probe(flat, (gain > chance) & ~tied, tied, forward=3 * n, backward=n)


def disagreement(first: Any, second: Any) -> float:
    """Largest difference between two answers ``(n, k)`` to the same inputs, relative to their mean absolute logit."""
    scale = float(first.abs().mean())
    return float((first - second).abs().max()) / max(scale, 1e-12)
