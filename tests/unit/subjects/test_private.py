"""What was digested is what answers: nothing outside the folder is opened, and nothing written later is seen."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_text import TEXTS, WORDS, save, subject

from govkit import manifest
from govkit.core.case import Passes
from govkit.errors import SubjectError
from govkit.subjects import FrozenBase, private
from govkit.subjects.private import reading_only

INDEX = "model.safetensors.index.json"
Change = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("private") / "model")


@pytest.fixture
def place(good: Path, tmp_path: Path) -> Path:
    """A copy of the folder, and beside it ``outside`` with whatever an attacker likes."""
    (tmp_path / "outside").mkdir()
    return Path(shutil.copytree(good, tmp_path / "model"))


def edited(name: str, **keys: object) -> Change:
    def change(folder: Path, outside: Path) -> None:
        said = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        told = json.loads(json.dumps(keys).replace("OUTSIDE", str(outside)))
        (folder / name).write_text(json.dumps(said | told))

    return change


def other_weights(folder: Path) -> dict[str, torch.Tensor]:
    return {key: -held if key.startswith("classifier") else held for key, held in load_file(folder).items()}


def indexed(shard: str) -> Change:
    """The weights lie outside, and an index inside names them."""

    def change(folder: Path, outside: Path) -> None:
        state = other_weights(folder / "model.safetensors")
        save_file(state, outside / "shard.safetensors", metadata={"format": "pt"})
        (folder / "model.safetensors").unlink()
        placed = dict.fromkeys(state, shard.replace("OUTSIDE", str(outside)))
        (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": placed}))

    return change


def another_tokenizer(name: str) -> Change:
    def change(folder: Path, outside: Path) -> None:
        said = json.loads((folder / "tokenizer.json").read_text())
        words = said["model"]["vocab"]
        words["win"], words["see"] = words["see"], words["win"]
        (outside / "tokenizer.4.0.0.json").write_text(json.dumps(said))
        edited("tokenizer_config.json", fast_tokenizer_files=[name])(folder, outside)

    return change


def without_words(**keys: object) -> Change:
    """No vocabulary in the folder; the configuration names one elsewhere."""

    def change(folder: Path, outside: Path) -> None:
        (outside / "vocab.txt").write_text("\n".join([*WORDS[:5], *reversed(WORDS[5:])]))
        for name in ("tokenizer.json", "vocab.txt"):
            (folder / name).unlink()
        edited("tokenizer_config.json", **keys)(folder, outside)

    return change


def adapter(folder: Path, outside: Path) -> None:
    edited("adapter_config.json", peft_type="LORA", base_model_name_or_path=str(outside))(folder, outside)


def second_shard(folder: Path, outside: Path) -> None:
    """A tensor in two shards: which one counts is up to the reader."""
    state = load_file(folder / "model.safetensors")
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    placed = dict.fromkeys(state, names[0]) | {"classifier.bias": names[1]}
    save_file(state, folder / names[0], metadata={"format": "pt"})
    save_file({"classifier.bias": -state["classifier.bias"]}, folder / names[1], metadata={"format": "pt"})
    (folder / "model.safetensors").unlink()
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": placed}))


EXPLOITS: dict[str, tuple[Change, str]] = {
    "a shard by an absolute name": (indexed("OUTSIDE/shard.safetensors"), "OUTSIDE"),
    "a shard above": (indexed("../outside/shard.safetensors"), "OUTSIDE"),
    "a tokenizer by an absolute name": (another_tokenizer("OUTSIDE/tokenizer.4.0.0.json"), "OUTSIDE"),
    "a tokenizer above": (another_tokenizer("../outside/tokenizer.4.0.0.json"), "OUTSIDE"),
    "words": (without_words(vocab="OUTSIDE/vocab.txt"), "OUTSIDE"),
    "words as an argument": (without_words(init_inputs=["OUTSIDE/vocab.txt"]), "OUTSIDE"),
    "another configuration": (edited("config.json", configuration_files=["OUTSIDE/config.4.0.0.json"]), "OUTSIDE"),
    "an adapter that peft would apply": (adapter, "holds an adapter beside a model"),
    "a tensor twice": (second_shard, "both hold 'classifier.bias'"),
}


@pytest.mark.parametrize("which", EXPLOITS)
def test_what_lies_elsewhere_is_not_loaded(place: Path, which: str) -> None:
    change, why = EXPLOITS[which]
    change(place, place.parent / "outside")
    for load in (lambda: subject(place), lambda: FrozenBase(place, Passes())):
        with pytest.raises(SubjectError, match=why):
            load()
    assert copies() == []


def copies() -> list[str]:
    return [each.name for each in Path(os.environ["TMPDIR"]).iterdir() if each.name.startswith("govkit-model-")]


@pytest.fixture(autouse=True)
def own_place_for_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_what_is_written_after_loading_is_not_seen(place: Path) -> None:
    """Also into the very file, which a mapped model would follow."""
    found = subject(place)
    before = found.predict(TEXTS)
    assert found.digest == manifest.artifact_digest(place)
    weights = place / "model.safetensors"
    size = weights.stat().st_size
    with weights.open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(b"\x01" * (size - size // 2))
    np.testing.assert_array_equal(found.predict(TEXTS), before)
    assert found.digest != manifest.artifact_digest(place)
    assert len(copies()) == 1
    del found
    assert copies() == []


def test_a_swap_while_it_loads_does_not_matter(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digested, then swapped, then loaded, then swapped back: the digested bytes answer."""
    honest, digest = subject(place).predict(TEXTS), manifest.artifact_digest(place)
    good, evil = place / "model.safetensors", place.parent / "outside" / "evil.safetensors"
    save_file(other_weights(good), evil, metadata={"format": "pt"})
    kept, bad = good.read_bytes(), evil.read_bytes()
    from govkit.subjects import folder as module

    whole = module._load

    def swapped(copy: Path, **how: object) -> object:
        good.write_bytes(bad)
        try:
            return whole(copy, **how)
        finally:
            good.write_bytes(kept)

    monkeypatch.setattr(module, "_load", swapped)
    found = subject(place)
    assert found.digest == digest
    np.testing.assert_array_equal(found.predict(TEXTS), honest)


