"""YAML text as plain data that remembers its lines, read by a small and strict subset of YAML.

Refused: duplicate keys, aliases (they can multiply a file without end), tags, keys that are not text, more than one
document, deep nesting, numbers that JSON cannot carry. ``yes``, ``on`` and ``2027-05-31`` are text, as in YAML 1.2.
"""

from __future__ import annotations

import difflib
import math
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from govkit.errors import PolicyError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1

_TAG = "tag:yaml.org,2002:"
_RESOLVERS = (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")),
    (
        "float",
        re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
        list("-+.0123456789"),
    ),
)

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Source:
    """A file as plain data.

    Attributes:
        name: How messages call it.
        data: Dicts, lists, text, numbers, truths and None.
        lines: Path of keys and indices -> line, from 1.
    """

    name: str
    data: Any
    lines: dict[Path_, int]

    def line(self, path: Path_) -> int:
        """Line of ``path``, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: Path_, message: str) -> PolicyError:
        """An error that names the file and the line."""
        return PolicyError(f"{self.name}:{self.line(path)}: {message}")


def _refused(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases and deep nesting while doing so."""

    yaml_implicit_resolvers: dict[str, Any] = {}
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases (*name) are not allowed", event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _refused(f"nested deeper than {MAX_DEPTH} levels", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class Dumper(yaml.SafeDumper):
    """Writes what ``_Loader`` reads back unchanged: text that looks like a number is quoted."""

    yaml_implicit_resolvers = {key: list(value) for key, value in yaml.SafeDumper.yaml_implicit_resolvers.items()}


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_TAG + _tag, _pattern, _first)
    Dumper.add_implicit_resolver(_TAG + _tag, _pattern, _first)


def _quoted(dumper: Dumper, text: str) -> yaml.ScalarNode:
    """Text as a node; line breaks of any kind and invisible characters are escaped, or YAML would fold them."""
    return dumper.represent_scalar(_TAG + "str", text, style=None if text.isprintable() else '"')


Dumper.add_representer(str, _quoted)


def nearest(word: str, words: Iterable[str]) -> str:
    """`` (did you mean X?)``, or nothing where no word comes near."""
    close = difflib.get_close_matches(word, sorted(words), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def read_text(path: Path) -> str:
    """Text of a regular UTF-8 file of at most ``MAX_BYTES`` bytes; a byte order mark is dropped.

    Raises:
        PolicyError: There is no such file, or it is a folder, too large or not UTF-8.
    """
    try:
        mode = path.stat()
        if stat.S_ISDIR(mode.st_mode):
            raise PolicyError(f"{path}: found a folder; expected a YAML file")
        if not stat.S_ISREG(mode.st_mode):
            raise PolicyError(f"{path}: expected a regular file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyError(f"{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise PolicyError(f"{str(path)!r} cannot be the name of a file ({error})") from None
    if len(raw) > MAX_BYTES:
        raise PolicyError(f"{path}: larger than {MAX_BYTES} bytes; a policy is a short file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PolicyError(f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def parse(text: str, name: str) -> Source:
    """Parse YAML text.

    Args:
        text: One YAML document whose top is a mapping.
        name: How messages call the file.

    Raises:
        PolicyError: The text is not YAML, is empty, or uses something that is refused here; names the line.
    """
    loader = _Loader(text) if _printable(text, name) else None
    try:
        node = loader.get_single_node() if loader else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError(f"{name}:{line}: {_problem(error, text, line)}") from None
    except yaml.YAMLError as error:
        raise PolicyError(f"{name}: is not YAML ({error})") from None
    if node is None:
        raise PolicyError(f"{name}: the file is empty; expected schema, id, version and controls")
    lines: dict[Path_, int] = {}
    data = _plain(node, (), name, lines)
    if not isinstance(data, dict):
        raise PolicyError(
            f"{name}:{node.start_mark.line + 1}: expected keys and values at the top, found {_kind(data)}"
        )
    return Source(name=name, data=data, lines=lines)


def _printable(text: str, name: str) -> bool:
    """True for text that YAML may hold; an error with the line otherwise."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        raise PolicyError(f"{name}:{line}: the character U+{ord(found.group()):04X} may not stand in a YAML file")
    return True


def _problem(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    rows = text.splitlines()
    for number in (line, line - 1):
        if 0 < number <= len(rows):
            row = rows[number - 1]
            if "\t" in row[: len(row) - len(row.lstrip())]:
                return f"line {number} is indented with a tab; YAML needs spaces"
    return " ".join(part for part in (error.context, error.problem) if part) or "is not YAML"


def _kind(data: Any) -> str:
    names = {list: "a list", str: "text", bool: "a truth", int: "a number", float: "a number", dict: "keys and values"}
    return names.get(type(data), "nothing")


def _plain(node: Any, path: Path_, name: str, lines: dict[Path_, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        return _mapping(node, path, name, lines)
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        return [_plain(item, (*path, index), name, lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, name)
    raise PolicyError(f"{name}:{node.start_mark.line + 1}: the tag {node.tag!r} is not allowed; write plain YAML")


def _mapping(node: Any, path: Path_, name: str, lines: dict[Path_, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
            shown = repr(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
            raise PolicyError(f"{name}:{line}: the key {shown} is not text; put it in quotes")
        key = str(key_node.value)
        if key in found:
            raise PolicyError(
                f"{name}:{line}: the key {key!r} stands twice; it first stands in line {lines[(*path, key)]}"
            )
        lines[(*path, key)] = line
        found[key] = _plain(value_node, (*path, key), name, lines)
    return found


def _scalar(node: Any, name: str) -> Any:
    text, line = str(node.value), node.start_mark.line + 1
    kind = node.tag.removeprefix(_TAG)
    try:
        if kind == "int":
            return _integer(text)
        if kind == "float":
            return _number(text)
    except ValueError as error:
        raise PolicyError(f"{name}:{line}: {error}") from None
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "str":
        return text
    raise PolicyError(f"{name}:{line}: the tag {node.tag!r} is not allowed; write plain YAML")


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise ValueError(f"the number {text[:20]!r} is too large to be exact")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]!r} is not finite")
    return number
