"""The tools of `govkit policy`, from the command line: what they print, what they answer, and what they refuse."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk
from govkit.core import Control
from govkit.policy.chances import kind_of

CORE = "nist-ai-rmf-core"
ANSWERS = """\
who: business
reads: table
people: true
groups: [sex]
harm: little
base: weights
incumbent: true
rows: 600
table: rows.csv
owner: M. Risk
"""
TYPED = ["business", "table", "yes", "sex", "little", "weights", "yes", "600", "rows.csv", "M. Risk"]
LOOSE = """\
schema: govkit.policy/v1
id: loose
version: 1.0.0
extends: ["govkit:nist-ai-rmf-core@0"]
controls:
  - {id: CAL-01, require: {max: 0.04}}
"""


def govkit(*arguments: str | Path, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1790000000"},
    )
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-400:], done.stderr[-800:])
    assert "Traceback" not in done.stderr
    return done.stderr if code == 2 else done.stdout


def _rows(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    score = rng.uniform(size=600).round(4)
    rows = pd.DataFrame({"id": range(600), "label": (rng.uniform(size=600) < score).astype(int), "score": score})
    rows["base_score"] = (0.6 * score + 0.4 * rng.uniform(size=600)).round(4)
    rows["incumbent_score"] = (0.8 * score + 0.2 * rng.uniform(size=600)).round(4)
    rows["sex"], rows["x"] = rng.choice(["f", "m"], 600), rng.normal(size=600).round(3)
    return rows


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody began with a file of answers, and audited."""
    folder = tmp_path_factory.mktemp("tools")
    _rows(0).to_csv(folder / "rows.csv", index=False)
    (folder / "answers.yaml").write_text(ANSWERS, encoding="utf-8")
    (folder / "loose.yaml").write_text(LOOSE, encoding="utf-8")
    govkit("policy", "init", "letters", "--answers", "answers.yaml", cwd=folder)
    verdict = gk.audit(folder / "letters/audit.yaml", out=folder / "evidence", as_of="2026-12-01T00:00:00Z").verdict
    assert verdict.exit_code in (1, 3)
    return folder


def test_what_init_wrote_lints_and_runs(begun: Path):
    assert "error" not in govkit("policy", "lint", "letters/policy.yaml", cwd=begun)
    assert "predictions: ../rows.csv" in (begun / "letters/audit.yaml").read_text(encoding="utf-8")
    assert "already exists" in govkit("policy", "init", "letters", "--answers", "answers.yaml", cwd=begun, code=2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ANSWERS.replace("business", "busines"), "answers.yaml:1: who: found 'busines'; expected business"),
        (ANSWERS.replace("rows: 600", "rows: -1"), "answers.yaml:8: rows: found -1"),
        (ANSWERS + "more: 1\n", "answers.yaml:11: more: unknown key 'more'"),
        (ANSWERS.replace("owner: M. Risk\n", ""), "owner: is required and absent"),
    ],
)
def test_a_wrong_file_of_answers_writes_nothing(tmp_path: Path, text: str, expected: str):
    (tmp_path / "answers.yaml").write_text(text, encoding="utf-8")
    assert expected in govkit("policy", "init", "new", "--answers", "answers.yaml", cwd=tmp_path, code=2)
    assert [path.name for path in tmp_path.iterdir()] == ["answers.yaml"]


def test_where_nobody_can_type_a_file_is_asked_for(tmp_path: Path):
    assert "--answers FILE.yaml" in govkit("policy", "init", "new", cwd=tmp_path, code=2)
    assert "the folder names the policy" in govkit("policy", "init", "a b", "--answers", "x", cwd=tmp_path, code=2)


CTRL_C = b"\x03"


def _typed(folder: Path, keys: bytes) -> tuple[int, str]:
    """Type into a real terminal."""
    main, side = pty.openpty()
    # Whoever runs the tests in the background lets its children ignore Ctrl-C; on a terminal nobody does.
    take = (
        "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", take, sys.executable, "-m", "govkit", "policy", "init", "new"]
    child = subprocess.Popen(
        command,
        cwd=folder,
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        env={**os.environ, "TERM": "dumb"},
    )
    os.close(side)
    shown, left, end = b"", keys, time.monotonic() + 60
    try:
        while time.monotonic() < end and (child.poll() is None or select.select([main], [], [], 0)[0]):
            if not select.select([main], [], [], 0.2)[0]:
                if not left and keys.endswith(CTRL_C):
                    # Between the prompt and the reading of the answer Python overhears it; a person presses again.
                    os.write(main, CTRL_C)
                continue
            try:
                shown += os.read(main, 4096)
            except OSError:  # the other side is gone
                break
            # One line for each question: what is typed before somebody reads it would be lost to Ctrl-C.
            if shown.endswith(b") ") and left:
                line, left = _first(left)
                os.write(main, line)
        return child.wait(timeout=30), shown.decode()
    finally:
        os.close(main)
        if child.poll() is None:
            child.kill()
            child.wait()


