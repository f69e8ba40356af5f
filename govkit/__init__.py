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
    from govkit.checks import catalog, describe, group_rates
    from govkit.core import (
        Attestation,
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
        SelfCheck,
        Trial,
        Verdict,
        Waiver,
        check,
    )
    from govkit.data import count_table
    from govkit.demos import find as find_demo
    from govkit.errors import EvidenceError, GovkitError, UsageError, VerdictError
    from govkit.evidence import load_key, new_key
    from govkit.lineage import Replay, read_run, record, record_script, replay
    from govkit.pipeline import (
        Bundle,
        LicenseCheck,
        LicenseFacts,
        Remedied,
        Verification,
        assert_policy,
        attest,
        audit,
        begin_policy,
        check_licenses,
        compare_policies,
        draft_attestation,
        draft_waiver,
        explain_control,
        explain_license,
        judge,
        lint_file,
        lock_policy,
        measure,
        open_people,
        plan_rows,
        read_bundle,
        read_selfcheck,
        remedy,
        render,
        resolve_policy,
        rmf_table,
        run_policy_tests,
        seal,
        selfcheck_bytes,
        sign_attestation,
        sign_waiver,
        suggest_suite,
        verify,
    )
    from govkit.pipeline.files import write_findings, write_verdict
    from govkit.policy import digest as policy_digest
    from govkit.policy import lint as lint_policy
    from govkit.policy import load as load_policy
    from govkit.policy import packs
    from govkit.selfcheck import plant_faults
    from govkit.subjects import Ancestry, compare_weights
    from govkit.watch import acknowledge_alarms, look_once, sign_month

__version__ = "0.1.0"

# Set before any library loads: none of them may send anything.
for _switch in ("DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_switch, "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

_HOME = {
    "Ancestry": "subjects",
    "Attestation": "core",
    "Audit": "core",
    "Bundle": "pipeline",
    "Case": "core",
    "Check": "core",
    "EvidenceError": "errors",
    "Gap": "core",
    "GovkitError": "errors",
    "LicenseCheck": "pipeline",
    "LicenseFacts": "pipeline",
    "Measurement": "core",
    "Metric": "core",
    "Policy": "core",
    "Predictions": "core",
    "Remedied": "pipeline",
    "Replay": "lineage",
    "Role": "core",
    "Ruling": "core",
    "Run": "core",
    "SelfCheck": "core",
    "Trial": "core",
    "UsageError": "errors",
    "Verdict": "core",
    "VerdictError": "errors",
    "Verification": "pipeline",
    "Waiver": "core",
    "acknowledge_alarms": "watch",
    "assert_policy": "pipeline",
    "attest": "pipeline",
    "audit": "pipeline",
    "begin_policy": "pipeline",
    "catalog": "checks",
    "check": "core",
    "check_licenses": "pipeline",
    "compare_policies": "pipeline",
    "compare_weights": "subjects",
    "count_table": "data",
    "describe": "checks",
    "draft_attestation": "pipeline",
    "draft_waiver": "pipeline",
    "explain_control": "pipeline",
    "explain_license": "pipeline",
    "find_demo": "demos:find",
    "group_rates": "checks",
    "judge": "pipeline",
    "lint_file": "pipeline",
    "lock_policy": "pipeline",
    "lint_policy": "policy:lint",
    "load_key": "evidence",
    "load_policy": "policy:load",
    "look_once": "watch",
    "measure": "pipeline",
    "new_key": "evidence",
    "open_people": "pipeline",
    "packs": "policy",
    "plan_rows": "pipeline",
    "plant_faults": "selfcheck",
    "policy_digest": "policy:digest",
    "read_bundle": "pipeline",
    "read_run": "lineage",
    "read_selfcheck": "pipeline",
    "record": "lineage",
    "record_script": "lineage",
    "remedy": "pipeline",
    "render": "pipeline",
    "replay": "lineage",
    "resolve_policy": "pipeline",
    "rmf_table": "pipeline",
    "run_policy_tests": "pipeline",
    "seal": "pipeline",
    "selfcheck_bytes": "pipeline",
    "sign_attestation": "pipeline",
    "sign_month": "watch",
    "sign_waiver": "pipeline",
    "suggest_suite": "pipeline",
    "verify": "pipeline",
    "write_findings": "pipeline",
    "write_verdict": "pipeline",
}

__all__ = [
    "Ancestry",
    "Attestation",
    "Audit",
    "Bundle",
    "Case",
    "Check",
    "EvidenceError",
    "Gap",
    "GovkitError",
    "LicenseCheck",
    "LicenseFacts",
    "Measurement",
    "Metric",
    "Policy",
    "Predictions",
    "Remedied",
    "Replay",
    "Role",
    "Ruling",
    "Run",
    "SelfCheck",
    "Trial",
    "UsageError",
    "Verdict",
    "VerdictError",
    "Verification",
    "Waiver",
    "acknowledge_alarms",
    "assert_policy",
    "attest",
    "audit",
    "begin_policy",
    "catalog",
    "check",
    "check_licenses",
    "compare_policies",
    "compare_weights",
    "count_table",
    "describe",
    "draft_attestation",
    "draft_waiver",
    "explain_control",
    "explain_license",
    "find_demo",
    "group_rates",
    "judge",
    "lint_file",
    "lint_policy",
    "load_key",
    "load_policy",
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
    "read_run",
    "read_selfcheck",
    "record",
    "record_script",
    "remedy",
    "render",
    "replay",
    "resolve_policy",
    "rmf_table",
    "run_policy_tests",
    "seal",
    "selfcheck_bytes",
    "sign_attestation",
    "sign_month",
    "sign_waiver",
    "suggest_suite",
    "verify",
    "write_findings",
    "write_verdict",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its room when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'govkit' has no attribute {name!r}")
    room, _, inner = _HOME[name].partition(":")
    return getattr(importlib.import_module(f"govkit.{room}"), inner or name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
