"""Asking a model about inputs and about the gradient there, and what an attack hands back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from govkit.attacks.margin import as_classes
from govkit.lazy import torch

Batch = Mapping[str, Any]
Logits = Callable[[Batch], Any]
Loss = Callable[[Any, Any], Any]

Rows = tuple[Batch, Any, Sequence[int]]
"""A batch of n rows, their true classes ``(n,)``, and one seed a row."""

FLAT = 1e-12
"""A row whose largest gradient entry is below this has no gradient to follow (Carlini et al. 2019)."""


@dataclass(frozen=True)
class Attacked:
    """What an attack found.

    Attributes:
        x: The inputs it ended with ``(n, ...)``, float32; where ``broken``, exactly the input that was asked about.
        broken: Rows answered wrongly ``(n,)``.
        flat: Rows without any gradient at the first step ``(n,)``; all False for attacks that take none.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
        scores: Logits ``(n, k)`` of the inputs before the attack, of attacks that ask about those.
    """

    x: Any
    broken: Any
    flat: Any
    forward: int
    backward: int
    scores: Any = None


def take(batch: Batch, rows: Any, x: Any | None = None) -> dict[str, Any]:
    """Some rows of a batch, with other inputs in place of theirs where ``x`` is given.

    Args:
        batch: Tensors with ``n`` rows; what is no tensor, or has another length, is passed through.
        rows: Row numbers, a tensor.
        x: Inputs of these rows.
    """
    n = batch["x"].shape[0]
    kept = batch if x is None else {key: value for key, value in batch.items() if key != "x"}
    chosen = {
        key: value[rows] if getattr(value, "shape", None) and value.shape[0] == n else value
        for key, value in kept.items()
    }
    return chosen if x is None else {"x": x, **chosen}


def some_rows(rows: Rows, which: Any) -> tuple[dict[str, Any], Any, list[int]]:
    """The rows of these numbers, a tensor."""
    batch, labels, seeds = rows
    return take(batch, which), labels[which], [seeds[row] for row in which.tolist()]


def answer(logits: Logits, batch: Batch) -> Any:
    """Logits ``(n, k)``, k >= 2, in float32 and without a graph."""
    with torch.no_grad():
        return as_classes(logits(batch)).detach().float().to(batch["x"].device)


def climb(logits: Logits, batch: Batch, labels: Any, loss: Loss) -> tuple[Any, Any]:
    """Logits ``(n, k)`` and the gradient of the loss at ``batch["x"]``, which is zero where the graph is cut.

    ``torch.autograd.grad`` towards the input alone leaves ``.grad`` of the parameters as it is, and is a third cheaper
    than ``backward()``.
    """
    x = batch["x"].detach().requires_grad_()
    with torch.enable_grad():
        scores = as_classes(logits({**batch, "x": x})).to(x.device)
        total = loss(scores.float(), labels).sum()
        gradient = torch.autograd.grad(total, x, allow_unused=True)[0] if total.requires_grad else None
    gradient = torch.zeros_like(x) if gradient is None else torch.nan_to_num(gradient.detach().float())
    return scores.detach().float(), gradient


def onward(before: Attacked, attack: Callable[[Any], Attacked]) -> Attacked:
    """Attack the rows that still stand; those that broke stay as they are.

    Args:
        before: What was found so far.
        attack: Attacks the rows of these numbers, a tensor.

    Returns:
        The worst of both for each row, with the passes of both.
    """
    left = torch.nonzero(~before.broken)[:, 0]
    if not len(left):
        return before
    result = attack(left)
    x, broken = before.x.clone(), before.broken.clone()
    x[left], broken[left] = result.x, result.broken
    passes = {"forward": before.forward + result.forward, "backward": before.backward + result.backward}
    return Attacked(x, broken, before.flat, **passes)


def wrong(scores: Any, labels: Any) -> Any:
    """Rows ``(n,)`` answered wrongly; logits that are not finite count as wrong, for they are no answer."""
    return (scores.argmax(dim=1) != labels) | ~torch.isfinite(scores).all(dim=1)


def flat_rows(gradient: Any) -> Any:
    """Rows ``(n,)`` whose gradient is zero."""
    return gradient.flatten(1).abs().amax(dim=1) < FLAT
