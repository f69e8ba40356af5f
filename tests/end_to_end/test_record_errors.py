"""What goes wrong during a run stops neither the training nor the record, and the record says it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from case_fixture import make_case
from transformers import TrainerCallback
from ways_fixture import make_base, train_trainer

import govkit as gk
from govkit.checks.provenance.lineage_complete import lineage_complete
from govkit.core import Measurement
from govkit.lineage import recorder

LOOP = """\
from pathlib import Path

import torch

def train(steps=2):
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    torch.save(model.state_dict(), "model.pt")

"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recorder, "PAUSE", 0.0)
    (tmp_path / "train.csv").write_text("text,label\na,1\nb,0\n")
    (tmp_path / "other.csv").write_text("text,label\nc,1\nd,0\n")
    return tmp_path


def run_script(text: str, **options: object) -> int:
    Path("train.py").write_text(LOOP + text)
    return gk.record_script("train.py", out="run", **options)  # type: ignore[arg-type]


def against(run: gk.Run) -> float:
    """What the check counts against a record."""
    case = make_case([0, 1], [0.2, 0.7], run=run)
    found = {each.name: each for each in lineage_complete.function(case) if isinstance(each, Measurement)}
    return float(found["contradictions"].value)  # type: ignore[arg-type]


def kinds(run: gk.Run) -> list[str]:
    return [problem.kind for problem in run.problems]


def govkit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "govkit", "record", *arguments], capture_output=True, text=True, check=False
    )


# Usage


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--"], "no script: write it after --"),
        (["--", "absent.py"], "absent.py: no such script"),
        (["-o", "elsewhere.json", "--", "train.py"], "a record is called run.json"),
        (["--base", "absent", "--", "train.py"], "the base 'absent' does not exist"),
        (["--base", "strange", "--", "train.py"], "the base 'strange' cannot be digested: SPECIAL: 'pipe' is a device"),
        (["--data", "train.csv", "--", "train.py"], "expected ROLE=PATH"),
        (["--data", "train=absent.csv", "--", "train.py"], "absent.csv"),
        (["--root", "absent", "--", "train.py"], "the data root 'absent' is not a folder"),
        (["--resume", "--", "train.py"], "run.json: cannot be read"),
        (["--nothing", "--", "train.py"], "No such option: --nothing"),
        (["-o", "train.csv/a/run.json", "--", "train.py"], "a record cannot be written there (Not a directory)"),
        (["--replay", "absent"], "absent: cannot be read"),
    ],
)
def test_what_was_asked_for_wrongly_leaves_nothing_behind(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "train.py").write_text("raise SystemExit('it ran')")
    (folder / "strange").mkdir()
    os.mkfifo(folder / "strange" / "pipe")
    before = sorted(folder.rglob("*"))
    code, told = command(arguments, capsys)
    assert (code, sorted(folder.rglob("*"))) == (2, before), told
    assert message in " ".join(told.split())


def command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The command in this process: its exit code and what it says."""
    from govkit.cli import main

    argv, sys.argv = sys.argv, ["govkit", "record", *arguments]
    pipe = signal.getsignal(signal.SIGPIPE)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        sys.argv = argv
        signal.signal(signal.SIGPIPE, pipe)
    return int(ended.value.code or 0), capsys.readouterr().err


def test_a_run_is_not_recorded_over_another_nor_gone_on_with_at_its_end() -> None:
    assert run_script("train()") == 0
    written = Path("run/run.json").read_bytes()
    with pytest.raises(gk.UsageError, match=r"run\.json exists already"):
        run_script("train()")
    with pytest.raises(gk.UsageError, match="this run finished, there is nothing to resume"):
        run_script("train()", resume=True)
    assert Path("run/run.json").read_bytes() == written


def test_one_recording_at_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    code = run_script("import govkit\nwith govkit.record('second'):\n    pass\n")
    assert code == 1
    assert "UsageError: a run is recorded in this process already, in " in capsys.readouterr().err
    assert gk.read_run("run").exit == "failed"
    assert not Path("second").exists()
    assert run_again() == "finished"


def run_again() -> str:
    """The next recording of this process is not disturbed."""
    with gk.record("next"):
        pass
    return gk.read_run("next").exit


TUNE = """
model = torch.nn.Linear(2, 2)
model.load_state_dict(torch.load("BASE/base.pt"))
optimizer = torch.optim.SGD(model.parameters())
model(torch.ones(1, 2)).sum().backward()
optimizer.step()
"""


def small_base(folder: Path, *, seed: int = 0) -> None:
    torch.manual_seed(seed)
    folder.mkdir()
    torch.save(torch.nn.Linear(2, 2).state_dict(), folder / "base.pt")


def test_a_script_may_change_its_folder_and_move_things(folder: Path) -> None:
    small_base(folder / "base")
    told = """
