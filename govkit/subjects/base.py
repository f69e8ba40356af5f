"""The pretrained base, frozen: its features, and a linear probe on them.

A linear probe is the fair comparison for a transfer: what the base already knew, read out by the simplest head that
was trained on the same rows (Alain and Bengio 2016, "Understanding intermediate layers using linear classifier
probes").
"""

from __future__ import annotations

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit.core.case import Array, Dataset, Passes
from govkit.core.words import Access, Modality, Role
from govkit.errors import SubjectError
from govkit.lazy import np, torch
from govkit.subjects.boundary import Boundary
from govkit.subjects.folder import by_length, embedded, max_tokens, open_folder, token_ids
from govkit.subjects.states import asked, two_columns

KEPT = 16
"""Sets of features that are kept, so that no data set is embedded twice."""

UNSEEN = -1e4
"""Logit of a class that no training row shows: its probability is 0, and an attack can still compare it."""


class Features(ABC):
    """A frozen model without its head, as a source of features that are kept by content.

    Attributes:
        digest: Artifact digest of what it was loaded from.
        path: Folder or file of its weights.
        modality: What it reads.
        passes: Counter; every row that goes forward is added.
        model: The torch module.
        input_range: Smallest and largest value of a continuous input, or None.
        open: Whether its gradients can be followed into the input.
    """

    digest: str
    path: Path
    modality: Modality
    passes: Passes
    model: Any
    input_range: tuple[float, float] | None = None
    open: bool = True

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Array] = OrderedDict()

    def embed(self, inputs: Any) -> Array:
        """Features float32 ``(n, d)`` of ``n`` inputs, kept by content."""
        key = self._key(inputs)
        if key not in self._kept:
            self._kept[key] = self._embed(inputs)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    @abstractmethod
    def reads(self, inputs: Any) -> bool:
        """Whether these are inputs that it can be asked about."""

    @abstractmethod
    def encode(self, inputs: Any) -> dict[str, Any]:
        """One batch, ``{"x": float tensor (n, ...), ...}``."""

    @abstractmethod
    def features(self, batch: Mapping[str, Any]) -> Any:
        """Features, a tensor ``(n, d)``, differentiable in ``batch["x"]``; counted."""

    @abstractmethod
    def _key(self, inputs: Any) -> bytes: ...

    @abstractmethod
    def _embed(self, inputs: Any) -> Array: ...


class FrozenBase(Features):
    """A transformers model without its head, never trained, whose features are means over the tokens of each text.

    Args:
        folder: Folder that transformers saved.
        passes: Counter; every row that goes forward is added.
    """

    modality: Modality = "text"

    def __init__(self, folder: Path, passes: Passes) -> None:
        super().__init__()
        self.path = folder
        self.passes = passes
        # A hub cache is a folder of links; the base is compared with its record, not released.
        self.model, self.tokenizer, self.digest = open_folder(folder, head=False, strict=False)
        self.limit = max_tokens(self.model, self.tokenizer)
        self.open = "inputs_embeds" in inspect.signature(self.model.forward).parameters

    def reads(self, inputs: Any) -> bool:
        """Texts, also where they are lazy."""
        return isinstance(inputs, Sequence)

    def tokens(self, texts: Sequence[str]) -> list[tuple[int, ...]]:
        """Ids of the tokens of each text as the model reads them; texts with the same ids get the same features."""
        return token_ids(self.tokenizer, texts, self.limit)

    def encode(self, inputs: Sequence[str]) -> dict[str, Any]:
        """One padded batch: ``x``, the embeddings, float32 ``(n, tokens, width)``, and its ``attention_mask``."""
        with Boundary(f"{self.path}"):
            return embedded(self.model, self.tokenizer, inputs, self.limit)

    def features(self, batch: Mapping[str, Any]) -> Any:
        """Mean of the last hidden states over the tokens of each text, a tensor ``(n, d)``."""
        rest = {key: value for key, value in batch.items() if key != "x"}
        with Boundary(f"{self.path}"), asked(self.model):
            found = self._pooled({"inputs_embeds": batch["x"], **rest})
        self.passes.forward += len(batch["x"])
        return found

    def _pooled(self, batch: Mapping[str, Any]) -> Any:
        hidden = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].to(hidden.dtype)
        return (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)

    def _key(self, texts: Sequence[str]) -> bytes:
        return hashlib.sha256(repr(list(texts)).encode("utf-8", "surrogatepass")).digest()

    def _embed(self, texts: Sequence[str]) -> Array:
        features = np.zeros((len(texts), self.model.config.hidden_size), dtype=np.float32)
        with Boundary(f"{self.path}"), asked(self.model), torch.no_grad():
            for rows, batch in by_length(self.tokenizer, texts, self.limit):
                features[rows] = self._pooled(batch).numpy()
                self.passes.forward += len(rows)
        return features


