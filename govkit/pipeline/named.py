"""What else an audit file names beside models and data: each file is found, read or refused here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from govkit import documents
from govkit.attacks import relation
from govkit.core import Subject
from govkit.core.audit import FeasibleChanges
from govkit.core.case import Array, Dataset
from govkit.core.words import Modality
from govkit.data import shards
from govkit.data.foreign import read_foreign
from govkit.data.reference import read_reference
from govkit.errors import AuditError
from govkit.pipeline.places import Places
from govkit.pipeline.service import stated_service
from govkit.subjects.apart import Fence
from govkit.subjects.apart.remote import suite_of


def named(places: Places, candidate: Path, incumbent: Subject | None, modality: Modality) -> dict[str, Any]:
    """What else the audit file names, by the attributes of a case."""
    return {
        "suite": _suite(places),
        "reference": _reference(places),
        "service": _cited(places, candidate, incumbent),
        "base_trained_on": _trained_on(places),
        "feasible": _feasible(places),
        "foreign": _foreign(places, modality),
    }


def _suite(places: Places) -> Path | dict[str, Any] | None:
    """The user's suite of expectations: a file, or what ``pkg.mod:NAME`` is or returns.

    Raises:
        UsageError: The name is that of something else, or the code fails.
    """
    named = places.audit.quality
    if named is None or ":" not in named or places.at(named).exists():
        return None if named is None else places.at(named)
    return suite_of(named, paths=[places.root], fence=places.fence or Fence())


def _trained_on(places: Places) -> tuple[Path, ...]:
    """The training sets of the base, each of which must be there; they are read by the check."""
    paths = () if places.audit.base is None else tuple(map(places.at, places.audit.base.trained_on))
    for path in paths:
        shards.source(path, {})
    return paths


def _reference(places: Places) -> Array | None:
    """Whom the rows are to stand for, where the audit file says it."""
    source = places.audit.reference
    return None if source is None else read_reference(places.at(source.path), source, places.audit.columns.groups)


def _feasible(places: Places) -> FeasibleChanges:
    """What may change in a row; every column that is named must be an input."""
    rules, inputs = places.audit.feasible, places.audit.columns.input
    if rules is None:
        return FeasibleChanges()
    if not isinstance(inputs, tuple):
        raise AuditError("feasible: says what may change in a table; columns.input is no list of columns")
    for name in rules.columns:
        if name not in inputs:
            raise AuditError(f"feasible: {name!r} is no input{documents.nearest(name, inputs)}")
    for text in rules.relations:
        try:
            relation(text, inputs)
        except ValueError as error:
            raise AuditError(f"feasible.relations: {error}") from error
    return rules


def _foreign(places: Places, modality: Modality) -> Dataset | None:
    """The user's own rows that are none of the task, where the audit file names some and a model can be asked."""
    audit = places.audit
    if audit.foreign is None or audit.subject.predictions is not None:
        return None
    return read_foreign(places.at(audit.foreign.path), audit.columns, modality, input_range=audit.subject.input_range)


def _cited(places: Places, candidate: Path, incumbent: Subject | None) -> dict[str, Any] | None:
    """What the watch of the candidate or of the incumbent stated, where the audit file cites it."""
    source, other = places.audit.service, places.audit.incumbent
    if source is None:
        return None
    stored = None if other is None or other.predictions is None else places.at(other.predictions)
    in_service = stored if incumbent is None else incumbent.path
    models = [path for path in (candidate, in_service) if path is not None]
    return stated_service(places.at(source.statement), trust=places.at(source.trust), models=models)
