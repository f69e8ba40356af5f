"""Findings that were measured before, under the digest of everything that they depend on.

An entry is believed for its digest and its owner, so whatever runs as the same user can plant one: a gate that must
withstand its own build machine should not use a cache.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from govkit import data, evidence, manifest
from govkit.checks import Request
from govkit.core import Case, Check, Dataset, Finding, Gap
from govkit.core.case import Array
from govkit.core.words import Of
from govkit.errors import EvidenceError, UsageError
from govkit.lazy import np
from govkit.pipeline.bundle import FINDINGS
from govkit.pipeline.casework import Casework
from govkit.pipeline.digests import audit_digest
from govkit.subjects.apart.remote import file_of

Ask = Callable[[Request], list[Finding]]
SCHEMA = "govkit.cached/v1"
FLEETING = ("crashed", "no extra")
"""Reasons of gaps that another try may close."""
MODELS: tuple[Of, ...] = ("candidate", "base", "incumbent")

log = logging.getLogger("govkit.cache")


def opened(folder: Path) -> Path:
    """The folder of a cache, made if it is not there.

    Raises:
        UsageError: It cannot be made, or somebody else can write it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise UsageError(f"{folder}: cannot hold a cache ({error.strerror}); name another folder") from None
    if _of_others(status):
        raise UsageError(
            f"{folder}: others can write here, and what they write would be taken for measured; expected a folder of "
            f"your own: chmod go-w {folder}"
        )
    return folder


def _of_others(status: os.stat_result) -> bool:
    """Whether somebody else could have written this file, or files of this folder."""
    return os.name == "posix" and bool(status.st_mode & 0o022 or status.st_uid != os.geteuid())


def remembered(ask: Ask, work: Casework, *, folder: Path, catalog: Mapping[str, Check]) -> Ask:
    """``ask``, which measures, with a memory: an entry that is whole and of this very case is taken in its place.

    Args:
        ask: Measures one request.
        work: What is measured.
        folder: Where entries are kept, as ``opened`` gave it; several processes may share it.
        catalog: The checks by name.
    """
    reason = _unidentified(work)
    if reason is not None:
        log.warning("nothing is taken from the cache: %s", reason)
        return ask
    of_case = evidence.digest({"audit": audit_digest(work.audit), "tool": _tool(), "case": _case(work)})
    before: set[str] = set()

    def asked(request: Request) -> list[Finding]:
        check = catalog[request.check]
        said = {"case": of_case, "check": request.check, "params": dict(request.params), "code": _code(check)}
        # What a check says of all that others left behind is true beside these others alone.
        key = evidence.digest({**said, "after": sorted(before)} if check.last else said)
        before.add(key)
        place = folder / f"{key.removeprefix('sha256:')}.json"
        found = _read(place, key, request)
        if found is None:
            found = ask(request)
            if _lasting(found, work):
                _write(place, key, found)
        return found

    return asked


def _lasting(found: list[Finding], work: Casework) -> bool:
    """Whether findings may stand for a later measurement.

    Where code of a model has opened rows of the audit none may: from memory, nobody would see it open them.

    Raises:
        AuditError: A model was changed, so that these are findings of another one than the key says.
    """
    work.refuse_changed()
    if any(isinstance(each, Gap) and each.reason in FLEETING for each in found):
        return False
    fenced = work.case.fenced()
    return fenced is None or not fenced.read


def _read(place: Path, key: str, request: Request) -> list[Finding] | None:
    """The findings of an entry; None where there is none, or none that can be believed."""
    try:
        with place.open("rb") as file:
            if _of_others(os.fstat(file.fileno())):
                raise ValueError("others can write it")
            entry = evidence.loads(file.read())
        if (entry["schema"], entry["key"], entry["digest"]) != (SCHEMA, key, evidence.digest(entry["findings"])):
            raise ValueError("it is not what was written")
        found = FINDINGS.validate_python(entry["findings"])
        if any((each.check, each.params) != (request.check, request.params) for each in found):
            raise ValueError("it holds findings of another request")
    except FileNotFoundError:
        return None
    except (OSError, EvidenceError, ValidationError, ValueError, TypeError, LookupError) as error:
        log.warning("%s: the entry is ignored and measured anew: %s", place.name, str(error).splitlines()[0])
        return None
    return list(found)


def _write(place: Path, key: str, found: list[Finding]) -> None:
    """Write an entry whole or not at all; that a cache cannot be written is no reason to end an audit."""
    plain = [each.model_dump(mode="json") for each in found]
    entry = evidence.dumps({"schema": SCHEMA, "key": key, "digest": evidence.digest(plain), "findings": plain})
    try:
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".", suffix=".partial", delete=False) as file:
            draft = Path(file.name)
            file.write(entry)
        draft.replace(place)
    except OSError as error:
        log.warning("%s: the entry could not be written: %s", place.name, error.strerror)


