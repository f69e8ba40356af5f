"""``SOURCE_DATE_EPOCH`` moves no clock that decides: each command answers as without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import published
import pytest
import yaml
from published import Audited

import govkit as gk
from govkit import evidence
from govkit.core import Audit, times
from govkit.pipeline import clock, steps
from govkit.watch import looking

NOW = datetime.now(UTC)
MADE, EPOCH, REVOKED, AFTER = (times.write(NOW - timedelta(days=days)) for days in (20, 15, 10, 5))
SECONDS = str(int(times.instant(EPOCH).timestamp()))


def govkit(*arguments: str | Path, cwd: Path) -> SimpleNamespace:
    environment = {**os.environ, "GOVKIT_KEY_PASSWORD": "secret", "SOURCE_DATE_EPOCH": SECONDS}
    done = subprocess.run(
        [sys.executable, "-m", "govkit", *map(str, arguments)], cwd=cwd, env=environment, capture_output=True,
        text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """An audited model whose signer was revoked, and a waiver and a log by the same key."""
    root = published.prepare(tmp_path_factory.mktemp("clock"), "letters_clock")
    model, key = root / "letters_clock", evidence.throwaway_key("The pipeline", MADE)
    store = evidence.trust_of(key)
    evidence.write_key(root, key, password=b"secret", trust=store)
    gk.audit(root / "audit.yaml", out=root / "evidence", key=key, as_of=MADE)
    gk.release(
        root / "evidence", model=model, key=key, trust=store, log=root / "log.sigstore.json", out=root / "out",
        as_of=MADE,
    )  # fmt: skip
    evidence.write_trust(root / "revoked.yaml", evidence.revoke_key(store, key.id, at=REVOKED, reason="stolen")[0])
    policy = yaml.safe_load((root / "mine.yaml").read_text(encoding="utf-8"))
    (root / "old.yaml").write_text(yaml.safe_dump({**policy, "review_by": EPOCH[:10]}), encoding="utf-8")
    gk.write_findings(root / "findings.json", gk.measure(root / "audit.yaml"))
    return Audited(root, model)


def model(made: Audited) -> tuple[str | Path, ...]:
    return ("--model", made.model, "--trust", "revoked.yaml")


REFUSED: dict[str, Callable[[Audited], tuple[str | Path, ...]]] = {
    "verify": lambda made: ("verify", "evidence", *model(made)),
    "verify pdf": lambda _: ("verify", "evidence/report.pdf", "--trust", "revoked.yaml"),
    "release log": lambda _: ("release", "log", "log.sigstore.json", "--trust", "revoked.yaml"),
    "release new": lambda made: (
        "release", "new", "evidence", *model(made), "--key", "audit.key", "--log", "new.log", "--out", "new",
    ),
    "release revoke": lambda _: (
        "release", "revoke", "1", "--log", "log.sigstore.json", "--trust", "revoked.yaml", "--key", "audit.key",
        "--reason", "no",
    ),
    "countersign": lambda made: (
        "release", "countersign", "evidence", *model(made), "--key", "audit.key", "--as", "auditor",
        "--out", "c/a.sigstore.json",
    ),
    "render": lambda made: ("render", "evidence", *model(made), "--out", "pages", "--no-pdf"),
    "compare": lambda made: (
        "compare", "evidence", "evidence", "--model-a", made.model, "--model-b", made.model, "--trust", "revoked.yaml",
    ),
}  # fmt: skip
"""Command -> how it meets a signature of a key that is revoked now, and was not when SOURCE_DATE_EPOCH says."""


@pytest.mark.parametrize("command", REFUSED)
def test_a_revoked_key_is_refused_whatever_the_environment_says(command: str, made: Audited) -> None:
    arguments = REFUSED[command](made)
    done = govkit(*arguments, cwd=made.root)
    assert done.returncode in (2, 4), (done.stdout, done.stderr)
    assert "KEY_REVOKED" in done.stdout + done.stderr


def test_verifying_before_the_revocation_takes_a_time_that_is_said_aloud(made: Audited) -> None:
    done = govkit("verify", "evidence", *model(made), "--as-of", MADE, cwd=made.root)
    assert done.returncode == 0, done.stderr
    assert f"taken as now: {MADE} (--as-of), not the time of this machine" in done.stderr
    assert f"Judged as of {MADE}." in done.stdout
    assert govkit("verify", "evidence", *model(made), "--as-of", AFTER, cwd=made.root).returncode == 4
    told = govkit("verify", "evidence", *model(made), "--as-of", MADE, "--json", cwd=made.root)
    assert json.loads(told.stdout)["verdict"]["as_of"] == MADE


def test_an_old_verdict_stays_old(made: Audited) -> None:
    trust = ("--model", made.model, "--trust", "trust.yaml", "--max-age", "0")
    assert "STALE" in govkit("verify", "evidence", *trust, cwd=made.root).stderr


def test_a_report_alone_is_judged_again_by_a_policy_as_of_now(made: Audited) -> None:
    report = ("verify", "evidence/report.pdf", "--trust", "trust.yaml")
    done = govkit(*report, "--policy", "mine.yaml", "--json", cwd=made.root)
    told = json.loads(done.stdout)
    assert (done.returncode, told["judged_again"], told["outcome"]) == (0, True, "PASS"), done.stderr
    assert json.loads(govkit(*report, "--json", cwd=made.root).stdout)["judged_again"] is False
    other = govkit(*report, "--policy", "old.yaml", cwd=made.root)
    assert (other.returncode, "POLICY_SWAPPED" in other.stderr) == (4, True)


def test_a_stored_verdict_that_does_not_follow_is_refused_in_a_report_too(made: Audited, tmp_path: Path) -> None:
    """Whoever holds the keys can sign a verdict that the findings do not give; judging again finds it."""
    strict = (made.root / "mine.yaml").read_text(encoding="utf-8").replace("min: 0.5", "min: 0.99")
    (tmp_path / "strict.yaml").write_text(strict, encoding="utf-8")
    root, rules = made.root, str(tmp_path / "strict.yaml")
    document = gk.measure(root / "audit.yaml", policy=rules)
    fair = gk.judge(document, rules, as_of=MADE)
    assert fair.outcome == "BLOCK"
    key, resolved = evidence.load_key(root / "audit.key", b"secret"), gk.resolve_policy(rules)
    audit = Audit.model_validate(yaml.safe_load((root / "evidence/audit.yaml").read_text(encoding="utf-8")))
    folder = tmp_path / "bundle"
    folder.mkdir()
    lie = fair.model_copy(update={"outcome": "PASS"})
    given = {"audit": audit, "rules": resolved, "run": None, "people": evidence.People(), "key": key}
    steps.write_statements(folder, document, lie, **given)
    gk.render(folder, key=key)
    asked = {"trust": root / "trust.yaml", "as_of": AFTER}
    assert gk.verify_pdf(folder / "report.pdf", **asked).outcome == "PASS"
    with pytest.raises(gk.EvidenceError, match="VERDICT_DIFFERS"):
        gk.verify_pdf(folder / "report.pdf", policy=rules, **asked)


def test_a_log_may_be_asked_to_be_young(made: Audited) -> None:
    trust = ("--model", "out/model", "--trust", "trust.yaml")
    log = ("--log", "log.sigstore.json", "--log-max-age")
    assert govkit("verify", "out/evidence", *trust, *log, "30", cwd=made.root).returncode == 0
    old = govkit("verify", "out/evidence", *trust, *log, "19", cwd=made.root)
    assert (old.returncode, "STALE: releases.sigstore.json" in old.stderr) == (4, True), old.stderr
    assert govkit("verify", "out/evidence", *trust, "--log-max-age", "30", cwd=made.root).returncode == 2


def test_judging_and_auditing_take_the_time_of_the_machine(made: Audited) -> None:
    """A policy that was to be reviewed asks for a person, and the verdict bears the real date."""
    judge = ("judge", "findings.json", "--policy", "old.yaml", "--out", "v.json")
    done = govkit(*judge, cwd=made.root)
    assert done.returncode == 3, done.stdout + done.stderr
    assert json.loads((made.root / "v.json").read_text(encoding="utf-8"))["as_of"] > REVOKED
    govkit("audit", "audit.yaml", "--policy", "old.yaml", "--out", "again", cwd=made.root)
    verdict = gk.read_bundle(made.root / "again").verdict
    assert (verdict.outcome, verdict.as_of > REVOKED) == ("REVIEW", True)


def test_a_key_is_revoked_from_now_on_and_not_from_long_ago(made: Audited, tmp_path: Path) -> None:
    (tmp_path / "trust.yaml").write_bytes((made.root / "trust.yaml").read_bytes())
    govkit("keys", "revoke", "The pipeline", "--trust", "trust.yaml", cwd=tmp_path)
    assert times.write(evidence.read_trust(tmp_path / "trust.yaml").keys[0].revoked_at) > REVOKED


def test_only_what_is_written_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", SECONDS)
    assert clock.written_time() == EPOCH
    assert clock.deciding_time() > REVOKED
    assert looking.moment(None) > REVOKED  # of a watch
    assert clock.written_time(MADE) == clock.deciding_time(MADE) == MADE
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert clock.deciding_time() > REVOKED
    with pytest.raises(gk.UsageError, match="expected seconds since 1970"):
        clock.written_time()
