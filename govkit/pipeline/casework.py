"""Turns an audit file into a case: reads the data, loads candidate, base and incumbent, aligns their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from govkit import checks, data, documents, engine, lineage, manifest, subjects
from govkit.core import Audit, Case, Dataset, Predictions, Run, Subject
from govkit.core.audit import BaseSource, SubjectSource
from govkit.core.columns import Columns
from govkit.core.words import Access, Modality, Of, Role, Task
from govkit.errors import AuditError
from govkit.pipeline.bases import bases_of
from govkit.pipeline.fencing import fence_of, fenced
from govkit.pipeline.named import named
from govkit.pipeline.places import Places
from govkit.pipeline.standing import State, refuse_changed, states
from govkit.subjects.apart import Fence

Stored = Literal["candidate", "base", "incumbent"]
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class Casework:
    """A case and what a bundle needs to know of it.

    Attributes:
        case: Ready to be measured.
        audit: The audit file as resolved.
        name: Name of the audited model.
        root: Folder from which the paths of the audit file start.
        path: Folder or file of the candidate: weights, source of a function, or predictions.
        digest: Artifact digest of ``path``.
        incumbent: The same of the model in service; None where there is none, or only columns of its answers.
        fence: The processes in which Python code of its models runs, and what is kept from them.
        stood: State of the files that are read more than once, before the first of them was read.
    """

    case: Case
    audit: Audit
    name: str
    root: Path
    path: Path
    digest: str
    incumbent: str | None = None
    fence: Fence | None = None
    stood: Mapping[Path, Mapping[str, State]] = field(default_factory=dict)

    def refuse_changed(self) -> None:
        """Raise an AuditError where a model was changed since it was first read."""
        refuse_changed(self.stood)

    def close(self) -> None:
        """End the processes in which code of the models runs; nothing can be asked of them afterwards."""
        if self.fence is not None:
            self.fence.close()


def read_audit(path: Path, *, policy: str | None = None, seed: int | None = None) -> tuple[Audit, Path]:
    """Read an audit file.

    Returns:
        The audit, with policy and seed replaced where they are given, and the folder its paths start from.

    Raises:
        AuditError: Names file, line and key.
    """
    audit = documents.read_model(path, Audit, error=AuditError)
    if seed is not None and not 0 <= seed < 2**53:
        raise AuditError(f"seed: expected a whole number from 0 to 2**53 - 1, found {seed}")
    changes = {"policy": policy, "seed": seed}
    return audit.model_copy(update={key: value for key, value in changes.items() if value is not None}), path.parent


def read_run_of(audit: Audit, root: Path) -> Run | None:
    """The run record that the audit file names, if it names one."""
    return None if audit.subject.run is None else lineage.read_run(root / audit.subject.run)


def build_case(audit: Audit, root: Path, *, apart: bool = True, secret: Sequence[Path] = ()) -> Casework:
    """Read everything that the audit file names; nothing is measured yet.

    Args:
        audit: The audit file.
        root: Folder from which its paths start.
        apart: Whether Python code of models runs in processes of its own, as it must wherever a key is at hand.
        secret: Files that are hidden from that code.

    Raises:
        UsageError: Something is missing, contradictory or cannot be read.
    """
    places = Places(audit, root)
    before = states(places)
    places.fence = fence_of(places, _data_paths(places), secret) if apart else None
    try:
        return replace(_built(places), stood=before)
    except BaseException:
        if places.fence is not None:
            places.fence.close()
        raise


def _built(places: Places) -> Casework:
    audit, root = places.audit, places.root
    _refuse_borrowed_answers(places)
    run = read_run_of(audit, root)
    _refuse_unfinished(places, run)
    rows = {role: data.read_rows(path) for role, path in _data_paths(places).items()}
    tables = {role: read.table for role, read in rows.items()}
    modality = _modality(places, tables["test"])
    candidate = _live(places, audit.subject, modality)
    classes = _classes(candidate, tables, audit.columns)
    sets = _datasets(places, rows, classes, modality)
    checks.refuse_personal_names(sets.values(), classes)
    return _assemble(places, run=run, candidate=candidate, classes=classes, sets=sets, modality=modality)


def _assemble(
    places: Places,
    *,
    run: Run | None,
    candidate: Subject | None,
    classes: tuple[str, ...],
    sets: dict[Role, Dataset],
    modality: Modality,
) -> Casework:
    audit, task = places.audit, data.task_of(places.audit.columns, classes)
    bases = bases_of(places, run, sets, classes, modality)
    incumbent = None if audit.incumbent is None else _live(places, audit.incumbent, modality)
    live: dict[Of, Subject | None] = {"candidate": candidate, "base": bases["base"], "incumbent": incumbent}
    _refuse_other_classes(classes, live)
    path = _artifact(places, candidate)
    case = Case(
        subject=candidate,
        incumbent=incumbent,
        data=sets,
        classes=classes,
        positive=_positive(audit.columns, classes),
        run=run,
        use=audit.use,
        access=_access(candidate),
        modality=modality,
        model_path=path,
        answers=_answers(places, live, sets, classes, task),
        passes=places.passes,
        fenced=partial(fenced, places.fence),
        seed=audit.seed,
        column=audit.columns.model_dump(exclude_none=True),
        licenses=audit.licenses,
        absent=audit.absent,
        task=task,
        source=audit.subject,
        **bases,
        **named(places, path, incumbent, modality),
    )
    return _casework(case, places, path)


def _casework(case: Case, places: Places, path: Path) -> Casework:
    name = places.audit.name or (case.run.name if case.run else path.stem)
    digest = manifest.artifact_digest(path)
    if places.audit.subject.python is None and case.subject is not None and case.subject.digest != digest:
        raise AuditError(f"{path}: was changed after it was loaded; start again when nothing writes to it")
    beside = _in_service(places, case.incumbent)
    return Casework(
        case=case, audit=places.audit, name=name, root=places.root, path=path, digest=digest, incumbent=beside,
        fence=places.fence,
    )  # fmt: skip


def _in_service(places: Places, incumbent: Subject | None) -> str | None:
    """Artifact digest of the model in service, as an audit of that model itself would give it."""
    source = places.audit.incumbent
    if source is None:
        return None
    stored = source.predictions if incumbent is None else source.artifact
    if stored is not None:
        path: Path | None = places.at(stored)
    else:
        path = getattr(incumbent, "path", None) if source.run is None else _tuned(places, source.run)
    return None if path is None else manifest.artifact_digest(path, strict=False)


def _refuse_borrowed_answers(places: Places) -> None:
    """An answer may not be the truth itself, and a rival may not be the candidate: both would always agree."""
    audit, columns = places.audit, places.audit.columns
    several = (*(columns.scores or {}).values(), *(columns.predictions or {}).values())
    own, labels = {columns.prediction, columns.score, *several} - {None}, set(columns.labels)
    sources: dict[str, BaseSource | SubjectSource | None] = {"base": audit.base, "incumbent": audit.incumbent}
    for label in sorted(labels & own):
        raise AuditError(f"columns: {label!r} is the label and an answer of the model; name the answers' column")
    for name, source in sources.items():
        theirs = {getattr(columns, f"{name}_prediction"), getattr(columns, f"{name}_score")} - {None}
        for shared in sorted(theirs & (own | labels)):
            raise AuditError(
                f"columns: {shared!r} cannot be an answer of the {name}, it is the label or the candidate's"
            )
        if theirs and source is not None:
            raise AuditError(f"{name}: found both columns.{name}_... and the key {name}; keep one of them")
        stored = source.predictions if source is not None else None
        mine = audit.subject.predictions
        if stored is not None and mine is not None and places.at(stored).resolve() == places.at(mine).resolve():
            raise AuditError(f"{name}.predictions: is the file of the candidate itself; name the answers of the {name}")


def _refuse_unfinished(places: Places, run: Run | None) -> None:
    if run is not None and run.exit != "finished":
        record = places.at(places.audit.subject.run or "")
        raise AuditError(f"{record}: the run is recorded as {run.exit}; only a finished run has a model to audit")


def _tuned(places: Places, run: str) -> Path:
    """Folder that the recorded run wrote."""
    record = places.at(run)
    return lineage.model_folder(record, lineage.read_run(record))


def _artifact(places: Places, candidate: Subject | None) -> Path:
    """Folder or file whose digest says which model this is."""
    source = places.audit.subject
    if candidate is None:
        return places.at(source.predictions or "")
    if candidate.path is None:
        raise AuditError("subject.python: the object has no path, so nothing can be identified by a digest")
    if source.python is None or (source.artifact is None and source.run is None):
        return candidate.path
    path = places.at(source.artifact) if source.artifact is not None else _tuned(places, source.run or "")
    if not candidate.path.resolve().is_relative_to(path.resolve()):
        key = "artifact" if source.artifact is not None else "run"
        raise AuditError(f"subject.{key}: {path} does not hold {candidate.path}, the code of the model")
    cached = next(path.rglob("__pycache__"), None) if path.is_dir() else None
    if cached is not None:
        raise AuditError(f"{cached}: compiled code is no part of a model; delete it, and set PYTHONDONTWRITEBYTECODE=1")
    return path


def _data_paths(places: Places) -> dict[Role, Path]:
    """Role -> file. With stored predictions the predictions are the test set."""
    paths: dict[Role, Path] = {role: places.at(source.path) for role, source in places.audit.data.items()}
    predictions = places.audit.subject.predictions
    if predictions is not None:
        if "test" in paths and paths["test"] != places.at(predictions):
            raise AuditError("subject.predictions is the test set itself: remove data.test, or name the same file")
        paths = {"test": places.at(predictions), **paths}
    if "test" not in paths:
        raise AuditError("data.test is missing: an audit needs rows that the model was not tuned on")
    return paths


def data_digests(audit: Audit, root: Path) -> dict[Role, str]:
    """Role -> digest of the content of every data set but the training data; no model is loaded.

    Raises:
        UsageError: The test data are stored answers, or cannot be read.
    """
    if audit.subject.predictions is not None:
        held = "subject.predictions: this table holds the answers already, so nothing is fixed before them"
        raise AuditError(f"{held}; lock while there is only data.test, and audit the model (run, model or python)")
    places = Places(audit, root)
    rows: dict[Role, data.Rows] = {
        role: data.read_rows(path) for role, path in _data_paths(places).items() if role != "train"
    }
    tables = {role: read.table for role, read in rows.items()}
    modality, classes = _modality(places, tables["test"]), _classes(None, tables, audit.columns)
    return {role: read.digest for role, read in _datasets(places, rows, classes, modality).items()}


def _datasets(
    places: Places, rows: Mapping[Role, data.Rows], classes: tuple[str, ...], modality: Modality
) -> dict[Role, Dataset]:
    paths, columns, span = _data_paths(places), places.audit.columns, places.audit.subject.input_range
    return {
        role: data.read_dataset(
            paths[role], role=role, columns=columns, modality=modality, classes=classes, table=read, input_range=span
        )
        for role, read in rows.items()
    }


def _modality(places: Places, test: Any) -> Modality:
    """What the inputs are, from the audit file and, for a single column, from its values."""
    column = places.audit.columns.input
    if column is None:
        if places.audit.subject.predictions is None:
            raise AuditError(
                "columns.input is missing: name the column, or the list of columns, that the model is asked"
            )
        return "unknown"
    if not isinstance(column, str):
        return "table"
    if column in test.column_names and test.num_rows:
        first = str(test[column][0].as_py()).lower()
        return "image" if first.endswith(IMAGE_SUFFIXES) else "text"
    return "text"


def _live(places: Places, source: SubjectSource, modality: Modality) -> Subject | None:
    """A model that can be asked; None for stored predictions."""
    if source.predictions is not None:
        return None
    if source.run is not None and source.python is None:
        source = source.model_copy(update={"run": None, "model": str(_tuned(places, source.run).absolute())})
    if places.task == "ranking":
        raise AuditError("columns.task: a ranking is judged by stored scores; give every model as predictions: FILE")
    return subjects.load(
        source, root=places.root, modality=modality, task=places.task, passes=places.passes, fence=places.fence
    )


def _classes(candidate: Subject | None, tables: dict[Role, Any], columns: Columns) -> tuple[str, ...]:
    """The model's own class names where it has some, otherwise those of the data; see ``data.classes_of``."""
    for table in tables.values():
        for label in columns.labels:
            if label not in table.column_names:
                near = documents.nearest(label, tuple(table.column_names))
                raise AuditError(f"columns.label: no column {label!r}{near}")
    return data.classes_of(list(tables.values()), columns, named=() if candidate is None else candidate.classes)


