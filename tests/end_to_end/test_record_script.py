"""``govkit record -- SCRIPT``: the script runs as Python itself would run it; its record is audited and repeated."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ways_fixture import LABELS, TEXTS, make_base

import govkit as gk

GOVKIT = [sys.executable, "-m", "govkit"]
ODD = """\
import atexit, gc, logging, multiprocessing, signal, sys, warnings
import helper

def work(number):
    return number + helper.ONE

def fail():
    raise KeyError("inner") from ValueError("outer")

names = sorted(name for name in globals() if name.startswith("__"))
print(sys.argv, sys.path[:2], __name__, __file__, __package__, __spec__, type(__loader__).__name__, names)
if __name__ == "__main__":
    import __main__
    print(__main__.work is work, signal.getsignal(signal.SIGPIPE), gc.get_threshold())
    logging.basicConfig(level="INFO")
    logging.info("logged")
    warnings.warn("warned")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [1, 2]))
    atexit.register(print, "bye")
    how = sys.argv[-1]
    if how == "raise":
        fail()
    if how == "interrupt":
        raise KeyboardInterrupt
    if how != "end":
        sys.exit(int(how) if how.isdigit() else how)
"""
TRAIN = """\
import argparse
from pathlib import Path

import pandas as pd
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments, set_seed

parser = argparse.ArgumentParser()
for name in ("--base", "--data", "--out", "--hub_token"):
    parser.add_argument(name)
options = parser.parse_args()
set_seed(3)
rows = pd.read_csv(options.data)
names = {0: "ham", 1: "spam"}
tokenizer = AutoTokenizer.from_pretrained(options.base)
model = AutoModelForSequenceClassification.from_pretrained(options.base, id2label=names, label2id={"ham": 0, "spam": 1})
encoded = [
    {**tokenizer(text, padding="max_length", max_length=8), "labels": int(label == "spam")}
    for text, label in zip(rows["text"], rows["label"])
]
arguments = TrainingArguments(
    output_dir="work", max_steps=2, per_device_train_batch_size=4, report_to=[], use_cpu=True, save_strategy="no",
    dataloader_num_workers=1, dataloader_pin_memory=False, logging_steps=1, hub_token=options.hub_token,
    run_name="run of me@" + options.hub_token, hub_model_id=str(Path.home() / "hub"),
)
trainer = Trainer(model=model, args=arguments, train_dataset=encoded, processing_class=tokenizer)
trainer.train()
model.save_pretrained(options.out)
tokenizer.save_pretrained(options.out)
print("trained", trainer.state.global_step)
"""
AUDIT = """\
schema: govkit.audit/v1
name: tiny
subject: {run: runs/a/run.json}
base: {from: run, head: probe}
data: {train: {path: ../letters/train.csv}, test: {path: test.csv}}
columns: {input: text, label: label, positive: spam}
use: {purpose: "a test", intent: [internal], excluded: ["anything else"]}
policy: nist-ai-rmf-core
seed: 0
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def table(texts: list[str]) -> str:
    return "text,label\n" + "".join(
        f"{text} {number},{('ham', 'spam')[label]}\n"
        for number, (text, label) in enumerate(zip(texts, LABELS, strict=True))
    )


@contextlib.contextmanager
def inside(folder: Path):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize(
    ("how", "code", "state"),
    [("end", 0, "finished"), ("3", 3, "failed"), ("words of an exit", 1, "failed"), ("raise", 1, "failed"),
     ("interrupt", 130, "interrupted")],
)  # fmt: skip
def test_a_script_runs_as_python_runs_it(tmp_path: Path, how: str, code: int, state: str) -> None:
    write(tmp_path, "code/train.py", ODD)
    write(tmp_path, "code/helper.py", "ONE = 1\n")
    script = ["code/train.py", "--rate", "0.1", how]
    plain, recorded = (
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        for command in ([sys.executable, *script], [*GOVKIT, "record", "-o", "runs/a/run.json", "--", *script])
    )
    assert recorded.stdout == plain.stdout
    assert recorded.stderr == plain.stderr
    assert recorded.returncode == code
    assert plain.returncode == (-2 if how == "interrupt" else code)
    run = gk.read_run(tmp_path / "runs" / "a")
    assert (run.exit, run.parts[0].exit, run.parts[0].exit_code) == (state, state, code)
    assert run.code["script"].value == "code/train.py"
    assert run.code["arguments"].value == script[1:]
    assert set(run.code["preprocessing"].value) == {"code/train.py", "code/helper.py"}


