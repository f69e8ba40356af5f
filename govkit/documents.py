"""Reads and writes the files that people write, by a small and strict subset of YAML, and says where they are wrong.

Refused: duplicate and unknown keys, aliases (they can multiply a file without end), tags, keys that are not text, more
than one document, deep nesting, numbers that JSON cannot carry. ``yes``, ``on`` and ``2027-05-31`` are text, as in
YAML 1.2. Every message has the form ``FILE:LINE: KEY: what is wrong``.
"""

from __future__ import annotations

import difflib
import math
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from govkit.core.plain import plain_json
from govkit.errors import UsageError

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
"""Values of a file that a person writes; the largest shipped policy has a tenth."""

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
SHOWN = 8
"""How many faults one message lists; the rest is counted."""

_TAG = "tag:yaml.org,2002:"
_RESOLVERS = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
)

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A file as plain data.

    Attributes:
        name: How messages call it.
        data: Dicts, lists, text, numbers, truths and None.
        lines: Place, as keys and indices -> line, from 1; empty where no lines are known.
        error: Class of the errors about it.
    """

    name: str
    data: Any
    lines: dict[Place, int]
    error: type[UsageError]

    def line(self, place: Place) -> int:
        """Line of ``place``, or of the nearest thing around it; 0 where none is known."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 0)

    def spot(self, place: Place) -> str:
        """``FILE:LINE``."""
        line = self.line(place)
        return f"{self.name}:{line}" if line else self.name

    def fault(self, place: Place, message: str) -> UsageError:
        """An error that names the file and the line."""
        return self.error(f"{self.spot(place)}: {message}")


