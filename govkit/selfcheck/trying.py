"""Tries the checks: each fault planted, and its clean twin beside it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from govkit import checks, documents, policy as policies
from govkit.checks import Request
from govkit.core import Case, Finding, Passes, Policy
from govkit.core.selfcheck import SelfCheck, Trial
from govkit.errors import UsageError
from govkit.pipeline import clock
from govkit.pipeline.bundle import tool
from govkit.pipeline.measuring import Progress
from govkit.pipeline.policy import resolve_policy
from govkit.selfcheck.faults import FAULTS, Fault, Made, Seen

POLICY = "nist-ai-rmf-core"
ACCUSED = {"fail": True, "pass": False, "inconclusive": False}
"""State of a control -> whether the case is accused; every other state says that nothing was measured."""


def plant_faults(*, seed: int = 0, only: Sequence[str] = (), progress: Progress | None = None) -> SelfCheck:
    """Plant each fault in a small case, and see whether its check finds it, and leaves the clean twin alone.

    Checks run as in every audit, and where the shipped policy states a limit its control judges.

    Args:
        seed: Seed of every randomness, from 0 to 2**53 - 1.
        only: Faults to plant; all of them if empty.
        progress: Told about each fault.

    Raises:
        UsageError: A name of no fault, or a seed that is none.
    """
    chosen, rules = _chosen(only), resolve_policy(POLICY)
    if not 0 <= seed < 2**53:
        raise UsageError(f"seed: expected a whole number from 0 to 2**53 - 1, found {seed}")
    trials = []
    for number, fault in enumerate(chosen):
        if progress is not None:
            progress(f"planting: {fault.planted}", number, len(chosen))
        trials.append(_tried(fault, rules, seed))
    return SelfCheck(tool=tool(), seed=str(seed), trials=tuple(trials), ok=all(trial.ok for trial in trials))


def _chosen(only: Sequence[str]) -> tuple[Fault, ...]:
    names = tuple(fault.name for fault in FAULTS)
    for name in only:
        if name not in names:
            raise UsageError(
                f"no fault is called {name!r}{documents.nearest(name, names)}; expected {', '.join(names)}"
            )
    return tuple(fault for fault in FAULTS if not only or fault.name in only)


def _tried(fault: Fault, rules: Policy, seed: int) -> Trial:
    began, passes = time.perf_counter(), Passes()
    seen: dict[bool, tuple[Made, Seen]] = {}
    for planted in (True, False):
        with tempfile.TemporaryDirectory(prefix="govkit-selfcheck-") as folder:
            made = fault.make(seed, planted, Path(folder))
            seen[planted] = made, _seen(fault, made.case, rules)
            passes += made.case.passes
    made, told = seen[True]
    named = len(made.planted & told.names)
    enough = 2 * named >= len(made.planted)
    share = f"; named {named} of the {len(made.planted)} planted" if len(made.planted) > 1 else ""
    return Trial(
        fault=fault.name,
        planted=fault.planted,
        check=fault.check,
        metric=fault.metric,
        control=fault.control,
        value=told.words + share,
        clean_value=seen[False][1].words,
        found=told.accuses is True and enough,
        clean_accused=seen[False][1].accuses,
        seconds=round(time.perf_counter() - began, 2),
        passes={"forward": passes.forward, "backward": passes.backward},
    )


def _seen(fault: Fault, case: Case, rules: Policy) -> Seen:
    """What the check says of a case, and whether that accuses it."""
    asked = [control for control in rules.controls if control.id == fault.control]
    params = asked[0].params if asked else fault.params
    findings = checks.measure(case, [Request("scope"), Request(fault.check, params)])
    told = fault.see(findings)
    return Seen(told.words, _judged(fault.control, findings, rules), told.names) if asked else told


def _judged(control: str, findings: Sequence[Finding], rules: Policy) -> bool | None:
    """Whether a control of the policy fails."""
    verdict = policies.judge(rules, findings, subject="", as_of=clock.deciding_time())
    state = next(ruling.state for ruling in verdict.rulings if ruling.control == control)
    return ACCUSED.get(state)
