"""RayS: how near the boundary is, for a model that only tells which class it chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, answer, take, wrong
from govkit.attacks.ball import Ball
from govkit.lazy import torch

FARTHEST = 16.0
"""Radii within which the boundary is searched: from a far point of it the way leads to nearer ones."""

HALVINGS = 8
"""Times that the distance along a direction is halved."""


def rays(
    logits: Logits, batch: Batch, labels: Any, ball: Ball, *, seeds: Sequence[int], queries: int = 100
) -> Attacked:
    """Go in one direction of signs, flip the signs of one block after the other, and keep what leads nearer.

    Chen and Gu 2020, "RayS: A Ray Searching Method for Hard-label Adversarial Attack": the blocks are halves, then
    quarters, and so on. A flip is first tried at the nearest distance so far; only where that changes the answer is
    the distance along it halved.

    Args:
        logits: The model, ``batch -> (n, k)``; only its choice is read.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed; its norm is ``linf``.
        seeds: One seed a row, for the first direction.
        queries: Most questions for each row.

    Returns:
        At most ``queries`` forward passes for each row, and no backward pass.
    """
    center = batch["x"].detach().float()
    found, broken = center.clone(), torch.zeros(len(labels), dtype=torch.bool, device=center.device)
    search, forward = _Search.starting(center, seeds), 0
    for _ in range(queries):
        rows = torch.nonzero(~broken)[:, 0]
        if not len(rows):
            break
        tried, far = search.tried(rows)
        own = replace(ball, radius=ball.radius * far.reshape(-1, *[1] * (center.dim() - 1)))
        point = own.settle(center[rows] + tried * own.radius, center[rows])
        out = wrong(answer(logits, take(batch, rows, point)), labels[rows])
        forward += len(rows)
        inside = rows[out & (far <= 1)]
        found[inside], broken[inside] = point[out & (far <= 1)], True
        search.learn(rows, tried, out)
    return Attacked(found, broken, torch.zeros_like(broken), forward=forward, backward=0)


@dataclass
class _Search:
    """Where the search of each row is.

    Attributes:
        signs: The best direction so far ``(n, ...)``.
        level: Blocks are 1 / 2 ** level of a row, int64 ``(n,)``; -1 before the first flip.
        block: Number of the block that is flipped.
        left: Halvings that are left, 0 while a flip is tried.
        near: Distance along the best direction that does not change the answer, in radii.
        far: One that does, or is not known to.
    """

    signs: Any
    level: Any
    block: Any
    left: Any
    near: Any
    far: Any

    @classmethod
    def starting(cls, center: Any, seeds: Sequence[int]) -> _Search:
        """The first direction of each row is drawn by its own seed."""
        draws = [torch.rand(center.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        zeros = torch.zeros(len(center), dtype=torch.int64, device=center.device)
        signs = torch.sign(torch.stack(draws).to(center.device) - 0.5)
        return cls(signs, zeros - 1, zeros, zeros.clone(), zeros.float(), zeros + FARTHEST)

    def tried(self, rows: Any) -> tuple[Any, Any]:
        """Directions ``(m, ...)`` and distances ``(m,)`` that these rows are asked about next."""
        signs, halving = self.signs[rows], self.left[rows] > 0
        flat = signs.flatten(1)
        blocks = 2 ** self.level[rows].clamp_min(0)
        start, stop = ((self.block[rows] + end) * flat.shape[1] // blocks for end in (0, 1))
        place = torch.arange(flat.shape[1], device=flat.device)[None]
        flipped = (place >= start[:, None]) & (place < stop[:, None]) & ~(halving | (self.level[rows] < 0))[:, None]
        far = torch.where(halving, (self.near[rows] + self.far[rows]) / 2, self.far[rows])
        return torch.where(flipped, -flat, flat).reshape(signs.shape), far

    def learn(self, rows: Any, tried: Any, out: Any) -> None:
        """Move on by what was answered: ``out`` where the answer was wrong."""
        halving = self.left[rows] > 0
        middle = (self.near[rows] + self.far[rows]) / 2
        self.near[rows] = torch.where(halving, torch.where(out, self.near[rows], middle), torch.zeros_like(middle))
        self.far[rows] = torch.where(halving & out, middle, self.far[rows])
        better = rows[~halving & out]
        self.signs[better] = tried[~halving & out]
        self.left[rows] = torch.where(halving, self.left[rows] - 1, torch.where(out, HALVINGS, 0))
        # The next block once nothing is left to halve; after the last one blocks of half the size.
        onward = rows[self.left[rows] == 0]
        block = self.block[onward] + 1
        last = block >= 2 ** self.level[onward].clamp_min(0)
        level = self.level[onward] + last.long()
        level = torch.where(2**level > self.signs[0].numel(), torch.zeros_like(level), level)
        self.level[onward], self.block[onward] = level, torch.where(last, torch.zeros_like(block), block)
