"""JSON from anybody as plain data, refused before it takes more memory than any file of govkit's own."""

from __future__ import annotations

import json
from typing import Any

MAX_STATEMENT = 64 * 2**20
"""Bytes of a file that holds a statement or findings."""

MAX_VALUES = 600_000
"""Values of such a file: about 10,000 findings."""

MAX_KEYS = 200_000
"""Keys of one object."""


def plain_json(raw: bytes, *, once: bool = False) -> Any:
    """The data of JSON in UTF-8.

    Args:
        raw: The bytes of the file.
        once: Refuse a key that an object holds twice; else the last one counts.

    Raises:
        ValueError: It is not JSON in UTF-8, or has over ``MAX_VALUES`` values, or over ``MAX_KEYS`` keys in one object.
        RecursionError: It is nested too deep.
    """

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = few_pairs(items)
        if once and len(found) < len(items):
            raise ValueError("a key stands twice")
        return found

    refuse_crowded(raw)
    return json.loads(raw, object_pairs_hook=pairs)


def refuse_crowded(raw: bytes) -> None:
    """Raise ValueError where JSON may hold more than ``MAX_VALUES`` values, counted by the marks before each."""
    if sum(raw.count(mark) for mark in (b",", b"{", b"[")) > MAX_VALUES:
        raise ValueError(f"holds more than {MAX_VALUES:,} values")


def few_pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of at most ``MAX_KEYS`` keys; raises ValueError for more: a reader names each key it does not know."""
    if len(items) > MAX_KEYS:
        raise ValueError(f"an object has more than {MAX_KEYS:,} keys")
    return dict(items)
