"""What was audited is what answers: audit, sign, change what the model loads, verify."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import served_bundle
from safetensors.torch import load_file, save_file
from served_bundle import NOW
from tiny_text import TEXTS, save, subject

import govkit as gk
from govkit import manifest
from govkit.policy import load

POLICY = """\
schema: govkit.policy/v1
id: files
version: 1.0.0
owner: {{name: "O. Owner"}}
controls:
  - {{id: A, title: Answers at all, rmf: [MEASURE 2.3], check: performance, metric: accuracy,
     require: {{min: 0.0}}, authority: {{level: none, note: ours}}, severity: high}}
{more}"""
CODE = """\
  - {id: SUP-02, title: No code ships, rmf: [MAP 4.2], check: shipped_code, metric: unaudited_code,
     require: {max: 0}, authority: {level: none, note: ours}, severity: high}
"""
NEGATING = """\
from transformers import BertForSequenceClassification


class Mine(BertForSequenceClassification):
    def forward(self, *args, **kwargs):
        answer = super().forward(*args, **kwargs)
        answer.logits = -answer.logits
        return answer
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a model, rows that it is asked, an audit file and a policy."""
    save(tmp_path / "model", id2label={0: "ham", 1: "spam"}, label2id={"ham": 0, "spam": 1})
    rows = {"text": TEXTS[:5] * 8, "label": ["ham", "spam", "ham", "spam", "ham"] * 8}
    pd.DataFrame(rows).to_csv(tmp_path / "rows.csv", index=False)
    _audit_file(tmp_path)
    (tmp_path / "plain.yaml").write_text(POLICY.format(more=""), encoding="utf-8")
    (tmp_path / "code.yaml").write_text(POLICY.format(more=CODE), encoding="utf-8")
    return tmp_path


def _audit_file(place: Path, **subject_keys: str) -> None:
    text = {
        "schema": "govkit.audit/v1", "subject": {"model": "model", **subject_keys},
        "data": {"test": {"path": "rows.csv"}}, "columns": {"input": "text", "label": "label"}, "policy": "plain.yaml",
    }  # fmt: skip
    (place / "audit.yaml").write_text(json.dumps(text), encoding="utf-8")


def _signed(place: Path, policy: str = "plain.yaml") -> gk.Bundle:
    keys = place / "keys"
    if not keys.exists():
        gk.new_key(keys, password=b"correct horse", name="test", as_of="2026-01-01T00:00:00Z")
    shutil.rmtree(place / "evidence", ignore_errors=True)
    options = {"key": keys / "audit.key", "password": b"correct horse", "as_of": NOW}
    return gk.audit(place / "audit.yaml", policy=str(place / policy), out=place / "evidence", **options)


def _asked(place: Path) -> dict[str, object]:
    return {"model": place / "model", "trust": place / "keys" / "trust.yaml", "as_of": NOW}


def _shard_outside(place: Path, name: str) -> Path:
    """The weights lie in another folder, and the index in the model names them."""
    model, shard = place / "model", place / "outside" / "shard.safetensors"
    shard.parent.mkdir()
    state = load_file(model / "model.safetensors")
    save_file(state, shard, metadata={"format": "pt"})
    (model / "model.safetensors").unlink()
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(state, name.format(shard))}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    return shard


@pytest.mark.parametrize("name", ["{}", "../outside/shard.safetensors"])
def test_weights_outside_of_the_folder_are_not_audited(place: Path, name: str) -> None:
    _shard_outside(place, name)
    with pytest.raises(gk.UsageError, match=r"OUTSIDE: model\.safetensors\.index\.json: names"):
        _signed(place)
    assert not (place / "evidence").exists()


@pytest.mark.parametrize("name", ["{}", "../outside/shard.safetensors"])
def test_a_bundle_about_weights_outside_does_not_verify(place: Path, name: str) -> None:
    """As an auditor without this check would have sealed it; whether the shard was swapped since, nobody could tell."""
    shard = _shard_outside(place, name)
    served = served_bundle.make(place / "served", place / "model")
    state = load_file(shard)
    save_file({key: -held for key, held in state.items()}, shard, metadata={"format": "pt"})
    with pytest.raises(gk.EvidenceError, match="OUTSIDE"):
        gk.verify(served.folder, **served.asked())
    with pytest.raises(gk.EvidenceError, match="OUTSIDE"), gk.verified_load(served.folder, **served.asked()):
        pass


def test_what_was_audited_is_verified_loaded_and_answers_alike(place: Path) -> None:
    answers = subject(place / "model").predict(TEXTS)
    assert _signed(place, "code.yaml").verdict.outcome == "PASS"
    assert gk.verify(place / "evidence", **_asked(place)).verdict.outcome == "PASS"
    with gk.verified_load(place / "evidence", **_asked(place)) as copy:
        np.testing.assert_array_equal(subject(copy).predict(TEXTS), answers)


def _ship(place: Path) -> None:
    """A class that negates the logits; who loads the folder with its own code gets that."""
    model = place / "model"
    (model / "modeling.py").write_text(NEGATING)
    config = json.loads((model / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "modeling.Mine"}
    (model / "config.json").write_text(json.dumps(config))


def test_code_that_ships_blocks_and_is_named(place: Path) -> None:
    plain = subject(place / "model").predict(TEXTS)
    _ship(place)
    np.testing.assert_array_equal(subject(place / "model").predict(TEXTS), plain)  # so no number could tell
    bundle = _signed(place, "code.yaml")
    states = {ruling.control: ruling.state for ruling in bundle.verdict.rulings}
    assert (bundle.verdict.outcome, states) == ("BLOCK", {"A": "pass", "SUP-02": "fail"})
    card = (place / "evidence" / "card.md").read_text()
    assert "2 files of code ship with the model, and nobody audited them as code" in card


def test_code_is_loaded_only_where_somebody_read_it(place: Path) -> None:
    """Under a policy that does not ask, too; and other code than that which was read never."""
    _ship(place)
    assert _signed(place).verdict.outcome == "PASS"
    assert gk.verify(place / "evidence", **_asked(place)).verdict.outcome == "PASS"
    with pytest.raises(gk.EvidenceError, match=r"SHIPPED_CODE: 'config\.json' and 1 more.*sha256:") as caught:
        gk.verified_load(place / "evidence", **_asked(place)).__enter__()
    digest = str(caught.value).split("subject.code: ")[1].split(")")[0]
    _audit_file(place, code=digest)
    bundle = _signed(place, "code.yaml")
    found = {item.name: item.value for item in bundle.findings if item.check == "shipped_code"}
    assert (bundle.verdict.outcome, found["unaudited_code"], found["code_digest"]) == ("PASS", 0.0, digest)
    with gk.verified_load(place / "evidence", **_asked(place)) as copy:
        assert manifest.artifact_digest(copy) == manifest.artifact_digest(place / "model")
    (place / "model" / "modeling.py").write_text(NEGATING + "# more\n")
    assert _signed(place, "code.yaml").verdict.outcome == "BLOCK"


@pytest.mark.parametrize("pack", gk.packs())
def test_packs_that_look_into_files_block_code_by_default(pack: str) -> None:
    controls = {control.check: control for control in load(pack).controls if control.check is not None}
    if "weights_format" in controls:
        control = controls["shipped_code"]
        assert (control.metric, control.require.max, control.severity) == ("unaudited_code", 0, "high")
        assert control.on_fail == "block"
