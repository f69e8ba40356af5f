"""Weights and the code that can hide in their files; nothing here is ever loaded."""

import json
import logging
import os
import pickle
import zipfile

import pytest
import torch
from case_fixture import make_case
from hypothesis import given, settings, strategies as st
from rows_fixture import gaps, run, value

from govkit.manifest.shipped import is_pickle

SAFE = b"\x08\0\0\0\0\0\0\0{}      "
"""The smallest file that is safetensors."""


class Malicious:
    """Would run a command when it is unpickled."""

    def __reduce__(self):
        return os.system, ("true",)


def case_of(path, access="weights"):
    return make_case([0, 1], [0.2, 0.7], model_path=path, access=access)


def test_safetensors_alone_are_safe(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(SAFE)
    (tmp_path / "config.json").write_text("{}")
    found = run("weights_format", case_of(tmp_path))
    assert value(found, "safe_format") is True
    assert value(found, "pickle_files") == 0.0
    assert value(found, "unsafe_imports") == 0.0


@pytest.mark.parametrize("name", ["pytorch_model.bin", "head.pkl", "weights.pt", "model.joblib", "notes.txt", "README"])
def test_a_malicious_pickle_is_found_whatever_its_name(tmp_path, name):
    (tmp_path / "model.safetensors").write_bytes(SAFE)
    (tmp_path / name).write_bytes(pickle.dumps({"weights": Malicious()}))
    found = run("weights_format", case_of(tmp_path))
    assert value(found, "safe_format") is False
    assert value(found, "pickle_files") == 1.0
    assert value(found, "unsafe_imports") == 1.0


def test_a_pickle_inside_a_zip_is_found(tmp_path):
    with zipfile.ZipFile(tmp_path / "weights.zip", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Malicious()))
    found = run("weights_format", case_of(tmp_path))
    assert value(found, "unsafe_imports") == 1.0


def test_honest_torch_weights_are_a_pickle_and_call_nothing_dangerous(tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "model.pt")
    found = run("weights_format", case_of(tmp_path / "model.pt"))
    assert value(found, "safe_format") is False
    assert value(found, "pickle_files") == 1.0
    assert value(found, "unsafe_imports") == 0.0


@pytest.mark.parametrize(
    "content", [b"\x80\x04\xff\xff no opcodes", b"no pickle at all", pickle.dumps([1, 2, 3])[:-4], b""]
)
def test_a_pickle_that_cannot_be_read_is_a_gap_and_no_zero(tmp_path, content):
    (tmp_path / "model.pkl").write_bytes(content)
    found = run("weights_format", case_of(tmp_path))
    assert value(found, "safe_format") is False
    assert gaps(found) == {"unsafe_imports": "unsupported", "unknown_imports": "unsupported"}


def test_nothing_is_printed_and_the_log_is_left_alone(tmp_path, caplog, capfd):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Malicious()))
    log = logging.getLogger("picklescan")
    before = log.level, list(log.filters)
    run("weights_format", case_of(tmp_path))
    assert (log.level, list(log.filters)) == before
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5), st.integers(0, 4))
def test_pickles_are_counted_exactly(tmp_path_factory, pickles, others):
    folder = tmp_path_factory.mktemp("model")
    for number in range(pickles):
        (folder / f"part{number}.bin").write_bytes(pickle.dumps([number]))
    for number in range(others):
        (folder / f"part{number}.safetensors").write_bytes(SAFE)
    found = run("weights_format", case_of(folder))
    if pickles + others:
        assert value(found, "pickle_files") == pickles
        assert value(found, "safe_format") is (pickles == 0)


def test_gaps(tmp_path):
    assert gaps(run("weights_format", case_of(None))) == {"*": "unsupported"}
    stored = tmp_path / "answers.csv"
    stored.write_text("id,score\n")
    assert gaps(run("weights_format", case_of(stored, access="predictions"))) == {"*": "unsupported"}
    assert gaps(run("weights_format", case_of(tmp_path))) == {"*": "no data"}


def test_formats_that_can_hold_code_are_not_safe(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(SAFE)
    (tmp_path / "model.keras").write_bytes(SAFE)
    assert value(run("weights_format", case_of(tmp_path)), "safe_format") is False


def test_a_name_makes_nothing_safe(tmp_path):
    """A pickle under the name of safetensors is one, and damaged safetensors are none."""
    (tmp_path / "model.safetensors").write_bytes(pickle.dumps(Malicious()))
    found = run("weights_format", case_of(tmp_path))
    assert (value(found, "safe_format"), value(found, "unsafe_imports")) == (False, 1.0)
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 16)
    assert value(run("weights_format", case_of(tmp_path)), "safe_format") is False
    (tmp_path / "model.safetensors").unlink()
    for name in ("model.gguf", "model.onnx"):
        (tmp_path / name).write_bytes(pickle.dumps(Malicious()))
        assert value(run("weights_format", case_of(tmp_path)), "safe_format") is False
        (tmp_path / name).unlink()


@pytest.mark.parametrize("size", [0x0280, 0x0380, 0x0480, 0x0580])
def test_a_header_whose_length_looks_like_a_pickle_is_none(tmp_path, size):
    (tmp_path / "model.safetensors").write_bytes(size.to_bytes(8, "little") + b"{}".ljust(size))
    found = run("weights_format", case_of(tmp_path))
    assert (value(found, "safe_format"), value(found, "pickle_files")) == (True, 0.0)


@pytest.mark.parametrize("shard", ["/elsewhere/model.safetensors", "../model.safetensors", "gone.safetensors"])
def test_an_unused_safe_file_does_not_make_another_one_safe(tmp_path, shard):
    """What is loaded lies elsewhere; the file beside the index is there to be seen."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "unused.safetensors").write_bytes(SAFE)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": shard}}))
    assert value(run("weights_format", case_of(tmp_path)), "safe_format") is False
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "unused.safetensors"}}))
    assert value(run("weights_format", case_of(tmp_path)), "safe_format") is True


@pytest.mark.parametrize(("at", "bytes_"), [(0, b"XX"), (6, b"\xff\xff"), (8, b"\0\x08")])
def test_an_archive_whose_list_is_broken_may_hold_a_pickle(tmp_path, at, bytes_):
    """Another mark, a version of the future, and a name that is said to be UTF-8 and is none."""
    file = tmp_path / "vocab.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.npy", b"x")
    raw = bytearray(file.read_bytes())
    start = raw.index(b"PK\1\2")
    raw[start + at : start + at + 2] = bytes_
    raw[start + 46] = 0xFF
    file.write_bytes(raw)
    assert is_pickle(file)
