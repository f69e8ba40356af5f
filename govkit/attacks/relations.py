"""What the columns of a row have to do with each other: ``hours_worked + overtime <= hours_paid``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_SIGN = re.compile("|".join(_SIGNS))

ROUNDING = 1e-9
"""By what share of the larger side two sums of decimal fractions may differ and still be equal."""


@dataclass(frozen=True)
class Relation:
    """A sum of columns and numbers on either side of a sign."""

    text: str
    left: tuple[str | float, ...]
    sign: str
    right: tuple[str | float, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        return tuple(term for term in (*self.left, *self.right) if isinstance(term, str))

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a row keeps to it; a missing value keeps to everything."""
        left, right = (sum(_value(term, row) for term in side) for side in (self.left, self.right))
        if left != left or right != right:
            return True
        if self.sign in ("<=", ">=", "==") and abs(left - right) <= ROUNDING * max(abs(left), abs(right)):
            return True
        return _SIGNS[self.sign](left, right)


def relation(text: str, columns: Collection[str]) -> Relation:
    """Read ``COLUMN + COLUMN <= COLUMN + NUMBER``, with any of ``<= >= == < >``.

    Raises:
        ValueError: It is written otherwise, or names a column that does not exist.
    """
    sides = _SIGN.split(text)
    signs = _SIGN.findall(text)
    if len(signs) != 1:
        raise ValueError(f"{text!r} is no relation; expected COLUMN + COLUMN <= COLUMN + NUMBER, with one sign")
    left, right = (_terms(side, text, columns) for side in sides)
    found = Relation(text, left, signs[0], right)
    if not found.columns:
        raise ValueError(f"{text!r} names no column")
    return found


def _terms(side: str, text: str, columns: Collection[str]) -> tuple[str | float, ...]:
    if side.strip() in columns:
        return (side.strip(),)
    return tuple(_term(term.strip(), text, columns) for term in side.split("+"))


def _term(term: str, text: str, columns: Sequence[str] | Collection[str]) -> str | float:
    if term in columns:
        return term
    try:
        return float(term)
    except ValueError:
        found = ", ".join(columns)
        raise ValueError(f"{text!r}: {term!r} is neither a column nor a number; columns are {found}") from None


def _value(term: str | float, row: Mapping[str, Any]) -> float:
    value = row[term] if isinstance(term, str) else term
    return float("nan") if value is None else float(value)
