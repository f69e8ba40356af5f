"""What one process and its children read: seen by which channel, in which mode, and what is left out."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from govkit.errors import UsageError
from govkit.lineage.reads import Patches, Reads, hook, readers


@pytest.fixture
def recording() -> Iterator[Callable[..., Reads]]:
    """Starts recordings, and stops what a failed test left."""
    made: list[Reads] = []

    def start(*roots: Path, patches: Patches | None = None) -> Reads:
        made.append(Reads(roots, patches))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()
    assert hook.active is None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("x\n1\n")
    return path


def python(code: str, *options: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False, **more)


def forked(work: Callable[[], Any]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_the_ways_of_opening(recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = ["read", "relative", "bytes", "number", "written", "read_first", "written_first", "updated", "appended"]
    for name in names:
        (tmp_path / name).write_text("text")
    reads = recording()
    (tmp_path / "read").read_text()
    monkeypatch.chdir(tmp_path)
    os.close(os.open("relative", os.O_RDONLY))
    with open(os.fsencode(tmp_path / "bytes")) as once, open(once.fileno(), closefd=False):  # noqa: PTH123
        pass
    (tmp_path / "written").write_text("new")
    (tmp_path / "read_first").read_text()
    (tmp_path / "read_first").write_text("new")
    (tmp_path / "written_first").write_text("new")
    (tmp_path / "written_first").read_text()
    with (tmp_path / "updated").open("r+"), (tmp_path / "appended").open("a"):
        pass
    with pytest.raises(FileNotFoundError):
        (tmp_path / "absent").read_text()
    os.close(os.open(tmp_path, os.O_RDONLY))
    reads.stop()
    (tmp_path / "number").read_text()
    seen = {path.name: each for path, each in reads.files().items() if path.parent == tmp_path}
    assert {name: each.mode for name, each in seen.items()} == {
        "read": "read",
        "relative": "read",
        "bytes": "read",
        "written": "written",
        "read_first": "read and written",
        "written_first": "written",
        "updated": "read and written",
        "appended": "written",
    }
    assert {frozenset(each.channels) for each in seen.values()} == {frozenset({"hook"})}


def test_a_class_of_a_reader_stays_itself_and_notes_what_it_is_given(recording, tmp_path: Path):
    names = [tmp_path / f"{number}.parquet" for number in range(3)]
    for name in names:
        pyarrow.parquet.write_table(pa.table({"x": [1]}), name)
    kind = pyarrow.parquet.ParquetFile
    reads = recording()
    assert pyarrow.parquet.ParquetFile is kind
    for number, each in enumerate((kind, type("Mine", (kind,), {}))):
        with each(names[number]) as file:
            assert isinstance(file, kind)
    assert pyarrow.parquet.ParquetDataset(path_or_paths=names[2]).read().num_rows == 1
    reads.stop()
    assert all("wrapper" in reads.files()[name].channels for name in names)


def test_a_change_during_the_run_can_be_told(recording, file: Path):
    before = file.stat()
    reads = recording()
    file.read_text()
    file.with_name("other").write_text("x\n22\n")
    file.with_name("other").replace(file)
    file.read_text()
    reads.stop()
    seen = reads.files()[file]
    assert (seen.size, seen.mtime_ns, seen.inode) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert (seen.size, seen.inode) != (file.stat().st_size, file.stat().st_ino)


def test_sqlite_by_path_and_by_address(recording, tmp_path: Path):
    for name in ("a.db", "b.db"):
        with closing(sqlite3.connect(tmp_path / name)) as made:
            made.execute("create table t (x)")
    reads = recording()
    for address in (tmp_path / "a.db", f"file:{tmp_path}/b.db?mode=ro", ":memory:", ""):
        sqlite3.connect(address, uri=True).close()
    reads.stop()
    assert {path.name for path in reads.files() if path.parent == tmp_path} == {"a.db", "b.db"}


def test_code_and_system_files_are_left_out_and_data_of_packages_stay(recording):
    import sklearn

    packages = Path(sklearn.__file__).parents[1]
    data = packages / "sklearn" / "datasets" / "data" / "iris.csv"
    record = next(packages.glob("scikit_learn-*.dist-info")) / "METADATA"
    left_out = [Path(os.__file__), packages / "sklearn" / "base.py", record, Path("/etc/hostname"), Path("/proc/stat")]
    reads = recording()
    for path in (data, *left_out):
        path.read_bytes()
    reads.stop()
    assert not set(left_out) & set(reads.files())
    assert data in reads.files()
    assert not [path for path in reads.files() if "govkit-reads-" in str(path)]


CHILDREN = {
    "forked": lambda path: forked(Path(path).read_text),
    "python": lambda path: python(f"open({path!r})"),
    "native reader in a python child": lambda path: python(f"from pyarrow import csv; csv.read_csv({path!r})"),
    "grandchild": lambda path: python(
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'open({path!r})'])".replace(
            f"'open('{path}')'", f'"open({path!r})"'
        )
    ),
    "forked by a python child": lambda path: python(
        f"import os\nif os.fork() == 0:\n    open({path!r})\n    os._exit(0)\nos.wait()"
    ),
}


@pytest.mark.parametrize("way", CHILDREN)
def test_python_children_report(recording, file: Path, way: str):
    reads = recording()
    CHILDREN[way](str(file))
    reads.stop()
    expected = {"child", "wrapper" if "native" in way else "hook"}
    assert set(reads.files()[file].channels) == expected
    assert reads.channels()["child processes"] == "seen"


SILENT = {
    "cat": lambda: subprocess.run(["cat", "/dev/null"], check=True),
    "sh": lambda: subprocess.run("exit 0", shell=True, check=True),  # noqa: S602
    Path(sys.executable).name: lambda: python("1", "-I"),
    f"{Path(sys.executable).name}, {Path(sys.executable).name}": lambda: (python("1", "-E"), python("1", env={})),
    "true": lambda: forked(lambda: os.execv("/bin/true", ["true"])),  # noqa: S606
    "true, false": lambda: python("import subprocess as s; s.run(['true']); s.run(['false'])"),
    "uname": lambda: os.waitpid(
        os.posix_spawn("/bin/uname", ["uname"], {}, file_actions=[(os.POSIX_SPAWN_CLOSE, 1)]), 0
    ),
    "rm": lambda: os.spawnvp(os.P_WAIT, "rm", ["rm", "-f"]),  # noqa: S606
}


@pytest.mark.parametrize("name", SILENT)
def test_children_that_cannot_report_are_named(recording, name: str):
    reads = recording()
    SILENT[name]()
    reads.stop()
    assert reads.channels()["child processes"] == f"not seen: no report from {name}"


def test_a_child_that_could_not_be_started_is_none(recording):
    reads = recording()
    with pytest.raises(FileNotFoundError):
        subprocess.run(["/no/such/program"], check=True)
    assert reads.channels()["child processes"] == "seen"


def test_children_when_their_reports_are_swept_away(recording):
    reads = recording()
    reads._spool.unlink()
    assert "whose file is gone" in reads.channels()["child processes"]
    reads.stop()


def test_a_child_that_closed_its_handles_writes_to_no_other_file(recording, file: Path, tmp_path: Path):
    def work() -> None:
        os.closerange(3, 64)
        for number in range(20):
            os.open(tmp_path / f"own{number}", os.O_RDWR | os.O_CREAT)
        file.read_text()

    reads = recording()
    forked(work)
    reads.stop()
    assert "child" in reads.files()[file].channels
    assert {path.read_bytes() for path in tmp_path.glob("own*")} == {b""}


def test_the_next_sitecustomize_still_runs_in_children(recording):
    """The suite's own refuses the network."""
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    recording()
    assert "tests may not" in python(code).stderr
    found = python("import sys, sitecustomize; print(sitecustomize.__file__, sys.path)").stdout
    assert "support" in found
    assert "govkit-reads-" not in found