def secrets() -> dict[str, str]:
    # Assembled here so that no scanner takes this file for a leak.
    return {
        "environment": "hf_" + "Abc0" * 8,
        "argument": "tok-" + "Zq9" * 7,
        "password": "gitpass" + "word7",
        "user": "wilhelmine",
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A script that trains in a folder beneath somebody's home, with secrets wherever a careless person has them."""
    hidden = secrets()
    home = tmp_path_factory.mktemp("home") / hidden["user"]
    root = home / "project"
    root.mkdir(parents=True)
    make_base(root / "base")
    write(root, "train.py", TRAIN)
    write(home, "letters/train.csv", table(TEXTS))
    write(root, "test.csv", table([text + " then" for text in TEXTS]))
    address = f"https://{hidden['user']}:{hidden['password']}@example.org/x.git"
    commit = ["-c", f"user.name={hidden['user']}", "-c", "user.email=a@b", "commit", "-q", "-m", "first"]
    for command in (["init", "-q"], ["remote", "add", "origin", address], ["add", "train.py"], commit):
        subprocess.run(["git", *command], cwd=root, check=True)
    environment = os.environ | {"HOME": str(home), "USER": hidden["user"], "HF_TOKEN": hidden["environment"],
                                "WANDB_API_KEY": hidden["environment"][::-1]}  # fmt: skip
    done = subprocess.run(
        [*GOVKIT, "record", "-o", "runs/a/run.json", "--data", f"train={home}/letters/train.csv", "--",
         "train.py", "--base", "base", "--data", f"{home}/letters/train.csv", "--out", "out/model",
         "--hub_token", hidden["argument"]],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root, done


def test_the_record_of_a_script_says_what_it_did(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    root, done = trained
    assert done.stdout.splitlines()[-1] == "trained 2"
    run = gk.read_run(root / "runs" / "a")
    assert (run.exit, run.problems) == ("finished", ())
    assert [(part.role, part.rows.value) for part in run.data] == [("train", 8)]
    assert (run.base.id.value, run.seed.value, run.hyperparameters["steps_done"].value) == ("base", 42, 2)
    assert [len(run.outputs), "model.safetensors" in run.outputs] == [4, True]
    assert (root / "runs" / "a" / "model.path").read_text() == f"{(root / 'out' / 'model').resolve()}\n"
    assert (root / "runs" / "a" / "base.path").read_text() == f"{(root / 'base').resolve()}\n"
    assert run.channels["child processes"] == "seen"  # the workers of the data loader


def test_the_run_of_a_script_is_audited(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """And nothing private reaches a file that govkit wrote, but for the two that say where things lie."""
    root, _ = trained
    write(root, "audit.yaml", AUDIT)
    bundle = gk.audit(root / "audit.yaml", out=root / "evidence")
    found = {(each.check, each.name): each for each in bundle.findings if hasattr(each, "value")}
    assert found["lineage_complete", "artifact_matches"].value is True
    assert found["lineage_complete", "contradictions"].value == 0
    assert any(each.of == "base" for each in bundle.findings)
    hidden = [*secrets().values(), secrets()["environment"][::-1], str(root.parent)]
    own = [path for path in (root / "runs" / "a").rglob("*") if path.is_file() and path.suffix != ".path"]
    assert [path.name for path in own] == ["run.json"]
    for path in [*own, *(path for path in (root / "evidence").rglob("*") if path.is_file())]:
        for secret in hidden:
            assert secret.encode() not in path.read_bytes(), (path, secret)


def test_a_run_with_a_private_argument_is_not_repeated(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    with pytest.raises(gk.UsageError, match="an argument of the script was private and is not on record"):
        gk.replay(trained[0] / "runs" / "a", root=trained[0])


LOOP = """\
import sys, time
from pathlib import Path
import torch
from safetensors.torch import save_file

torch.manual_seed(SEED)
torch.set_num_threads(1)
rows = [float(row) for row in Path("rows.txt").read_text().split()]
model = torch.nn.Linear(len(rows), 8)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    model(torch.tensor(rows)).pow(2).sum().backward()
    optimizer.step()
NOISE
Path("out").mkdir(exist_ok=True)
save_file(model.state_dict(), sys.argv[1])
"""


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def recorded_loop(folder: Path, *, seed: str = "5", noise: str = "") -> Path:
    """Record the loop in this process, in a folder of its own."""
    write(folder, "train.py", LOOP.replace("SEED", seed).replace("NOISE", noise))
    write(folder, "rows.txt", "1 2 3 4")
    write(folder, "rows.csv", "a\n1\n")
    with inside(folder):
        assert gk.record_script("train.py", ["out/model.safetensors"], out="runs/a", data={"rows.csv": "train"}) == 0
    return folder / "runs" / "a"


def replayed(folder: Path, record: Path) -> gk.Replay:
    before = digests(folder)
    with inside(folder):
        found = gk.replay(record)
    assert digests(folder) == before
    return found


def test_a_deterministic_script_has_equal_bits_again(tmp_path: Path) -> None:
    record = recorded_loop(tmp_path)
    before = digests(tmp_path)
    done = subprocess.run(
        [*GOVKIT, "record", "--replay", str(record), "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert digests(tmp_path) == before
    found = json.loads(done.stdout)
    assert (done.returncode, found["answer"], found["distance"], found["reruns"]) == (0, "equal bits", 0.0, 1)
    states = {name: state for name, state in found["here"].items() if state != "same"}
    assert states == {"code: commit": "not known", "code: diff_sha256": "not known", "base": "not known"}


def test_another_seed_other_data_and_another_script_are_said(tmp_path: Path) -> None:
    record = recorded_loop(tmp_path, seed="time.time_ns() % 2**31")
    write(tmp_path, "rows.txt", "1 2 3 5")
    write(tmp_path, "rows.csv", "a\n2\n")
    write(tmp_path, "train.py", (tmp_path / "train.py").read_text() + "# changed\n")
    found = replayed(tmp_path, record)
    assert (found.answer, found.reruns) == ("different", 3)
    assert found.noise is not None
    assert found.noise > 0.1
    assert {name for name, state in found.here.items() if state == "different"} == {
        "code: train.py", "data: rows.csv", "read: rows.txt", "read: rows.csv", "seeds"
    } - {"read: rows.csv"}  # fmt: skip


def test_noise_at_the_same_seed_is_measured(tmp_path: Path) -> None:
    noise = "model.weight.data += 1e-6 * torch.randn(8, 4, generator=torch.Generator().manual_seed(time.time_ns()))"
    found = replayed(tmp_path, recorded_loop(tmp_path, noise=noise))
    assert (found.answer, found.here["seeds"]) == ("equal within noise", "same")
    assert found.noise is not None
    assert found.distance is not None
    assert 0 < found.distance <= 2 * found.noise < 1e-4


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: write(folder, "train.py", f"OUT = {str(folder)!r}"), "names the folder .* itself, in train.py"),
        (lambda folder: (folder / "runs" / "a" / "model.path").unlink(), r"model\.path: missing"),
        (lambda folder: write(folder, "out/model.safetensors", "x"), "not those that the record names as the model"),
        (lambda folder: move(folder), "it saved its model outside of"),
    ],
)
def test_a_replay_that_could_do_harm_is_refused(
    tmp_path_factory: pytest.TempPathFactory, spoil: Callable[[Path], object], message: str
) -> None:
    folder = tmp_path_factory.mktemp("replay")
    record = recorded_loop(folder)
    spoil(folder)
    with inside(folder), pytest.raises(gk.UsageError, match=message):
        gk.replay(record)


def move(folder: Path) -> None:
    """As if the script had saved to a fixed place elsewhere."""
    target = folder.parent / f"{folder.name}-elsewhere" / "model.safetensors"
    target.parent.mkdir()
    (folder / "out" / "model.safetensors").rename(target)
    write(folder, "runs/a/model.path", f"{target}\n")
