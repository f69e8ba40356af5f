"""Changes of a table's row that could really be made: of a possible value, in a column that may change, at a cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from govkit.attacks.greedy import greedy, misled
from govkit.lazy import pd

Predict = Callable[[Any], Any]
Row = dict[str, Any]
"""Values by column."""

SLACK = 1e-9
"""What rounding may add to a cost."""


@dataclass(frozen=True)
class Move:
    """Columns that change together: one column, or the columns of 0 and 1 that stand for one category.

    Attributes:
        columns: Their names.
        values: What they may hold, a tuple with one value a column for each possibility.
        scale: For a number, the change that costs ``price``; None where any other value does.
        price: Cost of a change by ``scale``, or to another category.
    """

    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]
    scale: float | None
    price: float

    def cost(self, before: Row, value: tuple[Any, ...]) -> float:
        """Cost of holding this value instead of the one before."""
        if all(_same(before[column], new) for column, new in zip(self.columns, value, strict=True)):
            return 0.0
        if self.scale is None:
            return self.price
        return self.price * abs(float(value[0]) - float(before[self.columns[0]])) / self.scale


@dataclass(frozen=True)
class Feasible:
    """What may be changed.

    Attributes:
        moves: What may change; no other column does.
        budget: Largest sum of costs in one row.
        holds: Whether a row is possible: what the columns have to do with each other.
    """

    moves: tuple[Move, ...]
    budget: float
    holds: Callable[[Row], bool] = lambda _row: True

    def cost(self, before: Row, after: Row) -> float:
        """Sum of the costs of all changes."""
        return sum(move.cost(before, tuple(after[column] for column in move.columns)) for move in self.moves)


@dataclass(frozen=True)
class Moved:
    """What the search found; lists of n.

    Attributes:
        rows: The values that it ended with; where ``broken``, exactly the row that was asked about.
        broken: Rows answered wrongly.
        costs: Cost of what was changed.
        tried: How many changes each row was asked about; 0 where none was possible.
        forward: Rows that the model was asked.
    """

    rows: list[Row]
    broken: list[bool]
    costs: list[float]
    tried: list[int]
    forward: int


def feasible(
    predict: Predict,
    frame: Any,
    labels: Sequence[int],
    rules: Feasible,
    *,
    seeds: Sequence[int],
    edits: int = 3,
    tries: int = 16,
) -> Moved:
    """Search greedily for feasible changes that change the answer, then take back those that it did not need.

    At each edit every unbroken row is tried with several moves, to the lowest, the highest or any value that the rest
    of the budget allows, and keeps the one that leaves the true class the least probable. Only answers are asked for,
    so trees and closed models can be attacked as well.

    Args:
        predict: Frame of m rows -> probabilities ``(m, k)``.
        frame: ``n`` rows that are answered rightly.
        labels: True classes, columns of the answers.
        rules: What may be changed.
        seeds: One seed a row.
        edits: Most moves in one row.
        tries: Most moves tried at each edit.

    Returns:
        At most ``edits * (tries + 1)`` forward passes for each row. A row that does not hold to the rules as it is, is
        not changed.
    """
    import random

    origin: list[Row] = frame.to_dict("records")
    draws = [random.Random(seed) for seed in seeds]  # noqa: S311 - a search, no secret
    fixed = {at for at, row in enumerate(origin) if not rules.holds(row)}

    def options(at: int, row: Row, _number: int) -> list[Row]:
        return [] if at in fixed else _options(row, origin[at], rules, draws[at], tries)

    def answers(rows: list[Row]) -> Any:
        return predict(frame_of(frame, rows))

    found = greedy(answers, origin, labels, options, edits=edits)
    rows, broken = found.inputs, found.broken
    forward = found.forward + _take_back(answers, labels, rules, (origin, rows, broken))
    costs = [rules.cost(before, after) for before, after in zip(origin, rows, strict=True)]
    return Moved(rows, broken, costs, found.tried, forward)


def _options(row: Row, origin: Row, rules: Feasible, draw: Any, tries: int) -> list[Row]:
    """Different rows that are one move away and keep to the rules."""
    spent = rules.cost(origin, row)
    options: list[Row] = []
    moves = [move for move in rules.moves if not any(_missing(origin[column]) for column in move.columns)]
    # What is drawn may be impossible or known already, so that more is drawn than asked; each column in its turn.
    for turn in range(4 * tries if moves else 0):
        if len(options) == tries:
            break
        if turn % len(moves) == 0:
            draw.shuffle(moves)
        move = moves[turn % len(moves)]
        own = move.cost(origin, tuple(row[column] for column in move.columns))
        left = rules.budget - (spent - own) + SLACK
        affordable = [value for value in move.values if move.cost(origin, value) <= left]
        if not affordable:
            continue
        value = _ends(affordable, draw) if move.scale is not None else draw.choice(affordable)
        option = row | dict(zip(move.columns, value, strict=True))
        if option != row and option not in options and rules.holds(option):
            options.append(option)
    return options


def _ends(values: Sequence[tuple[Any, ...]], draw: Any) -> tuple[Any, ...]:
    """The lowest, the highest, or any of them: a model that rises with a number breaks at an end first."""
    ends: tuple[tuple[Any, ...], ...] = (min(values), max(values), draw.choice(values))
    return ends[draw.randrange(3)]


def _take_back(
    predict: Predict, labels: Sequence[int], rules: Feasible, found: tuple[list[Row], list[Row], list[bool]]
) -> int:
    """Undo the moves that a broken row does not need, one by one, in place; the number of rows asked."""
    origin, rows, broken = found
    forward = 0
    for move in rules.moves:
        asked = []
        for at, fooled in enumerate(broken):
            option = rows[at] | {column: origin[at][column] for column in move.columns}
            if fooled and option != rows[at] and option != origin[at] and rules.holds(option):
                asked.append((at, option))
        if asked:
            answers = predict([option for _, option in asked])
            forward += len(asked)
            for (at, option), answer in zip(asked, answers, strict=True):
                if misled(answer, labels[at]):
                    rows[at] = option
    return forward


def frame_of(frame: Any, rows: Sequence[Row]) -> Any:
    """Rows as a frame with the columns and types of another one."""
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in frame.dtypes.items()}
    )


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (_missing(one) and _missing(other))


def _missing(value: Any) -> bool:
    """Nothing that a change could be measured from: missing, or infinite."""
    return bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value))
