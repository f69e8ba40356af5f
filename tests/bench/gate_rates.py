"""How often a fair model is blocked, and an unfair one is let through, by eight groups times five limits on a gap.

Run it alone (about half a minute)::

    python tests/bench/gate_rates.py

Rows are drawn for each group, gaps between a group and everybody else are measured with ``govkit.stats``, and
``govkit.policy.judge`` judges them by five controls with the limit 0.10. The short version is in
``tests/unit/stats/test_gate_rates.py``.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

import govkit.stats as gs
from govkit.core import LEVELS, Measurement, Policy
from govkit.core.finding import DataRef
from govkit.policy import judge

GROUPS, LIMIT, DRAWS = 8, 0.10, 400
DIGEST = "sha256:" + "a" * 64
# Cells: positive and selected, positive and not, negative and selected, negative and not.
RATES = {
    "selection_rate_difference": ([0, 2], [0, 1, 2, 3]),
    "true_positive_rate_difference": ([0], [0, 1]),
    "false_positive_rate_difference": ([2], [2, 3]),
    "false_negative_rate_difference": ([1], [0, 1]),
    "accuracy_difference": ([0, 3], [0, 1, 2, 3]),
}
"""Name of the gap -> cells counted as event, and cells of the denominator."""

POLICY = Policy.model_validate(
    {
        "schema": "govkit.policy/v1",
        "id": "gaps",
        "version": "1.0.0",
        "controls": [
            {
                "id": f"FAIR-{index}",
                "title": f"The {name} of every group within ten points",
                "rmf": ["MEASURE 2.11"],
                "check": "bias",
                "metric": name,
                "over": ["groups"],
                "require": {"min": -LIMIT, "max": LIMIT},
                "authority": {"level": "none"},
                "severity": "medium",
            }
            for index, name in enumerate(RATES)
        ],
    }
)


def counts(positives: int, negatives: int, lost: float, rng: np.random.Generator) -> np.ndarray:
    """Rows of every group by cell ``(8, 4)``: recall 0.8, less ``lost`` in the first group; 0.2 of the others."""
    recall = np.full(GROUPS, 0.8) - lost * (np.arange(GROUPS) == 0)
    hit, false = rng.binomial(positives, recall), rng.binomial(negatives, 0.2, GROUPS)
    return np.column_stack([hit, positives - hit, false, negatives - false])


def findings(tables: np.ndarray) -> list[list[Measurement]]:
    """Gaps of a group less everybody else, 40 for each of the tables ``(draws, 8, 4)``."""
    names, found = [], []
    for name, (event, eligible) in RATES.items():
        x, n = tables[..., event].sum(axis=-1), tables[..., eligible].sum(axis=-1)
        rest = x.sum(axis=1, keepdims=True) - x, n.sum(axis=1, keepdims=True) - n
        found.append(np.array(gs.differences(*(part.ravel() for part in (x, n, *rest)))).reshape(x.shape))
        names.append(name)
    return [
        [
            _finding(name, group, gaps[draw, group])
            for name, gaps in zip(names, found, strict=True)
            for group in range(GROUPS)
        ]
        for draw in range(len(tables))
    ]


def _finding(name: str, group: int, gap: gs.Estimate) -> Measurement:
    return Measurement(
        check="bias",
        name=name,
        value=gap.value,
        n=gap.n,
        interval=gap.interval,
        bounds=gap.bounds,
        part={"group": f"g{group}"},
        data=DataRef(role="test", digest=DIGEST),
    )


def outcomes(positives: int, negatives: int, lost: float = 0.0, *, draws: int = DRAWS, seed: int = 0) -> Counter[str]:
    """Outcome -> how many of the draws came to it."""
    rng = np.random.default_rng(seed)
    tables = np.array([counts(positives, negatives, lost, rng) for _ in range(draws)])
    verdicts = (judge(POLICY, found, subject=DIGEST, as_of="2026-01-01T00:00:00Z") for found in findings(tables))
    return Counter(verdict.outcome for verdict in verdicts)


def main() -> None:
    """Print the table."""
    sys.stdout.write(f"{GROUPS} groups x {len(RATES)} gaps, limit {LIMIT}, {DRAWS} draws, levels {LEVELS}\n")
    for what, positives, negatives, lost in (
        ("no difference, 50 rows a group", 25, 25, 0.0),
        ("no difference, 200 rows a group", 100, 100, 0.0),
        ("no difference, 1000 rows a group", 500, 500, 0.0),
        ("recall at the limit, 1000 rows a group", 500, 500, LIMIT),
        ("recall 0.25 lower, 160 positives a group", 160, 160, 0.25),
        ("recall 0.25 lower, 260 positives a group", 260, 260, 0.25),
        ("recall 0.25 lower, 400 positives a group", 400, 400, 0.25),
    ):
        found = outcomes(positives, negatives, lost)
        sys.stdout.write(f"{what:<44}" + "".join(f"{name}: {count:<8}" for name, count in sorted(found.items())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
