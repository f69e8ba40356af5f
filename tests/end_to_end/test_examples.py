"""Every example runs, in an empty folder, as its first lines say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import govkit as gk

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_example_runs(example: Path, tmp_path: Path):
    done = subprocess.run([sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in ("PASS", "PASS_WITH_EXCEPTIONS", "REVIEW", "BLOCK")
    bundle = gk.read_bundle(tmp_path / "evidence")
    assert bundle.verdict.outcome == done.stdout.split()[0]


def test_there_are_examples():
    assert len(EXAMPLES) >= 2