def test_the_model_says_where_it_lies_and_not_where_its_copy_does(place: Path) -> None:
    found = subject(place)
    assert found.model.config._name_or_path == found.tokenizer.name_or_path == str(place)
    found.model.save_pretrained(place.parent / "saved")
    found.tokenizer.save_pretrained(place.parent / "saved")
    for file in (place.parent / "saved").rglob("*.json"):
        assert "govkit-model-" not in file.read_text()


_opened: list[str] | None = None


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every file that is opened, by Python or by the native readers of weights and tokenizers."""
    global _opened
    import safetensors
    import tokenizers
    from transformers import modeling_utils

    seen: list[str] = []
    if not hasattr(sys, "_govkit_test_hook"):
        sys.addaudithook(lambda event, args: _note(event, args))
        sys._govkit_test_hook = True  # type: ignore[attr-defined]

    def noted(original: Callable[..., object]) -> Callable[..., object]:
        def around(path: object, *rest: object, **more: object) -> object:
            seen.append(os.fspath(path))  # type: ignore[arg-type]
            return original(path, *rest, **more)

        return around

    monkeypatch.setattr(safetensors, "safe_open", noted(safetensors.safe_open))
    monkeypatch.setattr(modeling_utils, "safe_open", noted(modeling_utils.safe_open))
    monkeypatch.setattr(tokenizers.Tokenizer, "from_file", staticmethod(noted(tokenizers.Tokenizer.from_file)))
    _opened = seen
    yield seen
    _opened = None


def _note(event: str, args: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None and isinstance(args[0], str | bytes | os.PathLike):
        _opened.append(os.fsdecode(args[0]))


@pytest.mark.parametrize("shards", [False, True])
def test_every_file_that_transformers_opens_is_in_the_manifest(place: Path, opened: list[str], shards: bool) -> None:
    """Opened are the original, to digest it, and files of the private copy, whose bytes are those of the manifest."""
    if shards:
        from transformers import BertForSequenceClassification

        BertForSequenceClassification.from_pretrained(place).save_pretrained(place.parent / "new", max_shard_size="8KB")
        (place / "model.safetensors").unlink()
        shutil.copytree(place.parent / "new", place, dirs_exist_ok=True)
    (place / "chat_template.jinja").write_text("{{ messages }}")
    digests = {file.path: file.sha256 for file in manifest.walk(place)}
    opened.clear()
    found = subject(place)
    (copy,) = (Path(os.environ["TMPDIR"]).resolve() / name for name in copies())
    read = {Path(name).resolve() for name in opened}
    inside = {file.relative_to(copy).as_posix() for file in read if file.is_relative_to(copy) and file.is_file()}
    assert {"config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"} <= inside
    assert len([name for name in inside if name.endswith(".safetensors")]) == (len(digests) - 6 if shards else 1)
    assert {name: hashlib.sha256((copy / name).read_bytes()).hexdigest() for name in inside} == {
        name: digests[name] for name in inside
    }
    programs = (sys.prefix, sys.base_prefix, "/usr", "/proc", "/sys", "/etc", "/dev", str(Path(np.__file__).parents[1]))
    others = {str(file) for file in read if file.is_file() and not file.is_relative_to(copy) and file.suffix != ".py"}
    assert {name for name in others if not name.startswith((*programs, str(place))) and ".pyc" not in name} == set()
    assert found.digest == manifest.digest_of(manifest.walk(place))


def test_a_loader_that_opens_something_else_is_stopped_even_if_it_goes_on(place: Path) -> None:
    """What no rule about names foresees; reading with the programs and writing elsewhere stay allowed."""
    elsewhere = place.parent / "outside" / "secret.json"
    elsewhere.write_text("{}")

    def load() -> None:
        with reading_only(place), suppress(SubjectError):
            elsewhere.read_text()

    with pytest.raises(SubjectError, match=r"opens .*secret\.json"):
        load()
    with reading_only(place):
        (place / "config.json").read_text()
        (place.parent / "log").write_text("written")
        Path(json.__file__).read_text()
    assert elsewhere.read_text() == "{}"


def snapshot(place: Path, *, damaged: bool = False) -> Path:
    """The folder as the hub's cache lays it down: links to files that are named by digests of their bytes."""
    cache = place.parent / "cache"
    (cache / "blobs").mkdir(parents=True)
    (cache / "snapshots" / "main").mkdir(parents=True)
    for number, file in enumerate(sorted(place.iterdir())):
        content = file.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        blob = cache / "blobs" / (git if number % 2 else hashlib.sha256(content).hexdigest())
        blob.write_bytes(content + b" " if damaged and file.name == "config.json" else content)
        (cache / "snapshots" / "main" / file.name).symlink_to(f"../../blobs/{blob.name}")
    return cache / "snapshots" / "main"


