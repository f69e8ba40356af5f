"""What is loaded is what was verified, whatever happens to the model meanwhile."""

from __future__ import annotations

import resource
import shutil
import stat
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import served_bundle
from benches import load_bench
from evidence_bundle import write_files
from served_bundle import GOOD, Served

import govkit as gk
from govkit import manifest

LOADS = 34  # each way; a thousand in all take half a minute: tests/bench/loading_race.py


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return served_bundle.make(tmp_path, write_files(tmp_path / "model", GOOD))


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spied(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the bytes of each file are read."""
    read, whole = Counter[str](), manifest._read

    def counted(handle, seen, copy):
        read[seen.path] += 1
        return whole(handle, seen, copy)

    monkeypatch.setattr(manifest, "_read", counted)
    return read


def test_a_model_that_is_swapped_meanwhile_is_loaded_good_or_not_at_all() -> None:
    bench, ours, theirs = load_bench("loading_race"), Counter[str](), Counter[str]()
    for way in bench.WAYS:
        loaded, loaded_by_path, left = bench.race(way, LOADS)
        assert set(loaded) <= {"good", "CHANGED", "MODEL_MISMATCH", "SYMLINK"}, way
        assert left == 0, way
        ours += loaded
        theirs += loaded_by_path
    assert ours["good"] >= 5
    assert ours.total() - ours["good"] >= 5
    assert theirs["EVIL"] >= 5  # so the attacks are real ones


def test_the_copy_is_private_read_only_and_gone_afterwards(served: Served, into: Path) -> None:
    with gk.verified_load(served.folder, **served.asked(into=into)) as path:
        assert contents(path) == GOOD
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.rglob("*") if each.is_file()} == {0o400}
        (private,) = into.iterdir()
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        mapped = np.memmap(path / "model-1.safetensors", mode="r")
    assert not list(into.iterdir())
    assert bytes(mapped) == GOOD["model-1.safetensors"]


def test_an_error_of_the_loader_passes_through_and_leaves_nothing(served: Served, into: Path) -> None:
    with pytest.raises(ZeroDivisionError), gk.verified_load(served.folder, **served.asked(into=into)):
        _ = 1 / 0
    assert not list(into.iterdir())


def test_a_card_that_was_not_sealed_is_not_loaded(served: Served, into: Path) -> None:
    write_files(served.model, {"README.md": b"# Anything"})
    with gk.verified_load(served.folder, **served.asked(into=into)) as path:
        assert contents(path) == GOOD


def test_a_model_that_is_one_file_gives_a_file(tmp_path: Path) -> None:
    model = write_files(tmp_path / "place", {"model.onnx": b"weights", "other": b"x"}) / "model.onnx"
    one = served_bundle.make(tmp_path, model)
    with gk.verified_load(one.folder, **one.asked()) as path:
        assert (path.name, path.read_bytes()) == ("model.onnx", b"weights")
        assert [each.name for each in path.parent.iterdir()] == ["model.onnx"]


def test_no_byte_of_the_model_is_read_twice(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    read = spied(monkeypatch)
    with gk.verified_load(served.folder, **served.asked()):
        assert {path: read[path] for path in GOOD} == dict.fromkeys(GOOD, 1)


def test_what_does_not_pass_is_not_loaded(tmp_path: Path, into: Path) -> None:
    bad = served_bundle.make(tmp_path, write_files(tmp_path / "model", GOOD), accuracy=0.25)
    with pytest.raises(gk.VerdictError, match="A fail: Right more often than not") as caught:
        gk.verified_load(bad.folder, **bad.asked(into=into)).__enter__()
    assert (caught.value.outcome, caught.value.exit_code) == ("BLOCK", 1)
    assert not list(into.iterdir())


@pytest.mark.parametrize("change", ["larger", "smaller", "added", "missing"])
def test_nothing_is_copied_unless_names_and_sizes_are_the_sealed_ones(
    served: Served, into: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    shard = served.model / "model-2.safetensors"
    if change in ("larger", "smaller"):
        with shard.open("r+b") as stream:
            stream.truncate(1 << 40 if change == "larger" else 10)
    elif change == "added":
        write_files(served.model, {"evil.py": b""})
    else:
        shard.unlink()
    read = spied(monkeypatch)
    with pytest.raises(gk.EvidenceError, match="MODEL_MISMATCH"):
        gk.verified_load(served.folder, **served.asked(into=into)).__enter__()
    assert not read.keys() & GOOD.keys()
    assert not list(into.iterdir())


def test_an_older_release_is_refused(served: Served, into: Path) -> None:
    with pytest.raises(gk.EvidenceError, match="REPLAY"):
        gk.verified_load(served.folder, **served.asked(into=into, minimum_sequence=2)).__enter__()
    assert not list(into.iterdir())


def test_a_place_without_room_is_told_before_anything_is_copied(
    served: Served, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(gk.UsageError, match="cannot hold a copy"):
        gk.verified_load(served.folder, **served.asked(into=into / "none")).__enter__()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(gk.UsageError, match="1,000 bytes are free, the copy of the model needs"):
        gk.verified_load(served.folder, **served.asked(into=into)).__enter__()
    assert not list(into.iterdir())


def test_a_copy_that_cannot_be_written_leaves_nothing(served: Served, into: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(gk.UsageError, match=r"safetensors: cannot be written \(File too large\)"):
            gk.verified_load(served.folder, **served.asked(into=into)).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(into.iterdir())
