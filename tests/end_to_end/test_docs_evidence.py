"""The commands of docs/evidence.md, run one after the other as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import published as tools

import govkit as gk
from govkit import evidence

DOCS = (Path(gk.__file__).parents[1] / "docs/evidence.md").read_text(encoding="utf-8")


def commands() -> list[str]:
    blocks = re.findall(r"^```\n(govkit .*?)^```", DOCS, flags=re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.strip().splitlines()]


def run(root: Path, command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)], cwd=root, capture_output=True, text=True, check=False,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": "secret"},
    )  # fmt: skip
    assert done.returncode == 0, (command, done.stdout[-500:], done.stderr[-500:])
    return done.stdout


def test_every_command_does_what_the_page_says(tmp_path: Path):
    root = tools.prepare(tmp_path, "model")
    evidence.write_key(root, tools.key("ci"), password=b"secret", trust=tools.trust())
    evidence.write_key(root / "bob", tools.key("approver"), password=b"secret", trust=tools.trust())
    run(root, "govkit audit audit.yaml --key audit.key --out evidence")
    told = {}
    for command in commands():
        if "--since" in command:
            (root / "releases-of-last-month.sigstore.json").write_bytes((root / "releases.sigstore.json").read_bytes())
        told[" ".join(command.split()[1:3])] = run(root, command)
    assert list(told) == ["verify evidence", "release countersign", "release new", "release revoke", "release log"]
    assert "release 1: release-1" in told["release new"]
    assert "taken back: It sorts the wrong letters." in told["release log"]
    assert (root / "release-1/model/README.md").is_file()
