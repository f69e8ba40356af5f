"""FGSM, PGD and noise on models whose worst case is known in closed form."""

import pytest
import torch
from torch import nn

from govkit.attacks import Ball, cross_entropy, fgsm, margin, pgd, probe_gradients, random_noise

torch.set_num_threads(1)


def linear(seed=0, n=200, d=6):
    """A linear two-class model, inputs that it answers rightly, their L-inf distance to the boundary."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(2, d, generator=generator)
    x = torch.randn(n, d, generator=generator)
    labels = (x @ weight.T).argmax(1)
    gap = weight[0] - weight[1]
    return lambda batch: batch["x"] @ weight.T, x, labels, (x @ gap).abs() / gap.abs().sum(), gap


def test_fgsm_is_the_closed_form_on_a_linear_model():
    logits, x, labels, _, gap = linear()
    result = fgsm(logits, {"x": x}, labels, Ball("linf", 0.2))
    sign = torch.where(labels == 0, -1.0, 1.0)[:, None]
    assert torch.allclose(result.x, x + 0.2 * sign * gap.sign(), atol=1e-6)
    assert (result.forward, result.backward) == (2 * len(x), len(x))


@pytest.mark.parametrize("loss", [margin, cross_entropy])
@pytest.mark.parametrize("seeds", [None, list(range(200))])
@pytest.mark.parametrize("radius", [0.05, 0.2, 0.6])
def test_pgd_reaches_the_exact_robust_accuracy_of_a_linear_model(loss, seeds, radius):
    logits, x, labels, distance, _ = linear()
    result = pgd(logits, {"x": x}, labels, Ball("linf", radius), loss=loss, seeds=seeds)
    assert (~result.broken).sum() == (distance > radius).sum()


def test_pgd_in_an_l2_ball_reaches_the_exact_robust_accuracy():
    logits, x, labels, _, gap = linear()
    distance = (x @ gap).abs() / gap.norm()
    result = pgd(logits, {"x": x}, labels, Ball("l2", 0.5), steps=10)
    assert (~result.broken).sum() == (distance > 0.5).sum()


def test_a_sigmoid_head_with_one_logit_is_attacked_as_two_classes():
    _, x, labels, distance, gap = linear()
    single = lambda batch: -(batch["x"] @ gap)[:, None]  # noqa: E731 - class 1 has the positive logit
    for attack in (fgsm, pgd):
        result = attack(single, {"x": x}, labels, Ball("linf", 0.2))
        assert (~result.broken).sum() == (distance > 0.2).sum()


def test_radius_zero_changes_no_answer():
    logits, x, labels, _, _ = linear()
    labels = labels.clone()
    labels[:20] = 1 - labels[:20]
    expected = torch.arange(200) < 20
    ball = Ball("linf", 0.0)
    seeds = list(range(200))
    for result in (
        fgsm(logits, {"x": x}, labels, ball),
        pgd(logits, {"x": x}, labels, ball, seeds=seeds),
        random_noise(logits, {"x": x}, labels, ball, seeds=seeds),
    ):
        assert torch.equal(result.broken, expected)
        assert torch.equal(result.x, x)


class Counted:
    """A model that counts the rows it is asked about."""

    def __init__(self, logits):
        self.logits, self.rows = logits, 0

    def __call__(self, batch):
        self.rows += len(batch["x"])
        return self.logits(batch)


@pytest.mark.parametrize("radius", [0.01, 0.3])
def test_passes_are_counted_and_broken_rows_are_left_alone(radius):
    logits, x, labels, _, _ = linear()
    ball, seeds = Ball("linf", radius), list(range(len(x)))
    for run, most in (
        (lambda model: fgsm(model, {"x": x}, labels, ball), 2),
        (lambda model: pgd(model, {"x": x}, labels, ball, steps=7), 8),
        (lambda model: random_noise(model, {"x": x}, labels, ball, seeds=seeds, draws=5), 5),
        (lambda model: probe_gradients(model, {"x": x}, labels, ball, seeds=seeds), 4),
    ):
        model = Counted(logits)
        assert run(model).forward == model.rows <= most * len(x)
    assert pgd(logits, {"x": x}, labels, Ball("linf", 5.0)).forward < 8 * len(x)


def test_every_broken_row_is_a_proof():
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).eval()
    x = torch.rand(80, 6, generator=generator)
    labels = net(x).argmax(1)
    ball = Ball("linf", 0.15, 0.0, 1.0)
    result = pgd(lambda batch: net(batch["x"]), {"x": x}, labels, ball, seeds=list(range(80)))
    assert result.broken.any()
    assert not result.broken.all()
    assert torch.equal(net(result.x).argmax(1) != labels, result.broken)
    assert ball.excess(result.x, x) <= 1e-4


def test_results_do_not_depend_on_order_or_company():
    logits, x, labels, _, _ = linear(n=40)
    ball, seeds = Ball("linf", 0.2), list(range(100, 140))
    whole = pgd(logits, {"x": x}, labels, ball, seeds=seeds)
    back = pgd(logits, {"x": x.flip(0)}, labels.flip(0), ball, seeds=seeds[::-1])
    assert torch.equal(back.broken.flip(0), whole.broken)
    part = pgd(logits, {"x": x[10:20]}, labels[10:20], ball, seeds=seeds[10:20])
    assert torch.equal(part.broken, whole.broken[10:20])


class FrozenNorm(nn.Module):
    """A model in training whose batch normalization is frozen, as in most fine-tuning."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
        self.train()
        self.body[1].eval()
        self.body[0].weight.requires_grad_(requires_grad=False)
        self.body[3].weight.grad = torch.full_like(self.body[3].weight, 7.0)

    def forward(self, x):
        return self.body(x)


