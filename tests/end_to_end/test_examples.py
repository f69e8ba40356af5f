"""Every example runs, in an empty folder, as its first lines say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ways_fixture import LABELS, TEXTS, make_base

import govkit as gk
from govkit.demos.employment import write_years

pytestmark = pytest.mark.long

EXAMPLES = Path(__file__).parents[2] / "examples"
AUDITS = ("audit_predictions", "torch_model")
RECORDS = {
    "text_trainer": ("runs/sms", "partial", "model.safetensors", "conflict"),
    "text_lora": ("runs/lora", "lora", "adapter_model.safetensors", "known"),
    "vision_loop": ("runs/digits", "partial", "model.safetensors", "known"),
}
"""Example -> its record, the method, the file of the tuned weights, what is known of the license of its data."""


def run(*command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.carrier
@pytest.mark.parametrize("name", AUDITS)
def test_an_audit_runs(name: str, tmp_path: Path) -> None:
    outcome = run(sys.executable, str(EXAMPLES / f"{name}.py"), folder=tmp_path).split()[0]
    assert outcome in ("PASS", "PASS_WITH_EXCEPTIONS", "REVIEW", "BLOCK")
    assert gk.read_bundle(tmp_path / "evidence").verdict.outcome == outcome


def test_one_of_three_models_is_audited_by_name(tmp_path: Path) -> None:
    printed = run(sys.executable, str(EXAMPLES / "three_models.py"), "thin", folder=tmp_path)
    assert printed.split() == ["thin", "REVIEW"]
    assert gk.read_bundle(tmp_path / "thin" / "evidence").verdict.exit_code == 3


@pytest.mark.carrier
@pytest.mark.parametrize("name", RECORDS)
def test_a_recording_runs(name: str, tmp_path: Path) -> None:
    folder, kind, file, license = RECORDS[name]
    printed = run(sys.executable, str(EXAMPLES / f"{name}.py"), folder=tmp_path)
    written = gk.read_run(tmp_path / folder)
    assert (written.exit, written.problems, written.method["kind"].value) == ("finished", (), kind)
    assert [(part.role, part.license.state) for part in written.data] == [("train", license)]
    steps = written.hyperparameters["steps_done"].value
    assert len([row for row in written.history if "loss" in row]) in (steps, steps // 2)
    assert re.search(rf"trainable_parameters +observed +{written.method['trainable_parameters'].value}\b", printed)
    assert file in written.outputs
    if name == "text_lora":
        assert "runs/lora/model: cannot tell" in printed
        assert "merged: derived" in printed


def test_a_script_that_is_not_changed(tmp_path: Path) -> None:
    """The commands of its page, one after the other."""
    shutil.copy(EXAMPLES / "script_unchanged" / "train.py", tmp_path)
    make_base(tmp_path / "base")
    rows = [f"{text} {number},{('ham', 'spam')[LABELS[number]]}" for number, text in enumerate(TEXTS)]
    (tmp_path / "train.csv").write_text("\n".join(["text,label", *rows, ""]))
    page = (EXAMPLES / "script_unchanged" / "README.md").read_text(encoding="utf-8")
    record, replay = re.findall(r"```sh\n(.*?)\n```", page, flags=re.DOTALL)
    run(*shlex.split(record), folder=tmp_path)
    written = gk.read_run(tmp_path / "runs" / "sms")
    assert (written.exit, [part.role for part in written.data], written.problems) == ("finished", ["train"], ())
    assert "model.safetensors" in written.outputs
    assert run(*shlex.split(replay), folder=tmp_path).splitlines()[-1] == "weights: equal bits; relative distance 0"


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.iterdir()} == {
        *AUDITS,
        *RECORDS,
        "script_unchanged",
        "three_models",
        "watch_service",
    }


@pytest.mark.carrier
def test_a_watch_runs_and_says_what_the_first_page_shows(tmp_path: Path) -> None:
    demo = tmp_path / "demo-employment"
    demo.mkdir()
    write_years(demo)
    assert "exit code 1" in run(sys.executable, str(EXAMPLES / "watch_service.py"), folder=tmp_path)
    (tmp_path / "watch.db").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "govkit", "watch", "watch.yaml", "--once"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    page = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    shown = page[page.index("look 2018-01-10") :].split("```")[0].splitlines()
    assert [line for line in shown if line not in done.stdout.splitlines()] == ["  ..."]
