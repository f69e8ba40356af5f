"""How hard to try: the attacks beyond projected gradient descent, and what they cost at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from govkit.attacks.apgd import apgd
from govkit.attacks.asking import Attacked, Logits, Rows, onward, some_rows
from govkit.attacks.ball import Ball
from govkit.attacks.square import square

TierName = Literal["smoke", "gate", "audit"]


@dataclass(frozen=True)
class Tier:
    """What is tried on the rows that withstood projected gradient descent.

    Attributes:
        steps: Steps of APGD on the margin, and again toward each class that is aimed at.
        targets: Classes aimed at, the likeliest wrong ones first.
        queries: Questions of Square.
    """

    steps: int
    targets: int
    queries: int

    def aims(self, classes: int) -> int:
        """Classes aimed at; of two classes the only wrong one is what the margin aims at already."""
        return min(self.targets, classes - 1) if classes > 2 else 0

    def most_passes(self, classes: int) -> tuple[int, int]:
        """Most forward and backward passes that one row takes in ``strengthen``."""
        runs = (1 + self.aims(classes)) if self.steps else 0
        return runs * (self.steps + 1) + self.queries, runs * self.steps


TIERS: dict[TierName, Tier] = {"smoke": Tier(0, 0, 0), "gate": Tier(25, 3, 100), "audit": Tier(100, 9, 1000)}


def strengthen(
    logits: Logits,
    rows: Rows,
    ball: Ball,
    before: Attacked,
    *,
    scores: Any,
    tier: Tier,
) -> tuple[Attacked, Attacked]:
    """APGD on the margin, toward the likeliest wrong classes, then Square, each on what still stands.

    Args:
        logits: The model, ``batch -> (n, k)``.
        rows: A batch of n rows, their true classes ``(n,)``, and one seed a row.
        ball: What may be changed.
        before: What weaker attacks found on these rows.
        scores: Logits ``(n, k)`` of the inputs themselves, which say which wrong class is likeliest.
        tier: What is tried.

    Returns:
        What was found with gradients, and what was found with them and with Square; passes of ``before`` included.
    """
    ranks = scores.scatter(1, rows[1][:, None], float("-inf")).argsort(dim=1, descending=True)

    def climbing(left: Any, run: int) -> Attacked:
        batch, labels, seeds = some_rows(rows, left)
        aim = {"targets": ranks[left, run - 1]} if run else {}
        # Each run starts somewhere else.
        return apgd(logits, batch, labels, ball, steps=tier.steps, seeds=[seed + run for seed in seeds], **aim)

    found = before
    for run in range(1 + tier.aims(scores.shape[1]) if tier.steps else 0):
        found = onward(found, partial(climbing, run=run))
    return found, onward(found, guessing(logits, rows, ball, tier.queries)) if tier.queries else found


def guessing(
    logits: Logits, rows: Rows, ball: Ball, queries: int, *, attack: Callable[..., Attacked] = square
) -> Callable[[Any], Attacked]:
    """An attack that only asks, for some of the rows."""

    def guess(left: Any) -> Attacked:
        batch, labels, seeds = some_rows(rows, left)
        return attack(logits, batch, labels, ball, seeds=seeds, queries=queries)

    return guess
