"""Where checks come from: the four families of this package, and plug-ins."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from govkit.core import Check
from govkit.errors import PluginError

FAMILIES = ("outcomes", "data", "robustness", "provenance")
GROUP = "govkit.checks"


def catalog() -> dict[str, Check]:
    """Every check by name, sorted: one file a check in the families, then the entry points ``govkit.checks``.

    An entry point names a :class:`~govkit.core.Check` or a module that holds some.

    Raises:
        PluginError: A plug-in does not import, holds no check, or takes a name that is in use.
    """
    return _by_name((*_built_in(), *_plugged_in()))


def built_in() -> dict[str, Check]:
    """The checks of this package by name, sorted: for whoever verifies or judges, and runs no code of others."""
    return _by_name(_built_in())


def _by_name(declared: Iterable[tuple[str, Check]]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    for source, check in declared:
        if check.name in found:
            raise PluginError(
                f"{source} declares the check {check.name!r}, a name that is already in use by "
                f"{found[check.name].function.__module__}; rename one of the two"
            )
        found[check.name] = check
    return dict(sorted(found.items()))


def describe(check: Check) -> dict[str, Any]:
    """What a check asks, needs, measures and takes, as plain data for ``govkit checks NAME``.

    Returns:
        ``name``, ``family``, ``question`` (one line), ``text`` (the whole docstring), ``crosswalk``, ``needs``,
        ``reads`` (``["candidate", "test"]`` pairs), ``metrics`` (a list) and ``params`` (name -> type, default,
        limits, as JSON schema writes them).
    """
    module = check.function.__module__
    text = inspect.cleandoc(check.function.__doc__ or "")
    about = inspect.cleandoc(getattr(sys.modules.get(module), "__doc__", None) or text)
    return {
        "name": check.name,
        "family": module.split(".")[2] if module.startswith("govkit.checks.") else module,
        "question": about.partition("\n")[0],
        "text": text,
        "crosswalk": check.crosswalk,
        "needs": sorted(check.needs),
        "reads": [list(pair) for pair in check.reads],
        "metrics": [{"name": name, **asdict(metric)} for name, metric in check.metrics.items()],
        "params": check.params.model_json_schema().get("properties", {}),
    }


def _built_in() -> Iterator[tuple[str, Check]]:
    for family in FAMILIES:
        package = importlib.import_module(f"govkit.checks.{family}")
        for entry in pkgutil.iter_modules(package.__path__):
            if not entry.name.startswith("_"):
                name = f"govkit.checks.{family}.{entry.name}"
                for check in _checks_of(importlib.import_module(name)):
                    yield name, check


def _plugged_in() -> Iterator[tuple[str, Check]]:
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        source = f"the plug-in {entry.name!r} ({entry.value})"
        loaded = _load(entry, source)
        checks = [loaded] if isinstance(loaded, Check) else list(_checks_of(loaded))
        if not checks:
            raise PluginError(f"{source} holds no check; expected one made by @govkit.check, or a module with some")
        for check in checks:
            yield source, check


def _load(entry: EntryPoint, source: str) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(
            f"{source} does not import: {type(error).__name__}: {error}; repair or uninstall it"
        ) from error


def _checks_of(place: Any) -> Iterator[Check]:
    """Checks that a module declares itself; those it merely imports belong to another module."""
    if isinstance(place, ModuleType):
        for value in vars(place).values():
            if isinstance(value, Check) and value.function.__module__ == place.__name__:
                yield value
