"""What went into a run: the base and the data, each with its digest and the license that its signs name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from govkit import licenses, manifest
from govkit.core import Component, Fact, LicenseEvidence, LicenseRecord, Role
from govkit.data import content_digest, read_table
from govkit.errors import UsageError
from govkit.lineage.facts import NOT_APPLICABLE, OPEN, observed, stated

_SNAPSHOT = re.compile(r"models--(?P<id>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})$")


def base_component(
    folder: Path, *, package: str | None, license: str | None, base_id: str | None, revision: str | None = None
) -> Component:
    """The pretrained base: a folder with its files.

    Its id and revision are those of the hub cache or of the package that it lies in; a folder elsewhere shows neither,
    so its name is the id and the revision is unknown.

    Raises:
        UsageError: There is no such folder, it holds no file, or the package does not hold it.
    """
    if not folder.is_dir():
        raise UsageError(f"the base {str(folder)!r} is not a folder: name the folder that holds the base model")
    files = manifest.artifact_files(folder, strict=False)
    if not files:
        raise UsageError(f"the base {str(folder)!r} is an empty folder: name the folder that holds the base model")
    record = _license(folder, package=package, license=license)
    found_id, found_revision = _origin(folder.resolve(), package)
    return Component(
        role="base",
        id=stated(base_id) if base_id is not None else found_id,
        revision=stated(revision) if revision is not None else found_revision,
        digest=observed(manifest.digest_of(files)),
        rows=NOT_APPLICABLE,
        license=record,
        notes=_config_notes(folder),
    )


def _origin(folder: Path, package: str | None) -> tuple[Fact, Fact]:
    snapshot = _SNAPSHOT.search(folder.as_posix())
    if snapshot:
        return observed(snapshot["id"].replace("--", "/")), observed(snapshot["commit"])
    if package is not None:
        distribution = metadata.distribution(package)
        return observed(distribution.metadata["Name"]), observed(f"{package}=={distribution.version}")
    return observed(folder.name), OPEN


def _config_notes(folder: Path) -> dict[str, Fact]:
    """The name in the base's own config is a claim of its maker, and often names the ancestor: a note, not the id."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    name = config.get("_name_or_path") if isinstance(config, dict) else None
    return {"config_name_or_path": stated(name)} if isinstance(name, str) and name else {}


def data_component(
    data: Any,
    *,
    role: Role,
    id: str | None,
    revision: str | None,
    license: str | None,
    package: str | None,
    folder: str | Path | None,
    notes: Mapping[str, Any] | None,
) -> Component:
    """A data source: rows given as a path, records, a frame, a table or a ``datasets.Dataset``.

    Raises:
        UsageError: The rows cannot be read, or a package or folder does not exist.
    """
    path = Path(data) if isinstance(data, str | Path) else None
    table = read_table(path) if path is not None else as_table(data)
    if table.num_rows == 0:
        raise UsageError(f"the {role} data {id or path or type(data).__name__} holds no rows")
    place = folder if folder is not None else _inside(path, package)
    record = _license(place, package=package, license=license, look=folder is not None or package is not None)
    return Component(
        role=role,
        id=stated(id) if id is not None else observed(path.name if path is not None else None),
        revision=_data_revision(revision, package),
        digest=observed(content_digest(table)[0]),
        rows=observed(table.num_rows),
        license=record,
        notes={name: stated(value) for name, value in (notes or {}).items()},
    )


def _inside(path: Path | None, package: str | None) -> Path | None:
    """The file itself, unless it was made from what a package holds: then the package is where to look."""
    if path is None or package is None or path.resolve().is_relative_to(_package_folder(package).resolve()):
        return path
    return None


def _data_revision(revision: str | None, package: str | None) -> Fact:
    if revision is not None:
        return stated(revision)
    return OPEN if package is None else observed(f"{package}=={metadata.version(package)}")


def as_table(data: Any) -> Any:
    """Rows as a ``pyarrow.Table``.

    Args:
        data: A pyarrow table, a pandas frame, a ``datasets.Dataset`` or a sequence of dicts.

    Raises:
        UsageError: It is none of these, or its columns mix kinds.
    """
    import pyarrow as pa

    kind = type(data)
    module = kind.__module__.split(".")[0]
    try:
        if isinstance(data, pa.Table):
            return data
        if module == "pandas" and kind.__name__ == "DataFrame":
            return pa.Table.from_pandas(data, preserve_index=False)
        if module == "datasets" and kind.__name__ == "Dataset":
            return data.with_format("arrow")[:]
        if isinstance(data, Sequence) and not isinstance(data, str | bytes) and all(isinstance(r, dict) for r in data):
            return pa.Table.from_pylist(list(data))
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


def _package_folder(package: str) -> Path:
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise UsageError(f"the package {package!r} is not installed here: install it, or do not name it") from None
    for file in distribution.files or ():
        if len(file.parts) > 1 and not file.parts[0].endswith((".dist-info", ".data")) and file.parts[0] != "..":
            return Path(str(distribution.locate_file(file.parts[0])))
    raise UsageError(f"the package {package!r} installs no folder: name the folder of the data")
