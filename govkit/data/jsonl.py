"""Read JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from govkit.core.case import Array
from govkit.errors import DataError


def read_jsonl(path: Path, opened: Callable[[], Any], *, block: int) -> Array:
    """Read a table of one JSON object a line; a key that a line lacks is null.

    Args:
        path: The file, for messages.
        opened: Opens the file for bytes, unpacked.
        block: Bytes parsed at once.

    Raises:
        DataError: A line is no JSON object, or a key changes its type; names the row.
    """
    import pyarrow as pa
    from pyarrow import json as arrow_json

    options = arrow_json.ReadOptions(block_size=block)
    try:
        with opened() as file:
            return arrow_json.read_json(file, read_options=options)
    except pa.ArrowInvalid as error:
        with opened() as file:
            what = _first_fault(file)
        raise DataError(f"{path}{what or ': ' + ' '.join(str(error).split())}; expected one object a line") from error


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
