"""What went into a run: the base and the data, each with its digest and the license that its signs name."""

from __future__ import annotations

import json
import os
import re
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from govkit import licenses, manifest
from govkit.core import Component, Fact, LicenseEvidence, LicenseRecord, Role
from govkit.data import RowsDigest, batches_digest, bytes_digest, file_digest
from govkit.errors import EvidenceError, UsageError
from govkit.lazy import pa
from govkit.lineage.facts import NOT_APPLICABLE, TOLD, observed, stated
from govkit.subjects.weights import NO_WEIGHTS

_SNAPSHOT = re.compile(r"models--(?P<id>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})(/|$)")
TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".pq", ".arrow", ".feather", ".csv.gz", ".jsonl.gz")
"""Endings of files that are taken for data when a run opens them."""
WEIGHTS = frozenset({".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".gguf", ".onnx", ".joblib", ".pkl"})
"""Suffixes of files that hold weights."""
BATCH = 10_000
"""Rows in memory that are digested at a time."""


def base_component(
    place: Path, *, package: str | None, license: str | None, base_id: str | None, revision: str | None = None
) -> Component:
    """The pretrained base: a folder, or a file of weights.

    Its id and revision are those of the hub cache or of the package that it lies in; a place elsewhere shows neither,
    so its name is the id and the revision is unknown.

    Raises:
        UsageError: There is no such place, it holds no file, or the package does not hold it.
    """
    if not place.exists():
        raise UsageError(f"the base {str(place)!r} does not exist: name the folder or file that holds the base model")
    try:
        files = manifest.artifact_files(place, strict=False)
    except EvidenceError as error:
        raise UsageError(f"the base {str(place)!r} cannot be digested: {error}") from None
    if not files:
        raise UsageError(f"the base {str(place)!r} is an empty folder: name the folder that holds the base model")
    folder = place if place.is_dir() else place.parent
    # Beside a single file may lie the license of the project around it.
    project = place.is_file() and (folder.resolve() == Path.cwd().resolve() or (folder / ".git").exists())
    record = _license(place, package=package, license=license, look=not project)
    found_id, found_revision = _origin(place.resolve(), package or package_of(place))
    return Component(
        role="base",
        id=stated(base_id) if base_id is not None else found_id,
        revision=stated(revision) if revision is not None else found_revision,
        digest=observed(manifest.digest_of(files)),
        rows=NOT_APPLICABLE,
        license=record,
        details={
            "files": observed({file.path: f"sha256:{file.sha256}" for file in files}),
            **_card(folder, look=not project),
        },
        notes=_config_notes(folder),
    )


def no_base(why: str) -> Component:
    """The base of a run that nobody named and nobody saw."""
    unknown = observed(None, why)
    license = LicenseRecord(expression=None, state="unknown", reason="the base is not known")
    return Component(
        role="base", id=unknown, revision=unknown, digest=unknown, rows=NOT_APPLICABLE, license=license,
        details=dict.fromkeys(("files", "ancestors", "training_data", "scratch_cost"), unknown),
    )  # fmt: skip


def weights_of(place: Path) -> frozenset[str]:
    """Digests of the files of weights in a place: two copies of one base share them, whatever lies beside."""
    files = [place] if place.is_file() else place.rglob("*")
    held = [file for file in files if file.suffix in WEIGHTS and not file.name.startswith(NO_WEIGHTS)]
    # A hub's cache holds links to blobs: what counts is what they point to.
    return frozenset(manifest.walk(file.resolve(), strict=False)[0].sha256 for file in held if file.is_file())


def _origin(place: Path, package: str | None) -> tuple[Fact, Fact]:
    snapshot = _SNAPSHOT.search(place.as_posix())
    if snapshot:
        return observed(snapshot["id"].replace("--", "/")), observed(snapshot["commit"])
    if package is not None:
        distribution = metadata.distribution(package)
        return observed(distribution.metadata["Name"]), observed(f"{package}=={distribution.version}")
    why = "neither a hub's cache nor a package tells which version this is"
    return observed(place.name), observed(None, why)


def _card(folder: Path, *, look: bool) -> dict[str, Fact]:
    """What the card of a base says of its own making, in the fields that model hubs use."""
    head = licenses.front_matter(folder) if look else {}
    why = "its card does not say, or there is none"
    ancestors, data = (_listed(head.get(name)) for name in ("base_model", "datasets"))
    cost = head.get("co2_eq_emissions")
    return {
        "ancestors": stated(ancestors, "" if ancestors else why),
        "training_data": stated(data, "" if data else why),
        "scratch_cost": stated(str(cost) if cost is not None else None, "" if cost is not None else why),
    }


def _listed(value: Any) -> list[str] | None:
    values = value if isinstance(value, list) else [value]
    return [str(item) for item in values if item is not None] or None


def _config_notes(folder: Path) -> dict[str, Fact]:
    """The name in the base's own config is a claim of its maker, and often names the ancestor: a note, not the id."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    name = config.get("_name_or_path") if isinstance(config, dict) else None
    return {"config_name_or_path": stated(name)} if isinstance(name, str) and name else {}


@dataclass(frozen=True)
class Telling:
    """What somebody says of a data source besides its rows; see :meth:`Recorder.add_data`."""

    id: str | None = None
    revision: str | None = None
    license: str | None = None
    package: str | None = None
    folder: str | Path | None = None
    collection: str | None = None
    consent: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A data source of a run.

    Attributes:
        component: What the record says; its place is still a path of this machine.
        rows: A temporary file with the sorted digests of its rows.
    """

    component: Component
    rows: IO[bytes]


def data_source(data: Any, *, role: Role | None, said: Telling, held: ExitStack) -> Source:
    """A data source: rows given as a path, records, a frame, a table or a ``datasets.Dataset``.

    Args:
        data: The rows, or where they lie.
        role: What they are used for, None where nobody said.
        said: What is declared of them.
        held: Closes the temporary file.

    Raises:
        UsageError: The rows cannot be read, or a package or folder does not exist.
    """
    path = Path(data) if isinstance(data, str | Path) else None
    if path is not None and named(path) != str(path):
        raise UsageError(f"the file name {str(path)!a} is no UTF-8: rename the file")
    rows = held.enter_context(TemporaryFile())  # noqa: SIM115
    found = file_digest(path, keep=rows) if path is not None else _digest(data, keep=rows)
    if found.rows == 0:
        raise UsageError(f"the {role} data {said.id or path or type(data).__name__} holds no rows")
    place = said.folder if said.folder is not None else _inside(path, said.package)
    look = said.folder is not None or said.package is not None
    record = _license(place, package=said.package, license=said.license, look=look)
    memory = "the rows were given from memory, not from a file"
    component = Component(
        role=role or "unknown",
        id=stated(said.id) if said.id is not None else observed(path.name if path is not None else None, memory),
        revision=_data_revision(said.revision, said.package),
        digest=observed(found.digest),
        rows=observed(found.rows),
        license=record,
        details={
            "place": observed(None if path is None else str(path.absolute()), memory),
            "bytes": observed(found.bytes_digest or None, memory),
            "columns": observed(list(found.columns)),
            "role": stated(role, TOLD["data.role"]),
            "collection": stated(said.collection, TOLD["data.collection"]),
            "consent": stated(said.consent, TOLD["data.consent"]),
        },
        notes={name: stated(value) for name, value in said.notes.items()},
    )
    return Source(component, rows)


def bytes_of(path: Path) -> str | None:
    """Digest of the bytes of a data source; None where it can no longer be read."""
    try:
        return bytes_digest(path)
    except (UsageError, EvidenceError):
        return None


def named(path: Path) -> str:
    """A path as text: a record cannot hold a name that is no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _inside(path: Path | None, package: str | None) -> Path | None:
    """The file itself, unless it was made from what a package holds: then the package is where to look."""
    if path is None or package is None or path.resolve().is_relative_to(_package_folder(package).resolve()):
        return path
    return None


def _data_revision(revision: str | None, package: str | None) -> Fact:
    if revision is not None:
        return stated(revision)
    version = None if package is None else f"{package}=={metadata.version(package)}"
    return observed(version, TOLD["data.revision"])


def _digest(data: Any, *, keep: IO[bytes]) -> RowsDigest:
    """Digest of rows in memory.

    Raises:
        UsageError: It is no pyarrow table, pandas frame, ``datasets.Dataset`` or sequence of dicts, or its columns mix
            kinds.
    """
    kind = type(data)
    module = kind.__module__.split(".")[0]
    try:
        if module == "datasets" and kind.__name__ == "Dataset":
            parts = data.with_format("arrow").iter(BATCH)
            return batches_digest(parts, data.column_names, keep=keep)
        if module == "pandas" and kind.__name__ == "DataFrame":
            data = pa.Table.from_pandas(data, preserve_index=False)
        elif (
            isinstance(data, Sequence) and not isinstance(data, str | bytes) and all(isinstance(r, dict) for r in data)
        ):
            data = pa.Table.from_pylist(list(data))
        if isinstance(data, pa.Table):
            return batches_digest(data.to_batches(BATCH), data.column_names, keep=keep)
    except pa.ArrowException as error:
        raise UsageError(f"the rows cannot be read as a table: {error}") from None
    raise UsageError(
        f"data of type {module}.{kind.__name__} is not supported: give a path, a list of dicts, a pandas frame, "
        "a pyarrow table or a datasets.Dataset"
    )


def _license(place: str | Path | None, *, package: str | None, license: str | None, look: bool = True) -> LicenseRecord:
    """Signs found at the place, and the declared license beside them: a contradiction is a conflict."""
    evidence: list[LicenseEvidence] = [licenses.declared(license)] if license is not None else []
    if look:
        if place is None and package is not None:
            place = _package_folder(package)
        if place is not None:
            evidence += licenses.find(place, package=package)
    return licenses.conclude(evidence)


def package_of(place: Path) -> str | None:
    """Name of the installed distribution that a file or folder came in, where one alone can have brought it."""
    packages = Path(sysconfig.get_path("purelib")).resolve()
    if not place.resolve().is_relative_to(packages) or place.resolve() == packages:
        return None
    names = metadata.packages_distributions().get(place.resolve().relative_to(packages).parts[0], [])
    return names[0] if len(names) == 1 else None


def _package_folder(package: str) -> Path:
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise UsageError(f"the package {package!r} is not installed here: install it, or do not name it") from None
    for file in distribution.files or ():
        if len(file.parts) > 1 and not file.parts[0].endswith((".dist-info", ".data")) and file.parts[0] != "..":
            return Path(str(distribution.locate_file(file.parts[0])))
    raise UsageError(f"the package {package!r} installs no folder: name the folder of the data")
