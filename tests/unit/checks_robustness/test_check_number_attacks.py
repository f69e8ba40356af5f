"""Numbers under attack: linear models, whose worst case is known, and networks on digits, honest and masked."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from attacked_fixture import Closed
from digit_models import HELD_OUT, digits
from masked_models import MASKED_NUMBERS
from rows_fixture import gaps, measurements, run, value
from task_fixture import open_case
from torch import nn

from govkit.checks import Request, catalog, declared_passes, measure
from govkit.errors import UsageError

torch.set_num_threads(1)


class Asked(nn.Module):
    """A network as ``ask`` asks it."""

    def __init__(self, net, ask):
        super().__init__()
        self.net, self.ask = net, ask

    def forward(self, x):
        return self.ask(self.net, x)


def linear(weight, bias=0.0):
    net = nn.Linear(len(weight), 1)
    net.weight.data, net.bias.data = torch.tensor([weight]), torch.tensor([bias])
    return net.requires_grad_(requires_grad=False)


def table(x, truth, net, **how):
    return open_case("regression", x, np.asarray(truth, dtype=np.float64), net, **({"input_range": (0.0, 1.0)} | how))


@pytest.fixture(scope="module")
def tuned():
    """A network that reads the value of a digit, and 32 digits that it did not see."""
    x, digit = digits()
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 32),
                            nn.ReLU(), nn.Linear(32, 1))  # fmt: skip
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        for _ in range(250):
            rows = torch.randint(0, len(x) - HELD_OUT, (96,), generator=generator)
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x[rows])[:, 0], digit[rows].float()).backward()
            optimizer.step()
    return net.eval(), x[-HELD_OUT:][:32].numpy(), digit[-HELD_OUT:][:32].double().numpy()


def images(tuned, ask=lambda net, x: net(x), **how):
    net, x, digit = tuned
    how = {"modality": "image", "input_range": (0, 1), "range": (-60.0, 60.0)} | how
    return open_case("regression", x, digit, Asked(net, ask), **how)


def test_a_number_by_hand():
    """2x at 0.5 is 1; a change of 0.1 takes it to 0.8 or 1.2. The truths lie 0 and 0.3 away, then 0.2 and 0.5."""
    found = run("number_attacks", table([[0.5], [0.5]], [1.0, 0.7], linear([2.0])), eps=0.1)
    assert value(found, "clean_error") == pytest.approx(0.15)
    assert value(found, "attacked_error") == pytest.approx(0.35)
    assert value(found, "attacked_error_increase") == pytest.approx(0.2)
    # Of one value the corners of the ball are its two ends.
    assert value(found, "noise_error_increase") == pytest.approx(0.2)


@pytest.mark.parametrize("seed", [0, 1])
def test_of_a_linear_model_the_worst_case_is_the_error_and_eps_times_the_sum_of_the_weights(seed):
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=6).astype(np.float32)
    x, net = rng.uniform(0.3, 0.7, (40, 6)).astype(np.float32), linear(weight.tolist(), 0.3)
    truth = x @ weight + 0.3 + rng.normal(size=40)
    found = run("number_attacks", table(x, truth, net, range=(-20.0, 20.0)), eps=0.05, tier="gate")
    exact = np.abs(x @ weight + 0.3 - truth).mean() + 0.05 * np.abs(weight).sum()
    assert value(found, "attacked_error") == pytest.approx(exact, rel=1e-5)
    assert 0 < value(found, "noise_error_increase") < value(found, "attacked_error_increase")
    (item,) = measurements(found, "attacked_error")
    assert (item.trust, value(found, "trust_reason")) == ("trusted", "none")
    assert item.bounds
    assert item.interval.low < exact < item.interval.high


def test_at_the_ends_of_the_range_the_corners_of_what_is_left_are_the_worst():
    rng = np.random.default_rng(3)
    x, weight = rng.uniform(0, 1, (30, 3)).astype(np.float32), np.array([1.0, -2.0, 0.5], dtype=np.float32)
    truth = x @ weight + rng.normal(size=30)
    corners = np.array(list(product((-0.2, 0.2), repeat=3)))
    worst = np.abs(np.clip(x[:, None] + corners, 0, 1) @ weight - truth[:, None]).max(axis=1).mean()
    found = run("number_attacks", table(x, truth, linear(weight.tolist())), eps=0.2)
    assert value(found, "attacked_error") == pytest.approx(worst, rel=1e-5)


def test_a_bent_model_is_pulled_as_far_as_a_grid_over_the_ball_finds():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)).requires_grad_(requires_grad=False)
        net[0].weight.data *= 4
    rng = np.random.default_rng(5)
    x, truth = rng.uniform(0.2, 0.8, (24, 2)).astype(np.float32), rng.normal(size=24)
    found = run("number_attacks", table(x, truth, net), eps=0.1, tier="gate")
    steps = np.linspace(-0.1, 0.1, 41)
    grid = torch.tensor(x)[:, None] + torch.tensor(list(product(steps, steps)), dtype=torch.float32)
    worst = np.abs(net(grid)[..., 0].numpy() - truth[:, None]).max(axis=1).mean()
    assert value(found, "attacked_error") == pytest.approx(worst, rel=2e-3)


def test_an_honest_network_is_trusted_and_takes_the_declared_passes(tuned):
    case = images(tuned)
    declared = declared_passes(case, [Request("number_attacks", {"tier": "gate", "eps": 0.1})], catalog=catalog())
    found = run("number_attacks", case, eps=0.1, tier="gate")
    clean, attacked = (value(found, f"{name}_error") for name in ("clean", "attacked"))
    assert attacked > clean + 2 * value(found, "noise_error_increase") > clean
    (item,) = measurements(found, "attacked_error")
    assert (item.trust, value(found, "trust_reason"), item.n) == ("trusted", "none", 32)
    assert item.bounds
    assert case.passes == declared
    assert item.passes == {"forward": case.passes.forward - 32, "backward": case.passes.backward}


def test_smoke_tries_nothing_that_does_without_the_gradient_and_is_not_evaluated(tuned):
    found = run("number_attacks", images(tuned), eps=0.1)
    assert {item.trust for item in measurements(found, "attacked_error")} == {"not evaluated"}
    assert value(found, "trust_reason").startswith("no attack that does without the gradient was tried")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("4-bit input", "the margin has no gradient"),
        ("rounded answer", "the margin has no gradient"),
        ("cut gradient", "the margin has no gradient"),
        ("random gradient", "no better than a random one"),
        ("input noise", "the same input gets different answers"),
        ("another to attackers", "the same input gets different answers"),
        ("waves", "no better than a random one"),
    ],
)
def test_a_masked_network_is_suspect(tuned, name, reason):
    found = run("number_attacks", images(tuned, MASKED_NUMBERS[name]), eps=0.1, tier="gate")
    assert {item.trust for item in measurements(found, "attacked_error")} == {"suspect"}
    assert {item.trust for item in measurements(found, "attacked_error_increase")} == {"suspect"}
    assert reason in value(found, "trust_reason")


def test_radius_zero_leaves_the_error(tuned):
    found = run("number_attacks", images(tuned), eps=0.0)
    assert value(found, "attacked_error_increase") == value(found, "noise_error_increase") == 0
    assert value(found, "attacked_error") == value(found, "clean_error")


def test_the_order_of_the_rows_changes_no_number_and_a_second_run_none_either(tuned):
    straight, again, turned = (
        run("number_attacks", images(tuned, turned=turned), eps=0.1) for turned in (False, False, True)
    )
    assert straight == again
    for name in ("clean_error", "attacked_error", "noise_error_increase"):
        assert value(turned, name) == pytest.approx(value(straight, name), rel=1e-5)


def test_a_change_in_l2_is_that_of_the_weights_in_l2():
    rng = np.random.default_rng(1)
    x = np.round(rng.uniform(0.4, 0.6, (20, 1, 4, 4)) * 255).astype(np.float32) / 255
    weight = rng.normal(size=16).astype(np.float32)
    net = nn.Sequential(nn.Flatten(), linear(weight.tolist()))
    case = open_case(
        "regression", x, x.reshape(20, 16) @ weight.astype(float), net, modality="image", input_range=(0, 1)
    )
    found = run("number_attacks", case, eps=0.5, norm="l2")
    # A change is rounded toward zero to the grid of 1/255.
    exact = 0.5 * np.linalg.norm(weight)
    assert 0.95 * exact < value(found, "attacked_error") <= exact


def test_the_candidate_is_compared_with_its_base_row_by_row_and_no_more_trusted(tuned):
    net = tuned[0]
    case = images(tuned, base=Asked(net, lambda inner, x: inner(torch.round(x * 15) / 15)))
    found = run("number_attacks", case, eps=0.1, rows=16)
    mine, its = (value(found, "attacked_error", of=of, compared_with=None) for of in ("candidate", "base"))
    (item,) = measurements(found, "attacked_error", compared_with="base")
    assert item.value == pytest.approx(mine - its)
    assert item.trust == "suspect"
    assert {item.of for item in run("number_attacks", case, eps=0.1, base=False)} == {"candidate"}


def test_without_a_range_that_holds_the_attacked_answers_no_limit_can_rest_on_the_error(tuned):
    for held in ({"range": (0.0, 10.0)}, {"range": None}):
        found = run("number_attacks", images(tuned, **held), eps=0.1)
        assert {item.bounds for item in measurements(found, "attacked_error")} == {()}


def test_what_cannot_be_attacked_is_a_gap(tuned):
    case = images(tuned)
    closed = replace(case, subject=Closed(lambda inputs: inputs.mean((1, 2, 3)), case.passes))
    assert set(gaps(run("number_attacks", closed)).values()) == {"unsupported"}
    assert declared_passes(closed, [Request("number_attacks")], catalog=catalog()).backward == 0
    names = {"clean_error", "attacked_error", "attacked_error_increase", "noise_error_increase"}
    for other in (
        replace(case, modality="text"),
        images(tuned, input_range=None),
        table([[0.5]], [1.0], linear([2.0])),
        table([[0.5], [np.nan]], [1.0, 1.0], Asked(linear([2.0]), lambda net, x: net(x.nan_to_num()))),
    ):
        assert set(gaps(run("number_attacks", other))) == names
    assert set(gaps(run("number_attacks", table([[0.5], [0.4]], [1, 1], linear([2.0])), norm="l2"))) == names
    assert set(gaps(run("number_attacks", replace(case, subject=None)))) == {"*"}


def test_an_answer_that_is_no_number_under_attack_is_a_gap_and_no_error():
    burst = Asked(linear([2.0]), lambda net, x: net(x) / (x < 0.55))
    found = run("number_attacks", table([[0.5], [0.3]], [1.0, 1.0], burst), eps=0.1)
    assert set(gaps(found)) == {"attacked_error", "attacked_error_increase", "noise_error_increase"}
    assert value(found, "clean_error") == pytest.approx(0.2)


def test_more_than_the_whole_range_is_refused(tuned):
    with pytest.raises(UsageError, match=r"number_attacks: eps is 1\.5"):
        run("number_attacks", images(tuned), eps=1.5)


def test_a_model_of_classes_is_not_asked_for_numbers(tuned):
    case = replace(images(tuned), task="binary")
    assert measure(case, [Request("number_attacks")], catalog=catalog()) == []