def _first(keys: bytes) -> tuple[bytes, bytes]:
    line, found, rest = keys.partition(b"\n")
    return line + found, rest


def test_ten_answers_on_a_terminal_write_two_files(tmp_path: Path):
    typed = ["nonsense", *TYPED[:7], "many", *TYPED[7:]]
    code, shown = _typed(tmp_path, ("\n".join(typed) + "\n").encode())
    assert code == 0, shown
    assert "expected business or school or clinic or engineer; found 'nonsense'" in shown
    assert "expected a whole number" in shown
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["audit.yaml", "policy.yaml"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (b"x\ny\nz\n", "3 times no answer; nothing was written"),
        (b"business\n\x04", "not answered to the end; nothing was written"),
        (b"business\ntable\n\x03", "not answered to the end; nothing was written"),
    ],
    ids=["nonsense", "end of input", "interrupt"],
)
def test_whoever_answers_nothing_gets_nothing_written(tmp_path: Path, keys: bytes, expected: str):
    code, shown = _typed(tmp_path, keys)
    assert (code, expected in shown) == (2, True), shown
    assert not list(tmp_path.iterdir())


def test_explain_says_what_was_seen(begun: Path):
    told = govkit("policy", "explain", "evidence/policy.yaml", "BIZ-03", "--bundle", "evidence", cwd=begun)
    assert "even the cautious end of the range" in told
    assert "What was seen\n  State: " in told
    plain = json.loads(govkit("policy", "explain", CORE, "DATA-01", "--json", cwd=begun))
    assert plain["limit"] == {"max": 0.0}
    assert "What was seen" not in plain["words"]


def test_explain_refuses_another_policy_than_that_of_the_bundle(begun: Path):
    error = govkit("policy", "explain", "loose.yaml", "CAL-01", "--bundle", "evidence", cwd=begun, code=2)
    assert "was judged by another policy than loose.yaml" in error
    assert "no bundle" in govkit("policy", "explain", CORE, "CAL-01", "--bundle", ".", cwd=begun, code=2)
    assert "did you mean 'CAL-01'" in govkit("policy", "explain", CORE, "CAL-1", cwd=begun, code=2)


def test_plan_names_rows_and_what_cannot_be_told(begun: Path):
    told = govkit("policy", "plan", CORE, "--rows", "2000", "--value", "PERF-04=0.005", cwd=begun)
    assert "PERF-04 (all rows, test)" in told
    assert "No formula tells it beforehand" in told
    plans = json.loads(govkit("policy", "plan", CORE, "--json", "--differing", "0.05", cwd=begun))
    assert {each["control"] for each in plans if each["needed"] == 0} >= {"DATA-01", "LIC-03"}
    for bad, says in (
        ("accuracy=many", "expected METRIC=NUMBER"),
        ("acuracy=0.9", "did you mean"),
        ("accuracy=9", "-1 to 1"),
    ):
        assert says in govkit("policy", "plan", CORE, "--value", bad, cwd=begun, code=2)


def test_lint_looks_at_waivers_signed_or_not(begun: Path, tmp_path: Path):
    waiver = {"id": "W-1", "control": "CAL-1", "model": "sha256:" + "0" * 64, "owner": "o", "approver": "p"}
    waiver |= {"reason": "because it must be so", "created": "2026-11-01", "expires": "2026-12-01"}
    (tmp_path / "w1.yaml").write_text(json.dumps(waiver), encoding="utf-8")
    told = govkit("policy", "lint", CORE, "--waivers", tmp_path, cwd=begun)
    assert "waiver W-1: there is no control 'CAL-1' (did you mean 'CAL-01'?)" in told
    (tmp_path / "w2.sigstore.json").write_text("{}", encoding="utf-8")
    assert "is no waiver" in govkit("policy", "lint", CORE, "--waivers", tmp_path, cwd=begun, code=2)
    assert "no such folder" in govkit("policy", "lint", CORE, "--waivers", "nowhere", cwd=begun, code=2)
    (tmp_path / "empty").mkdir()
    assert "holds no waiver" in govkit("policy", "lint", CORE, "--waivers", tmp_path / "empty", cwd=begun, code=2)


