"""APGD, Square and the tiers on models whose worst case is known, and on every kind of model that users bring."""

from collections import UserDict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from digit_models import held_out, network
from torch import nn

from govkit.attacks import (
    TIERS,
    Attacked,
    Ball,
    Balls,
    Tier,
    apgd,
    battery,
    by_scores,
    cross_entropy,
    doubts,
    fgsm,
    margin,
    most_passes,
    pgd,
    square,
    strengthen,
    targeted_margin,
)
from govkit.attacks.apgd import _windows
from govkit.core import Passes
from govkit.subjects.python import Origin, TorchSubject

torch.set_num_threads(1)
SMALL = Tier(steps=6, targets=2, queries=20)


def linear(norm="linf", n=200, d=6, seed=0):
    """A linear two-class model, inputs that it answers rightly, and their distance to the boundary."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, d, generator=generator)
    x = torch.randn(n, d, generator=generator)
    gap = weight[0] - weight[1]
    dual = gap.abs().sum() if norm == "linf" else gap.norm()
    return lambda batch: batch["x"] @ weight.T, x, (x @ weight.T).argmax(1), (x @ gap).abs() / dual


def balls_of(radius, norm="linf", grid=None):
    return Balls(
        *(Ball(kind, size, 0.0, 1.0, grid) for kind, size in ((norm, radius), ("linf", 1 / 255), ("linf", 0.5)))
    )


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("radius", [0.05, 0.3])
@pytest.mark.parametrize("aim", ["margin", "cross-entropy", "target"])
@pytest.mark.parametrize("start", [None, list(range(200))])
def test_apgd_reaches_the_exact_robust_accuracy_of_a_linear_model(norm, radius, aim, start):
    logits, x, labels, distance = linear(norm)
    options = {"targets": 1 - labels} if aim == "target" else {"loss": margin if aim == "margin" else cross_entropy}
    result = apgd(logits, {"x": x}, labels, Ball(norm, radius), steps=20, seeds=start, **options)
    assert (~result.broken).sum() == (distance > radius).sum()


def test_the_length_of_a_step_is_looked_at_where_the_paper_looks():
    assert list(_windows(100)) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert _windows(1) == {}


def test_apgd_halves_its_steps_where_a_long_one_overshoots():
    """A narrow valley of two classes: no point of the first step's length, radius or twice it, is wrong."""
    logits = lambda batch: torch.stack([(batch["x"][:, 0] - 0.1).abs() - 0.01, 0 * batch["x"][:, 0]], dim=1)  # noqa: E731
    x, labels = torch.zeros(4, 1), torch.zeros(4, dtype=torch.int64)
    found = apgd(logits, {"x": x}, labels, Ball("linf", 1.0), steps=40)
    assert found.broken.all()
    assert float((found.x - 0.1).abs().max()) < 0.01


def test_a_row_that_falls_goes_on_from_its_best_point_with_half_a_step():
    asked = []

    def hill(batch):
        asked.append(float(batch["x"].detach()))
        return torch.stack([(batch["x"][:, 0] - 0.3) ** 2 + 0.01, 0 * batch["x"][:, 0]], dim=1)

    apgd(hill, {"x": torch.zeros(1, 1)}, torch.zeros(1, dtype=torch.int64), Ball("linf", 1.0), steps=10)
    # A step of two radii; back with the momentum of the first; from the best, 0, with one radius and the old momentum.
    assert asked[:4] == [0.0, 1.0, -0.25, 0.5]


def test_the_targeted_margin_has_no_scale_from_four_classes_on():
    scores = torch.tensor([[3.0, 1.0, 0.0, -4.0, 9.0]])
    label, target = torch.tensor([0]), torch.tensor([1])
    assert float(targeted_margin(scores, label, target)) == pytest.approx((1 - 3) / (9 - (1 + 0) / 2))
    assert float(targeted_margin(scores * 1e4, label, target)) == pytest.approx((1 - 3) / (9 - (1 + 0) / 2))
    assert float(targeted_margin(scores[:, :3], label, target)) == -2
    assert float(targeted_margin(torch.tensor([[5.0]]), torch.tensor([1]), torch.tensor([0]))) == -5


def test_square_reaches_the_robust_accuracy_of_a_linear_model_from_scores_alone():
    logits, x, labels, distance = linear()
    scores = lambda batch: torch.tensor(logits(batch).numpy())  # noqa: E731 - no gradient passes numpy
    result = square(scores, {"x": x}, labels, Ball("linf", 0.2), seeds=list(range(200)), queries=200)
    assert (~result.broken).sum() == (distance > 0.2).sum()
    assert result.backward == 0


def test_square_breaks_what_noise_does_not():
    x, labels = held_out(100)
    net, seeds = network(), list(range(100))
    found = by_scores(
        lambda batch: net(batch["x"]), [({"x": x}, labels, seeds)], balls_of(0.1).declared, draws=10, queries=100
    )
    assert found.noise.sum() - found.worst.sum() > 20
    assert found.forward <= 100 * 112
    assert found.backward == 0
    assert doubts(found) == ()


