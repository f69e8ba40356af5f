"""A base in Python code, and the probe on it whose gradients are open."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from case_fixture import make_dataset
from sklearn.linear_model import LogisticRegression

from govkit.core.case import Differentiable, Passes
from govkit.errors import SubjectError
from govkit.subjects import FeatureBase, OpenProbe, embed_role, probe

torch.set_num_threads(1)

CODE = """
import torch

class Body(torch.nn.Module):
    def __init__(self, kind="maps", seed=0):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.layer = torch.nn.Conv2d(1, 3, 3, padding=1)
            self.drop = torch.nn.Dropout(0.5)
        self.kind = kind
    def forward(self, x):
        maps = self.drop(torch.relu(self.layer(x)))
        return {
            "maps": maps, "tuple": (maps.flatten(1), None), "few": maps[:1], "flat": maps.sum((1, 2, 3)),
            "nan": maps / 0 * 0, "void": maps[:, :0], "whole": (maps > 0).flatten(1).long(), "text": "no tensor",
        }[self.kind]

body = Body()
tuple_, few, flat, nan, void, whole, text = map(Body, ("tuple", "few", "flat", "nan", "void", "whole", "text"))
columns = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh())

def function(x):
    return x
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "body.py").write_text(textwrap.dedent(CODE), encoding="utf-8")
    return tmp_path


def opened(folder: Path, name: str = "body", *, modality: str = "image", **options) -> FeatureBase:
    passes = options.pop("passes", Passes())
    return FeatureBase(f"body:{name}", paths=[folder], modality=modality, passes=passes, **options)


def pictures(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    return rng.uniform(size=(n, 1, 4, 4)).astype(np.float32)


def labeled(n: int, role: str = "train", seed: int = 0):
    x = pictures(n, seed)
    return make_dataset((x[:, 0, :, :2].mean((1, 2)) > x[:, 0, :, 2:].mean((1, 2))).astype(int), role=role, inputs=x)


def test_features_are_what_the_module_answers_in_eval_mode_with_its_dimensions_made_one(folder):
    base, x = opened(folder), pictures(300)
    base.model.train()
    found = base.embed(x)
    assert base.model.training
    assert found.dtype == np.float32
    with torch.no_grad():
        assert np.allclose(found, torch.relu(base.model.layer(torch.tensor(x))).flatten(1).numpy(), atol=1e-6)
    assert np.array_equal(opened(folder, "tuple_").embed(x), found)


def test_equal_inputs_are_embedded_once_and_rows_are_counted(folder):
    passes = Passes()
    base = opened(folder, passes=passes)
    x = pictures(7)
    first = base.embed(x)
    assert base.embed(x.copy()) is first
    assert passes.forward == 7
    base.embed(x[:6])
    # The same bytes in another shape are other pictures.
    base.embed(x[:6].reshape(6, 1, 2, 8))
    assert passes.forward == 19
    assert base.embed(x[:0]).shape == (0, 48)


def test_a_table_is_read_by_its_columns(folder):
    base = opened(folder, "columns", modality="table")
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    with torch.no_grad():
        assert np.allclose(base.embed(frame), base.model(torch.tensor([[1, 0.5, 1], [2, 1.5, 0]])).numpy())
    with pytest.raises(SubjectError, match=r"body:columns reads numbers; column 'c' holds"):
        base.embed(frame.assign(c=["x", "y"]))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("few", r"body:few: the features of 3 rows have shape \(1, 3, 4, 4\)"),
        ("flat", r"have shape \(3,\).*expected floats \(3, d\)"),
        ("void", r"have shape \(3, 0, 4, 4\).*d of at least 1"),
        ("nan", "some features are NaN or infinite"),
        ("whole", r"int64\); expected floats"),
        ("text", "TypeError"),
    ],
)
def test_what_are_no_features_is_refused(folder, name, what):
    with pytest.raises(SubjectError, match=what):
        opened(folder, name).embed(pictures(3))


def test_what_is_no_module_is_no_base(folder):
    with pytest.raises(SubjectError, match=r"body:function is a function; a base under a probe must be"):
        opened(folder, "function")
    with pytest.raises(SubjectError, match="has no 'absent'"):
        opened(folder, "absent")
    with pytest.raises(SubjectError, match="cannot be identified"):
        opened(folder, artifact=folder / "nowhere.pt")


