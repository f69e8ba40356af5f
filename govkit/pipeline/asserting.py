"""A verdict as an assertion, for test suites."""

from __future__ import annotations

from pathlib import Path

from govkit import policy as policies
from govkit.core.verdict import EXIT_CODE
from govkit.pipeline.bundle import Bundle
from govkit.pipeline.policy import resolve_policy
from govkit.report.asked import told
from govkit.report.model import Report
from govkit.report.read import read


def assert_policy(bundle: Bundle | Path | str, *, policy: str | None = None) -> None:
    """Assert that a bundle passed its policy, whether or not the command line was told to enforce it.

    Reading proves nothing about who signed; ``verify`` does.

    Args:
        bundle: A bundle, or its folder.
        policy: Name or path of the policy that it must have been judged by.

    Raises:
        AssertionError: It was judged by another policy; its verdict does not follow from its findings; or it did not
            pass, and then the message says of every open point what was asked, what was seen and what to do.
        UsageError: The folder is no bundle, or the policy cannot be read.
    """
    __tracebackhide__ = True
    report = Report(read(bundle.path if isinstance(bundle, Bundle) else Path(bundle)))
    verdict, judged_by, found = report.sources.verdict, report.sources.policy, report.sources
    again = policies.judge(
        judged_by,
        found.findings,
        subject=verdict.subject,
        as_of=verdict.as_of,
        waivers=found.waivers,
        attestations=found.attestations,
    )
    if (again.outcome, again.policy) != (verdict.outcome, verdict.policy):
        said = f"says {verdict.outcome}, and judging its findings by its policy again gives {again.outcome}"
        raise AssertionError(f"the bundle {said}: it was changed, or made by another govkit; audit again")
    if policy is not None and policies.digest(resolve_policy(policy)) != verdict.policy:
        raise AssertionError(f"judged by {judged_by.id} {judged_by.version}, not by {policy} as it is now: audit again")
    if EXIT_CODE[verdict.outcome]:
        raise AssertionError(told(report))