@pytest.mark.parametrize("before", [None, "", "/somewhere"])
def test_the_environment_is_restored(recording, monkeypatch: pytest.MonkeyPatch, before: str | None):
    monkeypatch.delenv("PYTHONPATH")
    if before is not None:
        monkeypatch.setenv("PYTHONPATH", before)
    reads = recording()
    assert os.environ["PYTHONPATH"].split(os.pathsep)[1:] == ([before] if before else [])
    folder = Path(os.environ["PYTHONPATH"].split(os.pathsep)[0])
    assert folder.is_dir()
    reads.stop()
    assert os.environ.get("PYTHONPATH", "") == (before or "")
    assert not folder.exists()


def test_a_forked_child_cannot_end_the_recording(recording, file: Path):
    reads = recording()
    forked(reads.stop)
    file.read_text()
    reads.stop()
    assert reads.files()[file].channels == {"hook"}


def test_a_second_recording_is_refused(recording):
    recording()
    with pytest.raises(UsageError, match="recorded already"):
        recording()


def test_one_after_the_other_and_nothing_between(recording, file: Path):
    first = recording()
    first.stop()
    file.read_text()
    pa.csv.read_csv(file)
    second = recording()
    pa.csv.read_csv(file)
    second.stop()
    assert file not in first.files()
    assert second.files()[file].channels == {"wrapper"}


