"""Adversarial training: the step by hand, what may not change, and a network that stands what broke it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from digit_models import HELD_OUT, digits, held_out, network
from torch import nn

from govkit.attacks import Ball, pgd
from govkit.errors import DataError, SubjectError
from govkit.remedies import Training, harden
from govkit.remedies.harden import _distance, _Run

BALL = Ball("linf", 0.1, 0.0, 1.0)
QUICK = Training(epochs=1, batch=32)


def forward(module: nn.Module, batch) -> torch.Tensor:
    return module(batch["x"])


def of(x: torch.Tensor):
    return lambda rows: {"x": x[rows]}


def accuracies(net: nn.Module, n: int = 300) -> tuple[float, float]:
    x, labels = held_out(n)
    with torch.no_grad():
        clean = (net(x).argmax(1) == labels).float().mean()
        found = pgd(lambda batch: net(batch["x"]), {"x": x}, labels, BALL, steps=20)
    return float(clean), float((~found.broken).float().mean())


@pytest.mark.parametrize("method", ["pgd", "free", "trades"])
def test_a_network_stands_what_broke_it(method: str):
    x, labels = (part[:-HELD_OUT] for part in digits())
    plain = network(0)
    clean, robust = accuracies(plain)
    net = copy.deepcopy(plain)
    done = harden(net, forward, of(x), labels.numpy(), BALL, training=Training(method, epochs=8), seed=0)
    clean_after, robust_after = accuracies(net)
    assert robust_after >= robust + 0.15
    assert clean_after >= clean - 0.05
    assert done.losses[-1] < done.losses[0]
    assert done.trained == sum(each.numel() for each in net.parameters())


def test_one_update_by_hand():
    """A step of AdamW on the gradient at the worst input; of a linear model that is x - eps sign(w) from any start."""
    net = nn.Linear(3, 2, bias=False)
    net.weight.data = torch.tensor([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
    x, labels = torch.tensor([[0.3, 0.2, 0.4], [0.6, 0.5, 0.4]]), np.array([1, 1])
    ball = Ball("linf", 0.05)
    wanted = copy.deepcopy(net)
    worst = x - 0.05 * torch.tensor([1.0, -1.0, 1.0])
    nn.functional.cross_entropy(wanted(worst), torch.tensor(labels)).backward()
    gradient = wanted.weight.grad
    expected = wanted.weight.data * (1 - 0.1 * 0.01) - 0.1 * gradient / (gradient.abs() + 1e-8)
    harden(net, forward, of(x), labels, ball, training=Training(epochs=1, rate=0.1), seed=0)
    torch.testing.assert_close(net.weight.data, expected)


def test_the_distance_of_trades_is_the_divergence_that_torch_computes():
    torch.manual_seed(0)
    moved, clean = torch.randn(5, 4), torch.randn(5, 4)
    kind = torch.distributions.Categorical
    wanted = torch.distributions.kl_divergence(kind(logits=clean), kind(logits=moved))
    torch.testing.assert_close(_distance(moved, clean.log_softmax(1)), wanted)


def partly_frozen() -> nn.Module:
    torch.manual_seed(0)
    frozen = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
    net = nn.Sequential(frozen, nn.Linear(6, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 2))
    net.eval()
    for parameter in frozen.parameters():
        parameter.requires_grad = False
    return net


@pytest.mark.parametrize("method", ["pgd", "free", "trades"])
def test_what_the_owner_froze_stays_and_modes_are_what_they_were(method: str):
    net, x = partly_frozen(), torch.rand(70, 4)
    before, state = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    modes = []
    net[0][2].register_forward_hook(lambda part, *_: modes.append(part.training))
    learned = []
    net[4].register_forward_hook(lambda part, *_: learned.append(part.training))
    harden(net, forward, of(x), (x[:, 0] > 0.5).long().numpy(), BALL, training=Training(method, epochs=2), seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    after = net.state_dict()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]) == name.startswith("0."), name
    assert not any(modes)
    assert any(learned)
    assert not any(part.training for part in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_model_that_keeps_a_part_in_eval_mode_by_itself_is_obeyed():
    class Careful(nn.Sequential):
        def train(self, mode: bool = True):
            super().train(mode)
            self[1].eval()
            return self

    net, x = Careful(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval(), torch.rand(40, 4)
    before = net[1].running_mean.clone()
    harden(net, forward, of(x), np.arange(40) % 2, BALL, training=QUICK, seed=0)
    assert torch.equal(net[1].running_mean, before)


@pytest.mark.parametrize("method", ["pgd", "free", "trades"])
def test_the_seed_decides_everything(method: str):
    x, labels = torch.rand(60, 4), np.arange(60) % 2
    made = []
    for seed in (0, 0, 1):
        net = partly_frozen()
        torch.manual_seed(len(made))
        harden(net, forward, of(x), labels, BALL, training=Training(method, epochs=2), seed=seed)
        made.append(net[5].weight.data)
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_every_row_takes_part_in_each_epoch_and_passes_are_counted():
    x, seen, told = torch.rand(100, 4), [], []

    def encode(rows):
        seen.extend(rows)
        return {"x": x[rows]}

    done = harden(
        partly_frozen(), forward, encode, np.arange(100) % 2, BALL, training=Training(epochs=3, steps=2, batch=32),
        seed=0, tell=lambda *numbers: told.append(numbers),
    )  # fmt: skip
    assert sorted(seen) == sorted(list(range(100)) * 3)
    assert told[-1] == (9, 9)
    # Three forwards of the attack and one of the update, two and one backward, for each row and epoch.
    assert (done.forward, done.backward) == (3 * 100 * 4, 3 * 100 * 3)


def test_inputs_of_training_stay_in_the_ball_and_in_the_range():
    x, worst = torch.rand(64, 4), []

    def watched(module, batch):
        worst.append(batch["x"].detach())
        return module(batch["x"])

    for method in ("pgd", "free", "trades"):
        one = Training(method, epochs=1, batch=64)
        harden(partly_frozen(), watched, lambda _: {"x": x}, np.arange(64) % 2, BALL, training=one, seed=0)
    for asked in worst:
        far = torch.cat([x] * (len(asked) // 64))
        assert float((asked - far).abs().max()) <= 0.1 + 1e-6
        assert 0 <= float(asked.min()) <= float(asked.max()) <= 1


def test_logits_come_to_the_device_of_the_inputs():
    """The device ``meta`` holds shapes without values; every machine has it."""
    net, away = nn.Linear(4, 2), {"x": torch.rand(3, 4, device="meta")}
    optimizer = torch.optim.SGD(net.parameters())
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    run = _Run(net, lambda module, _: module(torch.rand(3, 4)), BALL, QUICK, optimizer, schedule, torch.Generator())
    seen = [run.logits(away).device]

    def loss(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits.device)
        return net.weight.sum()

    run.learn(away, loss)
    assert seen == [away["x"].device] * 2


def test_a_frozen_model_and_a_loss_that_runs_away_are_refused():
    net = partly_frozen()
    for parameter in net.parameters():
        parameter.requires_grad = False
    with pytest.raises(SubjectError, match="no weight of this model may be trained"):
        harden(net, forward, of(torch.rand(40, 4)), np.arange(40) % 2, BALL, training=QUICK, seed=0)
    net = nn.Linear(4, 2)
    net.weight.data.fill_(float("nan"))
    with pytest.raises(DataError, match="no finite number"):
        harden(net, forward, of(torch.rand(40, 4)), np.arange(40) % 2, BALL, training=QUICK, seed=0)
