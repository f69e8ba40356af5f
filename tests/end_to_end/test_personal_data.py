"""An audit of rows with personal data and secrets: the bundle counts them and repeats none of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from personal_texts import POSITIVE, chance
from pypdf import PdfReader

import govkit as gk

AUDIT = """\
schema: govkit.audit/v1
subject: {predictions: rows.parquet}
columns: {label: label, prediction: prediction, score: score, groups: [sex], id: id}
use: {purpose: "test", intent: [internal]}
"""


def rows(planted: list[str], n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    score = rng.uniform(size=n).round(4)
    texts = [f"row {number}: {planted[number]}" if number < len(planted) else f"row {number}" for number in range(n)]
    return pd.DataFrame(
        {
            "id": [f"r{number}" for number in range(n)],
            "label": (rng.uniform(size=n) < score).astype(int),
            "prediction": (score >= 0.5).astype(int),
            "score": score,
            "sex": rng.choice(["f", "m"], n),
            "note": texts,
            "messages": [[{"role": "user", "content": text}] for text in reversed(texts)],
        }
    )


def told(bundle: Path) -> str:
    """All that a bundle says: the bytes of each file, and the text of each PDF."""
    text = ""
    for path in sorted(bundle.rglob("*")):
        if path.is_file():
            text += path.read_bytes().decode("utf-8", "replace")
            if path.suffix == ".pdf":
                text += "\n".join(page.extract_text() for page in PdfReader(path).pages)
    return text


def test_a_bundle_counts_what_was_planted_and_repeats_none_of_it(tmp_path, caplog, capfd):
    rng = chance(5)
    planted = [make(rng) for make in POSITIVE.values() for _ in range(3)]
    rows(planted).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "audit.yaml").write_text(AUDIT)
    bundle = gk.audit(tmp_path / "audit.yaml", out=tmp_path / "evidence").path
    names = {path.name for path in bundle.rglob("*")}
    assert {"report.html", "report.pdf", "card.md", "audit.yaml"} <= names
    text = told(bundle) + caplog.text + "".join(capfd.readouterr())
    assert "rows with personal data or a secret" in text
    # Neither as they stand, nor without what stands between their letters and digits, nor over the end of a line.
    bare = re.sub(r"[^0-9A-Za-z]+", "", text)
    assert [each for each in planted if each in text or re.sub(r"[^0-9A-Za-z]+", "", each) in bare] == []


def test_the_rows_of_an_audit_are_counted_exactly(tmp_path):
    rng = chance(6)
    planted = [make(rng) for make in POSITIVE.values()]
    rows(planted).to_parquet(tmp_path / "rows.parquet")
    (tmp_path / "audit.yaml").write_text(AUDIT)
    found = [each for each in gk.measure(tmp_path / "audit.yaml")["findings"] if each["check"] == "personal_data"]
    whole = {each["name"]: each["value"] for each in found if not each["part"]}
    by_column = {
        each["part"]["column"]: each["value"] for each in found if each["name"] == "personal_rows" and each["part"]
    }
    assert by_column == {"note": len(planted), "messages": len(planted)}
    assert whole["personal_rows"] == 2 * len(planted)
    assert whole["secret_rows"] == 10
