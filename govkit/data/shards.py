"""The rows of a data source of one or many files, in parts, each column as what it is in the whole source."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from govkit.core.case import Array
from govkit.data.faults import Faults
from govkit.data.images import image_table
from govkit.data.jsonl import common_schema
from govkit.data.tables import FORMAT, READABLE, format_of, must_exist, parts, suffix
from govkit.data.typed import declared, kinds
from govkit.errors import DataError
from govkit.lazy import pa


def source(path: Path, schema: Mapping[str, str], faults: Faults | None = None) -> tuple[list[Path], Iterator[Array]]:
    """The files of a data source and its rows; the rows are read when asked for.

    Args:
        path: A file, a folder of table files, a pattern, a folder that ``datasets`` has saved, or a folder of images.
        schema: Column -> one of ``typed.KINDS``.
        faults: Is told the rows that are broken, which are then left out; not given, the first is an error.

    Raises:
        DataError: There is no such file, or the files have several formats; while the rows are read, as ``parts``, and
            for a cell that is not as declared.
    """
    files = _files(path)
    if not files:
        table = image_table(path)
        return [path / name for name in table["path"].to_pylist()], iter([table])
    for file in files:
        must_exist(file)
    formats = {format_of(file) for file in files}
    if len(formats) > 1:
        raise DataError(f"{path} holds files in the formats {', '.join(sorted(formats))}; name those of one format")
    return files, _rows(files, schema, formats.pop(), faults)


def _files(path: Path) -> list[Path]:
    """The files that hold the rows; none where it is for images to be looked for."""
    if set("*?[") & set(str(path)) and not path.exists():
        # Brackets of a folder that is there are its name.
        root = next(parent for parent in path.parents if parent.exists())
        found = _regular(root.glob(str(path.relative_to(root))))
        if not found:
            raise DataError(f"no file fits {path}; check the path")
        return found
    must_exist(path)
    if not path.is_dir():
        return [path]
    if (path / "dataset_dict.json").exists():
        splits = sorted(entry.name for entry in path.iterdir() if entry.is_dir())
        raise DataError(f"{path} holds several splits; name the folder of one: {', '.join(splits)}")
    if (path / "state.json").exists():
        try:
            saved = json.loads((path / "state.json").read_text(encoding="utf-8"))
            return [path / file["filename"] for file in saved["_data_files"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path / 'state.json'} is not as datasets writes it: {error!r}") from error
    # Beside shards, JSON holds metadata.
    shards = (file for file in path.iterdir() if suffix(file) in FORMAT and suffix(file) != ".json")
    return _regular(file for file in shards if not file.name.startswith("."))


def _regular(entries: Iterable[Path]) -> list[Path]:
    """The files among them, sorted; folders are left out.

    Raises:
        DataError: A link leads nowhere, or there is a pipe or a device: rows would be missing in silence.
    """
    found = sorted(entry for entry in entries if not entry.is_dir())
    for entry in found:
        must_exist(entry)
        if not entry.is_file():
            raise DataError(f"{entry} is a pipe, a device or a link to one; expected a file")
    return found


def _rows(files: Sequence[Path], schema: Mapping[str, str], format: str, faults: Faults | None) -> Iterator[Array]:
    """Up to three readings of text formats: JSON for the types of its keys, what text looks like, and the rows."""
    types, readable = None, READABLE[format]
    # What is broken is told once, in the last reading, where all types are known.
    untold = faults and Faults(faults.source)
    if format == "json":
        texts = [name for name, kind in schema.items() if kind == "text"]
        types = common_schema(_all_parts(files, pa.schema([]), untold), texts)
    untold = faults and Faults(faults.source)
    wanted = {**(kinds(_all_parts(files, types, untold), readable, known=schema) if readable else {}), **schema}
    names: set[str] = set()
    for file in files:
        row = 0
        for part in parts(file, schema=types, faults=faults):
            if not part.num_rows and faults is not None:
                continue
            names = names or {*part.column_names, *schema}
            same_names(file, part.column_names, names)
            yield _as_wanted(part, wanted, readable, file=file, row=row)
            row += part.num_rows


def same_names(file: Path, found: Collection[str], expected: Collection[str]) -> None:
    """Raise a DataError where a file has other columns than those before it, in whatever order."""
    if set(found) != set(expected):
        ours, theirs = (", ".join(map(repr, sorted(some))) for some in (found, expected))
        raise DataError(f"{file} has the columns {ours}; expected {theirs}")


def _all_parts(files: Sequence[Path], types: Array, faults: Faults | None) -> Iterator[Array]:
    return chain.from_iterable(parts(file, schema=types, faults=faults) for file in files)


def _as_wanted(part: Array, wanted: Mapping[str, str], readable: Collection[str], *, file: Path, row: int) -> Array:
    columns = dict(zip(part.column_names, part.columns, strict=True))
    for name, kind in ((name, wanted[name]) for name in columns if name in wanted):
        try:
            columns[name] = declared(columns[name], kind, readable=readable)
        except pa.ArrowInvalid as error:
            half = len(part) // 2
            if half:
                # Down to the first row at fault.
                _as_wanted(part[:half], {name: kind}, readable, file=file, row=row)
                _as_wanted(part[half:], {name: kind}, readable, file=file, row=row + half)
            found = f"{file}, row {row + 1}, column {name!r}: found {part[name].type} that is not {kind}"
            raise DataError(f"{found}, as it is declared; correct the cell or declare another kind") from error
    return pa.table(columns)
