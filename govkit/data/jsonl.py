"""Read JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from govkit.core.case import Array
from govkit.errors import DataError

BLOCK = 1 << 24
"""Bytes that are parsed at once; a longer line is a part of its own."""


def jsonl_parts(path: Path, opened: Callable[[], Any], schema: Array) -> Iterator[Array]:
    """Read a table of one JSON object a line, in parts of about ``BLOCK`` bytes; a key that a line lacks is null.

    Args:
        path: The file, for messages.
        opened: Opens the file for bytes, unpacked.
        schema: Types of keys; a key that it lacks has in each part the type that its values show there.

    Raises:
        DataError: A line is no JSON object, or a key changes its type; names the row.
    """
    import pyarrow as pa
    from pyarrow import json as arrow_json

    parse = arrow_json.ParseOptions(explicit_schema=schema)
    try:
        with opened() as file:
            while data := b"".join(file.readlines(BLOCK)):
                if data.strip():
                    read = arrow_json.ReadOptions(block_size=len(data) + 1)
                    yield arrow_json.read_json(pa.BufferReader(data), read_options=read, parse_options=parse)
    except pa.ArrowInvalid as error:
        with opened() as file:
            what = _first_fault(file)
        raise DataError(f"{path}{what or ': ' + ' '.join(str(error).split())}; expected one object a line") from error


def common_schema(parts: Iterable[Array], texts: Collection[str] = ()) -> Array:
    """The types that reading all parts as one would give.

    Where two parts contradict each other the first is right: reading the other by this schema then names the row.

    Args:
        parts: Tables; keys may be missing.
        texts: Keys whose times are to stay text.
    """
    import pyarrow as pa

    types: dict[str, Array] = {}
    for part in parts:
        for field in part.schema:
            kind = pa.string() if field.name in texts and field.type == pa.timestamp("s") else field.type
            types[field.name] = _wider(types.get(field.name, pa.null()), kind)
    return pa.schema(list(types.items()))


def _wider(one: Array, other: Array) -> Array:
    import pyarrow as pa

    is_ = pa.types
    if is_.is_null(one):
        return other
    if is_.is_list(one) and is_.is_list(other):
        return pa.list_(_wider(one.value_type, other.value_type))
    if is_.is_struct(one) and is_.is_struct(other):
        fields = {field.name: field.type for field in one}
        for field in other:
            fields[field.name] = _wider(fields.get(field.name, pa.null()), field.type)
        return pa.struct(list(fields.items()))
    wider = {(pa.int64(), pa.float64()), (pa.timestamp("s"), pa.string())}
    return other if (one, other) in wider else one


def _first_fault(lines: Any) -> str:
    """Find the line that Arrow stopped at, which it cannot name reliably.

    Raises:
        UnicodeDecodeError: The file is not UTF-8.
    """
    kinds: dict[str, str] = {}
    row = 0
    for line in lines:
        text = line.decode("utf-8-sig").strip()
        if not text:
            continue
        row += 1
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            return f", row {row}: not JSON ({error.msg})"
        if not isinstance(value, dict):
            return f", row {row}: found {_kind(value)}"
        for key, cell in value.items():
            kind = _kind(cell)
            if kind != "null" and kinds.setdefault(key, kind) != kind:
                return f", row {row}: {key!r} is {kind} and was {kinds[key]} before"
    return ""


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    kinds = {bool: "a truth", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return kinds[type(value)]
