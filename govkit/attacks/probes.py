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
from govkit.lazy import torch

STEPS = 4
"""How far two margins may lie apart by rounding alone: a few steps of the type of the largest logit."""

DROWNED = 0.1
"""Share of what the gradient says of a random step, beyond which rounding hides what the step does."""

SHORTEST = 1 / 1024
"""A random step is at least this share of a probing step; in a deep network a longer one bends away."""


FORETELLS = 0.95
"""Agreement of what the gradient says of small random steps with what they do, below which it is not the gradient."""


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
        plateau: Rows where the model does not change under small steps, as its gradient says, and where it has a
            gradient at another point of the wide ball: neither flat by a trick nor a row to climb from.
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
    plateau: Any
    scores: Any
    forward: int
    backward: int


def probe_gradients(
    logits: Logits, batch: Batch, labels: Any, ball: Ball, *, seeds: Sequence[int], wide: Ball | None = None
) -> Probe:
    """Compare one small step along the gradient with a random one, and a short random one with what the gradient says.

    The short one is as short as rounding allows, so that what is smooth does what its gradient says.

    Images lie where honest models have kinks: equal pixels under a maximum, values that a clamp cuts off. So where rows
    are flat, or the gradient does not foretell what came, all rows of the batch are looked at again at a random point.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: A small ball, for example 1/255 of the input range.
        seeds: One seed a row, for the random step.
        wide: Where the second look goes; there is none if not given.

    Returns:
        Four forward passes and one backward pass for each row; with a second look six and two.
    """
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
    look = _Look(logits, batch, labels, rounding)
    told, came = look.short(center, gradient, before, along - center, aside - center)
    plateau, looks = torch.zeros_like(flat), 0
    if wide is not None and (bool(flat.any()) or agreement(told, came) < FORETELLS):
        (flat_there, *there), looks = look.elsewhere(_anywhere(wide, center, seeds), ball, seeds), 1
        told, came = (torch.where(there[1] != 0, *both) for both in zip(there, (told, came), strict=True))
        plateau = flat & (chance.abs() <= rounding) & ~flat_there
    tied = (close & (same | moved) & ~flat) | plateau
    return Probe(
        still=~wrong(scores, labels), flat=flat & ~plateau, gains=(gain > chance) & ~tied, tied=tied, told=told,
        came=came, plateau=plateau, scores=scores,
        forward=(4 + 2 * looks) * len(labels), backward=(1 + looks) * len(labels),
    )  # fmt: skip


def agreement(told: Any, came: Any) -> float:
    """How far two sets of numbers ``(n,)`` are the same, in [-1, 1]: twice their product over the sum of their squares.

    1 only where each equals the other in sign and size (the concordance of Lin 1989 about 0). A cosine would not see
    that the gradient is that of a part of the model, which points almost where the whole does. 1 where both are empty.
    """
    told, came = told.double(), came.double()
    squares = float((told * told + came * came).sum())
    return 2 * float((told * came).sum()) / squares if squares > 0 else 1.0


@dataclass(frozen=True)
class _Look:
    """A model and the rows it is asked about, with what rounding may add to a margin ``(n,)``."""

    logits: Logits
    batch: Batch
    labels: Any
    rounding: Any

    def short(self, start: Any, gradient: Any, before: Any, along: Any, aside: Any) -> tuple[Any, Any]:
        """What the gradient says of a short step ``aside``, and what it does, as ``Probe`` holds them."""
        promise, said = (_along(gradient, step) for step in (along, aside))
        share = (2 * self.rounding / DROWNED / said.abs()).clamp(SHORTEST, 1.0)
        point = start + aside * share.reshape(-1, *[1] * (start.dim() - 1))
        moved_by, unit = _along(gradient, point - start), promise * share
        came = self._margin(point) - before
        heard = self.rounding < DROWNED * moved_by.abs()
        told, came = (torch.where(heard, part / unit, 0.0) for part in (moved_by, came))
        return told, came

    def elsewhere(self, start: Any, ball: Ball, seeds: Sequence[int]) -> tuple[Any, Any, Any]:
        """The same at another point, and before it the rows ``(n,)`` without any gradient there."""
        scores, gradient = climb(self.logits, {**self.batch, "x": start}, self.labels, margin)
        aside = ball.noise(start, [seed + 1 for seed in seeds], surface=True)
        told, came = self.short(start, gradient, margin(scores, self.labels), ball.direction(gradient), aside)
        return flat_rows(gradient), told, came

    def _margin(self, point: Any) -> Any:
        return margin(answer(self.logits, take(self.batch, torch.arange(len(self.labels)), point)), self.labels)


def _anywhere(ball: Ball, center: Any, seeds: Sequence[int]) -> Any:
    """A random point of the ball, inside the range: at its ends pixels would be equal again."""
    change = ball.noise(center, seeds)
    there, back = ball.project(center + change, center), ball.project(center - change, center)
    return torch.where(there == center + change, there, back)


def _along(gradient: Any, change: Any) -> Any:
    """What the gradient says of a change, ``(n,)``."""
    return (gradient * change).flatten(1).sum(dim=1)


def _coarseness(scores: Any) -> float:
    """Distance of neighboring numbers, relative to them, in the type that the scores were computed in.

    Numbers that a shorter type holds exactly, all of them, were computed in it.
    """
    for kind in (torch.bfloat16, torch.float16):
        if bool((scores == scores.to(kind).float()).all()) and bool((scores != scores.round()).any()):
            return float(torch.finfo(kind).eps)
    return float(torch.finfo(torch.float32).eps)


def disagreement(first: Any, second: Any) -> float:
    """Largest difference between two answers ``(n, k)`` to the same inputs, relative to their mean absolute logit."""
    scale = float(first.abs().mean())
    return float((first - second).abs().max()) / max(scale, 1e-12)
