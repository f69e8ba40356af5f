"""The continuous attacks one after the other on the same rows, with the facts that say whether to believe them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, answer, onward, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.fgsm import fgsm
from govkit.attacks.margin import cross_entropy
from govkit.attacks.pgd import pgd
from govkit.attacks.random_noise import random_noise
from govkit.attacks.square import square
from govkit.attacks.tiers import TIERS, Tier, strengthen
from govkit.attacks.trust import disagreement, probe_gradients

Rows = tuple[Batch, Any, Sequence[int]]
"""A batch of n rows, their true classes ``(n,)``, and one seed a row."""

FEWEST = 5
"""Rows that tell a step along the gradient from a random one, below which the comparison says nothing."""


@dataclass(frozen=True)
class Balls:
    """What may be changed: ``declared`` by an attack, ``small`` by a probing step, ``far`` where all must fail."""

    declared: Ball
    small: Ball
    far: Ball


@dataclass(frozen=True)
class Outcome:
    """What the attacks found, row by row: truths ``(n,)`` on the CPU, and the work that was done.

    Attributes:
        clean: Right without an attack; all others hold only where this does.
        fgsm: Right after one step.
        climbed: Right after projected gradient descent on the cross-entropy.
        pgd: Right after that on the margin too: the worst case.
        strong: Right after every attack of the tier that follows the gradient.
        scored: Right after those of the tier that only ask for scores, too.
        noise: Right under random noise.
        far: Right even in the far ball.
        flat: Without any gradient of the margin.
        flat_entropy: Without any gradient of the cross-entropy.
        gains: Where a step along the gradient beats a random one.
        tied: Where both come to the same.
        wobble: Largest relative difference between two answers to the same input.
        excess: By how much the worst attacked input leaves its ball, as a share of the radius.
        forward: Rows that went forward.
        backward: Rows whose gradient was taken.
    """

    clean: Any
    fgsm: Any
    climbed: Any
    pgd: Any
    strong: Any
    scored: Any
    noise: Any
    far: Any
    flat: Any
    flat_entropy: Any
    gains: Any
    tied: Any
    wobble: float
    excess: float
    forward: int
    backward: int

    @property
    def worst(self) -> Any:
        """Right after every attack in the declared ball: the worst case of each row."""
        return self.scored & self.fgsm & self.noise


def most_passes(steps: int, *, tier: Tier = TIERS["smoke"], classes: int = 2) -> tuple[int, int]:
    """Most forward and backward passes that one row takes in ``battery``."""
    forward, backward = tier.most_passes(classes)
    return 7 + 3 * (steps + 1) + steps + forward, 2 + 3 * steps + backward


def battery(
    logits: Logits, batches: Iterable[Rows], balls: Balls, *, steps: int, tier: Tier = TIERS["smoke"]
) -> Outcome:
    """Attack every row with one step, with many steps on two losses, with noise, and in a ball where all must fail.

    Rows that are wrong from the start are not attacked, and rows that one attack has broken are not attacked by the
    next stronger one, which cannot change the worst case.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batches: The rows.
        balls: What may be changed.
        steps: Steps of projected gradient descent, and draws of noise.
        tier: What is tried beyond.
    """
    return _joined([_attack(logits, rows, balls, steps=steps, tier=tier) for rows in batches])


def by_scores(logits: Logits, batches: Iterable[Rows], ball: Ball, *, draws: int, queries: int) -> Outcome:
    """Attack a model that only answers: noise, then Square on what stands.

    What only a gradient can tell is left open: no row is flat or compared with a random step, and the fields of the
    gradient attacks hold what stands after all of these.

    Args:
        logits: The model, ``batch -> (n, k)``; logarithms of its probabilities do.
        batches: The rows.
        ball: What may be changed.
        draws: Draws of noise.
        queries: Questions of Square.

    Returns:
        At most ``2 + draws + queries`` forward passes for each row.
    """
    return _joined([_ask(logits, rows, ball, draws=draws, queries=queries) for rows in batches])


def _ask(logits: Logits, rows: Rows, ball: Ball, *, draws: int, queries: int) -> Outcome:
    import torch

    batch, labels, seeds = rows
    first, second = answer(logits, batch), answer(logits, batch)
    clean = ~wrong(first, labels)
    right = torch.nonzero(clean)[:, 0]
    own, truth, ids = take(batch, right), labels[right], [seeds[row] for row in right.tolist()]
    noise = random_noise(logits, own, truth, ball, seeds=ids, draws=draws)

    def guessing(left: Any) -> Attacked:
        chosen = [ids[row] for row in left.tolist()]
        return square(logits, take(own, left), truth[left], ball, seeds=chosen, queries=queries)

    found = onward(noise, guessing)

    stands, none = _spread(clean, ~found.broken), torch.zeros_like(clean).cpu()
    return Outcome(
        clean=clean.cpu(), fgsm=stands, climbed=stands, pgd=stands, strong=stands, scored=stands,
        noise=_spread(clean, ~noise.broken), far=none, flat=none, flat_entropy=none, gains=none, tied=clean.cpu(),
        wobble=disagreement(first, second), excess=_excess(found, own, ball) if len(right) else 0.0,
        forward=2 * len(labels) + found.forward, backward=0,
    )  # fmt: skip


def _attack(logits: Logits, rows: Rows, balls: Balls, *, steps: int, tier: Tier) -> Outcome:
    import torch

    batch, labels, seeds = rows
    first, second = answer(logits, batch), answer(logits, batch)
    clean = ~wrong(first, labels)
    right = torch.nonzero(clean)[:, 0]
    wobble, twice = disagreement(first, second), 2 * len(labels)
    if not len(right):
        nothing = {item.name: clean.cpu() for item in fields(Outcome) if item.type == "Any"}
        return Outcome(**nothing, wobble=wobble, excess=0.0, forward=twice, backward=0)
    own, truth = take(batch, right), labels[right]
    ids = [seeds[row] for row in right.tolist()]
    probe = probe_gradients(logits, own, truth, balls.small, seeds=ids)
    step = fgsm(logits, own, truth, balls.declared)
    climbed = pgd(logits, own, truth, balls.declared, loss=cross_entropy, steps=steps, seeds=ids)
    worst = onward(climbed, _climbing(logits, own, truth, balls.declared, steps=steps))
    strong, scored = strengthen(logits, (own, truth, ids), balls.declared, worst, scores=first[right], tier=tier)
    noise = random_noise(logits, own, truth, balls.declared, seeds=ids, draws=steps)
    far = onward(scored, _climbing(logits, own, truth, balls.far, steps=steps))

    stands = {"fgsm": step, "climbed": climbed, "pgd": worst, "strong": strong, "scored": scored, "noise": noise}
    facts = {"flat": probe.flat, "flat_entropy": step.flat, "gains": probe.gains, "tied": probe.tied}
    facts |= {name: ~result.broken for name, result in (stands | {"far": far}).items()}
    return Outcome(
        clean=clean.cpu(),
        **{name: _spread(clean, truths) for name, truths in facts.items()},
        wobble=wobble,
        excess=max(_excess(result, own, balls.declared) for result in (step, scored, noise)),
        # The passes of ``far`` are those of all before it in the chain.
        forward=twice + probe.forward + sum(result.forward for result in (step, noise, far)),
        backward=probe.backward + step.backward + far.backward,
    )


def _spread(clean: Any, truths: Any) -> Any:
    """Truths of the rows that were right from the start, as truths of all rows; False elsewhere."""
    import torch

    return torch.zeros_like(clean).index_put((torch.nonzero(clean)[:, 0],), truths).cpu()


def _climbing(logits: Logits, batch: Batch, labels: Any, ball: Ball, *, steps: int) -> Callable[[Any], Attacked]:
    """Projected gradient descent on the margin for some of the rows."""
    return lambda left: pgd(logits, take(batch, left), labels[left], ball, steps=steps)


def _excess(result: Attacked, batch: Batch, ball: Ball) -> float:
    """By how much the worst input leaves its ball, as it is and as it can be stored."""
    x, center = result.x, batch["x"].detach().float()
    return max(ball.excess(x, center), ball.excess(ball.stored(x), ball.stored(center)))


def _joined(parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of several batches as one."""
    import torch

    joined: dict[str, Any] = {}
    for item in fields(Outcome):
        values = [getattr(part, item.name) for part in parts]
        if item.name in ("wobble", "excess"):
            joined[item.name] = max(values, default=0.0)
        elif item.name in ("forward", "backward"):
            joined[item.name] = sum(values)
        else:
            joined[item.name] = torch.cat(values)
    return Outcome(**joined)


