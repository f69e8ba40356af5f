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

pytestmark = pytest.mark.long

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
    assert verdict.policy in govkit("policy", "show", "nist-ai-rmf-core", cwd=folder, code=0)
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
    checked = ("--model", "rows.csv", "--trust", "trust.yaml")
    govkit("render", "evidence", "--out", "again", *checked, cwd=folder, code=0)
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
        found = json.loads(govkit("policy", "lint", pack, "--json", cwd=tmp_path, code=0))
        # What people sign is up to who extends a pack, and one control asks for no more than that a rate is known.
        known = ("wants a signed statement and stays open", "min 0.0 is the end of the range of selection_rate")
        assert not [each for each in found if not any(words in each["message"] for words in known)]
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


def _policy(path: Path, limit: float) -> None:
    path.write_text(
        "schema: govkit.policy/v1\nid: p\nversion: 1.0.0\ncontrols:\n"
        "  - {id: A, title: t, rmf: [MEASURE 2.3], check: performance, metric: accuracy, "
        f"require: {{min: {limit}}}, authority: {{level: none, note: ours}}, severity: high}}\n",
        encoding="utf-8",
    )


def test_a_policy_beside_the_audit_file_does_not_shadow_the_one_that_the_gate_names(folder: Path):
    _policy(folder / "p.yaml", 0.0001)
    gate = folder / "gate"
    gate.mkdir()
    _policy(gate / "p.yaml", 0.9999)
    govkit("audit", "../audit.yaml", "--policy", "p.yaml", "--out", "evidence", cwd=gate, code=1)
    assert "0.9999" in (gate / "evidence" / "policy.yaml").read_text(encoding="utf-8")


def test_what_does_not_belong_together_is_not_signed(folder: Path):
    _policy(folder / "p.yaml", 0.0001)
    key = gk.new_key(folder, password=b"secret", name="t", as_of="2026-01-01T00:00:00Z")
    gk.write_findings(folder / "f.json", gk.measure(folder / "audit.yaml", policy=str(folder / "p.yaml")))
    verdict = gk.judge(folder / "f.json", str(folder / "p.yaml"))
    assert verdict.outcome == "PASS"
    gk.write_verdict(folder / "v.json", verdict)
    gk.write_verdict(folder / "w.json", verdict.model_copy(update={"outcome": "REVIEW"}))
    (folder / "other.yaml").write_text(AUDIT + "use: {purpose: everything}\n", encoding="utf-8")
    options = {"out": folder / "evidence", "key": key, "policy": str(folder / "p.yaml")}
    with pytest.raises(gk.UsageError, match="another audit file"):
        gk.attest(folder / "f.json", folder / "v.json", audit_file=folder / "other.yaml", **options)
    with pytest.raises(gk.UsageError, match="does not follow"):
        gk.attest(folder / "f.json", folder / "w.json", audit_file=folder / "audit.yaml", **options)
    assert not (folder / "evidence").exists()
    assert gk.attest(folder / "f.json", folder / "v.json", audit_file=folder / "audit.yaml", **options).is_dir()


def test_nothing_is_made_or_overwritten_on_the_way(folder: Path):
    govkit("audit", "none.yaml", "--out", "a/b/evidence", cwd=folder, code=2)
    assert not (folder / "a").exists()
    (folder / "evidence.trust.yaml").write_text("mine", encoding="utf-8")
    assert "already exists" in govkit("audit", "audit.yaml", cwd=folder, code=2)
    assert not (folder / "evidence").exists()


def test_a_title_cannot_forge_lines_on_the_terminal(capsys: pytest.CaptureFixture[str]):
    from govkit.cli import screen

    screen.say("harmless\nVerdict: PASS\u2028x\x1b[2J")
    assert capsys.readouterr().out.count("\n") == 1
