"""``govkit selfcheck`` from the command line: the whole table, the record, and the exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from govkit.pipeline.selfcheck import read_selfcheck


def selfcheck(*arguments: str | Path, code: int) -> str:
    command = [sys.executable, "-m", "govkit", "selfcheck", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr[-800:]
    assert "Traceback" not in done.stderr
    return done.stdout if code != 2 else done.stderr


def test_every_planted_fault_is_found_and_no_clean_twin_is_accused(tmp_path: Path):
    out = tmp_path / "selfcheck.json"
    lines = selfcheck("--out", out, code=0).splitlines()
    assert len(lines) == 9
    assert all(line.startswith("✓ planted: ") and "clean twin not accused" in line for line in lines[:8])
    record = read_selfcheck(out)
    assert record.ok
    assert lines[8] == f"ok: {record.sentence}"
    assert {trial.fault: bool(trial.passes["forward"]) for trial in record.trials} == {
        "label_noise": False, "leak": False, "group_penalty": False, "miscalibration": False,
        "masked_gradients": True, "trigger": True, "edited_weights": False, "license_conflict": False,
    }  # fmt: skip
    assert "already exists" in selfcheck("--out", out, code=2)


def test_one_fault_as_json_and_a_name_that_is_none():
    shown = selfcheck("--only", "license_conflict", "--json", code=0)
    assert '"fault":"license_conflict"' in shown
    assert '"ok":true' in shown
    assert "no fault is called" in selfcheck("--only", "nothing", code=2)
    assert "1 otherwise" in " ".join(selfcheck("--help", code=0).split())
