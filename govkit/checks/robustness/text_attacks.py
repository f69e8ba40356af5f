"""Attacks on texts: does the answer survive what a reader overlooks?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveInt

from govkit.attacks import Ball, pgd, take
from govkit.attacks import typos as mistype
from govkit.checks._attacked import BATCH, Found, Sample, batches_of, beside_base, gap, sample_of, share, subjects_of
from govkit.checks._shared import measured, missing
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.stats import paired_difference

TYPED = ("typo_accuracy", "typo_accuracy_drop")


Radius = Annotated[float, Field(ge=0)]


def _extra(
    case: Case,
    *,
    rows: int,
    steps: int,
    eps: float,  # noqa: ARG001 - the radius costs nothing
    typos: int,
    tries: int,
    base: bool,
) -> Passes:
    """Most passes: what breaks early costs less."""
    n = min(rows, len(case.data["test"]))
    total = Passes()
    for _, subject in subjects_of(case, base=base) if case.modality == "text" else ():
        total += Passes(forward=n * typos * tries)
        if isinstance(subject, Differentiable):
            total += Passes(forward=n * (steps + 1), backward=n * steps)
    return total


@check(
    "text_attacks",
    crosswalk="check.adversarial",
    needs={"inputs"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics={
        "clean_accuracy": Metric("Accuracy on the attacked rows without an attack.", better="higher", low=0, high=1),
        "typo_accuracy": Metric("Accuracy after the worst typing mistakes found.", better="higher", low=0, high=1),
        "typo_accuracy_drop": Metric("Clean accuracy minus typo accuracy.", better="lower", low=0, high=1),
        "embedding_pgd_accuracy": Metric(
            "Accuracy when the embeddings of a text are moved; no text need have them, so it is for diagnosis only.",
            better="higher",
            low=0,
            high=1,
        ),
    },
)
def text_attacks(
    case: Case,
    *,
    rows: PositiveInt = 64,
    steps: PositiveInt = 10,
    eps: Radius = 1.0,
    typos: NonNegativeInt = 2,
    tries: PositiveInt = 8,
    base: bool = True,
) -> Iterator[Finding]:
    """Typing mistakes, on the first rows in canonical order (Pruthi et al. 2019).

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        steps: Steps of projected gradient descent on the embeddings.
        eps: How far each token's embedding may move, in median lengths of an embedding.
        typos: Most typing mistakes in one text.
        tries: Mistakes tried for each.
        base: Attack the base too.
    """
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    for of, subject in subjects_of(case, base=base):
        sample = sample_of(case, of, subject, rows)
        if sample is None:
            yield missing("clean_accuracy", "no data", f"The {of} has no answers to the test data.", of=of)
            continue
        yield measured("clean_accuracy", share(sample.right), sample.data, of=of)
        if case.modality != "text":
            for name in (*TYPED, "embedding_pgd_accuracy"):
                yield gap(sample, name, "Typing mistakes need texts; the check adversarial attacks images and tables.")[
                    2
                ]
            continue
        for name, kept, finding in _typed(sample, edits=typos, tries=tries) + _embedded(sample, steps=steps, eps=eps):
            yield finding
            if kept is not None and isinstance(finding, Measurement):
                survivors[name, of] = kept, finding.trust
    yield from beside_base(survivors, case.data["test"])


def _embedded(sample: Sample, *, steps: int, eps: float) -> Found:
    """Projected gradient descent on the embeddings of the tokens; a diagnosis, for no text need lie there."""
    name = "embedding_pgd_accuracy"
    if not isinstance(sample.subject, Differentiable):
        return [gap(sample, name, f"The {sample.of} gives answers only; this attack follows its gradient.")]
    kept = sample.right.copy()
    forward = backward = 0
    for start, (batch, labels, _) in zip(range(0, len(sample), BATCH), batches_of(sample, sample.subject), strict=True):
        right = kept[start : start + BATCH]
        rows = right.nonzero()[0]
        if len(rows):
            ball = Ball("token_l2", eps * _token_length(batch))
            result = pgd(sample.subject.logits, take(batch, rows), labels[rows], ball, steps=steps)
            right[rows] = ~result.broken.cpu().numpy()
            forward, backward = forward + result.forward, backward + result.backward
    sample.case.passes.backward += backward
    passes = {"forward": forward, "backward": backward}
    where: dict[str, Any] = {"of": sample.of, "trust": "not evaluated", "passes": passes}
    return [(name, kept, measured(name, share(kept), sample.data, **where))]


def _token_length(batch: dict[str, Any]) -> float:
    """Median length of the embeddings of the tokens that are no padding."""
    lengths = batch["x"].detach().float().norm(dim=-1)
    mask = batch.get("attention_mask")
    return float((lengths if mask is None else lengths[mask.bool()]).median())


def _typed(sample: Sample, *, edits: int, tries: int) -> Found:
    rows = sample.right.nonzero()[0]
    texts, labels = [sample.inputs[row] for row in rows], [int(sample.own_labels[row]) for row in rows]
    seed = sample.case.seed
    result = mistype(sample.subject.predict, texts, labels, edits=edits, tries=tries, seed=seed)
    kept = sample.right.copy()
    kept[rows] = [not broken for broken in result.broken]
    where: dict[str, Any] = {"of": sample.of, "passes": {"forward": result.forward, "backward": 0}}
    drop = paired_difference(int(sample.right.sum() - kept.sum()), 0, len(kept))
    return [
        ("typo_accuracy", kept, measured("typo_accuracy", share(kept), sample.data, **where)),
        ("typo_accuracy_drop", None, measured("typo_accuracy_drop", drop, sample.data, of=sample.of)),
    ]
