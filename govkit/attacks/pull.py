"""How far an answer that is a number can be pulled away from the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from typing import Any

from govkit.attacks.asking import Batch, Logits, Rows, answer, climb
from govkit.attacks.ball import Ball
from govkit.attacks.battery import Balls, excess, from_the_end
from govkit.attacks.margin import margin
from govkit.attacks.outcome import Outcome, joined
from govkit.attacks.probes import STEPS, disagreement, probe_gradients
from govkit.attacks.square import square
from govkit.attacks.tiers import TIERS, Tier
from govkit.lazy import torch

UP, DOWN = 0, 1
"""Directions as the wrong-class margin knows them: a number is the logit of the second of two classes."""

SLACK = 0.25
"""Share by which a weaker attack may move a number farther than a stronger one before that speaks against it."""


@dataclass(frozen=True)
class Pulled:
    """What the attacks did to numbers, row by row: float64 tensors ``(n,)`` on the CPU.

    Attributes:
        number: What the model answers to the inputs themselves.
        truth: What it should answer.
        worst: Its answer that is farthest from the truth, of all that any attack found.
        noise: The one that is farthest under random noise; the answer itself where noise only brings it nearer.
        outcome: What speaks for or against these numbers, as :func:`doubts` reads it. All rows count as right, and a
            row as broken where an attack moved its number farther than a stronger one did, by more than ``SLACK``.
        settled: Rows that more steps did not move farther ``(n,)``.
    """

    number: Any
    truth: Any
    worst: Any
    noise: Any
    outcome: Outcome
    settled: Any


@dataclass(frozen=True)
class _Far:
    """For each row the input whose answer is farthest from the truth, that answer, and the work that was done."""

    x: Any
    number: Any
    forward: int = 0
    backward: int = 0


def most_pulls(steps: int, *, tier: Tier = TIERS["smoke"]) -> tuple[int, int]:
    """Forward and backward passes that one row takes in ``pull``, where nothing ends early."""
    runs = [1, steps, steps] + ([tier.steps, steps] if tier.steps else [])
    asked = 2 * (tier.queries + 1) if tier.queries else 0
    return 5 + steps + asked + 2 * sum(run + 1 for run in runs), 1 + 2 * sum(runs)


def pull(model: Logits, batches: Iterable[Rows], balls: Balls, *, steps: int, tier: Tier = TIERS["smoke"]) -> Pulled:
    """Move every number up and down: by one step, by many, by noise, by questions alone, and in a far ball.

    Args:
        model: ``batch -> (n, 1)``, differentiable.
        batches: The rows with their true numbers, float64 ``(n,)``, and one seed a row; one batch at least.
        balls: What may be changed.
        steps: Steps of projected gradient descent each way, and draws of noise.
        tier: What is tried beyond: ``steps`` from a random start, and ``queries`` of Square, each way.
    """
    parts, reaches = zip(*(_pull(model, rows, balls, steps=steps, tier=tier) for rows in batches), strict=True)
    whole = {
        name: torch.cat([getattr(part, name) for part in parts])
        for name in ("number", "truth", "worst", "noise", "settled")
    }
    # In the whole range of a table lies every other row, so that its number can be reached; in images nearly so.
    spread = whole["number"].quantile(0.9) - whole["number"].quantile(0.1)
    outcome = joined([part.outcome for part in parts])
    return Pulled(**whole, outcome=replace(outcome, far=torch.cat(reaches) < spread / 2))


def _pull(model: Logits, rows: Rows, balls: Balls, *, steps: int, tier: Tier) -> tuple[Pulled, Any]:
    """One batch, and how far each number moved in the far ball."""
    batch, truth, seeds = rows
    first = from_the_end(model, batch)
    start = _Far(batch["x"].detach().float(), first[:, 1].double())
    probe = probe_gradients(model, batch, (start.number < truth).long(), balls.small, seeds=seeds)
    tries = _tries(model, rows, balls, start, steps=steps, tier=tier)
    step, half, noise, far = (tries[name] for name in ("step", "half", "noise", "far"))
    worst = reduce(partial(_farther, truth=truth), (half, step, noise))
    facts = _stands(tries, truth) | {name: getattr(probe, name) for name in ("flat", "gains", "tied", "told", "came")}
    settled = facts.pop("settled")
    outcome = Outcome(
        **{name: fact.cpu() for name, fact in facts.items()},
        wobble=disagreement(probe.scores, first),
        excess=max(excess(each.x, batch, balls.declared) for each in (step, half, noise)),
        queries=tier.queries,
        lenders=0,
        forward=len(truth) + probe.forward + sum(each.forward for each in (half, step, noise, far)),
        backward=probe.backward + sum(each.backward for each in (half, step, far)),
    )
    numbers = {"number": start.number, "truth": truth, "worst": worst.number, "noise": noise.number}
    pulled = Pulled(
        **{name: each.cpu() for name, each in numbers.items()}, outcome=outcome, settled=settled.cpu()
    )  # fmt: skip
    return pulled, torch.maximum(*((each.number - start.number).abs() for each in (half, far))).cpu()


def _tries(model: Logits, rows: Rows, balls: Balls, start: _Far, *, steps: int, tier: Tier) -> dict[str, _Far]:
    """What each attack found: of ``many`` to ``half`` each keeps what was found before it."""
    ball, truth = balls.declared, rows[1]
    climbed = partial(_climbed, model, rows)
    many = climbed(ball, steps=steps)
    strong = _farther(many, climbed(ball, steps=tier.steps, seeds=rows[2]), truth) if tier.steps else many
    scored = _farther(strong, _guessed(model, rows, ball, tier.queries), truth) if tier.queries else strong
    return {
        "start": start,
        "step": climbed(ball, steps=1),
        "many": many,
        "strong": strong,
        "scored": scored,
        "half": _farther(scored, climbed(ball.scaled(0.5), steps=steps), truth) if tier.steps else scored,
        "noise": _shaken(model, rows, ball, start, draws=steps),
        "far": climbed(balls.far, steps=steps),
    }


def _stands(tries: dict[str, _Far], truth: Any) -> dict[str, Any]:
    """Rows ``(n,)`` whose number no weaker attack moved farther than a stronger one did, as fields of an outcome."""
    apart = {name: (each.number - truth).abs() for name, each in tries.items()}
    rounding = STEPS * 2.0**-23 * float(tries["start"].number.abs().max())

    def held(weaker: str, stronger: str) -> Any:
        moved = (apart[stronger] - apart["start"]).clamp_min(0)
        return apart[weaker] <= apart[stronger] + SLACK * moved + rounding

    scored, every = held("scored", "strong"), apart["start"] >= 0
    half = scored & held("half", "scored")
    facts = dict.fromkeys(("clean", "still", "climbed", "pgd", "strong"), every)
    facts |= {"fgsm": held("step", "strong"), "noise": held("noise", "strong"), "scored": scored}
    return facts | {
        "half": half, "lent": half, "flat_entropy": ~every, "far": ~every, "settled": held("strong", "many"),
    }  # fmt: skip


def _climbed(model: Logits, rows: Rows, ball: Ball, *, steps: int, seeds: Sequence[int] | None = None) -> _Far:
    """Projected gradient descent on the number, up and then down (Madry et al. 2018); the farthest point of the way.

    Steps shrink from two radii to nothing: a bent model keeps steps of one length jumping across its ridges.
    """
    batch, truth, _ = rows
    center, best = batch["x"].detach().float(), None
    for way in (UP, DOWN):
        path = ball.project(center if seeds is None else center + ball.noise(center, seeds), center)
        for step in range(steps + 1):
            asked = {**batch, "x": ball.snap(path, center)}
            aims, last = torch.full_like(truth, way, dtype=torch.int64), step == steps
            scores, gradient = (answer(model, asked), path) if last else climb(model, asked, aims, margin)
            here = _Far(asked["x"], scores[:, 1].double(), len(truth), 0 if last else len(truth))
            best = here if best is None else _farther(best, here, truth)
            ahead = ball.scaled(2 * (1 - step / steps)).direction(gradient)
            path = path if last else ball.project(path + ahead, center)
    if best is None:
        raise ValueError("expected a way to go")
    return best


def _guessed(model: Logits, rows: Rows, ball: Ball, queries: int) -> _Far:
    """Square, up and then down: no gradient is asked for."""
    batch, truth, seeds = rows
    aims = torch.zeros_like(truth, dtype=torch.int64)
    made = [square(model, batch, aims + way, ball, seeds=seeds, queries=queries, stop=False) for way in (UP, DOWN)]
    up, down = (_asked(model, batch, each.x, forward=each.forward) for each in made)
    return _farther(up, down, truth)


def _shaken(model: Logits, rows: Rows, ball: Ball, start: _Far, *, draws: int) -> _Far:
    """Random corners of the ball, and the input itself."""
    batch, truth, seeds = rows
    best = start
    for draw in range(draws):
        corner = ball.noise(start.x, [seed + draw for seed in seeds], surface=True)
        best = _farther(best, _asked(model, batch, ball.settle(start.x + corner, start.x)), truth)
    return best


def _asked(model: Logits, batch: Batch, x: Any, *, forward: int = 0) -> _Far:
    return _Far(x, answer(model, {**batch, "x": x})[:, 1].double(), forward + len(x))


def _farther(one: _Far, other: _Far, truth: Any) -> _Far:
    """Of two answers to each row that which is farther from the truth; what is no number is farthest of all."""
    apart = [torch.nan_to_num((each.number - truth).abs(), nan=torch.inf, posinf=torch.inf) for each in (one, other)]
    took = apart[1] > apart[0]
    x = torch.where(took.reshape(-1, *[1] * (one.x.dim() - 1)), other.x, one.x)
    number = torch.where(took, other.number, one.number)
    return _Far(x, number, one.forward + other.forward, one.backward + other.backward)
