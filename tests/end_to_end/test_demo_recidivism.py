"""COMPAS: published rates, a verdict that blocks for fairness, and evidence that no edited byte survives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import owner_pages
import pytest
import shipped_cards
import true_bundles

import govkit as gk
from govkit.demos import Story
from govkit.demos.telling import pick
from govkit.errors import EXTRA_OF

pytestmark = pytest.mark.carrier
DOCUMENTS = ("card.md", "report.html", "report.pdf", "summary.md", "junit.xml", "results.sarif")


@pytest.mark.parametrize(
    ("race", "false_positive", "false_negative", "n"),
    [("African-American", 44.85, 27.99, 3696), ("Caucasian", 23.45, 47.72, 2454)],
)
def test_published_rates_are_reproduced(recidivism, race, false_positive, false_negative, n):
    """ProPublica, compas-analysis notebook, 2016."""
    bundle = recidivism[1].bundle
    fpr = pick(bundle, "false_positive_rate", part={"race": race})
    fnr = pick(bundle, "false_negative_rate", part={"race": race})
    assert round(100 * fpr.value, 2) == false_positive
    assert round(100 * fnr.value, 2) == false_negative
    assert fpr.n + fnr.n == n


def test_the_gate_blocks_for_fairness(recidivism):
    verdict = recidivism[1].bundle.verdict
    assert (verdict.outcome, verdict.exit_code) == ("BLOCK", 1)
    failed = {ruling.metric for ruling in verdict.rulings if ruling.state == "fail"}
    assert failed & {"false_positive_rate_difference", "true_positive_rate_difference", "selection_rate_difference"}


def test_the_license_of_the_data_is_unknown_and_said_so(recidivism):
    bundle = recidivism[1].bundle
    assert pick(bundle, "data_license").value == "unknown"
    assert any("unknown" in remark for remark in recidivism[1].remarks)


def test_every_document_is_there(recidivism):
    names = {path.name for path in recidivism[1].bundle.path.iterdir()}
    assert {*DOCUMENTS, "policy.yaml", "audit.yaml", "tables", "figures"} <= names


def _verify(folder: Path, story: Story, **options):
    return gk.verify(story.bundle.path, model=story.model, trust=folder / "evidence.trust.yaml", **options)


def test_it_verifies_and_is_judged_again(recidivism):
    folder, story = recidivism
    proof = _verify(folder, story)
    assert proof.verdict.outcome == "BLOCK"
    assert set(proof.signers) == {"findings", "verdict", "release"}


def test_the_same_policy_is_accepted_and_another_is_refused(recidivism, tmp_path):
    folder, story = recidivism
    assert _verify(folder, story, policy="nist-ai-rmf-core").policy == "nist-ai-rmf-core"
    lax = tmp_path / "lax.yaml"
    text = (story.bundle.path / "policy.yaml").read_text(encoding="utf-8")
    lax.write_text(text.replace("version: ", "version: 9", 1), encoding="utf-8")
    with pytest.raises(gk.EvidenceError, match="POLICY_SWAPPED"):
        _verify(folder, story, policy=str(lax))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_one_flipped_byte_in_any_file_is_seen_and_named(recidivism):
    folder, story = recidivism
    for path in [*_files(story.bundle.path), story.model]:
        whole = path.read_bytes()
        for position in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            with pytest.raises(gk.EvidenceError) as refused:
                _verify(folder, story)
            assert path.name in str(refused.value), (path, str(refused.value))
            assert refused.value.exit_code == 4
        path.write_bytes(whole)
    assert _verify(folder, story)


def test_the_command_line_exits_4_on_tampering_and_1_on_a_block(recidivism):
    folder, story = recidivism
    command = [
        sys.executable, "-m", "govkit", "verify", str(story.bundle.path),
        "--model", str(story.model), "--trust", str(folder / "evidence.trust.yaml"),
    ]  # fmt: skip
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
    card = story.bundle.path / "card.md"
    whole = card.read_bytes()
    try:
        card.write_bytes(whole + b"\n")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        card.write_bytes(whole)
    assert done.returncode == 4
    assert "card.md" in done.stderr
    assert "Traceback" not in done.stderr


BASE_ONLY = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
from govkit.cli import main
main()
"""


