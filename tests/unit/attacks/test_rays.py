"""RayS on models that only choose: what is known exactly, and beside attacks that see more."""

from __future__ import annotations

import torch
from digit_models import held_out, network

from govkit.attacks import Ball, pgd, random_noise, rays

torch.set_num_threads(1)


def chosen(net):
    """A model that tells its choice and nothing else."""
    return lambda batch: torch.nn.functional.one_hot(net(batch["x"]).argmax(1), 10).float()


def right(net, n):
    x, labels = held_out(n)
    with torch.no_grad():
        kept = net(x).argmax(1) == labels
    return {"x": x[kept]}, labels[kept]


def test_of_a_linear_model_the_rows_that_can_break_do():
    """The nearest point of the boundary lies |score| / sum |w| away, in the direction of the signs of w."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(12, generator=generator)
    x = torch.randn(150, 12, generator=generator)
    logits = lambda batch: torch.stack([-(batch["x"] @ weight), batch["x"] @ weight], 1).sign()  # noqa: E731
    labels = logits({"x": x}).argmax(1)
    distance = (x @ weight).abs() / weight.abs().sum()
    found = rays(logits, {"x": x}, labels, Ball("linf", 0.3), seeds=range(150), queries=300)
    assert 0.2 < float((distance < 0.3).float().mean()) < 0.8
    assert not found.broken[distance > 0.3].any()
    assert float(found.broken[distance < 0.27].float().mean()) > 0.97


def test_it_finds_more_than_noise_and_no_more_than_there_is():
    net = network(11)
    batch, labels = right(net, 120)
    ball = Ball("linf", 0.2, 0.0, 1.0, grid=1 / 255)
    found = rays(chosen(net), batch, labels, ball, seeds=range(len(labels)), queries=150)
    noise = random_noise(chosen(net), batch, labels, ball, seeds=range(len(labels)), draws=150)
    gradient = pgd(lambda asked: net(asked["x"]), batch, labels, ball, steps=20)
    assert int(noise.broken.sum()) + 10 < int(found.broken.sum()) <= int(gradient.broken.sum()) + 1
    assert (found.x - batch["x"]).abs().max() <= 0.2 + 1e-6
    with torch.no_grad():
        assert ((net(found.x).argmax(1) != labels) == found.broken).all()


def test_it_asks_no_more_than_it_may_and_stops_at_what_is_broken():
    net, asked = network(11), []

    def counting(batch):
        asked.append(len(batch["x"]))
        return chosen(net)(batch)

    batch, labels = right(net, 60)
    found = rays(counting, batch, labels, Ball("linf", 0.3, 0.0, 1.0), seeds=range(len(labels)), queries=80)
    assert sum(asked) == found.forward < 80 * len(labels)
    assert found.backward == 0
    none = rays(counting, batch, labels, Ball("linf", 0.0, 0.0, 1.0), seeds=range(len(labels)), queries=20)
    assert not none.broken.any()
    assert torch.equal(none.x, batch["x"])


def test_neighbors_and_order_change_nothing():
    net = network(11)
    batch, labels = right(net, 40)
    ball = Ball("linf", 0.25, 0.0, 1.0, grid=1 / 255)
    whole = rays(chosen(net), batch, labels, ball, seeds=range(len(labels)), queries=60)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:11]
    some = rays(chosen(net), {"x": batch["x"][order]}, labels[order], ball, seeds=order.tolist(), queries=60)
    assert torch.equal(some.x, whole.x[order])
    assert torch.equal(some.broken, whole.broken[order])
