from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from govkit import manifest
from govkit.errors import EvidenceError, UsageError
from govkit.manifest import FileDigest


def make(root: Path, **files: bytes) -> Path:
    for name, data in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def code(path: Path, *, strict: bool = True) -> tuple[str, str]:
    with pytest.raises(EvidenceError) as caught:
        manifest.walk(path, strict=strict)
    assert caught.value.file in str(caught.value).replace("\\\\", "\\")
    return caught.value.code, caught.value.file


def test_a_folder_by_hand(tmp_path: Path) -> None:
    make(tmp_path, b=b"abc", a__c=b"", a__b=b"12")
    (tmp_path / "empty").mkdir()
    assert manifest.walk(tmp_path) == (
        FileDigest("a/b", hashlib.sha256(b"12").hexdigest(), 2),
        FileDigest("a/c", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0),
        FileDigest("b", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3),
    )


def test_the_artifact_digest_by_hand(tmp_path: Path) -> None:
    make(tmp_path, b=b"abc", a=b"")
    listed = [
        {"path": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in (("a", b""), ("b", b"abc"))
    ]
    text = json.dumps({"alg": "sha256", "files": listed, "v": 1}, separators=(",", ":"))
    assert manifest.artifact_digest(tmp_path) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def test_a_single_file_goes_by_its_name(tmp_path: Path) -> None:
    make(tmp_path, one=b"abc", two=b"abc")
    (only,) = manifest.walk(tmp_path / "one")
    assert (only.path, only.size) == ("one", 3)
    assert manifest.artifact_digest(tmp_path / "one") != manifest.artifact_digest(tmp_path / "two")


def test_only_the_top_readme_is_left_out(tmp_path: Path) -> None:
    before = manifest.artifact_digest(make(tmp_path, w=b"abc", sub__x=b"1"))
    make(tmp_path, **{"README.md": b"# Card"})
    assert manifest.artifact_digest(tmp_path) == before
    assert "README.md" in [file.path for file in manifest.walk(tmp_path)]
    assert [file.path for file in manifest.artifact_files(tmp_path)] == ["sub/x", "w"]
    make(tmp_path, **{"sub__README.md": b"x"})
    assert manifest.artifact_digest(tmp_path) != before
    assert [file.path for file in manifest.artifact_files(tmp_path / "README.md")] == ["README.md"]


def test_the_left_out_file_is_still_looked_at(tmp_path: Path) -> None:
    make(tmp_path, w=b"abc")
    (tmp_path / "README.md").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError, match="SYMLINK"):
        manifest.artifact_digest(tmp_path)


def test_links_are_refused_by_a_verifier(tmp_path: Path) -> None:
    make(tmp_path, w=b"abc")
    os.link(tmp_path / "w", tmp_path.parent / f"{tmp_path.name}-elsewhere")
    assert code(tmp_path) == ("HARDLINK", "w")
    assert code(tmp_path / "w") == ("HARDLINK", "w")
    (tmp_path / "a").symlink_to("w")
    assert code(tmp_path) == ("SYMLINK", "a")
    assert code(tmp_path / "a") == ("SYMLINK", "a")


def test_a_recorder_takes_hard_links_as_files_and_symlinks_as_their_text(tmp_path: Path) -> None:
    plain = manifest.artifact_digest(make(tmp_path / "m", w=b"abc"))
    os.link(tmp_path / "m/w", tmp_path / "elsewhere")
    assert manifest.artifact_digest(tmp_path / "m", strict=False) == plain
    (tmp_path / "m/link").symlink_to("../elsewhere")
    (tmp_path / "m/folder").symlink_to("/", target_is_directory=True)
    first = manifest.walk(tmp_path / "m", strict=False)
    assert [(file.path, file.size) for file in first] == [("folder", 1), ("link", 12), ("w", 3)]
    (tmp_path / "elsewhere").unlink()
    assert manifest.walk(tmp_path / "m", strict=False) == first
    (tmp_path / "m/link").unlink()
    (tmp_path / "m/link").symlink_to("../elsewhen!")
    assert manifest.walk(tmp_path / "m", strict=False) != first


