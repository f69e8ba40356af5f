"""``govkit compare``: two real audits side by side, read or verified, and what the exit code says."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import published as tools
import pytest
from published import DAY, LATER, Audited

import govkit as gk
from govkit.errors import EvidenceError, UsageError

INCUMBENT = 'incumbent: {{python: "{0}.code:predict", artifact: {0}}}\n'


def bundle(root: Path, name: str) -> Audited:
    """Measured, judged, signed and sealed; nothing is drawn, for a comparison reads no document."""
    gk.write_findings(root / "f.json", gk.measure(root / "audit.yaml"))
    gk.write_verdict(root / "v.json", gk.judge(root / "f.json", root / "mine.yaml", as_of=DAY))
    given = {"audit_file": root / "audit.yaml", "out": root / "evidence", "key": tools.key("ci")}
    gk.attest(root / "f.json", root / "v.json", **given)
    gk.seal(root / "evidence", model=root / name, key=tools.key("ci"))
    return Audited(root, root / name)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The limit at which the labels were drawn."""
    return bundle(tools.prepare(tmp_path_factory.mktemp("good"), "letters_good", weight=0.5), "letters_good")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The same rows and policy; other weights, which answer yes hardly ever."""
    return bundle(tools.prepare(tmp_path_factory.mktemp("bad"), "letters_bad", weight=0.95), "letters_bad")


@pytest.fixture(scope="module")
def beside(good: Audited, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a model a little worse than the good one, which stands beside it as the model in service."""
    root = tools.prepare(tmp_path_factory.mktemp("beside"), "letters_next", weight=0.62)
    # Under a name of its own: Python loads a module once, and the digest of a model is that of what it holds.
    shutil.copytree(good.model, root / "letters_served", ignore=shutil.ignore_patterns("__pycache__"))
    audit = (root / "audit.yaml").read_text(encoding="utf-8")
    (root / "audit.yaml").write_text(audit + INCUMBENT.format("letters_served"), encoding="utf-8")
    return bundle(root, "letters_next").bundle


