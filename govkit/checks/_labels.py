"""Each label of a multi-label task as a case of two classes, so that every check of two classes measures it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from govkit.core import Case, Check, Finding, Predictions, Subject
from govkit.core.case import Array, Differentiable
from govkit.core.words import LABEL, Access, Modality, Of, Role
from govkit.engine.answers import class_order
from govkit.lazy import np
from govkit.subjects.states import two_columns


class OneLabel:
    """One label of an open model, as a model of two classes: the logit of the second one is that of the label."""

    def __init__(self, subject: Differentiable, classes: tuple[str, ...], index: int) -> None:
        self.subject = subject
        self.column = class_order(subject.classes, classes, what="the labels")[index]
        self.classes: tuple[str, ...] = _two(classes[index])
        self.digest, self.path, self.input_range = subject.digest, subject.path, subject.input_range
        self.access: Access = subject.access
        self.modality: Modality = subject.modality

    def predict(self, inputs: Any) -> Array:
        """Probabilities ``(n, 2)``."""
        return _both(self.subject.predict(inputs)[:, self.column])

    def encode(self, inputs: Any) -> dict[str, Any]:
        """The batch of the model."""
        return self.subject.encode(inputs)

    def logits(self, batch: Mapping[str, Any]) -> Any:
        """Logits ``(n, 2)``: 0, and that of the label."""
        return two_columns(self.subject.logits(batch)[:, self.column])


def by_label(check: Check, case: Case) -> bool:
    """The check measures each label of this case on its own."""
    return case.task == "multilabel" and "multilabel" not in check.tasks and "binary" in check.tasks


def label_view(case: Case, index: int) -> Case:
    """The case as it looks to one label: the positive class has it, the other has not.

    Open models of images and tables can be asked about one label. Those that only answer do so for all labels at once,
    and are not asked again for each.
    """
    name = case.classes[index]

    def answers(of: Of, role: Role) -> Predictions | None:
        given = case.predictions(of, role)
        if given is None:
            return None
        own = None if given.probabilities is None else _both(given.probabilities[:, index])
        return Predictions(given.labels[:, index], own)

    def one(model: Subject | None) -> Subject | None:
        if isinstance(model, Differentiable) and case.modality in ("image", "table"):
            return OneLabel(model, case.classes, index)
        return None

    return replace(
        case,
        subject=one(case.subject),
        base=one(case.base),
        incumbent=None,
        task="binary",
        classes=_two(name),
        positive=1,
        answers=answers,
        data={role: replace(data, labels=data.labels[:, index]) for role, data in case.data.items()},
    )


def of_label(findings: Iterable[Finding], name: str) -> list[Finding]:
    """The findings, marked as those of one label."""
    return [finding.model_copy(update={"part": {LABEL: name, **finding.part}}) for finding in findings]


def _two(name: str) -> tuple[str, str]:
    return f"not {name}", name


def _both(own: Array) -> Array:
    """Probabilities of a label ``(n,)`` as those of two classes ``(n, 2)``."""
    return np.column_stack([1 - own, own])
