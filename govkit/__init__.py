"""govkit audits a fine-tuned model beside its base: measured, judged by policy, signed.

The whole way in Python::

    import govkit as gk

    with gk.record("runs/sms", base="base_model") as run:      # lineage and licenses
        run.add_data("train.csv", role="train", license="CC-BY-4.0")
        run.watch(trainer)
        trainer.train()

    bundle = gk.audit("audit.yaml", policy="nist-ai-rmf-core", out="evidence")
    print(bundle.verdict.outcome, bundle.verdict.exit_code)

A step at a time: ``measure`` (findings), ``judge`` (a verdict), ``attest`` (signed statements), ``render`` (documents),
``seal`` (the release). The way back: ``verify`` checks signatures and digests and judges again.

Importing govkit loads no numerical library; each is imported by the step that needs it. Nothing reaches the network.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from govkit.checks import catalog, describe
    from govkit.core import (
        Audit,
        Case,
        Check,
        Gap,
        Measurement,
        Metric,
        Policy,
        Predictions,
        Role,
        Ruling,
        Run,
        Verdict,
        check,
    )
    from govkit.demos import find as find_demo
    from govkit.errors import EvidenceError, GovkitError, UsageError, VerdictError
    from govkit.evidence import load_key, new_key
    from govkit.lineage import Replay, read_run, record, record_script, replay
    from govkit.pipeline import (
        Bundle,
        Comparison,
        LicenseCheck,
        LicenseFacts,
        Released,
        Remedied,
        Verification,
        VerifiedPdf,
        accept_rotation,
        assert_policy,
        attest,
        audit,
        begin_policy,
        check_licenses,
        compare_bundles,
        compare_policies,
        countersign,
        draft_attestation,
        draft_waiver,
        explain_control,
        explain_license,
        explain_proof,
        judge,
        lint_policy,
        lock_policy,
        measure,
        open_people,
        plan_rows,
        read_bundle,
        read_log,
        release,
        remedy,
        render,
        resolve_policy,
        revoke_key,
        revoke_release,
        rmf_table,
        rotate_key,
        run_policy_tests,
        seal,
        selfcheck_bytes,
        sign_attestation,
        sign_waiver,
        suggest_suite,
        verified_load,
        verify,
        verify_pdf,
        write_findings,
        write_verdict,
    )
    from govkit.policy import digest as policy_digest
    from govkit.policy import packs
    from govkit.selfcheck import plant_faults
    from govkit.subjects import Ancestry, compare_weights
    from govkit.watch import acknowledge_alarms, look_once, sign_month

__version__ = "0.1.0"

# Set before any library loads: none of them may send anything.
for _switch in ("DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_switch, "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_ROOMS = {
    "checks": "catalog describe",
    "core": "Audit Case Check Gap Measurement Metric Policy Predictions Role Ruling Run Verdict check",
    "demos": "find_demo:find",
    "errors": "EvidenceError GovkitError UsageError VerdictError",
    "evidence": "load_key new_key",
    "lineage": "Replay read_run record record_script replay",
    "pipeline": (
        "Bundle Comparison LicenseCheck LicenseFacts Released Remedied Verification VerifiedPdf accept_rotation "
        "assert_policy attest audit begin_policy check_licenses compare_bundles compare_policies countersign "
        "draft_attestation draft_waiver explain_control explain_license explain_proof judge lint_policy lock_policy "
        "measure open_people plan_rows read_bundle read_log release remedy render resolve_policy revoke_key "
        "revoke_release rmf_table rotate_key run_policy_tests seal selfcheck_bytes sign_attestation sign_waiver "
        "suggest_suite verified_load verify verify_pdf write_findings write_verdict"
    ),
    "policy": "packs policy_digest:digest",
    "selfcheck": "plant_faults",
    "subjects": "Ancestry compare_weights",
    "watch": "acknowledge_alarms look_once sign_month",
}
"""Room -> its public names; ``NAME:INNER`` where the room calls it otherwise."""

_HOME = {
    name: (room, inner or name)
    for room, names in _ROOMS.items()
    for name, _, inner in (each.partition(":") for each in names.split())
}

__all__ = [
    "Ancestry",
    "Audit",
    "Bundle",
    "Case",
    "Check",
    "Comparison",
    "EvidenceError",
    "Gap",
    "GovkitError",
    "LicenseCheck",
    "LicenseFacts",
    "Measurement",
    "Metric",
    "Policy",
    "Predictions",
    "Released",
    "Remedied",
    "Replay",
    "Role",
    "Ruling",
    "Run",
    "UsageError",
    "Verdict",
    "VerdictError",
    "Verification",
    "VerifiedPdf",
    "accept_rotation",
    "acknowledge_alarms",
    "assert_policy",
    "attest",
    "audit",
    "begin_policy",
    "catalog",
    "check",
    "check_licenses",
    "compare_bundles",
    "compare_policies",
    "compare_weights",
    "countersign",
    "describe",
    "draft_attestation",
    "draft_waiver",
    "explain_control",
    "explain_license",
    "explain_proof",
    "find_demo",
    "judge",
    "lint_policy",
    "load_key",
    "lock_policy",
    "look_once",
    "measure",
    "new_key",
    "open_people",
    "packs",
    "plan_rows",
    "plant_faults",
    "policy_digest",
    "read_bundle",
    "read_log",
    "read_run",
    "record",
    "record_script",
    "release",
    "remedy",
    "render",
    "replay",
    "resolve_policy",
    "revoke_key",
    "revoke_release",
    "rmf_table",
    "rotate_key",
    "run_policy_tests",
    "seal",
    "selfcheck_bytes",
    "sign_attestation",
    "sign_month",
    "sign_waiver",
    "suggest_suite",
    "verified_load",
    "verify",
    "verify_pdf",
    "write_findings",
    "write_verdict",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'govkit' has no attribute {name!r}")
    room, inner = _HOME[name]
    return getattr(importlib.import_module(f"govkit.{room}"), inner)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