class _Refused(yaml.MarkedYAMLError):
    """YAML that is well formed and not allowed here."""

    def __init__(self, problem: str, at: Any) -> None:
        super().__init__(problem=problem, problem_mark=at.start_mark)


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases, tags and deep nesting while doing so."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = self.nodes = 0
        self.lines: dict[Place, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _Refused("aliases (*name) are not allowed", event)
        if event.tag is not None:
            raise _Refused(f"the tag {event.tag!r} is not allowed; write plain YAML", event)
        if re.search("[\ud800-\udfff]", getattr(event, "value", "")):
            raise _Refused("half a character (\\ud800 to \\udfff) is not text", event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Refused(f"holds more than {MAX_NODES:,} values", event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def plain(self, node: Any, place: Place = ()) -> Any:
        """The data of a node; notes the line of every place in it."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return dict(self._entry(key, value, place) for key, value in node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*place, index)) for index, item in enumerate(node.value)]
        try:
            return _SCALARS[node.tag.removeprefix(_TAG)](node.value)
        except ValueError as problem:
            raise _Refused(str(problem), node) from None

    def _entry(self, key: Any, value: Any, place: Place) -> tuple[str, Any]:
        if key.tag != _TAG + "str":
            shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            raise _Refused(f"the key {shown} is not text; put it in quotes", key)
        name, here = key.value, (*place, key.value)
        if here in self.lines:
            raise _Refused(f"the key {name!r} stands twice; it first stands in line {self.lines[here]}", key)
        self.lines[here] = key.start_mark.line + 1
        return name, self.plain(value, here)


class _Dumper(yaml.SafeDumper):
    """Writes what ``_Loader`` reads back unchanged: text that looks like a number is quoted."""

    yaml_implicit_resolvers = {key: list(value) for key, value in yaml.SafeDumper.yaml_implicit_resolvers.items()}

    def text(self, text: str) -> yaml.ScalarNode:
        """Lines stand as lines; other line breaks and invisible characters are escaped, or YAML would fold them."""
        lines = text.removesuffix("\n").split("\n")
        block = len(lines) > 1 and all(line.isprintable() and line.strip(" ") == line != "" for line in lines)
        return self.represent_scalar(_TAG + "str", text, style="|" if block else None if text.isprintable() else '"')


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(_pattern), _first)
    _Dumper.add_implicit_resolver(_TAG + _tag, re.compile(_pattern), _first)
_Dumper.add_representer(str, _Dumper.text)


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise ValueError(f"the number {text[:20]!r} is too large to be exact")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]!r} is not finite")
    return number


_SCALARS: dict[str, Any] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _number,
    "str": str,
}


def dump(data: Any) -> str:
    """YAML text of plain data; ``parse`` reads it back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def read_text(path: Path, *, error: type[UsageError], max_bytes: int = MAX_BYTES) -> str:
    """Text of a UTF-8 file, read as ``read_raw`` does; a byte order mark is dropped.

    Raises:
        UsageError: As the class ``error``: as ``read_raw``, or it is not UTF-8.
    """
    raw = read_raw(path, error=error, max_bytes=max_bytes)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise error(f"{path}:{line}: byte {problem.start} is not UTF-8; save the file as UTF-8") from None


def read_raw(path: Path, *, error: type[UsageError], max_bytes: int = MAX_BYTES) -> bytes:
    """Bytes of a regular file of at most ``max_bytes`` bytes.

    Raises:
        UsageError: As the class ``error``: there is no such file, or it is a folder, a pipe or too large.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            found = "found a folder; expected a file" if stat.S_ISDIR(mode) else "expected a regular file"
            raise error(f"{path}: cannot be read ({found})")
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as problem:
        raise error(f"{path}: cannot be read ({problem.strerror or problem})") from None
    except ValueError as problem:
        raise error(f"{str(path)!r} cannot be the name of a file ({problem})") from None
    if len(raw) > max_bytes:
        raise error(f"{path}: larger than {max_bytes} bytes, which no file of this kind is")
    return raw


def parse(text: str, name: str, *, error: type[UsageError]) -> Document:
    """Parse the text of one YAML document whose top is a mapping; JSON is YAML too.

    Raises:
        UsageError: As the class ``error``: it is not YAML, is empty, or uses something that is refused here.
    """
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise error(f"{name}:{line}: the character U+{ord(found.group()):04X} may not stand in a YAML file")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = loader.plain(node) if node else None
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark else 1
        raise error(f"{name}:{line}: {_problem(problem, text, line)}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as problem:
        raise error(f"{name}: not valid YAML ({problem})") from None
    if node is None:
        raise error(f"{name}: the file is empty; expected keys and values")
    document = Document(name, data, loader.lines, error)
    if not isinstance(data, dict):
        shown = {list: "a list", str: "text", type(None): "nothing", bool: "a truth"}.get(type(data), "a number")
        raise document.fault((), f"expected keys and values at the top, found {shown}")
    return document


def _problem(problem: yaml.MarkedYAMLError, text: str, line: int) -> str:
    if isinstance(problem, _Refused):
        return str(problem.problem)
    for number, row in enumerate(text.splitlines()[:line], 1):
        if number >= line - 1 and "\t" in row[: len(row) - len(row.lstrip())]:
            return f"line {number} is indented with a tab; YAML needs spaces"
    return f"not valid YAML ({' '.join(part for part in (problem.context, problem.problem) if part)})"


def read(path: Path, *, error: type[UsageError]) -> Document:
    """``parse`` of ``read_text``."""
    return parse(read_text(path, error=error), str(path), error=error)


def read_model(path: Path, model: type[Model], *, error: type[UsageError]) -> Model:
    """Read a YAML (or small JSON) file into a closed pydantic model.

    Args:
        path: The file.
        model: What it must be.
        error: Class of the error to raise.

    Raises:
        UsageError: As the class ``error``; the message names file, line, key, what was found and what is expected.
    """
    return validate(read(path, error=error), model)


def read_json(path: Path, model: type[Model], *, error: type[UsageError], max_bytes: int) -> Model:
    """Read a JSON file that a program wrote and that may be long; like ``read_model``, without lines."""
    text = read_text(path, error=error, max_bytes=max_bytes)
    try:
        data = plain_json(text.encode())
    except (ValueError, RecursionError) as problem:
        raise error(f"{path}: not valid JSON ({problem})") from None
    return validate(Document(str(path), data, {}, error), model)


def validate(document: Document, model: type[Model]) -> Model:
    """Turn a document into a closed pydantic model.

    Raises:
        UsageError: Lists the faults, each with its line, its key, what was expected and the nearest right word.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as problem:
        faults = problem.errors(include_url=False)
    # A list whose items are all wrong is also called too short; that would only confuse.
    inner = {fault["loc"][:end] for fault in faults for end in range(len(fault["loc"]))}
    found = []
    for fault in faults:
        if fault["type"] != "too_short" or fault["loc"] not in inner:
            place, words = _place(fault, document.data)
            key = ".".join(words) + ": " if words else ""
            found.append((document.line(place), f"{document.spot(place)}: {key}{_says(fault, model, place)}"))
    lines = [text for _, text in sorted(found, key=lambda pair: pair[0])]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"and {len(lines) - SHOWN} more"]
    raise document.error("\n".join(lines))


def _place(fault: ErrorDetails, data: Any) -> tuple[Place, list[str]]:
    """Where a fault is in the data, and in words: list items are called by their id where they have a short one."""
    place: list[str | int] = []
    words: list[str] = []
    for end, step in enumerate(fault["loc"], 1):
        absent = fault["type"] == "missing" and end == len(fault["loc"])
        if isinstance(data, dict) and (step in data or absent):
            data, word = data.get(step), str(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
            name = data.get("id") if isinstance(data, dict) else None
            word = name if isinstance(name, str) and 0 < len(name) <= 40 else str(step + 1)
        else:  # pydantic also names members of a union, which stand in no file
            continue
        place.append(step)
        words.append(word if word.isprintable() else ascii(word))
    return tuple(place), words


def _says(fault: ErrorDetails, model: type[BaseModel], place: Place) -> str:
    """What was found, what was expected, and the nearest right word."""
    kind, found = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        return f"unknown key {str(place[-1])!r}{nearest(str(place[-1]), _keys(model, place[:-1]))}"
    if kind == "missing":
        return "is required and absent"
    if kind == "literal_error":
        words = [word.strip("'") for word in re.split(", | or ", fault["ctx"]["expected"])]
        return f"found {_short(found)}; expected {', '.join(words)}{nearest(str(found), words)}"
    if kind == "string_type" and isinstance(found, int | float):
        return f"found {_short(found)}; expected text: write it in quotes"
    message = fault["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        shown = isinstance(found, str | int | float) and repr(found) not in message
        return message + (f"; found {_short(found)}" if shown else "")
    return f"found {_short(found)}; {message[:1].lower()}{message[1:]}"


def _short(found: Any) -> str:
    text = ascii(found) if isinstance(found, str) and not found.isprintable() else repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys(model: type[BaseModel], place: Place) -> list[str]:
    """Keys that the model knows at a place."""
    kinds: list[Any] = [model]
    for step in place:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return [field.alias or name for each in models for name, field in each.model_fields.items()]


def _inside(kind: Any, step: str | int) -> Iterator[Any]:
    """The types one step down: of a field of a model, or of the items of a list, tuple or dict."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            if step == (field.alias or name):
                yield from _members(field.annotation)
    else:
        for item in get_args(kind):
            yield from _members(item)


def _members(kind: Any) -> Iterator[Any]:
    """The members of a union; any other type as it is."""
    if get_origin(kind) in (Union, UnionType, Annotated):
        for member in get_args(kind):
            yield from _members(member)
    else:
        yield kind


def nearest(word: str, known: Iterable[str]) -> str:
    """Advice for a misspelt word: `` (did you mean 'X'?)``, or all known ones where they are few."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f" (known: {', '.join(words)})" if 0 < len(words) <= 20 else ""
