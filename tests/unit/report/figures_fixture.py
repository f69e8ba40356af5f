"""Findings for every kind of figure."""

from __future__ import annotations

from typing import Any

from bundle_fixture import SHIFTED, measurement

from govkit import core


def flips() -> list[core.Finding]:
    """Flips against base and model in service."""
    made: list[core.Finding] = []
    for rival, lost, won in (("base", 0.031, 0.0702), ("incumbent", 0.0204, 0.0253)):
        made.append(measurement(f"negative_flip_rate_vs_{rival}", lost, width=0.004, check="flips"))
        made.append(measurement(f"positive_flip_rate_vs_{rival}", won, width=0.005, check="flips"))
        made.append(measurement("mcnemar_p", 0.0021, width=0, check="flips", compared_with=rival))
    return made


def attacks() -> list[core.Finding]:
    """Attacks of two sizes on this model and its base, the larger one suspect."""
    made: list[core.Finding] = []
    for eps, tier, robust, trust in ((0.01, "gate", 0.71, "trusted"), (0.031, "gate", 0.42, "suspect")):
        params = {"eps": eps, "norm": "linf", "tier": tier}
        for of, less in (("candidate", 0.0), ("base", 0.11)):
            more: dict[str, Any] = {"check": "adversarial", "of": of, "params": params}
            made.append(measurement("clean_accuracy", round(0.86 - less, 3), 512, width=0.03, **more))
            made.append(measurement("robust_accuracy", round(robust - less, 3), 512, width=0.04, trust=trust, **more))
            made.append(measurement("random_accuracy", round(0.85 - less, 3), 512, width=0.03, trust=trust, **more))
    params = {"eps": None, "norm": "l2", "tier": "smoke"}
    more = {"check": "adversarial", "params": params}
    made.append(measurement("clean_accuracy", 0.86, 64, width=0.03, **more))
    made.append(measurement("robust_accuracy", 0.55, 64, width=0.06, trust="not evaluated", **more))
    return made


def moved(columns: int = 9) -> list[core.Finding]:
    """Columns that moved, numbers and categories in turn, and the answers."""
    more: dict[str, Any] = {"check": "drift", "data": SHIFTED, "width": 0.02}
    made: list[core.Finding] = []
    for at in range(columns):
        name, value = ("wasserstein", 0.03 * at) if at % 2 else ("total_variation", 0.02 * at)
        made.append(measurement(name, round(value, 4), 4021, part={"column": f"column {at}"}, **more))
    made.append(measurement("prediction_total_variation", 0.051, 4021, **more))
    return made


def licensed(answer: str = "unknown") -> list[core.Finding]:
    """The composition, as it was signed."""
    return [measurement("composition", answer, width=0, check="licenses", data=None)]


def everything() -> list[core.Finding]:
    """Findings for all figures that the plain bundle lacks."""
    return [*flips(), *attacks(), *moved(), *licensed()]
