"""Measures the cheap things first, and stops as soon as a control is certain to block.

What is left unmeasured stands as gaps, so that the verdict is never better than that of all measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from govkit import checks
from govkit.checks import Request
from govkit.core import Case, Check, Finding, Gap, Verdict
from govkit.pipeline.cache import Ask
from govkit.policy.matching import SCOPE

Judged = Callable[[Sequence[Finding]], Verdict]
"""The verdict on some findings, with the waivers and statements of people that count."""

FAMILIES = ("provenance", "outcomes", "data", "robustness")
"""Families of checks by what a check costs besides model passes, the least first."""


def until_a_failure(
    ask: Ask,
    case: Case,
    requests: Sequence[Request],
    *,
    judged: Judged,
    catalog: Mapping[str, Check],
) -> list[Finding]:
    """Findings of the requests, in their order; a gap for each that was not asked any more.

    A failure counts once the facts of the case and every request of its check are measured: then nothing that is still
    to come can change its entries, nor the family of its check over which chances are corrected.

    Args:
        ask: Measures one request.
        case: What is measured.
        requests: What the policy asks for.
        judged: Judges what is there so far.
        catalog: The checks by name.
    """
    found: dict[str, list[Finding]] = {}
    failed = None
    for request in cheapest_first(case, requests, catalog):
        found[request.key] = ask(request)
        left = {each.check for each in requests if each.key not in found}
        if request.check not in left and SCOPE not in left:
            failed = _failed(judged(_whole(requests, found, catalog, case)), request.check)
        if failed is not None:
            break
    return _whole(requests, found, catalog, case, why=failed)


def cheapest_first(case: Case, requests: Iterable[Request], catalog: Mapping[str, Check]) -> list[Request]:
    """The facts of the case, then by model passes, then by family."""

    def cost(request: Request) -> tuple[bool, bool, int, int, str]:
        passes = checks.declared_passes(case, [request], catalog=catalog)
        family = checks.describe(catalog[request.check])["family"]
        place = FAMILIES.index(family) if family in FAMILIES else len(FAMILIES)
        last = catalog[request.check].last
        return request.check != SCOPE, last, passes.forward + passes.backward, place, request.key

    return sorted(requests, key=cost)


def _failed(verdict: Verdict, check: str) -> str | None:
    """The first control of a check that failed and blocks."""
    return next(
        (
            ruling.control
            for ruling in verdict.rulings
            if ruling.check == check and ruling.state == "fail" and ruling.disposition == "block" and not ruling.waived
        ),
        None,
    )


def _whole(
    requests: Iterable[Request],
    found: Mapping[str, list[Finding]],
    catalog: Mapping[str, Check],
    case: Case,
    *,
    why: str | None = None,
) -> list[Finding]:
    """What was found, and a gap in the place of what was not run."""
    detail = f"{why} had failed already (--fail-fast)."
    findings: list[Finding] = []
    for request in requests:
        if request.key in found:
            findings += found[request.key]
        elif len(catalog[request.check].tasks) > 1 or case.task in catalog[request.check].tasks:
            findings.append(Gap(check=request.check, params=dict(request.params), reason="not run", detail=detail))
    return findings