@pytest.mark.parametrize("data", [b"../elsewhere", b"symlink\0../elsewhere"])
def test_a_link_is_never_taken_for_a_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "link").mkdir()
    (tmp_path / "link/x").symlink_to("../elsewhere")
    make(tmp_path / "file", x=data)
    assert manifest.artifact_digest(tmp_path / "link", strict=False) != manifest.artifact_digest(tmp_path / "file")


def test_the_folder_itself_may_be_named_through_a_link(tmp_path: Path) -> None:
    make(tmp_path / "m", w=b"abc")
    (tmp_path / "current").symlink_to("m")
    assert manifest.artifact_digest(tmp_path / "current") == manifest.artifact_digest(tmp_path / "m")


@pytest.mark.parametrize("strict", [True, False])
def test_special_files_are_refused(tmp_path: Path, strict: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert code(tmp_path, strict=strict) == ("SPECIAL", "pipe")
    assert code(tmp_path / "pipe", strict=strict) == ("SPECIAL", "pipe")
    assert code(Path("/dev/null"), strict=strict) == ("SPECIAL", "null")


def test_a_socket_is_refused() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as end:
        end.bind(f"{folder}/s")
        assert code(Path(folder)) == ("SPECIAL", "s")


@pytest.mark.parametrize("name", ["a:b", "a\\b", "a\tb", "e\u0301", "a\udcff", "\x7f", "CON:"])
def test_bad_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(EvidenceError, match="BAD_PATH") as caught:
        manifest.walk(tmp_path)
    assert caught.value.file == name
    str(caught.value).encode("ascii")


def test_a_bad_name_of_a_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path, **{"a:b__c": b""})
    assert code(tmp_path) == ("BAD_PATH", "a:b/c")


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/", "", ".", "a/./b", "a/../b", "a\\..\\b", "C:x", "a\0b"])
def test_paths_that_leave_or_vary_are_refused(path: str) -> None:
    with pytest.raises(EvidenceError, match="BAD_PATH"):
        manifest.refuse_bad_path(path)


@pytest.mark.parametrize("path", ["a", "a/b", ".git/x", "..a", "é", "日本/語.txt", "a b", "…"])
def test_ordinary_paths_are_taken(path: str) -> None:
    manifest.refuse_bad_path(path)


@pytest.mark.parametrize(("one", "two"), [("a", "A"), ("ß", "ss"), ("x/a", "X/b"), ("ﬁ", "FI"), ("a", "A/b")])
def test_names_that_differ_in_case_clash(tmp_path: Path, one: str, two: str) -> None:
    make(tmp_path, **{one.replace("/", "__"): b"", two.replace("/", "__"): b""})
    with pytest.raises(EvidenceError, match="CASE_CLASH"):
        manifest.walk(tmp_path)


def _rewritten(path: Path) -> None:
    path.write_bytes(b"evil")
    os.utime(path, ns=(0, 0))


def _linked(path: Path) -> None:
    os.link(path, path.parent.parent / f"{path.parent.name}-linked")


@pytest.mark.parametrize(("change", "expected"), [(_rewritten, "CHANGED"), (_linked, "HARDLINK")])
def test_a_file_that_changes_after_it_was_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], expected: str
) -> None:
    make(tmp_path, w=b"good")
    read = manifest._read

    def then_changed(*given: Any) -> str:
        digest = read(*given)
        change(tmp_path / "w")
        return digest

    monkeypatch.setattr(manifest, "_read", then_changed)
    assert code(tmp_path) == (expected, "w")


def test_a_missing_or_closed_path_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        manifest.walk(tmp_path / "none")
    make(tmp_path, w=b"x")
    with pytest.raises(UsageError, match="w/x: cannot be read"):
        manifest.walk(tmp_path / "w/x")
