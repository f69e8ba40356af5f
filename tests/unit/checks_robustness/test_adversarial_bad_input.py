"""Models and parameters that an attack cannot take as they are: a clear error, a gap, or no trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from attacked_fixture import Open, case_of
from digit_models import held_out, network
from rows_fixture import gaps, measurements, run, value
from task_fixture import task_case
from torch import nn

from govkit.core import Gap, Predictions
from govkit.errors import GovkitError, UsageError
from govkit.subjects.python import Origin, TorchSubject

torch.set_num_threads(1)
CONTINUOUS = ("fgsm_accuracy", "pgd_accuracy", "robust_accuracy", "random_accuracy")


def live(module, n=24, *, x=None, scale=1.0, input_range=(0.0, 1.0), tier="gate", **params):
    """The check on a torch module as the audit makes it a subject."""
    images, labels = held_out(n)
    images = images * scale if x is None else x

    def make(passes):
        return TorchSubject(module, Origin("own:net", Path(__file__), (), "image", (), passes, input_range))

    return run("adversarial", case_of(images.numpy(), labels.numpy(), make), tier=tier, **({"eps": 0.1} | params))


class Around(nn.Module):
    """A network with something in front of it or behind it."""

    def __init__(self, ask):
        super().__init__()
        self.net, self.ask = network(), ask

    def forward(self, x):
        return self.ask(self.net, x)


def reason(found):
    return value(found, "trust_reason", of="candidate")


def test_a_model_of_double_precision_is_attacked_like_one_of_single():
    single, double = live(network()), live(Around(lambda net, x: net(x.float()).double()))
    assert value(double, "robust_accuracy") == value(single, "robust_accuracy")
    assert reason(double) == reason(single) == "none"


def test_noise_that_is_drawn_from_the_same_state_for_each_question_is_found():
    """The random state is put back after every pass, so that the same batch gets the same noise each time."""
    noisy = live(Around(lambda net, x: net(x + 0.05 * torch.randn(x.shape))))
    assert {item.trust for item in measurements(noisy, "robust_accuracy")} == {"suspect"}
    assert "the same input gets different answers" in reason(noisy)


def test_a_model_of_half_precision_is_attacked_and_never_trusted():
    from copy import deepcopy

    found = live(deepcopy(network()).bfloat16())
    (robust,) = measurements(found, "robust_accuracy")
    assert robust.trust == "not evaluated"
    assert robust.value < value(found, "clean_accuracy")
    assert "a model in float32" in reason(found)


@pytest.mark.parametrize("shape", [(12, 12), (8, 16)])
def test_images_of_other_sizes_are_attacked_where_the_model_takes_them(shape):
    net = Around(lambda net, x: net(nn.functional.adaptive_avg_pool2d(x, 8)))
    images = nn.functional.interpolate(held_out(24)[0], size=shape)
    found = live(net, x=(images * 255).round() / 255)
    assert value(found, "robust_accuracy") < value(found, "clean_accuracy")


def test_a_model_that_fails_on_a_single_row_or_on_a_size_is_named():
    def only_many(net, x):
        if len(x) == 1:
            raise ValueError("expected more than 1 value per channel")
        return net(x)

    with pytest.raises(GovkitError, match=r"own:net.*more than 1 value per channel"):
        live(Around(only_many), 33)
    with pytest.raises(GovkitError, match="own:net"):
        live(network(), x=torch.rand(24, 1, 9, 9))


def test_a_model_without_data_behind_its_weights_is_named():
    from copy import deepcopy

    with pytest.raises(GovkitError, match="hold no data"):
        live(deepcopy(network()).to("meta"))


def test_an_answer_that_is_no_number_counts_as_wrong_and_the_model_as_weak():
    """Not a number only where the image is not on the grid of the digits, so that the clean answers are fine."""
    fragile = Around(
        lambda net, x: net(x) + (0 * x.flatten(1).sum(1, keepdim=True) / (x.amax((1, 2, 3)) <= 1)[:, None])
    )
    assert value(live(fragile), "clean_accuracy") > 0.8
    broken = Around(lambda net, x: torch.where((x * 16 - (x * 16).round()).abs().amax((1, 2, 3), keepdim=True)[:, 0, 0]
                                               > 0.2, torch.nan, 1.0) * net(x))  # fmt: skip
    found = live(broken)
    assert value(found, "robust_accuracy") == 0
    assert value(found, "clean_accuracy") > 0.8


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda net, x: net(x.detach()), "the margin has no gradient"),
        (torch.no_grad()(lambda net, x: net(x)), "the margin has no gradient"),
        (lambda net, x: net(x + 0.1 * torch.randn(x.shape)), "the same input gets different answers"),
        (lambda net, x: net(torch.round(x * 7) / 7), "the margin has no gradient"),
    ],
    ids=["detached", "no gradient", "random", "rounded"],
)
@pytest.mark.parametrize("tier", ["smoke", "gate"])
def test_a_model_without_a_usable_gradient_is_suspect(ask, why, tier):
    # The subject restores the random state after each question, so a model has to draw from elsewhere to be random.
    fresh = iter(range(10**6))

    def unseeded(net, x):
        torch.manual_seed(next(fresh))
        return ask(net, x)

    found = live(Around(unseeded), tier=tier)
    assert why in reason(found)
    assert {item.trust for name in CONTINUOUS for item in measurements(found, name)} == {"suspect"}


@pytest.mark.parametrize("eps", [-0.1, float("nan"), float("inf"), 1.5])
def test_a_radius_that_is_none_is_refused(eps):
    with pytest.raises(UsageError, match="eps"):
        live(network(), 8, eps=eps)


def test_a_radius_of_the_whole_range_breaks_everything_and_of_zero_nothing():
    assert value(live(network(), eps=1.0), "robust_accuracy") == 0
    still = live(network(), eps=0.0)
    assert {value(still, name) for name in CONTINUOUS} == {value(still, "clean_accuracy")}


def test_images_of_8_bits_need_their_range():
    of_bytes = Around(lambda net, x: net(x / 255))
    plain = live(network())
    found = live(of_bytes, scale=255.0, input_range=(0.0, 255.0))
    assert value(found, "robust_accuracy") == pytest.approx(value(plain, "robust_accuracy"), abs=1 / 24)
    assert set(CONTINUOUS) <= set(gaps(live(of_bytes, scale=255.0, input_range=None)))
    with pytest.raises(UsageError, match=r"\[0, 255\].*input_range"):
        live(of_bytes, scale=255.0)
    with pytest.raises(UsageError, match=r"fill less than 2% of subject.input_range"):
        live(network(), input_range=(0.0, 255.0))


def test_no_rows_are_a_gap_and_one_row_is_not_trusted():
    x, labels = held_out(1)
    empty = case_of(x.numpy(), labels.numpy(), lambda p: Open(network(), p))
    data = empty.data["test"]
    nothing = {"inputs": data.inputs[:0], "labels": data.labels[:0], "row_digests": data.row_digests[:0]}
    object.__setattr__(empty, "data", {"test": type(data)(**(vars(data) | nothing))})
    object.__setattr__(empty, "answers", lambda *_: Predictions(np.zeros(0, dtype=np.int64)))
    assert gaps(run("adversarial", empty)) == {"clean_accuracy": "no data"}
    one = live(network(), 1)
    (robust,) = measurements(one, "robust_accuracy")
    assert (robust.n, robust.trust) == (1, "not evaluated")


@pytest.mark.parametrize("task", ["multilabel", "regression"])
def test_other_tasks_are_a_gap(task):
    truth = np.array([[0, 1], [1, 0], [1, 1]]) if task == "multilabel" else np.array([0.5, 1.5, 2.0])
    answers = truth.astype(float) * 0.9
    found = run("adversarial", task_case(task, truth, {"candidate": answers}))
    assert {(type(item), item.reason) for item in found} == {(Gap, "unsupported")}
