"""The public names of govkit and where each is at home: the one list, for people, editors and the import."""

from govkit.checks import catalog as catalog, describe as describe
from govkit.core import (
    Audit as Audit,
    Case as Case,
    Check as Check,
    Gap as Gap,
    Measurement as Measurement,
    Metric as Metric,
    Policy as Policy,
    Predictions as Predictions,
    Role as Role,
    Ruling as Ruling,
    Run as Run,
    Verdict as Verdict,
    check as check,
)
from govkit.demos import find_demo as find_demo
from govkit.errors import (
    EvidenceError as EvidenceError,
    GovkitError as GovkitError,
    UsageError as UsageError,
    VerdictError as VerdictError,
)
from govkit.evidence import load_key as load_key, new_key as new_key
from govkit.lineage import (
    Replay as Replay,
    read_run as read_run,
    record as record,
    record_script as record_script,
    replay as replay,
)
from govkit.pipeline.asserting import assert_policy as assert_policy
from govkit.pipeline.bundle import Bundle as Bundle, read_bundle as read_bundle
from govkit.pipeline.comparing import Comparison as Comparison, compare_bundles as compare_bundles
from govkit.pipeline.files import write_findings as write_findings, write_verdict as write_verdict
from govkit.pipeline.forms import (
    draft_attestation as draft_attestation,
    draft_waiver as draft_waiver,
    sign_attestation as sign_attestation,
    sign_waiver as sign_waiver,
)
from govkit.pipeline.keys import accept_rotation as accept_rotation, revoke_key as revoke_key, rotate_key as rotate_key
from govkit.pipeline.licensing import (
    LicenseCheck as LicenseCheck,
    LicenseFacts as LicenseFacts,
    check_licenses as check_licenses,
    explain_license as explain_license,
)
from govkit.pipeline.loading import verified_load as verified_load
from govkit.pipeline.locking import lock_policy as lock_policy
from govkit.pipeline.people import open_people as open_people
from govkit.pipeline.points import explain_proof as explain_proof
from govkit.pipeline.policy import (
    begin_policy as begin_policy,
    compare_policies as compare_policies,
    explain_control as explain_control,
    lint_policy as lint_policy,
    plan_rows as plan_rows,
    resolve_policy as resolve_policy,
    rmf_table as rmf_table,
    run_policy_tests as run_policy_tests,
)
from govkit.pipeline.releasing import (
    Released as Released,
    countersign as countersign,
    read_log as read_log,
    release as release,
    revoke_release as revoke_release,
)
from govkit.pipeline.remedying import Remedied as Remedied, remedy as remedy
from govkit.pipeline.selfcheck import selfcheck_bytes as selfcheck_bytes
from govkit.pipeline.steps import (
    attest as attest,
    audit as audit,
    judge as judge,
    measure as measure,
    render as render,
    seal as seal,
)
from govkit.pipeline.suggesting import suggest_suite as suggest_suite
from govkit.pipeline.verification import Verification as Verification, verify as verify
from govkit.pipeline.verifying_pdf import VerifiedPdf as VerifiedPdf, verify_pdf as verify_pdf
from govkit.policy import packs as packs, policy_digest as policy_digest
from govkit.selfcheck import plant_faults as plant_faults
from govkit.subjects import Ancestry as Ancestry, compare_weights as compare_weights
from govkit.watch import acknowledge_alarms as acknowledge_alarms, look_once as look_once, sign_month as sign_month

__version__: str
