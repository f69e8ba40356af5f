"""Several labels under attack: each is a model of two classes whose one logit is that of the label."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from attacked_fixture import Closed, Open, case_of as binary_case
from digit_models import HELD_OUT, digits
from rows_fixture import gaps, measurements, run, value
from task_fixture import open_case
from torch import nn

from govkit.checks import Request, catalog, declared_passes, measure
from govkit.errors import SubjectError

torch.set_num_threads(1)

NAMES = ("even", "large")
ATTACKED = ("clean_accuracy", "fgsm_accuracy", "pgd_accuracy", "robust_accuracy", "random_accuracy")


def truths(digit):
    return torch.stack([digit % 2 == 0, digit > 4], dim=1).long()


class Around(nn.Module):
    """A network with something in front of it, and its logits times ``scale``."""

    def __init__(self, net, twist=lambda x: x, scale=1.0):
        super().__init__()
        self.net, self.twist, self.scale = net, twist, scale

    def forward(self, x):
        return self.net(self.twist(x)) * self.scale


@pytest.fixture(scope="module")
def tuned():
    """A network with a sigmoid for each label, trained with noise so that it is not brittle, and held-out digits."""
    x, digit = digits()
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(768, 32), nn.ReLU(),
                            nn.Linear(32, 2))  # fmt: skip
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        for _ in range(250):
            rows = torch.randint(0, len(x) - HELD_OUT, (128,), generator=generator)
            noisy = x[rows] + 0.2 * torch.randn(x[rows].shape, generator=generator)
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(net(noisy), truths(digit[rows]).float()).backward()
            optimizer.step()
    return net.eval(), x[-HELD_OUT:][:48].numpy(), truths(digit[-HELD_OUT:][:48]).numpy()


def images(x, labels, net, **how):
    return open_case(
        "multilabel", x, labels, net, **({"modality": "image", "names": NAMES, "input_range": (0, 1)} | how)
    )


def of_label(found, name):
    return [item for item in found if item.part.get("label") == name]


def linear(seed=0, n=60):
    """A linear head of two labels on three features in [0, 1], far from the ends of the range, and its truths."""
    rng = np.random.default_rng(seed)
    x, net = rng.uniform(0.3, 0.7, (n, 3)).astype(np.float32), nn.Linear(3, 2)
    weight = torch.tensor([[1.0, -2.0, 0.5], [0.5, 0.25, -1.0]])
    net.weight.data, net.bias.data = weight, -(weight.sum(1) / 2)
    return x, net.requires_grad_(requires_grad=False), (net(torch.tensor(x)) > 0).long().numpy()


def test_of_a_linear_head_each_label_stands_where_its_logit_is_beyond_eps_times_the_sum_of_the_weights():
    """|z| > eps ||w||_1 is exact: a step of eps in each feature changes z by that much, and by no more."""
    x, net, labels = linear()
    case = open_case("multilabel", x, labels, net, names=NAMES, input_range=(0.0, 1.0))
    found = run("adversarial", case, eps=0.05, tier="gate")
    logits = net(torch.tensor(x)).numpy()
    for name, own, sum_of_weights in zip(NAMES, logits.T, (3.5, 1.75), strict=True):
        exact = (np.abs(own) > 0.05 * sum_of_weights).mean()
        assert 0.3 < exact < 0.95
        assert value(of_label(found, name), "robust_accuracy") == pytest.approx(exact)
        assert value(of_label(found, name), "clean_accuracy") == 1
        assert value(of_label(found, name), "trust_reason") == "none"
    assert gaps(found) == {}


def test_the_corners_of_the_ball_break_the_same_rows():
    """Of a linear head the worst change is a corner: all eight are asked, by hand."""
    x, net, labels = linear(seed=1)
    found = run("adversarial", open_case("multilabel", x, labels, net, names=NAMES, input_range=(0.0, 1.0)), eps=0.04)
    corners = torch.tensor(list(product((-0.04, 0.04), repeat=3)))
    answers = (net(torch.tensor(x)[:, None] + corners) > 0).long().numpy()
    stands = (answers == labels[:, None]).all(axis=1).mean(axis=0)
    assert [value(of_label(found, name), "robust_accuracy") for name in NAMES] == pytest.approx(stands.tolist())


def test_each_label_is_attacked_as_a_model_of_two_classes(tuned):
    net, x, labels = tuned
    found = run("adversarial", images(x, labels, net), eps=0.05, rows=40)
    for column, name in enumerate(NAMES):
        alone = binary_case(x, labels[:, column], lambda p, at=column: Open(lambda z: one_logit(net, z, at), p))
        same = run("adversarial", alone, eps=0.05, rows=40)
        assert [value(of_label(found, name), each) for each in ATTACKED] == [value(same, each) for each in ATTACKED]


def one_logit(net, x, column):
    own = net(x)[:, column]
    return torch.stack([torch.zeros_like(own), own], dim=1)


def test_an_honest_model_is_trusted_label_by_label_and_takes_no_more_passes_than_declared(tuned):
    net, x, labels = tuned
    case = images(x, labels, net, train=(x, labels))
    declared = declared_passes(case, [Request("adversarial", {"tier": "gate", "eps": 0.07})], catalog=catalog())
    found = run("adversarial", case, eps=0.07, tier="gate")
    for name in NAMES:
        clean, robust, noise = (
            value(of_label(found, name), f"{each}_accuracy") for each in ("clean", "robust", "random")
        )
        assert 0.1 < robust < min(noise, clean)
        (item,) = measurements(of_label(found, name), "robust_accuracy")
        assert (item.trust, value(of_label(found, name), "trust_reason")) == ("trusted", "none")
        assert item.bounds
    assert len(x) < case.passes.forward <= declared.forward
    assert 0 < case.passes.backward <= declared.backward
    counted = [item.passes for item in measurements(found, "pgd_accuracy")]
    assert case.passes.backward == sum(passes["backward"] for passes in counted)
    # Beside the attacks the model was asked once, for all labels.
    assert case.passes.forward == len(x) + sum(passes["forward"] for passes in counted)


@pytest.mark.parametrize(
    ("twist", "scale", "reason"),
    [
        (lambda x: torch.round(x * 15) / 15, 1.0, "the margin has no gradient"),
        (lambda x: x.detach(), 1.0, "the margin has no gradient"),
        (lambda x: x + 0.05 * torch.randn(x.shape), 1.0, "the same input gets different answers"),
        (None, 1e4, "logits are so large"),
    ],
    ids=["quantized", "cut", "random", "x10000"],
)
def test_a_masked_model_is_suspect_for_every_label(tuned, twist, scale, reason):
    net, x, labels = tuned
    masked = Around(net, scale=scale) if twist is None else Around(net, twist, scale)
    found = run("adversarial", images(x, labels, masked), eps=0.1, tier="gate")
    assert {item.trust for item in measurements(found, "robust_accuracy")} == {"suspect"}
    assert all(reason in value(of_label(found, name), "trust_reason") for name in NAMES)


def test_neither_the_order_of_the_rows_nor_that_of_the_labels_changes_a_number(tuned):
    net, x, labels = tuned
    straight = run("adversarial", images(x, labels, net), eps=0.05)
    turned = run("adversarial", images(x, labels, net, turned=True), eps=0.05)
    swapped_net = Around(net)
    swapped_net.classes = NAMES[::-1]
    swapped_net.forward = lambda z: net(z)[:, [1, 0]]
    swapped = run("adversarial", images(x, labels, swapped_net), eps=0.05)
    for name in NAMES:
        for each in ATTACKED:
            numbers = {value(of_label(found, name), each) for found in (straight, turned, swapped)}
            assert len(numbers) == 1, (name, each, numbers)


def test_the_attack_stops_early_for_each_label_on_its_own():
    x, net, labels = linear(n=300)
    case = open_case("multilabel", x, labels, net, names=NAMES, input_range=(0.0, 1.0))
    found = run("adversarial", case, eps=0.1, rows=300, limit=0.5)
    asked = {name: measurements(of_label(found, name), "robust_accuracy")[0].n for name in NAMES}
    assert min(asked.values()) < 300


def test_a_base_with_the_same_labels_is_attacked_beside(tuned):
    net, x, labels = tuned
    found = run("adversarial", images(x, labels, net, base=Around(net, lambda z: z * 0.5)), eps=0.05, rows=24)
    for name in NAMES:
        own = of_label(found, name)
        mine, its = (value(own, "robust_accuracy", of=of, compared_with=None) for of in ("candidate", "base"))
        assert value(own, "robust_accuracy", compared_with="base") == pytest.approx(mine - its)


def test_what_only_answers_or_has_no_range_is_a_gap(tuned):
    net, x, labels = tuned
    unknown = run("adversarial", images(x, labels, net, input_range=None))
    assert {item.reason for item in unknown if item.name == "robust_accuracy"} == {"unsupported"}
    case = images(x, labels, net)
    closed = replace(case, subject=Closed(lambda inputs: net(torch.tensor(inputs)).sigmoid().numpy(), case.passes))
    found = run("adversarial", closed)
    assert {(item.name, item.reason) for item in found} == {("*", "unsupported")}
    assert "cannot be asked about one label alone" in found[0].detail
    assert declared_passes(closed, [Request("adversarial", {})], catalog=catalog()).backward == 0


def test_a_model_that_names_other_labels_is_refused_before_any_pass(tuned):
    net, x, labels = tuned
    other = Around(net)
    other.classes = ("even", "odd")
    case = images(x, labels, other)
    with pytest.raises(SubjectError, match="the model names the classes even, odd; expected even, large"):
        declared_passes(case, [Request("adversarial", {})], catalog=catalog())
    assert case.passes.forward == 0


def test_every_check_takes_the_labels_of_an_open_model_without_a_crash(tuned):
    net, x, labels = tuned
    case = images(x, labels, net, train=(x, labels), base=Around(net, lambda z: z * 0.9))
    everything = [Request(name) for name in catalog()]
    declared = declared_passes(case, everything)
    found = measure(case, everything)
    assert {item.check for item in found if getattr(item, "reason", "") == "crashed"} == set()
    assert case.passes.forward <= declared.forward
    assert case.passes.backward <= declared.backward
    assert {item.check for item in found if "label" in item.part and item.name == "clean_accuracy"} == {
        "adversarial",
        "corruptions",
    }
