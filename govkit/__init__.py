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
        Verdict,
        Waiver,
        check,
    )
    from govkit.data import count_table
    from govkit.demos import find as find_demo
    from govkit.errors import EvidenceError, GovkitError, UsageError
    from govkit.evidence import load_key, new_key
    from govkit.lineage import Replay, read_run, record, record_script, replay
    from govkit.pipeline import (
        Bundle,
        LicenseCheck,
        LicenseFacts,
        Remedied,
        Verification,
        attest,
        audit,
        check_licenses,
        explain_license,
        judge,
        measure,
        read_bundle,
        remedy,
        render,
        resolve_policy,
        seal,
        suggest_suite,
        verify,
    )
    from govkit.pipeline.steps import write_findings, write_verdict
    from govkit.policy import digest as policy_digest
    from govkit.policy import lint as lint_policy
    from govkit.policy import load as load_policy
    from govkit.policy import packs
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
    "UsageError": "errors",
    "Verdict": "core",
    "Verification": "pipeline",
    "Waiver": "core",
    "acknowledge_alarms": "watch",
    "attest": "pipeline",
    "audit": "pipeline",
    "catalog": "checks",
    "check": "core",
    "check_licenses": "pipeline",
    "compare_weights": "subjects",
    "count_table": "data",
    "describe": "checks",
    "explain_license": "pipeline",
    "find_demo": "demos:find",
    "group_rates": "checks",
    "judge": "pipeline",
    "lint_policy": "policy:lint",
    "load_key": "evidence",
    "load_policy": "policy:load",
    "look_once": "watch",
    "measure": "pipeline",
    "new_key": "evidence",
    "packs": "policy",
    "policy_digest": "policy:digest",
    "read_bundle": "pipeline",
    "read_run": "lineage",
    "record": "lineage",
    "record_script": "lineage",
    "remedy": "pipeline",
    "render": "pipeline",
    "replay": "lineage",
    "resolve_policy": "pipeline",
    "seal": "pipeline",
    "sign_month": "watch",
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
    "UsageError",
    "Verdict",
    "Verification",
    "Waiver",
    "acknowledge_alarms",
    "attest",
    "audit",
    "catalog",
    "check",
    "check_licenses",
    "compare_weights",
    "count_table",
    "describe",
    "explain_license",
    "find_demo",
    "group_rates",
    "judge",
    "lint_policy",
    "load_key",
    "load_policy",
    "look_once",
    "measure",
    "new_key",
    "packs",
    "policy_digest",
    "read_bundle",
    "read_run",
    "record",
    "record_script",
    "remedy",
    "render",
    "replay",
    "resolve_policy",
    "seal",
    "sign_month",
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
