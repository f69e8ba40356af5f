"""The forms of a policy: plain data, canonical digest, YAML text; and from data to a ``Policy`` with good errors."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785
import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from govkit.core.policy import (
    Attest,
    Authority,
    Control,
    Decision,
    NotMeasured,
    Person,
    Policy,
    Relax,
    Requirement,
    Risk,
    Slice,
    When,
)
from govkit.errors import PolicyError
from govkit.policy.source import Dumper, Path_, Source, nearest

SHOWN = 8
"""How many faults one message lists; the rest is counted."""

_MODELS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Policy,
    ("controls",): Control,
    ("controls", "require"): Requirement,
    ("controls", "attest"): Attest,
    ("controls", "authority"): Authority,
    ("controls", "when"): When,
    ("slices",): Slice,
    ("risks",): Risk,
    ("not_measured",): NotMeasured,
    ("owner",): Person,
    ("decision",): Decision,
    ("relax",): Relax,
}
"""Where in the file -> the model that is read there."""


def plain(policy: Policy) -> dict[str, Any]:
    """The policy as JSON data with the names that the file uses; keys without a value are left out."""
    return policy.model_dump(mode="json", by_alias=True, exclude_none=True)


def digest(policy: Policy) -> str:
    """``sha256:<hex>`` of the canonical JSON (RFC 8785) of a policy.

    Raises:
        PolicyError: A parameter is a number that canonical JSON cannot carry.
    """
    try:
        canonical = rfc8785.dumps(plain(policy))
    except rfc8785.CanonicalizationError as error:
        raise PolicyError(f"policy {policy.id}: a value has no canonical form ({error})") from None
    return "sha256:" + hashlib.sha256(canonical).hexdigest()


def dump(policy: Policy) -> str:
    """YAML text of a policy. ``load`` of that text gives an equal policy with the same digest."""
    return yaml.dump(plain(policy), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110)


def build(data: dict[str, Any], source: Source, origin: dict[Path_, Path_]) -> Policy:
    """Turn data into a policy.

    Args:
        data: Keys and values, after parents were merged in.
        source: The file, for its lines.
        origin: Path in ``data`` -> path in the file, where the two differ.

    Raises:
        PolicyError: Lists the faults, each with its line, its key, what was expected and the nearest right word.
    """
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    # A list whose items are all wrong is also called too short; that would only confuse.
    inner = {fault["loc"][:1] for fault in faults if len(fault["loc"]) > 1}
    faults = [fault for fault in faults if fault["type"] != "too_short" or fault["loc"] not in inner]
    lines = []
    for fault in sorted(faults, key=lambda fault: source.line(_in_file(fault["loc"], origin))):
        line = source.line(_in_file(fault["loc"], origin))
        lines.append(f"{source.name}:{line}: {_where(fault['loc'], data)}{_says(fault)}")
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"and {len(lines) - SHOWN} more"]
    raise PolicyError("\n".join(lines))


def _in_file(path: Path_, origin: dict[Path_, Path_]) -> Path_:
    head = path[:2]
    return (*origin[head], *path[2:]) if head in origin else path


def _where(path: Path_, data: Any) -> str:
    """The path in words: list items are called by their id where they have one."""
    words = []
    for step in path:
        if isinstance(data, dict):
            data = data.get(str(step))
            words.append(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
            named = data.get("id") if isinstance(data, dict) else None
            words.append(str(named) if isinstance(named, str) else str(step + 1))
    return ".".join(words) + ": " if words else ""


def _says(fault: ErrorDetails) -> str:
    """What was found, what was expected, and the nearest right word."""
    kind, found = fault["type"], fault.get("input")
    context = fault.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(fault["loc"])
    if kind == "missing":
        return "is required and absent"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        words = [str(word) for word in _words(context["expected"])]
        return f"found {_short(found)}; expected {', '.join(words)}{nearest(str(found), words)}"
    message = fault["msg"]
    return f"found {_short(found)}; {message[:1].lower()}{message[1:]}"


def _words(expected: str) -> list[str]:
    return [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")]


def _short(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _unknown_key(path: Path_) -> str:
    steps = [step for step in path[:-1] if isinstance(step, str)]
    spot = ("slices",) if steps[:1] == ["slices"] else tuple(steps)
    model = _MODELS.get(spot, Policy)
    known = [field.alias or name for name, field in model.model_fields.items()]
    key = str(path[-1])
    return f"unknown key {key!r}{nearest(key, known)}; known keys: {', '.join(known)}"