def test_a_base_of_the_hubs_cache_is_read_if_its_files_are_what_the_links_say(place: Path, tmp_path: Path) -> None:
    plain, cached = FrozenBase(place, Passes()), snapshot(place)
    found = FrozenBase(cached, Passes())
    assert found.digest == manifest.artifact_digest(cached, strict=False)
    np.testing.assert_array_equal(found.embed(TEXTS), plain.embed(TEXTS))
    with pytest.raises(SubjectError, match="SYMLINK"):
        subject(cached)


def test_other_links_of_a_base_are_refused(place: Path) -> None:
    with pytest.raises(SubjectError, match="whose file has other bytes"):
        FrozenBase(snapshot(place, damaged=True), Passes())
    target = place.parent / "outside" / "config.json"
    shutil.move(place / "config.json", target)
    (place / "config.json").symlink_to(target)
    with pytest.raises(SubjectError, match="none of the hub's cache"):
        FrozenBase(place, Passes())


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(place: Path) -> None:
    """A copy is held by a lock that ends with its process, whatever ends it."""
    text = f"""
import pathlib, sys, time
from govkit.subjects.private import private_copy
print(private_copy(pathlib.Path({str(place)!r}))[0], flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        left = Path(child.stdout.readline().strip())
        os.utime(left, (0, 0))
        private.drop(private.private_copy(place)[0])
        assert (left / "config.json").is_file(), "another process answers from it"
        child.kill()
        child.wait()
    private.drop(private.private_copy(place)[0])
    assert not left.exists()


def test_a_file_system_without_locks_serves_and_nothing_there_is_swept(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    first, _ = private.private_copy(place)
    os.utime(first, (0, 0))
    second, _ = private.private_copy(place)
    assert (first / "config.json").is_file()
    for copy in (first, second):
        private.drop(copy)
    assert copies() == []