def _positive(columns: Columns, classes: tuple[str, ...]) -> int:
    if columns.positive is None:
        return max(len(classes) - 1, 0)
    if columns.positive not in classes:
        raise AuditError(f"columns.positive: {columns.positive!r} is no class; classes are {', '.join(classes)}")
    return classes.index(columns.positive)


def _answers(
    places: Places,
    live: dict[Of, Subject | None],
    sets: dict[Role, Dataset],
    classes: tuple[str, ...],
    task: Task,
) -> engine.Answers:
    stored, span = _stored(places, sets, classes), places.audit.columns.range
    return engine.Answers(live, sets, classes=classes, task=task, span=span, stored=stored, twice=True)


def _stored(places: Places, sets: dict[Role, Dataset], classes: tuple[str, ...]) -> dict[tuple[Of, Role], Predictions]:
    """Answers that are files or columns, by whose they are and for which rows."""
    audit, columns = places.audit, places.audit.columns
    positive = _positive(columns, classes)
    found: dict[tuple[Of, Role], Predictions] = {}
    which: tuple[Stored, ...] = ("base", "incumbent")
    if audit.subject.predictions is not None:
        which = ("candidate", *which)
    for of in which:
        for role, rows in sets.items():
            answers = data.stored_predictions(rows, columns, which=of, classes=classes, positive=positive)
            if answers is not None:
                found[of, role] = answers
    sources: dict[Of, BaseSource | SubjectSource | None] = {"base": audit.base, "incumbent": audit.incumbent}
    for other, source in sources.items():
        if source is not None and source.predictions is not None:
            path = places.at(source.predictions)
            found[other, "test"] = data.read_predictions(path, sets["test"], columns, classes, positive)
    return found


def _access(candidate: Subject | None) -> Access:
    return "predictions" if candidate is None else candidate.access


def _refuse_other_classes(classes: tuple[str, ...], live: dict[Of, Subject | None]) -> None:
    for name, subject in live.items():
        if subject is not None and subject.classes and set(subject.classes) != set(classes):
            theirs, ours = ", ".join(subject.classes), ", ".join(classes) or "numbers"
            raise AuditError(f"{name} answers with the classes {theirs}; expected {ours}: not the same task")
