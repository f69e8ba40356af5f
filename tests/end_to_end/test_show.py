"""``govkit show`` as people and pipes call it."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from published import Audited, audited

import govkit as gk


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Audited = audited(tmp_path_factory.mktemp("shown") / "a", "shown_model")
    return made.bundle


def show(*args: object, code: int = 0, **environment: str) -> str:
    """Output of the command; of its complaints where it ends with another code than 0."""
    done = subprocess.run(
        [sys.executable, "-m", "govkit", "show", *map(str, args)],
        capture_output=True, env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr.decode()
    return (done.stderr if code else done.stdout).decode()


def test_verdict_rulings_findings_and_gaps_of_a_real_audit_are_shown(bundle: Path) -> None:
    shown = show(bundle, "--all", COLUMNS="120")
    found = gk.read_bundle(bundle)
    assert found.verdict.outcome in shown
    assert "✓ pass" in shown
    assert "mine 1.0.0" in shown
    assert "├" in shown
    assert "\x1b" not in shown
    gaps = [each for each in found.findings if each.kind == "gap"]
    assert gaps
    narrow = " ".join(show(bundle, "--all", COLUMNS="60").split())
    assert all(" ".join(each.detail.split()) in narrow for each in gaps if len(each.detail) < 300)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_small_alphabet_is_no_crash(bundle: Path, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "govkit", "show", str(bundle)],
        capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=True,
    )  # fmt: skip
    assert "v pass" in done.stdout.decode(encoding)
    assert "\\u{" not in done.stdout.decode(encoding)


def test_without_color_a_terminal_shows_the_same_text(bundle: Path) -> None:
    plain = show(bundle, COLUMNS="100")
    colored, uncolored = (_on_a_terminal(bundle, environment) for environment in ({}, {"NO_COLOR": "1"}))
    assert "\x1b[" in colored
    assert "\x1b[3" not in uncolored
    for shown in (colored, uncolored):
        told = [line.rstrip() for line in _unstyled(shown).splitlines()]
        assert told == plain.splitlines()


def _on_a_terminal(bundle: Path, environment: dict[str, str]) -> str:
    """What the command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI")}
    running = subprocess.Popen(
        [sys.executable, "-m", "govkit", "show", str(bundle)],
        stdout=theirs, stdin=subprocess.DEVNULL,
        env={**known, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )  # fmt: skip
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert running.wait() == 0
    return b"".join(pieces).decode().replace("\r\n", "\n")


def _unstyled(text: str) -> str:
    from rich.ansi import AnsiDecoder

    return "\n".join(line.plain for line in AnsiDecoder().decode(text))


def test_filters_narrow_and_machines_get_everything(bundle: Path) -> None:
    only = show(bundle, "--check", "performance", "--state", "pass")
    assert "(performance)" in only
    assert "(calibration)" not in only
    facts = json.loads(show(bundle, "--json"))
    assert facts == json.loads(json.dumps(gk.read_bundle(bundle).dump()))
    assert "leave --check" in show(bundle, "--json", "--all", code=2)


def test_an_unknown_check_or_state_is_refused_with_advice(bundle: Path) -> None:
    assert "did you mean 'performance'" in show(bundle, "--check", "performence", code=2)
    assert "inconclusive" in show(bundle, "--state", "maybe", code=2)


def test_what_is_no_bundle_or_a_damaged_one_keeps_its_exit_code(bundle: Path, tmp_path: Path) -> None:
    assert "no bundle" in show(tmp_path / "none", code=2)
    assert "no bundle" in show(tmp_path, code=2)
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    (copy / "findings.sigstore.json").write_bytes((bundle / "findings.sigstore.json").read_bytes()[:-200])
    assert "findings.sigstore.json" in show(copy, code=4)


def test_a_bundle_whose_policy_cannot_be_read_still_shows_its_verdict(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    (copy / "policy.yaml").write_text("schema: another\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "govkit", "show", str(copy)], capture_output=True, check=True)
    assert b"Verdict: " in done.stdout
    assert b"policy.yaml: expected a resolved policy" in done.stderr
    assert b"shown without limits" in done.stderr
    assert "policy.yaml" in show(copy, "--all", code=2)


@pytest.mark.parametrize(("file", "code"), [("policy.yaml", "POLICY_SWAPPED"), ("audit.yaml", "AUDIT_SWAPPED")])
def test_a_policy_or_audit_file_that_the_verdict_does_not_name_is_not_shown(
    bundle: Path, tmp_path: Path, file: str, code: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    text = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(text.replace("min: 0.5", "min: 0.1").replace("letters.", "people."), encoding="utf-8")
    assert code in show(copy, code=4)
    assert code in show(copy, "--all", code=4)
