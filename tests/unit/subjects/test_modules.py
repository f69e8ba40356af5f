"""The module inside a subject, and weights between two modules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

from govkit.core.audit import SubjectSource
from govkit.core.case import Passes
from govkit.errors import SubjectError
from govkit.subjects import FrozenBase, Probe, load
from govkit.subjects.modules import (
    base_tensors,
    copied,
    forward_of,
    interpolated,
    logits_of,
    module_of,
    unmixable,
    with_module,
)
from govkit.subjects.python import Origin, TorchSubject

ORIGIN = Origin("here:net", Path(__file__), (), "table", ("no", "yes"), Passes(), None)


def torch_subject(module: nn.Module) -> TorchSubject:
    return TorchSubject(module, ORIGIN)


class Student(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, 2)
        self.head = nn.Linear(2, 3)
        self.register_buffer("seen", torch.tensor(7))


def filled(module: nn.Module, value: float) -> nn.Module:
    for parameter in module.parameters():
        nn.init.constant_(parameter, value)
    return module


def test_a_quarter_of_the_way_to_the_base_by_hand():
    """1 tuned and 5 in the base make 2; the head has no counterpart, and a counter is no weight."""
    student, base = filled(Student(), 1.0), {"body.weight": torch.full((2, 2), 5.0), "body.bias": torch.full((2,), 5.0)}
    made = interpolated(student, base | {"seen": torch.tensor(1)}, 0.25)
    assert made.module.body.weight.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert made.module.body.bias.tolist() == [2.0, 2.0]
    assert set(made.module.head.weight.flatten().tolist()) == {1.0}
    assert made.module.seen == 7
    assert (made.mixed, made.kept) == (("body.weight", "body.bias"), ("head.weight", "head.bias"))
    assert made.share == 6 / 15
    assert set(student.body.weight.flatten().tolist()) == {1.0}


@given(weight=st.floats(0, 1), seed=st.integers(0, 99))
def test_both_ends_are_exact_and_the_middle_is_the_mean_that_numpy_finds(weight: float, seed: int):
    torch.manual_seed(seed)
    tuned, base = nn.Linear(3, 4), nn.Linear(3, 4)
    for end, wanted in ((0.0, tuned), (1.0, base)):
        assert torch.equal(interpolated(tuned, base.state_dict(), end).module.weight, wanted.weight)
    found = interpolated(tuned, base.state_dict(), weight).module.weight.detach().numpy()
    mean = (1 - weight) * tuned.weight.detach().numpy() + weight * base.weight.detach().numpy()
    np.testing.assert_allclose(found, mean, atol=1e-6)


def test_tied_weights_are_mixed_once():
    tied = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    filled(tied, 0.0)
    base = {"0.weight": torch.ones(2, 2), "1.weight": torch.ones(2, 2)}
    made = interpolated(tied, base, 0.5).module
    assert set(made[0].weight.flatten().tolist()) == {0.5}
    assert made[0].weight is made[1].weight


def test_another_architecture_is_refused():
    wide = nn.Linear(9, 9)
    assert unmixable(nn.Linear(3, 4), wide.state_dict()).startswith("the base is of another architecture: 0 of its 90")
    with pytest.raises(SubjectError, match="only be mixed with those of the model that it was tuned from"):
        interpolated(nn.Linear(3, 4), wide.state_dict(), 0.5)
    deep = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert unmixable(nn.Sequential(nn.Linear(2, 2)), deep.state_dict()) is not None
    assert unmixable(deep, nn.Sequential(nn.Linear(2, 2)).state_dict()) is None


def test_what_cannot_be_copied_is_an_error_of_the_subject():
    net = nn.Linear(2, 2)
    net.kept = net(torch.ones(1, 2))
    with pytest.raises(SubjectError, match="harden: the module cannot be copied"):
        copied(net, "harden")


def test_a_subject_with_another_module_leaves_the_first_as_it_is():
    first, second = filled(nn.Linear(2, 2), 0.0), filled(nn.Linear(2, 2), 0.0)
    second.bias.data = torch.tensor([0.0, 3.0])
    one = torch_subject(first)
    two = with_module(one, second)
    x = np.zeros((1, 2), dtype=np.float32)
    assert (module_of(one), module_of(two)) == (first, second)
    assert one.predict(x).tolist() == [[0.5, 0.5]]
    assert two.predict(x)[0, 1] > 0.9
    assert module_of(SimpleNamespace(predict=len)) is None


WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "win", "money", "lunch"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A bare model without a pooler, as a base, and a classifier made from it."""
    shape = BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        max_position_embeddings=16,
    )  # fmt: skip
    torch.manual_seed(0)
    for name, model in (
        ("base", BertModel(shape, add_pooling_layer=False)),
        ("tuned", BertForSequenceClassification(shape)),
    ):
        model.save_pretrained(tmp_path / name)
        (tmp_path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
        BertTokenizer(str(tmp_path / "vocab.txt"), model_max_length=16).save_pretrained(tmp_path / name)
    return tmp_path / "base", tmp_path / "tuned"


def test_a_base_without_head_belongs_to_the_classifier_and_its_pooler_was_never_there(folders: tuple[Path, Path]):
    base, tuned = folders
    frozen = FrozenBase(base, Passes())
    tensors = base_tensors(Probe(frozen, None, ("ham", "spam")))
    assert len(frozen.model.state_dict()) == len(tensors) + 2
    subject = load(SubjectSource(model="tuned"), root=tuned.parent, passes=Passes())
    made = interpolated(subject.model, tensors, 1.0)
    assert torch.equal(made.module.bert.embeddings.word_embeddings.weight, tensors["embeddings.word_embeddings.weight"])
    assert made.kept == ("bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias")


def test_logits_of_a_text_come_from_its_embeddings(folders: tuple[Path, Path]):
    subject = load(SubjectSource(model="tuned"), root=folders[1].parent, passes=Passes())
    texts = ["win money", "lunch"]
    batch = subject.encode(texts)
    given = forward_of(subject)(subject.model, batch)
    torch.testing.assert_close(given, logits_of(subject, texts))
    torch.testing.assert_close(given.softmax(1).double().detach().numpy(), subject.predict(texts), atol=1e-6, rtol=0)


def test_bases_of_all_kinds_show_their_tensors_and_closed_ones_none():
    net = nn.Linear(2, 2)
    features = SimpleNamespace(model=net, digest="sha256:0", modality="table", path=None)
    assert set(base_tensors(Probe(features, None, ("a", "b")))) == {"weight", "bias"}
    assert set(base_tensors(torch_subject(net))) == {"weight", "bias"}
    for closed in (None, SimpleNamespace(predict=len)):
        assert base_tensors(closed) is None
    with pytest.raises(SubjectError, match="gradients of this model are closed"):
        forward_of(SimpleNamespace(predict=len))


class Lazy(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from lazily_found import double

        return double(x)


def test_a_forward_that_imports_finds_the_code_beside_it(tmp_path: Path):
    (tmp_path / "lazily_found.py").write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    origin = replace(ORIGIN, paths=(tmp_path,), passes=Passes())
    found = forward_of(TorchSubject(Lazy(), origin))(Lazy(), {"x": torch.ones(1, 2)})
    assert found.tolist() == [[2, 2]]
    assert origin.passes.forward == 0
