"""Ten rows of each of 300 persons: declared, they decide less; undeclared, page one says so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import govkit as gk
from govkit.cli.app import app

PERSONS, ROWS, ICC = 300, 10, 0.3
LIMIT = 0.80
POLICY = {
    "schema": "govkit.policy/v1", "id": "p", "version": "1.0.0", "decision": {"confidence": 0.95},
    "controls": [
        {
            "id": "ACC", "title": "Accuracy", "rmf": ["MEASURE 2.5"], "check": "performance", "metric": "accuracy",
            "require": {"min": LIMIT}, "authority": {"level": "none"}, "severity": "high", "on_inconclusive": "review",
        },
        {
            "id": "TOGETHER", "title": "Rows apart", "rmf": ["MAP 2.3"], "check": "independence",
            "metric": "suspected_clusters", "require": {"max": 0}, "authority": {"level": "none"}, "severity": "low",
            "on_fail": "warn", "on_inconclusive": "warn",
        },
    ],
}  # fmt: skip


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Answers with an accuracy of 0.82, whose mistakes are alike within a person."""
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(PERSONS), ROWS)
    own, alone = rng.random(PERSONS) < 0.82, rng.random(PERSONS * ROWS) < 0.82
    right = np.where(rng.random(person.size) < np.sqrt(ICC), own[person], alone)
    label = rng.integers(0, 2, person.size)
    table = {
        "id": [f"r{at}" for at in range(person.size)], "person": [f"p{at}" for at in person],
        "label": np.where(label == 1, "yes", "no"), "said": np.where(right == (label == 1), "yes", "no"),
    }  # fmt: skip
    pd.DataFrame(table).to_csv(tmp_path / "rows.csv", index=False)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY))
    return tmp_path


def govkit_show(bundle: Path) -> str:
    return " ".join(CliRunner().invoke(app, ["show", str(bundle)]).output.split())


def audited(folder: Path, out: str, **columns: object) -> gk.Bundle:
    audit = {
        "schema": "govkit.audit/v1", "subject": {"predictions": "rows.csv"}, "policy": "policy.yaml",
        "columns": {"label": "label", "prediction": "said", "id": "id", "positive": "yes", **columns},
    }  # fmt: skip
    (folder / "audit.yaml").write_text(yaml.safe_dump(audit))
    return gk.audit(folder / "audit.yaml", out=folder / out)


def test_what_passes_by_rows_is_open_by_persons_and_page_one_says_it_where_nobody_declared_them(stored: Path) -> None:
    open_, said = audited(stored, "open"), (stored / "open" / "card.md").read_text()
    states = {ruling.control: ruling.state for ruling in open_.verdict.rulings}
    assert states == {"ACC": "pass", "TOGETHER": "fail"}
    (notice,) = (text for text in open_.verdict.notices if text.startswith("rows seem to belong together"))
    assert notice.startswith("rows seem to belong together (column person), which no bound respects: 3000 are worth")
    assert "1 way was found in which rows seem to belong together" in said
    first = re.sub(r"<[^>]*>", "", (stored / "open" / "report.html").read_text())
    assert notice in first
    assert notice in govkit_show(stored / "open")

    known = audited(stored, "known", cluster="person")
    ruled = {ruling.control: ruling for ruling in known.verdict.rulings}
    assert ruled["ACC"].state == "inconclusive"
    assert ruled["TOGETHER"].state == "pass"
    assert not [text for text in known.verdict.notices if "belong together" in text]
    (accuracy,) = (
        each
        for each in known.findings
        if isinstance(each, gk.Measurement)
        and (each.check, each.name, each.of) == ("performance", "accuracy", "candidate")
        and each.compared_with is None
    )
    assert (accuracy.n, accuracy.clusters) == (3000, 300)
    assert accuracy.interval is not None
    assert accuracy.interval.method.endswith("clusters")