def attacks(ball, seeds, targets):
    """Each attack beyond those of ``test_gradient_attacks`` as a function of model, batch and labels."""
    found = {
        "apgd": lambda *asked: apgd(*asked, ball, steps=8, seeds=seeds),
        "targeted": lambda *asked: apgd(*asked, ball, steps=8, seeds=seeds, targets=targets),
        "pgd": lambda *asked: pgd(*asked, ball, steps=8, seeds=seeds),
    }
    if ball.norm == "linf":
        found["square"] = lambda *asked: square(*asked, ball, seeds=seeds, queries=40)
    return found


def each(norm, radius, n=60, grid=1 / 255):
    x, labels = held_out(n)
    ball = Ball(norm, radius, 0.0, 1.0, grid)
    return x, labels, ball, attacks(ball, list(range(n)), (labels + 1) % 10)


@pytest.mark.parametrize(("norm", "radius"), [("linf", 0.1), ("l2", 0.7)])
def test_every_broken_row_is_a_proof_inside_the_ball_that_can_be_stored(norm, radius):
    net = network()
    x, labels, ball, found = each(norm, radius)
    for name, attack in found.items():
        result = attack(lambda batch: net(batch["x"]), {"x": x}, labels)
        stored = torch.round(result.x * 255) / 255
        assert 10 < result.broken.sum() < 60, name
        assert torch.equal(net(stored).argmax(1) != labels, result.broken), name
        assert ball.excess(stored, x) <= 1e-4, name


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_radius_zero_changes_no_answer(norm):
    net = network()
    x, labels, _, found = each(norm, 0.0)
    for name, attack in found.items():
        result = attack(lambda batch: net(batch["x"]), {"x": x}, labels)
        assert torch.equal(result.broken, net(x).argmax(1) != labels), name
        assert torch.equal(result.x, x), name


def test_results_do_not_depend_on_order_or_company():
    net = network()
    logits = lambda batch: net(batch["x"])  # noqa: E731
    x, labels, ball, whole = each("linf", 0.1)
    some = torch.arange(40, 10, -1)
    part = attacks(ball, some.tolist(), ((labels + 1) % 10)[some])
    for name, attack in whole.items():
        everybody, few = attack(logits, {"x": x}, labels), part[name](logits, {"x": x[some]}, labels[some])
        assert torch.equal(everybody.broken[some], few.broken), name
        assert torch.allclose(everybody.x[some], few.x, atol=1e-6), name
    tried = []
    for rows in (torch.arange(60), some):
        none = Attacked(x[rows], torch.zeros(len(rows), dtype=torch.bool), None, forward=0, backward=0)
        asked = {"x": x[rows]}, labels[rows], rows.tolist()
        tried.append(strengthen(logits, asked, balls_of(0.05).declared, none, scores=net(x[rows]).detach(), tier=SMALL))
    for everybody, few in zip(*tried, strict=True):
        assert torch.equal(everybody.broken[some], few.broken)
        assert torch.allclose(everybody.x[some], few.x, atol=1e-6)


class Counted:
    """A model that counts the rows it is asked about."""

    def __init__(self, net):
        self.net, self.forward, self.backward = net, 0, 0

    def __call__(self, batch):
        self.forward += len(batch["x"])
        self.backward += len(batch["x"]) if batch["x"].requires_grad else 0
        return self.net(batch["x"])


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("radius", [0.002, 0.1])
def test_passes_are_counted_and_at_most_those_declared(classes, radius):
    x, labels = held_out(50)
    model = Counted(network(classes=classes))
    found = battery(model, [({"x": x}, labels % classes, list(range(50)))], balls_of(radius), steps=4, tier=SMALL)
    forward, backward = most_passes(4, tier=SMALL, classes=classes)
    assert (found.forward, found.backward) == (model.forward, model.backward)
    assert found.forward <= 50 * forward
    assert found.backward <= 50 * backward
    if radius == 0.002:
        right = int(found.clean.sum())
        # Not taken: the second look of the probe, and most of the way out to the far ball.
        assert found.forward > 0.75 * right * forward
        assert found.backward > 0.75 * right * backward


def test_a_weak_model_costs_a_third_of_what_it_would_without_early_exits():
    x, labels = held_out(200)
    net = network()
    right = net(x).argmax(1) == labels
    x, labels = x[right], labels[right]
    n, logits = len(x), lambda batch: net(batch["x"])
    none = Attacked(x, torch.zeros(n, dtype=torch.bool), None, forward=0, backward=0)
    asked = {"scores": net(x).detach(), "tier": TIERS["gate"]}
    _, found = strengthen(logits, ({"x": x}, labels, list(range(n))), balls_of(0.2).declared, none, **asked)
    forward, backward = TIERS["gate"].most_passes(10)
    assert (~found.broken).float().mean() <= 0.15
    assert 3 * found.forward <= n * forward
    assert 3 * found.backward <= n * backward


