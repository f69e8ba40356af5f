"""Reads the YAML and JSON files that people write, strictly, and says where they are wrong.

Duplicate keys, unknown keys, tabs, aliases and wrong types are refused with file, line, key and, where a key or
word is misspelt, the nearest right one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from govkit.errors import UsageError

MAX_BYTES = 1_000_000

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Refuses aliases, which can make a small file explode, and keeps dates as text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not allowed", problem_mark=mark)
        return super().compose_node(parent, index)


def _dates_stay_text() -> None:
    """YAML 1.1 turns ``2026-11-24`` into a date object; JSON Schema and pydantic want its text."""
    _Loader.yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_dates_stay_text()


def read_text(path: Path, *, error: type[UsageError]) -> str:
    """Text of a small UTF-8 file, without a byte order mark.

    Raises:
        UsageError: As the class ``error``: missing, a folder, a symlink loop, too large or not UTF-8.
    """
    try:
        if path.is_dir():
            raise error(f"{path}: found a folder, expected a file")
        if path.stat().st_size > MAX_BYTES:
            raise error(f"{path}: larger than {MAX_BYTES} bytes, which no file of this kind is")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except UnicodeDecodeError as problem:
        raise error(f"{path}: not UTF-8 at byte {problem.start}; save the file as UTF-8") from None
    except (OSError, RuntimeError) as problem:
        raise error(f"{path}: cannot be read ({getattr(problem, 'strerror', None) or problem})") from None


def read_model(path: Path, model: type[Model], *, error: type[UsageError]) -> Model:
    """Read a YAML (or JSON) file into a closed pydantic model.

    Args:
        path: The file.
        model: What it must be.
        error: Class of the error to raise.

    Raises:
        UsageError: As the class ``error``; the message names file, line, key, what was found and what is expected.
    """
    data, lines = parse(read_text(path, error=error), where=str(path), error=error)
    return validate(data, model, where=str(path), lines=lines, error=error)


def parse(text: str, *, where: str, error: type[UsageError]) -> tuple[Any, dict[Place, int]]:
    """Parse strict YAML; JSON is YAML too.

    Returns:
        The data, and the line (from 1) of every key by its place.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise error(f"{where}: the file is empty")
        lines = dict(_walk(node, (), where, error))
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark
        spot = f", line {mark.line + 1}" if mark else ""
        hint = "; YAML indents with spaces, never with tabs" if "\\t" in str(problem.problem) else ""
        raise error(f"{where}{spot}: not valid YAML ({problem.problem or problem.context}{hint})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise error(f"{where}: not valid YAML ({' '.join(str(problem).split())[:200]})") from None
    return data, lines


def _walk(node: yaml.Node, place: Place, where: str, error: type[UsageError]) -> Iterator[tuple[Place, int]]:
    """Line of every place; refuses duplicate keys."""
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise error(f"{where}, line {key.start_mark.line + 1}: a key must be a plain word")
            if key.value in seen:
                raise error(f"{where}, line {key.start_mark.line + 1}: the key {key.value!r} stands twice")
            seen.add(key.value)
            yield from _walk(value, (*place, key.value), where, error)
            yield (*place, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*place, index), where, error)


def validate(
    data: Any,
    model: type[Model],
    *,
    where: str,
    lines: dict[Place, int] | None = None,
    error: type[UsageError],
) -> Model:
    """Check plain data against a closed model and explain the first problems in words."""
    if not isinstance(data, dict):
        raise error(f"{where}: expected keys and values, found {type(data).__name__}")
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        causes = [item for item in problem.errors() if not (item["type"] == "too_short" and item["input"])]
        found = [_explain(item, model, where, lines or {}) for item in causes[:5]]
        raise error("\n".join(found)) from None


def _explain(item: Any, model: type[BaseModel], where: str, lines: dict[Place, int]) -> str:
    place = tuple(part for part in item["loc"] if part != "[key]")
    line = next((lines[place[:end]] for end in range(len(place), -1, -1) if place[:end] in lines), None)
    spot = f"{where}, line {line}" if line else where
    key = ".".join(str(part) for part in place)
    if item["type"] == "extra_forbidden":
        near = nearest(str(place[-1]), _keys_at(model, place[:-1]))
        return f"{spot}: unknown key {key!r}{near}"
    if item["type"] == "missing":
        return f"{spot}: the key {key!r} is missing"
    message = item["msg"].removeprefix("Value error, ")
    given = item["input"]
    shown = f"; found {given!r}" if isinstance(given, str | int | float | bool) and repr(given) not in message else ""
    near = nearest(str(given), tuple(_literals(message))) if item["type"] == "literal_error" else ""
    return f"{spot}: {key + ': ' if key else ''}{message}{shown[:120]}{near}"


def _literals(message: str) -> list[str]:
    return message.split("'")[1::2]


def _keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    """Keys that the model knows at a place; empty where the place is free."""
    current: Any = model
    for part in place:
        current = _inner(current, part)
        if current is None:
            return ()
    if isinstance(current, type) and issubclass(current, BaseModel):
        return tuple(info.alias or name for name, info in current.model_fields.items())
    return ()


def _inner(current: Any, part: str | int) -> Any:
    """The model one step down: a field of a model, or the item of a list, tuple, dict or union."""
    if isinstance(current, type) and issubclass(current, BaseModel):
        for name, info in current.model_fields.items():
            if part in (name, info.alias):
                return _model_in(info.annotation, mapping=False)
        return None
    return _model_in(current, mapping=True)


def _model_in(annotation: Any, *, mapping: bool) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    arguments = get_args(annotation)
    if get_origin(annotation) in (dict, tuple, list) and not mapping:
        return annotation
    models = [found for argument in arguments if (found := _model_in(argument, mapping=mapping)) is not None]
    return models[0] if models else None


def nearest(word: str, known: tuple[str, ...]) -> str:
    """Advice for a misspelt word: the nearest known one, or all of them if they are few."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(sorted(known))}" if 0 < len(known) <= 20 else ""
