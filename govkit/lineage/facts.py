"""The facts of a run: every name once, with its meaning, and why some can only be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from govkit.core import Fact

_TABLE = yaml.safe_load(Path(__file__).with_name("facts.yaml").read_text(encoding="utf-8"))

FACTS: dict[str, dict[str, str]] = _TABLE["facts"]
"""Part of a run -> name of a fact -> what it means."""

TOLD: dict[str, str] = _TABLE["told"]
"""Facts that no recorder can see by itself, and why."""

OPEN = Fact(seen="unknown")
NOT_APPLICABLE = Fact(seen="not_applicable")


def observed(value: Any, why: str = "") -> Fact:
    """A fact that was seen; ``unknown``, with the reason, where there is no value."""
    return Fact(seen="unknown", why=why) if value is None else Fact(value=value, seen="observed")


def stated(value: Any, why: str = "") -> Fact:
    """A fact that somebody declared; ``unknown``, with the reason, where there is no value."""
    return Fact(seen="unknown", why=why) if value is None else Fact(value=value, seen="declared", why=why)


def unseen(part: str, why: str) -> dict[str, Fact]:
    """All facts of one part of a run as ``unknown``, for one reason."""
    return dict.fromkeys(FACTS[part], Fact(seen="unknown", why=why))


def complete(part: str, found: dict[str, Fact]) -> dict[str, Fact]:
    """All facts of one part of a run in their order; what was not found is ``unknown``.

    Raises:
        KeyError: A found fact is not in ``FACTS``.
    """
    for name in found:
        FACTS[part][name]
    return {name: found.get(name, OPEN) for name in FACTS[part]}
