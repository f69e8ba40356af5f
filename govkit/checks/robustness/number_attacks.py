"""Attacks on a model that answers with a number: how far can a small change pull it from the truth?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import PositiveInt

from govkit import stats
from govkit.attacks import TIERS, Pulled, TierName, most_pulls, pull, unknowns
from govkit.checks._attacked import Radius, Sample, batches_of, declared_radius, sample_of, subjects_of
from govkit.checks._continuous import Norm, Trial, balls_of, unmeasurable, verdict
from govkit.checks._means import TOO_FEW, Ends, bounded
from govkit.checks._shared import measured, missing
from govkit.core import Case, Finding, Measurement, Metric, Of, Passes, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.lazy import np

UNIT = "units of the label"
RANGE = "A limit on it needs columns.range in the audit file, with every truth and answer inside, attacked ones too."
ERRORS = ("clean_error", "attacked_error", "attacked_error_increase", "noise_error_increase")


def _extra(case: Case, *, rows: int, steps: int, base: bool, tier: TierName, **_free: Any) -> Passes:
    """All passes: nothing breaks, so nothing ends early."""
    n, total = min(rows, len(case.data["test"])), Passes()
    forward, backward = most_pulls(steps, tier=TIERS[tier])
    for _of, subject in subjects_of(case, base=base) if case.modality != "text" else ():
        if isinstance(subject, Differentiable):
            total += Passes(forward=n * forward, backward=n * backward)
    return total


@check(
    "number_attacks",
    crosswalk="check.adversarial",
    needs={"inputs"},
    tasks={"regression"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics={
        "clean_error": Metric(
            f"Mean absolute error on the attacked rows without an attack. {RANGE}", better="lower", unit=UNIT, low=0
        ),
        "attacked_error": Metric(
            f"Mean absolute error after the worst that any attack of the tier found for each row. {RANGE}",
            better="lower", unit=UNIT, low=0,
        ),
        "attacked_error_increase": Metric(
            f"That less the mean absolute error without an attack. {RANGE}", better="lower", unit=UNIT, low=0
        ),
        "noise_error_increase": Metric(
            f"Mean absolute error under the worst of random noise of the same size, less that without. {RANGE}",
            better="lower", unit=UNIT, low=0,
        ),
        "trust_reason": Metric("Why the numbers of the attacks are not to be believed, or not yet, or 'none'."),
    },
)  # fmt: skip
def number_attacks(
    case: Case,
    *,
    rows: PositiveInt = 64,
    steps: PositiveInt = 10,
    eps: Radius | None = None,
    base: bool = True,
    tier: TierName = "smoke",
    norm: Norm = "linf",
) -> Iterator[Finding]:
    """Attacks on the number that a model of images or tables answers, on the first rows in canonical order.

    Each number is moved up and down along its gradient, and what ends farther from the truth counts. The error is a
    lower bound: each attacked input is a proof, and a worse one may exist. It is believed for the same reasons as a
    robust accuracy, see the check ``adversarial``; where those speak of a row that breaks, its number was moved
    farther. Left out is what has no meaning for a number, the saturated cross-entropy, and what was made on another
    model.

    Args:
        case: The candidate, and the base beside it.
        rows: Rows to attack.
        steps: Steps of the gradient attack each way, and draws of random noise.
        eps: Largest change of each value, as a share of the input range (8/255 for images, 0.1 for tables).
        base: Attack the base too.
        tier: How hard to try. ``gate`` goes 25 steps more from a random start and asks 100 questions by Square each
            way, ``audit`` 100 and 1,000.
        norm: How a change of an image is measured: ``linf`` or ``l2``, as in the check ``adversarial``.

    Raises:
        UsageError: ``eps`` is more than the whole range.
    """
    declared_radius("number_attacks", eps, norm)
    trial, data = Trial(steps, eps, tier, norm, None), case.data["test"]
    kept: dict[Of, tuple[Array, Trust, Ends]] = {}
    for of, subject in subjects_of(case, base=base):
        sample, said = sample_of(case, of, subject, rows), case.predictions(of)
        if sample is None or said is None:
            yield missing("*", "no data", f"There are no answers of the {of} to test data.", data=data, of=of)
            continue
        why = _closed(sample, trial)
        if why is not None or not isinstance(subject, Differentiable):
            yield from (missing(name, "unsupported", str(why), data=data, of=of) for name in ERRORS)
            continue
        found = pull(
            subject.logits, batches_of(sample, subject), balls_of(sample, subject, trial), steps=steps, tier=TIERS[tier]
        )
        case.passes.backward += found.outcome.backward
        trust, reason = _judged(said.labels[: len(sample)], found)
        ends = _ends(case, found)
        yield from _errors(sample, found, trust, ends)
        yield Measurement(name="trust_reason", value=reason, n=len(sample), of=of, data=data.ref)
        kept[of] = (found.worst - found.truth).abs().numpy(), trust, ends
    yield from _beside(case, kept)


def _closed(sample: Sample, trial: Trial) -> str | None:
    """Why this model cannot be attacked, if it cannot."""
    if sample.case.modality == "text":
        return "A text is not continuous, and the attacks of text_attacks ask for classes."
    if not isinstance(sample.subject, Differentiable):
        return f"The {sample.of} gives answers only; these attacks follow its gradient."
    if len(sample) < 2:
        return TOO_FEW
    return unmeasurable(sample, sample.subject, trial)


def _judged(said: Array, found: Pulled) -> tuple[Trust, str]:
    """Whether to believe the errors of a model that ``said`` these numbers when it was audited, and why not."""
    otherwise = abs(found.number.numpy() - said) > 1e-4 * max(abs(said).max(), 1e-12)
    return verdict(found.outcome, int(otherwise.sum()), unknowns(replace(found.outcome, strong=found.settled)))


def _ends(case: Case, found: Pulled) -> Ends:
    """Smallest and largest error, where the range is declared and holds every truth and answer."""
    declared = case.column.get("range")
    if declared is None:
        return None
    low, high = map(float, declared)
    numbers = (found.truth, found.number, found.noise, found.worst)
    return (0.0, high - low) if all(low <= each.min() and each.max() <= high for each in numbers) else None


def _errors(sample: Sample, found: Pulled, trust: Trust, ends: Ends) -> Iterator[Finding]:
    """The mean errors, or gaps where an attacked answer is no number."""
    data, of = sample.data, sample.of
    clean, worst, noise = ((each - found.truth).abs().numpy() for each in (found.number, found.worst, found.noise))
    samples = {"clean_error": (clean,), "noise_error_increase": (noise, clean)}
    samples |= {"attacked_error": (worst,), "attacked_error_increase": (worst, clean)}
    for name, values in samples.items():
        if not all(map(_finite, values)):
            detail = "The model answers some attacked inputs with what is no finite number."
            yield missing(name, "unsupported", detail, data=data, of=of)
            continue
        estimate = bounded(stats.mean if len(values) == 1 else stats.mean_difference, values, ends)
        passes = {"forward": found.outcome.forward, "backward": found.outcome.backward}
        more = {"passes": passes} if name == "attacked_error" else {}
        yield measured(name, estimate, data, of=of, trust=trust if name != "clean_error" else None, **more)


def _beside(case: Case, kept: dict[Of, tuple[Array, Trust, Ends]]) -> Iterator[Finding]:
    """Attacked error of the candidate less that of the base, no more to be trusted than either."""
    if len(kept) < 2:
        return
    (mine, trust, ends), (its, its_trust, its_ends) = kept["candidate"], kept["base"]
    if _finite(mine) and _finite(its):
        apart = None if ends is None or its_ends is None else (-ends[1], ends[1])
        worst = max(trust, its_trust, key=("trusted", "not evaluated", "suspect").index)
        estimate = bounded(stats.mean_difference, (mine, its), apart)
        yield measured("attacked_error", estimate, case.data["test"], compared_with="base", trust=worst)


def _finite(values: Array) -> bool:
    return bool(np.isfinite(values).all())
