"""A model that answers by lot is seen, whatever it keeps for a batch; its kept answers are independent draws."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from case_fixture import make_case, make_dataset, pick, run_check

from govkit.checks import declared_passes, requests_for
from govkit.checks.robustness import adversarial, repeatability
from govkit.core import Case, Gap, Measurement, Passes, Subject
from govkit.core.audit import SubjectSource
from govkit.engine import Answers, moved
from govkit.stats import proportion
from govkit.subjects import load

CODE = """
import torch
from torch import nn

class Four(nn.Module):
    # One of four networks for a whole batch.
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.nets = nn.ModuleList(nn.Linear(16, 2) for _ in range(4))
    def forward(self, x):
        return self.nets[int(torch.randint(4, ()))](x.flatten(1))

class Resized(nn.Module):
    # Another size for each batch.
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.net = nn.Linear(16, 2)
    def forward(self, x):
        side = int(torch.randint(3, 8, ()))
        small = nn.functional.interpolate(x, size=(side, side), mode="bilinear")
        return self.net(nn.functional.interpolate(small, size=(4, 4), mode="bilinear").flatten(1))

class Dropped(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.net = nn.Linear(16, 2)
    def forward(self, x):
        return self.net(nn.functional.dropout(x.flatten(1), 0.3, training=True))

class Company(Dropped):
    # The same noise in the same place of each batch.
    def forward(self, x):
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        return self.net((x + noise).flatten(1))

class Steady(Dropped):
    def forward(self, x):
        return self.net(nn.functional.dropout(x.flatten(1), 0.3, training=self.training))

def by_lot(x):
    p = torch.rand(len(x)).numpy()
    import numpy as np
    return np.stack([1 - p, p], axis=1)
"""
BY_LOT = ("Four", "Resized", "Dropped", "Company", "by_lot")


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Subject]:
    (tmp_path / "lots.py").write_text(textwrap.dedent(CODE))

    def make(name: str, passes: Passes | None = None) -> Subject:
        source = SubjectSource(python=f"lots:{name}", input_range=(0.0, 1.0))
        return load(source, root=tmp_path, modality="image", classes=("a", "b"), passes=passes or Passes())

    return make


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 1, 4, 4)).astype(np.float32)


def audited(subject: Subject, n: int = 300, passes: Passes | None = None) -> Case:
    labels = np.random.default_rng(1).integers(0, 2, n)
    rows = make_dataset(labels, inputs=images(n))
    answers = Answers({"candidate": subject}, {"test": rows}, classes=("a", "b"), twice=True)
    case = make_case(
        labels,
        labels,
        classes=("a", "b"),
        subject=subject,
        access="weights",
        modality="image",
        passes=passes or Passes(),
    )
    return Case(**{**vars(case), "data": {"test": rows}, "answers": answers})


@pytest.mark.parametrize("name", BY_LOT)
def test_a_model_that_answers_by_lot_is_seen(model: Callable[..., Subject], name: str) -> None:
    case = audited(model(name))
    found = run_check(repeatability.repeatability, case)
    assert pick(found, "random_answers").value > 0.3
    assert pick(found, "random_answers").n == 128
    assert case.answers.random == {"candidate"}


def test_a_steady_model_is_asked_in_batches_and_is_not_accused(model: Callable[..., Subject]) -> None:
    passes = Passes()
    case = audited(model("Steady", passes), passes=passes)
    declared = declared_passes(case, requests_for(None, {"repeatability": repeatability.repeatability}))
    found = run_check(repeatability.repeatability, case)
    assert pick(found, "random_answers").value == pick(found, "changed_answers").value == 0
    assert case.answers.random == set()
    assert passes.forward == declared.forward == 300 + 32 + 128


@pytest.mark.parametrize("name", ["Four", "Resized"])
def test_draws_of_different_rows_are_independent(model: Callable[..., Subject], name: str) -> None:
    """300 rows asked as one batch would all answer by the same draw, and accuracy would jump between a few values."""
    rows = make_dataset(np.zeros(300, int), inputs=np.repeat(images(1), 300, axis=0))
    answers = Answers({"candidate": model(name)}, {"test": rows}, classes=("a", "b"), twice=True)
    kept = answers("candidate", "test").probabilities[:, 1]
    shares = np.unique(kept.round(6), return_counts=True)[1] / 300
    assert len(shares) >= 4
    assert shares.max() < 0.45


def test_the_bounds_of_accuracy_hold_the_draws(model: Callable[..., Subject]) -> None:
    """Accuracy over all draws lies within the 95 % interval of nearly all audits; that of one draw does not."""
    subject, hits = model("Four"), 0
    nets = subject.module.nets  # type: ignore[attr-defined]

    def chosen(x: np.ndarray) -> list[np.ndarray]:
        with torch.no_grad():
            return [net(torch.tensor(x).flatten(1)).argmax(1).numpy() for net in nets]

    first, *others = chosen(images(4000, 99))
    each = [1.0, *(np.mean(other == first) for other in others)]
    assert np.mean(each) < 0.75, "so that one draw for all rows would miss"
    for seed in range(40):
        x = images(60, seed)
        rows = make_dataset(chosen(x)[0], inputs=x)
        kept = Answers({"candidate": subject}, {"test": rows}, classes=("a", "b"), twice=True)("candidate", "test")
        found = proportion(int((kept.labels == rows.labels).sum()), 60).interval
        hits += found.low <= np.mean(each) <= found.high
    assert hits >= 34


def test_what_is_asked_beyond_the_kept_answers_is_suspect(model: Callable[..., Subject]) -> None:
    found = run_check(adversarial.adversarial, audited(model("Four")), rows=16, base=False)
    numbers = [each for each in found if isinstance(each, Measurement) and each.is_number]
    assert {each.trust for each in numbers} == {"suspect"}
    steady = run_check(adversarial.adversarial, audited(model("Steady")), rows=16, base=False)
    assert "suspect" not in {each.trust for each in steady if isinstance(each, Measurement)}


def test_an_attack_sees_chance_that_is_drawn_once_for_a_batch(model: Callable[..., Subject]) -> None:
    """Without the kept answers too: each question to a module finds another random state."""
    subject = model("Four")
    batch = subject.encode(images(8))
    with torch.no_grad():
        answers = [subject.logits(batch) for _ in range(12)]
    assert len({tuple(answer.flatten().tolist()) for answer in answers}) == 4
    before = torch.random.get_rng_state()
    subject.logits(batch)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_second_audit_draws_as_the_first_did(model: Callable[..., Subject]) -> None:
    one, two = (audited(model("Four")).predictions("candidate").probabilities for _ in range(2))
    assert np.array_equal(one, two)


def test_rounding_is_no_lot() -> None:
    p = np.random.default_rng(0).random((50, 1))
    assert not moved(p, p + 1e-4).any()
    assert moved(p, p + 0.01).all()
    assert not moved(1000 * p, 1000 * p + 0.1, numbers=True).any()
    assert moved(1000 * p, 1000 * p + 5, numbers=True).all()
    assert moved(p, p * np.nan).all()


def test_stored_answers_cannot_be_asked_again() -> None:
    labels = np.random.default_rng(1).integers(0, 2, 50)
    (gap,) = run_check(repeatability.repeatability, make_case(labels, labels, classes=("a", "b")))
    assert isinstance(gap, Gap)
    assert gap.name == "*"
