"""Folders that were laid out to harm, or that change while they are looked at: each has its code, none is believed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import evidence_bundle as tools
import pytest
from evidence_bundle import Small
from watchdog import alarm

from govkit import manifest
from govkit.errors import EvidenceError, UsageError
from govkit.manifest.folder import opened

NOBODY = 65534
TERABYTE = 1 << 40
CHILD = """
import json, sys
from pathlib import Path
from govkit import manifest
found = getattr(manifest, sys.argv[1])(Path(sys.argv[2]))
# Not ru_maxrss, which starts with the memory of the parent.
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([len(found), peak / 1024]))
"""


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return tools.make(tmp_path)


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder for what is too deep for Python to remove."""
    folder = tmp_path / "deep"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def code_of(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(EvidenceError) as caught:
        call()
    return caught.value.code, caught.value.file


def both(path: Path) -> tuple[str, str]:
    """What names and sizes alone are refused for, the bytes are refused for too."""
    refused = code_of(lambda: manifest.listing(path))
    assert refused == code_of(lambda: manifest.walk(path))
    return refused


def nest(folder: Path, names: list[str]) -> None:
    """Folders in folders, made one after the other since the whole path may be too long for the system."""
    handle = os.open(folder, os.O_DIRECTORY)
    for name in names:
        os.mkdir(name, dir_fd=handle)
        above, handle = handle, os.open(name, os.O_DIRECTORY, dir_fd=handle)
        os.close(above)
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)


def test_a_listing_names_what_a_walk_reads(small: Small) -> None:
    read = manifest.walk(small.model)
    assert manifest.listing(small.model) == {file.path: file.size for file in read}
    assert list(manifest.listing(small.model)) == sorted(tools.MODEL)
    assert manifest.listing(small.model / "config.json") == {"config.json": len(tools.MODEL["config.json"])}
    assert manifest.walk(small.model, manifest.listing(small.model)) == read
    with pytest.raises(UsageError, match="no such file"):
        manifest.listing(small.model / "none")


def test_only_what_was_listed_is_read(small: Small) -> None:
    sizes = manifest.listing(small.model)
    (small.model / "added").write_bytes(b"x")
    assert {file.path for file in manifest.walk(small.model, sizes)} == set(sizes)
    with (small.model / "model-1.safetensors").open("ab") as stream:
        stream.truncate(TERABYTE)
    with alarm(60):  # a terabyte takes longer to read
        assert code_of(lambda: manifest.walk(small.model, sizes)) == ("CHANGED", "model-1.safetensors")
    (small.model / "config.json").unlink()
    assert code_of(lambda: manifest.walk(small.model, sizes)) == ("CHANGED", "config.json")


@pytest.mark.parametrize("name", ["a\nb", "e\u0301", "a\udcff", "a\\b", "a:b", "\x85", "nul\x01"])
def test_a_hostile_name_is_refused_deep_in_a_folder_too(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / name).write_bytes(b"")
    with pytest.raises(EvidenceError, match="BAD_PATH") as caught:
        manifest.listing(tmp_path)
    assert caught.value.file == f"sub/{name}"
    assert "\n" not in str(caught.value)
    with pytest.raises(EvidenceError, match="BAD_PATH"):
        manifest.walk(tmp_path)


def test_a_pipe_never_blocks(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "sub/pipe")
    found: list[tuple[str, str]] = []
    thread = threading.Thread(target=lambda: found.append(both(tmp_path)), daemon=True)
    thread.start()
    thread.join(10)
    assert found == [("SPECIAL", "sub/pipe")]


def test_a_device_is_not_read() -> None:
    assert both(Path("/dev/zero")) == ("SPECIAL", "zero")


def test_links_and_clashes_are_seen_in_a_listing(tmp_path: Path) -> None:
    model = tools.write_files(tmp_path / "m", {"a/w": b"x", "b/w": b"y"})
    (model / "c").symlink_to("a")
    assert both(model) == ("SYMLINK", "c")
    (model / "c").unlink()
    os.link(model / "a/w", tmp_path / "elsewhere")
    assert both(model) == ("HARDLINK", "a/w")
    tools.write_files(model, {"B/v": b""})
    assert both(model) == ("CASE_CLASH", "b")


def test_a_thousand_folders_in_each_other_are_walked(deep: Path) -> None:
    nest(deep, ["d"] * 1000)
    (only,) = manifest.walk(deep)
    assert only.path == "d/" * 1000 + "end"
    assert manifest.listing(deep) == {only.path: 0}


