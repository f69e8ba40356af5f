"""The attack that breaks one model and leaves its siblings standing."""

from __future__ import annotations

import pytest
import torch

from govkit.attacks import Ball, contrastive, pgd

torch.set_num_threads(1)


def linear(weight, bias=0.0):
    """Two classes whose margin of the second is ``weight . x + bias``."""

    def logits(batch):
        score = batch["x"] @ torch.tensor(weight) + bias
        return torch.stack([-score / 2, score / 2], dim=1)

    return logits


def network(seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    return lambda batch: net(batch["x"])


BALL = Ball("linf", 0.25, 0.0, 1.0)


def test_it_falls_along_its_own_direction_and_the_other_is_held_up():
    # The target is broken where x0 < 0.5, the other where x1 < 0.5; both begin at 0.6 in class 1.
    x, labels = torch.tensor([[0.6, 0.6]]), torch.tensor([1])
    target, other = linear([1.0, 0.0], -0.5), linear([0.0, 1.0], -0.5)
    found = contrastive(target, [other], {"x": x}, labels, BALL)
    assert found.broken.tolist() == [True]
    assert found.x.tolist() == [[pytest.approx(0.35), pytest.approx(0.85)]]
    assert contrastive(other, [target], {"x": x}, labels, BALL).x.tolist() == [
        [pytest.approx(0.85), pytest.approx(0.35)]
    ]


def test_what_breaks_the_others_too_does_not_count():
    x, labels = torch.tensor([[0.6]]), torch.tensor([1])
    same = linear([1.0], -0.5)
    steeper = linear([2.0], -1.0)
    found = contrastive(steeper, [same], {"x": x}, labels, BALL)
    assert bool((steeper({"x": found.x}).argmax(1) == 0).all())
    assert found.broken.tolist() == [False]


def test_it_climbs_the_margin_less_the_log_sum_exp_of_those_of_the_others_with_momentum():
    """The same written down again for linear models, whose gradients are known."""
    weights, labels = torch.tensor([[1.0, -2.0, 0.5], [0.5, 1.0, 0.3], [-0.4, 0.2, 1.0]]), torch.tensor([1, 1, 0])
    x = torch.tensor([[0.5, 0.4, 0.7], [0.2, 0.9, 0.1], [0.6, 0.5, 0.5]])
    models = [linear(weight.tolist()) for weight in weights]
    found = contrastive(models[0], models[1:], {"x": x}, labels, BALL, steps=5)
    sign, path = torch.where(labels == 1, -1.0, 1.0)[:, None], x.clone()
    momentum = torch.zeros(3, 3)
    for _ in range(5):
        margins = sign * (path @ weights.T)
        gradient = sign * (weights[0] - margins[:, 1:].softmax(1) @ weights[1:])
        momentum += gradient / gradient.abs().mean(1, keepdim=True)
        path = (x + (path + 0.0625 * momentum.sign() - x).clamp(-0.25, 0.25)).clamp(0, 1)
    assert torch.allclose(found.x, path, atol=1e-6)


def test_who_surely_stands_moves_nothing_and_who_is_broken_is_driven_deeper():
    # The other pulls the same value the other way and is the steeper; it counts only where its margin is above -6.
    x, labels, target = torch.tensor([[0.5]]), torch.tensor([1]), linear([1.0], -0.5)
    surely = contrastive(target, [linear([3.0], 6.0)], {"x": x}, labels, BALL)
    assert (surely.x.tolist(), surely.broken.tolist()) == ([[0.25]], [True])
    hardly = contrastive(target, [linear([3.0], 2.0)], {"x": x}, labels, BALL)
    assert (hardly.x.tolist(), hardly.broken.tolist()) == ([[0.75]], [False])
    # The target is broken from the start, and still goes on.
    deeper = contrastive(linear([-100.0]), [linear([100.0])], {"x": x}, labels, BALL)
    assert (deeper.x.tolist(), deeper.broken.tolist()) == ([[0.75]], [True])


def test_where_the_gradient_is_cut_nothing_moves():
    x, labels = torch.tensor([[0.5]]), torch.tensor([1])
    cut = [lambda batch, weight=weight: linear([weight])({"x": batch["x"].detach()}) for weight in (1.0, 2.0)]
    assert torch.equal(contrastive(cut[0], cut[1:], {"x": x}, labels, BALL).x, x)


def test_points_stay_in_the_ball_and_rows_do_not_depend_on_their_neighbors():
    models, x = [network(seed) for seed in range(3)], torch.rand(9, 6, generator=torch.Generator().manual_seed(1))
    labels, ball = models[0]({"x": x}).argmax(1), Ball("linf", 0.2, 0.0, 1.0, grid=1 / 255)
    found = contrastive(models[0], models[1:], {"x": x}, labels, ball, steps=7)
    assert ball.excess(found.x, x) <= 1e-6
    assert (found.forward, found.backward) == (9 * 3 * 8, 9 * 3 * 7)
    order = torch.arange(8, -1, -1)
    turned = contrastive(models[0], models[1:], {"x": x[order]}, labels[order], ball, steps=7)
    assert torch.allclose(turned.x[order], found.x, atol=1e-6)
    with torch.no_grad():
        fell, *stands = (model({"x": found.x}).argmax(1) != labels for model in models)
    assert torch.equal(found.broken, fell & ~stands[0] & ~stands[1])


def test_more_rows_tell_the_models_apart_than_of_an_attack_on_one_alone():
    models, x = [network(seed) for seed in range(4)], torch.rand(60, 6, generator=torch.Generator().manual_seed(2))
    labels, ball = torch.stack([model({"x": x}) for model in models]).sum(0).argmax(1), Ball("linf", 0.3, 0.0, 1.0)
    right = torch.stack([model({"x": x}).argmax(1) == labels for model in models]).all(0)
    x, labels = x[right], labels[right]
    plain = pgd(models[0], {"x": x}, labels, ball, steps=20, stop=False)
    apart = contrastive(models[0], models[1:], {"x": x}, labels, ball)
    with torch.no_grad():
        fell, *stands = (model({"x": plain.x}).argmax(1) != labels for model in models)
    assert int(apart.broken.sum()) > int((fell & ~torch.stack(stands).any(0)).sum())


def test_there_must_be_others():
    with pytest.raises(ValueError, match="at least one model"):
        contrastive(linear([1.0]), [], {"x": torch.zeros(1, 1)}, torch.tensor([0]), BALL)
