"""The corridor: record → measure → judge → attest → render → seal, and the way back, verify.

Each step reads files and writes files, so that one machine may measure, another judge and sign, and anyone verify.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from govkit.pipeline.asserting import assert_policy
    from govkit.pipeline.bundle import Bundle, read_bundle
    from govkit.pipeline.comparing import Comparison, compare_bundles
    from govkit.pipeline.files import write_findings, write_verdict
    from govkit.pipeline.forms import draft_attestation, draft_waiver, sign_attestation, sign_waiver
    from govkit.pipeline.keys import accept_rotation, revoke_key, rotate_key
    from govkit.pipeline.licensing import LicenseCheck, LicenseFacts, check_licenses, explain_license
    from govkit.pipeline.loading import verified_load
    from govkit.pipeline.locking import lock_policy
    from govkit.pipeline.people import open_people
    from govkit.pipeline.points import Point, explain_proof
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
    from govkit.pipeline.releasing import Released, countersign, read_log, release, revoke_release
    from govkit.pipeline.remedying import Remedied, remedy
    from govkit.pipeline.selfcheck import selfcheck_bytes
    from govkit.pipeline.steps import attest, audit, judge, measure, render, seal
    from govkit.pipeline.suggesting import suggest_suite
    from govkit.pipeline.verification import Verification, verify
    from govkit.pipeline.verifying_pdf import VerifiedPdf, verify_pdf

_PLACES = {
    "asserting": "assert_policy",
    "bundle": "Bundle read_bundle",
    "comparing": "Comparison compare_bundles",
    "files": "write_findings write_verdict",
    "forms": "draft_attestation draft_waiver sign_attestation sign_waiver",
    "keys": "accept_rotation revoke_key rotate_key",
    "licensing": "LicenseCheck LicenseFacts check_licenses explain_license",
    "loading": "verified_load",
    "locking": "lock_policy",
    "people": "open_people",
    "points": "Point explain_proof",
    "policy": (
        "begin_policy compare_policies explain_control lint_policy plan_rows resolve_policy rmf_table run_policy_tests"
    ),
    "releasing": "Released countersign read_log release revoke_release",
    "remedying": "Remedied remedy",
    "selfcheck": "selfcheck_bytes",
    "steps": "attest audit judge measure render seal",
    "suggesting": "suggest_suite",
    "verification": "Verification verify",
    "verifying_pdf": "VerifiedPdf verify_pdf",
}
"""Module -> its public names. Each is loaded when it is first asked for: to verify takes a third of the corridor."""

_HOME = {name: module for module, names in _PLACES.items() for name in names.split()}

__all__ = [
    "Bundle",
    "Comparison",
    "LicenseCheck",
    "LicenseFacts",
    "Point",
    "Released",
    "Remedied",
    "Verification",
    "VerifiedPdf",
    "accept_rotation",
    "assert_policy",
    "attest",
    "audit",
    "begin_policy",
    "check_licenses",
    "compare_bundles",
    "compare_policies",
    "countersign",
    "draft_attestation",
    "draft_waiver",
    "explain_control",
    "explain_license",
    "explain_proof",
    "judge",
    "lint_policy",
    "lock_policy",
    "measure",
    "open_people",
    "plan_rows",
    "read_bundle",
    "read_log",
    "release",
    "remedy",
    "render",
    "resolve_policy",
    "revoke_key",
    "revoke_release",
    "rmf_table",
    "rotate_key",
    "run_policy_tests",
    "seal",
    "selfcheck_bytes",
    "sign_attestation",
    "sign_waiver",
    "suggest_suite",
    "verified_load",
    "verify",
    "verify_pdf",
    "write_findings",
    "write_verdict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'govkit.pipeline' has no attribute {name!r}")
    return getattr(importlib.import_module(f"govkit.pipeline.{_HOME[name]}"), name)
