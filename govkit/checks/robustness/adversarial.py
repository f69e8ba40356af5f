"""Adversarial inputs: does the answer survive small changes that are made to break it?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveInt

from govkit.attacks import Ball, Balls, battery, doubts, most_passes, pgd, take
from govkit.attacks import typos as mistype
from govkit.checks._shared import measured, missing
from govkit.core import Case, Dataset, Finding, Gap, Measurement, Metric, Of, Passes, Subject, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.errors import SubjectError
from govkit.stats import paired_difference, proportion

CONTINUOUS = ("fgsm_accuracy", "pgd_accuracy", "random_accuracy")
TYPED = ("typo_accuracy", "typo_accuracy_drop")
BATCH = 32
"""Rows attacked together."""

Radius = Annotated[float, Field(ge=0)]


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


def _extra(
    case: Case,
    *,
    rows: int,
    steps: int,
    eps: float | None,  # noqa: ARG001 - the radius costs nothing
    typos: int,
    tries: int,
    base: bool,
) -> Passes:
    """Most passes: what breaks early costs less."""
    n = min(rows, len(case.data["test"]))
    total = Passes()
    for _, subject in _subjects(case, base=base):
        if case.modality == "text":
            total += Passes(forward=n * typos * tries)
            if isinstance(subject, Differentiable):
                total += Passes(forward=n * (steps + 1), backward=n * steps)
        elif _radius_known(case, subject):
            forward, backward = most_passes(steps)
            total += Passes(forward=n * forward, backward=n * backward)
    return total


@check(
    "adversarial",
    crosswalk="check.adversarial",
    needs={"inputs"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics={
        "clean_accuracy": Metric("Accuracy on the attacked rows without an attack.", better="higher", low=0, high=1),
        "fgsm_accuracy": Metric("Accuracy after one step along the gradient.", better="higher", low=0, high=1),
        "pgd_accuracy": Metric(
            "Accuracy after many steps along the gradient of two losses, the worst case of both.",
            better="higher",
            low=0,
            high=1,
        ),
        "random_accuracy": Metric("Accuracy under random noise of the same size.", better="higher", low=0, high=1),
        "embedding_pgd_accuracy": Metric(
            "Accuracy when the embeddings of a text are moved; no text need have them, so it is for diagnosis only.",
            better="higher",
            low=0,
            high=1,
        ),
        "typo_accuracy": Metric("Accuracy after the worst typing mistakes found.", better="higher", low=0, high=1),
        "typo_accuracy_drop": Metric("Clean accuracy minus typo accuracy.", better="lower", low=0, high=1),
        "trust_reason": Metric("Why the numbers of the gradient attacks are not to be believed, or 'none'."),
    },
)
def adversarial(
    case: Case,
    *,
    rows: PositiveInt = 64,
    steps: PositiveInt = 10,
    eps: Radius | None = None,
    typos: NonNegativeInt = 2,
    tries: PositiveInt = 8,
    base: bool = True,
) -> Iterator[Finding]:
    """Gradient attacks on images and tables, typing mistakes in texts, on the first rows in canonical order.

    The robust accuracy is an upper bound: each broken row is a proof, an unbroken one is not. Whether it can be
    believed is tested mechanically, and a number that a model reaches by hiding its gradient is marked ``suspect``
    (Carlini et al. 2019, "On Evaluating Adversarial Robustness"). Attacks: Goodfellow et al. 2015 (one step), Madry et
    al. 2018 (many steps), Carlini and Wagner 2017 (margin loss), Pruthi et al. 2019 (typing mistakes).

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        steps: Steps of the gradient attack, and draws of random noise.
        eps: Largest change: of each value as a share of the input range (8/255 for images, 0.1 for tables), of each
            token's embedding in median lengths of an embedding for texts (1).
        typos: Most typing mistakes in one text.
        tries: Mistakes tried for each.
        base: Attack the base too.
    """
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    for of, subject in _subjects(case, base=base):
        sample = _sample(case, of, subject, rows)
        if sample is None:
            yield missing("clean_accuracy", "no data", f"The {of} has no answers to the test data.", of=of)
            continue
        yield measured("clean_accuracy", _share(sample.right), sample.data, of=of)
        found = _moved(sample, steps=steps, eps=eps)
        found += _typed(sample, edits=typos, tries=tries)
        for name, kept, finding in found:
            yield finding
            if kept is not None and isinstance(finding, Measurement):
                survivors[name, of] = kept, finding.trust
    yield from _beside_base(survivors, case.data["test"])


Found = list[tuple[str, Array | None, Finding]]
"""Name of a metric, the rows that are still right where the base may be compared, and the finding."""


def _subjects(case: Case, *, base: bool) -> Iterator[tuple[Of, Subject]]:
    if case.subject is not None:
        yield "candidate", case.subject
    if base and case.base is not None:
        yield "base", case.base


def _sample(case: Case, of: Of, subject: Subject, rows: int) -> Sample | None:
    """The first rows in canonical order: their order is that of a digest, so they are as good as drawn."""
    data, predictions = case.data["test"], case.predictions(of)
    if predictions is None:
        return None
    n = min(rows, len(data))
    labels = data.labels[:n]
    keys = [f"{case.seed}:adversarial:{digest!r}" for digest in data.row_digests[:n].tolist()]
    seeds = [int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big") for key in keys]
    right = predictions.labels[:n] == labels
    return Sample(case, data, of, subject, _rows(data.inputs, slice(0, n)), labels, seeds, right)


def _rows(inputs: Any, rows: slice) -> Any:
    return inputs.iloc[rows] if hasattr(inputs, "iloc") else inputs[rows]


def _share(right: Array) -> Any:
    return proportion(int(right.sum()), len(right))


def _moved(sample: Sample, *, steps: int, eps: float | None) -> Found:
    """The gradient attacks, each as a finding; a gap where they make no sense or cannot be made."""
    if sample.case.modality == "text":
        why = "A text is not continuous; typo_accuracy is measured in its place."
        return [_gap(sample, name, why) for name in CONTINUOUS] + _embedded(sample, steps=steps, eps=eps)
    if not isinstance(sample.subject, Differentiable):
        why = f"The {sample.of} gives answers only; this attack follows its gradient."
        return [_gap(sample, name, why) for name in CONTINUOUS]
    if not _radius_known(sample.case, sample.subject):
        why = "Images need a range: set subject.input_range: [low, high] in the audit file."
        return [_gap(sample, name, why) for name in CONTINUOUS]
    return _attacked(sample, sample.subject, steps=steps, eps=eps)


def _gap(sample: Sample, name: str, why: str) -> tuple[str, None, Gap]:
    return name, None, missing(name, "unsupported", why, data=sample.data, of=sample.of)


def _radius_known(case: Case, subject: Subject) -> bool:
    if not isinstance(subject, Differentiable):
        return False
    return case.modality == "table" or subject.input_range is not None


def _attacked(sample: Sample, subject: Differentiable, *, steps: int, eps: float | None) -> Found:
    outcome = battery(subject.logits, _batches(sample, subject), _balls(sample, subject, eps), steps=steps)
    sample.case.passes.backward += outcome.backward
    reasons = list(doubts(outcome))
    if int((outcome.clean.numpy() != sample.right).sum()) > max(1, 0.01 * len(sample)):
        reasons.append("the model that gives gradients answers otherwise than the model that is audited")
    trust: Trust = "suspect" if reasons else "trusted" if outcome.clean.any() else "not evaluated"
    passes = {"forward": outcome.forward, "backward": outcome.backward}
    found: Found = []
    for name, kept in zip(CONTINUOUS, (outcome.fgsm, outcome.pgd, outcome.noise), strict=True):
        right = kept.numpy()
        where = {"of": sample.of, "trust": trust, "passes": passes if name == "pgd_accuracy" else None}
        found.append((name, right, measured(name, _share(right), sample.data, **where)))
    text = "; ".join(reasons) or "none"
    n = len(sample)
    reason = Measurement(name="trust_reason", value=text, n=n, of=sample.of, data=sample.data.ref)
    return [*found, ("trust_reason", None, reason)]


def _batches(sample: Sample, subject: Differentiable) -> Iterator[tuple[dict[str, Any], Any, list[int]]]:
    import torch

    labels = sample.own_labels
    for start in range(0, len(sample), BATCH):
        rows = slice(start, start + BATCH)
        batch = subject.encode(_rows(sample.inputs, rows))
        yield batch, torch.as_tensor(labels[rows], device=batch["x"].device), sample.seeds[rows]


def _balls(sample: Sample, subject: Differentiable, eps: float | None) -> Balls:
    """The declared radius, one of 1/255 of the range for probing, and one that must break any model.

    That one is half the range for images. For tables it is all of it: half of it brings features of 0 and 1 no further
    than the middle, where an honest model may still stand.
    The range of a table is that of each column over all test rows, where the subject names none.
    """
    import torch

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
    width = high - low
    radius = (0.1 if table else 8 / 255) if eps is None else eps
    whole = Ball("linf", width, low, high, grid=None if table else float(width) / 255)
    far = max(1.0 if table else 0.5, radius)
    return Balls(declared=whole.scaled(radius), small=whole.scaled(1 / 255), far=whole.scaled(far))


def _embedded(sample: Sample, *, steps: int, eps: float | None) -> Found:
    """Projected gradient descent on the embeddings of the tokens; a diagnosis, for no text need lie there."""
    name = "embedding_pgd_accuracy"
    if not isinstance(sample.subject, Differentiable):
        return [_gap(sample, name, f"The {sample.of} gives answers only; this attack follows its gradient.")]
    kept = sample.right.copy()
    forward = backward = 0
    for start, (batch, labels, _) in zip(range(0, len(sample), BATCH), _batches(sample, sample.subject), strict=True):
        right = kept[start : start + BATCH]
        rows = right.nonzero()[0]
        if len(rows):
            ball = Ball("token_l2", (1.0 if eps is None else eps) * _token_length(batch))
            result = pgd(sample.subject.logits, take(batch, rows), labels[rows], ball, steps=steps)
            right[rows] = ~result.broken.cpu().numpy()
            forward, backward = forward + result.forward, backward + result.backward
    sample.case.passes.backward += backward
    passes = {"forward": forward, "backward": backward}
    where: dict[str, Any] = {"of": sample.of, "trust": "not evaluated", "passes": passes}
    return [(name, kept, measured(name, _share(kept), sample.data, **where))]


def _token_length(batch: dict[str, Any]) -> float:
    """Median length of the embeddings of the tokens that are no padding."""
    lengths = batch["x"].detach().float().norm(dim=-1)
    mask = batch.get("attention_mask")
    return float((lengths if mask is None else lengths[mask.bool()]).median())


def _typed(sample: Sample, *, edits: int, tries: int) -> Found:
    if sample.case.modality != "text":
        return [_gap(sample, name, "Typing mistakes need texts.") for name in TYPED]
    rows = sample.right.nonzero()[0]
    texts, labels = [sample.inputs[row] for row in rows], [int(sample.own_labels[row]) for row in rows]
    seed = sample.case.seed
    result = mistype(sample.subject.predict, texts, labels, edits=edits, tries=tries, seed=seed)
    kept = sample.right.copy()
    kept[rows] = [not broken for broken in result.broken]
    where: dict[str, Any] = {"of": sample.of, "passes": {"forward": result.forward, "backward": 0}}
    drop = paired_difference(int(sample.right.sum() - kept.sum()), 0, len(kept))
    return [
        ("typo_accuracy", kept, measured("typo_accuracy", _share(kept), sample.data, **where)),
        ("typo_accuracy_drop", None, measured("typo_accuracy_drop", drop, sample.data, of=sample.of)),
    ]


def _beside_base(survivors: dict[tuple[str, Of], tuple[Array, Trust | None]], data: Dataset) -> Iterator[Finding]:
    """Candidate minus base on the same rows; the difference is no more to be trusted than either of the two."""
    order: tuple[Trust | None, ...] = (None, "trusted", "not evaluated", "suspect")
    for (name, of), (kept, trust) in survivors.items():
        if of == "candidate" and (name, "base") in survivors:
            other, its_trust = survivors[name, "base"]
            estimate = paired_difference(int((kept & ~other).sum()), int((~kept & other).sum()), len(kept))
            worst = max(trust, its_trust, key=order.index)
            yield measured(name, estimate, data, compared_with="base", trust=worst)
