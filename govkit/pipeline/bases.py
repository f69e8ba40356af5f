"""The base of a case: where its weights are, the head that it gets, and its features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from govkit import lineage, subjects
from govkit.core import Dataset, Run, Subject
from govkit.core.audit import SubjectSource
from govkit.core.case import Array
from govkit.core.words import CLASSES, Modality, Role
from govkit.errors import AuditError
from govkit.pipeline.places import Places


def base_subject(
    places: Places, folder: Path | None, sets: dict[Role, Dataset], classes: tuple[str, ...], modality: Modality
) -> Subject | None:
    """The base with the head that the audit file asks for; None where it names no model.

    Raises:
        AuditError: That head cannot be had for this task, these inputs, or without training rows.
    """
    source = places.audit.base
    if source is None or folder is None:
        return None
    if source.head == "own":
        own = SubjectSource(model=str(folder))
        return subjects.load(own, root=Path(), task=places.task, passes=places.passes, strict=False)
    if places.task not in CLASSES:
        raise AuditError(
            f"base.head: a probe answers with classes; the task is {places.task}: give {{predictions: FILE}}"
        )
    if "train" not in sets:
        raise AuditError("base.head: probe needs data.train, the rows that the linear probe is fitted on")
    if modality != "text":
        raise AuditError(
            f"base.head: probe reads text; the inputs here are {modality}: give base: {{predictions: FILE}}"
        )
    return subjects.probe(folder, sets["train"], classes, places.passes)


def base_folder(places: Places, run: Run | None) -> Path | None:
    """Folder of the base's weights; None where the audit file names no base, or only its predictions."""
    source = places.audit.base
    if source is None or source.predictions is not None:
        return None
    if source.model is not None:
        return places.at(source.model)
    if run is None:
        raise AuditError("base.from: run needs subject.run, the record that names the base")
    return lineage.base_folder(places.at(places.audit.subject.run or ""), run)


def features_of(base: Subject | None, sets: dict[Role, Dataset]) -> Callable[[Role], Array | None]:
    """Features of the frozen base by role, where a probe reads them."""
    return subjects.embed_role(base.base if isinstance(base, subjects.Probe) else None, sets)
