"""The steps, file to file, give the same judgement and evidence as the one command; every command answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk

AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.csv}
columns: {label: label, score: score, base_score: base, groups: [sex], id: id}
"""


def govkit(*arguments: str | Path, cwd: Path, code: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": "secret"},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == code, (arguments, done.returncode, done.stderr[-800:])
    assert "Traceback" not in done.stderr
    return done.stdout if code in (0, 1, 3) else done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    score = rng.uniform(size=300).round(4)
    rows = pd.DataFrame({"id": range(300), "label": (rng.uniform(size=300) < score).astype(int), "score": score})
    rows["base"], rows["sex"] = (score * 0.9).round(4), rng.choice(["f", "m"], 300)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    return tmp_path


def test_the_steps_file_to_file_end_where_audit_ends(folder: Path):
    """Without weights and lineage nothing can pass, so a gate answers 1 or 3, and every step the same."""
    govkit("keys", "new", "--out", ".", cwd=folder, code=0)
    govkit("measure", "audit.yaml", "--out", "findings.json", cwd=folder, code=0)
    verdict = gk.judge(folder / "findings.json", "nist-ai-rmf-core")
    assert verdict.exit_code in (1, 3)
    judge = ("judge", "findings.json", "--policy", "nist-ai-rmf-core", "--out", "verdict.json")
    govkit(*judge, cwd=folder, code=verdict.exit_code)
    govkit(
        "attest", "findings.json", "verdict.json", "--audit", "audit.yaml", "--key", "audit.key", "--out", "evidence",
        cwd=folder, code=0,
    )  # fmt: skip
    govkit("render", "evidence", cwd=folder, code=0)
    seal = ("seal", "evidence", "--model", "rows.csv", "--key", "audit.key")
    verify = ("verify", "evidence", "--model", "rows.csv", "--trust", "trust.yaml")
    assert "release.sigstore.json" in govkit(*verify, cwd=folder, code=4)
    govkit(*seal, cwd=folder, code=0)
    shown = govkit(*verify, "--policy", "nist-ai-rmf-core", "--json", cwd=folder, code=verdict.exit_code)
    assert json.loads(shown)["verdict"]["outcome"] == verdict.outcome
    assert "already" in govkit(*seal, cwd=folder, code=2)
    govkit("render", "evidence", "--out", "again", cwd=folder, code=0)
    assert (folder / "again" / "report.html").read_bytes() == (folder / "evidence" / "report.html").read_bytes()
    govkit("keys", "new", "--out", ".", cwd=folder, code=2)
    assert "already exists" in govkit(*judge, cwd=folder, code=2)


def test_evaluating_answers_0_by_the_command_line_alone(folder: Path):
    govkit("audit", "audit.yaml", "--evaluate", "--out", "evidence", cwd=folder, code=0)
    assert "NOT ENFORCED" in govkit("show", "evidence", cwd=folder, code=0)


def test_every_check_and_every_policy_can_be_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from govkit.cli import screen

    known = gk.catalog()
    for name, check in known.items():
        for json_wanted in (False, True):
            screen.show_checks([gk.describe(check)], detail=True, json=json_wanted)
        out = capsys.readouterr().out
        assert name in out
        assert all(metric in out for metric in check.metrics)
    assert "did you mean 'bias'" in govkit("checks", "bais", cwd=tmp_path, code=2)
    assert "calibration" in govkit("checks", "calibration", cwd=tmp_path, code=0)
    for pack in gk.packs():
        assert "authority" in govkit("policy", "show", pack, cwd=tmp_path, code=0)
        assert json.loads(govkit("policy", "lint", pack, "--json", cwd=tmp_path, code=0)) == []
    assert "nist-ai-rmf-core" in govkit("policy", "list", cwd=tmp_path, code=0)
    assert gk.__version__ in govkit("--version", cwd=tmp_path, code=0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit",),
        ("audit", "none.yaml"),
        ("audit", "."),
        ("nonsense",),
        ("demo", "smss"),
        ("show", "."),
        ("verify", ".", "--model", ".", "--trust", "none.yaml"),
        ("judge", "none.json", "--policy", "nist-ai-rmf-core", "--out", "v.json"),
        ("policy", "show", "nist"),
        ("render", "."),
        ("audit", "audit.yaml", "--as-of", "yesterday"),
    ],
    ids=" ".join,
)
def test_bad_usage_exits_2_with_a_message(arguments: tuple[str, ...], folder: Path):
    assert govkit(*arguments, cwd=folder, code=2).strip()
