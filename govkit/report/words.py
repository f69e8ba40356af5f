"""The catalog of words: what a reader sees instead of the names that programs use."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from govkit.core import Measurement
from govkit.report.blocks import Mark
from govkit.report.escape import NAME, clean, short
from govkit.resources import load


@cache
def catalog() -> dict[str, Any]:
    """The whole catalog, ``words.yaml`` among the templates."""
    found: dict[str, Any] = load("templates", "words.yaml")
    return found


def word(kind: str, key: str) -> str:
    """One word of the catalog; a key that it lacks is shown with spaces for underscores."""
    return str(catalog()[kind].get(key) or clean(key).replace("_", " "))


def metric(name: str) -> str:
    """Name of a metric for readers."""
    return word("metrics", name)


def mark(kind: str, key: str) -> Mark:
    """A state, how it is known, or a severity, with its shape."""
    entry = catalog()[kind][key]
    return Mark(kind=key.replace(" ", "-"), shape=entry["shape"], text=entry["text"])


def part(found: dict[str, str]) -> str:
    """Which rows: ``sex: Female``; ``all rows`` for the whole."""
    if not found:
        return "all rows"
    named = {short(k, NAME): "all groups" if v == "*" else short(v, NAME) for k, v in sorted(found.items())}
    return ", ".join(f"{column}: {name}" for column, name in named.items())


def place(found: dict[str, str]) -> str:
    """Which rows, inside a sentence: ``age_cat Greater than 45``."""
    named = (f"{short(k, NAME)} {'all groups' if v == '*' else short(v, NAME)}" for k, v in sorted(found.items()))
    return ", ".join(named)


def whose(found: Measurement) -> str:
    """Whose value, and beside whose."""
    name = word("of", found.of)
    return name if found.compared_with is None else f"{name} − {word('of', found.compared_with)}"


def family(check: str) -> str:
    """Section of the report that a check belongs to."""
    for name, stems in catalog()["families"].items():
        if any(stem in check for stem in stems):
            return str(name)
    return "other"


def excluded(reason: str) -> str:
    """Why a control does not apply, with words for tasks, kinds of inputs and the other models."""
    for name, says in catalog()["excluded"].items():
        reason = re.sub(rf"\b{name}\b", says, reason)
    return reason[:1].upper() + reason[1:]


@cache
def statements() -> frozenset[str]:
    """Kinds of statements that ship with questions for `govkit attestation new`."""
    return frozenset(load("policies", "attestations.yaml"))


def rmf() -> dict[str, Any]:
    """The shipped description of the NIST AI RMF: categories, and subcategories by id."""
    standard = load("policies/standards", "nist_ai_rmf.yaml")
    return {"categories": standard["categories"], "cells": {row["id"]: row for row in standard["subcategories"]}}
