"""Attacks on real small models, honest and masked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from attacked_fixture import Open, case_of
from case_fixture import make_case
from rows_fixture import gaps, measurements, run, value
from sklearn.datasets import load_digits
from torch import nn

from govkit.checks import Request, catalog, declared_passes
from govkit.errors import SubjectError

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits():
    """A small network on scikit-learn's digits, trained with noise so that it is neither brittle nor over-confident."""
    pixels, labels = load_digits(return_X_y=True)
    x = torch.tensor(np.round(pixels / 16 * 255) / 255, dtype=torch.float32).reshape(-1, 1, 8, 8)
    y = torch.tensor(labels)
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 48), nn.ReLU(),
                            nn.Linear(48, 10))  # fmt: skip
        optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
        for _ in range(160):
            rows = torch.randint(0, 1400, (128,), generator=generator)
            noisy = x[rows] + 0.2 * torch.randn(x[rows].shape, generator=generator)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(noisy), y[rows], label_smoothing=0.1).backward()
            optimizer.step()
    return net.eval(), x[1400:1496].numpy(), labels[1400:1496]


def rounded(x):
    return torch.round(x * 15) / 15


def test_an_honest_model_is_trusted_and_its_passes_stay_within_the_declared(digits):
    net, x, labels = digits
    case = case_of(x, labels, lambda passes: Open(net, passes))
    declared = declared_passes(case, [Request("adversarial", {"eps": 0.1})], catalog=catalog())
    found = run("adversarial", case, eps=0.1)
    clean, fgsm, pgd, noise = (
        value(found, f"{name}_accuracy", of="candidate") for name in ("clean", "fgsm", "pgd", "random")
    )
    assert clean > 0.85
    assert pgd < fgsm < clean
    assert pgd < noise - 0.2
    (item,) = measurements(found, "pgd_accuracy")
    assert (item.trust, item.n) == ("not evaluated", 64)
    assert len(item.bounds) == 9
    assert value(found, "trust_reason").startswith("no attack that does without the gradient was tried")
    assert case.passes.forward <= declared.forward
    assert case.passes.backward <= declared.backward
    assert item.passes["backward"] == case.passes.backward
    assert item.passes["forward"] == case.passes.forward - len(x)


def test_a_robust_model_takes_nearly_the_declared_passes(digits):
    """Where nothing breaks early the declared passes are needed, but for the far ball and the probe's second look."""
    net, x, labels = digits
    case = case_of(x, labels, lambda passes: Open(net, passes))
    declared = declared_passes(case, [Request("adversarial", {"eps": 0.001})], catalog=catalog())
    run("adversarial", case, eps=0.001)
    assert 0.7 * declared.forward <= case.passes.forward <= declared.forward
    assert 0.6 * declared.backward <= case.passes.backward <= declared.backward


@pytest.mark.parametrize(
    ("twist", "scale", "reason"),
    [
        (rounded, 1.0, "the margin has no gradient"),
        (lambda x: x.detach(), 1.0, "the margin has no gradient"),
        (None, 300.0, "logits are so large"),
        (None, 1e4, "logits are so large"),
        (lambda x: x + 0.05 * torch.randn(x.shape), 1.0, "the same input gets different answers"),
    ],
    ids=["quantized", "cut", "x300", "x10000", "random"],
)
def test_a_masked_model_is_suspect(digits, twist, scale, reason):
    net, x, labels = digits
    with torch.random.fork_rng():
        case = case_of(x, labels, lambda passes: Open(net, passes, twist=twist, scale=scale))
        found = run("adversarial", case, eps=0.1)
    assert reason in value(found, "trust_reason")
    assert {item.trust for name in ("fgsm", "pgd") for item in measurements(found, f"{name}_accuracy")} == {"suspect"}


def test_radius_zero_gives_the_clean_accuracy(digits):
    net, x, labels = digits
    found = run("adversarial", case_of(x, labels, lambda passes: Open(net, passes)), eps=0.0)
    names = ("clean_accuracy", "fgsm_accuracy", "pgd_accuracy", "random_accuracy")
    assert len({value(found, name) for name in names}) == 1


def test_a_linear_table_has_its_exact_robust_accuracy():
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(60, 3, generator=generator).double() * torch.tensor([1.0, 10.0, 100.0])
    weight = torch.tensor([[1.0, -0.1, 0.02], [-1.0, 0.1, -0.02]])
    bias = -(x.float() @ weight.T).mean(0)
    labels = (x.float() @ weight.T + bias).argmax(1).numpy()
    gap, width = weight[0] - weight[1], (x.amax(0) - x.amin(0)).float()
    radius = 0.1 * width
    score = (x.float() @ gap) + (bias[0] - bias[1])
    # Each coordinate moves by its radius at most, and not out of the range of its column.
    low, high = x.amin(0).float(), x.amax(0).float()
    sign = torch.where(score > 0, -1.0, 1.0)[:, None] * gap.sign()
    worst = torch.minimum(torch.maximum(x.float() + radius * sign, low), high)
    exact = float((((worst @ gap) + (bias[0] - bias[1]) > 0) == (score > 0)).float().mean())
    assert 0.2 < exact < 0.95
    net = lambda inputs: inputs @ weight.T + bias  # noqa: E731
    make = lambda passes: Open(net, passes, modality="table", input_range=None)  # noqa: E731
    found = run("adversarial", case_of(x.numpy(), labels, make, modality="table"), tier="gate")
    assert value(found, "pgd_accuracy") == pytest.approx(exact)
    assert value(found, "fgsm_accuracy") == pytest.approx(exact)
    assert value(found, "trust_reason") == "none"
    assert gaps(found) == {}


