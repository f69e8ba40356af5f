"""Cases around a live model that is attacked."""

from __future__ import annotations

import numpy as np
import torch
from case_fixture import make_case, make_dataset

from govkit.core import Passes, Predictions


class Open:
    """A differentiable subject around a torch module; ``twist`` sits between the input and the module."""

    access, path, digest = "weights", None, "sha256:00"

    def __init__(self, net, passes, *, modality="image", input_range=(0.0, 1.0), classes=(), twist=None, scale=1.0):
        self.net, self.passes, self.modality = net, passes, modality
        self.input_range, self.classes = input_range, classes
        self.twist, self.scale = twist or (lambda x: x), scale

    def encode(self, inputs):
        return {"x": torch.as_tensor(np.asarray(inputs), dtype=torch.float32)}

    def logits(self, batch):
        self.passes.forward += len(batch["x"])
        return self.net(self.twist(batch["x"])) * self.scale

    def predict(self, inputs):
        with torch.no_grad():
            return self.logits(self.encode(inputs)).softmax(1).double().numpy()


class Closed:
    """A subject that answers and shows neither weights nor gradients."""

    access, path, digest, classes = "predict", None, "sha256:02", ()

    def __init__(self, answers, passes, *, modality="image", input_range=(0.0, 1.0)):
        self.answers, self.passes, self.modality, self.input_range = answers, passes, modality, input_range

    def predict(self, inputs):
        self.passes.forward += len(inputs)
        return self.answers(inputs)


def softmax_of(net):
    return lambda inputs: net(torch.as_tensor(np.asarray(inputs))).detach().double().softmax(1).numpy()


def case_of(inputs, labels, make, *, base=None, modality="image"):
    passes = Passes()
    subjects = {"candidate": make(passes), "base": None if base is None else base(passes)}
    data = make_dataset(labels, inputs=inputs)
    kept = {}

    def answers(of, role):
        subject = subjects.get(of)
        if subject is None:
            return None
        if of not in kept:
            probabilities = subject.predict(inputs)
            order = [list(subject.classes).index(name) for name in classes] if subject.classes else slice(None)
            probabilities = probabilities[:, order]
            kept[of] = Predictions(probabilities.argmax(1), probabilities)
        return kept[of]

    classes = tuple(f"class {number}" for number in range(int(np.max(labels)) + 1))
    case = make_case(
        labels, labels, classes=classes, subject=subjects["candidate"], modality=modality,
        passes=passes, access=subjects["candidate"].access,
    )  # fmt: skip
    object.__setattr__(case, "data", {"test": data})
    object.__setattr__(case, "base", subjects["base"])
    object.__setattr__(case, "answers", answers)
    return case
