"""The pretrained base, frozen: its features, and a linear probe on them.

A linear probe is the fair comparison for a transfer: what the base already knew, read out by the simplest head that
was trained on the same rows (Alain and Bengio 2016, "Understanding intermediate layers using linear classifier
probes").
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Dataset, Passes
from govkit.core.words import Access, Modality, Role
from govkit.errors import SubjectError
from govkit.subjects.boundary import Boundary, source_digest
from govkit.subjects.folder import by_length, max_tokens, open_folder
from govkit.subjects.states import asked

KEPT = 16
"""Sets of features that are kept, so that no data set is embedded twice."""


class FrozenBase:
    """A transformers model without its head, never trained, as a source of features.

    Args:
        folder: Folder that transformers saved.
        passes: Counter; every row that goes forward is added.
    """

    modality: Modality = "text"

    def __init__(self, folder: Path, passes: Passes) -> None:
        # A hub cache is a folder of links; the base is compared with its record, not released.
        self.digest = source_digest(folder, strict=False)
        self.path = folder
        self.passes = passes
        self.model, self.tokenizer = open_folder(folder, head=False)
        self.limit = max_tokens(self.model, self.tokenizer)
        self._kept: OrderedDict[str, Array] = OrderedDict()

    def embed(self, texts: Sequence[str]) -> Array:
        """Mean of the last hidden states over the tokens of each text, float32 ``(n, d)``; kept by content."""
        key = hashlib.sha256(repr(list(texts)).encode("utf-8", "surrogatepass")).hexdigest()
        if key not in self._kept:
            self._kept[key] = self._embed(texts)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _embed(self, texts: Sequence[str]) -> Array:
        import numpy as np
        import torch

        features = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        with Boundary(f"{self.path}"), asked(self.model), torch.no_grad():
            for rows, batch in by_length(self.tokenizer, texts, self.limit):
                hidden = self.model(**batch).last_hidden_state
                mask = batch["attention_mask"][..., None].to(hidden.dtype)
                features[rows] = ((hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).numpy()
                self.passes.forward += len(rows)
        return features


class Probe:
    """A linear probe: logistic regression on standardized features of the frozen base.

    Attributes:
        base: Where the features come from.
        head: The fitted pipeline of scaler and ``LogisticRegression``.
    """

    access: Access = "predict"

    def __init__(self, base: FrozenBase, head: Any, classes: Sequence[str]) -> None:
        self.base = base
        self.head = head
        self.classes = tuple(classes)
        self.digest = base.digest
        self.modality = base.modality
        self.path: Path | None = base.path

    def predict(self, inputs: Sequence[str]) -> Array:
        """Probabilities float64 ``(n, k)``; a class that no training row shows has probability 0."""
        import numpy as np

        answer = np.zeros((len(inputs), len(self.classes)))
        if len(inputs):
            answer[:, self.head.classes_] = self.head.predict_proba(self.base.embed(inputs).astype(np.float64))
        return answer


def probe(base: FrozenBase | Path, train: Dataset, classes: Sequence[str], passes: Passes) -> Probe:
    """Fit a linear probe on the training rows: features standardized, L2 penalty with C = 1.

    Standardizing makes the stronger probe, so the base is not made to look weak.

    Args:
        base: The frozen base, or its folder.
        train: Rows to fit on, texts.
        classes: Names of the classes; ``train.labels`` are indices into them.
        passes: Counter for a base that is opened here.

    Raises:
        SubjectError: The training rows show fewer than two classes, or are no texts.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if not isinstance(train.inputs, Sequence):
        raise SubjectError(f"a probe embeds texts; {train.path} holds none (columns.input: the column of texts)")
    seen = np.unique(train.labels)
    if len(seen) < 2:
        raise SubjectError(f"{train.path} shows fewer than two classes; a probe needs rows of at least two")
    base = base if isinstance(base, FrozenBase) else FrozenBase(base, passes)
    features = base.embed(train.inputs).astype(np.float64)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000)).fit(features, train.labels)
    return Probe(base, head, classes)


def embed_role(base: FrozenBase | None, data: Mapping[Role, Dataset]) -> Callable[[Role], Array | None]:
    """``role -> (n, d)`` features of the frozen base, as ``Case.embed`` wants it; None where there are no texts."""

    def embed(role: Role) -> Array | None:
        dataset = data.get(role)
        if base is None or dataset is None or not isinstance(dataset.inputs, Sequence):
            return None
        return base.embed(dataset.inputs)

    return embed
