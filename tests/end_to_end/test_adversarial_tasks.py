"""A torch module that names several labels or answers with a number, from the audit file to the verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import govkit as gk
from govkit.core import Measurement

torch.set_num_threads(1)
CODE = """
import torch
from torch import nn

def linear(weight):
    net = nn.Linear(2, len(weight), bias=False)
    net.weight.data = torch.tensor(weight)
    return net

class Rounded(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(torch.round(x * 20) / 20)

number = linear([[4.0, -2.0]])
rounded_labels = Rounded(linear([[4.0, -2.0], [-1.0, 3.0]]))
"""
COLUMNS = {"labels": "label: [a, b]", "number": "label: y, task: regression, range: [-20, 20]"}
CONTROL = {
    "labels": "check: adversarial, metric: robust_accuracy, require: {min: 0.2}",
    "number": "check: number_attacks, metric: attacked_error, require: {max: 3}",
}


def audit(folder: Path, name: str) -> gk.Bundle:
    """An audit of 200 rows with features in [-1, 1], each changed by 0.1 at most."""
    task = name.removeprefix("rounded_")
    x = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
    y = x @ [4.0, -2.0]
    rows = {"u": x[:, 0], "v": x[:, 1], "y": y, "a": (y > 0).astype(int), "b": (x @ [-1.0, 3.0] > 0).astype(int)}
    pd.DataFrame(rows).drop(columns="y" if task == "labels" else ["a", "b"]).to_csv(folder / "test.csv", index=False)
    (folder / "nets.py").write_text(CODE, encoding="utf-8")
    (folder / "p.yaml").write_text(
        "schema: govkit.policy/v1\nid: p\nversion: 1.0.0\ncontrols:\n"
        f"  - {{id: ROB, title: stands, rmf: [MEASURE 2.7], {CONTROL[task]},\n"
        "     params: {tier: gate, rows: 200, eps: 0.05}, authority: {level: none, note: ours}, severity: low}\n",
        encoding="utf-8",
    )
    (folder / "audit.yaml").write_text(
        f'schema: govkit.audit/v1\nsubject: {{python: "nets:{name}", input_range: [-1, 1]}}\n'
        f"data: {{test: {{path: test.csv}}}}\ncolumns: {{input: [u, v], {COLUMNS[task]}}}\npolicy: p.yaml\n",
        encoding="utf-8",
    )
    return gk.audit(folder / "audit.yaml", out=folder / "evidence")


@pytest.mark.parametrize(
    ("name", "state", "trust"), [("number", "pass", "trusted"), ("rounded_labels", "inconclusive", "suspect")]
)
def test_a_limit_may_rest_on_a_sound_model_and_not_on_one_that_rounds(
    name: str, state: str, trust: str, tmp_path: Path
):
    bundle = audit(tmp_path, name)
    assert bundle.verdict.rulings[0].state == state
    control = {"number": "attacked_error", "rounded_labels": "robust_accuracy"}[name]
    found = [item for item in bundle.findings if item.name == control and item.params["tier"] == "gate"]
    assert {item.trust for item in found if isinstance(item, Measurement)} == {trust}
    assert [item.part.get("label") for item in found] == ([None] if name == "number" else ["a", "b"])
    if name == "number":
        # Each feature moves by a twentieth of the range of 2, where the range allows it: 0.1 (4 + 2) at most.
        assert 0.85 * 0.6 < found[0].value <= 0.6 * 1.0001
