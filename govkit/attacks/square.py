"""Square: random squares that are kept where they help, for a model that only tells its scores."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, answer, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.margin import margin
from govkit.lazy import torch

HALVES = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Questions of 10,000 after which the share of an image that is changed at once is halved."""

SHARE = 0.8
"""Share of the image that the first squares change."""

STEP = {"linf": 2.0, "l2": 0.5}
"""Length of a change in radii: in linf from one corner to another, in L2 what broke most digits."""


def square(
    logits: Logits,
    batch: Batch,
    labels: Any,
    ball: Ball,
    *,
    seeds: Sequence[int],
    queries: int = 100,
    stop: bool = True,
) -> Attacked:
    """Change a square to another corner of the ball, and keep the change if the margin grows.

    Andriushchenko et al. 2020, "Square Attack: a query-efficient black-box adversarial attack via random search". Of a
    row without height and width a random share of the columns is changed in place of a square. In L2 the same squares
    are added and the sum is drawn back into the ball, which is simpler than what the paper does there.

    Args:
        logits: The model, ``batch -> (n, k)``; logarithms of probabilities do as well.
        batch: ``{"x": float tensor (n, ...), ...}``; of four dimensions it holds images ``(n, c, h, w)``.
        labels: True classes, int64 ``(n,)``.
        ball: What may be changed; its norm is ``linf`` or ``l2``.
        seeds: One seed a row.
        queries: Most questions for each row.
        stop: Leave broken rows alone. Without it every row takes all questions, and none counts as broken.

    Returns:
        At most ``queries`` forward passes for each row, and no backward pass.
    """
    center = batch["x"].detach().float()
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    best, broken = center.clone(), torch.zeros(len(labels), dtype=torch.bool, device=center.device)
    reach = STEP[ball.norm]
    top, forward = torch.full((len(labels),), -torch.inf, device=center.device), 0
    for query in range(queries):
        rows = torch.nonzero(~broken)[:, 0]
        if not len(rows):
            break
        share = SHARE / 2 ** bisect_left(HALVES, query / queries * 10_000)
        own = [draws[row] for row in rows.tolist()]
        signs = _squares(center[rows], own, share) if query else _stripes(center[rows], own).expand_as(center[rows])
        point = ball.settle(best[rows] + reach * ball.direction(signs), center[rows])
        scores = answer(logits, take(batch, rows, point))
        forward += len(rows)
        gain, out = margin(scores, labels[rows]), wrong(scores, labels[rows]) & stop
        better = (gain > top[rows]) | out
        best[rows[better]], top[rows[better]] = point[better], gain[better]
        broken[rows] = out
    return Attacked(best, broken, torch.zeros_like(broken), forward=forward, backward=0)


def _stripes(x: Any, draws: Sequence[Any]) -> Any:
    """A sign ``(n, c, 1, w)`` for each column of each channel, or for each value of a row that is no image."""
    shape = (x.shape[1], 1, x.shape[3]) if x.dim() == 4 else tuple(x.shape[1:])
    return _signs(_uniform(shape, draws)).to(x.device)


def _squares(x: Any, draws: Sequence[Any], share: float) -> Any:
    """Signs ``(n, ...)`` inside a square of this share of the image, and zeros around it."""
    if x.dim() != 4:
        chosen, signs = _uniform((2, *x.shape[1:]), draws).unbind(1)
        least = chosen.flatten(1).amin(dim=1).reshape(-1, *[1] * (x.dim() - 1))
        return (((chosen < share) | (chosen == least)) * _signs(signs)).to(x.device)
    channels, height, width = x.shape[1:]
    side = min(max(round((share * height * width) ** 0.5), 1), height, width)
    drawn = _uniform((2 + channels,), draws)
    inside = []
    for place, length in enumerate((height, width)):
        start = (drawn[:, place, None] * (length - side + 1)).long()
        along = torch.arange(length)[None]
        inside.append((along >= start) & (along < start + side))
    both = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return (both * _signs(drawn[:, 2:, None, None])).to(x.device)


def _uniform(shape: tuple[int, ...], draws: Sequence[Any]) -> Any:
    """Numbers in [0, 1) of this shape, drawn by each row's own generator."""
    return torch.stack([torch.rand(shape, generator=draw) for draw in draws])


def _signs(uniform: Any) -> Any:
    return (uniform < 0.5).float() * 2 - 1