def state_of(net):
    return (
        [module.training for module in net.modules()],
        [(name, p.requires_grad, None if p.grad is None else p.grad.clone()) for name, p in net.named_parameters()],
        {name: value.clone() for name, value in net.state_dict().items()},
        torch.get_rng_state(),
    )


def assert_same(before, after):
    assert before[0] == after[0]
    for (name, wanted, grad), (_, wants, now) in zip(before[1], after[1], strict=True):
        assert wanted == wants, name
        assert (grad is None and now is None) or torch.equal(grad, now), name
    assert all(torch.equal(value, after[2][name]) for name, value in before[2].items())
    assert torch.equal(before[3], after[3])


def test_modes_gradients_statistics_and_random_state_stay_as_they_were():
    torch.manual_seed(5)
    net = FrozenNorm()
    x, labels = torch.randn(30, 6), torch.zeros(30, dtype=torch.int64)
    before = state_of(net)
    logits, ball, seeds = (lambda batch: net(batch["x"])), Ball("linf", 0.3), list(range(30))
    fgsm(logits, {"x": x}, labels, ball)
    pgd(logits, {"x": x}, labels, ball, seeds=seeds)
    random_noise(logits, {"x": x}, labels, ball, seeds=seeds)
    probe_gradients(logits, {"x": x}, labels, ball, seeds=seeds)
    assert_same(before, state_of(net))
    assert not x.requires_grad
    assert x.grad is None


def test_attacks_work_where_the_caller_switched_gradients_off():
    logits, x, labels, distance, _ = linear()
    with torch.no_grad():
        result = pgd(logits, {"x": x}, labels, Ball("linf", 0.2))
    assert (~result.broken).sum() == (distance > 0.2).sum()


def test_a_cut_graph_is_a_flat_gradient_and_not_a_crash():
    logits, x, labels, _, _ = linear()
    cut = lambda batch: logits({"x": batch["x"].detach()})  # noqa: E731
    rounded = lambda batch: logits({"x": torch.round(batch["x"] * 4) / 4})  # noqa: E731
    for model in (cut, rounded):
        probe = probe_gradients(model, {"x": x}, labels, Ball("linf", 0.01), seeds=list(range(200)))
        assert probe.flat.all()
        assert fgsm(model, {"x": x}, labels, Ball("linf", 0.2)).flat.all()
    honest = probe_gradients(logits, {"x": x}, labels, Ball("linf", 0.01), seeds=list(range(200)))
    assert not honest.flat.any()
    assert honest.gains.float().mean() > 0.9


def test_the_margin_sees_through_huge_logits_and_the_cross_entropy_does_not():
    logits, x, labels, distance, _ = linear()
    huge = lambda batch: logits(batch) * 1e4  # noqa: E731
    ball = Ball("linf", 0.2)
    assert (~pgd(huge, {"x": x}, labels, ball, loss=margin).broken).sum() == (distance > 0.2).sum()
    assert fgsm(huge, {"x": x}, labels, ball).flat.float().mean() > 0.9


def test_answers_that_are_not_finite_count_as_wrong():
    labels = torch.zeros(4, dtype=torch.int64)
    broken = lambda batch: torch.full((len(batch["x"]), 2), float("nan")) * batch["x"].sum()  # noqa: E731
    assert pgd(broken, {"x": torch.zeros(4, 3)}, labels, Ball("linf", 0.1)).broken.all()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_a_random_step_to_the_same_point_is_a_tie_and_no_loss(d):
    logits, x, labels, _, _ = linear(d=d)
    probe = probe_gradients(logits, {"x": x}, labels, Ball("linf", 0.01), seeds=list(range(200)))
    assert torch.equal(probe.gains, ~probe.tied)
    assert float(probe.tied.float().mean()) == pytest.approx(0.5**d, abs=0.1)


def test_features_that_the_model_does_not_read_make_no_loss_either():
    logits, x, labels, _, _ = linear(d=1)
    wide = torch.cat([x, torch.randn(200, 5, generator=torch.Generator().manual_seed(1))], dim=1)
    first = lambda batch: logits({"x": batch["x"][:, :1]})  # noqa: E731
    probe = probe_gradients(first, {"x": wide}, labels, Ball("linf", 0.01), seeds=list(range(200)))
    assert torch.equal(probe.gains, ~probe.tied)


def test_steps_that_both_change_nothing_are_a_loss():
    logits, x, labels, _, _ = linear()
    # The answer is rounded, the gradient is passed through as if it were not.
    hidden = lambda batch: logits({"x": batch["x"] + (torch.round(batch["x"]) - batch["x"]).detach()})  # noqa: E731
    probe = probe_gradients(hidden, {"x": x}, labels, Ball("linf", 0.001), seeds=list(range(200)))
    assert not probe.flat.any()
    assert probe.tied.float().mean() < 0.05
    assert probe.gains.float().mean() < 0.05
