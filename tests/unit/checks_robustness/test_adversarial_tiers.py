"""The tiers of the check, changes measured in L2, and models that only answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from attacked_fixture import Closed, Open, case_of, softmax_of
from digit_models import held_out, network
from rows_fixture import gaps, measurements, run, value

from govkit.checks import Request, catalog, declared_passes
from govkit.core import Passes

torch.set_num_threads(1)


def images(make, n=40, **options):
    x, labels = held_out(n)
    return case_of(x.numpy(), labels.numpy(), make, **options)


def declared(case, **params):
    return declared_passes(case, [Request("adversarial", params)], catalog=catalog())


def test_a_higher_tier_breaks_no_less_within_its_own_passes():
    net, robust = network(), []
    for tier in ("smoke", "gate", "audit"):
        case = images(lambda passes: Open(net, passes), n=24)
        most = declared(case, tier=tier, eps=0.1)
        found = run("adversarial", case, tier=tier, eps=0.1)
        robust.append(value(found, "robust_accuracy"))
        assert robust[-1] <= value(found, "pgd_accuracy")
        assert (value(found, "trust_reason") == "none") == (tier != "smoke")
        assert case.passes.forward <= most.forward
        assert case.passes.backward <= most.backward
    assert robust[0] >= robust[1] >= robust[2] > 0
    assert (most.forward, most.backward) == (24 + 24 * 2074, 24 * 1043)


def test_the_tier_that_is_usual_costs_what_it_did():
    case = images(lambda passes: Open(network(), passes))
    assert declared(case) == declared(case, tier="smoke") == Passes(40 + 40 * 53, 40 * 33)


def test_a_change_of_an_image_may_be_measured_in_l2():
    case = images(lambda passes: Open(network(), passes))
    values = [
        value(run("adversarial", case, tier="gate", norm="l2", eps=eps), "robust_accuracy") for eps in (0, 0.6, 9)
    ]
    assert values[0] == value(run("adversarial", case), "clean_accuracy")
    assert values[0] > values[1] > values[2] == 0
    usual = run("adversarial", case, norm="l2", tier="gate")
    assert values[1] < value(usual, "robust_accuracy") < values[0]
    assert value(usual, "trust_reason") == "none"


def linear_table(n=80):
    """A frame of four columns in units of their own, the classes of a linear model, and that model."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.uniform(size=(n, 4)) * [1, 10, 100, 1], columns=list("abcd"))
    weight = np.array([2.0, -0.3, 0.02, -1.5])
    middle = float((frame.to_numpy() @ weight).mean())

    def answers(inputs):
        assert list(inputs.columns) == list("abcd")
        positive = 1 / (1 + np.exp(-8 * (inputs.to_numpy(dtype=float) @ weight - middle)))
        return np.stack([1 - positive, positive], axis=1)

    return frame, answers(frame).argmax(1), answers, weight, middle


def test_a_table_model_that_only_answers_has_its_exact_robust_accuracy():
    frame, labels, answers, weight, middle = linear_table()
    case = case_of(frame, labels, lambda p: Closed(answers, p, modality="table", input_range=None), modality="table")
    most = declared(case, tier="audit")
    found = run("adversarial", case, tier="audit", rows=80)
    low, high = frame.min().to_numpy(), frame.max().to_numpy()
    toward = np.where(labels == 0, 1.0, -1.0)[:, None] * np.sign(weight)
    worst = np.clip(frame.to_numpy() + 0.1 * (high - low) * toward, low, high)
    exact = float(((worst @ weight > middle) == labels).mean())
    assert 0.2 < exact < 0.9
    assert value(found, "robust_accuracy") == pytest.approx(exact)
    assert value(found, "random_accuracy") >= exact
    assert gaps(found)["pgd_accuracy"] == gaps(found)["fgsm_accuracy"] == "unsupported"
    assert case.passes.forward <= most.forward / 64 * 80
    assert case.passes.backward == most.backward == 0


def test_what_was_only_asked_for_scores_is_never_trusted():
    case = images(lambda passes: Closed(softmax_of(network()), passes))
    found = run("adversarial", case, tier="gate", eps=0.1)
    (robust,) = measurements(found, "robust_accuracy")
    assert robust.trust == "not evaluated"
    assert "who has the weights may break more" in value(found, "trust_reason")
    assert robust.value < value(found, "random_accuracy") < value(found, "clean_accuracy")
    assert robust.passes == {"forward": case.passes.forward - 40, "backward": 0}
    opened = run("adversarial", images(lambda p: Open(network(), p)), tier="gate", eps=0.1)
    assert value(opened, "robust_accuracy") <= robust.value


def test_a_model_that_only_answers_and_answers_otherwise_each_time_is_suspect():
    rng = np.random.default_rng(0)
    noisy = lambda inputs: rng.dirichlet(np.ones(10), len(inputs))  # noqa: E731
    found = run("adversarial", images(lambda passes: Closed(noisy, passes)), tier="gate")
    assert "the same input gets different answers" in value(found, "trust_reason")
    assert measurements(found, "robust_accuracy")[0].trust == "suspect"


def names(found):
    return {name for name, reason in gaps(found).items() if reason == "unsupported"}


def test_what_cannot_be_measured_is_a_gap():
    continuous = {"fgsm_accuracy", "pgd_accuracy", "robust_accuracy", "random_accuracy"}
    closed = lambda passes: Closed(softmax_of(network()), passes)  # noqa: E731
    assert names(run("adversarial", images(closed))) >= continuous, "the first tier asks no scores"
    without = images(lambda passes: Closed(softmax_of(network()), passes, input_range=None))
    assert names(run("adversarial", without, tier="gate")) >= continuous
    frame, labels, answers, *_ = linear_table()
    unnamed = lambda rows: answers(rows[list("abcd")].fillna(0))  # noqa: E731
    table = lambda passes: Closed(unnamed, passes, modality="table", input_range=None)  # noqa: E731
    holes = frame.assign(a=frame["a"].where(frame["a"] > frame["a"].min()))
    for odd in (frame.assign(e="word"), holes):
        assert names(run("adversarial", case_of(odd, labels, table, modality="table"), tier="gate")) >= continuous
    flat = case_of(frame, labels, table, modality="table")
    assert names(run("adversarial", flat, tier="gate", norm="l2")) >= continuous


def test_a_model_that_tells_its_choice_alone_is_attacked_by_its_choices():
    """By scores that never change nothing could be learned; what RayS breaks, the open model confirms."""
    chosen = lambda inputs: np.eye(10)[softmax_of(network())(inputs).argmax(1)]  # noqa: E731
    found = run("adversarial", images(lambda passes: Closed(chosen, passes)), tier="gate", eps=0.2)
    noise, robust = (value(found, name, of="candidate") for name in ("random_accuracy", "robust_accuracy"))
    assert robust < noise - 0.1
    assert {item.trust for item in measurements(found, "robust_accuracy")} == {"not evaluated"}
