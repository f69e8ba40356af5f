"""The native readers that a hook cannot see, and which of their arguments name files.

This file imports only the standard library: children of a recorded process load it.
"""

# ruff: noqa: PTH112, PTH113, PTH118, PTH207
# pathlib takes ten times as long, and this runs at every call.

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

_POLARS = "avro csv database_uri delta excel ipc ipc_schema ipc_stream json lines ndjson ods parquet"
_SQL = "execute executemany from_csv_auto from_parquet from_query query read_csv read_json read_parquet sql"

READERS: dict[str, str] = {
    "pyarrow.lib": "memory_map OSFile input_stream",
    "pyarrow.parquet.core": "read_table read_metadata read_schema ParquetFile ParquetDataset",
    "pyarrow.dataset": "dataset parquet_dataset",
    "pyarrow._csv": "read_csv open_csv",
    "pyarrow._json": "read_json open_json",
    "pyarrow.feather": "read_table read_feather",
    "pyarrow.ipc": "open_file open_stream",
    "pyarrow.orc": "read_table ORCFile",
    "polars": " ".join(f"read_{name}" for name in _POLARS.split())
    + " scan_csv scan_delta scan_ipc scan_lines scan_ndjson scan_parquet",
    "safetensors": "safe_open",
    "torch": "from_file",
    "datasets.load": "load_from_disk",
    "datasets.arrow_dataset": "Dataset.load_from_disk Dataset.from_file",
    "datasets.dataset_dict": "DatasetDict.load_from_disk",
}
"""Module -> functions whose first argument names what they read: a file, a folder, a pattern, or a list of them."""

SQL = {"duckdb": f"connect {_SQL} " + " ".join(f"DuckDBPyConnection.{name}" for name in _SQL.split())}
"""Module -> functions that may name files in any argument, also quoted within a text."""

LOADERS = {"datasets.load": "load_dataset"}
"""Module -> functions with the arguments of ``datasets.load_dataset``."""

_FIRST = (
    "source path where filename file file_path uri path_or_paths path_or_dataset input_file metadata_path dataset_path "
    "dataset_dict_path"
)


def wrap_readers(patches: Any, ledger: Any) -> None:
    """Have every reader note the files that it is given in a ledger, before it runs."""

    def noting(find: Callable[[tuple[Any, ...], dict[str, Any]], Iterator[str]]) -> Any:
        def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            ledger.calls["wrapper"] += 1
            mode = kwargs.get("mode", args[1] if len(args) > 1 else "")
            for path in find(args, kwargs):
                ledger.note("wrapper", path, "w" if isinstance(mode, str) and mode.startswith("w") else "r")
            return original(*args, **kwargs)

        return around

    for find, table in ((_given, READERS), (_quoted, SQL), (loaded, LOADERS)):
        for module, names in table.items():
            for name in names.split():
                patches.wrap(module, name, noting(find))


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    named = [value for name, value in kwargs.items() if name in _FIRST.split()]
    return _files([*args[:1], *named], folders=True)


def _quoted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    texts: list[Any] = []
    for each in _names([args, kwargs]):
        # A query is no pattern, whatever signs it holds.
        texts += [*each.split("'")[1::2], *each.split('"')[1::2], *([] if " " in each else [each])]
    return _files(texts, folders=False)


def loaded(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[str]:
    """Local files that the arguments of ``datasets.load_dataset`` name."""
    given = dict(zip(("path", "name", "data_dir", "data_files"), args, strict=False)) | kwargs
    # A builder comes before a folder of its name.
    builders = getattr(sys.modules.get("datasets.packaged_modules"), "_PACKAGED_DATASETS_MODULES", ())
    places = [each for each in _names(given.get("path")) if each not in builders and os.path.isdir(each)]
    places += _names(given.get("data_dir"))
    files = given.get("data_files")
    named = [os.path.join(*places, each) for each in _names(files)]
    return _files([os.path.join(*places)] if files is None and places else named, folders=files is None)


def _names(value: Any) -> Iterator[str]:
    """The texts and paths in lists and dicts."""
    if isinstance(value, dict | list | tuple | set):
        for each in list(value.values() if isinstance(value, dict) else value):
            yield from _names(each)
    elif isinstance(value, str | os.PathLike) and isinstance(name := os.fspath(value), str):
        yield name


def _files(value: Any, *, folders: bool) -> Iterator[str]:
    """Files that exist: a path, those of a pattern, or those in a folder whose names begin with neither . nor _."""
    for name in (each.removeprefix("file://") for each in _names(value) if "\0" not in each):
        if os.path.isfile(name):
            yield name
        elif any(sign in name for sign in "*?[") and ("." in name or "/" in name):
            import glob

            yield from filter(os.path.isfile, glob.iglob(name, recursive=True))
        elif folders and os.path.isdir(name):
            for at, inner, names in os.walk(name):
                inner[:] = [each for each in inner if each[0] not in "._"]
                yield from (os.path.join(at, each) for each in names if each[0] not in "._")