class Probe:
    """A linear probe: logistic regression on standardized features of the frozen base.

    Attributes:
        base: Where the features come from.
        head: The fitted pipeline of scaler and ``LogisticRegression``.
    """

    access: Access = "predict"

    def __init__(self, base: Features, head: Any, classes: Sequence[str]) -> None:
        self.base = base
        self.head = head
        self.classes = tuple(classes)
        self.digest = base.digest
        self.modality = base.modality
        self.path: Path | None = base.path

    def predict(self, inputs: Any) -> Array:
        """Probabilities float64 ``(n, k)``; a class that no training row shows has probability 0."""
        answer = np.zeros((len(inputs), len(self.classes)))
        if len(inputs):
            answer[:, self.head.classes_] = self.head.predict_proba(self.base.embed(inputs).astype(np.float64))
        return answer


class OpenProbe(Probe):
    """A probe whose gradients are open: in the embeddings of tokens, or in the input itself."""

    access: Access = "weights"

    def __init__(self, base: Features, head: Any, classes: Sequence[str]) -> None:
        super().__init__(base, head, classes)
        self.input_range = base.input_range

    def encode(self, inputs: Any) -> dict[str, Any]:
        """The batch of the base."""
        return self.base.encode(inputs)

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits float64 ``(n, k)``, differentiable in ``batch["x"]``; their softmax is what ``predict`` answers."""
        scaler, linear = self.head[0], self.head[-1]
        features = self.base.features(batch).double()
        mean, scale, coef, intercept = (
            torch.as_tensor(part, dtype=torch.float64, device=features.device)
            for part in (scaler.mean_, scaler.scale_, linear.coef_, linear.intercept_)
        )
        scores = two_columns((features - mean) / scale @ coef.T + intercept)
        answer = scores.new_full((len(scores), len(self.classes)), UNSEEN)
        return answer.index_copy(1, torch.as_tensor(linear.classes_, device=features.device), scores)


def probe(base: Features | Path, train: Dataset, classes: Sequence[str], passes: Passes) -> Probe:
    """Fit a linear probe on the training rows: features standardized, L2 penalty with C = 1.

    Standardizing makes the stronger probe, so the base is not made to look weak.

    Args:
        base: The frozen base, or the folder of one that reads texts.
        train: Rows to fit on, inputs that the base reads.
        classes: Names of the classes; ``train.labels`` are indices into them.
        passes: Counter for a base that is opened here.

    Returns:
        A probe, with gradients where the base lets them through.

    Raises:
        SubjectError: The training rows show fewer than two classes, or are nothing that the base reads.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen = np.unique(train.labels)
    if isinstance(base, Path) and not isinstance(train.inputs, Sequence):
        raise SubjectError(f"a probe embeds texts; {train.path} holds none (columns.input: the column of texts)")
    if len(seen) < 2:
        raise SubjectError(f"{train.path} shows fewer than two classes; a probe needs rows of at least two")
    base = FrozenBase(base, passes) if isinstance(base, Path) else base
    if not base.reads(train.inputs):
        raise SubjectError(f"the base reads {base.modality}s; {train.path} holds none (columns.input)")
    features = base.embed(train.inputs).astype(np.float64)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000)).fit(features, train.labels)
    return (OpenProbe if base.open else Probe)(base, head, classes)


def embed_role(base: Features | None, data: Mapping[Role, Dataset]) -> Callable[[Role], Array | None]:
    """``role -> (n, d)`` features of the frozen base, as ``Case.embed`` wants it; None if it cannot read them."""

    def embed(role: Role) -> Array | None:
        dataset = data.get(role)
        if base is None or dataset is None or not base.reads(dataset.inputs):
            return None
        return base.embed(dataset.inputs)

    return embed
