"""What the command line says to GitHub Actions: commands that are read as they were meant, and to nobody else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from actions_runner import commands

import govkit as gk
from govkit import documents
from govkit.cli import actions, screen
from govkit.core import Coverage, Ruling
from govkit.policy import load

HOSTILE = (
    "a\nb\r\n::error title=forged::you are hacked",
    "::stop-commands::x",
    "100 % %0A::add-mask::secret %25",
    "a: b, c=d::e",
    "<script>alert(1)</script> | `x`",
    "\u202eright to left שלום",
    "😀" * 10_000,
    "W" * 10_000,
    "\x1b[31mred\x07",
    "##[error]old form",
    "",
)


def ruling(number: int, state: Any = "fail", disposition: Any = "block", **more: Any) -> Ruling:
    found = {"title": f"Title {number}", "severity": "high", "reason": f"reason {number}", **more}
    return Ruling(control=f"C-{number}", check="performance", metric="accuracy", state=state, disposition=disposition,
                  **found)  # fmt: skip


def verdict(*rulings: Ruling, **more: Any) -> gk.Verdict:
    coverage = Coverage(controls={"fail": len(rulings)}, findings=1, gaps=0, cells=())
    found = {"outcome": "BLOCK", "subject": "sha256:0", "policy": "sha256:1", "as_of": "2026-11-24T00:00:00Z", **more}
    return gk.Verdict(rulings=rulings, coverage=coverage, **found)


def bundle(folder: Path, found: gk.Verdict) -> gk.Bundle:
    passes = {"forward": 1, "backward": 0, "declared_forward": 1, "declared_backward": 0}
    (folder / "summary.md").write_text("## the summary\n", encoding="utf-8")
    policy = load("tier-low").model_dump(mode="json", by_alias=True, exclude_none=True)
    (folder / "policy.yaml").write_text(documents.dump(policy), encoding="utf-8")
    return gk.Bundle(path=folder, verdict=found, findings=(), run=None, passes=passes)


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    return tmp_path / "page.md"


@pytest.mark.parametrize("json_wanted", [True, False])
def test_elsewhere_nothing_changes(
    json_wanted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    made = bundle(tmp_path, verdict(ruling(1)))
    actions.show_bundle(made, json=json_wanted)
    actions.show_verdict(made.verdict)
    seen = capsys.readouterr()
    screen.show_bundle(made, json=json_wanted)
    screen.show_verdict(made.verdict)
    assert seen == capsys.readouterr()
    assert not (tmp_path / "page.md").exists()


def test_every_open_ruling_is_annotated_by_what_follows(github: Path, capsys: pytest.CaptureFixture[str]):
    actions.show_verdict(
        verdict(
            ruling(1),
            ruling(2, "inconclusive", "review", severity="medium"),
            ruling(3, "fail", "warn", severity="low"),
            ruling(4, "fail", "block", waived=True),
            ruling(5, "pass", "ignore"),
            ruling(6, "not_applicable", "ignore"),
        )
    )
    found = [(each.name, each.properties["title"], each.message) for each in commands(capsys.readouterr().out)]
    assert found == [
        ("error", "govkit C-1: fail, severity high", "Title 1: reason 1"),
        ("warning", "govkit C-2: inconclusive, severity medium", "Title 2: reason 2"),
        ("notice", "govkit C-4: fail, waived, severity high", "Title 4: reason 4"),
        ("notice", "govkit C-3: fail, severity low", "Title 3: reason 3"),
    ]


def test_of_a_kind_at_most_ten_are_said_and_the_rest_is_counted(github: Path, capsys: pytest.CaptureFixture[str]):
    severities = ["low"] * 20 + ["critical"] * 5
    several = [ruling(number, severity=severity) for number, severity in enumerate(severities)]
    actions.show_verdict(verdict(*several, *(ruling(100 + number, "missing", "review") for number in range(10))))
    found = commands(capsys.readouterr().out)
    errors = [each for each in found if each.name == "error"]
    assert len(errors) == actions.MOST
    assert all("critical" in each.properties["title"] for each in errors[:5]), "the most severe come first"
    assert errors[-1].properties["title"] == "govkit: 16 more"
    assert len([each for each in found if each.name == "warning"]) == 10, "ten are ten"
    assert "more" not in found[-1].properties["title"]


def test_what_was_not_enforced_says_so(github: Path, capsys: pytest.CaptureFixture[str]):
    actions.show_verdict(verdict(ruling(1), enforced=False))
    (found,) = commands(capsys.readouterr().out)
    assert found.properties["title"].endswith("(not enforced)")


def test_the_summary_is_appended_to_the_page_of_the_job(github: Path, tmp_path: Path):
    github.write_text("what others wrote\n", encoding="utf-8")
    actions.show_bundle(bundle(tmp_path, verdict(ruling(1))), json=False)
    assert github.read_text(encoding="utf-8") == "what others wrote\n## the summary\n\n"


def test_a_page_that_cannot_be_written_loses_no_audit(
    github: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none" / "page.md"))
    actions.show_bundle(bundle(tmp_path, verdict(ruling(1))), json=False)
    seen = capsys.readouterr()
    assert "GITHUB_STEP_SUMMARY cannot be written" in seen.err
    assert "Verdict: BLOCK" in seen.out


def test_a_bundle_whose_policy_cannot_be_read_speaks_in_the_words_of_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    made = bundle(tmp_path, verdict(ruling(1)))
    (tmp_path / "policy.yaml").unlink()
    screen.show_bundle(made, json=False)
    assert "reason 1" in capsys.readouterr().out


def test_json_stays_json(github: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    actions.show_bundle(bundle(tmp_path, verdict(ruling(1))), json=True)
    seen = capsys.readouterr()
    assert json.loads(seen.out)["verdict"]["outcome"] == "BLOCK"
    assert [each.name for each in commands(seen.err)] == ["error"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_policy_becomes_a_command(text: str, github: Path, capsys: pytest.CaptureFixture[str]):
    many = [ruling(number, title=text, reason=text * 3) for number in range(30)]
    actions.show_verdict(verdict(*many, notices=(text,)))
    out = capsys.readouterr().out
    found = commands(out)
    assert [each.name for each in found] == ["error"] * actions.MOST
    assert all(set(each.properties) == {"title"} for each in found)
    assert all(each.properties["title"].startswith("govkit") for each in found)
    assert all(len(line) < 3_000 for line in out.splitlines() if line.startswith("::error"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\u2028]", out)


def test_the_word_that_ends_a_quotation_is_new_each_time(github: Path, capsys: pytest.CaptureFixture[str]):
    for _ in range(2):
        actions.show_verdict(verdict(ruling(1)))
    found = re.findall(r"^::stop-commands::(\w{32})$", capsys.readouterr().out, flags=re.MULTILINE)
    assert len(set(found)) == 2


def test_a_percent_sign_and_a_colon_arrive_as_they_were(github: Path, capsys: pytest.CaptureFixture[str]):
    actions.show_verdict(verdict(ruling(1, title="50%: a, b", reason="x%3Ay %0A z")))
    (found,) = commands(capsys.readouterr().out)
    assert found.message == "50%: a, b: x%3Ay %0A z"
