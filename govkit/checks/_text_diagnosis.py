"""What the gradient tells of a text model: embeddings moved, and words put in the place of others.

No text has moved embeddings, and another word may say something else. So these numbers carry no bounds, and
no control may rest on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from govkit.attacks import Ball, Balls, Guided, Predict, Spelled, battery, doubts, foresight, search
from govkit.checks._attacked import Sample, batches_of, gap
from govkit.checks._shared import stated
from govkit.core import Finding, Measurement
from govkit.core.case import Array, Differentiable
from govkit.core.words import Trust
from govkit.lazy import np, torch

EMBEDDED, SUBSTITUTED, REASON = "embedding_pgd_accuracy", "substitution_accuracy", "embedding_trust_reason"

SMALL = 0.01
"""Radius of a probing step, in median lengths of an embedding."""

FAR = 1.0
"""Radius that must break any model: beyond it lies the nearest other token of nearly all."""

NO_DONOR = (
    "even the embeddings of a text of another class leave the answer as it was: the gradient is that of something else"
)
FEW = "too few rows are answered rightly to tell whether the gradient is that of the model"
NO_FAR = "not even moving every embedding by its whole length breaks it: the attack fails, and not the model withstands"
OTHER = "the model that is attacked answers otherwise than the model that is audited: the number may be that of another"


def embedded(sample: Sample, *, steps: int, eps: float) -> list[Finding]:
    """Projected gradient descent on the embeddings of the tokens, and whether its number can be believed."""
    subject = sample.subject
    if not isinstance(subject, Differentiable):
        why = f"The {sample.of} gives answers only; this attack follows its gradient."
        return [gap(sample, EMBEDDED, why)]
    before = sample.case.passes.forward
    batches = list(batches_of(sample, subject))
    length = token_length([batch for batch, _, _ in batches])
    one = Ball("token_l2", length)
    balls = Balls(declared=one.scaled(eps), small=one.scaled(SMALL), far=one.scaled(max(FAR, eps)))
    outcome = battery(subject.logits, batches, balls, steps=steps)
    reasons = list(doubts(replace(outcome, far=outcome.far & False)))
    if int(outcome.far.sum()) > max(1.0, 0.1 * int(outcome.clean.sum())):
        reasons.append(NO_FAR)
    answers = _answers(subject, batches)
    if _unmoved(sample, answers):
        reasons.append(NO_DONOR)
    if int(((answers == sample.own_labels) != sample.right).sum()) > max(1, 0.01 * len(sample)):
        reasons.append(OTHER)
    sample.case.passes.backward += outcome.backward
    passes = {"forward": sample.case.passes.forward - before, "backward": outcome.backward}
    # An attack without gradients need not stand beside it: a gradient that leads nowhere shows at the far radius.
    open_questions = () if reasons or foresight(outcome) is not None else (FEW,)
    trust: Trust = "suspect" if reasons else "not evaluated" if open_questions else "trusted"
    kept, n = outcome.pgd.numpy(), len(sample)
    number = stated(EMBEDDED, kept.mean(), n, sample.data, of=sample.of, trust=trust, passes=passes)
    text = "; ".join([*reasons, *open_questions]) or "none"
    return [number, Measurement(name=REASON, value=text, n=n, of=sample.of, data=sample.data.ref)]


def token_length(batches: Sequence[dict[str, Any]]) -> float:
    """Median length of the embeddings of all tokens that are no padding."""
    lengths = []
    for batch in batches:
        length, mask = batch["x"].detach().float().norm(dim=-1), batch.get("attention_mask")
        lengths.append((length if mask is None else length[mask.bool()]).flatten())
    return float(torch.cat(lengths).median())


def _answers(subject: Differentiable, batches: Sequence[tuple[dict[str, Any], Any, list[int]]]) -> Array:
    """Classes ``(n,)`` that the model gives to the embeddings as they are."""
    with torch.no_grad():
        return np.concatenate([subject.logits(batch).argmax(dim=1).cpu().numpy() for batch, _, _ in batches])


def _unmoved(sample: Sample, answers: Array) -> bool:
    """Whether some row keeps its class when all its embeddings are those of a text that is rightly of another class."""
    labels, rows = sample.own_labels, sample.right.nonzero()[0]
    for at, row in enumerate(rows):
        donors = [each for each in (*rows[at:], *rows[:at]) if labels[each] != labels[row]]
        if donors and answers[donors[0]] == labels[row]:
            return True
    return False


def substituted(sample: Sample, predict: Predict, *, edits: int, most: int) -> list[Finding]:
    """Whole words replaced where the gradient says that it pays."""
    subject = sample.subject
    if not isinstance(subject, Spelled):
        why = f"The {sample.of} does not open its tokens and gradients; this attack ranks words by them."
        return [gap(sample, SUBSTITUTED, why)]
    before, guided = sample.case.passes.forward, Guided(subject, most=most)
    rows = sample.right.nonzero()[0]
    texts, labels = [sample.inputs[row] for row in rows], [int(sample.own_labels[row]) for row in rows]
    broken = search(predict, texts, labels, guided, edits=edits).broken
    if texts and not guided.backward:
        return [gap(sample, SUBSTITUTED, "No word of these texts is one token that its tokenizer shows.")]
    sample.case.passes.backward += guided.backward
    passes = {"forward": sample.case.passes.forward - before, "backward": guided.backward}
    share = (int(sample.right.sum()) - sum(broken)) / max(1, len(sample))
    where: dict[str, Any] = {"of": sample.of, "trust": "not evaluated", "passes": passes}
    return [stated(SUBSTITUTED, share, len(sample), sample.data, **where)]