import os, shutil
os.mkdir("inner")
os.chdir("inner")
Path("../train.csv").read_text()
shutil.rmtree("../base")
torch.save(model.state_dict(), "model.pt")
"""
    assert run_script(TUNE.replace("BASE", "base") + told, data={"train.csv": "train"}) == 0
    run = gk.read_run(folder / "run")
    assert (run.exit, kinds(run), list(run.outputs)) == ("finished", [], ["model.pt"])
    assert (run.base.id.value, run.base.digest.seen) == ("base.pt", "observed")


def test_a_forked_child_that_comes_to_the_end_writes_nothing(folder: Path) -> None:
    told = "import os\npid = os.fork()\nif pid == 0:\n    train(3)\n    raise SystemExit(9)\n"
    marker = os.getpid()
    code = run_script(told + "os.waitpid(pid, 0)\ntrain(5)\n")
    if os.getpid() != marker:
        os._exit(0)
    assert code == 0
    run = gk.read_run("run")
    assert (run.exit, run.parts[0].exit_code, run.hyperparameters["steps_done"].value) == ("finished", 0, 5)


# Things that change during a run


CHANGES: dict[str, tuple[str, dict[str, object]]] = {
    "declared": ("train()\nPath('train.csv').write_text('text,label\\na,0\\n')", {"data": {"train.csv": "train"}}),
    "seen": ("Path('other.csv').read_text()\ntrain()\nPath('other.csv').write_text('text,label\\na,0\\n')", {}),
    "replaced": (
        "import os\nPath('other.csv').read_text()\ntrain()\nos.replace('train.csv', 'other.csv')",
        {},
    ),
    "gone": ("import os\nPath('other.csv').read_text()\ntrain()\nos.remove('other.csv')", {}),
}


@pytest.mark.parametrize("how", CHANGES)
def test_data_that_changes_is_a_problem(how: str) -> None:
    text, options = CHANGES[how]
    assert run_script(text, **options) == 0
    run = gk.read_run("run")
    assert kinds(run) == ["data changed"]
    assert ("train.csv" if how == "declared" else "other.csv") in run.problems[0].what
    assert against(run) == 1


def test_data_that_was_added_and_changes_is_a_problem() -> None:
    with gk.record("run") as run:
        run.add_data("train.csv", role="train")
        Path("train.csv").write_text("text,label\na,1\nb,1\n")
    assert kinds(gk.read_run("run")) == ["data changed"]


def test_data_that_stays_is_none_however_it_is_named(folder: Path) -> None:
    (folder / "data").mkdir()
    for number in range(2):
        (folder / "data" / f"part-{number}.csv").write_text(f"text\n{number}\n")
    (folder / "link.csv").symlink_to(folder / "train.csv")
    told = "for name in ('train.csv', 'data/part-0.csv', 'data/part-1.csv'):\n    Path(name).read_text()\ntrain()\n"
    told += "Path('log.csv').write_text('step\\n1\\n')\nPath('log.csv').read_text()"
    assert run_script(told, data={"./data/../link.csv": "train", "data/*.csv": "test"}) == 0
    run = gk.read_run("run")
    assert (kinds(run), [part.role for part in run.data]) == ([], ["train", "test"])
    assert against(run) == 0


def test_names_that_are_no_text_are_shown_and_never_lost() -> None:
    odd = os.fsdecode(b"caf\xe9.csv")
    Path(odd).write_text("a\n1\n")
    assert run_script(f"Path({odd!r}).read_text()\ntrain()") == 0
    run = gk.read_run("run")
    (read,) = (read for read in run.reads if read.path.startswith("caf"))
    assert (read.path, read.size) == ("caf\\xe9.csv", 4)
    assert (kinds(run), run.data) == (["record lost"], ())


def test_a_cache_that_serves_old_rows_is_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = "from datasets import load_dataset\n"
    load += "load_dataset('csv', data_files='train.csv', cache_dir='cache')['train']\ntrain()"
    assert run_script(load, data={"train.csv": "train"}) == 0
    first = gk.read_run("run")
    assert (kinds(first), [part.role for part in first.data]) == ([], ["train"])
    capsys.readouterr()
    (folder / "run").rename(folder / "first")
    kept = (folder / "train.csv").stat()
    (folder / "train.csv").write_text("text,label\na,0\nb,1\n")
    os.utime(folder / "train.csv", ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert run_script(load, data={"train.csv": "train"}) == 0
    run = gk.read_run("run")
    assert capsys.readouterr() == ("", "")  # comparing shows no bar of its own
    assert kinds(run) == ["stale cache"]
    assert against(run) == 1


def test_weights_of_another_base_are_a_problem(folder: Path) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        small_base(folder / name, seed=seed)
    (folder / "blobs").mkdir()
    (folder / "cache").mkdir()
    (folder / "blobs" / "0").write_bytes((folder / "one" / "base.pt").read_bytes())
    (folder / "cache" / "base.pt").symlink_to(folder / "blobs" / "0")
    found = {}
    for declared, loaded in (("one", "two"), ("one", "one"), ("one/base.pt", "cache"), ("cache", "one")):
        assert run_script(TUNE.replace("BASE", loaded), base=declared) == 0
        run = gk.read_run("run")
        found[declared, loaded] = kinds(run)
        (folder / "run").rename(folder / f"run-{len(found)}")
    assert [pair for pair, told in found.items() if told] == [("one", "two")]
    run = gk.read_run("run-1")
    assert run.problems[0].what == "the weights came from two/base.pt, not from the base that is on record"
    assert against(run) == 1


# A full disk


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Callable[[], None]]:
    """A folder on a disk of a megabyte; yields what fills it. Where that is not permitted, files of a limited size."""
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mount.returncode != 0:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            # More than the tiny model, and less than the record.
            yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return

    def fill() -> None:
        with contextlib.suppress(OSError), (place / "ballast").open("wb", buffering=0) as stream:
            while stream.write(bytes(4096)):
                pass

    try:
        yield fill
    finally:
        subprocess.run(["umount", str(place)], check=True)


FULL = """
import builtins
train(3)
builtins.fill()
train(4)
EMPTY
print("trained to its end")
END
"""


@pytest.mark.parametrize(("end", "code"), [("", 2), ("raise SystemExit(7)", 7)])
def test_a_full_disk_stops_no_training(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, end: str, code: int
) -> None:
    """The record that lies there is that of before."""
    with small_disk(folder / "disk") as fill:
        monkeypatch.setattr("builtins.fill", fill, raising=False)
        (folder / "train.py").write_text(LOOP + FULL.replace("EMPTY", "").replace("END", end))
        with pytest.raises(
            gk.UsageError, match=r"the record could not be written \(.*\); the training itself"
        ) as raised:
            gk.record_script("train.py", out="disk/run")
        assert raised.value.exit_code == code
        run = gk.read_run("disk/run")
        assert not (folder / "disk" / "run" / ".run.json.partial").exists()
    assert capsys.readouterr().out == "trained to its end\n"
    assert (run.exit, run.artifact.value, run.parts[0].steps_done) == ("unfinished", None, 3)


def test_a_disk_that_was_full_for_a_while_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(folder / "disk") as fill:
        monkeypatch.setattr("builtins.fill", fill, raising=False)
        empty = "import os, resource\nif os.path.exists('disk/ballast'): os.remove('disk/ballast')\n"
        empty += "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)"
        (folder / "train.py").write_text(LOOP + FULL.replace("EMPTY", empty).replace("END", ""))
        assert gk.record_script("train.py", out="disk/run") == 1
        run = gk.read_run("disk/run")
    assert capsys.readouterr().out == "trained to its end\n"
    assert (run.exit, run.parts[0].steps_done, kinds(run)) == ("finished", 4, ["record lost"])
    assert "could not be kept up" in run.problems[0].what
    assert against(run) == 1


# Crash and resume


class Kill(TrainerCallback):
    def on_step_begin(self, *given: Any, **_: Any) -> None:
        if given[1].global_step == 3:
            os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], object]) -> int:
    """How a child process ended that did this work."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


