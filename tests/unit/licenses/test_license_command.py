"""``govkit license``: what it finds, how it answers, and the audit file's stance on training data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import govkit as gk
from govkit.core import Fact, Run
from govkit.core.audit import Use
from govkit.licenses import component

GPL = "SPDX-License-Identifier: GPL-3.0-only\n"


def run_command(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    from govkit.cli.app import app

    with pytest.raises(SystemExit) as end:
        app(["license", *map(str, arguments)], standalone_mode=True)
    out = capsys.readouterr()
    return int(end.value.code or 0), out.out, out.err


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "my-base"
    folder.mkdir()
    (folder / "LICENSE").write_text("SPDX-License-Identifier: CC-BY-NC-4.0\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--intent", "internal"], 0, "allowed"),
        (["--intent", "commercial"], 1, "denied"),
        (["--intent", "distribute", "--declared", "apache-2.0"], 1, "would drop that"),
        (["--intent", "internal", "--declared", "our own"], 1, "unknown: not allowed"),
        ([], 1, "denied"),
    ],
)
def test_check_answers_with_its_exit(
    base: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, word: str
) -> None:
    found = run_command(capsys, "check", base, *arguments)
    assert found[0] == code
    assert word in found[1]
    assert "license file (LICENSE) says CC-BY-NC-4.0" in found[1]


def test_an_unknown_license_is_not_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(capsys, "check", tmp_path, "--intent", "internal")[0] == 1


def test_training_data_and_the_stance_on_it(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "LICENSE").write_text("MIT\n")
    asked = ["check", own, "--data", base, "--intent", "commercial"]
    assert run_command(capsys, *asked)[0] == 0
    assert run_command(capsys, *asked, "--data-stance", "strict")[0] == 1
    code, out, _ = run_command(
        capsys, *asked, "--data-stance", "ignore", "--data-stance-reason", "counsel: facts only", "--json"
    )
    facts = json.loads(out)
    assert (code, facts["allowed"], facts["use"]["data_stance_reason"]) == (0, True, "counsel: facts only")
    assert "left out" in facts["composition"]["reasons"][0]
    with pytest.raises(gk.UsageError, match="say why, data_stance_reason"):
        gk.check_licenses([own], data_stance="ignore")
    with pytest.raises(gk.UsageError, match=r"data_stance: Input should be 'strict', 'notice' or 'ignore'"):
        gk.check_licenses([own], data_stance="lax")


def test_a_folder_to_be_shared_must_hold_what_duties_ask(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (base / "LICENSE").write_text("MIT\n")
    model = tmp_path / "model"
    model.mkdir()
    code, out, _ = run_command(capsys, "check", base, "--intent", "distribute", "--model", model)
    assert code == 1
    assert "allowed only with the duties that were not found" in out
    assert "[not found] base my-base: keep the copyright notice" in out
    (model / "LICENSE").write_text("MIT\n")
    assert run_command(capsys, "check", base, "--intent", "distribute", "--model", model)[0] == 0


def test_a_run_and_an_audit_file_name_their_components(tmp_path: Path) -> None:
    known = Fact(value="x", seen="observed")
    record = Run(
        name="r",
        base=component("base", "the base", ["GPL-3.0-only"]),
        data=(component("train", "the rows", ["CC-BY-NC-4.0"]),),
        seed=known,
        artifact=known,
        exit="finished",
        started="2026-01-01T00:00:00Z",
    )
    (tmp_path / "run.json").write_text(record.model_dump_json(by_alias=True))
    found = gk.check_licenses([tmp_path / "run.json"], intent=["distribute"], declared="MIT")
    assert [str(part.id.value) for part in found.components] == ["the base", "the rows"]
    assert found.composition.verdict == "deny"
    audit: dict[str, Any] = {
        "schema": "govkit.audit/v1",
        "subject": {"run": "run.json"},
        "data": {"test": {"path": "t.csv"}},
        "columns": {"label": "y"},
        "use": {"intent": ["commercial"], "data_stance": "strict"},
        "licenses": [{"of": "candidate", "id": "mine", "expression": "GPL-3.0-only"}],
    }
    (tmp_path / "audit.yaml").write_text(yaml.safe_dump(audit))
    strict = gk.check_licenses([tmp_path / "audit.yaml"])
    assert (strict.declared, strict.use.data_stance, strict.allowed) == ("GPL-3.0-only", "strict", False)
    assert any("forbids commercial use, which is intended" in reason for reason in strict.composition.reasons)
    assert gk.check_licenses([tmp_path / "audit.yaml"], data_stance="notice").allowed


def test_explain(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run_command(capsys, "explain", "apache-2.0")
    assert code == 0
    for words in ("commercial: allowed", "(section 4(d))", "www.apache.org/licenses/LICENSE-2.0", "2026-11-24"):
        assert words in " ".join(out.split()), words
    facts = json.loads(run_command(capsys, "explain", base, "--json")[1])
    assert facts["rules"]["CC-BY-NC-4.0"]["commercial"] == "forbidden"
    assert facts["license"]["evidence"][0]["where"] == "LICENSE"
    assert "not in the rule table, which allows nothing" in run_command(capsys, "explain", "WTFPL")[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gemma", "it may be LicenseRef-scancode-gemma-tou-2024-04-01, LicenseRef-gemma"),
        ("nothing", "write an SPDX id"),
    ],
)
def test_a_name_of_several_texts_is_not_explained(name: str, message: str) -> None:
    with pytest.raises(gk.UsageError, match=message):
        gk.explain_license(name)


def test_a_rule_that_was_never_checked_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from govkit.licenses.rules import rules

    monkeypatch.setitem(rules(), "MIT", rules()["MIT"].model_copy(update={"checked_on": None}))
    told = " ".join(run_command(capsys, "explain", "MIT")[1].split())
    assert "compared with it: never, so the rule allows nothing" in told


@pytest.mark.parametrize(
    ("stance", "reason", "found"),
    [
        ("ignore", "", "say why"),
        ("ignore", "  ", "say why"),
        ("strict", "because", "found strict"),
        ("notice", "because", "found notice"),
    ],
)
def test_a_stance_and_its_reason_belong_together(stance: Any, reason: str, found: str) -> None:
    with pytest.raises(ValidationError, match=found):
        Use(data_stance=stance, data_stance_reason=reason)


def test_the_stance_of_silence_is_notice() -> None:
    assert (Use().data_stance, Use().data_stance_reason) == ("notice", "")
    assert Use(data_stance="ignore", data_stance_reason="counsel said so").data_stance == "ignore"
