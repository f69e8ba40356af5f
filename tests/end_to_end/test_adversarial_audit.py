"""Attacks on torch modules that an audit file names: sound ones, ones that hide, and ones that cannot be attacked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from digit_models import held_out, network
from PIL import Image

import govkit as gk
from govkit.checks import Request, measure
from govkit.core import Finding
from govkit.errors import UsageError
from govkit.pipeline.casework import build_case, read_audit

torch.set_num_threads(1)
CODE = """
from pathlib import Path

import torch
from torch import nn

def body():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(256, 32), nn.ReLU(), nn.Linear(32, 10),
    )

class Around(nn.Module):
    def __init__(self, ask):
        super().__init__()
        self.body, self.ask = body(), ask
        self.body.load_state_dict(torch.load(Path(__file__).with_name("net.pt"), weights_only=True))

    def forward(self, x):
        return self.ask(self.body, x)

def alone(net, x):
    if len(x) == 1:
        raise ValueError("more than one row, please")
    return net(x)

plain = Around(lambda net, x: net(x))
rounded = Around(lambda net, x: net(torch.round(x * 255) / 255))
bytes_ = Around(lambda net, x: net(x / 255))
nan = Around(lambda net, x: net(x) * float("nan"))
single = Around(alone)
meta = body().to("meta")
"""
AUDIT = """\
schema: govkit.audit/v1
subject: {python: "nets:NAME", input_range: [0, 1]}
data: {test: {path: test}}
columns: {input: path, label: label}
policy: p.yaml
"""
POLICY = """\
schema: govkit.policy/v1
id: p
version: 1.0.0
controls:
  - {id: ROB, title: "one in ten stands", rmf: [MEASURE 2.7], check: adversarial, metric: robust_accuracy,
     params: {tier: gate, rows: 66, eps: 0.05, limit: 0.1}, require: {min: 0.1},
     authority: {level: none, note: ours}, severity: low}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x, labels = held_out(66)
    for row, (image, label) in enumerate(zip(x, labels.tolist(), strict=True)):
        place = tmp_path / "test" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image[0].numpy() * 255).round().astype(np.uint8)).save(place / f"{row}.png")
    (tmp_path / "nets.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "p.yaml").write_text(POLICY, encoding="utf-8")
    torch.save(network().state_dict(), tmp_path / "net.pt")
    return tmp_path


def named(folder: Path, name: str, *, input_range: str = "[0, 1]") -> Path:
    text = AUDIT.replace("NAME", name).replace("[0, 1]", input_range)
    (folder / "audit.yaml").write_text(text, encoding="utf-8")
    return folder / "audit.yaml"


def attacked(audit: Path) -> list[Finding]:
    """Findings on 65 rows: two batches of 32, and one row alone."""
    return measure(build_case(*read_audit(audit)).case, [Request("adversarial", {"rows": 65, "eps": 0.1})])


@pytest.mark.parametrize(
    ("name", "state", "trust"), [("plain", "pass", "trusted"), ("rounded", "inconclusive", "suspect")]
)
def test_a_number_that_is_suspect_passes_no_gate(folder: Path, name: str, state: str, trust: str) -> None:
    bundle = gk.audit(named(folder, name), out=folder / "evidence")
    (robust,) = [
        found
        for found in bundle.findings
        if (found.check, found.name) == ("adversarial", "robust_accuracy") and found.params["tier"] == "gate"
    ]
    assert robust.trust == trust
    assert robust.bounds[1].low > 0.1, "as far as the number goes, the limit is cleared"
    assert robust.n == 50, "which the first look showed"
    assert bundle.verdict.rulings[0].state == state


@pytest.mark.parametrize(
    ("name", "input_range", "message"),
    [
        ("plain", "[0.5, 0]", "input_range"),
        ("nan", "[0, 1]", "candidate on the test data"),
        ("meta", "[0, 1]", "hold no data"),
        ("single", "[0, 1]", "more than one row, please"),
    ],
)
def test_a_model_that_cannot_be_attacked_is_a_clear_error(
    folder: Path, name: str, input_range: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        attacked(named(folder, name, input_range=input_range))


def test_images_in_bytes_are_attacked_in_their_own_range(folder: Path) -> None:
    robust = [
        next(item.value for item in attacked(named(folder, name, input_range=ends)) if item.name == "robust_accuracy")
        for name, ends in (("bytes_", "[0, 255]"), ("plain", "[0, 1]"))
    ]
    assert robust[0] == pytest.approx(robust[1], abs=2 / 65)