def test_patches_that_are_shared_are_left_to_their_owner(recording, file: Path):
    patches = Patches()
    reads = recording(patches=patches)
    reads.stop()
    assert hasattr(pa.csv.read_csv, "__wrapped__")
    pa.csv.read_csv(file)
    assert file not in reads.files()
    patches.undo()
    assert not hasattr(pa.csv.read_csv, "__wrapped__")


def test_what_the_recorder_itself_does_is_not_seen(recording, file: Path):
    reads = recording()
    with reads.paused():
        file.read_text()
        subprocess.run(["true"], check=True)
    reads.stop()
    assert file not in reads.files()
    assert reads.channels()["child processes"] == "seen"


def test_files_and_channels_while_it_runs(recording, file: Path):
    reads = recording(file.parent)
    subprocess.run(["cat", str(file)], check=True, stdout=subprocess.DEVNULL)
    assert reads.files()[file].channels == {"folder watch"}
    assert "cat" in reads.channels()["child processes"]
    assert reads.calls["child"] == 1


class TestFolderWatch:
    def test_new_folders_and_what_is_written(self, recording, tmp_path: Path):
        (tmp_path / "a" / "b").mkdir(parents=True)
        for name in ("read.txt", "changed.txt"):
            (tmp_path / "a" / "b" / name).write_text("text")
        reads = recording(tmp_path)
        shell = "cd a/b; cat read.txt; cat changed.txt >> new.txt; echo x >> changed.txt; mkdir c"
        subprocess.run(shell, shell=True, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)  # noqa: S602
        reads.files()
        subprocess.run("echo x > late.txt", shell=True, check=True, cwd=tmp_path / "a" / "b" / "c")  # noqa: S602
        reads.stop()
        assert {path.name: each.mode for path, each in reads.files().items()} == {
            "read.txt": "read",
            "changed.txt": "read and written",
            "new.txt": "written",
            "late.txt": "written",
        }
        assert reads.channels()["declared folders"] == "seen"

    def test_a_single_file(self, recording, file: Path):
        file.with_name("other").write_text("text")
        reads = recording(file)
        subprocess.run(["cat", str(file), str(file.with_name("other"))], check=True, stdout=subprocess.DEVNULL)
        reads.stop()
        assert list(reads.files()) == [file]

    def test_a_declared_folder_of_the_system_is_not_left_out(self, recording):
        reads = recording(Path("/usr/share/doc/base-files"))
        next(Path("/usr/share/doc/base-files").iterdir()).read_bytes()
        reads.stop()
        assert len(reads.files()) == 1

    def test_more_than_the_queue_holds(self, recording, file: Path):
        file.with_name("other").write_text("text")
        limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        reads = recording(file.parent)
        os.kill(reads._watcher.pid, signal.SIGSTOP)
        for _ in range(limit // 2 + 10):
            for path in (file, file.with_name("other")):
                os.close(os.open(path, os.O_RDONLY))
        os.kill(reads._watcher.pid, signal.SIGCONT)
        reads.stop()
        assert reads.channels()["declared folders"] == "not seen: more was opened at once than the queue holds"

    def test_a_watcher_that_dies(self, recording, file: Path):
        reads = recording(file.parent)
        os.kill(reads._watcher.pid, signal.SIGKILL)
        reads._watcher.wait()
        reads.stop()
        assert reads.channels()["declared folders"] == "not seen: the watching process ended early"
        assert reads.channels()["other native readers"].startswith("not seen")

    def test_it_does_not_outlive_a_killed_parent(self, tmp_path: Path):
        code = (
            "import os, signal; from pathlib import Path; from govkit.lineage.reads import Reads\n"
            f"reads = Reads([Path({str(tmp_path)!r})]); reads.start()\n"
            "print(reads._watcher.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
        )
        # The watcher holds a copy of standard error until it ends, so this returns when it has.
        done = python(code, env=os.environ | {"TMPDIR": str(tmp_path)})
        assert done.returncode == -signal.SIGKILL
        left = Path(f"/proc/{int(done.stdout)}/cmdline")
        # Until its new parent takes notice, a process that has ended is there without a command line.
        assert not left.exists() or not left.read_bytes()

    def test_links_that_lead_out(self, recording, tmp_path: Path):
        (tmp_path / "out").mkdir()
        (tmp_path / "root" / "in").mkdir(parents=True)
        (tmp_path / "root" / "to_out").symlink_to(tmp_path / "out")
        (tmp_path / "root" / "to_in").symlink_to(tmp_path / "root" / "in")
        reads = recording(tmp_path / "root")
        assert reads.channels()["declared folders"] == "not seen: 1 links lead out of the declared folders"

    def test_a_folder_that_does_not_exist(self, recording, tmp_path: Path):
        reads = recording(tmp_path / "absent")
        assert "could not be watched: No such file" in reads.channels()["declared folders"]

    def test_elsewhere_than_on_linux(self, recording, file: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(sys, "platform", "darwin")
        reads = recording(file.parent)
        file.read_text()
        reads.stop()
        assert reads.channels()["declared folders"] == "not seen: folders can be watched on Linux only"
        assert reads.files()[file].channels == {"hook"}


def test_what_is_never_seen_is_always_named(recording):
    channels = recording().channels()
    unseen = {name for name, what in channels.items() if what != "seen"}
    assert unseen == {
        "declared folders",
        "other native readers",
        "reads before the recording",
        "files opened relative to a folder handle",
        "children of native code",
        "network",
    }
    assert all(what == "seen" or what.startswith("not seen: ") for what in channels.values())


def test_calls_are_counted(recording, file: Path):
    reads = recording()
    for _ in range(3):
        file.read_text()
        sys.audit("some.event")
    pa.csv.read_csv(file)
    reads.stop()
    sys.audit("some.event")
    calls = reads.calls
    assert (calls["open"], calls["first sight"], calls["wrapper"]) == (3, 2, 1)
    assert calls["event"] >= 3


class TestArguments:
    """Which files the arguments of a reader name."""

    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        for name in ("a.csv", "b.csv", "d/c.csv", "d/_hidden", "csv/x.csv"):
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text("x\n1\n")

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            (("a.csv",), ["a.csv"]),
            ((Path("a.csv"), "r"), ["a.csv"]),
            ((["a.csv", Path("b.csv")],), ["a.csv", "b.csv"]),
            (("*.csv",), ["a.csv", "b.csv"]),
            (("d",), ["d/c.csv"]),
            (("absent.csv",), []),
            ((b"a.csv",), []),
            ((object(),), []),
            (("\0",), []),
            (("x" * 9999,), []),
            ((), []),
        ],
    )
    def test_of_readers(self, given: tuple[Any, ...], found: list[str]):
        assert sorted(readers._given(given, {})) == found
        if given:
            assert sorted(readers._given((), {"source": given[0], "columns": "b.csv"})) == found

    @pytest.mark.parametrize(
        ("given", "found"),
        [
            (("select * from 'a.csv' join \"b.csv\" using (x)",), ["a.csv", "b.csv"]),
            (("select * from '*.csv'",), ["a.csv", "b.csv"]),
            (("select * from read_csv(?)", ["a.csv"]), ["a.csv"]),
            (("insert into t values (?, ?, 'what?', 'd')",), []),
            (("*.csv",), ["a.csv", "b.csv"]),
            (("select 2 ** 3",), []),
        ],
    )
    def test_of_queries(self, given: tuple[Any, ...], found: list[str]):
        assert sorted(readers._quoted(given, {})) == found

    @pytest.mark.parametrize(
        ("args", "kwargs", "found"),
        [
            (("csv",), {"data_files": "a.csv"}, ["a.csv"]),
            (("csv", None, "d", "c.csv"), {}, ["d/c.csv"]),
            (("text",), {"data_files": {"train": ["a.csv"], "test": "b.csv"}}, ["a.csv", "b.csv"]),
            (("text",), {"data_dir": "d"}, ["d/c.csv"]),
            (("d",), {"cache_dir": "csv"}, ["d/c.csv"]),
            (("some/hub_id",), {}, []),
            ((), {"path": "text", "data_files": "*.csv"}, ["a.csv", "b.csv"]),
        ],
    )
    def test_of_load_dataset(self, args: tuple[Any, ...], kwargs: dict[str, Any], found: list[str]):
        assert datasets.__name__ in sys.modules
        assert sorted(readers.loaded(args, kwargs)) == found

    def test_a_reader_that_writes(self, recording, tmp_path: Path):
        reads = recording()
        with pa.OSFile(str(tmp_path / "b.csv"), "wb") as file:
            file.write(b"1")
        with pa.memory_map(str(tmp_path / "a.csv"), "r") as file:
            file.read()
        reads.stop()
        assert {path.name: each.mode for path, each in reads.files().items()} == {"a.csv": "read", "b.csv": "written"}

    def test_where_the_working_folder_is_gone(self, recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        recording()
        (tmp_path / "gone").rmdir()
        with pytest.raises(FileNotFoundError):
            pa.csv.read_csv("a.csv")
        with pytest.raises(FileNotFoundError):
            Path("a.csv").read_text()
