"""Each label of a multi-label task as a case of two classes, so that every check of two classes measures it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from govkit.core import Case, Finding, Predictions
from govkit.core.words import LABEL, Of, Role


def label_view(case: Case, index: int) -> Case:
    """The case as it looks to one label: the positive class has it, the other has not.

    The models answer for all labels at once, so that what asks them anew cannot look at one label alone.
    """
    name = case.classes[index]

    def answers(of: Of, role: Role) -> Predictions | None:
        import numpy as np

        given = case.predictions(of, role)
        if given is None:
            return None
        own = None if given.probabilities is None else given.probabilities[:, index]
        return Predictions(given.labels[:, index], None if own is None else np.column_stack([1 - own, own]))

    return replace(
        case,
        subject=None,
        base=None,
        incumbent=None,
        task="binary",
        classes=(f"not {name}", name),
        positive=1,
        answers=answers,
        data={role: replace(data, labels=data.labels[:, index]) for role, data in case.data.items()},
    )


def of_label(findings: Iterable[Finding], name: str) -> list[Finding]:
    """The findings, marked as those of one label."""
    return [finding.model_copy(update={"part": {LABEL: name, **finding.part}}) for finding in findings]
