"""Cases of the tasks whose answers are no single class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from case_fixture import make_case, make_dataset

from govkit.core import Case, Dataset, Of, Predictions, Role
from govkit.core.words import Task


def task_case(
    task: Task,
    labels: Any,
    answers: Mapping[Of, Any],
    *,
    groups: Mapping[str, Any] | None = None,
    shifted: tuple[Any, Mapping[Of, Any]] | None = None,
    **fields: Any,
) -> Case:
    """A case of stored answers of any task.

    Args:
        task: The task.
        labels: Truths of the test rows as ``Dataset.labels`` has them.
        answers: Model -> class indices, truths of labels ``(n, k)``, numbers, or scores of a ranking.
        groups: Column -> group names of the test rows.
        shifted: Truths and answers of the shifted rows.
        fields: Any further field of :class:`Case`.
    """
    data: dict[Role, Dataset] = {"test": _dataset(labels, "test", groups)}
    given: dict[tuple[Of, Role], Predictions] = {(of, "test"): _given(task, own) for of, own in answers.items()}
    if shifted is not None:
        data["shifted"] = _dataset(shifted[0], "shifted", None)
        given |= {(of, "shifted"): _given(task, own) for of, own in shifted[1].items()}
    case = make_case([0, 1], [0, 1], **fields)
    return replace(case, task=task, data=data, answers=lambda of, role: given.get((of, role)))


def _dataset(labels: Any, role: Role, groups: Mapping[str, Any] | None) -> Dataset:
    labels = np.asarray(labels)
    rows = make_dataset(np.zeros(len(labels)), role=role, groups=groups)
    return replace(rows, labels=labels.astype(np.float64 if labels.dtype.kind == "f" else np.int64))


def _given(task: Task, own: Any) -> Predictions:
    if task == "ranking":
        return Predictions(np.array([], dtype=np.int64), scores=np.asarray(own, dtype=np.float64))
    return Predictions(np.asarray(own))
