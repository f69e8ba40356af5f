"""Signed evidence: canonical JSON, keys and trust, statements, and the seal over a bundle.

``attest`` signs run, findings and verdict; ``seal`` signs the release, which binds every file; ``check_signatures``
verifies all of it with a trust file of the verifier's own. Whether the policy is met is judged elsewhere, again.
"""

from __future__ import annotations

from govkit.evidence.bundle import attest, seal
from govkit.evidence.canonical import digest, dumps, loads
from govkit.evidence.keys import SigningKey, load_key, new_key, throwaway_key, trust_of
from govkit.evidence.locks import LOCK_FILE, HeldLock, Lock, LockedPolicy, open_lock, sign_lock
from govkit.evidence.people import SORTS, People, Signed, Sort, collect, open_folder, open_signed, sign_record
from govkit.evidence.predicates import MeasuredRows, type_of
from govkit.evidence.statement import Statement, open_statement, read_bytes, read_unverified, sign
from govkit.evidence.trust import ROLES, SignerRole, Trust, TrustedKey, join_trust, read_trust, write_trust
from govkit.evidence.verify import Evidence, check_signatures

__all__ = [
    "LOCK_FILE",
    "ROLES",
    "SORTS",
    "Evidence",
    "HeldLock",
    "Lock",
    "LockedPolicy",
    "MeasuredRows",
    "People",
    "Signed",
    "SignerRole",
    "SigningKey",
    "Sort",
    "Statement",
    "Trust",
    "TrustedKey",
    "attest",
    "check_signatures",
    "collect",
    "digest",
    "dumps",
    "join_trust",
    "load_key",
    "loads",
    "new_key",
    "open_folder",
    "open_lock",
    "open_signed",
    "open_statement",
    "read_bytes",
    "read_trust",
    "read_unverified",
    "seal",
    "sign",
    "sign_lock",
    "sign_record",
    "throwaway_key",
    "trust_of",
    "type_of",
    "write_trust",
]
