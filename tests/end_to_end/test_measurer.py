"""Findings that go from hand to hand as a file: a measurer signs them, and what was edited since never passes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import published
import pytest
import yaml

import govkit as gk
from govkit import evidence

DAY, START = published.DAY, "2026-11-01T00:00:00Z"
LAB = evidence.throwaway_key("The laboratory", START)
CI = published.key("ci")
STRANGER = evidence.throwaway_key("The laboratory", START)
TRUST = evidence.join_trust(
    [evidence.trust_of(CI), evidence.trust_of(LAB, roles=("measure",))]
)  # fmt: skip
WITHOUT = evidence.trust_of(CI)
NOTICE = "no measurer signed"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = published.prepare(tmp_path_factory.mktemp("measurer"), "letters_measured", limit=0.9)
    policy = yaml.safe_load((root / "mine.yaml").read_text(encoding="utf-8"))
    policy["decision"] = {"signed_findings": True}
    (root / "strict.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    return root, gk.measure(root / "audit.yaml")


def better(document: Mapping[str, Any]) -> dict[str, Any]:
    """The findings of a forger: the accuracy with its bounds and interval is nearly 1."""
    forged = json.loads(json.dumps(document))
    for each in forged["findings"]:
        if each.get("name") == "accuracy" and each["kind"] == "measurement":
            each["value"] = 0.999
            for bound in (*each.get("bounds", ()), *filter(None, [each.get("interval")])):
                bound.update(low=0.99, high=1.0)
    return forged


def steps(
    made: tuple[Path, dict[str, Any]], place: Path, *, key: evidence.SigningKey | None, trust: evidence.Trust | None,
    edited: bool = False, policy: str = "mine.yaml",
) -> Path:  # fmt: skip
    """Judge, attest and seal from files."""
    root, document = made
    if policy != "mine.yaml":
        document = gk.measure(root / "audit.yaml", policy=str(root / policy))
    file, audit = place / "f.json", root / "audit.yaml"
    gk.write_findings(file, document, key=key)
    if edited:
        file.write_bytes(evidence.dumps(better(document)) + b"\n")
    rules = str(root / policy)
    people = gk.open_people(trust=trust, findings=file, as_of=DAY) if trust is not None else None
    verdict = gk.judge(file, rules, as_of=DAY, people=people)
    gk.write_verdict(place / "v.json", verdict)
    gk.attest(file, place / "v.json", audit_file=audit, out=place / "bundle", key=CI, trust=trust, policy=rules)
    gk.render(place / "bundle", pdf=False)
    gk.seal(place / "bundle", model=root / "letters_measured", key=CI)
    return place / "bundle"


def verify(made: tuple[Path, dict[str, Any]], bundle: Path, trust: evidence.Trust = TRUST) -> gk.Verification:
    return gk.verify(bundle, model=made[0] / "letters_measured", trust=trust, as_of=DAY)


def test_signed_findings_go_through_every_step_without_a_remark(made, tmp_path: Path) -> None:
    bundle = steps(made, tmp_path, key=LAB, trust=TRUST)
    found = verify(made, bundle)
    assert found.signers[evidence.MEASURED_FILE] == "The laboratory"
    assert not [text for text in found.verdict.notices if NOTICE in text]
    with pytest.raises(gk.EvidenceError, match="UNKNOWN_KEY"):
        verify(made, bundle, WITHOUT)


def test_edited_findings_are_refused_by_whoever_judges_or_attests(made, tmp_path: Path) -> None:
    assert gk.judge(better(made[1]), str(made[0] / "mine.yaml"), as_of=DAY).exit_code == 0
    assert gk.judge(made[1], str(made[0] / "mine.yaml"), as_of=DAY).exit_code != 0
    with pytest.raises(gk.UsageError, match="FINDINGS_EDITED"):
        steps(made, tmp_path, key=LAB, trust=TRUST, edited=True)
    verdict = gk.judge(tmp_path / "f.json", str(made[0] / "mine.yaml"), as_of=DAY)
    gk.write_verdict(tmp_path / "v.json", verdict)
    given = {"audit_file": made[0] / "audit.yaml", "out": tmp_path / "bundle", "key": CI}
    with pytest.raises(gk.UsageError, match="FINDINGS_EDITED"):
        gk.attest(tmp_path / "f.json", tmp_path / "v.json", trust=TRUST, **given)


@pytest.mark.parametrize("key", [None, STRANGER, CI], ids=["nobody", "a stranger", "one who may not measure"])
def test_a_trust_file_that_names_a_measurer_takes_no_other(made, tmp_path: Path, key) -> None:
    with pytest.raises(gk.UsageError, match=r"names who may measure|UNKNOWN_KEY|KEY_ROLE"):
        steps(made, tmp_path, key=key, trust=TRUST)


def test_edited_findings_never_verify_where_a_measurer_is_named(made, tmp_path: Path) -> None:
    """A signer who asked for nothing is caught by the verifier, whatever the roles of the signer's own key are."""
    bundle = steps(made, tmp_path, key=None, trust=None, edited=True)
    assert [text for text in verify(made, bundle, WITHOUT).verdict.notices if NOTICE in text]
    everything = evidence.trust_of(CI, roles=(*evidence.ROLES, "measure"))
    for trust in (TRUST, everything):
        with pytest.raises(gk.EvidenceError, match="FINDINGS_UNSIGNED"):
            verify(made, bundle, trust)


