"""Audit a torch model whose gradients are open: it is attacked, and each robustness number says if it can be trusted.

Run it in an empty folder; it writes the data, the model's code and weights in digits/, audit.yaml and evidence/.
"""

import importlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits

import govkit as gk

MODEL = """\
from pathlib import Path

import torch

# Pixels come in [0, 16]; preprocessing lives inside the model.
class Scale(torch.nn.Module):
    def forward(self, x):
        return x / 16

net = torch.nn.Sequential(Scale(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
weights = Path(__file__).with_name("weights.pt")
if weights.exists():
    net.load_state_dict(torch.load(weights, weights_only=True))
"""

AUDIT = """\
schema: govkit.audit/v1
name: digit reader
subject: {python: "digits.model:net", artifact: digits, input_range: [0, 16]}
data: {train: {path: train.csv}, test: {path: test.csv}}
columns: {input: [PIXELS], label: digit, id: id}
use: {purpose: "read single digits", intent: [internal]}
"""


def main() -> None:
    torch.manual_seed(0)
    digits = load_digits()
    pixels = [f"p{number}" for number in range(64)]
    sheet = pd.DataFrame(digits.data, columns=pixels).assign(digit=digits.target, id=range(len(digits.target)))
    sheet = sheet.sample(frac=1, random_state=0)
    sheet[:1200].to_csv("train.csv", index=False)
    sheet[1200:].to_csv("test.csv", index=False)
    Path("digits").mkdir()
    Path("digits/model.py").write_text(MODEL, encoding="utf-8")
    Path("audit.yaml").write_text(AUDIT.replace("PIXELS", ", ".join(pixels)), encoding="utf-8")
    train(np.array(sheet[:1200][pixels], dtype=np.float32), np.array(sheet[:1200]["digit"]))
    bundle = gk.audit("audit.yaml", out="evidence")
    print(bundle.verdict.outcome, bundle.verdict.exit_code)
    for finding in bundle.findings:
        if finding.check == "adversarial":
            print(finding.name, getattr(finding, "value", finding.kind), getattr(finding, "trust", None))


def train(pixels: np.ndarray, digit: np.ndarray) -> None:
    """A small network, trained for a few seconds."""
    sys.path.insert(0, str(Path.cwd()))
    sys.dont_write_bytecode = True  # compiled code is no part of a model
    net = importlib.import_module("digits.model").net
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    inputs, targets = torch.from_numpy(pixels), torch.from_numpy(digit)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
    torch.save(net.state_dict(), "digits/weights.pt")


if __name__ == "__main__":
    main()
