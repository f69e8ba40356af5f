"""Attacks: pure functions that look for a small change of the input which changes the answer.

The continuous ones run on bare torch and ask a function ``logits(batch) -> (n, k)``. They take gradients with respect
to the input only, draw every random number from a private generator per row, and leave modes, parameters, their
gradients and the caller's random state as they were. No attack is believed because it says so: an input counts as
broken only where the model was asked about exactly that input, after projection into the ball.
"""

from __future__ import annotations

from govkit.attacks.asking import Attacked, take
from govkit.attacks.ball import Ball
from govkit.attacks.battery import Balls, Outcome, battery, doubts, most_passes
from govkit.attacks.fgsm import fgsm
from govkit.attacks.margin import cross_entropy, margin
from govkit.attacks.pgd import pgd
from govkit.attacks.random_noise import random_noise
from govkit.attacks.trust import Probe, disagreement, probe_gradients
from govkit.attacks.typos import Mistyped, edit, typos

__all__ = [
    "Attacked",
    "Ball",
    "Balls",
    "Mistyped",
    "Outcome",
    "Probe",
    "battery",
    "cross_entropy",
    "disagreement",
    "doubts",
    "edit",
    "fgsm",
    "margin",
    "most_passes",
    "pgd",
    "probe_gradients",
    "random_noise",
    "take",
    "typos",
]
