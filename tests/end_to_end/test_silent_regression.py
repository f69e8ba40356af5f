"""The average rises and one group falls: nothing that a reader sees first may hide it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from govkit.cli.app import app

ROWS, GROUP = 10_000, 3_000
AUDIT = """\
schema: govkit.audit/v1
name: letters v2
subject: {predictions: rows.csv}
columns: {label: label, prediction: new, incumbent_prediction: old, groups: [region], id: id}
use: {purpose: "sort letters", intent: [internal]}
"""


def rows(seed: int = 7) -> pd.DataFrame:
    """Old answers 81 % right everywhere; new ones 86 % right, but 73 % in the group."""
    rng = np.random.default_rng(seed)
    north = np.arange(ROWS) < GROUP
    label = rng.integers(0, 2, ROWS)
    old = rng.random(ROWS) < 0.81
    rest = (0.86 * ROWS - 0.73 * GROUP) / (ROWS - GROUP)
    new = rng.random(ROWS) < np.where(north, 0.73, rest)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "label": label,
            "old": np.where(old, label, 1 - label),
            "new": np.where(new, label, 1 - label),
            "region": np.where(north, "north", rng.choice(["east", "south", "west"], ROWS)),
        }
    )


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    folder = tmp_path_factory.mktemp("letters")
    rows().to_csv(folder / "rows.csv", index=False)
    (folder / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    done = CliRunner().invoke(app, ["audit", str(folder / "audit.yaml"), "--out", str(folder / "evidence")])
    return folder / "evidence", done.stdout, done.exit_code


def test_the_screen_blocks_and_names_the_group(audited) -> None:
    _, screen, code = audited
    assert code == 1
    assert "Verdict: BLOCK" in screen
    lines = screen.splitlines()
    at = next(number for number, line in enumerate(lines) if "PERF-06" in line)
    assert "✗ fail" in lines[at]
    assert "north" in " ".join(lines[at : at + 4])


def test_page_one_names_the_group(audited) -> None:
    evidence, _, _ = audited
    first = PdfReader(evidence / "report.pdf").pages[0].extract_text()
    assert "region north" in " ".join(first.split())
    card = (evidence / "card.md").read_text(encoding="utf-8")
    assert "region north" in card[: len(card) // 4]
    assert "north" in (evidence / "summary.md").read_text(encoding="utf-8")