@pytest.mark.parametrize("names", [["d" * 250] * 20, ["d"] * 3000], ids=["long", "deep"])
def test_a_path_that_no_system_call_takes_is_refused(deep: Path, names: list[str]) -> None:
    nest(deep, names)
    with pytest.raises(EvidenceError, match="longer than 4095 bytes") as caught:
        manifest.listing(deep)
    assert caught.value.code == "BAD_PATH"
    assert len(str(caught.value)) < 600
    with pytest.raises(UsageError, match="cannot be read"):
        manifest.walk(deep / ("d/" * 3000))


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """A user that permissions hold for; the superuser of a container reads everything."""
    if os.geteuid() != 0:
        yield
        return
    for place in (folder, *folder.rglob("*")):
        os.chown(place, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", ["shut", "open/w"])
def test_what_may_not_be_read_is_named(name: str) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as top:
        model = tools.write_files(Path(top) / "m", {"shut/w": b"x", "open/w": b"y", "open/v": b"z"})
        with as_nobody(Path(top)):
            (model / name).chmod(0)
            with pytest.raises(UsageError, match=f"{name}: cannot be read"):
                manifest.walk(model)
            (model / name).chmod(0o700)
            assert len(manifest.walk(model)) == 3


def _replaced(model: Path) -> None:
    (model / "other").rename(model / "sub/w")


def _linked(model: Path) -> None:
    (model / "sub/w").unlink()
    (model / "sub/w").symlink_to("../other")


def _piped(model: Path) -> None:
    (model / "sub/w").unlink()
    os.mkfifo(model / "sub/w")


def _removed(model: Path) -> None:
    (model / "sub/w").unlink()


def _a_folder(model: Path) -> None:
    (model / "sub/w").unlink()
    (model / "sub/w").mkdir()


def _grown(model: Path) -> None:
    with (model / "sub/w").open("ab") as stream:
        stream.truncate(TERABYTE)


def _folder_linked(model: Path) -> None:
    """The very same files, through a link in the middle."""
    (model / "sub").rename(model / "moved")
    (model / "sub").symlink_to("moved")


def _folder_removed(model: Path) -> None:
    shutil.rmtree(model / "sub")


SWAPS = [_replaced, _linked, _piped, _removed, _a_folder, _grown, _folder_linked, _folder_removed]


@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__[1:])
@pytest.mark.parametrize("copied", [True, False])
def test_a_swap_between_listing_and_opening_is_noticed(
    tmp_path: Path, swap: Callable[[Path], None], copied: bool
) -> None:
    model = tools.write_files(tmp_path / "m", {"sub/w": b"good", "other": b"evil"})
    (into := tmp_path / "copy").mkdir()
    with opened(model) as root:
        seen = manifest._listed(root, strict=True)[-1]
        swap(model)
        digest = lambda: manifest._digest(seen, root=root, strict=True, into=into if copied else None)  # noqa: E731
        assert code_of(digest) == ("CHANGED", "sub/w")
    assert not any(path.read_bytes() for path in into.rglob("*") if path.is_file())


def test_the_folder_that_was_opened_is_walked_whatever_takes_its_name(tmp_path: Path) -> None:
    good, evil = (tools.write_files(tmp_path / name, {"w": name.encode()}) for name in ("good", "evil"))
    (tmp_path / "model").symlink_to(good)
    with opened(tmp_path / "model") as root:
        (tmp_path / "model").unlink()
        (tmp_path / "model").symlink_to(evil)
        (seen,) = manifest._listed(root, strict=True)
        assert manifest._digest(seen, root=root, strict=True, into=None).sha256 == tools.sha256(b"good")


def test_a_folder_swapped_for_a_link_all_the_time_never_leads_astray(tmp_path: Path) -> None:
    model = tools.write_files(tmp_path / "m", {"sub/w": b"good"})
    evil = tools.write_files(tmp_path / "evil", {"w": b"evil"})
    stop = threading.Event()

    def swapping() -> None:
        while not stop.is_set():
            (model / "sub").rename(tmp_path / "aside")
            (model / "sub").symlink_to(evil)
            (model / "sub").unlink()
            (tmp_path / "aside").rename(model / "sub")
            time.sleep(0.0005)

    thread = threading.Thread(target=swapping)
    thread.start()
    seen: dict[str, int] = {}
    try:
        for _ in range(3000):
            try:
                found = "".join(file.sha256 for file in manifest.walk(model))
            except EvidenceError as error:
                found = error.code
            seen[found] = seen.get(found, 0) + 1
    finally:
        stop.set()
        thread.join()
    assert set(seen) <= {tools.sha256(b"good"), "", "SYMLINK", "CHANGED"}
    assert seen[tools.sha256(b"good")]
    assert len(seen) > 1


def test_a_hundred_thousand_files_need_little_memory_and_few_descriptors(tmp_path: Path) -> None:
    for number in range(100):
        (folder := tmp_path / f"folder-{number:03}").mkdir()
        handle = os.open(folder, os.O_DIRECTORY)
        for file in range(1000):
            os.close(os.open(f"file-{file:05}.bin", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
        os.close(handle)
    for name in ("listing", "walk"):
        command = ["sh", "-c", 'ulimit -n 48; exec "$@"', "sh", sys.executable, "-c", CHILD, name, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        files, peak = json.loads(done.stdout)
        assert files == 100_000
        assert peak <= 120  # MB, Python with them


# The verifier


def sparse(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.truncate(TERABYTE)


@pytest.mark.parametrize(
    ("harm", "code", "file"),
    [
        (lambda b: sparse(b.model / "model-1.safetensors"), "MODEL_MISMATCH", "model-1.safetensors"),
        (lambda b: sparse(b.folder / "report.pdf"), "BOUND_FILE", "report.pdf"),
        (lambda b: (b.model / "config.json").unlink(), "MODEL_MISMATCH", "config.json"),
        (lambda b: (b.model / "evil.py").write_bytes(b""), "MODEL_MISMATCH", "evil.py"),
        (lambda b: (b.folder / "evil.txt").write_bytes(b""), "EXTRA_FILE", "evil.txt"),
    ],
    ids=["huge weights", "huge document", "missing", "added", "added to the bundle"],
)
def test_a_verifier_refuses_wrong_names_and_sizes_before_it_reads(
    small: Small, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Small], object], code: str, file: str
) -> None:
    harm(small)
    read: list[str] = []
    whole = manifest._read
    monkeypatch.setattr(
        manifest, "_read", lambda handle, seen, copy: (read.append(seen.path), whole(handle, seen, copy))[1]
    )
    assert code_of(small.check) == (code, file)
    assert not {path for path in read if path in tools.MODEL or code != "MODEL_MISMATCH"}
