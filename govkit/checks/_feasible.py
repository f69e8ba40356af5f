"""What may change in a row of a case's table: the values that its columns hold, and what the audit file says."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from govkit.attacks import Feasible, Move, relation
from govkit.attacks.feasible import Row
from govkit.core import Case
from govkit.core.audit import FeasibleChanges
from govkit.errors import AuditError
from govkit.lazy import pd

MOST_VALUES = 64
"""Values of a column that are tried: all of them, or quantiles of its numbers, or its most frequent categories."""


def rules_of(case: Case, budget: float) -> Feasible:
    """Moves of every input that is neither a protected attribute nor declared immutable.

    A column takes values that the training and the test rows hold, so that types and ranges stay what they are; a
    declared range adds its ends and removes what lies outside.
    """
    frame, declared = _observed(case), case.feasible
    _refuse_misfits(frame, declared)
    fixed = {*declared.immutable, *_protected(case, frame)}
    sets = _one_hot(frame, declared)
    moves = [*_categories(frame, sets, fixed, declared.cost)]
    together = {name for names in sets for name in names}
    moves += [
        move
        for name in frame.columns
        if name not in fixed | together
        and (move := _move(frame[name], declared.range.get(name), declared.cost.get(name, 1.0))) is not None
    ]
    return Feasible(tuple(moves), budget, _holds(declared, list(frame.columns), sets))


def _protected(case: Case, frame: Any) -> set[str]:
    """Protected attributes, and the columns of 0 and 1 that stand for their values: ``sex_f`` of ``sex``."""
    groups = set(case.data["test"].groups)
    return groups | {name for name in frame.columns if any(str(name).startswith(f"{group}_") for group in groups)}


def _observed(case: Case) -> Any:
    """Inputs of the training and test rows."""
    frames = [case.data[role].inputs for role in ("train", "test") if role in case.data]
    return pd.concat([frame for frame in frames if frame is not None], ignore_index=True)


def _refuse_misfits(frame: Any, declared: FeasibleChanges) -> None:
    """Ranges and relations are about numbers, sets of columns about 0 and 1.

    Raises:
        AuditError: The columns hold something else.
    """
    related = (name for text in declared.relations for name in relation(text, list(frame.columns)).columns)
    for name in (*declared.range, *related):
        if frame[name].dtype.kind not in "biuf":
            raise AuditError(f"feasible: {name!r} holds {frame[name].dtype}; ranges and relations need numbers")
    for name in (name for names in declared.one_hot for name in names):
        if not frame[name].isin([0, 1]).all():
            raise AuditError(f"feasible.one_hot: {name!r} holds other values than 0 and 1")


def _one_hot(frame: Any, declared: FeasibleChanges) -> list[tuple[str, ...]]:
    """Declared sets of columns, and those whose names begin alike and of which exactly one is 1 in every row."""
    named = {name for names in declared.one_hot for name in names}
    alike: dict[str, list[str]] = {}
    for name in frame.columns:
        start, mark, _ = str(name).rpartition("_")
        if mark and name not in named and frame[name].isin([0, 1]).all():
            alike.setdefault(start, []).append(name)
    found = [tuple(names) for names in alike.values() if len(names) > 1 and (frame[names].sum(axis=1) == 1).all()]
    return [*declared.one_hot, *found]


def _categories(frame: Any, sets: list[tuple[str, ...]], fixed: set[str], cost: Mapping[str, float]) -> Iterator[Move]:
    for names in sets:
        if not fixed & {*names}:
            kinds = [frame[name].dtype.type for name in names]
            values = tuple(
                tuple(kind(place == one).item() for place, kind in enumerate(kinds)) for one in range(len(names))
            )
            yield Move(names, values, None, max(cost.get(name, 1.0) for name in names))


def _move(column: Any, span: tuple[float, float] | None, price: float) -> Move | None:
    """Moves of one column; None where it holds one value alone."""
    number = column.dtype.kind in "iuf"
    held = column.replace([math.inf, -math.inf], math.nan).dropna() if number else column.dropna()
    if number:
        values = sorted(set(held.quantile([step / (MOST_VALUES - 1) for step in range(MOST_VALUES)],
                                          interpolation="nearest").tolist()))  # fmt: skip
        values = values if span is None else _within(values, span, whole=column.dtype.kind in "iu")
    else:
        values = held.value_counts().index[:MOST_VALUES].tolist()
    spread = float(held.astype(float).std()) if number and len(held) > 1 else 0.0
    if len(values) < 2 or (number and not spread > 0):
        return None
    return Move((str(column.name),), tuple((value,) for value in values), spread if number else None, price)


def _within(values: list[Any], span: tuple[float, float], *, whole: bool) -> list[Any]:
    low, high = (math.ceil(span[0]), math.floor(span[1])) if whole else span
    return sorted({low, high, *(value for value in values if low <= value <= high)}) if low <= high else []


def _holds(declared: FeasibleChanges, columns: list[str], sets: list[tuple[str, ...]]) -> Callable[[Row], bool]:
    relations = [relation(text, columns) for text in declared.relations]

    def holds(row: Row) -> bool:
        for name, (low, high) in declared.range.items():
            if row[name] == row[name] and row[name] is not None and not low <= row[name] <= high:
                return False
        if any(sum(row[name] for name in names) != 1 for names in sets):
            return False
        return all(each.holds(row) for each in relations)

    return holds
