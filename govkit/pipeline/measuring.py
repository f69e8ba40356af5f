"""Measures a case that has been built: every check that the policy asks for, from memory where that may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from govkit import checks, evidence
from govkit.checks import Request
from govkit.core import Finding, Passes, Policy, Verdict
from govkit.pipeline.bundle import tool
from govkit.pipeline.cache import Ask, remembered
from govkit.pipeline.casework import Casework
from govkit.pipeline.digests import audit_digest
from govkit.pipeline.failing_fast import until_a_failure
from govkit.pipeline.policy import policy_reference

Progress = Callable[[str, int, int], None]
"""``(what is being done, steps done, steps in all)``."""


def measure_case(
    work: Casework,
    rules: Policy,
    *,
    lock: evidence.HeldLock | None = None,
    cache: Path | None = None,
    judged: Callable[[Mapping[str, Any]], Verdict] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The findings document of a case that has been built; its passes are those that were made now.

    Args:
        work: The case.
        rules: The policy that says what to measure.
        lock: Lock that both were held to; the document names it.
        cache: Folder of findings that were measured before, as ``cache.opened`` gave it.
        judged: Judges a findings document; with it, nothing more is measured once a control is certain to block.
        progress: Told about each check.
    """
    case, catalog = work.case, checks.catalog()
    requests = sorted(checks.requests_for(rules, catalog), key=lambda request: catalog[request.check].last)
    declared = checks.declared_passes(case, requests, catalog=catalog)

    def ask(request: Request) -> list[Finding]:
        return checks.measure(case, [request], catalog=catalog)

    kept = ask if cache is None else remembered(ask, work, folder=cache, catalog=catalog)
    answer = kept if progress is None else _telling(kept, progress, len(requests))
    document = partial(_document, work, rules, declared, lock)
    if judged is None:
        findings = [finding for request in requests for finding in answer(request)]
    else:
        findings = until_a_failure(
            answer, case, requests, judged=lambda found: judged(document(found)), catalog=catalog
        )
    work.refuse_changed()
    return document(findings)


def _document(
    work: Casework,
    rules: Policy,
    declared: Passes,
    lock: evidence.HeldLock | None,
    findings: Sequence[Finding],
) -> dict[str, Any]:
    return {
        "schema": "govkit.findings/v1",
        "subject": {"name": work.name, "digest": work.digest},
        "policy": policy_reference(rules),
        "audit": audit_digest(work.audit),
        "seed": str(work.case.seed),
        "tool": tool(),
        **({} if lock is None else {"lock": lock.payload_sha256}),
        **({} if work.incumbent is None else {"incumbent": work.incumbent}),
        "passes": {
            "forward": work.case.passes.forward,
            "backward": work.case.passes.backward,
            "declared_forward": declared.forward,
            "declared_backward": declared.backward,
        },
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def _telling(ask: Ask, progress: Progress, total: int) -> Ask:
    """Counts the checks as they begin."""
    done = 0

    def told(request: Request) -> list[Finding]:
        nonlocal done
        progress(f"check {request.check}", done, total)
        done += 1
        return ask(request)

    return told
