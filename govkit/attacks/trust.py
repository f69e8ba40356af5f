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


@dataclass(frozen=True)
class Probe:
    """What the gradient of the margin is worth.

    Attributes:
        flat: Rows without any gradient ``(n,)``.
        gains: Rows where a small step along the gradient gains more margin than a random step of the same size.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
    """

    flat: Any
    gains: Any
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
    _, gradient = climb(logits, {**batch, "x": center}, labels, margin)
    along = ball.settle(center + ball.direction(gradient), center)
    aside = ball.settle(center + ball.noise(center, seeds, surface=True), center)
    gain = margin(answer(logits, take(batch, rows, along)), labels)
    chance = margin(answer(logits, take(batch, rows, aside)), labels)
    n = len(labels)
    return Probe(flat_rows(gradient), gain > chance, forward=3 * n, backward=n)


def disagreement(first: Any, second: Any) -> float:
    """Largest difference between two answers ``(n, k)`` to the same inputs, relative to their mean absolute logit."""
    scale = float(first.abs().mean())
    return float((first - second).abs().max()) / max(scale, 1e-12)
