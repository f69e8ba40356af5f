"""Code beside the weights is found by name and by content, counted unless it was read, and never run."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from pathlib import Path

import pytest
from case_fixture import make_case
from hypothesis import given, settings, strategies as st
from rows_fixture import gaps, measurements, run, value

from govkit import manifest
from govkit.core import Case
from govkit.core.audit import SubjectSource
from govkit.manifest.shipped import code_digest

SAFE = b"\x08\0\0\0\0\0\0\0{}      "


def case_of(path: Path | None, *, access: str = "weights", **source: str) -> Case:
    given_source = SubjectSource(**(source or {"model": "model"}))
    return make_case([0, 1], [0.2, 0.7], model_path=path, access=access, source=given_source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What transformers saves, with a chat template and an honest configuration."""
    (tmp_path / "model.safetensors").write_bytes(SAFE)
    config = {"architectures": ["Bert"], "auto_map": None, "_attn_implementation": "sdpa"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "vocab.txt").write_text("one\ntwo\n")
    (tmp_path / "training_args.bin").write_bytes(pickle.dumps({}))  # weights_format speaks of it
    return tmp_path


def test_a_folder_without_code(folder: Path) -> None:
    found = run("shipped_code", case_of(folder))
    assert (value(found, "unaudited_code"), value(found, "code_digest")) == (0.0, "none")
    assert measurements(found, "code_file") == measurements(found, "chat_template") == []


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/data.pkl", pickle.dumps({}))


SHIPPED = {
    "modeling.py": b"raise SystemExit",
    "deep/er/thing.pyc": b"",
    "kernel.so": b"\x7fELF",
    "tokenizer.pkl": b"whatever",
    "tokenizer.dat": pickle.dumps({"a": 1}),
    "vocab.npz.zip": None,
    "config.json": b'{"auto_map": {"AutoModel": "modeling.Mine"}}',
    "tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["somebody/else--mine.Mine", null]}}',
    "generation_config.json": b'{"deep": [{"auto_map": {"a": "b"}}]}',
    "preprocessor_config.json": b'{"aut\\u006f_map": {"a": "b"}}',
    "other.json": b'{"auto_map": {"a": "b"}, "auto_map": null}',
    "sub/config.json": b'{"custom_pipelines": {"p": {"impl": "mine.Mine"}}}',
    "adapter_config.json": b'{"auto_mapping": {"parent_library": "mine", "base_model_class": "Mine"}}',
    "modules.json": b'[{"idx": 0, "type": "mine.Pooling"}]',
    "kernel_config.json": b'{"attn_implementation": {"text_config": "somebody/kernel"}}',
}


