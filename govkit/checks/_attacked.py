"""The rows that an attack is tried on, and what stood as findings: candidate and base on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from govkit.attacks import Ball
from govkit.checks._by_scores import ByScores
from govkit.checks._shared import measured, missing, seed_of
from govkit.core import Case, Dataset, Finding, Gap, Of, Subject
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.errors import SubjectError, UsageError
from govkit.lazy import np, torch
from govkit.stats import Estimate, stopped_difference, stopped_share

BATCH = 32
"""Rows attacked together."""

LEAST_SPREAD = 0.02
"""Share of the declared range that images fill at least; images in [0, 1] fill 1/255 of [0, 255]."""

Radius = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A largest change, as a share of the input range."""


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
        return self.columns(self.labels)

    def columns(self, labels: Array) -> Array:
        """Classes in the order of the case as columns of the subject, int64 ``(n,)``; the numbers of a regression."""
        if self.case.task == "regression":
            return labels
        names = list(self.subject.classes)
        columns = [names.index(name) for name in self.case.classes] if names else range(len(self.case.classes))
        return np.asarray(columns, dtype=np.int64)[labels]

    def first(self, n: int) -> Sample:
        """The first n of these rows."""
        few = {name: getattr(self, name)[:n] for name in ("labels", "seeds", "right")}
        return replace(self, inputs=rows_of(self.inputs, slice(0, n)), **few)


def declared_radius(name: str, eps: float | None, norm: str) -> None:
    """Refuse a radius beyond the whole range.

    Raises:
        UsageError: No value can be changed by so much.
    """
    if norm == "linf" and eps is not None and eps > 1:
        raise UsageError(f"{name}: eps is {eps:g}, a share of the input range; expected 0 to 1 (8/255 is 0.0314)")


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
    seeds = [seed_of(case.seed, "adversarial", repr(digest)) for digest in data.row_digests[:n].tolist()]
    right = predictions.labels[:n] == labels
    return Sample(case, data, of, subject, rows_of(data.inputs, slice(0, n)), labels, seeds, right)


def rows_of(inputs: Any, rows: slice) -> Any:
    """Some rows of the inputs of any modality."""
    return inputs.iloc[rows] if hasattr(inputs, "iloc") else inputs[rows]


def share(right: Array, *, looks: int = 1) -> Estimate:
    """Share of the rows that are right, where the attack might have stopped at one of so many looks."""
    return stopped_share(int(right.sum()), len(right), looks=looks)


def gap(sample: Sample, name: str, why: str) -> Gap:
    """A metric that this model does not allow."""
    return missing(name, "unsupported", why, data=sample.data, of=sample.of)


def batches_of(
    sample: Sample, subject: Differentiable | ByScores, *, within: range | None = None
) -> Iterator[tuple[dict[str, Any], Any, list[int]]]:
    """Batches as attacks take them: tensors, true classes in the order of the subject, one seed a row.

    Args:
        sample: The rows.
        subject: Who encodes them.
        within: Numbers of the rows, one after the other; all of them if not given.
    """
    labels, all_rows = sample.own_labels, range(len(sample)) if within is None else within
    for start in all_rows[::BATCH]:
        rows = slice(start, min(start + BATCH, all_rows.stop))
        batch = subject.encode(rows_of(sample.inputs, rows))
        yield batch, torch.as_tensor(labels[rows], device=batch["x"].device), sample.seeds[rows]


def whole_ball(sample: Sample, subject: Differentiable | ByScores) -> Ball:
    """The whole range of the inputs as a radius, of which an attack declares its share.

    The range of a table is that of each column over all test rows, where the subject names none.

    Raises:
        SubjectError: Inputs lie outside the range that the subject names.
    """
    table = sample.case.modality == "table"
    x = subject.encode(sample.data.inputs if table else sample.inputs)["x"].detach().float()
    if subject.input_range is None:
        low, high = x.amin(dim=0, keepdim=True), x.amax(dim=0, keepdim=True)
    else:
        low, high = (torch.tensor(end, device=x.device) for end in subject.input_range)
        if bool((x < low - 1e-6).any() or (x > high + 1e-6).any()):
            raise SubjectError(
                f"inputs reach from {float(x.min()):.4g} to {float(x.max()):.4g}, but subject.input_range is "
                f"{list(subject.input_range)}; put the preprocessing inside the model or repair the range"
            )
        spread = float(x.max() - x.min()) if x.numel() else 0.0
        if not table and 0 < spread < LEAST_SPREAD * float(high - low):
            raise SubjectError(
                f"inputs reach from {float(x.min()):.4g} to {float(x.max()):.4g} and fill less than "
                f"{LEAST_SPREAD:.0%} of subject.input_range {list(subject.input_range)}, so that a change measured by "
                "it would drown them; repair the range"
            )
    width = high - low
    return Ball("linf", width, low, high, grid=None if table else float(width) / 255)


def beside_base(
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]], data: Dataset, *, looks: int = 1
) -> Iterator[Finding]:
    """Candidate minus base on the same rows; the difference is no more to be trusted than either of the two."""
    order: tuple[Trust | None, ...] = (None, "trusted", "not evaluated", "suspect")
    for (name, of), (kept, trust) in survivors.items():
        if of == "candidate" and (name, "base") in survivors:
            other, its_trust = survivors[name, "base"]
            estimate = stopped_difference(
                int((kept & ~other).sum()), int((~kept & other).sum()), len(kept), looks=looks
            )
            worst = max(trust, its_trust, key=order.index)
            yield measured(name, estimate, data, compared_with="base", trust=worst)
