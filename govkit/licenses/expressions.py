"""SPDX expressions: read, normalized, taken apart into what may be chosen and what applies together."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from govkit.licenses import rules

MOST_CHOICES = 64
"""Expressions with more alternatives than this stay unresolved."""


@cache
def _licensing() -> Any:
    from license_expression import LicenseSymbol, Licensing, get_spdx_licensing

    shipped = get_spdx_licensing().known_symbols
    known = {key.lower() for key in shipped}
    own = [LicenseSymbol(name) for name in rules.rules() if name.lower() not in known]
    return Licensing([*shipped.values(), *own])


@lru_cache(maxsize=1024)
def _parse(text: str) -> Any:
    from license_expression import ExpressionError, ExpressionParseError

    try:
        return _licensing().parse(rules.alias(text), validate=True, strict=True)
    # An unfinished expression ("MIT OR") makes the parser itself crash with an AttributeError.
    except (ExpressionError, ExpressionParseError, AttributeError, TypeError, ValueError, IndexError):
        return None


def normalize(text: str) -> str | None:
    """The SPDX expression that a text is, with today's ids (``GPL-3.0`` becomes ``GPL-3.0-only``).

    Args:
        text: An expression, a hub's short id or a common name such as ``MIT License``.

    Returns:
        The expression, or None where the text names no license exactly: a family (``gpl``, ``bsd``, ``cc``), ``other``,
        ``unknown``, or something that cannot be read.
    """
    if not text.strip() or rules.family(text) is not None:
        return None
    parsed = _parse(text)
    return None if parsed is None else str(parsed.simplify().render())


def alternatives(expression: str) -> tuple[tuple[str, ...], ...]:
    """Choices of an expression, each the licenses that apply together.

    Args:
        expression: A normalized expression.

    Returns:
        ``(("MIT",), ("Apache-2.0", "BSD-3-Clause"))`` for ``MIT OR (Apache-2.0 AND BSD-3-Clause)``; empty where it
        cannot be read or has more than ``MOST_CHOICES`` choices. An id with an exception stays one word.
    """
    parsed = _parse(expression)
    return () if parsed is None else tuple(_choices(parsed) or ())


def _choices(node: Any) -> list[tuple[str, ...]] | None:
    algebra = _licensing()
    if isinstance(node, algebra.OR):
        parts = [_choices(part) for part in node.args]
        together = [choice for part in parts if part is not None for choice in part]
        return together if None not in parts and len(together) <= MOST_CHOICES else None
    if isinstance(node, algebra.AND):
        product: list[tuple[str, ...]] = [()]
        for part in node.args:
            options = _choices(part)
            if options is None or len(product) * len(options) > MOST_CHOICES:
                return None
            product = [(*left, *right) for left in product for right in options]
        return product
    return [(str(node.render()),)]


def parts(expression: str) -> frozenset[str]:
    """The licenses that apply together, where an expression offers no choice; else the expression as one word."""
    choices = alternatives(expression)
    return frozenset(choices[0]) if len(choices) == 1 else frozenset({expression})