def test_without_stopping_every_row_takes_all_steps():
    logits, x, labels, _ = linear()
    result = pgd(logits, {"x": x}, labels, Ball("linf", 5.0), steps=7, stop=False)
    assert (result.forward, result.backward) == (200 * 8, 200 * 7)
    assert result.broken.all()
    assert torch.allclose((result.x - x).abs(), torch.full_like(x, 5.0), atol=1e-5)


class Tuned(nn.Module):
    """A model as fine-tuning leaves it: in training, its batch normalization frozen, with dropout."""

    def __init__(self, outputs=3, wrap=lambda logits: logits):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, outputs)
        )
        self.wrap = wrap
        self.train()
        self.body[1].eval()
        self.body[0].weight.requires_grad_(requires_grad=False)
        self.body[4].weight.grad = torch.full_like(self.body[4].weight, 7.0)

    def forward(self, x):
        return self.wrap(self.body(x))


class ModelOutput(UserDict):
    """As transformers returns it."""

    @property
    def logits(self):
        return self["logits"]


def subject(module):
    return TorchSubject(module, Origin("tuned", Path(__file__), (), "table", (), Passes(), (0.0, 1.0)))


def everything(asked, x, n):
    """Every attack against a model that answers its own classes at first; how many rows stand."""
    labels = asked.logits({"x": x}).argmax(1)
    found = battery(asked.logits, [({"x": x}, labels, list(range(n)))], balls_of(0.15), steps=5, tier=SMALL)
    assert found.clean.all()
    return found


@pytest.fixture(scope="module")
def rows():
    return torch.rand(60, 6, generator=torch.Generator().manual_seed(4))


def seeded(**options):
    with torch.random.fork_rng():
        torch.manual_seed(11)
        return Tuned(**options)


def test_modes_gradients_statistics_and_random_state_stay_as_they_were(rows):
    net = seeded()
    before = (
        [module.training for module in net.modules()],
        [p.requires_grad for p in net.parameters()],
        [None if p.grad is None else p.grad.clone() for p in net.parameters()],
        [value.clone() for value in net.state_dict().values()],
        torch.get_rng_state(),
        np.random.get_state()[1].copy(),
    )
    found = everything(subject(net), rows, 60)
    assert 0 < found.worst.sum() < 60
    assert found.wobble == 0, "dropout is off while the model is asked"
    assert before[0] == [module.training for module in net.modules()]
    assert before[1] == [p.requires_grad for p in net.parameters()]
    for grad, parameter in zip(before[2], net.parameters(), strict=True):
        assert (grad is None and parameter.grad is None) or torch.equal(grad, parameter.grad)
    assert all(torch.equal(old, new) for old, new in zip(before[3], net.state_dict().values(), strict=True))
    assert torch.equal(before[4], torch.get_rng_state())
    assert (before[5] == np.random.get_state()[1]).all()
    assert not rows.requires_grad


@pytest.mark.parametrize(
    "wrap",
    [
        lambda logits: (logits, logits.sum()),
        lambda logits: {"logits": logits, "loss": logits.sum()},
        lambda logits: SimpleNamespace(logits=logits),
        lambda logits: ModelOutput(logits=logits),
    ],
    ids=["tuple", "dict", "object", "ModelOutput"],
)
def test_every_kind_of_output_is_attacked_alike(rows, wrap):
    plain, wrapped = (everything(subject(seeded(wrap=kind)), rows, 60) for kind in (lambda logits: logits, wrap))
    assert torch.equal(plain.worst, wrapped.worst)
    assert plain.forward == wrapped.forward


@pytest.mark.parametrize("outputs", [1, 2, 3, 4])
def test_few_classes_are_attacked_and_lose_rows(rows, outputs):
    net = seeded(outputs=outputs)
    with torch.no_grad():
        net.body[4].bias -= net.eval().body(rows).mean(0)
    found = everything(subject(net), rows, 60)
    assert found.worst.sum() <= found.pgd.sum() < 60
    assert doubts(found) == ()


def test_a_model_of_half_precision_is_attacked_inside_the_ball(rows):
    net = seeded().bfloat16()
    asked, ball = subject(net), Ball("linf", 8 / 255, 0.0, 1.0)
    labels = asked.logits({"x": rows}).argmax(1)
    for attack in (fgsm, pgd, apgd):
        result = attack(asked.logits, {"x": rows}, labels, ball)
        assert result.x.dtype == torch.float32
        assert ball.excess(result.x, rows) <= 1e-4
        assert torch.equal(asked.logits({"x": result.x}).argmax(1) != labels, result.broken)


def test_a_model_that_rounds_its_input_is_betrayed_by_square():
    x, labels = held_out(100)
    net = network()
    hidden = lambda batch: net(torch.round(batch["x"] * 7) / 7)  # noqa: E731
    tier = Tier(steps=6, targets=1, queries=100)
    found = battery(hidden, [({"x": x}, labels, list(range(100)))], balls_of(0.1), steps=4, tier=tier)
    betrayed = "an attack that only asks for scores breaks what the gradient attacks do not"
    assert any(reason.startswith(betrayed) for reason in doubts(found))