def test_candidate_and_base_are_compared_row_by_row(digits):
    net, x, labels = digits
    case = case_of(x, labels, lambda p: Open(net, p), base=lambda p: Open(net, p, twist=lambda z: z * 0.5))
    found = run("adversarial", case, eps=0.05, rows=40)
    candidate, base = (value(found, "pgd_accuracy", of=of, compared_with=None) for of in ("candidate", "base"))
    assert value(found, "pgd_accuracy", compared_with="base") == pytest.approx(candidate - base)
    alone = run("adversarial", case, eps=0.05, rows=40, base=False)
    assert {item.of for item in alone} == {"candidate"}


def test_classes_in_another_order_are_matched(digits):
    net, x, labels = digits
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    names = tuple(f"class {number}" for number in order)
    straight = run("adversarial", case_of(x, labels, lambda p: Open(net, p)), eps=0.05, rows=20)
    turned = case_of(x, labels, lambda p: Open(lambda z: net(z)[:, order], p, classes=names))
    found = run("adversarial", turned, eps=0.05, rows=20)
    for name in ("clean_accuracy", "pgd_accuracy", "fgsm_accuracy"):
        assert value(found, name) == value(straight, name)


def test_images_without_a_range_are_a_gap_and_outside_of_it_an_error(digits):
    net, x, labels = digits
    found = run("adversarial", case_of(x, labels, lambda p: Open(net, p, input_range=None)))
    assert {name for name, reason in gaps(found).items() if reason == "unsupported"} >= {
        "fgsm_accuracy",
        "pgd_accuracy",
    }
    with pytest.raises(SubjectError, match="input_range"):
        run("adversarial", case_of(x * 2 - 1, labels, lambda p: Open(net, p)))


def test_stored_predictions_are_unsupported():
    assert gaps(run("adversarial", make_case([0, 1], [0.2, 0.7]))) == {"*": "unsupported"}


def test_a_second_run_gives_the_same_findings_and_leaves_the_random_state(digits):
    net, x, labels = digits
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, second = (
        run("adversarial", case_of(x, labels, lambda p: Open(net, p)), eps=0.05, rows=20) for _ in range(2)
    )
    assert first == second
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()
    assert all(parameter.grad is None or parameter.requires_grad for parameter in net.parameters())


def honest_table(d, seed, *, binary=False, offset=0.0):
    """The reason for which a linear model of d features is doubted."""
    rng = np.random.default_rng(seed)
    weight = np.sign(rng.normal(size=d)) * rng.uniform(0.4, 1.5, d)
    x = rng.integers(0, 2, (150, d)).astype(float) if binary else rng.normal(size=(150, d))
    shift, offsets = weight.sum() / 2 if binary else 0.0, np.eye(d)[0] * offset
    labels = (x @ weight > shift).astype(int)
    net = lambda z: (  # noqa: E731
        ((z - torch.tensor(offsets, dtype=torch.float32)) @ torch.tensor(weight, dtype=torch.float32) - shift)[:, None]
        * torch.tensor([[-3.0, 3.0]])
    )
    make = lambda passes: Open(net, passes, modality="table", input_range=None)  # noqa: E731
    return value(run("adversarial", case_of(x + offsets, labels, make, modality="table"), tier="gate"), "trust_reason")


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_an_honest_model_of_few_features_is_not_doubted(d, seed):
    assert honest_table(d, seed) == "none"


def test_an_honest_model_of_large_or_binary_features_is_not_doubted():
    assert honest_table(2, 0, offset=20000.0) == "none"
    assert honest_table(3, 0, binary=True) == "none"


def test_a_table_model_that_rounds_is_still_doubted():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    net = lambda z: torch.round(z[:, :1] + z[:, 1:]) @ torch.tensor([[-3.0, 3.0]])  # noqa: E731
    labels = (torch.round(torch.tensor(x.sum(1, keepdims=True))).numpy()[:, 0] > 0).astype(int)
    make = lambda passes: Open(net, passes, modality="table", input_range=None)  # noqa: E731
    found = run("adversarial", case_of(x, labels, make, modality="table"))
    assert "the margin has no gradient" in value(found, "trust_reason")