def _base_only(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where only the base dependencies can be imported."""
    code = BASE_ONLY.format(blocked=set(EXTRA_OF))
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_a_bundle_is_judged_and_verified_with_the_base_dependencies_only(recidivism, tmp_path):
    folder, story = recidivism
    bundle = str(story.bundle.path)
    trust = str(folder / "evidence.trust.yaml")
    done = _base_only("verify", bundle, "--model", str(story.model), "--trust", trust)
    assert done.returncode == 1, done.stderr
    shown = _base_only("show", bundle, "--json")
    assert shown.returncode == 0, shown.stderr
    findings = tmp_path / "findings.json"
    payload = json.loads((story.bundle.path / "findings.sigstore.json").read_text())["dsseEnvelope"]["payload"]
    import base64

    gk.write_findings(findings, json.loads(base64.b64decode(payload))["predicate"])
    judged = _base_only("judge", str(findings), "--policy", "nist-ai-rmf-core", "--out", str(tmp_path / "verdict.json"))
    assert judged.returncode == 1, judged.stderr
    refused = _base_only("audit", str(folder / "audit.yaml"), "--out", str(tmp_path / "evidence"))
    assert refused.returncode == 2
    assert "pip install 'govkit[audit]'" in refused.stderr


def test_show_prints_the_facts_as_json(recidivism):
    done = subprocess.run(
        [sys.executable, "-m", "govkit", "show", str(recidivism[1].bundle.path), "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    facts = json.loads(done.stdout)
    assert facts["verdict"]["outcome"] == "BLOCK"
    assert facts["verdict"]["exit_code"] == 1
    assert facts["run"] is None
    assert {"control", "check", "state", "severity", "waived", "reason"} <= set(facts["verdict"]["rulings"][0])
    assert {finding["kind"] for finding in facts["findings"]} == {"measurement", "gap"}
    assert facts["coverage"]["cells"]


def test_the_shipped_card_says_what_this_run_says(recidivism):
    shipped_cards.hold("recidivism", recidivism[1])


def test_the_commands_beside_the_cards_do_what_is_said_there(recidivism, tmp_path):
    """The model is a file of predictions, so that a stranger's run makes the very bytes that the card is about."""
    text = (shipped_cards.ROOT / "model_cards" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "model_cards").symlink_to(shipped_cards.ROOT / "model_cards")
    (tmp_path / "demo-recidivism").symlink_to(recidivism[0])
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "PATH": path}
    codes = [
        subprocess.run(line, shell=True, cwd=tmp_path, env=env, check=False).returncode  # noqa: S602 -- as a reader
        for line in block.strip().splitlines()
    ]
    assert codes == [0, 0, 1]


def test_publishing_signs_with_a_new_key_and_replaces_what_was_there(recidivism, tmp_path):
    cards, ids = shipped_cards.cards, set()
    for _ in range(2):
        cards.publish({"recidivism": recidivism[1]}, tmp_path)
        assert cards.check(tmp_path, ["recidivism"]) == []
        assert cards.differences("recidivism", recidivism[1], tmp_path) == []
        ids.add((tmp_path / "trust.yaml").read_text(encoding="utf-8"))
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert len(ids) == 2


def test_every_number_digest_and_date_of_the_documents_is_of_the_bundle_and_no_gap_is_kept_from_readers(
    recidivism, tmp_path
):
    true_bundles.hold(recidivism[1].bundle.path, tmp_path)


def test_the_page_of_the_owner_says_verdict_risks_and_next_steps_in_plain_words(recidivism, tmp_path):
    owner_pages.hold("recidivism", recidivism[1].bundle.path, tmp_path)
