"""Adversarial inputs: does the answer survive small changes that are made to break it?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from govkit.attacks import TIERS, Ball, Balls, TierName, battery, by_scores, doubts, most_passes, pgd, take
from govkit.attacks import typos as mistype
from govkit.checks._by_scores import ByScores
from govkit.checks._shared import measured, missing
from govkit.core import Case, Dataset, Finding, Gap, Measurement, Metric, Of, Passes, Subject, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.errors import SubjectError
from govkit.stats import paired_difference, proportion

CONTINUOUS = ("fgsm_accuracy", "pgd_accuracy", "robust_accuracy", "random_accuracy")
GRADIENT = CONTINUOUS[:2]
"""Those that need the gradient."""
TYPED = ("typo_accuracy", "typo_accuracy_drop")
BATCH = 32
"""Rows attacked together."""

Radius = Annotated[float, Field(ge=0)]
Norm = Literal["linf", "l2"]


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
    tier: TierName,
    norm: Norm,  # noqa: ARG001 - Square is left out in L2, which costs less
) -> Passes:
    """Most passes: what breaks early costs less."""
    n = min(rows, len(case.data["test"]))
    total = Passes()
    for _, subject in _subjects(case, base=base):
        if case.modality == "text":
            total += Passes(forward=n * typos * tries)
            if isinstance(subject, Differentiable):
                total += Passes(forward=n * (steps + 1), backward=n * steps)
        elif isinstance(subject, Differentiable):
            forward, backward = most_passes(steps, tier=TIERS[tier], classes=len(case.classes))
            total += Passes(forward=n * forward, backward=n * backward)
        elif TIERS[tier].queries:
            total += Passes(forward=n * (2 + steps + TIERS[tier].queries))
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
        "robust_accuracy": Metric(
            "Accuracy after the worst that any attack of the tier found for each row.", better="higher", low=0, high=1
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
    tier: TierName = "smoke",
    norm: Norm = "linf",
) -> Iterator[Finding]:
    """Gradient attacks on images and tables, typing mistakes in texts, on the first rows in canonical order.

    A model that only answers is asked for scores by the tiers ``gate`` and ``audit``.

    The robust accuracy is an upper bound: each broken row is a proof, an unbroken one is not. Whether it can be
    believed is tested mechanically, and a number that a model reaches by hiding its gradient is marked ``suspect``
    (Carlini et al. 2019, "On Evaluating Adversarial Robustness"). Attacks: Goodfellow et al. 2015 (one step), Madry et
    al. 2018 (many steps), Carlini and Wagner 2017 (margin loss), Croce and Hein 2020 (steps of their own length, toward
    classes), Andriushchenko et al. 2020 (scores alone), Pruthi et al. 2019 (typing mistakes).

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        steps: Steps of the gradient attack, and draws of random noise.
        eps: Largest change: of each value as a share of the input range (8/255 for images, 0.1 for tables), of each
            token's embedding in median lengths of an embedding for texts (1).
        typos: Most typing mistakes in one text.
        tries: Mistakes tried for each.
        base: Attack the base too.
        tier: How hard to try. Beyond the one step and the many, ``gate`` takes 25 steps of APGD on the margin and
            toward 3 classes and asks 100 questions by Square, ``audit`` takes 100 toward 9 and asks 1,000.
        norm: How a change of an image is measured: the largest of its values, or in ``l2`` the root of the sum of
            squares (0.5 of the range if ``eps`` is not given).
    """
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    for of, subject in _subjects(case, base=base):
        sample = _sample(case, of, subject, rows)
        if sample is None:
            yield missing("clean_accuracy", "no data", f"The {of} has no answers to the test data.", of=of)
            continue
        yield measured("clean_accuracy", _share(sample.right), sample.data, of=of)
        found = _moved(sample, Trial(steps, eps, tier, norm))
        found += _typed(sample, edits=typos, tries=tries)
        for name, kept, finding in found:
            yield finding
            if kept is not None and isinstance(finding, Measurement):
                survivors[name, of] = kept, finding.trust
    yield from _beside_base(survivors, case.data["test"])


@dataclass(frozen=True)
class Trial:
    """How the continuous attacks try; see ``adversarial``."""

    steps: int
    eps: float | None
    tier: TierName
    norm: Norm


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


def _moved(sample: Sample, trial: Trial) -> Found:
    """The continuous attacks, each as a finding; a gap where they make no sense or cannot be made."""
    if sample.case.modality == "text":
        why = "A text is not continuous; typo_accuracy is measured in its place."
        embedded = _embedded(sample, steps=trial.steps, eps=trial.eps)
        return [_gap(sample, name, why) for name in CONTINUOUS] + embedded
    subject, closed = sample.subject, f"The {sample.of} gives answers only; this attack follows its gradient."
    if not isinstance(subject, Differentiable) and not TIERS[trial.tier].queries:
        return [_gap(sample, name, closed + " The tiers gate and audit ask for scores.") for name in CONTINUOUS]
    asked = subject if isinstance(subject, Differentiable) else ByScores(subject, sample.data.inputs)
    unmeasurable = _unmeasurable(sample, asked, trial)
    if unmeasurable is not None:
        return [_gap(sample, name, unmeasurable) for name in CONTINUOUS]
    gaps = [_gap(sample, name, closed) for name in GRADIENT] if isinstance(asked, ByScores) else []
    return [*gaps, *_attacked(sample, asked, trial)]


def _unmeasurable(sample: Sample, asked: Differentiable | ByScores, trial: Trial) -> str | None:
    """Why no change of the inputs has a size, if none has."""
    if sample.case.modality == "table":
        if trial.norm == "l2":
            return "The columns of a table have units of their own; a change of it is measured in linf."
        if isinstance(asked, ByScores) and not asked.numeric:
            return "Some values of the table are missing or no numbers."
        return None
    if asked.input_range is None:
        return "Images need a range: set subject.input_range: [low, high] in the audit file."
    if isinstance(asked, ByScores) and trial.norm == "l2":
        return "The attack that asks for scores measures a change in linf."
    return None


def _gap(sample: Sample, name: str, why: str) -> tuple[str, None, Gap]:
    return name, None, missing(name, "unsupported", why, data=sample.data, of=sample.of)


def _attacked(sample: Sample, asked: Differentiable | ByScores, trial: Trial) -> Found:
    balls, tier, steps = _balls(sample, asked, trial), TIERS[trial.tier], trial.steps
    closed = isinstance(asked, ByScores)
    if closed:
        outcome = by_scores(asked.logits, _batches(sample, asked), balls.declared, draws=steps, queries=tier.queries)
    else:
        outcome = battery(asked.logits, _batches(sample, asked), balls, steps=steps, tier=tier)
    sample.case.passes.backward += outcome.backward
    reasons = list(doubts(outcome))
    if int((outcome.clean.numpy() != sample.right).sum()) > max(1, 0.01 * len(sample)):
        reasons.append("the model that is attacked answers otherwise than the model that is audited")
    unknown = closed or not outcome.clean.any()
    trust: Trust = "suspect" if reasons else "not evaluated" if unknown else "trusted"
    if closed and not reasons:
        reasons.append("only scores were asked for; who has the weights may break more")
    passes = {"forward": outcome.forward, "backward": outcome.backward}
    found: Found = []
    stands = (outcome.fgsm, outcome.pgd, outcome.worst, outcome.noise)
    for name, kept in zip(CONTINUOUS, stands, strict=True):
        if closed and name in GRADIENT:
            continue
        right = kept.numpy()
        counted = passes if name == ("robust_accuracy" if closed else "pgd_accuracy") else None
        where = {"of": sample.of, "trust": trust, "passes": counted}
        found.append((name, right, measured(name, _share(right), sample.data, **where)))
    text = "; ".join(reasons) or "none"
    n = len(sample)
    reason = Measurement(name="trust_reason", value=text, n=n, of=sample.of, data=sample.data.ref)
    return [*found, ("trust_reason", None, reason)]


def _batches(sample: Sample, subject: Differentiable | ByScores) -> Iterator[tuple[dict[str, Any], Any, list[int]]]:
    import torch

    labels = sample.own_labels
    for start in range(0, len(sample), BATCH):
        rows = slice(start, start + BATCH)
        batch = subject.encode(_rows(sample.inputs, rows))
        yield batch, torch.as_tensor(labels[rows], device=batch["x"].device), sample.seeds[rows]


def _balls(sample: Sample, subject: Differentiable | ByScores, trial: Trial) -> Balls:
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
    usual = 0.1 if table else 8 / 255 if trial.norm == "linf" else 0.5
    radius = usual if trial.eps is None else trial.eps
    whole = Ball("linf", width, low, high, grid=None if table else float(width) / 255)
    far = max(1.0 if table else 0.5, radius)
    # No value moves by more than the radius in L2, so that the far ball holds the declared one in both norms.
    declared = replace(whole, norm=trial.norm).scaled(radius)
    return Balls(declared=declared, small=whole.scaled(1 / 255), far=whole.scaled(far))


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
