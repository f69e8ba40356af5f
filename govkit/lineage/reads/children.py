"""Children of a recorded process: those that are Python report what they open, the others are counted.

The spool is a file of lines that end in a zero byte: the process, a kind, its fields. A forked child inherits the hook;
a new Python loads it from a ``sitecustomize`` that is first on PYTHONPATH and then gives way to the next one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

BOOT = f"""
import importlib.machinery, importlib.util, os, sys
def load(module):
    sys.modules.setdefault("_govkit_reads", type(sys)("_govkit_reads")).__path__ = [{os.path.dirname(__file__)!r}]
    return importlib.import_module("_govkit_reads." + module)
"""  # noqa: PTH120
"""Takes modules from this folder past the start of govkit itself, which takes longer."""

SITE = """
if sys.version_info >= (3, 11) and os.path.exists({spool!r}):
    load("children").report({spool!r})
sys.path[:] = [each for each in sys.path if each != os.path.dirname(__file__)]
spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if spec is not None:
    sys.modules["sitecustomize"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
"""
"""After ``BOOT``, the ``sitecustomize`` of a spool."""


def report(spool: str) -> None:
    """Have this process, a new Python, tell its parent's spool what it reads and starts."""
    hook, patching = (import_module(f"{__package__}.{name}") for name in ("hook", "patching"))
    ledger = hook.Ledger(spool, child=True)
    ledger.report("hello")
    watch(patching.Patches(), ledger)
    hook.listen(ledger)


def watch(patches: Any, ledger: Any) -> None:
    """Wrap the native readers, and whatever starts another process, for a ledger."""

    def opened(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = original(*args, **kwargs)
        ledger.started(args[0].pid, "sh" if kwargs.get("shell") else args[0].args)
        return result

    def spawned(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        pid = original(*args, **kwargs)
        ledger.started(pid, args[0])
        return pid

    import_module(f"{__package__}.readers").wrap_readers(patches, ledger)
    patches.wrap("subprocess", "Popen.__init__", opened)
    if sys.platform != "win32":
        for module, name in (("_posixsubprocess", "fork_exec"), ("posix", "posix_spawn"), ("posix", "posix_spawnp")):
            import_module(module)
            patches.wrap(module, name, spawned)


def silent(lines: list[list[str]]) -> list[str]:
    """Programs that ran as children and did not report, in the order in which they started."""
    spoke = {pid for pid, kind, *_ in lines if kind == "hello"}
    waiting: dict[str, str] = {}
    for number, (pid, kind, *rest) in enumerate(lines):
        if kind == "hello":
            waiting.pop(pid, None)
        elif kind == "exec":
            waiting[pid] = rest[0]
        elif kind == "start" and rest[0] not in spoke:
            waiting[f"shell {number}" if rest[0] == "0" else rest[0]] = rest[1]
    return list(waiting.values())
