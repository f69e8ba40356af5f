"""What a watch stated about the model in service is evidence in the audit of the candidate that is to follow it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from watch_fixture import rows_of

import govkit as gk
from govkit.errors import AuditError, EvidenceError

WATCH = """\
schema: govkit.watch/v1
name: lender
model: in_service.csv
reference: {path: in_service.csv}
looks: {path: looks}
columns: {watch: [amount], label: label, prediction: prediction}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model in service, watched for a month in which amounts moved, and a candidate that answers the same rows."""
    rows = rows_of(0, n=400)
    rows.to_csv(tmp_path / "in_service.csv", index=False)
    candidate = rows.assign(prediction=np.where(np.arange(len(rows)) % 7 == 0, rows["label"], rows["prediction"]))
    candidate.to_csv(tmp_path / "candidate.csv", index=False)
    (tmp_path / "looks").mkdir()
    rows.assign(amount=rows["amount"] * 3).to_csv(tmp_path / "looks" / "a.csv", index=False)
    (tmp_path / "watch.yaml").write_text(WATCH, encoding="utf-8")
    key = gk.new_key(tmp_path / "keys", password=b"secret", name="Ada", as_of="2026-01-01T00:00:00Z")
    gk.look_once(tmp_path / "watch.yaml", as_of="2026-09-05T00:00:00Z")
    month = tmp_path / "2026-09.json"
    gk.sign_month(tmp_path / "watch.yaml", "2026-09", key=key, out=month, as_of="2026-10-01T00:00:00Z")
    return tmp_path


def audit(folder: Path, **changes: object) -> Path:
    """An audit file of the candidate beside the model in service."""
    plain = {
        "schema": "govkit.audit/v1",
        "subject": {"predictions": "candidate.csv"},
        "incumbent": {"predictions": "in_service.csv"},
        "columns": {"label": "label", "prediction": "prediction"},
        "service": {"statement": "2026-09.json", "trust": "keys/trust.yaml"},
        **changes,
    }
    path = folder / "audit.yaml"
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path


def test_the_alarm_that_stands_is_a_finding_and_goes_to_a_person(folder: Path) -> None:
    bundle = gk.audit(audit(folder), out=folder / "evidence")
    found = {item.name: item.value for item in bundle.findings if item.check == "service_record"}
    assert (found["looks"], found["days_without_look"], found["calls_for"]) == (1.0, 25.0, "review")
    assert found["standing_alarms"] >= 1
    assert str(found["statement"]).startswith("2026-09 sha256:")
    (ruling,) = [each for each in bundle.verdict.rulings if each.control == "SERV-01"]
    assert (ruling.state, ruling.disposition) == ("fail", "review")
    assert str(found["statement"]).split()[1][7:19] in (folder / "evidence" / "card.md").read_text(encoding="utf-8")


def test_a_statement_about_another_model_is_refused(folder: Path) -> None:
    rows_of(0, n=400).assign(prediction=0).to_csv(folder / "other.csv", index=False)
    with pytest.raises(AuditError, match="another model"):
        gk.measure(audit(folder, subject={"predictions": "other.csv"}, incumbent={"predictions": "candidate.csv"}))


def test_a_statement_that_was_changed_is_refused(folder: Path) -> None:
    month = folder / "2026-09.json"
    month.write_bytes(month.read_bytes().replace(b'"sig":"M', b'"sig":"N', 1))
    with pytest.raises(EvidenceError):
        gk.measure(audit(folder))


def test_the_key_must_be_trusted_now(folder: Path) -> None:
    trust = folder / "keys" / "trust.yaml"
    plain = yaml.safe_load(trust.read_text(encoding="utf-8"))
    plain["keys"][0]["not_after"] = "2026-01-02T00:00:00Z"
    trust.write_text(yaml.safe_dump(plain), encoding="utf-8")
    with pytest.raises(EvidenceError, match="KEY_PERIOD"):
        gk.measure(audit(folder))