def _unidentified(work: Casework) -> str | None:
    """Why no digest says which models these are, if none does."""
    audit, models = work.audit, _models(work)
    sources = {"candidate": audit.subject, "base": audit.base, "incumbent": audit.incumbent}
    for name, source in sources.items():
        if source is not None and source.python is not None and not _holds(models.get(name), source.python, work):
            return f"the {name} is Python code, and no artifact says that all of its files lie in one folder"
    if audit.base is not None and audit.base.python is not None and audit.base.references:
        return "base.references are Python code, and nothing says which files belong to them"
    for name, path in models.items():
        if any(each.is_symlink() and not each.is_file() for each in path.rglob("*")):
            return f"the folder of the {name} holds a link to no file"
    return None


def _holds(folder: Path | None, python: str, work: Casework) -> bool:
    """True where the code of a model lies in the folder that identifies it, with whatever else it needs."""
    children = () if work.fence is None else work.fence.children
    file = next((file_of(child) for child in children if child.name == python), None)
    return folder is not None and folder.is_dir() and file is not None and file.resolve().is_relative_to(folder)


def _tool() -> dict[str, Any]:
    """What measures: govkit with its source, every package that is installed, the interpreter and the machine."""
    return {
        "source": _source("govkit"),
        "packages": sorted(f"{each.name} {each.version}" for each in importlib.metadata.distributions()),
        "python": sys.version,
        "machine": platform.platform(),
    }


def _code(check: Check) -> str:
    """Digest of the source of a check from elsewhere; the checks of govkit are part of it."""
    module = check.function.__module__
    return "" if module.startswith("govkit.") else _source(module)


def _source(module: str) -> str:
    """Digest of the package that a module belongs to, or of the module's own file; what only judges is left out."""
    top = getattr(sys.modules.get(module.partition(".")[0]), "__file__", None)
    file = Path(top or str(sys.modules[module].__file__))
    files = sorted(file.parent.rglob("*")) if file.name == "__init__.py" else [file]
    found = {
        each.relative_to(file.parent).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in files
        if each.is_file() and not {"__pycache__", "_resources"} & set(each.parts)
    }
    return evidence.digest(found)


def _case(work: Casework) -> dict[str, Any]:
    """Digests of everything that a check can see of a case."""
    case = work.case
    return {
        "models": {name: _files(path) for name, path in _models(work).items()},
        "stored": {of: _stored(case, of) for of in MODELS},
        "data": {role: _rows(rows, case) for role, rows in case.data.items()},
        "foreign": None if case.foreign is None else _rows(case.foreign, case),
        "reference": None if case.reference is None else _table(case.reference),
        "base_trained_on": [data.bytes_digest(path) for path in case.base_trained_on],
        "suite": _suite(case),
        "run": None if case.run is None else case.run.model_dump(mode="json", by_alias=True),
        "service": None if case.service is None else dict(case.service),
        "classes": list(case.classes),
        "seed": str(case.seed),
    }


def _models(work: Casework) -> dict[str, Path]:
    """Where the models lie, by what they are to the case."""
    case, other = work.case, work.audit.incumbent
    served = getattr(case.incumbent, "path", None)
    if other is not None and other.artifact is not None:
        served = work.root / other.artifact
    found = {"candidate": work.path, "base": case.base_path, "incumbent": served}
    found |= {f"reference {number}": each.path for number, each in enumerate(case.reference_bases)}
    return {name: path.resolve() for name, path in found.items() if path is not None}


def _files(path: Path) -> str:
    """Digest of every file, also of those outside of the artifact digest, and of what links lead to: all is read."""
    linked = {}
    for each in sorted(path.rglob("*")):
        if each.is_symlink():
            with each.open("rb") as file:
                linked[each.relative_to(path).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return evidence.digest([manifest.digest_of(manifest.walk(path, strict=False)), linked])


def _stored(case: Case, of: Of) -> dict[str, Any]:
    """Digests of answers that no live model gave; to ask for those of a live one would cost passes."""
    live = {"candidate": case.subject, "base": case.base, "incumbent": case.incumbent}
    found = {} if live[of] is not None else {role: case.predictions(of, role) for role in case.data}
    return {
        role: [_array(part) for part in (given.labels, given.probabilities, given.scores)]
        for role, given in found.items()
        if given is not None
    }


def _rows(rows: Dataset, case: Case) -> list[Any]:
    """Content, form, order in the file, and what is broken there: findings name rows by their places."""
    # The digest of images is that of their bytes, whatever their files are called.
    names = _table(rows.table) if case.modality == "image" else []
    return [rows.digest, names, str(rows.table.schema), _array(rows.order), list(rows.broken)]


def _table(table: Any) -> list[Any]:
    digest, _, order = data.content_digest(table)
    return [digest, str(table.schema), _array(order)]


def _array(values: Array | None) -> str:
    if values is None:
        return ""
    whole = np.ascontiguousarray(values)
    return evidence.digest([str(whole.dtype), list(whole.shape), hashlib.sha256(whole.tobytes()).hexdigest()])


def _suite(case: Case) -> Any:
    if isinstance(case.suite, Path):
        return _files(case.suite)
    return case.suite
