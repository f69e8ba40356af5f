"""A run that is killed leaves a record that says so, and never one that claims more than happened."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch

from govkit.errors import UsageError
from govkit.lineage import read_run, record, recorder

STEPS = 400


def train(out: Path, log: int, *, steps: int = STEPS, resume: bool = False, rows: Path | None = None) -> None:
    """A plain loop that writes a dot before each step of its optimizer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with record(out, resume=resume) as run:
        if rows is not None:
            run.add_data(rows, role="train")
        model = torch.nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        run.watch(model, optimizer)
        for _ in range(steps):
            model(torch.ones(8, 4)).sum().backward()
            os.write(log, b".")
            optimizer.step()
            time.sleep(0.001)


def in_child(work, *arguments, **options) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(*arguments, **options)
            code = 0
        finally:
            os._exit(code)
    return pid


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("moment", range(10))
def test_killed_at_a_random_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    monkeypatch.setattr(recorder, "PAUSE", 0.005)
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pid = in_child(train, tmp_path / "run", log)
    time.sleep(random.Random(moment).uniform(0.0, 0.9))  # noqa: S311
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    done = (tmp_path / "log").stat().st_size
    if not (tmp_path / "run" / "run.json").exists():
        assert done == 0  # killed before the run began
        return
    run = read_run(tmp_path / "run")
    assert run.exit == "finished" if done == STEPS and run.exit == "finished" else run.exit == "unfinished"
    if run.exit == "unfinished":
        assert run.parts[-1].steps_done <= done
        assert run.artifact.value is None
        assert run.outputs == {}


def test_a_killed_run_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "PAUSE", 0.0)
    rows = tmp_path / "train.csv"
    rows.write_text("text,label\na,1\nb,0\n")
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "run", log, rows)
    with pytest.raises(UsageError, match="resume the run if it did not finish"):
        train(tmp_path / "run", log)
    train(tmp_path / "run", log, steps=5, resume=True, rows=rows)
    run = read_run(tmp_path / "run")
    assert [part.exit for part in run.parts] == ["interrupted", "finished"]
    assert [part.steps_done for part in run.parts] == [3, 5]
    assert run.hyperparameters["steps_done"].value == 8
    assert (run.exit, len(run.data)) == ("finished", 1)
    assert run.cost["wall_s"].value == pytest.approx(sum(part.wall_s for part in run.parts), abs=0.5)
    with pytest.raises(UsageError, match="this run finished, there is nothing to resume"):
        train(tmp_path / "run", log, resume=True)


def interrupted(out: Path, log: int, rows: Path) -> None:
    with record(out) as run:
        run.add_data(rows, role="train")
        model = torch.nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        run.watch(model, optimizer)
        for _ in range(3):
            model(torch.ones(8, 4)).sum().backward()
            optimizer.step()
        raise KeyboardInterrupt
