"""Accuracy under attack before and after a remedy that changes weights, with what it can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from govkit import checks
from govkit.core import Case, Finding, Gap, Interval, Measurement, Recorded
from govkit.core.words import Trust

ASKED: dict[str, Any] = {"rows": 200, "steps": 20, "tier": "gate", "base": False}
"""How the attack tries, as far as its check takes these parameters."""

ASKED_OF_TEXT = {"rows": 100, "diagnosed": 100, "steps": 10, "base": False, "typos": 0, "edits": 0, "substitutions": 0}
"""Embeddings are moved and nothing else is tried: that is what the training was against."""


class Robust(Recorded):
    """What an attack left right, before and after.

    Attributes:
        metric: ``robust_accuracy``, of texts ``embedding_pgd_accuracy``.
        eps: Largest change, as the check counts it.
        n: Rows attacked.
        before: Share right.
        after: The same of the new candidate.
        intervals: 95 % intervals of both.
        trust: Whether each can be believed.
    """

    metric: str
    eps: float
    n: int
    before: float
    after: float
    intervals: tuple[Interval | None, Interval | None]
    trust: tuple[Trust | None, Trust | None]


def robustness(before: Case, after: Case, eps: float) -> tuple[tuple[Robust, ...], tuple[str, ...]]:
    """Attack both in the same way.

    Returns:
        What stood, and what has to be said of it: nothing gained, not to be believed, or why nothing was measured.
    """
    metric = "embedding_pgd_accuracy" if before.modality == "text" else "robust_accuracy"
    old, new = (_attacked(case, metric, eps) for case in (before, after))
    for found in (old, new):
        if isinstance(found, Gap):
            return (), (f"{metric} was not measured: {found.detail}",)
    if not isinstance(old, Measurement) or not isinstance(new, Measurement):
        return (), (f"{metric} was not measured.",)
    made = Robust(
        metric=metric,
        eps=eps,
        n=old.n,
        before=float(old.value),
        after=float(new.value),
        intervals=(old.interval, new.interval),
        trust=(old.trust, new.trust),
    )
    return (made,), tuple(_said(made))


def _said(found: Robust) -> Iterator[str]:
    name, moved = found.metric.replace("_", " "), found.after - found.before
    if moved <= 0:
        yield f"{'WORSE' if moved else 'NO BETTER'} under attack: {name} {found.before:.3f} -> {found.after:.3f}."
    if found.trust[1] == "suspect":
        yield f"The {name} of the new weights is suspect: it is not to be believed, see the check that measures it."


def _attacked(case: Case, metric: str, eps: float) -> Finding | None:
    """The candidate's finding, with the eps given."""
    catalog = checks.catalog()
    check = next(each for each in catalog.values() if metric in each.metrics)
    taken = check.params.model_fields
    asked = ASKED_OF_TEXT if case.modality == "text" else ASKED
    params = {name: value for name, value in {**asked, "eps": eps}.items() if name in taken}
    findings = checks.measure(replace(case, base=None), [checks.Request(check.name, params)])
    named = [each for each in findings if each.name in (metric, "*") and each.of == "candidate" and not each.part]
    return next((each for each in named if each.compared_with is None), None)
