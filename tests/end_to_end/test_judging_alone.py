"""Judging needs no library of numbers: with all of them out of reach it says the same, byte for byte."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benches import load_bench

REFUSED = (
    "numpy", "scipy", "pandas", "sklearn", "torch", "torchvision", "transformers", "tokenizers", "safetensors",
    "onnxruntime", "skops", "PIL", "pyarrow", "matplotlib", "evidently", "reportlab", "weasyprint", "statsmodels",
)  # fmt: skip
ALONE = f"""
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {REFUSED}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
from govkit.cli import main
main()
"""


def judge(start: list[str], findings: Path, policy: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = ["judge", str(findings), "--policy", policy, "--out", str(out), "--as-of", "2026-11-27"]
    return subprocess.run([sys.executable, *start, *command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("policy", ["nist-ai-rmf-core", "closed-base-api"])
def test_without_any_library_of_numbers_judging_says_the_same(tmp_path: Path, policy: str) -> None:
    findings = tmp_path / "findings.json"
    findings.write_text(json.dumps(load_bench("judging").document()), encoding="utf-8")
    whole = judge(["-m", "govkit"], findings, policy, tmp_path / "whole.json")
    alone = judge(["-c", ALONE], findings, policy, tmp_path / "alone.json")
    assert whole.returncode == alone.returncode == 1, alone.stderr
    assert (alone.stdout, alone.stderr) == (whole.stdout, whole.stderr)
    assert (tmp_path / "alone.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert len(json.loads((tmp_path / "alone.json").read_bytes())["rulings"]) > 10


def test_what_is_out_of_reach_is_missed_by_whoever_needs_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE.replace("main()", "import numpy")], capture_output=True, text=True, check=False
    )
    assert "No module named 'numpy'" in done.stderr
