"""What a folder may name: a table of hostile indices and configurations, and random ones."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from govkit import manifest
from govkit.errors import EvidenceError

INDEX = "model.safetensors.index.json"
SHARDS = {"model-00001-of-00002.safetensors": b"one", "model-00002-of-00002.safetensors": b"two"}
MAP = dict(zip("ab", SHARDS, strict=True))


def folder(path: Path, files: dict[str, object]) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def code(path: Path, digests: dict[str, str] | None = None) -> str:
    try:
        manifest.refuse_outside(path, digests)
    except EvidenceError as error:
        return error.code
    return ""


def sharded(**changes: object) -> dict[str, object]:
    return {"config.json": {}, **SHARDS, INDEX: {"metadata": {}, "weight_map": {**MAP, **changes}}}


OUTSIDE = [
    "/etc/passwd", "../x.safetensors", "a/../../x", "..", "./model-00001-of-00002.safetensors", "\\\\host\\x", "~/x",
    "..\\x", "C:\\x.safetensors", "C:/x.safetensors", "file:///x", "sub/x.safetensors",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_an_index_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    assert code(folder(tmp_path, sharded(c=name))) == "OUTSIDE"


HOSTILE: dict[str, tuple[dict[str, object], str]] = {
    "gone": (sharded(c="model-3.safetensors"), "BAD_INDEX"),
    "empty name": (sharded(c=""), "BAD_INDEX"),
    "a number": (sharded(c=3), "BAD_INDEX"),
    "a list": (sharded(c=["x"]), "BAD_INDEX"),
    "no map": ({INDEX: {}}, "BAD_INDEX"),
    "an empty map": ({INDEX: {"weight_map": {}}}, "BAD_INDEX"),
    "no object": ({INDEX: []}, "BAD_INDEX"),
    "a key twice": ({**SHARDS, INDEX: b'{"weight_map": {"a": "x", "a": "y"}}'}, "DUP_KEY"),
    "the map twice": ({**SHARDS, INDEX: b'{"weight_map": {"a": "x"}, "weight_map": {}}'}, "DUP_KEY"),
    "the same key in other letters": ({INDEX: b'{"weight_map": {"a": "x", "\\u0061": "y"}}'}, "DUP_KEY"),
    "no JSON": ({INDEX: b"{"}, "BAD_JSON"),
    "no text": ({INDEX: b"\xff\xfe{"}, "BAD_JSON"),
    "deep": ({INDEX: b"[" * 100_000}, "BAD_JSON"),
    "an unnamed shard": ({**sharded(), "model-00003-of-00003.safetensors": b""}, "BAD_INDEX"),
    "both forms": ({**sharded(), "model.safetensors": b""}, "BAD_INDEX"),
    "both forms of pickles": (
        {"pytorch_model.bin": b"", "pytorch_model.bin.index.json": {"weight_map": {"a": "pytorch_model.bin"}}},
        "BAD_INDEX",
    ),
    "a pickled shard elsewhere": ({"pytorch_model.bin.index.json": {"weight_map": {"a": "/x.bin"}}}, "OUTSIDE"),
    "weights of the configuration": ({"config.json": {"transformers_weights": "../x.safetensors"}}, "OUTSIDE"),
    "weights that are not there": ({"config.json": {"transformers_weights": "x.safetensors"}}, "BAD_INDEX"),
    "another configuration": ({"config.json": {"configuration_files": ["../config.4.0.0.json"]}}, "OUTSIDE"),
    "another tokenizer": ({"tokenizer_config.json": {"fast_tokenizer_files": ["/x/tokenizer.4.0.0.json"]}}, "OUTSIDE"),
    "a vocabulary": ({"tokenizer_config.json": {"vocab": "vocab.txt"}, "vocab.txt": b""}, "OUTSIDE"),
    "merges": ({"tokenizer_config.json": {"merges": "/x/merges.txt"}}, "OUTSIDE"),
    "a file of vocabulary": ({"tokenizer_config.json": {"vocab_file": "/x/vocab.txt"}}, "OUTSIDE"),
    "arguments of a class": ({"tokenizer_config.json": {"init_inputs": ["vocab.txt"]}}, "OUTSIDE"),
    "a key nobody knows": ({"tokenizer_config.json": {"new": {"deep": [{"thing": "../x"}]}}}, "OUTSIDE"),
    "a chosen configuration": (
        {"config.json": {"configuration_files": ["config.4.0.0.json"]}, "config.4.0.0.json": {"where": "/x"}},
        "OUTSIDE",
    ),
    "a kernel of the hub": ({"config.json": {"_attn_implementation": "somebody/kernel"}}, "OUTSIDE"),
    "a kernel of a part": ({"config.json": {"text_config": {"attn_implementation": {"b": "a/b"}}}}, "OUTSIDE"),
    "a token twice": ({"tokenizer.json": b'{"model": {"vocab": {"a": 1, "a": 2}}}'}, "DUP_KEY"),
}


@pytest.mark.parametrize("which", HOSTILE)
def test_what_does_not_fit_or_leads_out_is_refused(tmp_path: Path, which: str) -> None:
    files, expected = HOSTILE[which]
    assert code(folder(tmp_path, files)) == expected


def test_what_honest_folders_say_is_no_name(tmp_path: Path) -> None:
    """Places where a model once lay, which transformers does not open; tokens and labels with slashes and dots."""
    files = {
        **sharded(),
        "config.json": {
            "_name_or_path": "/home/me/model", "id2label": {"0": "/", "1": "../x"}, "label2id": {"/": 0},
            "text_config": {"_name_or_path": "../base"}, "_attn_implementation": "sdpa", "model_type": "bert",
        },
        "tokenizer_config.json": {
            "name_or_path": "../x", "tokenizer_file": "/x/tokenizer.json", "special_tokens_map_file": "/x/map.json",
            "eos_token": "/s", "cls_token": {"content": "/"}, "added_tokens_decoder": {"1": {"content": "/think"}},
            "chat_template": "/{{ x }}", "extra_special_tokens": ["~", "/no_think"],
            "vocab_file": None, "vocab": {"a": 1},
        },
        "trainer_state.json": {"best_model_checkpoint": "/x/checkpoint-5"},
    }  # fmt: skip
    assert code(folder(tmp_path, files)) == ""
    assert manifest.refuse_outside(tmp_path) == tuple(SHARDS)


def test_the_files_that_are_loaded(tmp_path: Path) -> None:
    """In the order of transformers: what the configuration names, one file, several; safetensors before pickles."""
    assert manifest.weight_files(folder(tmp_path / "a", {"config.json": {}})) == ()
    files: dict[str, object] = {"pytorch_model.bin": b"", "other.safetensors": b""}
    assert manifest.weight_files(folder(tmp_path / "b", files)) == ("pytorch_model.bin",)
    assert manifest.weight_files(folder(tmp_path / "b", {"model.safetensors": b""})) == ("model.safetensors",)
    chosen = {"config.json": {"transformers_weights": "other.safetensors"}}
    assert manifest.weight_files(folder(tmp_path / "b", chosen)) == ("other.safetensors",)


def test_only_digested_bytes_are_believed(tmp_path: Path) -> None:
    folder(tmp_path, sharded())
    digests = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in sharded()}
    assert code(tmp_path, digests) == ""
    assert code(tmp_path, {**digests, INDEX: "0" * 64}) == "CHANGED"
    # What lies there and was not digested is no file of the model.
    assert code(tmp_path, {name: held for name, held in digests.items() if name not in SHARDS}) == "BAD_INDEX"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab./\\~:", max_size=6), min_size=1, max_size=3))
def test_whatever_an_index_names_is_one_of_the_files_or_refused(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = folder(tmp_path_factory.mktemp("m"), {"a": b"", "b": b"", "ab": b""})
    folder(path, {INDEX: {"weight_map": dict(enumerate(names))}})
    if set(names) <= {"a", "b", "ab"}:
        assert set(manifest.weight_files(path)) == set(names)
    else:
        assert code(path) in ("OUTSIDE", "BAD_INDEX")
