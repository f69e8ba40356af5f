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


MINE = """\
import great_expectations as gx
import great_expectations.expectations as gxe

JOBS = gx.ExpectationSuite(name="jobs", expectations=[
    gxe.ExpectColumnValuesToBeInSet(column="job", value_set=["cook"], severity="warning"),
])
NOTHING = 7


def made():
    return JOBS
"""


@pytest.mark.parametrize("name", ["JOBS", "made"])
def test_a_suite_may_be_python_and_keeps_its_severities(folder: Path, name: str):
    (folder / "mine_of_jobs.py").write_text(MINE)
    (folder / "audit.yaml").write_text(AUDIT + f'quality: "mine_of_jobs:{name}"\n')
    found = gk.measure(folder / "audit.yaml")["findings"]
    counts = {item["name"]: item["value"] for item in found if item["check"] == "data_quality" and not item["part"]}
    assert (counts["failed_critical"], counts["failed_warning"], counts["failed_info"]) == (0.0, 1.0, 0.0)
    assert counts["suite"].startswith("sha256:")


@pytest.mark.parametrize(("name", "said"), [("NOTHING", "is a int"), ("ABSENT", "has no 'ABSENT'")])
def test_a_python_name_that_is_no_suite_is_refused_before_work_begins(folder: Path, name: str, said: str):
    (folder / "mine_of_jobs.py").write_text(MINE)
    (folder / "audit.yaml").write_text(AUDIT + f'quality: "mine_of_jobs:{name}"\n')
    with pytest.raises(gk.UsageError, match=said):
        gk.measure(folder / "audit.yaml")


def test_a_python_suite_follows_a_remedied_candidate_as_a_file(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("test", "calibration"):
        label = rng.integers(0, 2, 300)
        score = 1 / (1 + np.exp(-3 * ((label - 0.5) * 1.5 + rng.normal(size=300))))
        job = rng.choice(["cook", "nurse"], 300)
        frame = pd.DataFrame({"id": [f"{name}{row}" for row in range(300)], "label": label, "score": score, "job": job})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "mine_of_jobs.py").write_text(MINE)
    (tmp_path / "audit.yaml").write_text(
        "subject: {predictions: test.csv}\ndata: {calibration: {path: calibration.csv}}\n"
        'columns: {label: label, score: score, id: id}\nquality: "mine_of_jobs:JOBS"\n'
    )
    gk.remedy(tmp_path / "audit.yaml", "temperature", out=tmp_path / "remedied")
    (kept,) = json.loads((tmp_path / "remedied" / "suite.json").read_text())["expectations"]
    assert (kept["type"], kept["severity"]) == ("expect_column_values_to_be_in_set", "warning")
    assert "quality: suite.json" in (tmp_path / "remedied" / "audit.yaml").read_text()
