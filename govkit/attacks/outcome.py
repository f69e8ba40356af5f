"""What a battery of attacks found, row by row, and what it takes to say whether to believe it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from govkit.lazy import torch


@dataclass(frozen=True)
class Outcome:
    """What the attacks found, row by row: tensors ``(n,)`` on the CPU, and the work that was done.

    Attributes:
        clean: Right without an attack; all others hold only where this does.
        still: Right when asked again, with its gradient, about the input itself.
        fgsm: Right after one step.
        climbed: Right after projected gradient descent on the cross-entropy.
        pgd: Right after that on the margin too: the worst case.
        strong: Right after every attack of the tier that follows the gradient.
        scored: Right after those of the tier that only ask for scores, too.
        half: Right after projected gradient descent within half the radius, asked where ``scored`` holds.
        lent: Right under inputs that were made to break another model, asked where ``half`` holds.
        noise: Right under random noise.
        far: Right even in the far ball.
        flat: Without any gradient of the margin.
        flat_entropy: Without any gradient of the cross-entropy.
        gains: Where a step along the gradient beats a random one.
        tied: Where both come to the same.
        told: What the gradient says of a small random step; see ``Probe``.
        came: What that step did.
        wobble: Largest relative difference between two answers to the same input.
        excess: By how much the worst attacked input leaves its ball, as a share of the radius.
        queries: Most questions to a row by an attack that only asks for scores; 0 where none was tried.
        lenders: Other models whose inputs were tried.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
    """

    clean: Any
    still: Any
    fgsm: Any
    climbed: Any
    pgd: Any
    strong: Any
    scored: Any
    half: Any
    lent: Any
    noise: Any
    far: Any
    flat: Any
    flat_entropy: Any
    gains: Any
    tied: Any
    told: Any
    came: Any
    wobble: float
    excess: float
    queries: int
    lenders: int
    forward: int
    backward: int

    @property
    def worst(self) -> Any:
        """Right after every attack in the declared ball: the worst case of each row."""
        return self.lent & self.fgsm & self.noise


def spread(clean: Any, values: Any) -> Any:
    """Values of the rows that were right from the start, as values of all rows; False or 0 elsewhere."""
    whole = torch.zeros(clean.shape, dtype=values.dtype, device=clean.device)
    return whole.index_put((torch.nonzero(clean)[:, 0],), values).cpu()


def joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of several batches as one."""
    whole: dict[str, Any] = {}
    for item in fields(Outcome):
        values = [getattr(part, item.name) for part in parts]
        if item.name in ("forward", "backward"):
            whole[item.name] = sum(values)
        else:
            whole[item.name] = torch.cat(values) if item.type == "Any" else max(values)
    return Outcome(**whole)
