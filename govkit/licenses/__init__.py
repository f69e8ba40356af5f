"""Licenses: find what a component says about its own, conclude only where everything agrees, compose them for a use."""

from __future__ import annotations

from govkit.licenses.composition import Composition, DataStance, compose
from govkit.licenses.conclusion import conclude
from govkit.licenses.evidence import declared, find
from govkit.licenses.expressions import normalize
from govkit.licenses.rules import Duty, Pin, Rule, rule
from govkit.licenses.texts import identify

__all__ = [
    "Composition",
    "DataStance",
    "Duty",
    "Pin",
    "Rule",
    "compose",
    "conclude",
    "declared",
    "find",
    "identify",
    "normalize",
    "rule",
]
