"""One model under the continuous attacks: how far, how hard, on how many rows, and whether to believe what stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from govkit.attacks import (
    TIERS,
    Balls,
    Lender,
    Outcome,
    TierName,
    battery,
    by_scores,
    doubts,
    joined,
    lender,
    twin,
    unknowns,
)
from govkit.checks._attacked import Sample, batches_of, rows_of, whole_ball
from govkit.checks._by_scores import ByScores, all_numbers
from govkit.core import Case, Subject
from govkit.core.case import Differentiable
from govkit.core.words import Trust
from govkit.lazy import np, torch
from govkit.stats import looks_at, settled

Norm = Literal["linf", "l2"]
Asked = Differentiable | ByScores

TWIN_ROWS = 2000
"""Training rows that a twin sees at most."""


@dataclass(frozen=True)
class Trial:
    """How the continuous attacks try; see the check ``adversarial``."""

    steps: int
    eps: float | None
    tier: TierName
    norm: Norm
    limit: float | None


def unmeasurable(sample: Sample, asked: Asked, trial: Trial) -> str | None:
    """Why no change of the inputs has a size, if none has."""
    if sample.case.modality == "table":
        if trial.norm == "l2":
            return "The columns of a table have units of their own; a change of it is measured in linf."
        if not all_numbers(sample.data.inputs):
            return "Some values of the table are missing or no numbers."
        return None
    if asked.input_range is None:
        return "Images need a range: set subject.input_range: [low, high] in the audit file."
    return None


def planned_looks(rows: int, limit: float | None) -> tuple[int, ...]:
    """Numbers of rows after which the attack may stop, the last of them all rows."""
    return (rows,) if limit is None else looks_at(rows)


def attacked(sample: Sample, asked: Asked, trial: Trial, *, base: Subject | None, looks: Sequence[int]) -> Outcome:
    """What stands of the first rows, up to the look at which they show on which side of the limit the share lies."""
    outcome, start = None, 0
    attack = _attack(sample, asked, trial, base)
    for look in looks:
        found = attack(batches_of(sample, asked, within=range(start, look)))
        outcome, start = found if outcome is None else joined([outcome, found]), look
        if trial.limit is not None and bool(settled(int(outcome.worst.sum()), look, trial.limit, looks=len(looks))):
            break
    if outcome is None:
        raise ValueError("expected at least one look")
    sample.case.passes.backward += outcome.backward
    return outcome


def judged(sample: Sample, asked: Asked, outcome: Outcome) -> tuple[Trust, str]:
    """Whether to believe an outcome, and why not."""
    otherwise = int((outcome.clean.numpy() != sample.right).sum())
    closed = ("only scores were asked for; who has the weights may break more",)
    return verdict(outcome, otherwise, closed if isinstance(asked, ByScores) else unknowns(outcome))


def verdict(outcome: Outcome, otherwise: int, unknown: Sequence[str]) -> tuple[Trust, str]:
    """Whether to believe an outcome, and why not.

    Args:
        outcome: What was found.
        otherwise: Rows that the model answered otherwise when it was audited.
        unknown: Why it cannot be called trusted yet.
    """
    reasons, n = list(doubts(outcome)), len(outcome.clean)
    if otherwise > max(1, 0.01 * n):
        reasons.append(
            f"the model that is attacked answers otherwise than the model that is audited ({otherwise} of "
            f"{n} rows): its answers depend on what is asked with them, or it is another model"
        )
    if reasons:
        return "suspect", "; ".join(reasons)
    return ("not evaluated", "; ".join(unknown)) if unknown else ("trusted", "none")


def _attack(sample: Sample, asked: Asked, trial: Trial, base: Subject | None) -> Callable[[Any], Outcome]:
    """``batches -> Outcome``."""
    balls, tier = balls_of(sample, asked, trial), TIERS[trial.tier]
    if isinstance(asked, ByScores):
        return partial(by_scores, asked.logits, ball=balls.declared, draws=trial.steps, queries=tier.queries)
    lenders = list(_lenders(sample, asked, base)) if tier.queries else []
    return partial(battery, asked.logits, balls=balls, steps=trial.steps, tier=tier, lenders=lenders)


def lends(base: Subject | None) -> bool:
    """Can inputs be made that break the base?"""
    return base is not None and isinstance(base, Differentiable)


def teaches(case: Case) -> bool:
    """Are there rows to train a twin on?"""
    train = case.data.get("train")
    return train is not None and train.inputs is not None and len(np.unique(train.labels)) > 1


def _lenders(sample: Sample, asked: Differentiable, base: Subject | None) -> Iterator[Lender]:
    """The base, where it reads the same tensors, and a twin, where there are rows to train it on."""
    names = list(sample.subject.classes or sample.case.classes)
    if base is not None and isinstance(base, Differentiable):
        mine, its = (model.encode(rows_of(sample.inputs, slice(0, 1)))["x"] for model in (asked, base))
        if mine.shape == its.shape and bool((mine == its).all()):
            theirs = list(base.classes or sample.case.classes)
            yield lender(base.logits, columns=torch.tensor([theirs.index(name) for name in names]))
    if teaches(sample.case):
        train = sample.case.data["train"]
        rows = asked.encode(rows_of(train.inputs, slice(0, TWIN_ROWS)))["x"]
        labels = torch.as_tensor(sample.columns(train.labels[:TWIN_ROWS]), device=rows.device)
        yield lender(twin(rows, labels, len(names), seed=sample.case.seed), counted=False)


def balls_of(sample: Sample, asked: Asked, trial: Trial) -> Balls:
    """The declared radius, one of 1/255 of the range for probing, and one that must break any model.

    That one is half the range for images. For tables it is all of it: half of it brings features of 0 and 1 no further
    than the middle, where an honest model may still stand.
    """
    table, whole = sample.case.modality == "table", whole_ball(sample, asked)
    usual = 0.1 if table else 8 / 255 if trial.norm == "linf" else 0.5
    radius = usual if trial.eps is None else trial.eps
    far = max(1.0 if table else 0.5, radius)
    # No value moves by more than the radius in L2, so that the far ball holds the declared one in both norms.
    declared = replace(whole, norm=trial.norm).scaled(radius)
    return Balls(declared=declared, small=whole.scaled(1 / 255), far=whole.scaled(far))
