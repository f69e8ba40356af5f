"""The continuous attacks one after the other on the same rows, with the facts that say whether to believe them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from govkit.attacks.asking import Attacked, Batch, Logits, Rows, answer, onward, some_rows, take, wrong
from govkit.attacks.ball import Ball
from govkit.attacks.fgsm import fgsm
from govkit.attacks.margin import cross_entropy
from govkit.attacks.outcome import Outcome, joined, spread
from govkit.attacks.pgd import pgd
from govkit.attacks.probes import disagreement, probe_gradients
from govkit.attacks.random_noise import random_noise
from govkit.attacks.rays import rays
from govkit.attacks.square import square
from govkit.attacks.tiers import TIERS, Tier, guessing, strengthen
from govkit.attacks.transfer import Lender, transfer
from govkit.lazy import torch


@dataclass(frozen=True)
class Balls:
    """What may be changed: ``declared`` by an attack, ``small`` by a probing step, ``far`` where all must fail."""

    declared: Ball
    small: Ball
    far: Ball


def most_passes(
    steps: int, *, tier: Tier = TIERS["smoke"], classes: int = 2, counted: int = 0, free: int = 0
) -> tuple[int, int]:
    """Most forward and backward passes that one row takes in ``battery``.

    Args:
        steps: Steps of projected gradient descent, and draws of noise.
        tier: What is tried beyond.
        classes: Columns of the logits.
        counted: Lenders whose own passes count.
        free: Other lenders.
    """
    forward, backward = tier.most_passes(classes)
    again = bool(tier.steps) + counted
    far = 2 * -(-steps // 2)
    forward += 9 + (2 + again) * (steps + 1) + far + 2 + steps + counted + free
    return forward, backward + 3 + (2 + again) * steps + far


def battery(
    logits: Logits,
    batches: Iterable[Rows],
    balls: Balls,
    *,
    steps: int,
    tier: Tier = TIERS["smoke"],
    lenders: Sequence[Lender] = (),
) -> Outcome:
    """Attack every row with one step, with many steps on two losses, with noise, and in a ball where all must fail.

    Rows that are wrong from the start are not attacked, and rows that one attack has broken are not attacked by the
    next stronger one, which cannot change the worst case.

    Args:
        logits: The model, ``batch -> (n, k)``.
        batches: The rows, one batch at least.
        balls: What may be changed.
        steps: Steps of projected gradient descent, and draws of noise.
        tier: What is tried beyond.
        lenders: Other models, whose inputs are tried on the rows that stand.
    """
    attack = partial(_attack, logits, balls=balls, steps=steps, tier=tier, lenders=lenders)
    return joined([attack(rows) for rows in batches])


def by_scores(logits: Logits, batches: Iterable[Rows], ball: Ball, *, draws: int, queries: int) -> Outcome:
    """Attack a model that only answers: noise, then Square on what stands, or RayS where it tells its choice alone.

    What only a gradient can tell is left open: no row is flat or compared with a random step, and the fields of the
    gradient attacks hold what stands after all of these.

    Args:
        logits: The model, ``batch -> (n, k)``; logarithms of its probabilities do.
        batches: The rows, one batch at least.
        ball: What may be changed.
        draws: Draws of noise.
        queries: Questions of either.

    Returns:
        At most ``2 + draws + queries`` forward passes for each row.
    """
    return joined([_ask(logits, rows, ball, draws=draws, queries=queries) for rows in batches])


def _ask(logits: Logits, rows: Rows, ball: Ball, *, draws: int, queries: int) -> Outcome:
    batch, labels, _ = rows
    first, second = answer(logits, batch), from_the_end(logits, batch)
    clean = ~wrong(first, labels)
    asked = own, truth, ids = some_rows(rows, clean.nonzero()[:, 0])
    noise = random_noise(logits, own, truth, ball, seeds=ids, draws=draws)
    blind = _only_chooses(first) and ball.norm == "linf"
    found = onward(noise, guessing(logits, asked, ball, queries, attack=rays if blind else square))
    stands = spread(clean, ~found.broken)
    known = dict.fromkeys(STANDS, stands) | {"still": clean.cpu(), "noise": spread(clean, ~noise.broken)}
    return _outcome(
        clean, _nothing(clean) | known,
        wobble=disagreement(first, second), excess=excess(found.x, own, ball), queries=queries,
        forward=2 * len(labels) + found.forward,
    )  # fmt: skip


STANDS = ("fgsm", "climbed", "pgd", "strong", "scored", "half", "lent")


def _attack(logits: Logits, rows: Rows, *, balls: Balls, steps: int, tier: Tier, lenders: Sequence[Lender]) -> Outcome:
    batch, labels, _ = rows
    first = from_the_end(logits, batch)
    clean = ~wrong(first, labels)
    if not bool(clean.any()):
        return _outcome(clean, _nothing(clean), wobble=0.0, forward=len(labels))
    asked = own, truth, ids = some_rows(rows, clean.nonzero()[:, 0])
    ball = balls.declared
    probe = probe_gradients(logits, own, truth, balls.small, seeds=ids, wide=ball)
    step = fgsm(logits, own, truth, ball)
    climbed = pgd(logits, own, truth, ball, loss=cross_entropy, steps=steps, seeds=ids)
    # From a plateau no gradient leads away; the rows of its batch start elsewhere.
    worst = onward(climbed, _climbing(logits, asked, ball, steps, start=int(probe.plateau.any())))
    strong, scored = strengthen(logits, asked, ball, worst, scores=first[clean], tier=tier)
    half = onward(scored, _climbing(logits, asked, ball.scaled(0.5), steps)) if tier.steps else scored
    lent = half
    for made in lenders:
        lent = onward(lent, _borrowing(logits, asked, ball, steps, made))
    noise = random_noise(logits, own, truth, ball, seeds=ids, draws=steps)
    # From two random points: what a clamp cuts off has no gradient at the input itself.
    far = lent
    for start in (1, 2):
        far = onward(far, _climbing(logits, asked, balls.far, -(-steps // 2), start=start))
    chain = {"fgsm": step, "climbed": climbed, "pgd": worst, "strong": strong, "scored": scored, "half": half}
    chain |= {"lent": lent, "noise": noise, "far": far}
    facts = {name: ~result.broken for name, result in chain.items()} | {"flat_entropy": step.flat}
    facts |= {name: getattr(probe, name) for name in ("still", "flat", "gains", "tied", "told", "came")}
    return _outcome(
        clean,
        {name: spread(clean, values) for name, values in facts.items()},
        # Two were asked about the same batch with its gradient, one about these rows in other places.
        wobble=max(disagreement(probe.scores, other) for other in (step.scores, first[clean])),
        excess=max(excess(result.x, own, ball) for result in (step, lent, noise)),
        queries=tier.queries,
        lenders=len(lenders),
        # The passes of ``far`` are those of all before it in the chain.
        forward=len(labels) + probe.forward + sum(result.forward for result in (step, noise, far)),
        backward=probe.backward + step.backward + far.backward,
    )


def from_the_end(logits: Logits, batch: Batch) -> Any:
    """Logits ``(n, k)``, asked for with the last row first.

    Chance that is drawn anew from one state gives every batch the same noise, and each row another in another place.
    """
    last_first = torch.arange(len(batch["x"]) - 1, -1, -1)
    return answer(logits, take(batch, last_first)).flip(0)


def _nothing(clean: Any) -> dict[str, Any]:
    """Every fact of an outcome where nothing was found; ties say nothing of the gradient."""
    none = (~clean & clean).cpu()
    facts = {item.name: none for item in fields(Outcome) if item.type == "Any"}
    return facts | {"told": none.float(), "came": none.float(), "tied": clean.cpu()}


def _outcome(clean: Any, facts: dict[str, Any], **rest: Any) -> Outcome:
    zeros = {"excess": 0.0, "queries": 0, "lenders": 0, "backward": 0}
    return Outcome(**(facts | {"clean": clean.cpu()}), **(zeros | rest))


def _climbing(logits: Logits, rows: Rows, ball: Ball, steps: int, *, start: int = 0) -> Callable[[Any], Attacked]:
    """Projected gradient descent on the margin for some of the rows, from the input or a random ``start`` near it."""

    def climb(left: Any) -> Attacked:
        batch, labels, seeds = some_rows(rows, left)
        own = [seed + start for seed in seeds] if start else None
        return pgd(logits, batch, labels, ball, steps=steps, seeds=own, onward=bool(start))

    return climb


def _only_chooses(scores: Any) -> bool:
    """The scores ``(n, k)`` tell which class was chosen and nothing else: sorted, they are the same in every row."""
    return len(scores.sort(dim=1).values.unique(dim=0)) == 1 and len(scores) > 1


def _borrowing(logits: Logits, rows: Rows, ball: Ball, steps: int, made: Lender) -> Callable[[Any], Attacked]:
    """Inputs made to break another model, for some of the rows."""

    def attack(left: Any) -> Attacked:
        batch, labels, seeds = some_rows(rows, left)
        return transfer(logits, batch, labels, made(batch, labels, seeds, ball, steps))

    return attack


def excess(x: Any, batch: Batch, ball: Ball) -> float:
    """By how much the worst of the inputs ``x`` leaves its ball, as it is and as it can be stored."""
    center = batch["x"].detach().float()
    return max(ball.excess(x, center), ball.excess(ball.stored(x), ball.stored(center))) if len(x) else 0.0