def compared(a: Audited | Path, b: Audited | Path, *more: str, code: int = 0) -> str:
    """What the command line prints."""
    places = [str(each if isinstance(each, Path) else each.bundle) for each in (a, b)]
    command = [sys.executable, "-m", "govkit", "compare", *places, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code in (0, 1, 3) else done.stderr


def test_the_worse_model_is_worse_beyond_chance_and_the_outcome_says_so(good: Audited, bad: Audited) -> None:
    found = gk.compare_bundles(good.bundle, bad.bundle)
    assert (found.same_model, found.same_policy, found.same_rows) == (False, True, {"test": True})
    by_name = {(q.about.name, q.about.of): q for q in found.questions if not q.about.part and not q.about.compared_with}
    accuracy = by_name["accuracy", "candidate"]
    assert (accuracy.answer, accuracy.basis) == ("worse", "intervals")
    assert by_name["accuracy", "trivial"].answer == "unchanged"
    assert found.got_worse
    back = gk.compare_bundles(bad.bundle, good.bundle)
    assert back.counts["better"] == found.counts["worse"] > 0
    assert back.counts["worse"] == found.counts["better"]
    assert {"harder": "milder", "same": "same"}[found.outcome] == back.outcome


def test_the_command_answers_0_whatever_changed_unless_it_is_told_what_to_fail_on(good: Audited, bad: Audited) -> None:
    shown = compared(good, bad)
    assert shown.startswith("NOT VERIFIED.")
    assert "letters_good" in shown
    assert "the intervals lie apart" in shown
    assert "\x1b" not in shown
    compared(good, bad, "--fail-on", "worse", code=1)
    assert "Nothing changed" in compared(good, good, "--fail-on", "worse")
    assert "--fail-on" in compared(good, bad, "--fail-on", "better", code=2)


def test_other_rows_are_no_comparison_and_a_group_that_is_gone_is_exit_code_3(good: Audited, tmp_path: Path) -> None:
    root = tools.prepare(tmp_path / "same", "letters_alone", weight=0.5)
    rows = (root / "test.csv").read_text(encoding="utf-8").replace(",m\n", ",f\n")
    (root / "test.csv").write_text(rows, encoding="utf-8")
    other = bundle(root, "letters_alone").bundle
    found = gk.compare_bundles(good.bundle, other)
    assert found.same_rows == {"test": False}
    assert found.reasons["other rows"] > 0
    assert found.lost > 0
    assert (found.got_worse, found.lost_evidence) == (False, True)
    assert "no longer measured" in compared(good, other, "--fail-on", "worse", code=3)


def test_json_markdown_and_html_hold_the_same_comparison(good: Audited, bad: Audited, tmp_path: Path) -> None:
    comment, page = tmp_path / "c.md", tmp_path / "c.html"
    plain = json.loads(compared(good, bad, "--json", "--markdown", str(comment), "--html", str(page)))
    assert plain == json.loads(json.dumps(gk.compare_bundles(good.bundle, bad.bundle).dump()))
    assert plain["verified"] == {"a": False, "b": False}
    for text in (comment.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")):
        assert "NOT VERIFIED" in text
        assert plain["a"]["artifact"][7:15] in text
    assert "already exists" in compared(good, bad, "--html", str(page), code=2)


def test_with_models_and_a_trust_file_bundles_are_verified_first(good: Audited, bad: Audited) -> None:
    keys = ("--trust", str(good.trust_file), "--as-of", LATER)
    both = compared(good, bad, *keys, "--model-a", str(good.model), "--model-b", str(bad.model))
    assert "NOT VERIFIED" not in both
    assert "verified, signed by The pipeline" in both
    one = compared(good, bad, *keys, "--model-b", str(bad.model))
    assert "of bundle A were not checked" in one
    refused = compared(good, bad, *keys, "--model-a", str(bad.model), code=4)
    assert "MODEL_MISMATCH" in refused
    with pytest.raises(EvidenceError):
        gk.compare_bundles(good.bundle, bad.bundle, model_a=bad.model, trust=tools.trust(), as_of=LATER)


@pytest.mark.parametrize("given", [["--trust"], ["--model-a"]])
def test_half_of_what_verifying_takes_is_refused(good: Audited, given: list[str]) -> None:
    place = good.trust_file if given == ["--trust"] else good.model
    assert "to verify takes a trust file" in compared(good, good, *given, str(place), code=2)


def test_a_folder_that_is_no_bundle_is_refused(good: Audited, tmp_path: Path) -> None:
    assert "is not a bundle" in compared(good, tmp_path, code=2)
    with pytest.raises(UsageError, match="is not a bundle"):
        gk.compare_bundles(tmp_path, good.bundle)


@pytest.mark.parametrize(("file", "code"), [("policy.yaml", "POLICY_SWAPPED"), ("audit.yaml", "AUDIT_SWAPPED")])
def test_an_edited_policy_or_audit_file_is_not_compared(good: Audited, tmp_path: Path, file: str, code: str) -> None:
    copy = tmp_path / "edited"
    shutil.copytree(good.bundle, copy)
    text = (copy / file).read_text(encoding="utf-8")
    (copy / file).write_text(text.replace("min: 0.5", "min: 0.1").replace("letters.", "people."), encoding="utf-8")
    assert code in compared(copy, good, code=4)
    assert code in compared(good, copy, code=4)


def test_a_model_audited_beside_the_other_is_judged_by_the_paired_difference(good: Audited, beside: Path) -> None:
    found = gk.compare_bundles(good.bundle, beside)
    assert found.b.incumbent == found.a.artifact
    paired = [q for q in found.questions if q.basis == "paired"]
    assert {q.about.name for q in paired} > {"accuracy"}
    back = gk.compare_bundles(beside, good.bundle)
    turned = {"better": "worse", "worse": "better"}
    assert sorted(turned.get(q.answer, q.answer) for q in back.questions if q.basis == "paired") == sorted(
        q.answer for q in paired
    )
    assert "B − A:" in compared(good, beside)


def test_a_rewritten_incumbent_is_another_model(good: Audited, bad: Audited, beside: Path) -> None:
    found = gk.compare_bundles(bad.bundle, beside)
    assert found.b.incumbent != found.a.artifact
    assert not [q for q in found.questions if q.basis == "paired"]


STORED = """\
schema: govkit.audit/v1
subject: {{predictions: {own}}}
{more}columns: {{label: label, score: score, id: id}}
policy: mine.yaml
"""


def stored(root: Path, own: str, more: str = "") -> dict[str, Any]:
    (root / f"{own}.yaml").write_text(STORED.format(own=own, more=more), encoding="utf-8")
    return gk.measure(root / f"{own}.yaml")


def test_stored_answers_in_service_are_named_by_the_digest_that_their_own_audit_gives_them(tmp_path: Path) -> None:
    root = tools.prepare(tmp_path / "stored", "unused")
    rows = pd.read_csv(root / "test.csv")
    rows.assign(score=rows["x"])[["id", "label", "score"]].to_csv(root / "old.csv", index=False)
    rows.assign(score=rows["x"] ** 2)[["id", "label", "score"]].to_csv(root / "new.csv", index=False)
    old, new = stored(root, "old.csv"), stored(root, "new.csv", "incumbent: {predictions: old.csv}\n")
    assert new["incumbent"] == old["subject"]["digest"] != new["subject"]["digest"]
    assert "incumbent" not in old


def test_a_terminal_gets_one_block_with_styles(good: Audited, bad: Audited) -> None:
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "govkit", "compare", str(good.bundle), str(bad.bundle)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE, env=environment) as running:
        os.close(writer)
        shown = b""
        try:
            while piece := os.read(reader, 65536):
                shown += piece
        except OSError:  # Linux says so where the other end of a terminal is closed
            pass
        finally:
            os.close(reader)
    assert running.returncode == 0
    assert b"\x1b[1" in shown
    assert b"NOT VERIFIED" in shown
