"""Killed at any moment while attesting or releasing: what was published stays valid, and nothing half is."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import published as tools
import pytest
from published import LATER, Audited

import govkit as gk
from govkit import evidence
from govkit.errors import GovkitError

MOMENTS = 5
"""For each of the two: ten in all."""
PASSWORD = "secret"
LOG = "releases.sigstore.json"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """An audit, its key in a file, and a first release."""
    root = tmp_path_factory.mktemp("killed")
    made = tools.audited(root / "audit", "letters_killed")
    evidence.write_key(made.root, tools.key("ci"), password=PASSWORD.encode(), trust=tools.trust())
    made.release(root / "first", root / LOG)
    return made


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "govkit", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "GOVKIT_KEY_PASSWORD": PASSWORD},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )


def kill_at(command: list[str | Path], cwd: Path, wait: float) -> int:
    with start(*command, cwd=cwd) as running:
        time.sleep(wait)
        running.send_signal(signal.SIGKILL)
        return running.wait()


def duration(command: list[str | Path], cwd: Path) -> float:
    began = time.monotonic()
    with start(*command, cwd=cwd) as running:
        assert running.wait() == 0
    return time.monotonic() - began


def valid(out: Path, log: Path) -> bool:
    try:
        gk.verify(out / "evidence", model=out / "model", trust=tools.trust(), as_of=LATER, log=log)
    except GovkitError:
        return False
    return True


def test_a_release_that_is_killed_leaves_the_old_one_valid_and_none_half(place: Audited, tmp_path: Path):
    root = place.root.parent
    command: list[str | Path] = [
        "release", "new", "evidence", "--model", place.model, "--trust", "trust.yaml", "--key", "audit.key",
        "--as-of", LATER,
    ]  # fmt: skip
    shutil.copy(root / LOG, tmp_path / LOG)
    whole = duration([*command, "--log", tmp_path / LOG, "--out", tmp_path / "whole"], place.root)
    draw = random.Random(0)  # noqa: S311
    killed = 0
    for moment in range(MOMENTS):
        work = tmp_path / f"{moment}"
        work.mkdir()
        log = work / LOG
        shutil.copy(root / LOG, log)
        # Most of the time goes into loading Python; what is written is written in the last third.
        wait = whole * draw.uniform(0.5, 1.05)
        killed += kill_at([*command, "--log", log, "--out", work / "out"], place.root, wait) == -signal.SIGKILL
        assert valid(root / "first", log)
        listed = len(gk.read_log(log, trust=tools.trust(), as_of=LATER).entries)
        assert listed in (1, 2)
        if listed == 2:
            assert valid(work / "out", log)
        else:
            assert not valid(work / "out", log)
    assert killed >= 1
    # What a killed one left lying about is in nobody's way.
    assert duration([*command, "--log", log, "--out", work / "again"], place.root)
    assert valid(work / "again", log)


def test_an_attestation_that_is_killed_leaves_no_bundle(place: Audited, tmp_path: Path):
    gk.write_findings(tmp_path / "findings.json", evidence.read_unverified(place.bundle / "findings.sigstore.json"))
    gk.write_verdict(tmp_path / "verdict.json", gk.read_bundle(place.bundle).verdict)
    command: list[str | Path] = [
        "attest", tmp_path / "findings.json", tmp_path / "verdict.json", "--audit", "audit.yaml", "--key", "audit.key",
    ]  # fmt: skip
    whole = duration([*command, "--out", tmp_path / "whole"], place.root)
    complete = {path.name for path in (tmp_path / "whole").iterdir()}
    draw = random.Random(1)  # noqa: S311
    killed = 0
    for moment in range(MOMENTS):
        out = tmp_path / f"out-{moment}"
        killed += kill_at([*command, "--out", out], place.root, whole * draw.uniform(0.5, 1.05)) == -signal.SIGKILL
        assert not out.exists() or {path.name for path in out.iterdir()} == complete
    assert killed >= 1
