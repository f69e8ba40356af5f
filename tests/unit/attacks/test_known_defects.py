"""Defects that attack libraries were found to have when they were run, none of which may be here.

Modes of modules after the attack (a frozen batch normalization thawed), the caller's random state, gradients of
parameters, ``requires_grad``, types of output, two or three classes, one logit, half precision, values between those of
8 bits, and a radius of zero that does not give the clean accuracy.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from govkit.attacks import (
    Ball,
    Balls,
    Tier,
    apgd,
    battery,
    doubts,
    fgsm,
    lender,
    pgd,
    random_noise,
    square,
    transfer,
    twin,
    unknowns,
)
from govkit.core import Passes
from govkit.subjects.python import Origin, TorchSubject

torch.set_num_threads(1)
SHORT = Tier(steps=6, targets=2, queries=30)
N = 40


class Tuned(nn.Module):
    """In training, as fine-tuning leaves it: batch normalization frozen, dropout, one weight frozen, old gradients."""

    def __init__(self, outputs=3, wrap=lambda logits: logits):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.4), nn.AdaptiveAvgPool2d(4),
            nn.Flatten(), nn.Linear(96, outputs),
        )  # fmt: skip
        self.wrap = wrap
        self.train()
        self.body[1].eval()
        self.body[0].weight.requires_grad_(requires_grad=False)
        self.body[6].weight.grad = torch.full_like(self.body[6].weight, 7.0)

    def forward(self, x):
        return self.wrap(self.body(x))


def tuned(**options):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = Tuned(**options)
    with torch.no_grad():
        net.body[6].weight.mul_(20)
        middle = net.eval().body(images()).mean(0)
        net.body[6].bias -= middle
    net.train()
    net.body[1].eval()
    return net


def images(n=N, size=8):
    x = torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(4))
    return (x * 255).round() / 255


def subject(module):
    return TorchSubject(module, Origin("tuned", Path(__file__), (), "image", (), Passes(), (0.0, 1.0)))


def balls(radius, grid=1 / 255):
    return Balls(*(Ball("linf", size, 0.0, 1.0, grid) for size in (radius, 1 / 255, 0.5)))


def whole(net, radius=0.1, x=None, *, others=False):
    """Everything there is, tried on a model that is right at first: gradients, scores, and another model and a twin."""
    x, asked = images() if x is None else x, subject(net)
    labels = asked.logits({"x": x}).argmax(1)
    lenders = [lender(asked.logits), lender(twin(x, labels, 3, seed=0), counted=False)] if others else []
    batches = [({"x": x}, labels, list(range(len(x))))]
    return battery(asked.logits, batches, balls(radius), steps=5, tier=SHORT, lenders=lenders)


def test_nothing_of_the_model_or_of_the_caller_is_changed():
    net = tuned()

    def state():
        return (
            [module.training for module in net.modules()],
            [parameter.requires_grad for parameter in net.parameters()],
            [parameter.grad is None for parameter in net.parameters()],
        )

    before = state()
    values = [value.clone() for value in (*net.state_dict().values(), net.body[6].weight.grad)]
    caller = torch.get_rng_state(), np.random.get_state()[1].copy()
    found = whole(net, 0.02, others=True)
    assert 0 < found.worst.sum() < N
    assert state() == before
    after = (*net.state_dict().values(), net.body[6].weight.grad)
    assert all(torch.equal(old, new) for old, new in zip(values, after, strict=True))
    assert torch.equal(caller[0], torch.get_rng_state())
    assert (caller[1] == np.random.get_state()[1]).all()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda logits: (logits, logits.sum()),
        lambda logits: {"logits": logits, "loss": logits.sum()},
        lambda logits: SimpleNamespace(logits=logits),
    ],
    ids=["tuple", "dict", "ModelOutput"],
)
def test_every_kind_of_output_gives_the_same(wrap):
    plain, wrapped = whole(tuned()), whole(tuned(wrap=wrap))
    assert torch.equal(plain.worst, wrapped.worst)
    assert (plain.forward, plain.backward) == (wrapped.forward, wrapped.backward)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_one_two_and_three_outputs_are_attacked_and_lose_rows_of_every_class(outputs):
    net, x = tuned(outputs=outputs), images()
    labels = subject(net).logits({"x": x}).argmax(1)
    found = whole(net, 0.2)
    assert len(labels.unique()) == max(outputs, 2)
    for label in labels.unique():
        assert not found.worst[labels == label].all()
    assert doubts(found) == ()


@pytest.mark.parametrize("size", [8, 12, 17])
def test_images_of_any_size_are_attacked(size):
    assert whole(tuned(), x=images(20, size)).worst.sum() < 20


def test_a_radius_of_zero_gives_the_clean_accuracy_of_every_attack_exactly():
    net, x = tuned(), images()
    asked = subject(net)
    labels = asked.logits({"x": x}).argmax(1)
    labels[:7] = (labels[:7] + 1) % 3
    found = battery(asked.logits, [({"x": x}, labels, list(range(N)))], balls(0.0), steps=5, tier=SHORT)
    right = torch.arange(N) >= 7
    for name in ("clean", "still", "fgsm", "climbed", "pgd", "strong", "scored", "half", "lent", "noise", "worst"):
        assert torch.equal(getattr(found, name), right), name


def attacks(asked, x, labels, ball):
    seeds = list(range(len(x)))
    yield fgsm(asked, {"x": x}, labels, ball)
    yield pgd(asked, {"x": x}, labels, ball, seeds=seeds)
    yield apgd(asked, {"x": x}, labels, ball, steps=10, seeds=seeds)
    yield random_noise(asked, {"x": x}, labels, ball, seeds=seeds)
    yield square(asked, {"x": x}, labels, ball, seeds=seeds, queries=20)
    yield transfer(asked, {"x": x}, labels, lender(asked)({"x": x}, labels, seeds, ball, 5))


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
def test_what_comes_back_is_in_the_ball_on_the_grid_and_was_asked_about(norm, kind):
    asked, x, ball = subject(tuned().to(kind)), images(), Ball(norm, 8 / 255, 0.0, 1.0, 1 / 255)
    labels = asked.logits({"x": x}).argmax(1)
    for result in attacks(asked.logits, x, labels, ball):
        assert result.x.dtype == torch.float32
        stored = (result.x * 255).round()
        assert torch.allclose(stored / 255, result.x, atol=1e-6), "nothing is lost when it is written with 8 bits"
        size = (
            (stored - (x * 255).round()).abs().amax() if norm == "linf" else (result.x - x).flatten(1).norm(dim=1).max()
        )
        assert float(size) <= (8 if norm == "linf" else 8 / 255 + 1e-6)
        broken = asked.logits({"x": result.x}).argmax(1) != labels
        assert torch.equal(broken, result.broken) or kind == torch.bfloat16


def test_half_precision_is_attacked_and_not_called_suspect():
    found = whole(tuned().bfloat16(), 0.1)
    assert found.worst.sum() < found.clean.sum()
    assert doubts(found) == ()
    assert unknowns(found)
