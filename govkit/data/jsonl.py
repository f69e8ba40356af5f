"""Read JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from govkit.core.case import Array
from govkit.data.faults import Faults
from govkit.errors import DataError
from govkit.lazy import pa

BLOCK = 1 << 24
"""Bytes that are parsed at once; a longer line is a part of its own."""

LONGEST = 1 << 26
"""The longest possible line in bytes."""

DEEP = 500
"""Brackets of a line that Arrow may see without a look at how deep they lie: far deeper ones end the process."""

SPLITS = 10_000
"""How often a part may be halved in the search for lines that Arrow cannot read."""

_Lines = list[tuple[int, bytes]]
"""Lines with their places among the rows of the file."""


def jsonl_parts(path: Path, opened: Callable[[], Any], schema: Array, faults: Faults | None = None) -> Iterator[Array]:
    """Read a table of one JSON object a line, in parts of about ``BLOCK`` bytes; a key that a line lacks is null.

    Args:
        path: The file, for messages.
        opened: Opens the file for bytes, unpacked.
        schema: Types of keys; a key that it lacks has in each part the type that its values show there.
        faults: Is told the lines that are broken, which are then left out; not given, the first is an error.

    Raises:
        DataError: A line is no JSON object, or a key changes its type; names the row. A line is too long.
    """
    if faults is not None:
        with opened() as file:
            yield from _Tolerant(path, schema, faults).parts(_blocks(path, file))
        return
    try:
        with opened() as file:
            for data in _blocks(path, file):
                if data.strip():
                    if any(map(_too_deep, data.split(b"\n"))):
                        raise pa.ArrowInvalid("a line is nested too deep")
                    yield _parsed(data, schema)
    except pa.ArrowInvalid as error:
        with opened() as file:
            what = _first_fault(file)
        with opened() as file:
            what = what or _first_untold(path, schema, file)
        raise DataError(f"{path}{what or ': ' + ' '.join(str(error).split())}; expected one object a line") from error


def _blocks(path: Path, file: Any) -> Iterator[bytes]:
    """Whole lines, about ``BLOCK`` bytes at once; a last line without an end would not show its types alone."""
    whole, rest = b"", b""
    while data := file.read(BLOCK):
        rest += data
        cut = rest.rfind(b"\n") + 1
        if cut:
            if whole:
                yield whole
            whole, rest = rest[:cut], rest[cut:]
        elif len(rest) > LONGEST:
            raise DataError(f"{path} has a line of more than {LONGEST >> 20} MB; expected one object a line")
    yield whole + rest


def _parsed(data: bytes, schema: Array) -> Array:
    from pyarrow import json as arrow_json

    # Arrow reads a last line without an end by itself, and knows nothing of the others there.
    data = data if data.endswith(b"\n") else data + b"\n"
    options = arrow_json.ReadOptions(block_size=len(data) + 1)

    def read(schema: Array) -> Array:
        parse = arrow_json.ParseOptions(explicit_schema=schema)
        return arrow_json.read_json(pa.BufferReader(data), read_options=options, parse_options=parse)

    table = read(schema)
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        # Arrow miscounts a list whose first element is null, unless it is told what the list holds.
        table = read(table.schema)
        table.validate(full=True)
    return table


def _too_deep(line: bytes) -> bool:
    if len(line) < DEEP or line.count(b"[") + line.count(b"{") < DEEP:
        return False
    try:
        json.loads(line)
    except RecursionError:
        return True
    except ValueError:
        # It may be cut, or no UTF-8, below any depth.
        return True
    return False


@dataclass
class _Tolerant:
    """Reads what can be read and tells the lines that cannot."""

    path: Path
    schema: Array
    faults: Faults
    splits: int = 0

    def __post_init__(self) -> None:
        self.kinds = {field.name: _kind_of(field.type) for field in self.schema}

    def parts(self, blocks: Iterable[bytes]) -> Iterator[Array]:
        row = 0
        for data in blocks:
            start = data.removeprefix(b"\xef\xbb\xbf") if not row else data
            lines = list(enumerate((line for line in start.split(b"\n") if line.strip()), row))
            row += len(lines)
            table = self._read(lines)
            for part in self._halved(list(self._checked(lines))) if table is None else [table]:
                for field in part.schema:
                    self.kinds[field.name] = self.kinds.get(field.name) or _kind_of(field.type)
                yield part

    def _read(self, lines: _Lines) -> Array | None:
        """The table of some lines; None unless each is one object."""
        stripped = [line.strip() for _, line in lines]
        if any(not (line.startswith(b"{") and line.endswith(b"}")) or _too_deep(line) for line in stripped):
            return None
        data = b"\n".join(stripped)
        try:
            data.decode()
            # Two objects on one line would hide that another line is none.
            table = _parsed(data, self.schema) if data else self.schema.empty_table()
        except (UnicodeDecodeError, pa.ArrowInvalid):
            return None
        return table if table.num_rows == len(lines) else None

    def _checked(self, lines: _Lines) -> Iterator[tuple[int, bytes]]:
        """The lines without those that Python finds at fault, which is cheap for any number of them."""
        for row, line in lines:
            what = _fault(line, self.kinds)
            if what:
                self.faults.skip(row, what)
                self.faults.check()
            else:
                yield row, line

    def _halved(self, lines: _Lines) -> Iterator[Array]:
        """Down to those lines that only Arrow finds at fault."""
        table = self._read(lines)
        if table is not None:
            yield table
        elif len(lines) == 1:
            self.faults.skip(
                lines[0][0], "a key twice, a list of nulls, or a value of another type than in the rows before"
            )
        else:
            self.splits += 1
            if self.splits > SPLITS:
                raise DataError(
                    f"{self.path}: the rows contradict one another in too many places, as in row {lines[0][0] + 1}"
                )
            half = len(lines) // 2
            yield from self._halved(lines[:half])
            yield from self._halved(lines[half:])


def common_schema(parts: Iterable[Array], texts: Collection[str] = ()) -> Array:
    """The types that reading all parts as one would give.

    Where two parts contradict each other the first is right: reading the other by this schema then names the row.

    Args:
        parts: Tables; keys may be missing.
        texts: Keys whose times are to stay text.
    """
    types: dict[str, Array] = {}
    for part in parts:
        for field in part.schema:
            kind = pa.string() if field.name in texts and field.type == pa.timestamp("s") else field.type
            types[field.name] = _wider(types.get(field.name, pa.null()), kind)
    return pa.schema(list(types.items()))


def _wider(one: Array, other: Array) -> Array:
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
        text = line.decode("utf-8-sig").encode()
        row += bool(text.strip())
        what = _fault(text, kinds) if text.strip() else ""
        if what:
            return f", row {row}: {what}"
    return ""


def _first_untold(path: Path, schema: Array, file: Any) -> str:
    """Find the line that only Arrow finds at fault; empty where none is by itself."""
    faults = Faults(path)
    for _ in _Tolerant(path, schema, faults).parts(_blocks(path, file)):
        if faults.found:
            break
    return "".join(f", {faults.found[row]}" for row in sorted(faults.found)[:1])


def _fault(line: bytes, kinds: dict[str, str]) -> str:
    """What is wrong with a line; ``kinds`` holds what the keys were before, and learns."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg})"
    except RecursionError:
        return "nested too deep"
    if not isinstance(value, dict):
        return f"found {_kind(value)}"
    found = {key: _kind(cell) for key, cell in value.items() if cell is not None}
    for key, kind in found.items():
        if (kinds.get(key) or kind) != kind:
            return f"{key!r} is {kind} and was {kinds[key]} before"
    kinds.update(found)
    return ""


def _kind_of(type: Array) -> str:
    """What JSON calls the values of an Arrow type; empty where it is not known yet."""
    is_ = pa.types
    named = {
        "": is_.is_null,
        "a truth": is_.is_boolean,
        "text": lambda kind: is_.is_string(kind) or is_.is_timestamp(kind),
        "a list": is_.is_list,
        "an object": is_.is_struct,
    }
    return next((name for name, fits in named.items() if fits(type)), "a number")


def _kind(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    kinds = {bool: "a truth", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return kinds[type(value)]
