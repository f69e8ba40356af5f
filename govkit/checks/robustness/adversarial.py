"""Adversarial inputs: does the answer survive small changes that are made to break it?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from govkit.attacks import TIERS, Outcome, TierName, most_passes
from govkit.checks._attacked import Radius, Sample, beside_base, declared_radius, gap, sample_of, share, subjects_of
from govkit.checks._by_scores import ByScores
from govkit.checks._continuous import Asked, Norm, Trial, attacked, judged, lends, planned_looks, teaches, unmeasurable
from govkit.checks._shared import measured, missing
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, Subject, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust

CONTINUOUS = ("fgsm_accuracy", "pgd_accuracy", "robust_accuracy", "random_accuracy")
GRADIENT = CONTINUOUS[:2]
"""Those that need the gradient."""

Limit = Annotated[float, Field(ge=0, le=1)]
Found = list[tuple[Array | None, Finding]]
"""The rows that are still right where the base may be compared, and the finding."""


def _extra(case: Case, *, rows: int, steps: int, base: bool, tier: TierName, **_: Any) -> Passes:
    """Most passes: what breaks early costs less. Those of a twin, a network of our own, are none of the model's."""
    n = min(rows, len(case.data["test"]))
    total = Passes()
    lenders = bool(TIERS[tier].queries)
    for of, subject in subjects_of(case, base=base) if case.modality != "text" else ():
        if isinstance(subject, Differentiable):
            counted, free = lenders and of == "candidate" and lends(case.base), lenders and teaches(case)
            forward, backward = most_passes(
                steps, tier=TIERS[tier], classes=len(case.classes), counted=counted, free=free
            )
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
        "clean_accuracy": Metric.share("Accuracy on the attacked rows without an attack.", better="higher"),
        "fgsm_accuracy": Metric.share("Accuracy after one step along the gradient.", better="higher"),
        "pgd_accuracy": Metric.share(
            "Accuracy after many steps along the gradient of two losses, the worst case of both.", better="higher"
        ),
        "robust_accuracy": Metric.share(
            "Accuracy after the worst that any attack of the tier found for each row.", better="higher"
        ),
        "random_accuracy": Metric.share("Accuracy under random noise of the same size.", better="higher"),
        "trust_reason": Metric("Why the numbers of the attacks are not to be believed, or not yet, or 'none'."),
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
    limit: Limit | None = None,
) -> Iterator[Finding]:
    """Attacks on images and tables, on the first rows in canonical order.

    A model that only answers is asked for scores by the tiers ``gate`` and ``audit``, and one that tells its choice
    alone for that (Chen and Gu 2020).

    The robust accuracy is an upper bound: each broken row is a proof, an unbroken one is not. Whether it can be
    believed is tested mechanically: a number that a model reaches by hiding its gradient is ``suspect`` (Carlini et al.
    2019, "On Evaluating Adversarial Robustness"), and ``trusted`` is only what withstood an attack without the gradient
    too, which ``smoke`` does not try. Attacks: Goodfellow et al. 2015 (one step), Madry et al. 2018 (many steps),
    Carlini and Wagner 2017 (margin loss), Croce and Hein 2020 (steps of their own length, toward classes),
    Andriushchenko et al. 2020 (scores alone), Papernot et al. 2016 (inputs that break the base, or a network of our own
    that is trained on the training data).

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
        limit: Attack no more rows than show on which side of it the candidate's robust accuracy lies, with an error of
            5 % a side. It is looked at after 50, 100, 200, 500, 1,000 ... rows and after ``rows``; all bounds are
            corrected for these looks, and ``n`` says how many rows were attacked.

    Raises:
        UsageError: ``eps`` is more than the whole range.
    """
    declared_radius("adversarial", eps, norm)
    if case.modality == "text":
        why = "A text is not continuous; the check text_attacks tries what can be typed."
        yield from (missing(name, "unsupported", why, data=case.data["test"]) for name in CONTINUOUS)
        return
    survivors: dict[tuple[str, Of], tuple[Array, Trust | None]] = {}
    trial = Trial(steps, eps, tier, norm, limit)
    looks: tuple[int, ...] = ()
    for of, subject in subjects_of(case, base=base):
        sample = sample_of(case, of, subject, rows)
        if sample is None or not len(sample):
            yield missing("clean_accuracy", "no data", f"There are no answers of the {of} to test data.", of=of)
            continue
        looks = looks or planned_looks(len(sample), limit)
        sample, found = _tried(sample, trial, looks, case.base if of == "candidate" else None)
        yield measured("clean_accuracy", share(sample.right, looks=len(looks)), sample.data, of=of)
        for kept, finding in found:
            yield finding
            if kept is not None and isinstance(finding, Measurement):
                survivors[finding.name, of] = kept, finding.trust
        # The base is attacked on the same rows, whatever stopped the candidate there.
        rows, trial = len(sample), replace(trial, limit=None)
    yield from beside_base(survivors, case.data["test"], looks=len(looks))


def _tried(sample: Sample, trial: Trial, looks: tuple[int, ...], base: Subject | None) -> tuple[Sample, Found]:
    """The rows that were attacked, and the continuous attacks on them, each a finding or a gap."""
    subject, closed = sample.subject, f"The {sample.of} gives answers only; this attack follows its gradient."
    if not isinstance(subject, Differentiable) and not TIERS[trial.tier].queries:
        closed += " The tiers gate and audit ask for scores."
        return sample, [(None, gap(sample, name, closed)) for name in CONTINUOUS]
    asked = subject if isinstance(subject, Differentiable) else ByScores(subject, sample.data.inputs)
    why = unmeasurable(sample, asked, trial)
    if why is not None:
        return sample, [(None, gap(sample, name, why)) for name in CONTINUOUS]
    outcome = attacked(sample, asked, trial, base=base, looks=looks)
    sample = sample.first(len(outcome.clean))
    gaps = [(None, gap(sample, name, closed)) for name in GRADIENT] if isinstance(asked, ByScores) else []
    return sample, [*gaps, *_found(sample, asked, outcome, len(looks))]


def _found(sample: Sample, asked: Asked, outcome: Outcome, looks: int) -> Found:
    """What stands after each attack, with its passes, and why to believe it or not."""
    trust, reason = judged(sample, asked, outcome)
    closed = isinstance(asked, ByScores)
    found: Found = []
    for name, kept in zip(CONTINUOUS, (outcome.fgsm, outcome.pgd, outcome.worst, outcome.noise), strict=True):
        if closed and name in GRADIENT:
            continue
        counted = {"forward": outcome.forward, "backward": outcome.backward}
        passes = counted if name == ("robust_accuracy" if closed else "pgd_accuracy") else None
        right = kept.numpy()
        estimate = share(right, looks=looks)
        found.append((right, measured(name, estimate, sample.data, of=sample.of, trust=trust, passes=passes)))
    words = Measurement(name="trust_reason", value=reason, n=len(sample), of=sample.of, data=sample.data.ref)
    return [*found, (None, words)]