def doubts(outcome: Outcome) -> tuple[str, ...]:
    """Why the numbers of an outcome cannot be believed; empty if nothing speaks against them.

    One row may always go against the rule, so that a small sample of an honest model is not accused by one odd row.
    Square finds up to three rows of 1,000 of an honest network that APGD left, and more than 100 of one that rounds.
    """
    right, n = int(outcome.clean.sum()), len(outcome.clean)
    untied = right - int(outcome.tied.sum())
    beaten = untied - int(outcome.gains.sum()) if untied >= FEWEST else 0
    rows = {
        "the margin has no gradient": (outcome.flat.sum(), 0.01 * right),
        "a step along the gradient is no better than a random one": (beaten, 0.2 * untied),
        "random noise breaks what the gradient attack does not": ((outcome.strong & ~outcome.noise).sum(), 0.002 * n),
        "an attack that only asks for scores breaks what the gradient attacks do not": (
            (outcome.strong & ~outcome.scored).sum(),
            0.005 * n,
        ),
        "not even a change of half the range or more breaks it": (outcome.far.sum(), 0.1 * right),
    }
    found = [reason for reason, (count, most) in rows.items() if int(count) > max(1.0, most)]
    hidden = int(outcome.flat_entropy.sum()) >= 0.5 * right
    if right and hidden and int((outcome.climbed & ~outcome.pgd).sum()) > 0.1 * n:
        found.append("logits are so large that the cross-entropy has no gradient")
    if outcome.wobble > 1e-4:
        found.append("the same input gets different answers")
    if outcome.excess > 1e-3:
        found.append("an attacked input left its ball")
    return tuple(found)
