"""Replace functions for the time of a recording, in modules that are loaded and in those that will be.

This file imports nothing but the standard library: children of a recorded process load it by its path.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from functools import partial, reduce, update_wrapper, wraps
from types import FunctionType, ModuleType
from typing import Any

Around = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""``around(original, args, kwargs)`` calls the original and returns its result; ``args[0]`` of a method is its self."""


class Patches:
    """Wrapped functions, and the finder on ``sys.meta_path`` that wraps those of modules still to come.

    A module is wrapped before its importer sees it, so ``from x import f`` gets the wrapper. Where a loaded module
    holds the function under its own name, it is replaced there too. After ``undo`` a wrapper that somebody kept calls
    its original and nothing else.
    """

    def __init__(self) -> None:
        self.missing: list[str] = []
        """``module:name`` of what was to be wrapped and does not exist in the installed version."""
        self._wanted: dict[str, list[tuple[str, Around]]] = {}
        self._done: list[Callable[[], None]] = []
        self._live = [True]

    def wrap(self, module: str, name: str, around: Around) -> None:
        """Call ``around`` in place of a function, method or class, now or when its module is imported.

        Args:
            module: Full name of the module that defines it.
            name: Name in the module, dotted for a method: ``Trainer.__init__``.
            around: Gets the original, the arguments and the keyword arguments. What it raises reaches the caller.
        """
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        loaded = sys.modules.get(module)
        if loaded is None:
            self._wanted.setdefault(module, []).append((name, around))
        else:
            self._apply(loaded, name, around)

    def undo(self) -> None:
        """Put every original back and stop waiting for modules."""
        self._live[0] = False
        self._live = [True]
        while self._done:
            self._done.pop()()
        self._wanted.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """The spec that the next finder makes, whose loader, once, lets the module be wrapped after it ran."""
        if fullname not in self._wanted:
            return None
        later = sys.meta_path[sys.meta_path.index(self) + 1 :]
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in later)), None)
        loader: Any = getattr(spec, "loader", None)
        if hasattr(loader, "__dict__") and not isinstance(loader, type):
            run = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                loader.__dict__.pop("exec_module", None)
                run(module)
                self._imported(module)

            loader.exec_module = exec_module
        return spec

    def _imported(self, module: ModuleType) -> None:
        for name, around in self._wanted.pop(module.__name__, ()):
            # A module may have put another object in its place, as lazy ones do.
            self._apply(sys.modules.get(module.__name__, module), name, around)

    def _apply(self, module: ModuleType, name: str, around: Around) -> None:
        *outer, leaf = name.split(".")
        try:
            owner: Any = reduce(getattr, outer, module)
            original = getattr(owner, leaf)
        except AttributeError:
            self.missing.append(f"{module.__name__}:{name}")
            return
        if isinstance(original, type) and isinstance(original.__init__, FunctionType):  # type: ignore[misc]
            # The class stays itself. Its arguments are told without self, as those of a class are.
            owner, leaf, call = original, "__init__", around
            original, around = owner.__init__, lambda init, args, more: call(partial(init, args[0]), args[1:], more)
        if not isinstance(owner, type):
            wrapper = _wrapper(original, around, self._live)
            _swap(owner, leaf, original, wrapper)
            self._done.append(lambda: _swap(owner, leaf, wrapper, original))
            return
        own = vars(owner).get(leaf)
        found: Any = next((vars(each)[leaf] for each in owner.__mro__ if leaf in vars(each)), None)
        kind = type(found) if isinstance(found, classmethod | staticmethod) else None
        # Without its binding a class method takes the class first, as a method takes its self.
        method = _wrapper(found.__func__ if kind else original, around, self._live)
        setattr(owner, leaf, kind(method) if kind else method)
        self._done.append(lambda: delattr(owner, leaf) if own is None else setattr(owner, leaf, own))


def _swap(owner: Any, leaf: str, old: Any, new: Any) -> None:
    """Replace a value in its owner, and in every loaded module that holds it under this name."""
    if getattr(owner, leaf, None) is old:
        setattr(owner, leaf, new)
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType):
            # Past a lazy module's own lookup, which would load it; what C libraries call a module may hold no names.
            with contextlib.suppress(AttributeError):
                names = object.__getattribute__(module, "__dict__")
                if names.get(leaf) is old:
                    names[leaf] = new


def _wrapper(original: Any, around: Around, live: list[bool]) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return around(original, args, kwargs) if live[0] else original(*args, **kwargs)

    if isinstance(original, type):
        return _Class(original, wrapper)
    return wraps(original)(wrapper)


class _Class:
    """Stands for a class whose ``__init__`` cannot be replaced: makes its instances and else behaves like it."""

    __class__: Any = property(lambda self: type(self._real))

    def __init__(self, original: Any, call: Callable[..., Any]) -> None:
        update_wrapper(self, original, updated=())
        self._call = call
        self._real: Any = original._real if type(original) is _Class else original

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_real"], name)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self._real)

    def __subclasscheck__(self, kind: Any) -> bool:
        return issubclass(kind._real if type(kind) is _Class else kind, self._real)

    def __or__(self, other: Any) -> Any:
        return self._real | other

    def __ror__(self, other: Any) -> Any:
        return other | self._real

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._real,)

    def __reduce__(self) -> str:
        return str(self._real.__qualname__)