def test_diff_answers_one_where_something_became_looser(begun: Path):
    tighter = govkit("policy", "diff", CORE, "loose.yaml", cwd=begun)
    assert tighter.startswith("tighter:\n  CAL-01: the limit was max 0.05, is max 0.04")
    assert govkit("policy", "diff", "loose.yaml", CORE, cwd=begun, code=1).startswith("looser:\n  CAL-01")
    assert govkit("policy", "diff", CORE, CORE, cwd=begun) == "no difference\n"
    assert "did you mean" in govkit("policy", "diff", CORE, "nist-ai-rmf-cor", cwd=begun, code=2)


def test_coverage_of_a_policy_and_of_a_bundle(begun: Path):
    told = govkit("policy", "coverage", CORE, cwd=begun)
    assert "%" not in told
    assert "MEASURE 2.11  automated       shown by measurement (FAIR-01," in told
    rows = json.loads(govkit("policy", "coverage", "evidence", "--json", cwd=begun))
    assert len(rows) == 72
    assert {row["state"] for row in rows} >= {"open", "failed"}
    counts = [
        [int(word) for word in line.split() if word.isdigit()] for line in told.splitlines() if " of " in line[20:]
    ]
    assert sum(sum(line[1::2]) for line in counts if len(line) == 6) == 72
    assert "is a folder and no bundle" in govkit("policy", "coverage", ".", cwd=begun, code=2)


def test_test_answers_one_where_a_case_fails(begun: Path):
    case = "schema: govkit.policy-tests/v1\ncases:\n  - {name: one, expect: {outcome: BLOCK}}\n"
    (begun / "cases.yaml").write_text(case, encoding="utf-8")
    assert "1 cases, 0 failed" in govkit("policy", "test", CORE, "cases.yaml", cwd=begun)
    (begun / "cases.yaml").write_text(case.replace("BLOCK", "PASS"), encoding="utf-8")
    assert "expected PASS, found BLOCK" in govkit("policy", "test", CORE, "cases.yaml", cwd=begun, code=1)
    (begun / "cases.yaml").write_text(case.replace("BLOCK", "BLOC"), encoding="utf-8")
    assert "cases.yaml:3" in govkit("policy", "test", CORE, "cases.yaml", cwd=begun, code=2)


def test_schema_prints_json(begun: Path):
    assert json.loads(govkit("policy", "schema", "audit", cwd=begun))["$id"] == "urn:govkit:schema:audit:v1"
    assert "known: attestation, audit" in govkit("policy", "schema", "x", cwd=begun, code=2)


METHOD = {
    "exact": "exact count",
    "share": "Wilson",
    "paired": "corrected Tango",
    "loss": "corrected Tango",
    "groups": "Newcombe",
}


def test_rows_are_planned_by_the_bounds_that_the_checks_really_use(tmp_path: Path):
    """Of every number that an audit measured and a plan knows, the method is the one that the plan reckons with."""
    for seed, role in enumerate(("test", "shifted", "train")):
        _rows(seed).to_csv(tmp_path / f"{role}.csv", index=False)
    (tmp_path / "audit.yaml").write_text(
        "schema: govkit.audit/v1\nsubject: {predictions: test.csv}\n"
        "data: {shifted: {path: shifted.csv}, train: {path: train.csv}}\n"
        "columns: {input: [x], label: label, score: score, base_score: base_score, incumbent_score: incumbent_score,\n"
        "  groups: [sex], id: id}\n",
        encoding="utf-8",
    )
    seen, catalog = set(), gk.catalog()
    for found in gk.measure(tmp_path / "audit.yaml")["findings"]:
        if found["kind"] == "measurement" and found["bounds"]:
            check, name, rival = found["check"], found["name"], found["compared_with"]
            control = Control.model_construct(check=check, metric=name, compared_with=rival)
            kind = kind_of(control, catalog[check].metrics[name])
            assert kind is None or found["interval"]["method"] == METHOD[kind], (check, name)
            seen.add((kind, name))
    assert {kind for kind, _ in seen} == {None, "exact", "share", "paired", "groups"}
    assert sum(kind is not None for kind, _ in seen) > 20
