"""The base of a case: where its weights are, the head that it gets, its features, and the bases it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from govkit import lineage, subjects
from govkit.core import Dataset, Run, Subject
from govkit.core.audit import BaseSource, SubjectSource
from govkit.core.case import Array
from govkit.core.words import CLASSES, Modality, Role
from govkit.errors import AuditError
from govkit.lazy import np
from govkit.pipeline.places import Places


def bases_of(
    places: Places, run: Run | None, sets: dict[Role, Dataset], classes: tuple[str, ...], modality: Modality
) -> dict[str, Any]:
    """The base with the head that the audit file asks for, and what goes with it, by the attributes of a case.

    Raises:
        AuditError: That head cannot be had for this task, these inputs, or without training rows; or a reference is
            the base itself.
        SubjectError: A base cannot be loaded, or its features are none.
    """
    source = places.audit.base
    if source is not None and source.head == "probe":
        _refuse_probe(places, source, sets, modality)
    path = _weights(places, run)
    base: Subject | None = None
    references: tuple[Subject, ...] = ()
    if source is not None and source.head == "own":
        base = _with_its_own_head(places, source, path, modality)
    elif source is not None and source.head == "probe":
        head = subjects.probe(_features(places, source, path, modality), sets["train"], classes, places.passes)
        base, references = head, tuple(_references(places, source, head, sets["train"], modality))
    path = base.path if path is None and base is not None else path
    return {"base": base, "base_path": path, "reference_bases": references, "embed": _embed(base, sets)}


def _weights(places: Places, run: Run | None) -> Path | None:
    """Folder or file of the base's weights, as far as the audit file or the record of the run names it.

    Raises:
        AuditError: It is not there.
    """
    source = places.audit.base
    named = None if source is None else source.model or source.artifact
    if named is not None:
        path = places.at(named)
        if not path.exists():
            raise AuditError(f"base: {path} does not exist; expected the folder or file of the base's weights")
        return path
    if source is None or source.from_ is None:
        return None
    if run is None:
        raise AuditError("base.from: run needs subject.run, the record that names the base")
    return lineage.base_folder(places.at(places.audit.subject.run or ""), run)


def _code(places: Places, source: BaseSource) -> Path:
    """Folder in which the base's Python modules are found first.

    Raises:
        AuditError: It is none.
    """
    if source.code is None:
        return places.root
    folder = places.at(source.code)
    if not folder.is_dir():
        raise AuditError(f"base.code: {folder} is no folder; expected the one that holds the base's Python modules")
    return folder


def _with_its_own_head(places: Places, source: BaseSource, path: Path | None, modality: Modality) -> Subject:
    task, passes = places.task, places.passes
    if source.python is None:
        return subjects.load(SubjectSource(model=str(path)), root=Path(), task=task, passes=passes, strict=False)
    own = SubjectSource(python=source.python, input_range=places.audit.subject.input_range)
    return subjects.load(
        own, root=_code(places, source), modality=modality, task=task, passes=passes, fence=places.fence
    )


def _refuse_probe(places: Places, source: BaseSource, sets: dict[Role, Dataset], modality: Modality) -> None:
    if places.task not in CLASSES:
        raise AuditError(
            f"base.head: a probe answers with classes; the task is {places.task}: give {{predictions: FILE}}"
        )
    if "train" not in sets:
        raise AuditError("base.head: probe needs data.train, the rows that the linear probe is fitted on")
    wanted = ("text",) if source.python is None else ("image", "table")
    if modality not in wanted:
        other = "python: pkg.mod:NAME} or {predictions: FILE}" if source.python is None else "model: DIR}"
        raise AuditError(
            f"base.head: this probe reads {' and '.join(wanted)}; the inputs here are {modality}: give base: {{{other}"
        )


def _features(places: Places, source: BaseSource, path: Path | None, modality: Modality) -> subjects.Features:
    if source.python is None:
        return subjects.FrozenBase(path or Path(), places.passes)
    return _in_python(places, source, source.python, modality, artifact=path)


def _in_python(
    places: Places, source: BaseSource, name: str, modality: Modality, *, artifact: Path | None = None
) -> subjects.FeatureBase:
    span, paths = places.audit.subject.input_range, [_code(places, source)]
    return subjects.FeatureBase(
        name, paths=paths, modality=modality, passes=places.passes, input_range=span, artifact=artifact,
        fence=places.fence,
    )  # fmt: skip


def _references(
    places: Places, source: BaseSource, base: subjects.Probe, train: Dataset, modality: Modality
) -> Iterator[Subject]:
    """The reference bases, each with a probe of its own.

    Raises:
        AuditError: One of them has the features of the base or of another one: nothing can be told apart by it.
    """
    seen = {"the base itself": base.base.embed(train.inputs)}
    for name in source.references:
        if source.python is None:
            other: subjects.Features = subjects.FrozenBase(places.at(name), places.passes)
        else:
            other = _in_python(places, source, name, modality)
        found = subjects.probe(other, train, base.classes, places.passes)
        features = other.embed(train.inputs)
        for what, known in seen.items():
            if features.shape == known.shape and np.allclose(features, known, rtol=1e-4, atol=1e-6):
                raise AuditError(f"base.references: {name} is {what}: its features are the same; name another base")
        seen[f"the reference {name}"] = features
        yield found


def _embed(base: Subject | None, sets: dict[Role, Dataset]) -> Callable[[Role], Array | None]:
    """Features of the frozen base by role, where a probe reads them."""
    return subjects.embed_role(base.base if isinstance(base, subjects.Probe) else None, sets)
