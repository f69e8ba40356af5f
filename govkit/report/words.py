"""The catalog of words: what a reader sees instead of the names that programs use."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from govkit.core import Measurement
from govkit.core.words import PART_KEYS
from govkit.report.blocks import Cell, Column, Mark, Num, Piece
from govkit.report.escape import NAME, clean, short
from govkit.report.language import catalog
from govkit.report.said import said
from govkit.resources import load

_HOLE = re.compile(r"\{(\w+)\}")

OWN_GROUPS = ("attack", "corruption", "foreign", "found", "list")
"""Parts of the rows whose groups govkit names."""


def word(kind: str, key: str) -> str:
    """One word of the catalog; a key that it lacks is shown with spaces for underscores."""
    return str(catalog()[kind].get(key) or said(clean(key).replace("_", " ")))


def spaced(name: str) -> str:
    """A name of programs or of people in words."""
    return said(short(name, NAME).replace("_", " "))


def caption(key: str) -> str:
    """The caption of a table."""
    return word("captions", key)


def absent(key: str) -> str:
    """What stands where something is absent."""
    return word("absent", key)


def metric(name: str, check: str = "") -> str:
    """Name of a metric for readers; where checks mean different things by one name, as that check means it."""
    own = catalog()["metrics"].get(f"{check}.{name}")
    return str(own) if own else word("metrics", name)


def mark(kind: str, key: str) -> Mark:
    """A state, how it is known, or a severity, with its shape."""
    entry = catalog()[kind][key]
    return Mark(kind=key.replace(" ", "-"), shape=entry["shape"], text=entry["text"])


def state(found: str, *, waived: bool) -> Cell:
    """A state, and whether an exception covers it."""
    shown = mark("states", found)
    return (shown, " ", mark("states", "waived")) if waived else (shown,)


def columns(
    shares: Mapping[str, int], *, right: Collection[str] = (), titles: Mapping[str, str] | None = None
) -> tuple[Column, ...]:
    """Columns with their headings.

    Args:
        shares: Key of a heading -> share of the width.
        right: Keys of the columns whose cells stand to the right.
        titles: Headings by their keys; those of the report if not given.
    """
    titles = catalog()["columns"] if titles is None else titles
    return tuple(Column(str(titles[key]), share, key in right) for key, share in shares.items())


def filled(template: str, **holes: Piece | Cell) -> Cell:
    """A template with its holes filled by text or numbers; one point is no points."""
    pieces: list[Piece] = []
    end, points = 0, catalog()["joins"]["points"]
    for match in _HOLE.finditer(template):
        own = holes[match[1]]
        pieces += [template[end : match.start()], *(own if isinstance(own, tuple) else (own,))]
        end = match.end()
        if (
            match[1] == "points"
            and isinstance(own, Num)
            and own.text == "1"
            and template.startswith(points["many"], end)
        ):
            pieces.append(points["one"])
            end += len(points["many"])
    return _together((*pieces, template[end:]))


def both(low: Cell, high: Cell = ()) -> Cell:
    """One limit, or the lower and the upper one."""
    return filled(catalog()["joins"]["both"], low=low, high=high) if high else low


def _together(pieces: Cell) -> Cell:
    """The same pieces; texts that touch are one text, so that a number in it is seen with what stands around it."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece != "":
            found.append(piece)
    return tuple(found)


def part(found: dict[str, str]) -> str:
    """Which rows: ``sex: Female``; ``all rows`` for the whole."""
    says = catalog()["joins"]
    if not found:
        return str(says["all_rows"])
    named = {_column(key): _group(key, name) for key, name in sorted(found.items())}
    return ", ".join(says["piece"].format(column=column, name=name) for column, name in named.items())


def place(found: dict[str, str]) -> str:
    """Which rows, inside a sentence: ``age_cat Greater than 45``."""
    return ", ".join(f"{_column(key)} {_group(key, name)}" for key, name in sorted(found.items()))


def _column(key: str) -> str:
    """A column of the data keeps its name."""
    return said(key) if key in PART_KEYS else short(key, NAME)


def _group(key: str, name: str) -> str:
    if name == "*":
        return str(catalog()["joins"]["all_groups"])
    return short(said(name, key) if key in OWN_GROUPS else name, NAME)


def whose(found: Measurement) -> str:
    """Whose value, and beside whose."""
    name = word("of", found.of)
    if found.compared_with is None:
        return name
    return str(catalog()["joins"]["less"].format(of=name, other=word("of", found.compared_with)))


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
