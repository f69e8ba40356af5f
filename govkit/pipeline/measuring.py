"""Measures a case that has been built: every check that the policy asks for, from memory where that may be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from govkit import checks, evidence
from govkit import policy as policies
from govkit.checks import Request
from govkit.core import Audit, Finding, Passes, Policy, Verdict
from govkit.pipeline.bundle import tool
from govkit.pipeline.cache import Ask, remembered
from govkit.pipeline.casework import Casework
from govkit.pipeline.failing_fast import until_a_failure

Progress = Callable[[str, int, int], None]
"""``(what is being done, steps done, steps in all)``."""


def measure_case(
    work: Casework,
    rules: Policy,
    *,
    cache: Path | None = None,
    judged: Callable[[Mapping[str, Any]], Verdict] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The findings document of a case that has been built; its passes are those that were made now.

    Args:
        work: The case.
        rules: The policy that says what to measure.
        cache: Folder of findings that were measured before, as ``cache.opened`` gave it.
        judged: Judges a findings document; with it, nothing more is measured once a control is certain to block.
        progress: Told about each check.
    """
    case, catalog = work.case, checks.catalog()
    requests = checks.requests_for(rules, catalog)
    declared = checks.declared_passes(case, requests, catalog=catalog)

    def ask(request: Request) -> list[Finding]:
        return checks.measure(case, [request], catalog=catalog)

    digest = audit_digest(work.audit)
    kept = ask if cache is None else remembered(ask, work, folder=cache, audit=digest, catalog=catalog)
    answer = kept if progress is None else _telling(kept, progress, len(requests))
    if judged is None:
        findings = [finding for request in requests for finding in answer(request)]
    else:

        def so_far(found: Sequence[Finding]) -> Verdict:
            return judged(_document(work, rules, found, declared))

        findings = until_a_failure(answer, case, requests, judged=so_far, catalog=catalog)
    return _document(work, rules, findings, declared)


def _document(work: Casework, rules: Policy, findings: Sequence[Finding], declared: Passes) -> dict[str, Any]:
    return {
        "schema": "govkit.findings/v1",
        "subject": {"name": work.name, "digest": work.digest},
        "policy": policy_reference(rules),
        "audit": audit_digest(work.audit),
        "seed": str(work.case.seed),
        "tool": tool(),
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


def audit_digest(audit: Audit) -> str:
    """Digest of an audit file as resolved; the policy has a digest of its own."""
    plain = {key: value for key, value in audit.dump().items() if key != "policy"}
    return "sha256:" + hashlib.sha256(evidence.dumps(plain)).hexdigest()


def policy_reference(rules: Policy) -> dict[str, str]:
    """Id, version and digest of a resolved policy."""
    return {"id": rules.id, "version": rules.version, "digest": policies.digest(rules)}
