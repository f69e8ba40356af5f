"""A network on scikit-learn's digits beside a linear probe on the frozen features of another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from attacked_fixture import Open
from case_fixture import make_dataset
from digit_models import HELD_OUT, digits, held_out, network
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from govkit.core import Case, Passes
from govkit.core.audit import Use
from govkit.engine import Answers
from govkit.subjects import Probe, embed_role

CLASSES = tuple(map(str, range(10)))


class Frozen:
    """Features of the last hidden layer of a network, float32 ``(n, 32)``, kept by content as those of every base."""

    digest, modality, path = "sha256:02", "image", Path("base.pt")

    def __init__(self, net: torch.nn.Module, passes: Passes) -> None:
        self.net, self.passes, self.kept = net[:-1], passes, {}

    def reads(self, inputs) -> bool:
        return inputs is not None

    def embed(self, inputs) -> np.ndarray:
        key = np.asarray(inputs).tobytes()
        if key not in self.kept:
            self.passes.forward += len(inputs)
            with torch.no_grad():
                self.kept[key] = self.net(torch.as_tensor(np.asarray(inputs), dtype=torch.float32)).numpy()
        return self.kept[key]


def digit_case(n: int = 300, *, make=None, base: bool = True, seed: int = 0, order=None, **fields) -> Case:
    """Candidate ``make(passes)`` (a plain network if not given) on ``n`` held-out digits; the probe beside it."""
    passes = Passes()
    x, labels = (part[:-HELD_OUT].numpy() for part in digits())
    rows = np.arange(n) if order is None else order
    data = {
        "train": make_dataset(labels, role="train", inputs=x),
        "test": make_dataset(held_out(n)[1].numpy()[rows], inputs=held_out(n)[0].numpy()[rows]),
    }
    subject = Open(network(seed), passes, classes=CLASSES) if make is None else make(passes)
    frozen = Frozen(network(seed + 100), passes) if base else None
    probe = None
    if frozen is not None:
        head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(frozen.embed(x), labels)
        probe = Probe(frozen, head, CLASSES)
    test = data["test"]
    data["test"] = replace(test, row_digests=test.row_digests[rows])
    models = {"candidate": subject, "base": probe, "incumbent": None}
    return Case(
        subject=subject, base=probe, incumbent=None, data=data, classes=CLASSES, positive=9, run=None, use=Use(),
        access="weights", modality="image", model_path=None, passes=passes, task="multiclass",
        answers=Answers(models, data, classes=CLASSES), embed=embed_role(frozen, data), **fields,
    )  # fmt: skip
