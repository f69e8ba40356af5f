"""``govkit data suggest``: a suite that the audit file's ``quality`` reads back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk

AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: test.csv}
data: {train: {path: train.csv}}
columns: {input: [age, job], label: label, prediction: label2, id: id}
use: {purpose: "test", intent: [internal]}
"""


def govkit(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "govkit", *words], cwd=cwd, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, name in enumerate(("train", "test")):
        rng = np.random.default_rng(seed)
        pd.DataFrame({
            "id": np.arange(200), "age": rng.integers(18, 60, 200), "job": rng.choice(["cook", "nurse"], 200),
            "label": rng.choice(["no", "yes"], 200), "label2": rng.choice(["no", "yes"], 200),
        }).to_csv(tmp_path / f"{name}.csv", index=False)  # fmt: skip
    (tmp_path / "audit.yaml").write_text(AUDIT)
    return tmp_path


def test_a_suggested_suite_is_written_once_and_read_back(folder: Path):
    done = govkit("data", "suggest", "audit.yaml", "--out", "mine.json", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "12 expectations: mine.json\n"), done.stderr
    assert json.loads((folder / "mine.json").read_text()) == gk.suggest_suite(folder / "audit.yaml")
    again = govkit("data", "suggest", "audit.yaml", "--out", "mine.json", cwd=folder)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    (folder / "audit.yaml").write_text(AUDIT + "quality: mine.json\n")
    found = gk.measure(folder / "audit.yaml")["findings"]
    passed = {item["data"]["role"]: item["value"] for item in found if item["name"] == "suite_passed"}
    assert passed == {"train": True, "test": True}


def test_without_training_data_there_is_nothing_to_suggest(folder: Path):
    (folder / "audit.yaml").write_text(AUDIT.replace("data: {train: {path: train.csv}}\n", ""))
    done = govkit("data", "suggest", "audit.yaml", cwd=folder)
    assert done.returncode == 2
    assert "data.train is missing" in done.stderr
    assert not (folder / "suite.json").exists()
    with pytest.raises(gk.UsageError, match=r"data\.train"):
        gk.suggest_suite(folder / "audit.yaml")


def test_the_help_says_what_of_the_data_stands_in_it(folder: Path):
    told = " ".join(govkit("data", "suggest", "--help", cwd=folder).stdout.split())
    assert "rounded ends of ranges" in told
    assert "looks like personal data" in told
