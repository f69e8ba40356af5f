"""Signed evidence: canonical JSON, keys and trust, statements, and the seal over a bundle.

``attest`` signs run, findings and verdict; ``seal`` signs the release, which binds every file; ``check_signatures``
verifies all of it with a trust file of the verifier's own. Whether the policy is met is judged elsewhere, again.
"""

from __future__ import annotations

from govkit.evidence.bundle import attest, seal
from govkit.evidence.canonical import digest, dumps, loads
from govkit.evidence.countersign import (
    FOLDER as COUNTERSIGNATURES,
    CounterRole,
    Countersignature,
    Countersigned,
    check_demanded,
    open_countersignature,
    sign_countersignature,
)
from govkit.evidence.key_files import refuse_secrets
from govkit.evidence.keyless import Keyless, check_keyless, sign_keyless
from govkit.evidence.keys import SigningKey, load_key, new_key, throwaway_key, trust_of, write_key
from govkit.evidence.locks import LOCK_FILE, HeldLock, Lock, LockedPolicy, open_lock, sign_lock
from govkit.evidence.log import LOG_FILE, Entry as LogEntry, ReleaseLog, check_extends, check_listed, open_log, sign_log
from govkit.evidence.log_file import held_log, read_log, replaced_log
from govkit.evidence.measured import (
    MEASURED_FILE,
    HeldMeasured,
    names_measurer,
    notices as measured_notices,
    open_measured,
    sign_measured,
)
from govkit.evidence.openssf import check_model_sig, model_sig
from govkit.evidence.pdf import SignedPdf, check_pdf, sign_pdf
from govkit.evidence.people import SORTS, People, Signed, Sort, collect, open_folder, open_signed, sign_record
from govkit.evidence.predicates import UNSIGNED, MeasuredRows, Release, type_of
from govkit.evidence.rotation import (
    OVERLAP_DAYS,
    ROTATION_FILE,
    Accepted,
    Rotated,
    accept_rotation,
    revoke_key,
    rotate_key,
)
from govkit.evidence.stamp import STAMP_FILE, check_bundle_stamp, check_stamp
from govkit.evidence.statement import (
    Statement,
    open_statement,
    read_bytes,
    read_unverified,
    sign,
    unverified_payload,
)
from govkit.evidence.trust import (
    ROLES,
    SignerRole,
    TimestampAuthority,
    Trust,
    TrustedKey,
    join_trust,
    read_trust,
    replace_trust,
    write_trust,
)
from govkit.evidence.verify import Evidence, Reader, check_signatures