SETTINGS = {"save_strategy": "steps", "save_steps": 2, "max_steps": 5}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_killed_trainer_goes_on_from_its_checkpoint(folder: Path) -> None:
    make_base(folder / "base")

    def first() -> None:
        with gk.record("run") as run:
            run.add_data("train.csv", role="train", license="MIT")
            train_trainer(folder, callbacks=[Kill()], **SETTINGS)

    assert os.WTERMSIG(in_child(first)) == signal.SIGKILL
    killed = gk.read_run("run")
    assert (killed.exit, killed.artifact.value) == ("unfinished", None)
    assert (killed.base.id.value, killed.method["kind"].value) == ("base", "full")
    assert killed.parts[0].steps_done <= 3
    (folder / "audit.yaml").write_text(AUDIT)
    with pytest.raises(
        gk.UsageError, match="the run is recorded as unfinished; only a finished run has a model"
    ) as found:
        gk.measure(folder / "audit.yaml")
    assert found.value.exit_code == 2

    make_base(folder / "elsewhere" / "base")
    torch.manual_seed(1)
    (folder / "elsewhere" / "base" / "model.safetensors").write_bytes(b"other")
    with pytest.raises(gk.UsageError, match=r"started from the base base .* and cannot go on from"):
        gk.record("run", base=folder / "elsewhere" / "base", resume=True)

    with gk.record("run", resume=True) as run:
        run.add_data("train.csv", role="train", license="MIT")
        train_trainer(folder, resume=str(folder / "work" / "checkpoint-2"), **SETTINGS)
    whole = gk.read_run("run")
    assert [(part.exit, part.first_step) for part in whole.parts] == [("unfinished", 0), ("finished", 2)]
    assert whole.parts[1].steps_done == 3
    assert (whole.exit, whole.started, len(whole.data)) == ("finished", killed.started, 1)
    steps = {name: whole.hyperparameters[name].value for name in ("first_step", "steps_done", "steps_asked")}
    assert steps == {"first_step": 0, "steps_done": 5, "steps_asked": 5}
    assert [row["step"] for row in whole.history if "loss" in row] == [1, 2, 3, 4, 5]
    assert whole.base.digest == killed.base.digest
    assert (kinds(whole), whole.artifact.seen) == ([], "observed")
    assert whole.cost["wall_s"].value >= killed.parts[0].wall_s
    with pytest.raises(gk.UsageError, match="the run was resumed, and no rerun goes on from the same checkpoint"):
        gk.replay("run")


