"""The attacks against torchattacks, foolbox and pyautoattack; ``make oracle`` builds the environment that has them."""

from __future__ import annotations

import importlib
import os
import warnings

import pytest
import torch
from digit_models import held_out, network

from govkit.attacks import TIERS, Ball, Balls, battery, cross_entropy, fgsm, most_passes, pgd

torch.set_num_threads(1)
HOW = "make oracle runs these tests in an environment of its own"


def library(name):
    """One of the other libraries; only where nobody built the environment that has them may it be missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "GOVKIT_ORACLE" in os.environ:
            return importlib.import_module(name)
        return pytest.importorskip(name, reason=HOW)


RADIUS, STEPS, ROWS = 0.1, 40, 512
STEP = 2.5 * RADIUS / STEPS
UNIT = Ball("linf", RADIUS, 0.0, 1.0)


@pytest.fixture(scope="module")
def torchattacks():
    return library("torchattacks")


@pytest.fixture(scope="module")
def foolbox():
    return library("foolbox")


@pytest.fixture(params=[0.0, RADIUS], ids=["plain", "hardened"])
def net(request):
    return network(hardened=request.param)


def images():
    """Digits between the steps of the grid, 2^9 of them: a mean has the very gradient of a sum, but for its scale."""
    x, labels = held_out(ROWS)
    return (x * 0.97 + 0.013).clamp(0, 1), labels


def test_fgsm_is_bit_by_bit_that_of_torchattacks(torchattacks, net):
    x, labels = images()
    for radius in (1 / 255, 8 / 255, RADIUS, 0.3):
        found = fgsm(lambda batch: net(batch["x"]), {"x": x}, labels, Ball("linf", radius, 0.0, 1.0))
        assert torch.equal(found.x, torchattacks.FGSM(net, eps=radius)(x, labels))


@pytest.fixture
def climbed(net):
    x, labels = images()
    options = {"loss": cross_entropy, "steps": STEPS, "stop": False}
    return pgd(lambda batch: net(batch["x"]), {"x": x}, labels, UNIT, **options).x


def test_forty_steps_are_those_of_torchattacks(torchattacks, net, climbed):
    theirs = torchattacks.PGD(net, eps=RADIUS, alpha=STEP, steps=STEPS, random_start=False)(*images())
    assert float((climbed - theirs).abs().max()) <= 1e-6


def test_forty_steps_are_those_of_foolbox(foolbox, net, climbed):
    x, labels = images()
    attack = foolbox.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=STEP, steps=STEPS, random_start=False)
    theirs, _, _ = attack(foolbox.PyTorchModel(net, bounds=(0, 1)), x, labels, epsilons=RADIUS)
    assert float((climbed - theirs).abs().max()) <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hardened", "norm", "radius"), [(RADIUS, "linf", RADIUS), (0.0, "linf", RADIUS), (RADIUS, "l2", 0.5)]
)
def test_the_audit_leaves_at_most_a_point_more_standing_than_pyautoattack(hardened, norm, radius):
    pyautoattack = library("pyautoattack")
    model, (x, labels) = network(hardened=hardened), held_out()
    sizes = ((norm, radius), ("linf", 1 / 255), ("linf", 0.5))
    balls = Balls(*(Ball(kind, size, 0.0, 1.0) for kind, size in sizes))
    rows = [({"x": x}, labels, list(range(len(x))))]
    ours = battery(lambda batch: model(batch["x"]), rows, balls, steps=10, tier=TIERS["audit"])
    with torch.random.fork_rng():
        judge = pyautoattack.AutoAttack(model, norm=norm.capitalize(), eps=radius, seed=0)
        theirs, _ = judge.run_standard_evaluation(x.clone(), labels.clone(), batch_size=len(x))
    standing = int((model(theirs).argmax(1) == labels).sum())
    assert int(ours.worst.sum()) <= standing + 0.01 * len(x)
    assert ours.forward <= len(x) * most_passes(10, tier=TIERS["audit"], classes=10)[0]
