"""What torchattacks 3.5.1 and pyautoattack 0.2.0 left standing of 1,000 digits (torch 2.13.0), and what ours leaves.

The figures are made by ``tests/reference/test_attacks_reference.py`` and ``tests/bench/attacks.py strength``, in the
environment of ``make oracle``. Training rounds otherwise on other machines, so a few rows may differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from digit_models import held_out, network

from govkit.attacks import TIERS, Ball, Balls, battery, cross_entropy, fgsm, pgd

torch.set_num_threads(1)
POINT, FIRST = 10, 200
"""Rows that are one point of 1,000; rows of the shorter comparison."""


@dataclass(frozen=True)
class Standing:
    """Rows of 1,000 that are right: at first, after FGSM, after PGD-40 without a random start, after pyautoattack.

    ``first`` counts the first 200 of the last.
    """

    clean: int
    fgsm: int
    pgd: int
    auto: int
    first: int


ORACLE = {
    (0.1, 0, 0.1): Standing(clean=942, fgsm=726, pgd=697, auto=680, first=141),
    (0.0, 0, 0.1): Standing(clean=916, fgsm=417, pgd=364, auto=336, first=57),
}
"""By radius of adversarial training, its seed and the radius of the attack."""


def standing(found):
    return int((~found.broken).sum())


def stronger(net, x, labels, radius, tier):
    balls = Balls(*(Ball("linf", size, 0.0, 1.0) for size in (radius, 1 / 255, 0.5)))
    rows = [({"x": x}, labels, list(range(len(x))))]
    return battery(lambda batch: net(batch["x"]), rows, balls, steps=10, tier=TIERS[tier])


@pytest.mark.parametrize(("hardened", "seed", "radius"), ORACLE)
def test_no_attack_leaves_a_point_more_than_the_reference(hardened, seed, radius):
    reference, net, (x, labels) = ORACLE[hardened, seed, radius], network(seed, hardened=hardened), held_out()
    logits, ball = (lambda batch: net(batch["x"])), Ball("linf", radius, 0.0, 1.0)
    assert abs(int((net(x).argmax(1) == labels).sum()) - reference.clean) <= POINT / 2
    assert abs(standing(fgsm(logits, {"x": x}, labels, ball)) - reference.fgsm) <= POINT / 2
    forty = pgd(logits, {"x": x}, labels, ball, loss=cross_entropy, steps=40)
    assert abs(standing(forty) - reference.pgd) <= POINT / 2
    assert int(stronger(net, x, labels, radius, "gate").worst.sum()) <= reference.auto + POINT
    audit = stronger(net, x[:FIRST], labels[:FIRST], radius, "audit")
    assert int(audit.worst.sum()) <= reference.first + POINT * FIRST / 1000
