"""Small steps that show what the gradient of a model is worth.

A model whose gradient is cut, rounded away or random looks robust to every attack that follows the gradient. These
probes look at the model, not at the attack (Carlini et al. 2019, "On Evaluating Adversarial Robustness"; the flags of
Croce and Hein's AutoAttack).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from govkit.attacks.asking import Batch, Logits, answer, climb, flat_rows, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import margin

STEPS = 4
"""How far two margins may lie apart by rounding alone: a few steps of the type of the largest logit."""

DROWNED = 0.1
"""Share of what the gradient says of a random step, beyond which rounding hides what the step does."""

SHORTEST = 1 / 1024
"""A random step is at least this share of a probing step; in a deep network a longer one bends away."""


@dataclass(frozen=True)
class Probe:
    """What the gradient of the margin is worth, row by row ``(n,)``.

    Attributes:
        still: Answered as before, now that the gradient is asked for: a change of radius zero.
        flat: Rows without any gradient.
        gains: Rows where a small step along the gradient gains more margin than a random step of the same size.
        tied: Rows where both steps come to the same, as they must where few features count: a random corner is the one
            that the gradient points to with chance 2^-d. Such a row says nothing of the gradient.
        told: What the gradient says that a short random step gains, as a share of what it says of the step along it.
        came: What the short random step gains, in the same unit; both are 0 where rounding hides it.
        scores: Logits of the inputs themselves ``(n, k)``.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
    """

    still: Any
    flat: Any
    gains: Any
    tied: Any
    told: Any
    came: Any
    scores: Any
    forward: int
    backward: int


def probe_gradients(logits: Logits, batch: Batch, labels: Any, ball: Ball, *, seeds: Sequence[int]) -> Probe:
    """Compare one small step along the gradient with a random one, and a short random one with what the gradient says.

    The short one is as short as rounding allows, so that what is smooth does what its gradient says.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: A small ball, for example 1/255 of the input range.
        seeds: One seed a row, for the random step.

    Returns:
        Four forward passes and one backward pass for each row.
    """
    import torch

    rows = torch.arange(len(labels))
    center = batch["x"].detach().float()
    scores, gradient = climb(logits, {**batch, "x": center}, labels, margin)
    along = ball.settle(center + ball.direction(gradient), center)
    aside = ball.settle(center + ball.noise(center, seeds, surface=True), center)
    before = margin(scores, labels)
    gain = margin(answer(logits, take(batch, rows, along)), labels) - before
    chance = margin(answer(logits, take(batch, rows, aside)), labels) - before
    rounding = STEPS * _coarseness(scores) * scores.abs().amax(dim=1)
    close, moved = (gain - chance).abs() <= rounding, gain > rounding
    # Where both steps leave the margin as it was, only steps to one point explain it; a rounded model does it too.
    flat, same = flat_rows(gradient), ((along == aside) | (gradient == 0)).flatten(1).all(dim=1)
    tied = close & (same | moved) & ~flat
    promise, said = (_along(gradient, point - center) for point in (along, aside))
    share = (2 * rounding / DROWNED / said.abs()).clamp(SHORTEST, 1.0)
    point = center + (aside - center) * share.reshape(-1, *[1] * (center.dim() - 1))
    moved_by, unit = _along(gradient, point - center), promise * share
    came = margin(answer(logits, take(batch, rows, point)), labels) - before
    heard = rounding < DROWNED * moved_by.abs()
    told, came = (torch.where(heard, part / unit, 0.0) for part in (moved_by, came))
    facts = {"still": ~wrong(scores, labels), "flat": flat, "gains": (gain > chance) & ~tied, "tied": tied}
    return Probe(**facts, told=told, came=came, scores=scores, forward=4 * len(labels), backward=len(labels))


def _along(gradient: Any, change: Any) -> Any:
    """What the gradient says of a change, ``(n,)``."""
    return (gradient * change).flatten(1).sum(dim=1)


def _coarseness(scores: Any) -> float:
    """Distance of neighboring numbers, relative to them, in the type that the scores were computed in.

    Numbers that a shorter type holds exactly, all of them, were computed in it.
    """
    import torch

    for kind in (torch.bfloat16, torch.float16):
        if bool((scores == scores.to(kind).float()).all()) and bool((scores != scores.round()).any()):
            return float(torch.finfo(kind).eps)
    return float(torch.finfo(torch.float32).eps)


def disagreement(first: Any, second: Any) -> float:
    """Largest difference between two answers ``(n, k)`` to the same inputs, relative to their mean absolute logit."""
    scale = float(first.abs().mean())
    return float((first - second).abs().max()) / max(scale, 1e-12)