def test_a_statement_of_a_measurer_does_not_lend_itself_to_other_findings(made, tmp_path: Path) -> None:
    """Swapped in by somebody who holds the key of the pipeline, or left out, it is found."""
    bundle = steps(made, tmp_path, key=LAB, trust=TRUST)
    for name, raw in (("other", evidence.sign_measured(better(made[1]), LAB)), ("none", None)):
        copy = tmp_path / name
        shutil.copytree(bundle, copy)
        (copy / "release.sigstore.json").unlink()
        (copy / evidence.MEASURED_FILE).unlink()
        if raw is not None:
            (copy / evidence.MEASURED_FILE).write_bytes(raw)
        gk.seal(copy, model=made[0] / "letters_measured", key=CI)
        with pytest.raises(gk.EvidenceError, match=r"FINDINGS_EDITED|INPUTS_MISMATCH"):
            verify(made, copy)


def test_an_unsigned_step_is_said_on_the_pages_in_each_language(made, tmp_path: Path) -> None:
    bundle = steps(made, tmp_path, key=None, trust=None)
    for page in ("report.html", "card.md", "summary.md"):
        assert NOTICE in (bundle / page).read_text(encoding="utf-8"), page
    gk.render(bundle, out=tmp_path / "es", pdf=False, language="es")
    assert "que nadie que midiera ha firmado" in (tmp_path / "es" / "report.html").read_text(encoding="utf-8")
    assert [text for text in verify(made, bundle, WITHOUT).verdict.notices if NOTICE in text]


def test_a_policy_asks_for_the_signature_of_what_comes_as_a_file(made, tmp_path: Path) -> None:
    root = made[0]
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    with pytest.raises(gk.UsageError, match="asks for findings that a measurer signed"):
        steps(made, tmp_path / "a", key=None, trust=None, policy="strict.yaml")
    assert verify(made, steps(made, tmp_path / "b", key=LAB, trust=TRUST, policy="strict.yaml"))
    whole = gk.audit(
        root / "audit.yaml", policy=str(root / "strict.yaml"), out=tmp_path / "c/bundle", key=CI, as_of=DAY
    )
    assert not whole.verdict.notices
    assert verify(made, tmp_path / "c/bundle", WITHOUT)
    with pytest.raises(gk.EvidenceError, match="FINDINGS_UNSIGNED"):  # CI may not measure
        verify(made, tmp_path / "c/bundle")


def test_the_command_line_signs_as_a_measurer(made, tmp_path: Path) -> None:
    root = made[0]
    evidence.write_key(tmp_path, LAB, password=b"secret", trust=TRUST)

    def govkit(*arguments: str | Path, code: int) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "govkit", *map(str, arguments)], cwd=root, capture_output=True, text=True,
            env={**os.environ, "GOVKIT_KEY_PASSWORD": "secret"}, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    file = tmp_path / "f.json"
    govkit("measure", "audit.yaml", "--out", file, "--key", tmp_path / "audit.key", code=0)
    judge = ("judge", file, "--policy", "mine.yaml", "--trust", tmp_path / "trust.yaml", "--as-of", DAY)
    assert NOTICE not in govkit(*judge, "--out", tmp_path / "v.json", code=1)
    file.write_bytes(evidence.dumps(better(json.loads(file.read_text(encoding="utf-8")))) + b"\n")
    assert "FINDINGS_EDITED" in govkit(*judge, "--out", tmp_path / "w.json", code=2)
    assert NOTICE in govkit("judge", file, "--policy", "mine.yaml", "--out", tmp_path / "x.json", code=0)
