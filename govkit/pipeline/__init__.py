"""The corridor: record → measure → judge → attest → render → seal, and the way back, verify.

Each step reads files and writes files, so that one machine may measure, another judge and sign, and anyone verify.
"""

from __future__ import annotations

from govkit.pipeline.asserting import assert_policy
from govkit.pipeline.bundle import Bundle, read_bundle
from govkit.pipeline.files import write_findings, write_verdict
from govkit.pipeline.forms import draft_attestation, draft_waiver, sign_attestation, sign_waiver
from govkit.pipeline.licensing import LicenseCheck, LicenseFacts, check_licenses, explain_license
from govkit.pipeline.locking import lock_policy
from govkit.pipeline.people import open_people
from govkit.pipeline.policy import (
    begin_policy,
    compare_policies,
    explain_control,
    lint_policy,
    plan_rows,
    resolve_policy,
    rmf_table,
    run_policy_tests,
)
from govkit.pipeline.remedying import Remedied, remedy
from govkit.pipeline.selfcheck import selfcheck_bytes
from govkit.pipeline.steps import attest, audit, judge, measure, render, seal
from govkit.pipeline.suggesting import suggest_suite
from govkit.pipeline.verification import Verification, verify

__all__ = [
    "Bundle",
    "LicenseCheck",
    "LicenseFacts",
    "Remedied",
    "Verification",
    "assert_policy",
    "attest",
    "audit",
    "begin_policy",
    "check_licenses",
    "compare_policies",
    "draft_attestation",
    "draft_waiver",
    "explain_control",
    "explain_license",
    "judge",
    "lint_policy",
    "lock_policy",
    "measure",
    "open_people",
    "plan_rows",
    "read_bundle",
    "remedy",
    "render",
    "resolve_policy",
    "rmf_table",
    "run_policy_tests",
    "seal",
    "selfcheck_bytes",
    "sign_attestation",
    "sign_waiver",
    "suggest_suite",
    "verify",
    "write_findings",
    "write_verdict",
]
