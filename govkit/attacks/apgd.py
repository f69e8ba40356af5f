"""Auto-PGD: projected gradient descent that finds the length of its steps by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, Loss, answer, climb, flat_rows, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import margin, targeted_margin
from govkit.lazy import torch

MOMENTUM = 0.75
"""Share of the new step; the rest follows the step before (Croce and Hein 2020)."""


def apgd(
    logits: Logits,
    batch: Batch,
    labels: Any,
    ball: Ball,
    *,
    loss: Loss = margin,
    targets: Any | None = None,
    steps: int = 50,
    seeds: Sequence[int] | None = None,
) -> Attacked:
    """Climb a loss, halve the steps of a row that no longer rises and go on from its best point.

    Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
    attacks", algorithm 1. A row is left alone as soon as it is broken.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batch: ``{"x": float tensor (n, ...), ...}``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed.
        loss: What the steps climb, where no class is aimed at.
        targets: Classes to aim at, int64 ``(n,)``: the targeted loss is climbed in place of ``loss``.
        steps: Number of steps.
        seeds: One seed a row for a random start inside the ball; None starts at the input itself.

    Returns:
        At most ``steps + 1`` forward and ``steps`` backward passes for each row.
    """
    center = batch["x"].detach().float()
    path = ball.project(center if seeds is None else center + ball.noise(center, seeds), center)
    found, broken = path.clone(), torch.zeros(len(labels), dtype=torch.bool, device=center.device)
    flat, forward, backward, windows = broken.clone(), 0, 0, _windows(steps)
    rows = _Rows.starting(path, center)
    for step in range(steps + 1):
        number = rows.number
        if not len(number):
            break
        point = ball.snap(rows.path, rows.center)
        aim = loss if targets is None else partial(targeted_margin, targets=targets[number])
        asked, truth, last = take(batch, number, point), labels[number], step == steps
        scores, gradient = (answer(logits, asked), point) if last else climb(logits, asked, truth, aim)
        forward, backward = forward + len(number), backward + (0 if last else len(number))
        if step == 0:
            flat = flat_rows(gradient)
        out = wrong(scores, truth)
        leaving = torch.ones_like(out) if last else out
        if bool(leaving.any()):
            found[number[leaving]], broken[number[leaving]] = point[leaving], out[leaving]
        if not last:
            rows = rows.after(aim(scores, truth), gradient).kept(~out)
            rows.move(ball, window=windows.get(step), share=MOMENTUM if step else 1.0)
    return Attacked(found, broken, flat, forward=forward, backward=backward)


def _windows(steps: int) -> dict[int, int]:
    """Steps after which the length is looked at, each with the number of steps since the last look."""
    width, at, windows = max(int(0.22 * steps), 1), 0, {}
    while (at := at + width) < steps:
        windows[at] = width
        width = max(width - max(int(0.03 * steps), 1), max(int(0.06 * steps), 1))
    return windows


@dataclass
class _Rows:
    """What is known of the rows that still stand; each tensor has one entry a row.

    Attributes:
        number: Number of the row in the batch.
        center: The input itself.
        path: Where the row is, between the values that can be stored.
        before: Where it was one step earlier.
        gradient: The gradient at ``path``.
        loss: The loss there.
        best: The highest loss so far.
        best_path: Where that was.
        best_gradient: The gradient there.
        looked: ``best`` at the last look.
        halved: The steps were halved at the last look.
        rises: Steps since then that raised the loss.
        size: Length of a step, in radii.
    """

    number: Any
    center: Any
    path: Any
    before: Any
    gradient: Any
    loss: Any
    best: Any
    best_path: Any
    best_gradient: Any
    looked: Any
    halved: Any
    rises: Any
    size: Any

    @classmethod
    def starting(cls, path: Any, center: Any) -> _Rows:
        """All rows before the first question."""
        n = len(path)
        low, size = torch.full((n,), -torch.inf, device=path.device), torch.full((n,), 2.0, device=path.device)
        return cls(
            number=torch.arange(n, device=path.device), center=center, path=path, before=path, gradient=path,
            loss=-low, best=low, best_path=path, best_gradient=path, looked=low,
            halved=torch.ones_like(low, dtype=torch.bool), rises=torch.zeros_like(low), size=size,
        )  # fmt: skip

    def kept(self, mask: Any) -> _Rows:
        """The rows where ``mask`` holds; those themselves if it holds everywhere, which spares the copies."""
        if bool(mask.all()):
            return self
        return _Rows(**{item.name: getattr(self, item.name)[mask] for item in fields(self)})

    def after(self, loss: Any, gradient: Any) -> _Rows:
        """The same rows when the loss and the gradient at their places are known."""
        better = loss > self.best
        self.rises = self.rises + (loss > self.loss)
        self.loss, self.gradient = loss, gradient
        self.best = torch.where(better, loss, self.best)
        self.best_path = torch.where(_wide(better, gradient), self.path, self.best_path)
        self.best_gradient = torch.where(_wide(better, gradient), gradient, self.best_gradient)
        return self

    def move(self, ball: Ball, *, window: int | None, share: float) -> None:
        """Look at the length of the steps if a window ends here, then take one."""
        if window is not None:
            self._look(window)
        bend, self.before = self.path - self.before, self.path
        ahead = ball.project(self.path + ball.direction(self.gradient) * _wide(self.size, self.path), self.center)
        self.path = ball.project(self.path + (ahead - self.path) * share + bend * (1 - share), self.center)

    def _look(self, window: int) -> None:
        """Halve the steps of rows that rose too seldom, or not at all since the last look, and start at their best."""
        turn = (self.rises <= 0.75 * window) | (~self.halved & (self.looked >= self.best))
        self.size = torch.where(turn, self.size / 2, self.size)
        self.path = torch.where(_wide(turn, self.path), self.best_path, self.path)
        self.gradient = torch.where(_wide(turn, self.path), self.best_gradient, self.gradient)
        self.looked, self.halved, self.rises = self.best, turn, torch.zeros_like(self.rises)


def _wide(values: Any, like: Any) -> Any:
    """One value a row, with dimensions added for broadcasting."""
    return values.reshape(-1, *[1] * (like.dim() - 1))
