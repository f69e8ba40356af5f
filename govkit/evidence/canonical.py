"""JSON with one form: RFC 8785 bytes out, and a reader that refuses what two parsers may read differently."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from typing import Any

from govkit.core.plain import few_pairs, refuse_crowded
from govkit.errors import EvidenceError

_SAFE_DIGITS = 15
"""Integers of up to this many digits are exact in every JSON parser."""


def dumps(obj: Any, *, file: str = "") -> bytes:
    """The canonical bytes of plain data (RFC 8785).

    Args:
        obj: None, truths, finite numbers, text, lists and dicts; integers below 2^53 in size.
        file: What the data is for, for the message.

    Raises:
        EvidenceError: ``NON_FINITE`` or ``BAD_JSON``.
    """
    import rfc8785

    try:
        return rfc8785.dumps(obj)
    except rfc8785.FloatDomainError:
        raise EvidenceError("NON_FINITE", f"{file or 'JSON'}: holds NaN or an infinite number", file=file) from None
    except (ValueError, RecursionError) as error:
        raise EvidenceError("BAD_JSON", f"{file or 'JSON'}: has no canonical form ({error})", file=file) from None


def digest(obj: Any) -> str:
    """``sha256:<hex>`` of the canonical bytes of plain data."""
    return "sha256:" + hashlib.sha256(dumps(obj)).hexdigest()


def loads(raw: bytes, *, file: str = "") -> Any:
    """Read JSON strictly.

    Integers that a double cannot hold exactly become floats, as in every parser built on IEEE 754; so
    ``loads(dumps(x)) == x`` also for large floats, which RFC 8785 writes without a point.

    Raises:
        EvidenceError: ``DUP_KEY``, ``NON_FINITE`` or ``BAD_JSON`` (also for bytes that are not UTF-8, and for more
            values than ``documents.MAX_VALUES``).
    """
    where = file or "JSON"

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = few_pairs(items)
        if len(found) < len(items):
            twice = Counter(key for key, _ in items).most_common(1)[0][0]
            raise EvidenceError("DUP_KEY", f"{where}: the key {ascii(twice)[:80]} stands twice", file=file)
        return found

    def real(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise EvidenceError("NON_FINITE", f"{where}: holds NaN or an infinite number", file=file)
        return number

    def whole(text: str) -> int | float:
        return int(text) if len(text.lstrip("-")) <= _SAFE_DIGITS or abs(real(text)) < 2**53 else real(text)

    try:
        refuse_crowded(raw)
        return json.loads(
            raw.decode("utf-8"), object_pairs_hook=pairs, parse_float=real, parse_int=whole, parse_constant=real
        )
    except (ValueError, RecursionError) as error:
        raise EvidenceError("BAD_JSON", f"{where}: cannot be read as JSON in UTF-8 ({error})", file=file) from None