def test_parts_that_were_made_by_other_code_say_so() -> None:
    assert run_script("train()\nraise SystemExit(3)") == 3
    assert run_script("train()", resume=True) == 0
    run = gk.read_run("run")
    assert [part.exit_code for part in run.parts] == [3, 0]
    assert run.code["script_sha256"].why == "the parts of the run were not made by the same code"


GO_ON = """
model = torch.nn.Sequential(*[torch.nn.Linear(32, 32) for _ in range(4)])
model.load_state_dict(torch.load("WEIGHTS"))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    model(torch.ones(1, 32)).sum().backward()
    optimizer.step()
torch.save(model.state_dict(), "ck.pt")
raise SystemExit(3)
"""


def test_a_resumed_loop_may_go_on_from_its_own_weights_and_from_no_others(folder: Path) -> None:
    for name, seed in (("base.pt", 1), ("other.pt", 2)):
        torch.manual_seed(seed)
        torch.save(torch.nn.Sequential(*[torch.nn.Linear(32, 32) for _ in range(4)]).state_dict(), folder / name)
    assert run_script(GO_ON.replace("WEIGHTS", "base.pt")) == 3
    for weights, found in (("ck.pt", []), ("other.pt", ["other base"])):
        assert run_script(GO_ON.replace("WEIGHTS", weights), resume=True) == 3
        assert kinds(gk.read_run("run")) == found


def test_what_cannot_be_asked_any_more_is_unknown(folder: Path) -> None:
    told = "\nclass Odd(torch.nn.Linear):\n    broken = False\n"
    told += "    def named_parameters(self, *given, **more):\n"
    told += "        if self.broken:\n            raise ValueError('not now')\n"
    told += "        return super().named_parameters(*given, **more)\n"
    told += "model = Odd(2, 2)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    told += (
        "for _ in range(3):\n    model(torch.ones(1, 2)).sum().backward()\n    optimizer.step()\nOdd.broken = True\n"
    )
    assert run_script(told) == 0
    run = gk.read_run("run")
    assert {fact.seen for fact in (*run.method.values(), *run.hyperparameters.values())} == {"unknown"}
    assert run.method["kind"].why == "the objects of the training failed when they were asked"


AUDIT = """\
schema: govkit.audit/v1
subject: {run: run/run.json}
data: {test: {path: train.csv}}
columns: {input: text, label: label}
use: {purpose: "a test", intent: [internal], excluded: ["anything else"]}
policy: nist-ai-rmf-core
"""
