"""The rows that an attack is tried on, and what stood as findings: candidate and base on the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from govkit.checks._by_scores import ByScores
from govkit.checks._shared import measured, missing
from govkit.core import Case, Dataset, Finding, Gap, Of, Subject
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.stats import Estimate, paired_difference, proportion

BATCH = 32
"""Rows attacked together."""

Found = list[tuple[str, Array | None, Finding]]
"""Name of a metric, the rows that are still right where the base may be compared, and the finding."""


@dataclass(frozen=True)
class Sample:
    """The rows that are attacked: inputs, true classes in the order of the case, one seed each, clean answers."""

    case: Case
    data: Dataset
    of: Of
    subject: Subject
    inputs: Any
    labels: Array
    seeds: list[int]
    right: Array

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def own_labels(self) -> Array:
        """True classes as columns of the subject, which may order its classes in another way."""
        import numpy as np

        names = list(self.subject.classes)
        columns = [names.index(name) for name in self.case.classes] if names else range(len(self.case.classes))
        return np.asarray(columns, dtype=np.int64)[self.labels]


def subjects_of(case: Case, *, base: bool) -> Iterator[tuple[Of, Subject]]:
    """The candidate, and the base where it is asked for, as far as they can be asked."""
    if case.subject is not None:
        yield "candidate", case.subject
    if base and case.base is not None:
        yield "base", case.base


def sample_of(case: Case, of: Of, subject: Subject, rows: int) -> Sample | None:
    """The first rows in canonical order: their order is that of a digest, so they are as good as drawn."""
    data, predictions = case.data["test"], case.predictions(of)
    if predictions is None:
        return None
    n = min(rows, len(data))
    labels = data.labels[:n]
    keys = [f"{case.seed}:adversarial:{digest!r}" for digest in data.row_digests[:n].tolist()]
    seeds = [int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big") for key in keys]
    right = predictions.labels[:n] == labels
    return Sample(case, data, of, subject, rows_of(data.inputs, slice(0, n)), labels, seeds, right)


def rows_of(inputs: Any, rows: slice) -> Any:
    """Some rows of the inputs of any modality."""
    return inputs.iloc[rows] if hasattr(inputs, "iloc") else inputs[rows]


def share(right: Array) -> Estimate:
    """Share of the rows that are right."""
    return proportion(int(right.sum()), len(right))


def gap(sample: Sample, name: str, why: str) -> tuple[str, None, Gap]:
    """A metric that this model does not allow, as a finding of its attacks."""
    return name, None, missing(name, "unsupported", why, data=sample.data, of=sample.of)


def batches_of(sample: Sample, subject: Differentiable | ByScores) -> Iterator[tuple[dict[str, Any], Any, list[int]]]:
    """Batches as attacks take them: tensors, true classes in the order of the subject, one seed a row."""
    import torch

    labels = sample.own_labels
    for start in range(0, len(sample), BATCH):
        rows = slice(start, start + BATCH)
        batch = subject.encode(rows_of(sample.inputs, rows))
        yield batch, torch.as_tensor(labels[rows], device=batch["x"].device), sample.seeds[rows]


def beside_base(survivors: dict[tuple[str, Of], tuple[Array, Trust | None]], data: Dataset) -> Iterator[Finding]:
    """Candidate minus base on the same rows; the difference is no more to be trusted than either of the two."""
    order: tuple[Trust | None, ...] = (None, "trusted", "not evaluated", "suspect")
    for (name, of), (kept, trust) in survivors.items():
        if of == "candidate" and (name, "base") in survivors:
            other, its_trust = survivors[name, "base"]
            estimate = paired_difference(int((kept & ~other).sum()), int((~kept & other).sum()), len(kept))
            worst = max(trust, its_trust, key=order.index)
            yield measured(name, estimate, data, compared_with="base", trust=worst)