@pytest.mark.parametrize("name", SHIPPED)
def test_code_is_found_wherever_it_hides(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    content = SHIPPED[name]
    if content is None:
        _zip(folder / name)
    else:
        (folder / name).write_bytes(content)
    found = run("shipped_code", case_of(folder))
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert value(found, "unaudited_code") == 1.0
    assert value(found, "code_file", part={"file": name}) == f"sha256:{digest}"


def test_the_modules_of_sentence_transformers_are_its_own(folder: Path) -> None:
    kinds = ["sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling"]
    (folder / "modules.json").write_text(json.dumps([{"idx": at, "type": kind} for at, kind in enumerate(kinds)]))
    assert value(run("shipped_code", case_of(folder)), "unaudited_code") == 0.0


def test_code_that_somebody_read_is_said_and_does_not_count(folder: Path) -> None:
    """By the digest worked out by hand: of the sorted list of the files that are code or name it."""
    (folder / "modeling.py").write_bytes(SHIPPED["modeling.py"] or b"")
    (folder / "config.json").write_bytes(SHIPPED["config.json"] or b"")
    found = run("shipped_code", case_of(folder))
    digest = value(found, "code_digest")
    listed = [
        {"path": name, "sha256": hashlib.sha256(SHIPPED[name] or b"").hexdigest(), "size": len(SHIPPED[name] or b"")}
        for name in ("config.json", "modeling.py")
    ]
    text = json.dumps({"alg": "sha256", "files": listed, "v": 1}, separators=(",", ":"), sort_keys=True)
    assert digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert value(found, "unaudited_code") == 2.0
    read = run("shipped_code", case_of(folder, model="model", code=digest))
    assert (value(read, "unaudited_code"), value(read, "code_digest")) == (0.0, digest)
    assert len(measurements(read, "code_file")) == 2
    (folder / "modeling.py").write_bytes(b"import os")
    changed = run("shipped_code", case_of(folder, model="model", code=digest))
    assert value(changed, "unaudited_code") == 2.0


def test_of_a_model_in_python_the_files_are_the_model(folder: Path) -> None:
    """What a configuration names was not run by it, so that still counts."""
    (folder / "mine.py").write_bytes(b"")
    (folder / "head.joblib").write_bytes(pickle.dumps({}))
    assert value(run("shipped_code", case_of(folder, python="mine:model")), "unaudited_code") == 0.0
    assert value(run("shipped_code", case_of(folder / "mine.py", python="mine:model")), "unaudited_code") == 0.0
    (folder / "config.json").write_bytes(SHIPPED["config.json"] or b"")
    found = run("shipped_code", case_of(folder, python="mine:model"))
    assert value(found, "unaudited_code") == 1.0
    assert len(measurements(found, "code_file")) == 3


def test_chat_templates_are_named_with_the_digest_of_their_text(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ a }}")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tools.jinja").write_text("{{ b }}")
    several = [{"name": "default", "template": "{{ c }}"}, {"name": "rag", "template": "{{ d }}"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": several}))
    (folder / "processor_config.json").write_text(json.dumps({"chat_template": "{{ e }}"}))
    found = run("shipped_code", case_of(folder))
    told = {item.part["file"]: item.value for item in measurements(found, "chat_template")}
    texts = {
        "chat_template.jinja": "{{ a }}", "additional_chat_templates/tools.jinja": "{{ b }}",
        "tokenizer_config.json (default)": "{{ c }}", "tokenizer_config.json (rag)": "{{ d }}",
        "processor_config.json": "{{ e }}",
    }  # fmt: skip
    assert told == {file: "sha256:" + hashlib.sha256(text.encode()).hexdigest() for file, text in texts.items()}
    assert value(found, "unaudited_code") == 0.0


def test_many_files_are_counted_and_some_are_named(folder: Path) -> None:
    for number in range(120):
        (folder / f"m{number}.py").write_bytes(b"")
    found = run("shipped_code", case_of(folder))
    assert value(found, "unaudited_code") == 120.0
    assert len(measurements(found, "code_file")) == 100


def test_gaps(tmp_path: Path) -> None:
    assert gaps(run("shipped_code", case_of(None))) == {"*": "unsupported"}
    (tmp_path / "answers.csv").write_text("id,score\n")
    stored = case_of(tmp_path / "answers.csv", access="predictions", predictions="answers.csv")
    assert gaps(run("shipped_code", stored)) == {"*": "unsupported"}


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(["a.py", "b.so", "c.pkl", "d.txt", "e.json", "f.safetensors"])))
def test_every_file_of_code_counts_once_and_no_other(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    """Power and false alarms: exactly the planted files, and a digest that changes with each of them."""
    folder = tmp_path_factory.mktemp("model")
    for name in names:
        (folder / name).write_bytes(SAFE if name == "f.safetensors" else b"{}")
    found = run("shipped_code", case_of(folder))
    planted = {name for name in names if name[0] in "abc"}
    assert {item.part["file"] for item in measurements(found, "code_file")} == planted
    assert value(found, "unaudited_code") == len(planted)
    files = tuple(file for file in manifest.walk(folder) if file.path in planted)
    assert value(found, "code_digest") == (code_digest(files) if planted else "none")