def test_the_artifact_says_which_base_it_is_and_else_the_file(folder):
    (folder / "weights.bin").write_bytes(b"weights")
    named, plain = opened(folder, artifact=folder / "weights.bin"), opened(folder)
    assert (named.path, plain.path) == (folder / "weights.bin", (folder / "body.py").resolve())
    assert named.digest != plain.digest


def test_a_probe_on_features_is_the_logistic_regression_on_standardized_ones(folder):
    base, train, test = opened(folder), labeled(400), labeled(40, "test", seed=1)
    head = probe(base, train, ("left", "right"), Passes())
    features = base.embed(train.inputs).astype(float)
    mean, scale = features.mean(0), features.std(0)
    scale[scale == 0] = 1
    direct = LogisticRegression(C=1.0, max_iter=2000).fit((features - mean) / scale, train.labels)
    expected = direct.predict_proba((base.embed(test.inputs) - mean) / scale)
    assert np.allclose(head.predict(test.inputs), expected, atol=1e-4)
    assert (head.predict(test.inputs).argmax(1) == test.labels).mean() > 0.7
    assert embed_role(base, {"test": test})("test").shape == (40, 48)
    assert embed_role(base, {"test": test})("train") is None


@pytest.mark.parametrize("classes", [2, 4])
def test_logits_of_an_open_probe_are_its_predictions_and_have_its_gradient(folder, classes):
    passes = Passes()
    base, x = opened(folder, passes=passes, input_range=(0.0, 1.0)), pictures(90)
    labels = np.argsort(np.argsort(x.sum((1, 2, 3)))) * classes // 90
    head = probe(base, make_dataset(labels, role="train", inputs=x), tuple("abcd"[:classes]), passes)
    assert isinstance(head, OpenProbe)
    assert isinstance(head, Differentiable)
    assert (head.access, head.input_range, head.digest) == ("weights", (0.0, 1.0), base.digest)
    batch = head.encode(pictures(20, seed=3))
    before = passes.forward
    logits = head.logits(batch)
    assert passes.forward == before + 20
    assert np.allclose(logits.softmax(1).detach().numpy(), head.predict(pictures(20, seed=3)), atol=1e-5)
    point = batch["x"].double().requires_grad_()
    base.model.double()
    asked = head.logits({"x": point})[:, 0].sum()
    (gradient,) = torch.autograd.grad(asked, point)
    step = torch.zeros_like(point)
    step[:, 0, 1, 2] = 1e-5
    with torch.no_grad():
        beside = [float(head.logits({"x": point + sign * step})[:, 0].sum()) for sign in (1, -1)]
    assert (beside[0] - beside[1]) / 2e-5 == pytest.approx(float(gradient[:, 0, 1, 2].sum()), rel=1e-3)


def test_a_class_without_training_rows_has_probability_zero_and_a_finite_logit(folder):
    train = labeled(60)
    shifted = make_dataset(train.labels * 2, role="train", inputs=train.inputs)
    head = probe(opened(folder), shifted, ("a", "b", "c"), Passes())
    x = pictures(5, seed=2)
    logits = head.logits(head.encode(x))
    assert bool(torch.isfinite(logits).all())
    assert head.predict(x)[:, 1].tolist() == [0] * 5
    assert np.allclose(logits.softmax(1).numpy(), head.predict(x), atol=1e-5)


def test_a_value_outside_the_declared_range_is_refused_before_an_attack(folder):
    head = probe(opened(folder, input_range=(0.0, 0.5)), labeled(40), ("a", "b"), Passes())
    with pytest.raises(SubjectError, match=r"inputs lie in .* subject.input_range says \[0, 0.5\]"):
        head.encode(pictures(4))


def test_texts_are_nothing_for_it(folder):
    with pytest.raises(SubjectError, match=r"the base reads images; rows.parquet holds none"):
        probe(opened(folder), make_dataset([0, 1], role="train", inputs=["a", "b"]), ("a", "b"), Passes())
