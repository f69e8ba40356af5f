"""Cases of the tasks whose answers are no single class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from case_fixture import make_case, make_dataset

from govkit.core import Case, Dataset, Of, Passes, Predictions, Role
from govkit.core.words import Modality, Task
from govkit.engine.answers import Answers
from govkit.subjects.python import Origin, TorchSubject


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


def open_case(
    task: Task,
    inputs: Any,
    labels: Any,
    net: Any,
    *,
    modality: Modality = "table",
    names: tuple[str, ...] = (),
    input_range: tuple[float, float] | None = None,
    base: Any = None,
    train: tuple[Any, Any] | None = None,
    turned: bool = False,
    **column: Any,
) -> Case:
    """A case around a torch module, which answers as the audit lets it answer.

    Args:
        task: The task.
        inputs: The test rows, ``(n, ...)``.
        labels: Their truths as ``Dataset.labels`` has them.
        net: The candidate, a torch module.
        modality: What the inputs are.
        names: The labels of a multi-label task.
        input_range: Smallest and largest value of an input.
        base: Another module that answers the same.
        train: Inputs and truths of the training rows.
        turned: The same rows, with the same digests, from the last to the first.
        column: Fields of ``Case.column``.
    """
    passes = Passes()
    origin = Origin("own:net", Path(__file__), (), modality, names, passes, input_range, task)
    data = {"test": replace(_dataset(labels, "test", None), inputs=np.asarray(inputs, dtype=np.float32))}
    if train is not None:
        data["train"] = replace(_dataset(train[1], "train", None), inputs=np.asarray(train[0], dtype=np.float32))
    if turned:
        test = data["test"]
        back = {name: getattr(test, name)[::-1].copy() for name in ("inputs", "labels", "row_digests")}
        data["test"] = replace(test, **back)
    models = {"candidate": TorchSubject(net, origin), "base": None if base is None else TorchSubject(base, origin)}
    made = Answers(models, data, classes=names, task=task)
    return replace(
        make_case([0, 1], [0, 1]), subject=models["candidate"], base=models["base"], data=data, classes=names,
        answers=made, task=task, modality=modality, access="weights", passes=passes, column=column,
    )  # fmt: skip
