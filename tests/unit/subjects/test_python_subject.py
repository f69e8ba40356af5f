"""Functions, torch modules, scikit-learn models and ready-made subjects from a user's file."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from govkit.core.audit import SubjectSource
from govkit.core.case import Differentiable, Passes, Subject
from govkit.errors import MissingExtra, SubjectError
from govkit.subjects import load
from govkit.subjects.boundary import source_digest

CODE = '''
import numpy as np
import torch
from collections import OrderedDict
from sklearn.linear_model import LogisticRegression
import neighbor

def predict(frame):
    import late_neighbor
    p = 1 / (1 + np.exp(-frame["a"].to_numpy(dtype=float)))
    return np.stack([1 - p, p], axis=1)

def as_tensor(frame):
    return torch.tensor(predict(frame)).requires_grad_(True)

def fails(frame):
    raise KeyError("no such row")

def leaves(frame):
    raise SystemExit(3)

class Net(torch.nn.Module):
    classes = ("no", "yes")
    def __init__(self, kind="tensor", columns=2, outputs=2):
        super().__init__()
        torch.manual_seed(5)
        self.linear = torch.nn.Linear(columns, outputs)
        self.dropout = torch.nn.Dropout(0.9)
        self.norm = torch.nn.BatchNorm1d(columns)
        self.kind = kind
    def forward(self, x):
        logits = self.linear(self.dropout(self.norm(x.flatten(1))))
        return {
            "tensor": logits,
            "tuple": (logits, None),
            "dict": {"loss": 0, "logits": logits},
            "single": {"out": logits},
            "flat": logits[:, 0],
            "odd": {"a": logits, "b": logits},
            "text": "logits",
        }[self.kind]

net = Net()
tupled, dicted, single = Net("tuple"), Net("dict"), Net("single")
odd, text = Net("odd"), Net("text")
sigmoid, flat = Net(outputs=1), Net("flat", outputs=1)
double = Net().double()
pixels = Net(columns=4)

X = np.arange(12.0).reshape(6, 2)
fitted = LogisticRegression().fit(X, np.array([0, 0, 0, 1, 1, 1]))

class Ready:
    digest, access, modality, path = "sha256:ready", "predict", "text", None
    classes = ("a", "b")
    def predict(self, inputs):
        return np.full((len(inputs), 2), 0.5)

class Open(Ready):
    access = "weights"
    input_range = None
    def encode(self, inputs):
        return {"x": torch.zeros(len(inputs), 2)}
    def logits(self, batch):
        return batch["x"] * 2

class Needy(torch.nn.Module):
    def __init__(self, size):
        super().__init__()

nothing = 7
'''  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "__init__.py").touch()
    (tmp_path / "bank" / "model.py").write_text(textwrap.dedent(CODE))
    (tmp_path / "neighbor.py").touch()
    (tmp_path / "late_neighbor.py").touch()
    return tmp_path


FRAME = pd.DataFrame({"a": [0.0, 1.0, -3.0], "b": [True, False, True]})


def subject(root: Path, name: str, passes: Passes | None = None, **source: object) -> Subject:
    chosen = SubjectSource(python=f"bank.model:{name}", **source)
    return load(chosen, root=root, modality="table", classes=("0", "1"), passes=passes or Passes())


def test_a_function_answers_and_its_rows_are_counted(root: Path) -> None:
    passes, before = Passes(), list(sys.path)
    found = subject(root, "predict", passes)
    assert (found.access, found.modality, found.classes) == ("predict", "table", ("0", "1"))
    assert found.path == (root / "bank" / "model.py").resolve()
    assert not isinstance(found, Differentiable)
    assert found.predict(FRAME)[:, 1] == pytest.approx([0.5, 0.7310585786, 0.0474258732])
    assert passes.forward == 3
    assert sys.path == before
    assert isinstance(subject(root, "as_tensor").predict(FRAME), np.ndarray)


@pytest.mark.parametrize("name", ["net", "Net", "tupled", "dicted", "single", "double"])
def test_a_module_is_asked_in_eval_mode_whatever_it_returns(root: Path, name: str) -> None:
    passes = Passes()
    found = subject(root, name, passes)
    assert isinstance(found, Differentiable)
    assert (found.access, found.classes) == ("weights", ("no", "yes"))
    x = torch.tensor(FRAME.to_numpy(dtype=np.float32))
    scaled = x.double() / np.sqrt(1 + 1e-5)  # a new BatchNorm has mean 0 and variance 1
    linear = found.module.linear
    expected = (scaled @ linear.weight.double().T + linear.bias.double()).softmax(dim=1)
    np.testing.assert_allclose(found.predict(FRAME), expected.detach().numpy(), atol=1e-6)
    assert passes.forward == 3
    assert found.module.training
    assert found.module.norm.running_mean.abs().sum() == 0


def test_a_partly_frozen_module_stays_as_it_was(root: Path) -> None:
    found = subject(root, "net")
    found.module.train()
    found.module.norm.eval()
    found.module.linear.bias.requires_grad = False
    state = torch.random.get_rng_state()
    x = found.encode(FRAME)["x"].requires_grad_()
    (gradient,) = torch.autograd.grad(found.logits({"x": x}).sum(), x)
    assert gradient.shape == (3, 2)
    assert (found.module.dropout.training, found.module.norm.training) == (True, False)
    assert [p.requires_grad for p in found.module.linear.parameters()] == [True, False]
    assert all(parameter.grad is None for parameter in found.module.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", ["sigmoid", "flat"])
def test_a_single_output_is_the_logit_of_the_second_class(root: Path, name: str) -> None:
    found = subject(root, name)
    logits = found.logits(found.encode(FRAME))
    assert logits.shape == (3, 2)
    assert logits[:, 0].abs().sum() == 0
    np.testing.assert_allclose(found.predict(FRAME)[:, 1], logits[:, 1].double().sigmoid().detach().numpy())


@pytest.mark.parametrize(("task", "name", "columns"), [("multilabel", "net", 2), ("regression", "flat", 1)])
def test_what_a_module_returns_is_read_as_the_task_says(root: Path, task: str, name: str, columns: int) -> None:
    source = SubjectSource(python=f"bank.model:{name}")
    found = load(source, root=root, modality="table", task=task, classes=("a", "b")[: columns - 1], passes=Passes())
    assert isinstance(found, Differentiable)
    assert found.access == "weights"
    logits = found.logits(found.encode(FRAME)).detach().double()
    assert logits.shape == (3, columns)
    expected = logits.sigmoid() if task == "multilabel" else logits
    np.testing.assert_allclose(found.predict(FRAME), expected.numpy(), rtol=1e-6)


def test_images_reach_a_module_in_their_shape(root: Path) -> None:
    found = subject(root, "pixels", input_range=(0.0, 1.0))
    images = np.random.default_rng(0).random((300, 1, 2, 2), dtype=np.float32)
    assert found.encode(images)["x"].shape == (300, 1, 2, 2)
    assert found.predict(images).shape == (300, 2)
    assert found.input_range == (0.0, 1.0)
    with pytest.raises(SubjectError, match=r"inputs lie in \[0, 2\], subject.input_range says \[0, 1\]"):
        found.encode(images * 0 + np.array([0, 2], dtype=np.float32))


def test_a_fitted_model_names_its_classes(root: Path) -> None:
    found = subject(root, "fitted")
    assert (found.access, found.classes) == ("predict", ("0", "1"))
    assert found.predict(np.arange(12.0).reshape(6, 2)).argmax(axis=1).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_ready_made_subject_is_counted_and_keeps_its_words(root: Path) -> None:
    passes = Passes()
    found = subject(root, "Ready", passes)
    assert (found.digest, found.modality, found.classes, found.path) == ("sha256:ready", "text", ("a", "b"), None)
    assert not isinstance(found, Differentiable)
    assert found.predict(["x", "y"]).tolist() == [[0.5, 0.5]] * 2
    open_ = subject(root, "Open", passes, input_range=(0.0, 2.0))
    assert isinstance(open_, Differentiable)
    assert open_.logits(open_.encode(["x"])).shape == (1, 2)
    assert open_.input_range == (0.0, 2.0)
    assert passes.forward == 3


def test_the_digest_is_that_of_the_file(root: Path) -> None:
    first = subject(root, "predict").digest
    assert subject(root, "net").digest == first
    (root / "bank" / "model.py").write_text(CODE + "\n# changed\n")
    assert subject(root, "predict").digest != first


def test_the_same_module_name_in_another_folder_is_another_module(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "bank").mkdir()
    (other / "bank" / "__init__.py").touch()
    (other / "bank" / "model.py").write_text("def predict(frame):\n    return [[1.0, 0.0]] * len(frame)\n")
    assert subject(root, "predict").predict(FRAME)[0, 0] == 0.5
    assert subject(other, "predict").predict(FRAME)[0, 0] == 1.0


BAD_NAMES = [
    ("bank.model", "expected pkg.mod:NAME"),
    ("bank/model.py:predict", "expected pkg.mod:NAME"),
    ("bank.absent:predict", "No module named 'bank.absent'"),
    ("bank.model:prodict", "module bank.model has no 'prodict'; found np, torch"),
    ("bank.model:nothing", "is a int; expected a function"),
    ("bank.model:Needy", "missing 1 required positional argument: 'size'"),
    ("sys:path", "has no file"),
]


@pytest.mark.parametrize(("name", "what"), BAD_NAMES)
def test_names_that_lead_nowhere_are_refused(root: Path, name: str, what: str) -> None:
    with pytest.raises(SubjectError) as caught:
        load(SubjectSource(python=name), root=root, passes=Passes())
    assert what in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("code", "what"),
    [("raise RuntimeError('boom')", "RuntimeError: boom"), ("def f(:", "SyntaxError"), ("exit(3)", "SystemExit: 3"),
     ("class E(Exception): pass\nraise E('own')", "E: own"), ("import nosuch", "No module named 'nosuch'")],
)  # fmt: skip
def test_code_that_fails_at_import_is_the_subjects_fault(tmp_path: Path, code: str, what: str) -> None:
    (tmp_path / "failing.py").write_text(code)
    with pytest.raises(SubjectError) as caught:
        load(SubjectSource(python="failing:predict"), root=tmp_path, passes=Passes())
    assert "failing:predict" in str(caught.value)
    assert what in str(caught.value)


def test_an_absent_extra_is_advice(tmp_path: Path) -> None:
    (tmp_path / "needs.py").write_text("raise ModuleNotFoundError(\"No module named 'peft'\", name='peft')")
    with pytest.raises(MissingExtra, match=r"govkit\[train\]"):
        load(SubjectSource(python="needs:predict"), root=tmp_path, passes=Passes())


BAD_CALLS = [
    ("fails", FRAME, "bank.model:fails: KeyError: 'no such row'"),
    ("leaves", FRAME, "bank.model:leaves: SystemExit: 3"),
    ("odd", FRAME, "returned a dict with a, b; expected a key logits"),
    ("text", FRAME, "returned str; expected logits"),
    ("net", FRAME[["a"]], "RuntimeError"),
    ("net", pd.DataFrame({"a": ["x"], "b": [1]}), "column 'a' holds"),
    ("net", ["a text"], "reads numbers; found list"),
]


@pytest.mark.parametrize(("name", "inputs", "what"), BAD_CALLS)
def test_code_that_fails_when_asked_is_the_subjects_fault(root: Path, name: str, inputs: object, what: str) -> None:
    found = subject(root, name)
    with pytest.raises(SubjectError) as caught:
        found.predict(inputs)
    assert what in str(caught.value)
    assert not any("bank" in path for path in sys.path)


def test_stored_predictions_have_no_model(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("y,p\n1,0.5\n")
    with pytest.raises(SubjectError, match="no model to ask"):
        load(SubjectSource(predictions="p.csv"), root=tmp_path, passes=Passes())
    first = source_digest(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("y,p\n1,0.6\n")
    assert source_digest(tmp_path / "p.csv") != first
    with pytest.raises(SubjectError, match=r"absent\.csv"):
        source_digest(tmp_path / "absent.csv")
