"""Audit a closed model by its stored predictions: breast cancer data, a forest against the model in service.

Run it in an empty folder; it writes predictions.csv, audit.yaml and the bundle evidence/.
"""

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import govkit as gk

AUDIT = """\
schema: govkit.audit/v1
name: tumour forest
subject: {predictions: predictions.csv}
columns: {label: benign, score: forest, incumbent_score: in_service, groups: [size], id: id, positive: "1"}
use: {purpose: "second reading of cell images", intent: [internal], excluded: ["diagnosis without a doctor"]}
absent: {base: "the forest grew from nothing", shifted: "the images are of one clinic"}
"""


def main() -> None:
    rows, truth = load_breast_cancer(return_X_y=True, as_frame=True)
    train_rows, test_rows, train_truth, test_truth = train_test_split(rows, truth, test_size=0.5, random_state=0)
    forest = RandomForestClassifier(100, random_state=0).fit(train_rows, train_truth)
    in_service = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(train_rows, train_truth)
    sheet = pd.DataFrame(
        {
            "id": test_rows.index,
            "benign": test_truth,
            "forest": forest.predict_proba(test_rows)[:, 1],
            "in_service": in_service.predict_proba(test_rows)[:, 1],
            "size": (test_rows["mean radius"] > 13).map({True: "large", False: "small"}),
        }
    )
    sheet.to_csv("predictions.csv", index=False)
    Path("audit.yaml").write_text(AUDIT, encoding="utf-8")
    bundle = gk.audit("audit.yaml", out="evidence")
    print(bundle.verdict.outcome, bundle.verdict.exit_code)
    for ruling in bundle.verdict.rulings:
        print(f"{ruling.state:<15} {ruling.control}  {ruling.reason}")


if __name__ == "__main__":
    main()
