"""Small tools of the ways: wrappers around functions, and the arguments of functions as plain data without secrets."""

from __future__ import annotations

import contextlib
import inspect
import math
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from govkit.lineage.reads.patching import Around

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

_SECRET_NAME = re.compile(r"token|key|hub|secret|passw|credential|auth|login", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(hf_|sk-|ghp_|gho_|github_pat_|AKIA|xox[bp]-)\w{6,}|://[^/\s]*@")
_PLACE_NAME = re.compile(r"_dir$|_path$|^run_name$|_file$|^resume_from_checkpoint$|^project$")
_MOST = 8


def finite(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row that are finite."""
    numbers = {name: float(value) for name, value in row.items() if isinstance(value, int | float)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def plain(value: Any) -> Any:
    """A number, a text, a truth, or a short list of numbers; None for anything else, rows of data among it."""
    value = value.value if isinstance(value, Enum) else value
    if (
        isinstance(value, list | tuple)
        and 0 < len(value) <= _MOST
        and all(type(each) in (int, float) for each in value)
    ):
        return list(value) if all(map(math.isfinite, value)) else None
    good = isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    return value if good else None


def arguments(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Plain arguments that differ from their defaults; what looks like a secret or a private place is left out."""
    kept = {name: plain(given[name]) for name in given if name in defaults}
    return {
        name: value
        for name, value in kept.items()
        if value is not None
        and value != plain(defaults[name])
        and not (_SECRET_NAME.search(name) or _PLACE_NAME.search(name) or _SECRET_VALUE.search(str(value)))
    }


def parameters_of(function: Any) -> dict[str, Any]:
    """Name -> default of the parameters of a function."""
    return {name: each.default for name, each in inspect.signature(function).parameters.items()}


def length(thing: Any) -> int | None:
    """Length of a user's object; None where it has none or does not tell."""
    with contextlib.suppress(Exception):
        return len(thing)
    return None


def watching(note: Callable[[Any, Args, Kwargs], None]) -> Around:
    """A wrapper that calls ``note(result, args, kwargs)`` when the function has returned; it never ends a training."""

    def around(original: Any, args: Args, kwargs: Kwargs) -> Any:
        result = original(*args, **kwargs)
        with contextlib.suppress(Exception):
            note(result, args, kwargs)
        return result

    return around


def argument(args: Args, kwargs: Kwargs, position: int, *names: str) -> Any:
    """An argument by its position or one of its names; None where it was not given."""
    return args[position] if len(args) > position else next((kwargs[name] for name in names if name in kwargs), None)
