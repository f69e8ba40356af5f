"""Bad input is refused before work begins: exit 2, one message that names file, row or key, no traceback, no output."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk

AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
columns: {label: label, prediction: prediction, score: score, groups: [sex], id: id}
policy: nist-ai-rmf-core
"""


def rows(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    score = rng.uniform(size=n).round(4)
    return pd.DataFrame(
        {
            "id": [f"r{number}" for number in range(n)],
            "label": (rng.uniform(size=n) < score).astype(int),
            "prediction": (score >= 0.5).astype(int),
            "score": score,
            "sex": rng.choice(["f", "m"], n),
        }
    )


def _write(folder: Path, frame: pd.DataFrame, audit: str = AUDIT) -> Path:
    frame.to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(audit, encoding="utf-8")
    return folder / "audit.yaml"


def _set(column: str, value: object, *, row: int | None = None) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        frame = rows().astype({column: object})
        frame.loc[slice(None) if row is None else row, column] = value
        return _write(folder, frame)

    return make


def _audit(old: str, new: str) -> Callable[[Path], Path]:
    return lambda folder: _write(folder, rows(), AUDIT.replace(old, new))


def _policy(text: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / "p.yaml").write_text(text, encoding="utf-8")
        return _write(folder, rows(), AUDIT.replace("nist-ai-rmf-core", "p.yaml"))

    return make


CONTROL = (
    "schema: govkit.policy/v1\nid: p\nversion: 1.0.0\ncontrols:\n"
    "  - {id: A, title: t, rmf: [MEASURE 2.3], check: performance, metric: accuracy, require: {min: 0.5}, "
    "authority: {level: none, note: ours}, severity: high}\n"
)


def _empty(folder: Path) -> Path:
    return _write(folder, rows(0))


def _no_bytes(folder: Path) -> Path:
    audit = _write(folder, rows())
    (folder / "rows.csv").write_bytes(b"")
    return audit


def _cut_parquet(folder: Path) -> Path:
    rows().to_parquet(folder / "rows.parquet")
    whole = (folder / "rows.parquet").read_bytes()
    (folder / "rows.parquet").write_bytes(whole[: len(whole) // 2])
    return _write(folder, rows(), AUDIT.replace("rows.csv", "rows.parquet"))


def _loop(folder: Path) -> Path:
    audit = _write(folder, rows(), AUDIT.replace("rows.csv", "loop.csv"))
    (folder / "loop.csv").symlink_to("loop.csv")
    return audit


def _many_groups(folder: Path) -> Path:
    return _write(folder, rows(400).assign(sex=range(400)))


def _iban_as_part(folder: Path) -> Path:
    frame = rows().assign(bank="none")
    frame.loc[7, "bank"] = "DE89 3704 0044 0532 0130 00"
    return _write(folder, frame, AUDIT.replace("id: id", "id: id, parts: [bank]"))


def _mail_as_class(folder: Path) -> Path:
    names = {0: "desk", 1: "jane@firm.org"}
    return _write(folder, rows().replace({"label": names, "prediction": names}))


def _duplicate_ids(folder: Path) -> Path:
    frame = rows()
    frame.loc[7, "id"] = "r3"
    return _write(folder, frame)


def _base_with(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        change(rows()).to_csv(folder / "base.csv", index=False)
        return _write(folder, rows(), AUDIT + "base: {predictions: base.csv}\n")

    return make


BAD: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "no such file": (_audit("rows.csv", "row.csv"), ("row.csv",)),
    "no data": (_empty, ("rows.csv",)),
    "empty file": (_no_bytes, ("rows.csv",)),
    "missing column": (_audit("score: score", "score: scoer"), ("scoer", "score")),
    "missing group column": (_audit("[sex]", "[gender]"), ("gender",)),
    "misspelt audit key": (_audit("columns:", "colums:"), ("colums", "columns", "audit.yaml:3: ")),
    "misspelt policy name": (_audit("nist-ai-rmf-core", "nist-ai-rmf-cor"), ("nist-ai-rmf-cor", "nist-ai-rmf-core")),
    "label never seen": (_set("prediction", "maybe", row=4), ("maybe",)),
    "label missing": (_set("label", None, row=4), ("label",)),
    "all scores NaN": (_set("score", float("nan")), ("score",)),
    "score infinite": (_set("score", "inf", row=9), ("score",)),
    "score above one": (_set("score", 1.5, row=9), ("score", "1.5")),
    "score below zero": (_set("score", -0.2, row=9), ("score", "-0.2")),
    "one class only": (_set("label", 1), ("label", "1")),
    "group called like all groups": (_set("sex", "*", row=5), ("rows.csv", "row 6", "sex", "'*'")),
    "the label as answer": (_audit("score: score", "score: label"), ("label", "answer")),
    "the base as candidate": (_audit("score: score", "score: score, base_score: score"), ("score", "base")),
    "the candidate's file as base": (
        _audit("schema:", "base: {predictions: rows.csv}\nschema:"),
        ("base.predictions",),
    ),
    "two sources of a base": (
        _audit("score: score", "score: score, base_score: prediction"),
        ("prediction", "base"),
    ),
    "a seed below zero": (_audit("policy:", "seed: -1\npolicy:"), ("seed",)),
    "an empty when": (_policy(CONTROL.replace("severity", "when: {modality: []}, severity")), ("p.yaml", "when")),
    "a number as group": (_many_groups, ("rows.csv", "sex", "400 groups")),
    "an e-mail address as group": (_set("sex", "jane@firm.org", row=5), ("rows.csv, row 6", "'sex'", "e-mail")),
    "an IBAN as part": (_iban_as_part, ("rows.csv, row 8", "'bank'", "IBAN")),
    "an e-mail address as class": (_mail_as_class, ("columns.label", "class 2 of 2", "e-mail")),
    "people counted by a group": (
        _audit("policy:", "reference: {path: rows.csv, count: sex}\npolicy:"),
        ("reference", "sex", "groups"),
    ),
    "duplicate ids": (_duplicate_ids, ("r3",)),
    "base of another length": (_base_with(lambda frame: frame.iloc[:-1]), ("base.csv",)),
    "base with other labels": (_base_with(lambda frame: frame.assign(label=1 - frame["label"])), ("base.csv", "label")),
    "base with other classes": (_base_with(lambda frame: frame.assign(prediction="x")), ("base.csv", "x")),
    "Parquet cut in half": (_cut_parquet, ("rows.parquet",)),
    "symlink loop": (_loop, ("loop.csv",)),
    "a null byte in a path": (_audit("rows.csv", '"ro\\0ws.csv"'), ("'ro\\x00ws.csv'", "null byte")),
    "empty policy file": (_policy(""), ("p.yaml", "empty")),
    "policy without controls": (_policy(CONTROL.split("controls:")[0] + "controls: []\n"), ("p.yaml", "controls")),
    "policy with a tab": (_policy(CONTROL.replace("  - {id", "\t- {id")), ("p.yaml:5: ", "tab")),
    "misspelt policy key": (_policy(CONTROL.replace("severity", "severty")), ("p.yaml", "severty", "severity")),
    "misspelt check": (
        _policy(CONTROL.replace("check: performance", "check: perfomance")),
        ("perfomance", "performance"),
    ),
    "misspelt metric": (_policy(CONTROL.replace("metric: accuracy", "metric: acuracy")), ("acuracy", "accuracy")),
    "misspelt slice": (_policy(CONTROL.replace("severity", "over: [sx], severity")), ("sx",)),
    "unknown parameter": (_policy(CONTROL.replace("severity", "params: {bnis: 3}, severity")), ("bnis",)),
    "RMF id that does not exist": (_policy(CONTROL.replace("MEASURE 2.3", "MEASURE 9.9")), ("MEASURE 9.9",)),
    "NaN limit": (_policy(CONTROL.replace("0.5", ".nan")), ("p.yaml", "min")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case: str, tmp_path: Path):
    make, words = BAD[case]
    audit = make(tmp_path)
    with pytest.raises(gk.UsageError) as refused:
        gk.audit(audit, out=tmp_path / "evidence")
    message = str(refused.value)
    assert all(word in message for word in words), message
    assert refused.value.exit_code == 2
    assert not list(tmp_path.glob("*evidence*")), "something was written"


@pytest.mark.parametrize("case", ["an e-mail address as group", "an IBAN as part", "an e-mail address as class"])
def test_what_is_refused_for_its_privacy_is_not_repeated(case: str, tmp_path: Path):
    with pytest.raises(gk.UsageError) as refused:
        gk.measure(BAD[case][0](tmp_path))
    assert "jane" not in str(refused.value)
    assert "3704" not in str(refused.value)


@pytest.mark.parametrize("case", ["missing column", "misspelt policy key", "symlink loop"])
def test_the_command_line_says_one_message_and_exits_2(case: str, tmp_path: Path):
    audit = BAD[case][0](tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "govkit", "audit", str(audit), "--out", str(tmp_path / "evidence")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("govkit: ") and BAD[case][1][0] in line]


def test_an_existing_output_is_never_overwritten(tmp_path: Path):
    audit = _write(tmp_path, rows())
    (tmp_path / "evidence").mkdir()
    with pytest.raises(gk.UsageError, match="already exists"):
        gk.audit(audit, out=tmp_path / "evidence")


@pytest.mark.parametrize("level", ["", "debug", "nonsense"])
def test_whatever_stands_as_log_level_ends_in_no_traceback(level: str):
    command = [sys.executable, "-m", "govkit", "--version"]
    done = subprocess.run(command, env={**os.environ, "GOVKIT_LOG": level}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
