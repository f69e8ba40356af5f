"""What is measured about groups: rates, gaps to everybody else, spreads over the groups, all from a count table.

The names are those of fairlearn and aif360 where they have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from govkit.core.case import Array
from govkit.data.counts import (
    CELLS,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    OTHER_ERROR,
    TRUE_NEGATIVE,
    TRUE_POSITIVE,
    CountTable,
)
from govkit.lazy import np
from govkit.stats.agreement import share

RateName = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "true_negative_rate",
    "false_negative_rate",
    "positive_predictive_value",
    "negative_predictive_value",
    "false_discovery_rate",
    "false_omission_rate",
    "accuracy",
    "error_rate",
]

EVERY = tuple(CELLS)
POSITIVE = (TRUE_POSITIVE, FALSE_NEGATIVE)
NEGATIVE = (FALSE_POSITIVE, TRUE_NEGATIVE, OTHER_ERROR)
SELECTED = (TRUE_POSITIVE, FALSE_POSITIVE)
LEFT = (FALSE_NEGATIVE, TRUE_NEGATIVE, OTHER_ERROR)
RIGHT = (TRUE_POSITIVE, TRUE_NEGATIVE)
WRONG = (FALSE_NEGATIVE, FALSE_POSITIVE, OTHER_ERROR)
ROWS = {
    EVERY: "rows",
    POSITIVE: "rows of the positive class",
    NEGATIVE: "rows of another class",
    SELECTED: "rows that get the positive answer",
    LEFT: "rows that do not get the positive answer",
}
"""Denominators, in words."""


@dataclass(frozen=True)
class Rate:
    """The share of some cells among others.

    Attributes:
        events: Cells that count.
        among: Cells of the denominator.
        what: What it says, in words.
        good: A higher rate is the better lot.
    """

    events: tuple[int, ...]
    among: tuple[int, ...]
    what: str
    good: bool = True

    @property
    def paired(self) -> bool:
        """The denominator depends on the truth alone, so that two models share it."""
        return self.among in (EVERY, POSITIVE, NEGATIVE)

    def counted(self, counts: Array) -> tuple[Array, Array]:
        """Events and denominators of each group, each ``(K,)``."""
        return counts[:, self.events].sum(axis=1), counts[:, self.among].sum(axis=1)

    def crossed(self, joint: Array) -> Array:
        """Rows of each group by the event under one model and under another, ``(K, 2, 2)``; 1 is the event.

        Args:
            joint: Rows by group, cell of the one and cell of the other, ``(K, 5, 5)``; of a rate that is ``paired``.
        """
        sides = [cell for cell in self.among if cell not in self.events], list(self.events)
        counts = [[joint[:, one][:, :, two].sum(axis=(1, 2)) for two in sides] for one in sides]
        return np.array(counts).transpose(2, 0, 1)


RATES: dict[str, Rate] = {
    "selection_rate": Rate(SELECTED, EVERY, "share of rows that get the positive answer"),
    "true_positive_rate": Rate(
        (TRUE_POSITIVE,), POSITIVE, "share of the rows of the positive class that get the positive answer"
    ),
    "false_positive_rate": Rate(
        (FALSE_POSITIVE,), NEGATIVE, "share of the rows of another class that get the positive answer", good=False
    ),
    "true_negative_rate": Rate(
        NEGATIVE[1:], NEGATIVE, "share of the rows of another class that do not get the positive answer"
    ),
    "false_negative_rate": Rate(
        (FALSE_NEGATIVE,),
        POSITIVE,
        "share of the rows of the positive class that do not get the positive answer",
        good=False,
    ),
    "positive_predictive_value": Rate((TRUE_POSITIVE,), SELECTED, "share of the positive answers that are right"),
    "negative_predictive_value": Rate(
        LEFT[1:], LEFT, "share of the rows without the positive answer that are of another class"
    ),
    "false_discovery_rate": Rate(
        (FALSE_POSITIVE,), SELECTED, "share of the positive answers that are wrong", good=False
    ),
    "false_omission_rate": Rate(
        (FALSE_NEGATIVE,),
        LEFT,
        "share of the rows without the positive answer that are of the positive class",
        good=False,
    ),
    "accuracy": Rate(RIGHT, EVERY, "share of rows with the right answer"),
    "error_rate": Rate(WRONG, EVERY, "share of rows with a wrong answer", good=False),
}
RATIOS = (
    "selection_rate", "false_positive_rate", "false_negative_rate", "false_discovery_rate", "false_omission_rate",
    "error_rate",
)  # fmt: skip
"""Rates whose ratio to everybody else is measured: those that aif360 has."""

ODDS = ("true_positive_rate", "false_positive_rate")
PREDICTIVE = ("positive_predictive_value", "false_omission_rate")
PARITIES = {name: f"{name}_parity" for name in RATES} | {
    "selection_rate": "demographic_parity",
    "true_positive_rate": "equal_opportunity",
    "positive_predictive_value": "predictive_parity",
}
"""What a rate is called that is the same in all groups."""


def metrics_of(table: CountTable, *, min_rows: float = 0) -> dict[str, Array]:
    """Every metric of the table, values alone; weights count as rows.

    Args:
        table: Counts or weights of K groups.
        min_rows: A group with fewer in the denominator of a rate has no part in the spread of it.

    Returns:
        Name -> float64 ``(K,)`` for rates and for gaps to everybody else, or ``()`` for what is said of all groups
        together; NaN where nothing stands below the line.

    References:
        Hardt, Price and Srebro 2016 (equalized odds); Foulds et al. 2020 (differential fairness, concentration 1).
    """
    found: dict[str, Array] = {}
    for name, rate in RATES.items():
        events, rows = rate.counted(table.counts)
        own, rest = share(events, rows), share(events.sum() - events, rows.sum() - rows)
        found |= {name: own, f"{name}_difference": own - rest, f"{name}_ratio": share(own, rest)}
        seen = own[(rows > 0) & (rows >= min_rows)]
        least, most = (seen.min(), seen.max()) if seen.size > 1 else (np.nan, np.nan)
        found[f"{PARITIES[name]}_difference"] = most - least
        found[f"{PARITIES[name]}_ratio"] = share(least, most)
    spread, quotient = ([found[f"{PARITIES[name]}_{kind}"] for name in ODDS] for kind in ("difference", "ratio"))
    odds, value = ([found[f"{name}_difference"] for name in names] for names in (ODDS, PREDICTIVE))
    f1 = 2 * table.counts[:, TRUE_POSITIVE], table.counts[:, POSITIVE + SELECTED].sum(axis=1)
    selected, positive = (_differential(table.counts, cells) for cells in (SELECTED, POSITIVE))
    return found | {
        "equalized_odds_difference": np.max(spread),
        "equalized_odds_ratio": np.min(quotient),
        "average_odds_difference": (odds[0] + odds[1]) / 2,
        "average_abs_odds_difference": (abs(odds[0]) + abs(odds[1])) / 2,
        "average_predictive_value_difference": (value[0] + value[1]) / 2,
        "balanced_accuracy": (found["true_positive_rate"] + found["true_negative_rate"]) / 2,
        "f1": share(*f1),
        "differential_fairness": selected,
        "differential_fairness_bias_amplification": selected - positive,
    }


def _differential(counts: Array, cells: tuple[int, ...]) -> Array:
    """Largest log ratio of two groups' smoothed chances to lie in the cells, or not to."""
    chance = (counts[:, cells].sum(axis=1) + 0.5) / (counts.sum(axis=1) + 1)
    return np.max([np.ptp(np.log(chance)), np.ptp(np.log(1 - chance))])
