"""Base exposure: does an attack that was made on the public base alone break the tuned model too?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, PositiveInt

from govkit.attacks import Ball, contrastive, mistype, pgd, search, take, trying
from govkit.checks._attacked import BATCH, Sample, batches_of, sample_of, whole_ball
from govkit.checks._by_scores import all_numbers
from govkit.checks._shared import measured, missing
from govkit.core import Case, Finding, Measurement, Metric, Passes, check
from govkit.core.case import Array, Differentiable
from govkit.core.words import GapReason, Trust
from govkit.lazy import np, torch
from govkit.stats import Estimate, paired_difference, proportion

EXPOSURE = ("exposed", "noise_broken", "excess_over_noise", "base_broken", "exposure_reason")
ORIGIN = ("base_share", "base_identified")
WORKS = 0.5
"""Share of the rows in which an attack must break the model that it was made on, below which it shows nothing."""

FOUND = 0.8
"""Share of the rows that tell two bases apart, above which they name one of them. A student of another base lies beside
a half, and nearer to one of two strangers than to the other by chance."""

REFERENCES = 3
"""References below which a student of another base is accused too often: of one, in up to a quarter of cases."""

Radius = Annotated[float, Field(ge=0)]


def _extra(case: Case, *, rows: int, steps: int, edits: int, tries: int, **_: Any) -> Passes:
    """Most passes: of the base, of its references, and of the candidate, which is asked twice or four times."""
    n = min(rows, len(case.data["test"]))
    if case.modality == "text":
        return Passes(forward=n * (edits * tries + 2))
    if not isinstance(case.base, Differentiable):
        return Passes()
    models = _siblings(case)
    forward = (steps + 1) * (1 + 2 * len(models)) + (4 if models else 2)
    return Passes(forward=n * forward, backward=n * steps * (1 + 2 * len(models)))


@check(
    "base_exposure",
    crosswalk="check.adversarial",
    needs={"inputs", "base"},
    reads=(("candidate", "test"), ("base", "test")),
    extra=_extra,
    metrics={
        "exposed": Metric.share(
            "Share of the candidate's right answers that an attack on the base alone turns wrong.", better="lower"
        ),
        "noise_broken": Metric.share(
            "Share of the same answers that random noise of the same size turns wrong.", better="lower"
        ),
        "excess_over_noise": Metric.difference("exposed minus noise_broken, on the same rows.", better="lower"),
        "base_broken": Metric.share("Share of the base's own right answers that its attack turns wrong."),
        "exposure_reason": Metric("Why a low exposure is not to be believed, or 'none'."),
        "base_share": Metric.share(
            "Among the rows that only one of two attacks turns wrong, one made for the base and one for a reference, "
            "the share of the base.",
            better="lower",
        ),
        "base_identified": Metric(
            "Whether what breaks the candidate names its base among its siblings.",
            words=("found", "not found", "cannot tell"),
        ),
    },
)
def base_exposure(
    case: Case,
    *,
    rows: PositiveInt = 100,
    steps: PositiveInt = 20,
    eps: Radius | None = None,
    edits: PositiveInt = 2,
    tries: PositiveInt = 4,
) -> Iterator[Finding]:
    """What an attacker reaches who knows the base and never asks the candidate.

    Of images and tables the margin of the base is climbed (Madry et al. 2018), in texts typing mistakes are sought on
    the base; the candidate is then asked once (Papernot et al. 2017, "Practical Black-Box Attacks", with the base as
    the substitute). Each row counts as a proof. A low number does only where the attack breaks the base itself.

    To be broken so is no mark of descent: every model of the same task shares much of it, also one from scratch. Which
    base it was is told by what breaks the base and leaves its siblings standing, beside what breaks one sibling and
    leaves the base and the others standing. A stranger falls to both alike. The siblings must be pretrained like the
    base: one that knows less of the world, or that was trained on the rows of the task, tells nothing.

    Args:
        case: The candidate, and the base with a head on it.
        rows: Rows to attack; 200 or more where the base is to be named.
        steps: Steps of the gradient attack.
        eps: Largest change of each value as a share of the input range (8/255 for images, 0.1 for tables).
        edits: Most typing mistakes in one text.
        tries: Mistakes tried for each.
    """
    lacking = _lacking(case)
    mine = None if case.subject is None else sample_of(case, "candidate", case.subject, rows)
    base = None if case.base is None else sample_of(case, "base", case.base, rows)
    if lacking is None and mine is not None and not mine.right.any():
        lacking = "too few rows", "The candidate answers none of these rows rightly."
    if lacking is not None or mine is None or base is None:
        reason, why = lacking or ("no data", "There are no answers to the test data.")
        for name in (*EXPOSURE, *ORIGIN):
            yield missing(name, reason, why, of="base" if name == "base_broken" else "candidate")
        return
    if not isinstance(case.base, Differentiable) or case.modality == "text":
        yield from _exposure(mine, base, _mistyped(base, edits=edits, tries=tries))
        yield from _unidentified("unsupported", "Typing mistakes cannot be aimed at one base and past its siblings.")
        return
    whole = whole_ball(base, case.base)
    usual = 0.1 if case.modality == "table" else 8 / 255
    ball = whole.scaled(usual if eps is None else eps)
    yield from _exposure(mine, base, _climbed(base, case.base, ball, steps=steps))
    yield from _origin(mine, base, ball, steps=steps)


def _lacking(case: Case) -> tuple[GapReason, str] | None:
    """Why nothing can be measured, if so."""
    if case.base is None:
        return "unsupported", "Only stored answers of the base are at hand; an attack is made on the base itself."
    if case.modality == "text":
        return None
    if not isinstance(case.base, Differentiable):
        return "unsupported", "The base gives answers only; this attack follows its gradient."
    if case.modality == "image" and case.base.input_range is None:
        return "no data", "Images need a range: set subject.input_range: [low, high] in the audit file."
    if case.modality == "table" and not all_numbers(case.data["test"].inputs):
        return "unsupported", "Some values of the table are missing or no numbers."
    return None


@dataclass(frozen=True)
class Crafted:
    """Inputs that an attack made of n rows, noise of the same size beside them, and the rows where the base fell."""

    inputs: Any
    noise: Any
    fell: Array
    passes: dict[str, int]


def _climbed(base: Sample, model: Differentiable, ball: Ball, *, steps: int) -> Crafted:
    """The margin of the base climbed for all steps, for what lies deep in the wrong class carries over further."""
    moved, noise, fell = [], [], []
    for batch, labels, seeds in batches_of(base, model):
        center = batch["x"].detach().float()
        found = pgd(model.logits, batch, labels, ball, steps=steps, stop=False)
        chance = ball.settle(center + ball.noise(center, seeds, surface=True), center)
        moved.append((found.x - center).cpu().numpy())
        noise.append((chance - center).cpu().numpy())
        fell.append(found.broken.cpu().numpy())
    passes = {"forward": len(base) * (steps + 1), "backward": len(base) * steps}
    base.case.passes.backward += passes["backward"]
    attacked, beside = (_added(base.inputs, np.concatenate(part)) for part in (moved, noise))
    return Crafted(attacked, beside, np.concatenate(fell), passes)


def _added(inputs: Any, change: Array) -> Any:
    """Inputs with a change added; where it is zero they stay exactly what they were."""
    if hasattr(inputs, "iloc"):
        return inputs.astype("float64") + change
    return (inputs + change).astype("float32")


def _mistyped(base: Sample, *, edits: int, tries: int) -> Crafted:
    """Typing mistakes sought on the base, and as many drawn at random for each text."""
    seed, labels = base.case.seed, [int(label) for label in base.own_labels]
    options = trying(mistype, tries=tries, seed=seed)
    found = search(base.subject.predict, list(base.inputs), labels, options, edits=edits)
    noise, chance = list(base.inputs), trying(mistype, tries=1, seed=seed + 1)
    for row, made in enumerate(found.edits):
        for number in range(made):
            noise[row] = next(iter(chance(noise[row], labels[row], number)), noise[row])
    passes = {"forward": found.forward, "backward": 0}
    return Crafted(found.inputs, noise, np.array(found.broken, dtype=bool), passes)


def _broken(mine: Sample, inputs: Any) -> Array:
    """Rows ``(n,)`` that the candidate answered rightly, and answers wrongly when it is asked about ``inputs``."""
    answers = np.asarray(mine.subject.predict(inputs))
    wrong = (answers.argmax(axis=1) != mine.own_labels) | ~np.isfinite(answers).all(axis=1)
    return mine.right & wrong


def _exposure(mine: Sample, base: Sample, crafted: Crafted) -> Iterator[Finding]:
    n, own = int(mine.right.sum()), int(base.right.sum())
    fell, noisy = _broken(mine, crafted.inputs), _broken(mine, crafted.noise)
    works = own > 0 and int((crafted.fell & base.right).sum()) >= WORKS * own
    trust: Trust = "trusted" if works else "not evaluated"
    excess = paired_difference(
        int((fell & ~noisy).sum()), int((~fell & noisy).sum()), n, both=int((fell & noisy).sum())
    )
    yield measured("exposed", proportion(int(fell.sum()), n), mine.data, trust=trust, passes=crafted.passes)
    yield measured("noise_broken", proportion(int(noisy.sum()), n), mine.data)
    yield measured("excess_over_noise", excess, mine.data, trust=trust)
    if own:
        share = proportion(int((crafted.fell & base.right).sum()), own)
        yield measured("base_broken", share, mine.data, of="base")
    else:
        yield missing("base_broken", "too few rows", "The base answers none of these rows rightly.", of="base")
    reason = "none" if works else f"the attack breaks less than {WORKS:.0%} of the right answers of the base itself"
    yield Measurement(name="exposure_reason", value=reason, n=n, data=mine.data.ref)


def _origin(mine: Sample, base: Sample, ball: Ball, *, steps: int) -> Iterator[Finding]:
    """Whether the base can be told from its references by what breaks the candidate."""
    models = _siblings(base.case)
    if not models:
        yield from _unidentified("no data", f"Name at least {REFERENCES} of them (base.references in the audit file).")
        return
    # Any one reference may lie nearer to a stranger than the base does, by chance; so each row draws its own.
    mirrors = [1 + seed % (len(models) - 1) for seed in base.seeds]
    for_base = _aimed(base, models, [0] * len(base), ball, steps=steps)
    for_reference = _aimed(base, models, mirrors, ball, steps=steps)
    fell, mirrored = _broken(mine, for_base.inputs), _broken(mine, for_reference.inputs)
    only, other = int((fell & ~mirrored).sum()), int((mirrored & ~fell).sum())
    if not only + other:
        yield from _unidentified("too few rows", "No row told them apart; take a larger eps or more rows.")
        return
    works = min(for_base.fell.mean(), for_reference.fell.mean()) >= WORKS
    trust: Trust = "trusted" if works else "not evaluated"
    passes = {name: spent + for_reference.passes[name] for name, spent in for_base.passes.items()}
    estimate = proportion(only, only + other)
    yield measured("base_share", estimate, mine.data, trust=trust, passes=passes)
    yield Measurement(name="base_identified", value=_named(estimate), n=only + other, data=mine.data.ref, trust=trust)


def _siblings(case: Case) -> list[Differentiable]:
    """The base and its references, where there are enough of them that can be attacked together."""
    found = [model for model in (case.base, *case.reference_bases) if isinstance(model, Differentiable)]
    return found if len(found) > REFERENCES and case.modality != "text" else []


def _aimed(base: Sample, models: list[Differentiable], targets: list[int], ball: Ball, *, steps: int) -> Crafted:
    """Inputs that break, of each row, the model of that number and leave the others standing."""
    changes, fell = [], []
    for start, (batch, labels, _) in zip(range(0, len(base), BATCH), batches_of(base, models[0]), strict=True):
        center, aims = batch["x"].detach().float(), torch.tensor(targets[start : start + BATCH], device=labels.device)
        point, broken = center.clone(), torch.zeros_like(aims, dtype=torch.bool)
        for target in aims.unique().tolist():
            rows = torch.nonzero(aims == target)[:, 0]
            others = [model.logits for number, model in enumerate(models) if number != target]
            found = contrastive(models[target].logits, others, take(batch, rows), labels[rows], ball, steps=steps)
            point[rows], broken[rows] = found.x, found.broken
        changes.append((point - center).cpu().numpy())
        fell.append(broken.cpu().numpy())
    passes = {"forward": len(base) * len(models) * (steps + 1), "backward": len(base) * len(models) * steps}
    base.case.passes.backward += passes["backward"]
    return Crafted(_added(base.inputs, np.concatenate(changes)), None, np.concatenate(fell), passes)


def _named(share: Estimate) -> str:
    """The answer at 95 % confidence."""
    low, high = next((bound.low, bound.high) for bound in share.bounds if bound.level == 0.95)
    return "found" if low > FOUND else "not found" if high <= FOUND else "cannot tell"


def _unidentified(reason: GapReason, why: str) -> Iterator[Finding]:
    words = (
        "Which base it was is told only beside reference bases of the same kind of pretraining: an attack on one model "
        "breaks every other one of the same task more often than noise does, also one trained from scratch, so that "
        f"noise alone would accuse every student. {why}"
    )
    yield from (missing(name, reason, words) for name in ORIGIN)
