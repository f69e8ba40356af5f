"""From what the audit file says to a model that can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from govkit.core.audit import SubjectSource
from govkit.core.case import Passes, Subject
from govkit.core.words import Modality, Task
from govkit.errors import SubjectError
from govkit.subjects.apart import Fence
from govkit.subjects.apart.remote import apart_subject
from govkit.subjects.python import python_subject
from govkit.subjects.text import text_model


def load(
    source: SubjectSource,
    *,
    root: Path,
    modality: Modality = "unknown",
    task: Task = "multiclass",
    classes: Sequence[str] = (),
    passes: Passes,
    strict: bool = True,
    fence: Fence | None = None,
) -> Subject:
    """Load a model.

    Args:
        source: Where it comes from.
        root: Folder of the audit file; relative paths start there, and Python modules are found there first.
        modality: What the inputs are, where the model does not say.
        task: What its answers are: probabilities of classes, of several labels each on its own, or numbers.
        classes: Names of the classes, for Python code that does not name them itself.
        passes: Counter of all model passes.
        strict: Refuse links in a model folder, as verifying will.
        fence: What is kept from Python code, which then runs in a process of its own; without it, it runs in this one.

    Raises:
        SubjectError: The model cannot be loaded, is made for another task, or there are only stored predictions.
    """
    if source.python is not None:
        load_python = python_subject if fence is None else partial(apart_subject, fence=fence)
        return load_python(
            source.python,
            paths=[root],
            modality=modality,
            task=task,
            classes=classes,
            passes=passes,
            input_range=source.input_range,
        )
    if source.predictions is not None:
        raise SubjectError(f"{source.predictions} holds stored predictions; there is no model to ask")
    return text_model(model_folder(source, root), passes, strict=strict, task=task)


def model_folder(source: SubjectSource, root: Path) -> Path:
    """Folder of a transformers model.

    Raises:
        SubjectError: It does not exist.
    """
    folder = root / (source.model or "")
    if source.model is None or not folder.is_dir():
        raise SubjectError(f"{folder} is no folder; expected a model that transformers saved")
    return folder
