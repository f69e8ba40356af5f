"""The corridor: record → measure → judge → attest → render → seal, and the way back, verify.

Each step reads files and writes files, so that one machine may measure, another judge and sign, and anyone verify.
"""

from __future__ import annotations

from govkit.pipeline.bundle import Bundle, read_bundle
from govkit.pipeline.licensing import LicenseCheck, LicenseFacts, check_licenses, explain_license
from govkit.pipeline.remedying import Remedied, remedy
from govkit.pipeline.steps import (
    attest,
    audit,
    judge,
    measure,
    render,
    resolve_policy,
    seal,
    write_findings,
    write_verdict,
)
from govkit.pipeline.suggesting import suggest_suite
from govkit.pipeline.verification import Verification, verify

__all__ = [
    "Bundle",
    "LicenseCheck",
    "LicenseFacts",
    "Remedied",
    "Verification",
    "attest",
    "audit",
    "check_licenses",
    "explain_license",
    "judge",
    "measure",
    "read_bundle",
    "remedy",
    "render",
    "resolve_policy",
    "seal",
    "suggest_suite",
    "verify",
    "write_findings",
    "write_verdict",
]
