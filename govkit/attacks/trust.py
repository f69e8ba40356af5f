"""Can the number of an attack be believed? What speaks against it, and what was not looked at.

Ten mechanical checks (after Carlini et al. 2019, "On Evaluating Adversarial Robustness", and the flags of Croce and
Hein's AutoAttack). Each compares what an honest model cannot help with what was seen: an attack that knows more, may
change more or takes more steps breaks at least as much. One row may always go against the rule, so that a small sample
of an honest model is not accused by one odd row. Limits are set on the models of ``tests/bench/trust.py``, which prints
what honest and masked ones show on other seeds.
"""

from __future__ import annotations

from typing import Any

from govkit.attacks.outcome import Outcome
from govkit.attacks.probes import FORETELLS, agreement

FEWEST = 5
"""Rows that tell a step along the gradient from a random one, below which the comparison says nothing."""

UNSETTLED = 0.05
"""Share of the rows that a stronger attack may still break, beyond chance, before the search counts as not settled."""


def doubts(outcome: Outcome) -> tuple[str, ...]:
    """Why the numbers of an outcome cannot be believed, a sentence each; empty if nothing speaks against them."""
    counted = (*_of_the_gradient(outcome), *_of_the_order(outcome))
    found = [f"{what} ({int(count)} of {int(of)} rows): {so}" for what, count, of, most, so in counted if count > most]
    foretold = foresight(outcome)
    if foretold is not None and foretold < FORETELLS:
        found.append(
            f"the gradient does not foretell what a small random step does (agreement {max(foretold, 0.0):.2f} of 1): "
            "part of the model is hidden from the attacks"
        )
    if outcome.wobble > 1e-4:
        found.append("the same input gets different answers: what an attack found once need not hold the next time")
    if outcome.excess > 1e-3:
        found.append("an attacked input left its ball: more was changed than declared, and the accuracy is too low")
    return tuple(found)


def unknowns(outcome: Outcome) -> tuple[str, ...]:
    """Why an outcome without doubts cannot be called trusted yet, a sentence each."""
    n, left = len(outcome.clean), int((outcome.pgd & ~outcome.strong).sum())
    if not bool(outcome.clean.any()):
        return ("no row was answered rightly, so that nothing could be broken",)
    found = []
    if foresight(outcome) is None:
        found.append(
            f"on fewer than {FEWEST} rows the numbers of the model are fine enough to compare it with its gradient; "
            "attack more rows, and a model in float32"
        )
    if not outcome.queries:
        found.append(
            "no attack that does without the gradient was tried, and a model with waves on its logits passes all other "
            "checks; the tiers gate and audit try one"
        )
    if left > UNSETTLED * n + 2 * (UNSETTLED * n) ** 0.5:
        found.append(
            f"a stronger attack that follows the gradient still broke {left} of {n} rows more: the search has not "
            "settled, and a longer one may break more"
        )
    return tuple(found)


def foresight(outcome: Outcome) -> float | None:
    """How far small random steps do what the gradient says of them, in [-1, 1]; see ``agreement``.

    About 1 for whatever is smooth or piecewise linear. None below ``FEWEST`` rows where the change is
    larger than rounding.
    """
    if int((outcome.told != 0).sum()) < FEWEST:
        return None
    return agreement(outcome.told, outcome.came)


def _of_the_gradient(outcome: Outcome) -> tuple[tuple[str, Any, Any, float, str], ...]:
    """What the gradient itself shows: fact, rows, of how many, the most of an honest model, what it means."""
    right, n = int(outcome.clean.sum()), len(outcome.clean)
    untied = right - int(outcome.tied.sum())
    beaten = untied - int(outcome.gains.sum()) if untied >= FEWEST else 0
    silent = int(outcome.flat_entropy.sum()) if int(outcome.flat_entropy.sum()) >= 0.5 * right else 0
    hidden = int((outcome.climbed & ~outcome.pgd).sum()) > 0.1 * n
    return (
        (
            "the margin has no gradient", outcome.flat.sum(), right, max(1.0, 0.01 * right),
            "there the attacks had nothing to follow, so that what stands proves nothing",
        ),
        (
            "logits are so large that the cross-entropy has no gradient", silent if hidden else 0, right, 1.0,
            "an attack on the usual loss sees a robust model where there is none; that on the margin does not",
        ),
        (
            "a step along the gradient is no better than a random one", beaten, untied, max(1.0, 0.2 * untied),
            "the gradient is rounded away or random, and attacks that follow it are led astray",
        ),
    )  # fmt: skip


def _of_the_order(outcome: Outcome) -> tuple[tuple[str, Any, Any, float, str], ...]:
    """What must not break more than something stronger; the same five as above."""
    right, n, strong = int(outcome.clean.sum()), len(outcome.clean), outcome.strong
    few = max(1.0, 0.002 * n)
    # Of an honest network Square finds up to four rows of 1,000 that 1,000 steps left: beyond chance at five.
    chance = max(1.0, 0.005 * n + 3 * (0.005 * n) ** 0.5)
    weaker = "a weaker attack may not find more: the gradient misleads, and the true accuracy is lower still"
    return (
        (
            "asked with its gradient the model answers otherwise", (outcome.clean & ~outcome.still).sum(), right, few,
            "a change of radius zero must leave the clean accuracy, so the model tells an attack from a user",
        ),
        (
            "one step breaks what many do not", (strong & ~outcome.fgsm).sum(), n, chance, weaker,
        ),
        (
            "random noise breaks what the gradient attack does not", (strong & ~outcome.noise).sum(), n, few, weaker,
        ),
        (
            "an attack that only asks for scores breaks what the gradient attacks do not",
            (strong & ~outcome.scored).sum(), n, chance, weaker,
        ),
        (
            "half the radius breaks what the whole does not", (outcome.scored & ~outcome.half).sum(), n, chance, weaker,
        ),
        (
            "inputs that break another model break this one where its own gradient does not",
            (outcome.half & ~outcome.lent).sum(), n, chance, weaker,
        ),
        (
            "not even a change of half the range or more breaks it", outcome.far.sum(), right, max(1.0, 0.1 * right),
            "any image can be turned into any other by so much, so the attack fails, and not the model withstands",
        ),
    )  # fmt: skip
