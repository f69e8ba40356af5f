"""Adversarial inputs: does the answer survive small changes that are made to break it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from govkit.attacks import TIERS, Ball, Balls, TierName, battery, by_scores, doubts, most_passes
from govkit.checks._attacked import Found, Sample, batches_of, beside_base, gap, sample_of, share, subjects_of
from govkit.checks._by_scores import ByScores
from govkit.checks._shared import measured, missing
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.errors import SubjectError

CONTINUOUS = ("fgsm_accuracy", "pgd_accuracy", "robust_accuracy", "random_accuracy")
GRADIENT = CONTINUOUS[:2]
"""Those that need the gradient."""

Radius = Annotated[float, Field(ge=0)]
Norm = Literal["linf", "l2"]


def _extra(
    case: Case,
    *,
    rows: int,
    steps: int,
    eps: float | None,  # noqa: ARG001 - the radius costs nothing
    base: bool,
    tier: TierName,
    norm: Norm,  # noqa: ARG001 - Square is left out in L2, which costs less
) -> Passes:
    """Most passes: what breaks early costs less."""
    n = min(rows, len(case.data["test"]))
    total = Passes()
    for _, subject in subjects_of(case, base=base):
        if case.modality == "text":
            continue
        if isinstance(subject, Differentiable):
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
        "trust_reason": Metric("Why the numbers of the gradient attacks are not to be believed, or 'none'."),
    },
)
def adversarial(
    case: Case,
    *,
    rows: PositiveInt = 64,
    steps: PositiveInt = 10,
    eps: Radius | None = None,
    base: bool = True,
    tier: TierName = "smoke",
    norm: Norm = "linf",
) -> Iterator[Finding]:
    """Attacks on images and tables, on the first rows in canonical order.

    A model that only answers is asked for scores by the tiers ``gate`` and ``audit``.

    The robust accuracy is an upper bound: each broken row is a proof, an unbroken one is not. Whether it can be
    believed is tested mechanically, and a number that a model reaches by hiding its gradient is marked ``suspect``
    (Carlini et al. 2019, "On Evaluating Adversarial Robustness"). Attacks: Goodfellow et al. 2015 (one step), Madry et
    al. 2018 (many steps), Carlini and Wagner 2017 (margin loss), Croce and Hein 2020 (steps of their own length, toward
    classes), Andriushchenko et al. 2020 (scores alone).

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        steps: Steps of the gradient attack, and draws of random noise.
        eps: Largest change of each value, as a share of the input range (8/255 for images, 0.1 for tables).
        base: Attack the base too.
        tier: How hard to try. Beyond the one step and the many, ``gate`` takes 25 steps of APGD on the margin and
            toward 3 classes and asks 100 questions by Square, ``audit`` takes 100 toward 9 and asks 1,000.
        norm: How a change of an image is measured: the largest of its values, or in ``l2`` the root of the sum of
            squares (0.5 of the range if ``eps`` is not given).
    """
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    for of, subject in subjects_of(case, base=base):
        sample = sample_of(case, of, subject, rows)
        if sample is None:
            yield missing("clean_accuracy", "no data", f"The {of} has no answers to the test data.", of=of)
            continue
        yield measured("clean_accuracy", share(sample.right), sample.data, of=of)
        for name, kept, finding in _moved(sample, Trial(steps, eps, tier, norm)):
            yield finding
            if kept is not None and isinstance(finding, Measurement):
                survivors[name, of] = kept, finding.trust
    yield from beside_base(survivors, case.data["test"])


@dataclass(frozen=True)
class Trial:
    """How the continuous attacks try; see ``adversarial``."""

    steps: int
    eps: float | None
    tier: TierName
    norm: Norm


def _moved(sample: Sample, trial: Trial) -> Found:
    """The continuous attacks, each as a finding; a gap where they make no sense or cannot be made."""
    if sample.case.modality == "text":
        why = "A text is not continuous; the check text_attacks tries what can be typed."
        return [gap(sample, name, why) for name in CONTINUOUS]
    subject, closed = sample.subject, f"The {sample.of} gives answers only; this attack follows its gradient."
    if not isinstance(subject, Differentiable) and not TIERS[trial.tier].queries:
        return [gap(sample, name, closed + " The tiers gate and audit ask for scores.") for name in CONTINUOUS]
    asked = subject if isinstance(subject, Differentiable) else ByScores(subject, sample.data.inputs)
    unmeasurable = _unmeasurable(sample, asked, trial)
    if unmeasurable is not None:
        return [gap(sample, name, unmeasurable) for name in CONTINUOUS]
    gaps = [gap(sample, name, closed) for name in GRADIENT] if isinstance(asked, ByScores) else []
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


def _attacked(sample: Sample, asked: Differentiable | ByScores, trial: Trial) -> Found:
    balls, tier, steps = _balls(sample, asked, trial), TIERS[trial.tier], trial.steps
    closed = isinstance(asked, ByScores)
    if closed:
        outcome = by_scores(asked.logits, batches_of(sample, asked), balls.declared, draws=steps, queries=tier.queries)
    else:
        outcome = battery(asked.logits, batches_of(sample, asked), balls, steps=steps, tier=tier)
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
        found.append((name, right, measured(name, share(right), sample.data, **where)))
    text = "; ".join(reasons) or "none"
    n = len(sample)
    reason = Measurement(name="trust_reason", value=text, n=n, of=sample.of, data=sample.data.ref)
    return [*found, ("trust_reason", None, reason)]


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
