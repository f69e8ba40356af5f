"""Tensors are read from every usual format, and nothing in a file is ever run."""

import json
import os

import numpy as np
import pytest
import torch
from ancestry_pairs import pickled, sharded, stored_int8, whole
from safetensors.torch import save_file

from govkit.errors import SubjectError
from govkit.subjects.weights import Weights

STATE = {
    "layer.weight": torch.arange(60, dtype=torch.float32).reshape(20, 3),
    "layer.bias": torch.ones(20),
    "position_ids": torch.arange(9),
    "count": torch.tensor(3.0),
}


class Malicious:
    def __reduce__(self):
        return os.system, ("touch HACKED",)


@pytest.mark.parametrize(
    "write", [whole(STATE), sharded(STATE, 2), pickled(STATE), pickled(STATE, wrapped=True)],
    ids=["safetensors", "sharded", "pickled", "checkpoint"],
)  # fmt: skip
def test_every_format_holds_the_same(tmp_path, write):
    found = Weights(write(tmp_path))
    assert found.shapes == {"layer.weight": (20, 3), "layer.bias": (20,), "count": (1,)}
    assert found.adapter is None
    assert np.array_equal(found.read("layer.weight"), STATE["layer.weight"].numpy())
    assert np.array_equal(found.read("layer.weight", slice(0, 20, 5)), STATE["layer.weight"][::5].numpy())
    assert np.array_equal(found.read("layer.weight", slice(1, 3), axis=1), STATE["layer.weight"][:, 1:3].T.numpy())


def test_a_file_is_as_good_as_a_folder_and_old_files_are_read(tmp_path):
    assert Weights(whole(STATE)(tmp_path) / "model.safetensors").shapes["layer.bias"] == (20,)
    torch.save(STATE, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert Weights(tmp_path / "old.pt").read("layer.bias").tolist() == [1.0] * 20


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
def test_other_numbers_become_float32(tmp_path, dtype):
    folder = whole({"w": torch.full((4, 4), 0.5).to(dtype)})(tmp_path)
    assert Weights(folder).read("w").dtype == np.float32
    assert (Weights(folder).read("w") == 0.5).all()


@pytest.mark.parametrize("scale", ["layer.weight_scale", "layer.scale", "layer.SCB"])
@pytest.mark.parametrize("shape", [(20,), (20, 1), ()])
def test_integers_are_multiplied_by_the_scale_beside_them(tmp_path, scale, shape):
    whole_numbers = torch.arange(-30, 30, dtype=torch.int8).reshape(20, 3)
    factor = torch.full(shape, 127.0 if scale.endswith("SCB") else 1.0) * 0.25
    found = Weights(whole({"layer.weight": whole_numbers, scale: factor})(tmp_path))
    assert found.shapes == {"layer.weight": (20, 3)}
    assert np.allclose(found.read("layer.weight", slice(0, 20, 3)), whole_numbers[::3].numpy() * 0.25)
    assert np.allclose(found.read("layer.weight", slice(0, 2), axis=1), whole_numbers[:, :2].T.numpy() * 0.25)


def test_what_int8_stores_comes_back(tmp_path):
    state = {"a.weight": torch.randn(30, 20, generator=torch.Generator().manual_seed(0))}
    found = Weights(whole(stored_int8(state))(tmp_path))
    assert np.abs(found.read("a.weight") - state["a.weight"].numpy()).max() < 0.03


@pytest.mark.parametrize(
    "beside", [{}, {"layer.scale": torch.ones(7)}, {"layer.scale": torch.ones(20), "layer.zero_point": torch.ones(20)}]
)
def test_packed_numbers_are_not_read(tmp_path, beside):
    found = Weights(whole({"layer.weight": torch.ones(20, 3, dtype=torch.uint8), **beside})(tmp_path))
    assert found.packed == [(20, 3)]
    assert "layer.weight" not in found.shapes


def test_code_in_a_file_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"layer.weight": torch.ones(3), "more": Malicious()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(SubjectError, match=r"refused.*nothing in it is run"):
        Weights(tmp_path)
    assert not (tmp_path / "HACKED").exists()


def test_what_a_trainer_leaves_beside_the_weights_is_left_out(tmp_path):
    torch.save({"state": {0: torch.ones(30, 30)}}, tmp_path / "optimizer.pt")
    with pytest.raises(SubjectError, match="holds no weights"):
        Weights(tmp_path)
    torch.save(STATE, tmp_path / "weights.pt")
    assert set(Weights(tmp_path).shapes) == {"layer.weight", "layer.bias", "count"}


def test_an_adapter_alone_is_known_as_one(tmp_path):
    save_file({"x.lora_A.weight": torch.ones(8, 20)}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    assert Weights(tmp_path).adapter == {"base_model_name_or_path": "org/base"}
    whole(STATE)(tmp_path)
    assert Weights(tmp_path).adapter is None


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("model.safetensors", b"\xff" * 40, "cannot be read"),
        ("model.safetensors", b"", "cannot be read"),
        ("weights.pth", b"PK\x03\x04 no archive", "cannot be read"),
        ("notes.txt", b"hello", "holds no weights"),
        ("model.safetensors.index.json", b"{", "cannot be read"),
        ("model.safetensors.index.json", json.dumps({"weight_map": {"a": "../b"}}).encode(), "no file of this folder"),
        ("model.safetensors.index.json", json.dumps({"weight_map": {"a": "gone"}}).encode(), "cannot be read"),
        ("adapter_config.json", b"[]]", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SubjectError, match=says):
        Weights(tmp_path)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(SubjectError, match="holds no weights"):
        Weights(tmp_path / "nowhere")
