"""The folder of a candidate with new weights: weights that run no code, and beside them the code that makes the model.

::

    model/  what transformers saves                            of a text model
    model/  __init__.py  weights.safetensors  code/            of a torch module: ``model`` is made again by the user's
                                                               own code, copied, and gets the new weights
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from govkit import subjects
from govkit.core import Case, Passes, Role, Subject
from govkit.core.audit import SubjectSource
from govkit.core.case import Array
from govkit.engine import Answers
from govkit.engine.repeats import rows_of
from govkit.errors import SubjectError, UsageError
from govkit.lazy import torch
from govkit.lineage.cost import Clock
from govkit.pipeline.casework import Casework
from govkit.pipeline.remedied_files import RECORD, write_audit, write_numbers, write_record
from govkit.remedies import Fitted, Method
from govkit.subjects.boundary import Boundary
from govkit.subjects.modules import logits_of
from govkit.subjects.python import TorchSubject
from govkit.subjects.text import TextModel

FOLDER, CODE, WEIGHTS = "model", "code", "weights.safetensors"

SAME = 1e-5
"""How far a logit may move when the model is written and loaded again, as a share of the largest."""

ASKED = 64
"""Rows that are asked before and after."""

LOADER = Path(__file__).with_name("loader.py.txt").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Options:
    """What a remedy may be told; None where nobody said.

    Attributes:
        eps: Of ``harden``: largest change to train against, as the checks of attacks count it.
        epochs: Of ``harden``: updates that each training row takes part in.
        method: Of ``harden``.
        base_weight: Of ``soup``: weight of the base, above 0 and up to 1.
        group: Of ``threshold`` and ``reweigh``: the group column.
        constraint: Of ``threshold``: what becomes equal between groups.
    """

    eps: float | None = None
    epochs: int | None = None
    method: Method | None = None
    base_weight: float | None = None
    group: str | None = None
    constraint: str | None = None


@dataclass(frozen=True)
class NewWeights:
    """A candidate with other weights, before it is written.

    Attributes:
        fitted: What was done.
        subject: The candidate asked with them.
        role: Rows that they were fitted on, if any were.
        trained: Numbers among the weights that may have changed.
        eps: Change that robustness is measured at, before and after.
    """

    fitted: Fitted
    subject: TextModel | TorchSubject
    role: Role | None
    trained: int
    eps: float

    def case(self, before: Case) -> Case:
        """The case with the new candidate in it; the base is left out, it is what it was."""
        made = Answers({"candidate": self.subject}, before.data, classes=before.classes, task=before.task)
        return replace(before, subject=self.subject, base=None, answers=made)

    def write(
        self,
        draft: Path,
        work: Casework,
        root: Path,
        *,
        policy: str,
        remarks: tuple[str, ...],
        clock: Clock,
        started: str,
    ) -> None:
        """Write weights, audit file, numbers and the record of the run; see ``write_audit`` and ``write_record``."""
        source = write_weights(draft, work, self.subject)
        write_audit(draft, work, root, source, name=self.fitted.name, policy=policy, remarks=remarks)
        write_numbers(draft, work, self.fitted, role=self.role, group=None)
        facts: dict[str, Any] = {"role": self.role, "artifact": FOLDER, "trained": self.trained}
        write_record(draft, work, self.fitted, clock, group=None, started=started, **facts)


def right_with(case: Case, role: Role, subject: Subject) -> Array:
    """Whether a subject answers each row of a role right, truths ``(n,)``."""
    new = Answers({"candidate": subject}, case.data, classes=case.classes, task=case.task)
    answers = (case.answers if subject is case.subject else new)("candidate", role)
    if answers is None:
        raise UsageError(f"data.{role} holds no inputs that the candidate could be asked")
    right: Array = answers.labels == case.data[role].labels
    return right


def refuse_unmakeable(work: Casework) -> None:
    """Before the long work: a model that cannot be made again from what the audit file names as the model.

    Raises:
        SubjectError: See ``write_weights``; a candidate without weights is left to whoever needs them.
    """
    subject = work.case.subject
    if isinstance(subject, TextModel | TorchSubject):
        with tempfile.TemporaryDirectory() as folder:
            write_weights(Path(folder), work, subject)


def write_weights(draft: Path, work: Casework, subject: TextModel | TorchSubject) -> SubjectSource:
    """Write a subject with other weights as ``model`` in the draft, and load it again.

    Args:
        draft: Folder of the new candidate.
        work: The audited case, whose files stay as they are.
        subject: Its candidate with the new weights.

    Returns:
        The new subject as an audit file beside it names it.

    Raises:
        SubjectError: What was loaded answers otherwise, or the model cannot be made again from what its audit file
            names as the model.
    """
    folder = draft / FOLDER
    folder.mkdir()
    if isinstance(subject, TextModel):
        source = SubjectSource(model=FOLDER)
        subject.model.save_pretrained(folder)
        subject.tokenizer.save_pretrained(folder)
    else:
        source = SubjectSource(python=f"{FOLDER}:model", artifact=FOLDER, input_range=work.audit.subject.input_range)
        _write_module(folder, work, subject, draft)
    _refuse_other_answers(subject, _loaded(source, draft, work.case, subject), work.case)
    if source.model is not None and work.case.run is not None:
        return SubjectSource(run=RECORD)
    return source


def _write_module(folder: Path, work: Casework, subject: TorchSubject, draft: Path) -> None:
    from safetensors.torch import save_model

    name = subject.origin.name
    module, _, attribute = name.partition(":")
    search = _copy_code(folder / CODE, work, subject, module, draft)
    where = {"code": search, "weights": WEIGHTS, "module": module, "attribute": attribute}
    (folder / "__init__.py").write_text(LOADER.format(name=name, **where), encoding="utf-8")
    with Boundary(f"{name}: the weights cannot be written"):
        save_model(subject.module, str(folder / WEIGHTS))


def _copy_code(target: Path, work: Casework, subject: TorchSubject, module: str, draft: Path) -> str:
    """Copy what the audit file names as the model, else the module's file alone with the packages that it is in.

    Returns:
        Folder, seen from the new one, in which the module is found.
    """
    file, depth = subject.origin.file, module.count(".")
    start = file.parents[depth + (file.name == "__init__.py")]
    named = work.audit.subject.artifact
    if named is None or work.path.is_file():
        packages = [start.joinpath(*module.split(".")[: cut + 1], "__init__.py") for cut in range(depth)]
        for path in [file, *filter(Path.exists, packages)]:
            copy = target / path.relative_to(start)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        return CODE
    source = work.path.resolve()
    inside = source.is_relative_to(start)
    to = target / source.relative_to(start) if inside else target
    shutil.copytree(source, to, ignore=_all_but_the_model(draft), dirs_exist_ok=True)
    return CODE if inside else os.path.join(CODE, start.relative_to(source))  # noqa: PTH118 - a name in the loader


def _all_but_the_model(draft: Path) -> Any:
    """What is not copied: compiled code, and the folder that is being written where it lies inside the model."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        place = Path(folder).resolve()
        return [name for name in names if name == "__pycache__" or place / name == draft.resolve()]

    return left_out


def _loaded(source: SubjectSource, draft: Path, case: Case, subject: Subject) -> Subject:
    hint = "the new model cannot be made again from its code and its weights"
    try:
        return subjects.load(
            source, root=draft, modality=case.modality, task=case.task, classes=subject.classes, passes=Passes()
        )
    except SubjectError as error:
        place = "" if source.python is None else "; subject.artifact names the folder that holds all it needs"
        raise SubjectError(f"{hint}: {error}{place}") from error


def _refuse_other_answers(wanted: Any, found: Any, case: Case) -> None:
    """The first rows must have the same logits in memory and after loading, rounding apart.

    Raises:
        SubjectError: They have not.
    """
    test = case.data["test"]
    inputs = rows_of(test.inputs, range(min(len(test), ASKED)))
    with torch.no_grad():
        mine, again = (logits_of(subject, inputs) for subject in (wanted, found))
    apart = float((mine - again).abs().max()) if mine.shape == again.shape else float("inf")
    if not apart <= SAME * max(1.0, float(mine.abs().max())):
        raise SubjectError(
            f"the new weights do not survive being written: loaded again, logits differ by {apart:.3g}; what the model "
            "holds beside its parameters and buffers must come from its code"
        )
