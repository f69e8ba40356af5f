"""Remedies that change weights: adversarial training, and weights mixed with those of the base."""

from __future__ import annotations

from govkit.core import Case
from govkit.errors import UsageError
from govkit.pipeline.hardening import hardened
from govkit.pipeline.measuring import Progress
from govkit.pipeline.mixing import mixed
from govkit.pipeline.new_weights import NewWeights, Options
from govkit.subjects.modules import module_of


def reweighted(case: Case, how: str, options: Options, *, progress: Progress | None = None) -> NewWeights:
    """The candidate with new weights; its own stay as they are.

    Args:
        case: The audited case.
        how: The remedy.
        options: What it is told.
        progress: Told about each update.

    Raises:
        UsageError: The task, the candidate, the rows or the options do not allow it.
    """
    if case.task not in ("binary", "multiclass"):
        raise UsageError(f"a remedy is for a task of two or more classes without order; this one is {case.task}")
    subject = case.subject
    if subject is None or module_of(subject) is None:
        found = "stored predictions" if subject is None else "a model that only answers"
        raise UsageError(
            f"{how} makes new weights, and those of the candidate are not at hand, it is {found}: name its "
            "torch.nn.Module (subject: {python: pkg.mod:NAME}) or its transformers folder (subject: {model: FOLDER})"
        )
    return hardened(case, subject, options, progress) if how == "harden" else mixed(case, subject, options)
