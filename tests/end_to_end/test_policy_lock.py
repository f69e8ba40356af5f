"""A policy locked before there are results: what an audit is held to, and what a verifier sees of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import govkit as gk
from govkit import evidence
from govkit.cli.app import app
from govkit.policy import load

NAME = "M. Risk"
MODEL = """\
import numpy as np


def predict(frame):
    share = np.clip(frame["x"].to_numpy(dtype=float), 0.001, 0.999)
    return np.column_stack([1 - share, share])
"""
AUDIT = """\
schema: govkit.audit/v1
name: letters
subject: {python: "MODULE:predict"}
data: {test: {path: test.csv}}
columns: {input: [x], label: label, groups: [sex], id: id}
policy: mine.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: mine
version: 1.0.0
extends: [ground.yaml]
review_by: 2030-01-01
controls:
  - {id: A-1, require: {min: 0.4}}
"""
GROUND = """\
schema: govkit.policy/v1
id: ground
version: 1.0.0
controls:
  - id: A-1
    title: "Right often enough"
    rmf: [MEASURE 2.5]
    check: performance
    metric: accuracy
    require: {min: 0.3}
    authority: {level: none, note: "Ours."}
    severity: medium
    advice: "Train again."
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Test rows, a policy and a lock over both; the model is written afterwards."""
    folder = tmp_path_factory.mktemp("locked")
    rng = np.random.default_rng(0)
    x = rng.uniform(size=200).round(4)
    rows = pd.DataFrame({"id": range(200), "x": x, "label": (rng.uniform(size=200) < x).astype(int)})
    rows["sex"] = rng.choice(["f", "m"], 200)
    rows.to_csv(folder / "test.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT.replace("MODULE", "locked_letters"), encoding="utf-8")
    (folder / "mine.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "ground.yaml").write_text(GROUND, encoding="utf-8")
    gk.new_key(folder, password=b"secret", name=NAME, as_of="2026-11-01T00:00:00Z")
    _lock(folder, "policy.lock")
    (folder / "locked_letters.py").write_text(MODEL, encoding="utf-8")
    return folder


def _key(folder: Path) -> evidence.SigningKey:
    return gk.load_key(folder / "audit.key", b"secret")


def _lock(folder: Path, out: str, **changes: str) -> None:
    options = {"name": NAME, "as_of": "2026-11-20T00:00:00Z", **changes}
    policy = options.pop("policy", str(folder / "mine.yaml"))
    gk.lock_policy(policy, audit_file=folder / "audit.yaml", key=_key(folder), out=folder / out, **options)


def _audit(folder: Path, out: Path, lock: str = "policy.lock", **changes: object) -> gk.Bundle:
    options = {"key": _key(folder), "trust": folder / "trust.yaml", "as_of": "2026-11-24T00:00:00Z", **changes}
    return gk.audit(folder / "audit.yaml", out=out, lock=folder / lock, **options)


@pytest.fixture(scope="module")
def bundle(made: Path) -> Path:
    _audit(made, made / "evidence")
    return made / "evidence"


def _verified(made: Path, bundle: Path) -> gk.Verification:
    return gk.verify(bundle, model=made / "locked_letters.py", trust=made / "trust.yaml", as_of="2026-11-25T00:00:00Z")


def test_a_lock_needs_no_model_and_names_policy_parents_and_data(made: Path):
    said = evidence.read_unverified(made / "policy.lock")
    assert said["policy"]["digest"] == gk.policy_digest(gk.resolve_policy(str(made / "mine.yaml")))
    assert said["policy"]["parents"] == {"ground.yaml": gk.policy_digest(load(made / "ground.yaml"))}
    assert list(said["data"]) == ["test"]
    assert said["as_of"] == "2026-11-20T00:00:00Z"


def test_the_verdict_the_report_and_the_verifier_say_so(made: Path, bundle: Path):
    notice = f"limits fixed before results: locked by {NAME} on 2026-11-20T00:00:00Z, before the findings were measured"
    assert notice in gk.read_bundle(bundle).verdict.notices
    proof = _verified(made, bundle)
    assert notice in proof.verdict.notices
    assert proof.signers["policy.lock.sigstore.json"] == NAME
    assert "Limits fixed before results" in (bundle / "report.html").read_text(encoding="utf-8")
    assert f"locked by {NAME} on 2026-11-20" in (bundle / "report.html").read_text(encoding="utf-8")


def test_without_a_lock_it_is_not_shown(made: Path, tmp_path: Path):
    gk.audit(made / "audit.yaml", out=tmp_path / "e", key=_key(made), as_of="2026-11-24T00:00:00Z")
    assert not [text for text in gk.read_bundle(tmp_path / "e").verdict.notices if "fixed before" in text]
    page = (tmp_path / "e/report.html").read_text(encoding="utf-8")
    assert "not shown" in page[page.index("Limits fixed before results") :][:200]


def _policy(folder: Path) -> None:
    (folder / "mine.yaml").write_text(POLICY.replace("0.4", "0.35"), encoding="utf-8")


def _parent(folder: Path) -> None:
    (folder / "ground.yaml").write_text(GROUND.replace("medium", "high"), encoding="utf-8")


def _data(folder: Path) -> None:
    rows = pd.read_csv(folder / "test.csv")
    rows.iloc[:-1].to_csv(folder / "test.csv", index=False)


def _role(folder: Path) -> None:
    shutil.copy(folder / "test.csv", folder / "shifted.csv")
    text = AUDIT.replace("MODULE", "locked_letters").replace("test.csv}", "test.csv}, shifted: {path: shifted.csv}")
    (folder / "audit.yaml").write_text(text, encoding="utf-8")


def _groups(folder: Path) -> None:
    text = (folder / "audit.yaml").read_text(encoding="utf-8")
    (folder / "audit.yaml").write_text(text.replace("groups: [sex], ", ""), encoding="utf-8")


def _late(folder: Path) -> None:
    (folder / "policy.lock").unlink()
    _lock(folder, "policy.lock", as_of="2026-11-24T00:00:01Z")


def _other_name(folder: Path) -> None:
    (folder / "policy.lock").unlink()
    _lock(folder, "policy.lock", name="Somebody else")


def _other_role(folder: Path) -> None:
    text = (folder / "trust.yaml").read_text(encoding="utf-8")
    (folder / "trust.yaml").write_text(text.replace("  - lock\n", ""), encoding="utf-8")


def _damaged(folder: Path) -> None:
    raw = (folder / "policy.lock").read_bytes()
    (folder / "policy.lock").write_bytes(raw[:-40] + raw[-39:])


CHANGES = [
    (_policy, "LOCK_POLICY"),
    (_parent, "LOCK_POLICY"),
    (_data, "LOCK_DATA: policy.lock.sigstore.json: fixes other test data"),
    (_role, "LOCK_DATA: policy.lock.sigstore.json: fixes other shifted data"),
    (_groups, "LOCK_AUDIT: policy.lock.sigstore.json: fixes other columns"),
    (_late, "LOCK_TIME"),
    (_other_name, "WRONG_NAME"),
    (_other_role, "KEY_ROLE"),
    (_damaged, "policy.lock"),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_an_audit_of_something_else_is_refused_before_it_begins(
    made: Path, tmp_path: Path, change: Callable[[Path], None], expected: str
):
    folder = tmp_path / "copy"
    shutil.copytree(made, folder, ignore=shutil.ignore_patterns("evidence", "__pycache__"))
    module = f"locked_{change.__name__}"
    (folder / "locked_letters.py").rename(folder / f"{module}.py")
    change(folder)
    text = (folder / "audit.yaml").read_text(encoding="utf-8")
    (folder / "audit.yaml").write_text(text.replace("locked_letters", module), encoding="utf-8")
    with pytest.raises(gk.UsageError, match=expected):
        _audit(folder, tmp_path / "e")
    assert not (tmp_path / "e").exists()


def test_a_lock_needs_a_trust_file(made: Path, tmp_path: Path):
    with pytest.raises(gk.UsageError, match="lock: they need a trust file"):
        _audit(made, tmp_path / "e", trust=None)
    with pytest.raises(gk.UsageError, match="a trust file is for waivers, attestations, a lock or"):
        gk.measure(made / "audit.yaml", trust=made / "trust.yaml")


def test_stored_answers_cannot_be_locked_before_they_exist(made: Path, tmp_path: Path):
    (tmp_path / "audit.yaml").write_text(
        "schema: govkit.audit/v1\nsubject: {predictions: rows.csv}\ncolumns: {label: label, score: score}\n",
        encoding="utf-8",
    )
    with pytest.raises(gk.UsageError, match="this table holds the answers already"):
        gk.lock_policy(
            str(made / "mine.yaml"),
            audit_file=tmp_path / "audit.yaml",
            key=_key(made),
            name=NAME,
            out=tmp_path / "policy.lock",
        )
    assert not (tmp_path / "policy.lock").exists()


def test_a_lock_is_never_overwritten(made: Path):
    with pytest.raises(gk.UsageError, match="never overwritten"):
        _lock(made, "policy.lock")


def _resealed(made: Path, bundle: Path, folder: Path, change: Callable[[Path], None]) -> Path:
    """The bundle of an honest signer who sealed something that does not belong together."""
    shutil.copytree(bundle, folder)
    (folder / "release.sigstore.json").unlink()
    change(folder)
    evidence.seal(
        folder,
        model=made / "locked_letters.py",
        outcome=gk.read_bundle(folder).verdict.outcome,
        key=_key(made),
        as_of="2026-11-24T00:00:00Z",
    )
    return folder


def test_a_verifier_misses_a_lock_that_the_findings_name(made: Path, bundle: Path, tmp_path: Path):
    folder = _resealed(made, bundle, tmp_path / "e", lambda at: (at / "policy.lock.sigstore.json").unlink())
    with pytest.raises(gk.EvidenceError, match="LOCK_MISSING"):
        _verified(made, folder)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"as_of": "2026-11-19T00:00:00Z"}, "LOCK_MISMATCH"),
        ({"as_of": "2026-11-24T12:00:00Z"}, "LOCK_TIME"),
        ({"policy": "nist-ai-rmf-core"}, "LOCK_POLICY"),
        ({"name": "Somebody else"}, "WRONG_NAME"),
    ],
)
def test_a_verifier_refuses_another_lock(
    made: Path, bundle: Path, tmp_path: Path, changes: dict[str, str], expected: str
):
    _lock(made, f"{expected}.lock", **changes)

    def swap(folder: Path) -> None:
        shutil.copy(made / f"{expected}.lock", folder / "policy.lock.sigstore.json")

    with pytest.raises(gk.EvidenceError, match=expected):
        _verified(made, _resealed(made, bundle, tmp_path / "e", swap))


def test_step_by_step_the_findings_name_the_lock(made: Path, tmp_path: Path):
    held = {"lock": made / "policy.lock", "trust": made / "trust.yaml"}
    document = gk.measure(made / "audit.yaml", **held)
    free = gk.measure(made / "audit.yaml")
    policy = str(made / "mine.yaml")
    people = gk.open_people(**held)
    verdict = gk.judge(document, policy, people=people)
    assert [text for text in verdict.notices if text.startswith("limits fixed before results")]
    with pytest.raises(gk.UsageError, match="measured under a lock: name it with --lock"):
        gk.judge(document, policy)
    with pytest.raises(gk.UsageError, match=r"LOCK_MISMATCH.*measured without it"):
        gk.judge(free, policy, people=people)
    gk.write_findings(tmp_path / "f.json", document)
    gk.write_verdict(tmp_path / "v.json", verdict)
    out = gk.attest(
        tmp_path / "f.json",
        tmp_path / "v.json",
        audit_file=made / "audit.yaml",
        out=tmp_path / "e",
        key=_key(made),
        **held,
    )
    assert (out / "policy.lock.sigstore.json").read_bytes() == (made / "policy.lock").read_bytes()


def test_the_command_line_locks_and_holds(made: Path, tmp_path: Path):
    def govkit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "govkit", *map(str, arguments)],
            cwd=made,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GOVKIT_KEY_PASSWORD": "secret"},
        )

    lock = ("policy", "lock", "mine.yaml", "--audit", "audit.yaml", "--key", "audit.key", "--name", NAME)
    done = govkit(*lock, "--out", tmp_path / "a.lock")
    assert (done.returncode, done.stdout[:22]) == (0, "locked: mine 1.0.0 and"), done.stderr
    assert govkit(*lock, "--out", tmp_path / "a.lock").returncode == 2
    held = ("--lock", tmp_path / "a.lock", "--trust", "trust.yaml")
    done = govkit("measure", "audit.yaml", "--out", tmp_path / "f.json", *held)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))["lock"].startswith("sha256:")
    judged = govkit("judge", tmp_path / "f.json", "--policy", "mine.yaml", "--out", tmp_path / "v.json", *held)
    assert "limits fixed before results: locked by M. Risk" in judged.stdout, judged.stderr
    other = govkit("judge", tmp_path / "f.json", "--policy", "ground.yaml", "--out", tmp_path / "w.json", *held)
    assert (other.returncode, "LOCK_POLICY" in other.stderr) == (2, True)
    assert "lock" in {command.name for command in app.registered_groups[0].typer_instance.registered_commands}


def test_a_verifier_refuses_findings_of_other_columns(made: Path, tmp_path: Path):
    held = {"lock": made / "policy.lock", "trust": made / "trust.yaml"}
    other = made / "other.yaml"
    text = (made / "audit.yaml").read_text(encoding="utf-8")
    other.write_text(text.replace("groups: [sex], ", ""), encoding="utf-8")
    for asked in ({"audit_file": other}, {"audit_file": made / "audit.yaml", "seed": 7}):
        with pytest.raises(gk.UsageError, match="LOCK_AUDIT"):
            gk.measure(**asked, **held)
    people = gk.open_people(**held)
    assert people.lock is not None
    # A signer who writes by hand that the findings were measured under the lock.
    gk.write_findings(tmp_path / "f.json", {**gk.measure(other), "lock": people.lock.payload_sha256})
    gk.write_verdict(tmp_path / "v.json", gk.judge(tmp_path / "f.json", str(made / "mine.yaml"), people=people))
    files = (tmp_path / "f.json", tmp_path / "v.json")
    bundle = gk.attest(*files, audit_file=other, out=tmp_path / "e", key=_key(made), **held)
    gk.render(bundle, pdf=False)
    gk.seal(bundle, model=made / "locked_letters.py", key=_key(made), as_of="2026-11-24T00:00:00Z")
    with pytest.raises(gk.EvidenceError, match="LOCK_AUDIT"):
        gk.verify(bundle, model=made / "locked_letters.py", trust=made / "trust.yaml")
