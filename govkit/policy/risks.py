"""Residual risk: a table, not a product of invented probabilities; the worst, never the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from govkit.core import Control, Policy, Risk, Ruling
from govkit.core.verdict import ResidualRisk
from govkit.policy.standards import subcategories

Level = Literal["low", "medium", "high", "very high"]

_WORD: dict[str, Level] = {"l": "low", "m": "medium", "h": "high", "v": "very high"}

_TABLE = ("lllmm", "llmmh", "lmmhh", "mmhhv", "mhhvv")
"""Row = impact 1 to 5, column = likelihood 1 to 5. Our own table; no authority sets one."""

MOST_STEPS = 2
"""However many controls pass, they lower the likelihood by at most two steps."""


def level(impact: int, likelihood: int) -> Level:
    """Level of a risk from its two ordinals, each 1 to 5."""
    return _WORD[_TABLE[impact - 1][likelihood - 1]]


def residual_risks(policy: Policy, rulings: Sequence[Ruling]) -> tuple[ResidualRisk, ...]:
    """Every declared risk before and after its controls.

    Each control that passes, on evidence that is more than a pointer, lowers the likelihood by one step, at most two
    together. Waived, inconclusive and missing lower nothing; while a control of the risk fails unwaived, no other
    control lowers it.
    """
    controls = {control.id: control for control in policy.controls}
    by_id = {ruling.control: ruling for ruling in rulings}
    return tuple(_residual(risk, controls, by_id) for risk in policy.risks)


def _residual(risk: Risk, controls: dict[str, Control], rulings: dict[str, Ruling]) -> ResidualRisk:
    own = [rulings[name] for name in dict.fromkeys(risk.controls) if name in rulings]
    passed = [ruling.control for ruling in own if ruling.state == "pass" and _counts(controls[ruling.control])]
    failed = [ruling.control for ruling in own if ruling.state == "fail" and not ruling.waived]
    measured = any(ruling.state in ("pass", "fail", "inconclusive") for ruling in own)
    steps = 0 if failed else min(len(passed), MOST_STEPS)
    if not own:
        reason = "no control of this policy speaks to it: not measured"
    elif not measured:
        reason = f"not measured: {_states(own)}"
    elif failed:
        reason = f"not lowered while {', '.join(failed)} fails"
    else:
        reason = f"likelihood lowered by {steps} of at most {MOST_STEPS} steps; {_states(own)}"
    return ResidualRisk(
        id=risk.id,
        description=risk.description,
        inherent=level(risk.impact, risk.likelihood),
        residual=level(risk.impact, max(1, risk.likelihood - steps)),
        measured=measured,
        reason=reason,
    )


def _counts(control: Control) -> bool:
    known = subcategories()
    return any(known[name].strength != "pointer" for name in control.rmf if name in known)


def _states(rulings: Sequence[Ruling]) -> str:
    return ", ".join(f"{each.control} {each.state}{' (waived)' if each.waived else ''}" for each in rulings)
