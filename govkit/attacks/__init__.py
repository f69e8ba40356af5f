"""Attacks: pure functions that look for a small change of the input which changes the answer.

The continuous ones run on bare torch and ask a function ``logits(batch) -> (n, k)``. They take gradients with respect
to the input only, draw every random number from a private generator per row, and leave modes, parameters, their
gradients and the caller's random state as they were. No attack is believed because it says so: an input counts as
broken only where the model was asked about exactly that input, after projection into the ball.
"""

from __future__ import annotations

from govkit.attacks.apgd import apgd
from govkit.attacks.asking import Attacked, onward, take
from govkit.attacks.ball import Ball
from govkit.attacks.battery import Balls, Outcome, battery, by_scores, doubts, most_passes
from govkit.attacks.fgsm import fgsm
from govkit.attacks.margin import cross_entropy, margin, targeted_margin
from govkit.attacks.pgd import pgd
from govkit.attacks.random_noise import random_noise
from govkit.attacks.square import square
from govkit.attacks.tiers import TIERS, Tier, TierName, strengthen
from govkit.attacks.trust import Probe, disagreement, probe_gradients
from govkit.attacks.typos import Mistyped, edit, typos

__all__ = [
    "TIERS",
    "Attacked",
    "Ball",
    "Balls",
    "Mistyped",
    "Outcome",
    "Probe",
    "Tier",
    "TierName",
    "apgd",
    "battery",
    "by_scores",
    "cross_entropy",
    "disagreement",
    "doubts",
    "edit",
    "fgsm",
    "margin",
    "most_passes",
    "onward",
    "pgd",
    "probe_gradients",
    "random_noise",
    "square",
    "strengthen",
    "take",
    "targeted_margin",
    "typos",
]
